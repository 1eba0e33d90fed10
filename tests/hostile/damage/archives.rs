//! Archives that are sound around damaged content, or damaged in one field of their headers.

use std::io::{Read, Write};

use bzip2::write::BzEncoder;
use flate2::write::{DeflateEncoder, ZlibEncoder};
use flate2::{Compression, Crc};

use super::dice::Dice;
use super::{Form, bytes};

/// One file of an archive.
#[derive(Clone)]
pub struct Member {
    pub name: String,
    pub content: Vec<u8>,
    /// How it is packed in a zip.
    pub method: Method,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Stored,
    Deflated,
    Bzip2,
}

impl Method {
    const ALL: [Self; 3] = [Self::Stored, Self::Deflated, Self::Bzip2];

    /// What a zip archive calls it.
    fn number(self) -> u64 {
        match self {
            Self::Stored => 0,
            Self::Deflated => 8,
            Self::Bzip2 => 12,
        }
    }

    fn packed(self, content: &[u8]) -> Vec<u8> {
        match self {
            Self::Stored => content.to_vec(),
            Self::Deflated => {
                written(DeflateEncoder::new(Vec::new(), Compression::fast()), content).finish().unwrap()
            }
            Self::Bzip2 => {
                written(BzEncoder::new(Vec::new(), bzip2::Compression::fast()), content).finish().unwrap()
            }
        }
    }
}

fn written<W: Write>(mut encoder: W, content: &[u8]) -> W {
    encoder.write_all(content).unwrap();
    encoder
}

/// An archive under construction, with the places of the whole numbers in its headers.
#[derive(Default)]
struct Draft {
    bytes: Vec<u8>,
    fields: Vec<(usize, usize)>,
}

impl Draft {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn number(&mut self, value: u64, width: usize) {
        self.fields.push((self.bytes.len(), width));
        self.put(&value.to_le_bytes()[..width]);
    }

    fn numbers(&mut self, numbers: &[(u64, usize)]) {
        numbers.iter().for_each(|&(value, width)| self.number(value, width));
    }
}

/// A zip archive of `members`.
pub fn zip(members: &[Member]) -> Vec<u8> {
    draft_zip(members).bytes
}

fn draft_zip(members: &[Member]) -> Draft {
    let (mut file, mut directory) = (Draft::default(), Draft::default());
    for member in members {
        let packed = member.method.packed(&member.content);
        let (offset, name) = (file.bytes.len() as u64, member.name.as_bytes());
        let sizes = [(crc(&member.content), 4), (packed.len() as u64, 4), (member.content.len() as u64, 4)];
        let common = [(20, 2), (0, 2), (member.method.number(), 2), (0, 2), (0x21, 2)];
        for (draft, mark) in [(&mut file, b"PK\x03\x04"), (&mut directory, b"PK\x01\x02")] {
            draft.put(mark);
            if mark == b"PK\x01\x02" {
                draft.number(20, 2);
            }
            draft.numbers(&common);
            draft.numbers(&sizes);
            draft.numbers(&[(name.len() as u64, 2), (0, 2)]);
        }
        directory.numbers(&[(0, 2), (0, 2), (0, 2), (0, 4), (offset, 4)]);
        directory.put(name);
        file.put(name);
        file.put(&packed);
    }
    let (start, len, count) = (file.bytes.len(), directory.bytes.len() as u64, members.len() as u64);
    file.fields.extend(directory.fields.iter().map(|&(at, width)| (start + at, width)));
    file.put(&directory.bytes);
    file.put(b"PK\x05\x06");
    file.numbers(&[(0, 2), (0, 2), (count, 2), (count, 2), (len, 4), (start as u64, 4), (0, 2)]);
    file
}

/// A zip archive with one member damaged inside, or with headers that lie.
pub fn damage_zip(members: &[Member], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut members = members.to_vec();
    let at = dice.below(members.len());
    match dice.below(8) {
        0 => {
            let mut file = draft_zip(&members);
            for _ in 0..1 + dice.below(2) {
                let (at, width) = *dice.pick(&file.fields);
                bytes::set_number(&mut file.bytes[at..at + width], dice);
            }
            return file.bytes;
        }
        1 => {
            let other = dice.below(members.len());
            let (one, two) = (members[at].name.clone(), members[other].name.clone());
            (members[at].name, members[other].name) = (two, one);
        }
        2 => match dice.below(4) {
            0 => drop(members.remove(at)),
            1 => {
                let copy = members[at].clone();
                members.push(copy);
            }
            2 => {
                let name = *dice.pick(&[
                    "",
                    "/",
                    "../x.npy",
                    "a\u{1b}[2J.npy",
                    "data.pkl",
                    "byteorder",
                    ".hidden.png",
                ]);
                members[at].name = name.into();
            }
            _ => members[at].method = *dice.pick(&Method::ALL),
        },
        _ => {
            let form = Form::of_name(&members[at].name);
            members[at].content = super::rework(form, &members[at].content, other, dice);
        }
    }
    zip(&members)
}

/// A tar archive of `members`.
pub fn tar(members: &[Member]) -> Vec<u8> {
    let mut archive = Vec::new();
    for member in members {
        let mut header = [0; 512];
        header[..member.name.len()].copy_from_slice(member.name.as_bytes());
        header[100..108].copy_from_slice(b"0000644\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", member.content.len()).as_bytes());
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        seal(&mut header);
        archive.extend(header);
        archive.extend(&member.content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

/// A tar archive with a header that lies under a checksum that fits, or with damaged content.
pub fn damage_tar(members: &[Member], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut members = members.to_vec();
    let at = dice.below(members.len());
    if dice.one_in(2) {
        let form = Form::of_name(&members[at].name);
        members[at].content = super::rework(form, &members[at].content, other, dice);
        return tar(&members);
    }
    let mut archive = tar(&members);
    let before: usize = members[..at].iter().map(|m| 512 + m.content.len().next_multiple_of(512)).sum();
    let Some(header) = archive.get_mut(before..before + 512) else { return archive };
    match dice.below(5) {
        0 => header[156] = *dice.pick(b"0\x0012345657gxLKSVAX"),
        1 => {
            let size = dice.number(members[at].content.len() as u64);
            // in octal digits, or in the binary form of large files
            match dice.one_in(2) {
                true => {
                    header[124..136].copy_from_slice(format!("{:011o}\0", size & 0x1_ffff_ffff).as_bytes());
                }
                false => {
                    header[124..128].copy_from_slice(&[0x80, 0, 0, 0]);
                    header[128..136].copy_from_slice(&size.to_be_bytes());
                }
            }
        }
        2 => {
            let mut name = header[..100].to_vec();
            bytes::damage(&mut name, other, dice);
            name.resize(100, 0);
            header[..100].copy_from_slice(&name);
        }
        _ => {
            let mut whole = header.to_vec();
            bytes::damage(&mut whole, other, dice);
            whole.resize(512, 0);
            header.copy_from_slice(&whole);
        }
    }
    seal(header);
    archive
}

/// Writes the checksum of a tar header.
fn seal(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

pub fn crc(bytes: &[u8]) -> u64 {
    let mut crc = Crc::new();
    crc.update(bytes);
    u64::from(crc.sum())
}

pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    written(ZlibEncoder::new(Vec::new(), Compression::fast()), bytes).finish().unwrap()
}

/// What zlib data unpacks to, as far as it does.
pub fn unzlib(bytes: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    let _ = flate2::read::ZlibDecoder::new(bytes).take(super::MOST as u64).read_to_end(&mut unpacked);
    unpacked
}
