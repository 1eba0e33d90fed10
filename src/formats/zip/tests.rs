use std::io::Write;

use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, ZipWriter};
use bzip2::Compression;
use bzip2::write::BzEncoder;

use super::*;

fn archive(members: &[(&str, &[u8], CompressionMethod, bool)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
    for &(name, content, method, wide) in members {
        let options = SimpleFileOptions::default().compression_method(method).large_file(wide);
        writer.start_file(name, options).expect("starts");
        writer.write_all(content).expect("writes");
    }
    writer.finish().expect("finishes").into_inner()
}

/// Two entries, the second of which is `content` called `odd`.
fn with_odd(content: &[u8]) -> Vec<u8> {
    archive(&[
        ("plain", b"hello", CompressionMethod::Stored, false),
        ("odd", content, CompressionMethod::Stored, false),
    ])
}

/// Sets two bytes of the last entry of the directory.
fn patch(bytes: &mut [u8], at: usize, value: u16) {
    let entry = bytes.windows(4).rposition(|w| w == b"PK\x01\x02").expect("there");
    bytes[entry + at..entry + at + 2].copy_from_slice(&value.to_le_bytes());
}

fn open(bytes: &[u8]) -> io::Result<Archive> {
    let mut file = tempfile::NamedTempFile::new().expect("temporary file");
    file.write_all(bytes).expect("writes");
    Archive::open(ByteSource::open(file.path()).expect("opens"))
}

fn read(archive: &Archive, name: &str) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    archive.reader(archive.member(name).expect("present"))?.read_to_end(&mut content)?;
    Ok(content)
}

#[test]
fn stored_deflated_and_wide_entries_are_read() {
    let long = vec![7; 100_000];
    let bytes = archive(&[
        ("a/stored", b"hello", CompressionMethod::Stored, false),
        ("a/deflated", &long, CompressionMethod::Deflated, false),
        ("a/wide", b"world", CompressionMethod::Stored, true),
        ("a/empty", b"", CompressionMethod::Stored, false),
    ]);
    let archive = open(&bytes).expect("opens");
    assert_eq!(read(&archive, "a/stored").expect("reads"), b"hello");
    assert_eq!(read(&archive, "a/deflated").expect("reads"), long);
    assert_eq!(read(&archive, "a/wide").expect("reads"), b"world");
    assert_eq!(read(&archive, "a/empty").expect("reads"), b"");
    let member = archive.member("a/deflated").expect("present");
    let mut tail = Vec::new();
    archive.reader_from(member, 99_990).expect("opens").read_to_end(&mut tail).expect("reads");
    assert_eq!(tail, [7; 10]);
}

#[test]
fn bzip2_is_read_as_far_as_a_file_can_hold_what_it_claims() {
    let content: Vec<u8> = (0..200_000u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
    let mut encoder = BzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&content).expect("packs");
    let mut bytes = with_odd(&encoder.finish().expect("packs"));
    patch(&mut bytes, 10, 12);
    let mut crc = flate2::Crc::new();
    crc.update(&content);
    for (at, value) in [(16, crc.sum()), (24, content.len() as u32)] {
        patch(&mut bytes, at, value as u16);
        patch(&mut bytes, at + 2, (value >> 16) as u16);
    }
    let archive = open(&bytes).expect("opens");
    assert_eq!(read(&archive, "odd").expect("reads"), content);
    let member = archive.member("odd").expect("present");
    assert!(Archive::is_packed(member) && member.fault().is_none());
    patch(&mut bytes, 26, 0xf000);
    let claims = open(&bytes).expect("opens");
    assert_eq!(claims.member("odd").and_then(Member::fault), Some(Fault::Size(0xf000_0d40)));
    assert!(read(&claims, "odd").expect_err("refused").to_string().contains("`odd` claims"));
}

#[test]
fn an_odd_entry_is_named_for_what_it_is_and_the_others_are_read() {
    for (at, value, kind, expected) in [
        (8, 1, io::ErrorKind::Unsupported, "zip entry `odd` is encrypted with a password; unpack"),
        (
            10,
            14,
            io::ErrorKind::Unsupported,
            "zip entry `odd` is compressed with LZMA (method 14), which is not",
        ),
        (10, 77, io::ErrorKind::Unsupported, "compressed with method 77"),
        (24, 200, io::ErrorKind::InvalidData, "zip entry `odd` claims 200 bytes, more than"),
    ] {
        let mut bytes = with_odd(b"something");
        patch(&mut bytes, at, value);
        let archive = open(&bytes).expect("opens");
        assert_eq!(read(&archive, "plain").expect("reads"), b"hello", "{expected}");
        let error = read(&archive, "odd").expect_err("refused");
        assert!(error.to_string().contains(expected) && error.kind() == kind, "{error}");
    }
    let mut bytes = archive(&[
        ("aa", b"1", CompressionMethod::Stored, false),
        ("ab", b"2", CompressionMethod::Stored, false),
        ("c", b"3", CompressionMethod::Stored, false),
    ]);
    while let Some(at) = bytes.windows(2).position(|w| w == b"ab") {
        bytes[at + 1] = b'a';
    }
    let archive = open(&bytes).expect("opens");
    assert!(read(&archive, "aa").expect_err("which?").to_string().contains("twice"));
    assert_eq!(read(&archive, "c").expect("reads"), b"3");
}

#[test]
fn names_are_bytes() {
    let mut bytes = with_odd(b"something");
    while let Some(at) = bytes.windows(3).position(|w| w == b"odd") {
        bytes[at] = 0xd6;
    }
    let archive = open(&bytes).expect("opens");
    assert_eq!(archive.names().collect::<Vec<_>>(), ["plain"]);
    assert!(archive.members().any(|(name, _)| name == b"\xd6dd"));
}

#[test]
fn parts_of_a_split_archive_are_named_as_such() {
    let mut bytes = with_odd(b"something");
    let end = bytes.len() - 22;
    bytes[end + 4] = 1;
    let error = open(&bytes).expect_err("a part");
    assert!(error.to_string().contains("one part of a split zip archive"), "{error}");
    let first = [b"PK\x07\x08".as_slice(), &bytes[..40]].concat();
    assert!(open(&first).expect_err("a part").to_string().contains("split"));
}

#[test]
fn an_archive_behind_a_program_is_read() {
    let bytes = [vec![0x90; 1000], with_odd(b"something")].concat();
    assert_eq!(read(&open(&bytes).expect("opens"), "odd").expect("reads"), b"something");
}

#[test]
fn a_changed_byte_and_a_cut_directory_are_noticed() {
    let mut bytes = archive(&[("x", b"some content", CompressionMethod::Stored, false)]);
    let at = bytes.windows(4).position(|w| w == b"some").expect("there");
    bytes[at] ^= 1;
    assert!(read(&open(&bytes).expect("opens"), "x").is_err());
    assert!(open(b"").is_err());
    assert!(open(&bytes[..bytes.len() - 1]).is_err());
    let mut bytes = with_odd(b"something");
    let entry = bytes.windows(4).rposition(|w| w == b"PK\x01\x02").expect("there");
    bytes[entry] = 0;
    let error = open(&bytes).expect_err("an entry is missing").to_string();
    assert!(error.contains("breaks off after 1 entries"), "{error}");
}
