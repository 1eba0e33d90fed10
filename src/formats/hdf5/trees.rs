//! The trees that find chunks: of the first version [III.A.1] and of the second [III.A.2].

use std::io;

use super::chunks::{Chunk, Found};
use super::fault::damaged;
use super::input::Input;

/// The deepest tree that is read; each level holds many times as many.
const DEEPEST: u8 = 16;

/// Finds the chunks of a tree of the first version.
pub(super) fn first(input: &mut Input, address: u64, found: &mut Found<'_>) -> io::Result<()> {
    first_node(input, address, None, found)
}

fn first_node(input: &mut Input, address: u64, above: Option<u8>, found: &mut Found<'_>) -> io::Result<()> {
    let what = "a node of chunks";
    let prefix = 8 + 2 * input.address_width() as u64;
    let head = input.block(address, prefix, (b"TREE", what), false)?;
    let (kind, level) = (head[4], head[5]);
    let entries = usize::from(u16::from_le_bytes([head[6], head[7]]));
    if kind != 1 || above.map_or(level > DEEPEST, |above| level.checked_add(1) != Some(above)) {
        return Err(damaged(format!("{what} at byte {} is on the wrong level", input.place(address))));
    }
    // A key before each child: bytes, mask, and where the chunk begins along each side and within an element.
    let key = 8 + 8 * (found.grid.sides.len() + 1);
    let entry = key + input.address_width();
    let body = input.bytes(address.saturating_add(prefix), (entry * entries) as u64, what)?;
    let sides = &found.grid.sides;
    for bytes in body.chunks_exact(entry) {
        let mut fields = input.fields(bytes, what);
        let (len, mask) = (u64::from(fields.u32()?), fields.u32()?);
        let starts = sides.iter().map(|_| fields.number(8)).collect::<io::Result<Vec<u64>>>()?;
        fields.take(8)?;
        let child = fields.address()?;
        if level > 0 {
            first_node(input, child, Some(level), found)?;
            continue;
        }
        if starts.iter().zip(sides).any(|(start, side)| start % side != 0) {
            return Err(damaged(format!(
                "{what} at byte {} has a chunk between chunks",
                input.place(address)
            )));
        }
        let places = starts.iter().zip(sides).map(|(start, side)| start / side);
        let chunk = Chunk { place: input.place(child), len, mask };
        found.put_at(places, chunk)?;
    }
    Ok(())
}

/// What the head of a tree of the second version says of its nodes.
struct Shape {
    node: u64,
    record: usize,
    /// For each level, from the leaves up: the most records of a node, and of all below it.
    most: Vec<[u64; 2]>,
}

/// Types of trees whose records are chunks, plain and packed.
const PLAIN: u8 = 10;
const PACKED: u8 = 11;

/// Bytes before the records of a node, and of its checksum.
const AROUND: u64 = 6 + 4;

/// Finds the chunks of a tree of the second version.
pub(super) fn second(input: &mut Input, address: u64, found: &mut Found<'_>) -> io::Result<()> {
    let what = "the head of a tree of chunks";
    let len = (4 + 2 + 4 + 2 + 2 + 2 + input.address_width() + 2 + input.length_width() + 4) as u64;
    let bytes = input.block(address, len, (b"BTHD", what), true)?;
    let mut fields = input.fields(&bytes, what);
    fields.take(4)?;
    fields.version(0..=0)?;
    let kind = fields.u8()?;
    let (node, record, depth) = (u64::from(fields.u32()?), usize::from(fields.u16()?), fields.u16()?);
    fields.take(2)?;
    let (root, records) = (fields.address()?, u64::from(fields.u16()?));
    if kind != if found.grid.is_packed { PACKED } else { PLAIN } || depth > u16::from(DEEPEST) {
        return Err(damaged(format!("{what} at byte {} is of another kind", input.place(address))));
    }
    let least = input.address_width() + 8 * found.grid.sides.len() + if found.grid.is_packed { 5 } else { 0 };
    if record < least || node < AROUND {
        return Err(damaged(format!("{what} at byte {} has records of no size", input.place(address))));
    }
    let mut shape = Shape { node, record, most: Vec::new() };
    let leaf = (node - AROUND) / record as u64;
    shape.most.push([leaf, leaf]);
    for level in 1..=usize::from(depth) {
        let pointer = shape.pointer(input, level) as u64;
        let most = (node - AROUND).saturating_sub(pointer) / (record as u64 + pointer);
        let below = shape.most[level - 1][1];
        shape.most.push([most, (most + 1).saturating_mul(below).saturating_add(most)]);
    }
    shape.walk(input, root, records, usize::from(depth), found)
}

impl Shape {
    /// Bytes of the number of a child's own records.
    fn own_width(&self) -> usize {
        width_of(self.most[0][0])
    }

    /// Bytes of the number of all records below a child of a node at `level`; none where it is a leaf.
    fn all_width(&self, level: usize) -> usize {
        if level > 1 { width_of(self.most[level - 1][1]) } else { 0 }
    }

    /// Bytes of what leads from a node at `level` to a child.
    fn pointer(&self, input: &Input, level: usize) -> usize {
        input.address_width() + self.own_width() + self.all_width(level)
    }

    /// Reads the node at `address` with so many records, and those below it.
    fn walk(
        &self,
        input: &mut Input,
        address: u64,
        records: u64,
        level: usize,
        found: &mut Found<'_>,
    ) -> io::Result<()> {
        let what = "a node of a tree of chunks";
        if records > self.most[level][0] {
            return Err(damaged(format!("{what} at byte {} holds more than it can", input.place(address))));
        }
        let pointer = self.pointer(input, level);
        let children = if level == 0 { 0 } else { records + 1 };
        let len = AROUND + records * self.record as u64 + children * pointer as u64;
        let bytes = input.block(address, len, (if level == 0 { b"BTLF" } else { b"BTIN" }, what), true)?;
        if len > self.node {
            return Err(damaged(format!("{what} at byte {} is too large", input.place(address))));
        }
        let (own, all) = (records as usize * self.record, &bytes[6..]);
        for record in all[..own].chunks_exact(self.record) {
            self.put(input, record, found)?;
        }
        for child in all[own..].chunks_exact(pointer).take(children as usize) {
            let mut fields = input.fields(child, what);
            let (address, records) = (fields.address()?, fields.number(self.own_width())?);
            self.walk(input, address, records, level - 1, found)?;
        }
        Ok(())
    }

    fn put(&self, input: &Input, record: &[u8], found: &mut Found<'_>) -> io::Result<()> {
        let mut fields = input.fields(record, "a record of a chunk");
        let rank = found.grid.sides.len();
        let width = (self.record - input.address_width() - 8 * rank).saturating_sub(4);
        let chunk = found.grid.entry(input, &mut fields, width)?;
        let places = (0..rank).map(|_| fields.number(8)).collect::<io::Result<Vec<u64>>>()?;
        found.put_at(places.into_iter(), chunk)
    }
}

/// Bytes that a number up to `most` takes.
fn width_of(most: u64) -> usize {
    most.max(1).ilog2() as usize / 8 + 1
}
