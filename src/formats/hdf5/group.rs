use std::io;

use super::fault::{damaged, unsupported};
use super::fields::NOWHERE;
use super::header::{LINK, LINK_INFO, SYMBOL_TABLE, messages, only};
use super::input::Input;

/// The deepest tree of names that is read; each level holds many times as many.
const DEEPEST: u8 = 16;

/// An object of a group.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) name: Vec<u8>,
    /// The address of its object header; `None` for a soft or external link.
    pub(super) header: Option<u64>,
}

/// What the group at `address` holds [IV.A.2.c, g, r].
pub(super) fn children(input: &mut Input, address: u64) -> io::Result<Vec<Child>> {
    let messages = messages(input, address)?;
    if let Some(table) = only(&messages, SYMBOL_TABLE)? {
        let mut fields = input.fields(table, "a symbol table");
        let (tree, heap) = (fields.address()?, fields.address()?);
        let names = local_heap(input, heap)?;
        let mut found = Vec::new();
        nodes(input, tree, None, &names, &mut found)?;
        return Ok(found);
    }
    if let Some(info) = only(&messages, LINK_INFO)? {
        let mut fields = input.fields(info, "the links of a group");
        fields.version(0..=0)?;
        if fields.u8()? & 1 != 0 {
            fields.take(8)?;
        }
        if fields.address()? != NOWHERE {
            return Err(unsupported(
                "its group holds so many links that they lie in a heap (dense storage), which is not read here; write \
                 its data sets alone into a file",
            ));
        }
    }
    messages.iter().filter(|message| message.kind == LINK).map(|link| compact(input, &link.content)).collect()
}

/// A link message.
fn compact(input: &Input, link: &[u8]) -> io::Result<Child> {
    let mut fields = input.fields(link, "a link");
    fields.version(1..=1)?;
    let flags = fields.u8()?;
    let kind = if flags & 8 == 0 { 0 } else { fields.u8()? };
    if flags & 4 != 0 {
        fields.take(8)?;
    }
    if flags & 16 != 0 {
        fields.take(1)?;
    }
    let len = fields.number(1 << (flags & 3))?;
    let name = fields.take(usize::try_from(len).unwrap_or(usize::MAX))?.to_vec();
    let header = if kind == 0 { Some(fields.address()?) } else { None };
    Ok(Child { name, header })
}

/// The bytes of a heap of names [III.D].
fn local_heap(input: &mut Input, address: u64) -> io::Result<Vec<u8>> {
    let what = "a heap of names";
    let len = (8 + 2 * input.length_width() + input.address_width()) as u64;
    let bytes = input.block(address, len, (b"HEAP", what), false)?;
    let mut fields = input.fields(&bytes, what);
    fields.take(4)?;
    fields.version(0..=0)?;
    fields.take(3)?;
    let (len, _) = (fields.length()?, fields.length()?);
    let data = fields.address()?;
    input.bytes(data, len, what)
}

/// Walks a tree of names [III.A.1]; `above` is the level of the node that led here.
fn nodes(
    input: &mut Input,
    address: u64,
    above: Option<u8>,
    names: &[u8],
    found: &mut Vec<Child>,
) -> io::Result<()> {
    let what = "a node of names";
    let prefix = 8 + 2 * input.address_width() as u64;
    let head = input.block(address, prefix, (b"TREE", what), false)?;
    let (kind, level) = (head[4], head[5]);
    let entries = usize::from(u16::from_le_bytes([head[6], head[7]]));
    if kind != 0 || above.map_or(level > DEEPEST, |above| level.checked_add(1) != Some(above)) {
        return Err(damaged(format!("{what} at byte {} is on the wrong level", input.place(address))));
    }
    // A key before each child, and one after the last; keys are lengths.
    let entry = (input.address_width() + input.length_width()) as u64;
    let body = input.bytes(address.saturating_add(prefix), entry * entries as u64, what)?;
    for at in 0..entries {
        let mut fields = input.fields(&body[at * entry as usize..], what);
        fields.length()?;
        let child = fields.address()?;
        match level {
            0 => symbols(input, child, names, found)?,
            _ => nodes(input, child, Some(level), names, found)?,
        }
    }
    Ok(())
}

/// Reads a node of symbols [III.B].
fn symbols(input: &mut Input, address: u64, names: &[u8], found: &mut Vec<Child>) -> io::Result<()> {
    let what = "a node of symbols";
    let head = input.block(address, 8, (b"SNOD", what), false)?;
    let count = usize::from(u16::from_le_bytes([head[6], head[7]]));
    let entry = 2 * input.address_width() + 24;
    let body = input.bytes(address.saturating_add(8), (entry * count) as u64, what)?;
    for symbol in body.chunks_exact(entry) {
        let mut fields = input.fields(symbol, what);
        let (name, header) = (fields.address()?, fields.address()?);
        let kind = fields.u32()?;
        let name = usize::try_from(name).ok().and_then(|at| names.get(at..));
        let name = name.and_then(|rest| rest.split(|&byte| byte == 0).next());
        let name = name.ok_or_else(|| damaged("a name lies outside the heap of names"))?.to_vec();
        // Kind 2 is a soft link.
        found.push(Child { name, header: (kind != 2).then_some(header) });
    }
    Ok(())
}
