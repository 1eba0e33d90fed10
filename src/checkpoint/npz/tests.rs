use std::io::{Read, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::base::Array;

use super::*;

fn archive(path: &Path, method: CompressionMethod, members: &[(&str, Vec<u8>)]) {
    let mut writer = ZipWriter::new(std::fs::File::create(path).expect("creates"));
    for (name, content) in members {
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(*name, options).expect("starts");
        writer.write_all(content).expect("writes");
    }
    writer.finish().expect("finishes");
}

fn npy(descr: &str, order: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    // A structure's description is a list, every other one a text.
    let quote = if descr.starts_with('[') { "" } else { "'" };
    let text = format!("{{'descr': {quote}{descr}{quote}, 'fortran_order': {order}, 'shape': {shape}}}\n");
    let mut content = b"\x93NUMPY\x01\x00".to_vec();
    content.extend((text.len() as u16).to_le_bytes());
    content.extend(text.as_bytes());
    content.extend(bytes);
    content
}

#[test]
fn what_is_written_is_read_back() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("x.npz");
    let array = Array::new([2, 3], vec![0.0, 1.5, -2.0, f32::INFINITY, 4.0, 5.0]).expect("fits");
    let arrays = [
        ("codes", NpzArray::F32(&array)),
        ("bytes", NpzArray::U8(&[2], &[7, 255])),
        ("numbers", NpzArray::I64(&[1, 1], &[-3])),
        ("note", NpzArray::Text("idgan sample, β")),
    ];
    write_npz(&path, &arrays).expect("writes");
    let first = std::fs::read(&path).expect("reads");
    write_npz(&path, &arrays).expect("writes");
    assert_eq!(first, std::fs::read(&path).expect("reads"));
    let mut file = NpzFile::open(&path).expect("opens");
    assert_eq!(file.names(), ["bytes", "codes", "note", "numbers"]);
    assert_eq!(file.array("codes").expect("reads"), array);
    assert_eq!(file.array("bytes").expect("reads").data(), [7.0, 255.0]);
    assert_eq!(file.array("numbers").expect("reads").shape(), [1, 1]);
    assert!(file.array("note").expect_err("text").to_string().contains("type <U15 (texts)"));
    let missing = file.array("absent").expect_err("missing").to_string();
    assert!(missing.contains("no array `absent`; it has: bytes, codes"), "{missing}");
}

#[test]
fn either_order_and_compression_is_read() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("x.npz");
    let bytes: Vec<u8> = [1.0f64, 4.0, 2.0, 5.0, 3.0, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        archive(&path, method, &[("a.npy", npy("<f8", "True", "(2, 3)", &bytes))]);
        let array = NpzFile::open(&path).expect("opens").array("a").expect("reads");
        assert_eq!(array.data(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let mut member = NpzFile::open(&path).expect("opens").member("a").expect("opens");
        assert_eq!((member.dtype, member.fortran_order), (DType::F64, true));
        let mut streamed = Vec::new();
        member.read_to_end(&mut streamed).expect("reads");
        assert_eq!(streamed, bytes);
    }
}

#[test]
fn numbers_of_every_type_and_order_of_bytes_are_read() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("x.npz");
    let cases: [(&str, &[u8]); 17] = [
        (">f4", &[0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0]),
        (">f8", &[0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0]),
        (">f2", &[0x3c, 0, 0xc0, 0]),
        (">i2", &[0, 1, 0xff, 0xfe]),
        (">i4", &[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe]),
        (">i8", &[0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]),
        ("=f4", &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]),
        ("f4", &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]),
        ("<i2", &[1, 0, 0xfe, 0xff]),
        (">i1", &[1, 0xfe]),
        ("i1", &[1, 0xfe]),
        ("|i1", &[1, 0xfe]),
        // Unsigned ones cannot be -2.
        (">u2", &[0, 1, 1, 0]),
        (">u4", &[0, 0, 0, 1, 0, 0, 1, 0]),
        (">u8", &[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0]),
        ("<u2", &[1, 0, 0, 1]),
        ("?", &[1, 0]),
    ];
    for (descr, bytes) in cases {
        let second = if descr == "?" {
            0.0
        } else if descr.contains('u') {
            256.0
        } else {
            -2.0
        };
        archive(&path, CompressionMethod::Deflated, &[("a.npy", npy(descr, "False", "(2L,)", bytes))]);
        let mut file = NpzFile::open(&path).expect("opens");
        assert_eq!(file.array("a").expect(descr).data(), [1.0, second], "{descr}");
        // In pieces that end inside of numbers, too.
        let mut member = file.member("a").expect("opens");
        let (mut pieces, mut piece) = (Vec::new(), [0; 3]);
        while let count @ 1.. = member.read(&mut piece).expect("reads") {
            pieces.extend_from_slice(&piece[..count]);
        }
        let mut values = Vec::new();
        member.dtype.decode(&pieces, &mut values);
        assert_eq!(values, [1.0, second], "{descr} in pieces");
    }
}

