//! The directory at the end of a zip archive (PKWARE's APPNOTE.TXT, sections 4.3.12 to 4.3.16).

use std::io;

use super::{Fault, LOCAL_LEN, Member, Method, Odd, damaged};
use crate::formats::ByteSource;

/// Deflate cannot do better: 258 bytes from two bits.
const DEFLATE_RATIO: u64 = 1032;
/// What a few bytes of bzip2 may unpack to beyond that: it packs a long run of equal bytes into next to nothing, but a
/// file that claims terabytes would keep a reader busy for days.
const BZIP2_EXTRA: u64 = 64 << 20;

const END_LEN: u64 = 22;
const END64_LOCATOR_LEN: u64 = 20;
const ENTRY_LEN: usize = 46;

/// Where a directory lies.
pub(super) struct Place {
    pub(super) start: u64,
    /// In bytes.
    pub(super) len: u64,
    /// Entries that it must have at least.
    pub(super) entries: u64,
    /// How much further back everything lies than the archive says, because something was put before it.
    pub(super) shift: u64,
}

/// Finds the central directory.
pub(super) fn find(source: &ByteSource) -> io::Result<Place> {
    let tail_len = source.len().min(END_LEN + u64::from(u16::MAX));
    let tail_start = source.len() - tail_len;
    let mut tail = vec![0; tail_len as usize];
    source.read_exact_at(&mut tail, tail_start)?;
    let end = (0..tail.len().saturating_sub(END_LEN as usize - 1))
        .rev()
        .find(|&at| tail[at..].starts_with(b"PK\x05\x06"));
    let Some(end) = end else { return Err(without_directory(source)) };
    let record = &tail[end..];
    // The number of this part, and of the one where the directory begins.
    if [4, 6].iter().any(|&at| !matches!(u16_at(record, at), 0 | u16::MAX)) {
        return Err(split());
    }
    let (len, start) = (u32_at(record, 12), u32_at(record, 16));
    let entries = Some(u16_at(record, 10)).filter(|&entries| entries != u16::MAX).map_or(0, u64::from);
    let end = tail_start + end as u64;
    if len != u32::MAX && start != u32::MAX {
        let (len, start) = (u64::from(len), u64::from(start));
        // A program that unpacks itself stands before its archive, whose places do not count it.
        let shift = end.checked_sub(len).and_then(|real| real.checked_sub(start)).unwrap_or(0);
        let is_shifted = shift > 0 && starts_entry(source, start + shift) && !starts_entry(source, start);
        let shift = if is_shifted { shift } else { 0 };
        return Ok(Place { start: start + shift, len, entries, shift });
    }
    // A zip64 archive: the locator lies right before, and points to a record with 64-bit numbers.
    let mut locator = [0; END64_LOCATOR_LEN as usize];
    let at = end.checked_sub(END64_LOCATOR_LEN).ok_or_else(|| damaged("the zip64 directory is missing"))?;
    source.read_exact_at(&mut locator, at)?;
    let mut record = [0; 56];
    source.read_exact_at(&mut record, u64_at(&locator, 8))?;
    if !locator.starts_with(b"PK\x06\x07") || !record.starts_with(b"PK\x06\x06") {
        return Err(damaged("the zip64 directory is missing"));
    }
    Ok(Place { start: u64_at(&record, 48), len: u64_at(&record, 40), entries: u64_at(&record, 32), shift: 0 })
}

/// The error of a file that does not end like a zip archive.
fn without_directory(source: &ByteSource) -> io::Error {
    let mut start = [0; 4];
    match source.read_exact_at(&mut start, 0) {
        Ok(()) if &start == b"PK\x07\x08" => split(),
        _ => damaged("the zip directory is missing; the file was cut short"),
    }
}

fn split() -> io::Error {
    let what =
        "this is one part of a split zip archive; put it together first (zip -s 0 FILE.zip -O WHOLE.zip)";
    io::Error::new(io::ErrorKind::Unsupported, what)
}

