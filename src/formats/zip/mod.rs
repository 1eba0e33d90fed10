//! Reading zip archives (PyTorch files, npz, data sets of pictures) that may be hostile.
//!
//! The zip crate serves for writing. For reading it keeps several hundred bytes for every directory entry of 46
//! bytes and looks for a directory through the whole file, which lets a small file cost much; what is needed here is so
//! little of the format that reading it within limits is simpler to trust.
//!
//! An entry that cannot be read (encrypted, packed in an unknown way, of an impossible size) is no matter of the others:
//! it says so when it is read.

mod directory;
mod reader;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, BufReader, Read};

use super::{ByteSource, Section, shorten};

pub(crate) use self::reader::MemberReader;

/// Largest directory that is read, in bytes: some two million pictures.
const DIRECTORY_LIMIT: u64 = 256 << 20;
const LOCAL_LEN: u64 = 30;

/// The directory of a zip archive.
#[derive(Debug)]
pub(crate) struct Archive {
    source: ByteSource,
    members: HashMap<Vec<u8>, Member>,
}

/// One file in an archive.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    local: u64,
    packed: u64,
    /// Bytes when unpacked, as declared; where that is more than `packed` bytes can hold, reading fails.
    pub(crate) size: u64,
    crc: u32,
    method: Method,
    is_link: bool,
    fault: Option<Box<Odd>>,
}

/// How an entry is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Stored,
    Deflated,
    Bzip2,
}

/// An entry that cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("zip entry `{name}` {fault}")]
struct Odd {
    /// Short enough for a message.
    name: String,
    fault: Fault,
}

/// Why an entry cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// Its bytes are hidden behind a password.
    #[error("is encrypted with a password; unpack the archive with its password and use what comes out")]
    Encrypted,
    /// The number of a compression method.
    #[error(
        "is compressed with {}, which is not read here; unpack the archive, or pack it again with deflate",
        directory::method_name(*.0)
    )]
    Method(u16),
    /// More bytes than the packed ones can hold.
    #[error("claims {0} bytes, more than the file can hold")]
    Size(u64),
    /// Two entries have its name.
    #[error("is in the archive twice")]
    Twice,
}

impl Archive {
    /// Reads the directory of `source`.
    pub(crate) fn open(source: ByteSource) -> io::Result<Self> {
        let place = directory::find(&source)?;
        if place.len > DIRECTORY_LIMIT
            || place.start.checked_add(place.len).is_none_or(|end| end > source.len())
        {
            return Err(damaged("the zip directory does not lie inside the file"));
        }
        let mut directory = vec![0; place.len as usize];
        source.read_exact_at(&mut directory, place.start)?;
        let mut members = HashMap::new();
        let mut count = 0;
        let mut rest = directory.as_slice();
        while directory::is_entry(rest) {
            let (name, member, used) = directory::entry(rest, source.len(), place.shift)?;
            match members.entry(name.to_vec()) {
                Entry::Vacant(place) => drop(place.insert(member)),
                Entry::Occupied(mut place) => place.get_mut().fault = Some(Odd::new(name, Fault::Twice)),
            }
            count += 1;
            rest = &rest[used..];
        }
        if count < place.entries {
            return Err(damaged(&format!("its zip directory breaks off after {count} entries")));
        }
        if members.is_empty() {
            return Err(damaged("the zip archive holds nothing"));
        }
        Ok(Self { source, members })
    }

    /// Names that are Unicode, in no particular order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().filter_map(|name| std::str::from_utf8(name).ok())
    }

    /// All entries with the bytes of their names, in no particular order; those of folders end with a slash.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&[u8], &Member)> {
        self.members.iter().map(|(name, member)| (name.as_slice(), member))
    }

    /// The entry called `name`.
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.get(name.as_bytes())
    }

    /// The file behind it.
    pub(crate) fn source(&self) -> &ByteSource {
        &self.source
    }

    /// A reader of `member` from its first byte.
    pub(crate) fn reader(&self, member: &Member) -> io::Result<MemberReader> {
        Ok(MemberReader::new(self.data(member)?, member))
    }

    /// A reader that starts `skip` unpacked bytes into `member`; it does not check the checksum.
    pub(crate) fn reader_from(&self, member: &Member, skip: u64) -> io::Result<Box<dyn Read>> {
        if Self::is_packed(member) {
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
        member.method != Method::Stored
    }

    /// The packed bytes, whose place only the local header tells.
    fn data(&self, member: &Member) -> io::Result<Section> {
        if let Some(odd) = &member.fault {
            return Err(odd.as_ref().into());
        }
        let mut header = [0; LOCAL_LEN as usize];
        self.source.read_exact_at(&mut header, member.local)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(damaged("a zip entry does not start where the directory says"));
        }
        let skip =
            LOCAL_LEN + u64::from(directory::u16_at(&header, 26)) + u64::from(directory::u16_at(&header, 28));
        let start = member.local + skip;
        if start.checked_add(member.packed).is_none_or(|end| end > self.source.len()) {
            return Err(damaged("a zip entry reaches beyond the end of the file"));
        }
        Ok(self.source.section(start, member.packed))
    }
}

impl Member {
    /// Whether it is a link of a Unix system: its content is the path that it leads to.
    pub(crate) fn is_link(&self) -> bool {
        self.is_link
    }

    /// Why it cannot be read, as far as the directory tells.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault.as_ref().map(|odd| odd.fault)
    }
}

impl Odd {
    fn new(name: &[u8], fault: Fault) -> Box<Self> {
        Box::new(Self { name: shorten(&String::from_utf8_lossy(name)), fault })
    }
}

impl From<&Odd> for io::Error {
    fn from(odd: &Odd) -> Self {
        let kind = match odd.fault {
            Fault::Encrypted | Fault::Method(_) => io::ErrorKind::Unsupported,
            Fault::Size(_) | Fault::Twice => io::ErrorKind::InvalidData,
        };
        Self::new(kind, odd.clone())
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests;
