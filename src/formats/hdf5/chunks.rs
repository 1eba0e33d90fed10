use std::io;

use super::fault::damaged;
use super::fields::{Fields, NOWHERE};
use super::input::Input;

/// Where a chunk lies, and what it was packed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// From the start of the file; [`NOWHERE`] where it was never written.
    pub(super) place: u64,
    /// Bytes in the file.
    pub(super) len: u64,
    /// A bit for each step of packing that it was not given.
    pub(super) mask: u32,
}

/// A chunk that was never written.
const MISSING: Chunk = Chunk { place: NOWHERE, len: 0, mask: 0 };

/// How a data set is cut into chunks.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// Sides of a chunk.
    pub(super) sides: Vec<u64>,
    /// Chunks along each side of the data set.
    pub(super) counts: Vec<u64>,
    /// Bytes of an unpacked chunk.
    pub(super) len: u64,
    /// Whether chunks are packed.
    pub(super) is_packed: bool,
}

impl Grid {
    /// Cuts `shape`, elements of so many bytes, into chunks of `sides`.
    pub(super) fn new(shape: &[u64], sides: Vec<u64>, element: usize, is_packed: bool) -> io::Result<Self> {
        let counts: Vec<u64> = shape.iter().zip(&sides).map(|(whole, side)| whole.div_ceil(*side)).collect();
        let len = sides.iter().try_fold(element as u64, |len, &side| len.checked_mul(side));
        let len = len.filter(|&len| len <= u64::from(u32::MAX));
        let len = len.ok_or_else(|| damaged("its chunks are larger than the 4 GiB that they may have"))?;
        Ok(Self { sides, counts, len, is_packed })
    }

    /// Chunks in all.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().fold(1, |count, &along| count.saturating_mul(along))
    }

    /// The number of the chunk at these places along each side, the last fastest.
    fn number(&self, places: impl Iterator<Item = u64>) -> Option<u64> {
        let mut number = 0;
        for (place, &count) in places.zip(&self.counts) {
            number = number * count + Some(place).filter(|&place| place < count)?;
        }
        Some(number)
    }

    /// The chunk whose entry in an index these fields are: its address and, where chunks are packed, the bytes that it has
    /// (in `width` bytes) and its mask.
    pub(super) fn entry(&self, input: &Input, fields: &mut Fields<'_>, width: usize) -> io::Result<Chunk> {
        let address = fields.address()?;
        let (len, mask) = if self.is_packed { (fields.number(width)?, fields.u32()?) } else { (self.len, 0) };
        Ok(if address == NOWHERE { MISSING } else { Chunk { place: input.place(address), len, mask } })
    }
}

/// The chunks of a data set that are found so far.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) grid: &'a Grid,
    chunks: Vec<Chunk>,
}

impl<'a> Found<'a> {
    /// None of the chunks of `grid` yet, whose number is known to be no more than the file can hold.
    pub(super) fn none(grid: &'a Grid) -> Self {
        Self { grid, chunks: vec![MISSING; grid.count() as usize] }
    }

    /// All chunks in their order, missing ones too.
    pub(super) fn chunks(self) -> Vec<Chunk> {
        self.chunks
    }

    /// Puts a chunk to its number.
    pub(super) fn put(&mut self, number: u64, chunk: Chunk) -> io::Result<()> {
        let to = usize::try_from(number).ok().and_then(|number| self.chunks.get_mut(number));
        *to.ok_or_else(|| damaged("its index has a chunk outside the data"))? = chunk;
        Ok(())
    }

    /// Puts a chunk to its places along each side, counted in chunks.
    pub(super) fn put_at(&mut self, places: impl Iterator<Item = u64>, chunk: Chunk) -> io::Result<()> {
        let number = self.grid.number(places).unwrap_or(u64::MAX);
        self.put(number, chunk)
    }
}