#[test]
fn a_single_array_is_a_file_of_one() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("x.npy");
    std::fs::write(&path, npy(">f4", "True", "(1, 2)", &[0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0])).expect("writes");
    let mut file = NpzFile::open(&path).expect("opens");
    assert_eq!((file.names(), file.contains(UNNAMED), file.contains("c")), (vec![UNNAMED], true, false));
    assert_eq!(file.array(UNNAMED).expect("reads").data(), [1.0, -2.0]);
    std::fs::write(&path, npy("<f4", "False", "(1, 2)", &[0; 7])).expect("writes");
    assert!(NpzFile::open(&path).expect("opens").array(UNNAMED).is_err(), "cut short");
}

#[test]
fn other_arrays_in_an_archive_do_not_matter() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("x.npz");
    let texts = npy("<U2", "False", "(2,)", &[0; 16]);
    let fields = npy("[('x', '<f4'), ('y', '<f4')]", "False", "(4, 2)", &[0; 64]);
    let objects = npy("|O", "False", "()", b"cos\nsystem\n.");
    let numbers = npy("<f4", "False", "(1, 1)", &[0, 0, 0x80, 0x3f]);
    let members = [("names.npy", texts), ("lm.npy", fields), ("meta.npy", objects), ("c.npy", numbers)];
    archive(&path, CompressionMethod::Stored, &members);
    let mut file = NpzFile::open(&path).expect("opens");
    assert_eq!(file.shapes().expect("sound"), [("c".to_owned(), vec![1, 1])]);
    assert_eq!(file.array("c").expect("reads").data(), [1.0]);
    assert!(file.array("lm").expect_err("refused").to_string().contains("structures of named fields"));
}

#[test]
fn bad_arrays_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("x.npz");
    for (content, expected) in [
        (npy("|O", "False", "(1,)", b"cos\nsystem\n."), "Python objects"),
        (npy("<f16", "False", "(1,)", &[0; 16]), "type <f16 (numbers of extended precision)"),
        (npy(">c8", "False", "(1,)", &[0; 8]), "type >c8 (complex numbers)"),
        (npy("|S2", "False", "(1,)", &[0; 2]), "type |S2 (texts)"),
        (npy("<M8[ns]", "False", "(1,)", &[0; 8]), "(dates or times)"),
        (npy("<f4", "False", "(2,)", &[0; 4]), "does not have the bytes"),
        (npy("<f4", "False", "(1000000000000,)", &[0; 4]), "does not have the bytes"),
        (npy("<f4", "False", "(1,)", &[0; 5]), "does not have the bytes"),
        (b"junk".to_vec(), "ends too early"),
        (vec![b'x'; 100], "damaged"),
    ] {
        archive(&path, CompressionMethod::Deflated, &[("a.npy", content)]);
        let message = NpzFile::open(&path).and_then(|mut f| f.array("a")).expect_err(expected).to_string();
        assert!(message.contains(expected), "{message}");
        assert!(message.ends_with("x.npz"), "{message}");
    }
    std::fs::write(&path, b"").expect("writes");
    assert!(NpzFile::open(&path).is_err());
}

#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("x.npz");
    let zeros = vec![0u8; 140 << 20];
    archive(&path, CompressionMethod::Deflated, &[("a.npy", npy("|u1", "False", "(146800640,)", &zeros))]);
    let message = NpzFile::open(&path).and_then(|mut f| f.array("a")).expect_err("refused").to_string();
    assert!(message.contains("many times the size"), "{message}");
}
