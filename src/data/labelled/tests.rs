use std::path::PathBuf;

use super::*;
use crate::data::{OpenOptions, open};

fn files(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/files/labelled").join(name)
}

fn opened(
    kind: &str,
    path: &std::path::Path,
    size: Option<usize>,
) -> Result<std::sync::Arc<dyn Dataset>, String> {
    open(&format!("{kind}:{}", path.display()), size, &OpenOptions::default())
        .map_err(|error| error.to_string())
}

/// What `scripts/make-labelled-sets` writes.
fn value(row: usize, column: usize, channel: usize, number: usize) -> f32 {
    ((row + 8 * column + 60 * channel + 20 * number) % 256) as f32 / 255.0
}

fn check(set: &dyn Dataset, shape: [usize; 3], names: &[&str], classes: &[usize]) {
    assert_eq!((set.len(), set.picture_shape(), set.may_flip()), (classes.len(), shape, false));
    let labels = set.labels().expect("labelled");
    assert_eq!(
        (labels.factor().names.as_slice(), set.factors().len()),
        (&*names.iter().map(ToString::to_string).collect::<Vec<_>>(), 1)
    );
    let [channels, side, _] = shape;
    let mut picture = vec![f32::NAN; channels * side * side];
    for (index, &class) in classes.iter().enumerate() {
        assert_eq!(set.classes(index), [class]);
        set.read(index, 0, &mut picture).expect("reads");
        for (place, &read) in picture.iter().enumerate() {
            let (channel, place) = (place / (side * side), place % (side * side));
            assert_eq!(
                read,
                value(place / side, place % side, channel, index),
                "{channel} {place} of {index}"
            );
        }
    }
}

#[test]
fn both_parts_of_mnist_are_read_plain_and_compressed() {
    let set = opened("mnist", &files("mnist"), None).expect("opens");
    check(&*set, [1, 28, 28], &["0", "1", "2", "3", "4"], &[0, 1, 2, 3, 4]);
    let set = opened("mnist-test", &files("mnist"), None).expect("opens");
    check(&*set, [1, 28, 28], &["5", "6", "7", "8", "9"], &[4, 3, 2, 1, 0]);
}

#[test]
fn files_are_found_where_torchvision_puts_them() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let raw = folder.path().join("MNIST/raw");
    std::fs::create_dir_all(&raw).expect("makes");
    for file in std::fs::read_dir(files("mnist")).expect("lists") {
        let file = file.expect("an entry");
        std::fs::copy(file.path(), raw.join(file.file_name())).expect("copies");
    }
    assert_eq!(opened("mnist-test", folder.path(), None).expect("opens").len(), 5);
    let error = opened("mnist", &raw.join("gone"), None).err().expect("not there");
    assert!(error.starts_with("there is no train-images-idx3-ubyte"), "{error}");
}

#[test]
fn svhn_is_read_compressed_and_plain_and_ten_is_zero() {
    for name in ["svhn.mat", "svhn_plain.mat"] {
        let set = opened("svhn", &files(name), None).expect("opens");
        check(&*set, [3, 32, 32], &["0", "1", "9"], &[0, 1, 2]);
    }
}

#[test]
fn pictures_are_scaled_where_another_size_is_asked_for() {
    let set = opened("mnist", &files("mnist"), Some(56)).expect("opens");
    assert_eq!(set.picture_shape(), [1, 56, 56]);
    let mut large = vec![f32::NAN; 56 * 56];
    set.read(0, 0, &mut large).expect("reads");
    // away from the edges and from where values wrap around, a slope stays a slope
    let (row, column) = (20, 20);
    let expected = (row as f32 / 2.0 - 0.25 + 8.0 * (column as f32 / 2.0 - 0.25)) / 255.0;
    assert!((large[row * 56 + column] - expected).abs() < 2.0 / 255.0, "{}", large[row * 56 + column]);
    assert!(opened("mnist", &files("mnist"), Some(4)).err().is_some_and(|error| error.contains("8 to 2048")));
}

#[test]
fn damaged_files_are_refused_in_words() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let pictures = std::fs::read(files("mnist/train-images-idx3-ubyte")).expect("reads");
    let labels = std::fs::read(files("mnist/train-labels-idx1-ubyte")).expect("reads");
    let error_of = |pictures: &[u8], labels: &[u8]| {
        std::fs::write(folder.path().join("train-images-idx3-ubyte"), pictures).expect("writes");
        std::fs::write(folder.path().join("train-labels-idx1-ubyte"), labels).expect("writes");
        opened("mnist", folder.path(), None).err().expect("refused")
    };
    let cut = error_of(&pictures[..1000], &labels);
    assert!(cut.contains("should hold 3920 values and holds 984"), "{cut}");
    let longer = [&pictures[..], b"more"].concat();
    assert!(error_of(&longer, &labels).contains("more than the 3920 values"));
    assert!(error_of(&labels, &labels).contains("no idx file of bytes in 3 dimension(s)"));
    assert!(error_of(b"", &labels).contains("ends too early"));
    let mut claiming = pictures.clone();
    claiming[4..8].fill(0xff);
    assert!(error_of(&claiming, &labels).contains("more than the 256 MiB"));
    let mut flat = pictures.clone();
    (flat[11], flat[15]) = (14, 56);
    assert!(error_of(&flat, &labels).contains("square pictures, not 5 of 56x14"));
    let fewer = [&[0, 0, 8, 1, 0, 0, 0, 4][..], &labels[8..12]].concat();
    assert!(error_of(&pictures, &fewer).contains("4 labels for 5 pictures"));
    let packed = std::fs::read(files("mnist/t10k-images-idx3-ubyte.gz")).expect("reads");
    assert!(error_of(&packed[..packed.len() / 2], &labels).contains("ends too early"));
}

#[test]
fn other_matlab_files_are_refused_in_words() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("train_32x32.mat");
    let error_of = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("writes");
        opened("svhn", &path, None).err().expect("refused")
    };
    let plain = std::fs::read(files("svhn_plain.mat")).expect("reads");
    let cars = std::fs::read(files("../annotations_plain.mat")).expect("reads");
    assert!(error_of(&cars).contains("no arrays X and y"));
    assert!(error_of(&plain[..5000]).contains("ends in the middle of a value"));
    let last = plain.len() - 8;
    let mut other = plain.clone();
    assert_eq!(&other[last + 4..], [10, 1, 9, 0], "the labels");
    other[last + 6] = 11;
    assert!(error_of(&other).contains("numbers from 1 to 10, not 11"));
    let at = plain.windows(16).position(|shape| shape == [32, 0, 0, 0, 32, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0]);
    other.clone_from(&plain);
    other[at.expect("the shape of X") + 12] = 4;
    assert!(error_of(&other).contains("numbers that its shape says"), "{}", error_of(&other));
    // a whole file of another shape
    let at = at.expect("the shape of X");
    other.clone_from(&plain);
    (other[at], other[at + 4]) = (16, 64);
    assert!(error_of(&other).contains("X should be of shape (32, 32, 3, 3)"));
}
