//! Reading zip archives (PyTorch files, npz) that may be hostile.
//!
//! The zip crate serves for writing. For reading it keeps several hundred bytes for every directory entry of 46
//! bytes and looks for a directory through the whole file, which lets a small file cost much; PyTorch and numpy
//! need so little of the format that reading it here, within limits, is simpler to trust.

use std::collections::HashMap;
use std::io::{self, BufReader, Read};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::source::{Section, Source};

/// Largest directory that is read, in bytes: some 300,000 entries.
const DIRECTORY_LIMIT: u64 = 32 << 20;
/// Deflate cannot do better: 258 bytes from two bits.
const DEFLATE_RATIO: u64 = 1032;

const END_LEN: u64 = 22;
const END64_LOCATOR_LEN: u64 = 20;
const ENTRY_LEN: usize = 46;
const LOCAL_LEN: u64 = 30;

/// The directory of a zip archive.
#[derive(Debug)]
pub(crate) struct Archive {
    source: Source,
    members: HashMap<String, Member>,
}

/// One file in an archive.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    local: u64,
    packed: u64,
    /// Bytes when unpacked, as declared; deflate's limit has been checked.
    pub(crate) size: u64,
    crc: u32,
    deflated: bool,
}

impl Archive {
    /// Reads the directory of `source`.
    pub(crate) fn open(source: Source) -> io::Result<Self> {
        let (start, len) = find_directory(&source)?;
        if len > DIRECTORY_LIMIT || start.checked_add(len).is_none_or(|end| end > source.len()) {
            return Err(damaged("the zip directory does not lie inside the file"));
        }
        let mut directory = vec![0; len as usize];
        source.read_exact_at(&mut directory, start)?;
        let mut members = HashMap::new();
        let mut rest = directory.as_slice();
        while rest.len() >= ENTRY_LEN && rest.starts_with(b"PK\x01\x02") {
            let (name, member, used) = entry(rest, source.len())?;
            if members.insert(name.clone(), member).is_some() {
                return Err(damaged(&format!("two zip entries are called `{}`", shorten(&name))));
            }
            rest = &rest[used..];
        }
        if members.is_empty() {
            return Err(damaged("the zip archive holds nothing"));
        }
        Ok(Self { source, members })
    }

    /// Names in no particular order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// The entry called `name`.
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.get(name)
    }

    /// The file behind it.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// A reader of `member` from its first byte.
    pub(crate) fn reader(&self, member: &Member) -> io::Result<MemberReader> {
        let section = self.data(member)?;
        let buffered = BufReader::with_capacity(1 << 16, section);
        let unpacked = if member.deflated {
            Unpacked::Deflated(DeflateDecoder::new(buffered))
        } else {
            Unpacked::Stored(buffered)
        };
        Ok(MemberReader { unpacked, left: member.size, crc: Crc::new(), expected: member.crc })
    }

    /// A reader that starts `skip` unpacked bytes into `member`; it does not check the checksum.
    pub(crate) fn reader_from(&self, member: &Member, skip: u64) -> io::Result<Box<dyn Read>> {
        if member.deflated {
            let mut reader = self.reader(member)?;
            io::copy(&mut reader.by_ref().take(skip), &mut io::sink())?;
            return Ok(Box::new(reader));
        }
        let mut section = self.data(member)?;
        section.skip(skip);
        Ok(Box::new(BufReader::with_capacity(1 << 16, section)))
    }

    /// Whether `member` has to be unpacked from its start to reach its end.
    pub(crate) fn is_packed(member: &Member) -> bool {
        member.deflated
    }

    /// The packed bytes, whose place only the local header tells.
    fn data(&self, member: &Member) -> io::Result<Section> {
        let mut header = [0; LOCAL_LEN as usize];
        self.source.read_exact_at(&mut header, member.local)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(damaged("a zip entry does not start where the directory says"));
        }
        let skip = LOCAL_LEN + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        let start = member.local + skip;
        if start.checked_add(member.packed).is_none_or(|end| end > self.source.len()) {
            return Err(damaged("a zip entry reaches beyond the end of the file"));
        }
        Ok(self.source.section(start, member.packed))
    }
}

/// Reads an archive's entry and checks length and checksum where it ends.
#[derive(Debug)]
pub(crate) struct MemberReader {
    unpacked: Unpacked,
    left: u64,
    crc: Crc,
    expected: u32,
}

#[derive(Debug)]
enum Unpacked {
    Stored(BufReader<Section>),
    Deflated(DeflateDecoder<BufReader<Section>>),
}