fn starts_entry(source: &ByteSource, at: u64) -> bool {
    let mut start = [0; 4];
    source.read_exact_at(&mut start, at).is_ok() && &start == b"PK\x01\x02"
}

/// Whether `bytes` begin with an entry.
pub(super) fn is_entry(bytes: &[u8]) -> bool {
    bytes.len() >= ENTRY_LEN && bytes.starts_with(b"PK\x01\x02")
}

/// The first entry of `bytes` (at least 46 of them): its name, itself, and the bytes it takes.
pub(super) fn entry(bytes: &[u8], file_len: u64, shift: u64) -> io::Result<(&[u8], Member, usize)> {
    let name_end = ENTRY_LEN + usize::from(u16_at(bytes, 28));
    let extra_end = name_end + usize::from(u16_at(bytes, 30));
    let used = extra_end + usize::from(u16_at(bytes, 32));
    let (Some(name), Some(extra), true) =
        (bytes.get(ENTRY_LEN..name_end), bytes.get(name_end..extra_end), used <= bytes.len())
    else {
        return Err(damaged("the zip directory ends inside an entry"));
    };
    let mut wide = wide_fields(extra);
    let mut field = |at: usize| match u32_at(bytes, at) {
        u32::MAX => wide.next().ok_or_else(|| damaged("a zip64 size is missing")),
        value => Ok(u64::from(value)),
    };
    // In the order in which the zip64 field lists those that did not fit.
    let (size, packed, local) = (field(24)?, field(20)?, field(42)?.saturating_add(shift));
    let unpacked_most = packed.saturating_mul(DEFLATE_RATIO).saturating_add(1024);
    let (method, fits) = match u16_at(bytes, 10) {
        0 => (Ok(Method::Stored), size == packed),
        8 => (Ok(Method::Deflated), size <= unpacked_most),
        12 => (Ok(Method::Bzip2), size <= unpacked_most.saturating_add(BZIP2_EXTRA)),
        other => (Err(other), true),
    };
    let inside = local.checked_add(LOCAL_LEN).and_then(|at| at.checked_add(packed));
    let is_encrypted = u16_at(bytes, 8) & 1 != 0;
    let fault = match method {
        _ if inside.is_none_or(|end| end > file_len) => Some(Fault::Size(size.max(packed))),
        _ if is_encrypted => Some(Fault::Encrypted),
        Err(method) => Some(Fault::Method(method)),
        Ok(_) => (!fits).then_some(Fault::Size(size)),
    };
    let fault = fault.map(|fault| Odd::new(name, fault));
    let method = method.unwrap_or(Method::Stored);
    // The kind of file, where a Unix system made the entry (APPNOTE.TXT, sections 4.4.2 and 4.4.15).
    let is_link = bytes[5] == 3 && u16_at(bytes, 40) & 0o170_000 == 0o120_000;
    Ok((name, Member { local, packed, size, crc: u32_at(bytes, 16), method, is_link, fault }, used))
}

/// What people call a compression method (APPNOTE.TXT, section 4.4.5).
pub(super) fn method_name(method: u16) -> String {
    let name = match method {
        1..=6 => "a method of the 1980s",
        9 => "Deflate64",
        14 => "LZMA",
        93 | 20 => "Zstandard",
        95 => "XZ",
        96 => "JPEG",
        97 => "WavPack",
        98 => "PPMd",
        _ => return format!("method {method}"),
    };
    format!("{name} (method {method})")
}

/// The 64-bit numbers of the zip64 extra field, if there is one.
fn wide_fields(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut found: &[u8] = &[];
    while extra.len() >= 4 {
        let (kind, len) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let Some(body) = extra.get(4..4 + len) else { break };
        if kind == 1 {
            found = body;
        }
        extra = &extra[4 + len..];
    }
    found.as_chunks::<8>().0.iter().map(|&chunk| u64::from_le_bytes(chunk))
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
