use std::io;

use super::fault::damaged;
use super::input::Input;

/// The kinds of messages that are read [IV.A.2].
pub(super) const DATASPACE: u16 = 0x01;
pub(super) const LINK_INFO: u16 = 0x02;
pub(super) const DATATYPE: u16 = 0x03;
pub(super) const LINK: u16 = 0x06;
pub(super) const EXTERNAL: u16 = 0x07;
pub(super) const LAYOUT: u16 = 0x08;
pub(super) const FILTERS: u16 = 0x0b;
const CONTINUATION: u16 = 0x10;
pub(super) const SYMBOL_TABLE: u16 = 0x11;

/// One message of an object header.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) kind: u16,
    /// Whether it says only where the message itself lies.
    pub(super) is_shared: bool,
    pub(super) content: Vec<u8>,
}

/// A stretch of messages.
struct Stretch {
    bytes: Vec<u8>,
    /// Bytes before the content of a message: those of kind, size and flags, and others.
    kind_width: usize,
    skipped: usize,
}

/// All messages of the object header at `address` [IV.A.1].
pub(super) fn messages(input: &mut Input, address: u64) -> io::Result<Vec<Message>> {
    let what = "an object header";
    let start = input.bytes(address, 4, what)?;
    let is_second = &start == b"OHDR";
    let first = if is_second { second_version(input, address)? } else { first_version(input, address)? };
    let (kind_width, skipped) = (first.kind_width, first.skipped);
    let mut found = Vec::new();
    let mut waiting = split(input, &first, &mut found)?;
    while let Some((address, len)) = waiting.pop() {
        let what = "a continued object header";
        let bytes = match is_second {
            true => input.block(address, len, (b"OCHK", what), true)?.split_off(4),
            false => input.bytes(address, len, what)?,
        };
        waiting.extend(split(input, &Stretch { bytes, kind_width, skipped }, &mut found)?);
    }
    Ok(found)
}

fn first_version(input: &mut Input, address: u64) -> io::Result<Stretch> {
    let what = "an object header";
    let prefix = input.bytes(address, 16, what)?;
    let mut fields = input.fields(&prefix, what);
    fields.version(1..=1)?;
    fields.take(7)?;
    let len = u64::from(fields.u32()?);
    let bytes = input.bytes(address.saturating_add(16), len, what)?;
    Ok(Stretch { bytes, kind_width: 2, skipped: 3 })
}

fn second_version(input: &mut Input, address: u64) -> io::Result<Stretch> {
    let what = "an object header";
    // Its length is told after fields that need not be there.
    let prefix = input.bytes(address, 6, what)?;
    let flags = prefix[5];
    let before = 6 + if flags & 0x20 == 0 { 0 } else { 16 } + if flags & 0x10 == 0 { 0 } else { 4 };
    let width = 1 << (flags & 3);
    let prefix = input.bytes(address, before + width, what)?;
    let mut fields = input.fields(&prefix, what);
    fields.take(4)?;
    fields.version(2..=2)?;
    fields.take(before as usize - 5)?;
    let len = fields.number(width as usize)?;
    let whole = (before + width).saturating_add(len).saturating_add(4);
    let bytes = input.block(address, whole, (b"OHDR", what), true)?.split_off((before + width) as usize);
    Ok(Stretch { bytes, kind_width: 1, skipped: if flags & 4 == 0 { 0 } else { 2 } })
}

/// Adds the messages of a stretch to `found`; returns the addresses and lengths of stretches that go on elsewhere.
fn split(input: &Input, stretch: &Stretch, found: &mut Vec<Message>) -> io::Result<Vec<(u64, u64)>> {
    let what = "a message of an object header";
    let mut fields = input.fields(&stretch.bytes, what);
    let prefix = stretch.kind_width + 2 + 1 + stretch.skipped;
    let mut more = Vec::new();
    // Fewer bytes than a message begins with are a gap.
    while fields.rest().len() >= prefix {
        let kind = fields.number(stretch.kind_width)? as u16;
        let len = usize::from(fields.u16()?);
        let flags = fields.u8()?;
        fields.take(stretch.skipped)?;
        let content = fields.take(len)?;
        if kind == CONTINUATION {
            let mut place = input.fields(content, what);
            more.push((place.address()?, place.length()?));
        } else {
            found.push(Message { kind, is_shared: flags & 2 != 0, content: content.to_vec() });
        }
    }
    Ok(more)
}

/// The only message of this kind, where there is one.
pub(super) fn only(messages: &[Message], kind: u16) -> io::Result<Option<&[u8]>> {
    let mut of_kind = messages.iter().filter(|message| message.kind == kind);
    let found = of_kind.next();
    if of_kind.next().is_some() {
        return Err(damaged(format!("an object has two messages of kind {kind}")));
    }
    match found {
        Some(message) if message.is_shared => Err(super::fault::unsupported(
            "it shares its types between data sets (committed datatypes), which is not read here; write it again with h5py",
        )),
        found => Ok(found.map(|message| message.content.as_slice())),
    }
}