impl Read for MemberReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if want == 0 {
            return Ok(0);
        }
        let count = match &mut self.unpacked {
            Unpacked::Stored(reader) => reader.read(&mut buffer[..want])?,
            Unpacked::Deflated(reader) => reader.read(&mut buffer[..want])?,
        };
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.crc.update(&buffer[..count]);
        self.left -= count as u64;
        if self.left == 0 && self.crc.sum() != self.expected {
            return Err(damaged("the checksum of a zip entry does not fit its content"));
        }
        Ok(count)
    }
}

/// Position and length of the central directory.
fn find_directory(source: &Source) -> io::Result<(u64, u64)> {
    let tail_len = source.len().min(END_LEN + u64::from(u16::MAX));
    let tail_start = source.len() - tail_len;
    let mut tail = vec![0; tail_len as usize];
    source.read_exact_at(&mut tail, tail_start)?;
    let end = (0..tail.len().saturating_sub(END_LEN as usize - 1))
        .rev()
        .find(|&at| tail[at..].starts_with(b"PK\x05\x06"))
        .ok_or_else(|| damaged("the zip directory is missing; the file was cut short"))?;
    let (len, start) = (u32_at(&tail, end + 12), u32_at(&tail, end + 16));
    let end = tail_start + end as u64;
    if len != u32::MAX && start != u32::MAX {
        return Ok((u64::from(start), u64::from(len)));
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
    Ok((u64_at(&record, 48), u64_at(&record, 40)))
}

/// The first entry of `bytes` (at least 46 of them): its name, itself, and the bytes it takes.
fn entry(bytes: &[u8], file_len: u64) -> io::Result<(String, Member, usize)> {
    let name_end = ENTRY_LEN + usize::from(u16_at(bytes, 28));
    let extra_end = name_end + usize::from(u16_at(bytes, 30));
    let used = extra_end + usize::from(u16_at(bytes, 32));
    let (Some(name), Some(extra), true) =
        (bytes.get(ENTRY_LEN..name_end), bytes.get(name_end..extra_end), used <= bytes.len())
    else {
        return Err(damaged("the zip directory ends inside an entry"));
    };
    let name = String::from_utf8_lossy(name).into_owned();
    if u16_at(bytes, 8) & 1 != 0 {
        return Err(damaged("the zip archive is encrypted"));
    }
    let deflated = match u16_at(bytes, 10) {
        0 => false,
        8 => true,
        other => return Err(damaged(&format!("zip compression method {other} is not supported"))),
    };
    let mut wide = wide_fields(extra);
    let mut field = |at: usize| match u32_at(bytes, at) {
        u32::MAX => wide.next().ok_or_else(|| damaged("a zip64 size is missing")),
        value => Ok(u64::from(value)),
    };
    // In the order in which the zip64 field lists those that did not fit.
    let (size, packed, local) = (field(24)?, field(20)?, field(42)?);
    let most = if deflated { packed.saturating_mul(DEFLATE_RATIO).saturating_add(1024) } else { packed };
    let fits = if deflated { size <= most } else { size == packed };
    let inside = local.checked_add(LOCAL_LEN).and_then(|at| at.checked_add(packed));
    if !fits || inside.is_none_or(|end| end > file_len) {
        return Err(damaged(&format!(
            "zip entry `{}` claims {size} bytes, more than the file can hold",
            shorten(&name)
        )));
    }
    Ok((name, Member { local, packed, size, crc: u32_at(bytes, 16), deflated }, used))
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

/// A name from a file, short enough for a message.
pub(crate) fn shorten(name: &str) -> String {
    let clean = name.chars().map(|c| if c.is_control() { ' ' } else { c });
    match name.chars().nth(80) {
        None => clean.collect(),
        Some(_) => clean.take(77).chain("...".chars()).collect(),
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    fn archive(members: &[(&str, &[u8], CompressionMethod, bool)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for &(name, content, method, wide) in members {
            let options = SimpleFileOptions::default().compression_method(method).large_file(wide);
            writer.start_file(name, options).expect("starts");
            writer.write_all(content).expect("writes");
        }
        writer.finish().expect("finishes").into_inner()
    }

    fn open(bytes: &[u8]) -> io::Result<Archive> {
        let mut file = tempfile::NamedTempFile::new().expect("temporary file");
        file.write_all(bytes).expect("writes");
        Archive::open(Source::open(file.path()).expect("opens"))
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
    fn a_changed_byte_and_a_false_size_are_noticed() {
        let mut bytes = archive(&[("x", b"some content", CompressionMethod::Stored, false)]);
        let at = bytes.windows(4).position(|w| w == b"some").expect("there");
        bytes[at] ^= 1;
        assert!(read(&open(&bytes).expect("opens"), "x").is_err());
        let entry = bytes.windows(4).rposition(|w| w == b"PK\x01\x02").expect("there");
        bytes[entry + 24] = 200;
        assert!(open(&bytes).is_err());
        assert!(open(b"").is_err());
        assert!(open(&bytes[..bytes.len() - 1]).is_err());
    }
}
