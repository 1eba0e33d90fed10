//! Files that h5py has written (`scripts/make-factor-sets`), whole and damaged.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Dataset, Element, Hdf5File};
use crate::formats::ByteSource;

/// The kinds of files that are read, by their names.
const KINDS: [&str; 10] = [
    "contiguous",
    "gzip",
    "shuffle",
    "userblock",
    "latest-contiguous",
    "latest-single",
    "latest-fixed",
    "latest-extensible",
    "latest-tree",
    "v108",
];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/known-factors").join(name)
}

fn open(path: &Path) -> io::Result<Hdf5File> {
    Hdf5File::open(ByteSource::open(path).expect("opens"))
}

fn dataset(path: &Path, name: &str) -> io::Result<Dataset> {
    open(path)?.dataset(name).transpose().unwrap_or_else(|| Err(ErrorKind::NotFound.into()))
}

/// All elements, read so many rows at a time.
fn all(set: &Dataset, at_a_time: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut row = vec![0; set.row_bytes() as usize];
    for first in (0..set.shape()[0]).step_by(at_a_time as usize) {
        let rows = set.rows(first, at_a_time)?;
        for index in 0..at_a_time.min(set.shape()[0] - first) {
            rows.copy(index as usize, &mut row);
            bytes.extend_from_slice(&row);
        }
    }
    Ok(bytes)
}

/// Reads the pictures and labels of a file.
fn read(path: &Path) -> io::Result<(Vec<u8>, Vec<f64>)> {
    let (images, labels) = (dataset(path, "images")?, dataset(path, "labels")?);
    Ok((all(&images, 7)?, labels.element().numbers(&all(&labels, 100)?)))
}

/// What the script writes.
fn value(number: usize, row: usize, column: usize, channel: usize) -> u8 {
    ((row + 8 * column + 60 * channel + 20 * number) % 256) as u8
}

#[test]
fn every_kind_of_file_is_read() {
    for kind in KINDS {
        let path = file(&format!("shapes3d-{kind}.h5"));
        let images = dataset(&path, "images").unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!((images.shape(), images.element()), (&[24, 8, 8, 3][..], Element::BYTE), "{kind}");
        let (pixels, labels) = read(&path).unwrap_or_else(|error| panic!("{kind}: {error}"));
        let expected = (0..24 * 192).map(|at| value(at / 192, at / 24 % 8, at / 3 % 8, at % 3));
        assert!(pixels.iter().copied().eq(expected), "{kind}: {pixels:?}");
        assert_eq!(labels[..6], [0.0, 0.0, 0.0, 0.75, 0.0, -30.0], "{kind}");
        let turn = -30.0 + 60.0 / 14.0 * 2.0;
        assert_eq!(labels[23 * 6..22 * 6 + 11], [0.0, 0.1, 0.0, 0.75 + 0.5 / 7.0, 1.0], "{kind}");
        assert!((labels[23 * 6 + 5] - turn).abs() < 1e-12, "{kind}");
    }
}

#[test]
fn indices_of_many_blocks_are_followed() {
    for (name, set) in
        [("indices", "growing"), ("indices", "fixed"), ("indices", "tree"), ("indices-earliest", "tree")]
    {
        let set = dataset(&file(&format!("{name}.h5")), set).expect("opens");
        let values = all(&set, 5).expect("reads");
        assert!(
            values.iter().enumerate().all(|(at, &value)| usize::from(value) == at % 251),
            "{name} {set:?}"
        );
        assert_eq!(values.len() as u64, set.shape().iter().product::<u64>());
    }
}

#[test]
fn as_many_rows_are_read_at_a_time_as_chunks_have() {
    let set = dataset(&file("shapes3d-gzip.h5"), "images").expect("opens");
    assert_eq!([1, 192 * 19, 192 * 23, 1 << 20].map(|most| set.rows_at_once(most)), [1, 10, 20, 24]);
    let set = dataset(&file("shapes3d-contiguous.h5"), "images").expect("opens");
    assert_eq!([1, 192 * 19, 1 << 20].map(|most| set.rows_at_once(most)), [1, 19, 24]);
    assert_eq!(all(&set, 24).expect("reads"), all(&set, 1).expect("reads"));
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    let error = dataset(&file("shapes3d-lzf.h5"), "images").expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().starts_with("data set images: it is packed with LZF"), "{error}");
    let mut names: Vec<String> = open(&file("indices.h5")).expect("opens").names().collect();
    names.sort_unstable();
    assert_eq!(names, ["fixed", "growing", "tree"]);
    assert!(open(&file("indices.h5")).expect("opens").dataset("images").expect("no error").is_none());
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("other");
    std::fs::write(&path, b"PK\x03\x04 and so on").expect("writes");
    assert!(open(&path).expect_err("refused").to_string().contains("does not begin as an HDF5 file"));
}

#[test]
fn a_broken_chunk_is_named_with_its_place_and_rows() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("broken.h5");
    let mut bytes = std::fs::read(file("shapes3d-shuffle.h5")).expect("reads");
    // the first deflated picture: zlib's two bytes, and its content after them
    let at = bytes.windows(2).position(|pair| pair == [0x78, 0x5e]).expect("a packed chunk");
    bytes[at + 20] ^= 0x55;
    std::fs::write(&path, bytes).expect("writes");
    let error = read(&path).expect_err("broken").to_string();
    assert!(error.starts_with("data set images, chunk "), "{error}");
    assert!(error.contains(&format!("at byte {at}, rows ")), "{error}");
}

#[test]
fn cut_files_are_refused_and_flipped_bytes_do_no_harm() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("damaged.h5");
    for kind in KINDS {
        let bytes = std::fs::read(file(&format!("shapes3d-{kind}.h5"))).expect("reads");
        for len in (0..bytes.len()).step_by(211) {
            std::fs::write(&path, &bytes[..len]).expect("writes");
            assert!(read(&path).is_err(), "{kind} cut to {len}");
        }
        for at in (0..bytes.len()).step_by(if kind == "contiguous" { 29 } else { 61 }) {
            let mut damaged = bytes.clone();
            damaged[at] ^= [0x01, 0x80, 0xff][at % 3];
            std::fs::write(&path, &damaged).expect("writes");
            let _ = read(&path);
        }
    }
}

#[test]
fn structures_that_lead_in_circles_end() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("circle.h5");
    let bytes = std::fs::read(file("indices-earliest.h5")).expect("reads");
    // every child of every tree becomes that tree itself, on whatever level
    let trees: Vec<usize> = (0..bytes.len() - 4).filter(|&at| &bytes[at..at + 4] == b"TREE").collect();
    assert!(trees.len() > 2);
    for &tree in &trees {
        for at in (tree + 8..(tree + 600).min(bytes.len() - 8)).step_by(8) {
            let mut damaged = bytes.clone();
            damaged[at..at + 8].copy_from_slice(&(tree as u64).to_le_bytes());
            std::fs::write(&path, &damaged).expect("writes");
            let _ = dataset(&path, "tree").and_then(|set| all(&set, 12));
        }
    }
    // an object header that goes on in itself, over and over
    let header = bytes.windows(2).position(|pair| pair == [0x11, 0]).expect("a symbol table's message");
    let mut damaged = bytes.clone();
    damaged[header] = 0x10;
    damaged[header + 8..header + 16].copy_from_slice(&(header as u64).to_le_bytes());
    damaged[header + 16..header + 24].copy_from_slice(&24u64.to_le_bytes());
    std::fs::write(&path, &damaged).expect("writes");
    assert!(open(&path).expect_err("refused").to_string().contains("circles"));
}
