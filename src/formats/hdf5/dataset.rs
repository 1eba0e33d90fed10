use std::io;

use rayon::prelude::*;

use super::chunks::{Chunk, Grid};
use super::element::Element;
use super::fault::{damaged, unsupported};
use super::fields::NOWHERE;
use super::filters::Filters;
use super::header::{DATASPACE, DATATYPE, EXTERNAL, FILTERS, LAYOUT, messages, only};
use super::index::find;
use super::input::Input;
use super::layout::{Layout, shape};
use super::rows::{Part, Rows};
use crate::formats::ByteSource;

/// More bytes than deflate makes of one.
const MOST_OF_A_BYTE: u64 = 1100;

/// An array of numbers, read by rows of its first dimension.
#[derive(Debug)]
pub(crate) struct Dataset {
    name: String,
    source: ByteSource,
    shape: Vec<u64>,
    element: Element,
    stored: Stored,
}

#[derive(Debug)]
enum Stored {
    Compact(Vec<u8>),
    /// From this byte of the file on.
    Contiguous(u64),
    Chunked {
        grid: Grid,
        filters: Filters,
        chunks: Vec<Chunk>,
    },
}

impl Dataset {
    /// Reads the object header at `address`, and the index of chunks that it leads to.
    pub(super) fn open(input: &mut Input, address: u64, name: &str) -> io::Result<Self> {
        Self::read(input, address, name).map_err(|error| about(name, &error))
    }

    fn read(input: &mut Input, address: u64, name: &str) -> io::Result<Self> {
        let messages = messages(input, address)?;
        let part = |kind, what: &str| {
            only(&messages, kind)?.ok_or_else(|| damaged(format!("it has no {what}, so it is no data set")))
        };
        let shape = shape(&mut input.fields(part(DATASPACE, "shape")?, "its shape"))?;
        let element = Element::read(&mut input.fields(part(DATATYPE, "type")?, "its type"))?;
        let layout = part(LAYOUT, "layout")?;
        let layout = Layout::read(&mut input.fields(layout, "its layout"), shape.len(), element.bytes())?;
        if only(&messages, EXTERNAL)?.is_some() {
            return Err(unsupported(
                "its data lies in other files, which is not read here; write it again with h5py as one file",
            ));
        }
        let filters = match only(&messages, FILTERS)? {
            Some(filters) => Filters::read(&mut input.fields(filters, "its filters"))?,
            None => Filters::default(),
        };
        let whole = shape.iter().product::<u64>().saturating_mul(element.bytes() as u64);
        if whole > input.source().len().saturating_mul(MOST_OF_A_BYTE) {
            return Err(damaged(format!("it claims {whole} bytes, more than the file can hold")));
        }
        let stored = Self::stored(input, layout, filters, &shape, element.bytes(), whole)?;
        Ok(Self { name: name.to_owned(), source: input.source().clone(), shape, element, stored })
    }

    fn stored(
        input: &mut Input,
        layout: Layout,
        filters: Filters,
        shape: &[u64],
        element: usize,
        whole: u64,
    ) -> io::Result<Stored> {
        Ok(match layout {
            Layout::Chunked { sides, index } => {
                let grid = Grid::new(shape, sides, element, !filters.is_empty())?;
                let chunks = find(input, &grid, &index)?;
                Stored::Chunked { grid, filters, chunks }
            }
            _ if !filters.is_empty() => return Err(damaged("it is packed, and not in chunks")),
            Layout::Contiguous { address: NOWHERE, .. } => return Err(damaged("its data was never written")),
            Layout::Contiguous { address, len } => {
                let place = input.place(address);
                if len != whole || place.checked_add(len).is_none_or(|end| end > input.source().len()) {
                    return Err(damaged(format!(
                        "its {whole} bytes from byte {place} on do not lie inside the file"
                    )));
                }
                Stored::Contiguous(place)
            }
            Layout::Compact(bytes) if bytes.len() as u64 == whole => Stored::Compact(bytes),
            Layout::Compact(bytes) => {
                return Err(damaged(format!("it has {} bytes instead of {whole}", bytes.len())));
            }
        })
    }

    /// Its sides; the first dimension varies slowest.
    pub(crate) fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// What its elements are.
    pub(crate) fn element(&self) -> Element {
        self.element
    }

    /// Bytes of a row.
    pub(crate) fn row_bytes(&self) -> u64 {
        self.shape[1..].iter().product::<u64>() * self.element.bytes() as u64
    }

    /// How many rows to read at a time so that no chunk is unpacked twice, where that takes at most about `most` bytes;
    /// otherwise as many as take that, at least one.
    pub(crate) fn rows_at_once(&self, most: u64) -> u64 {
        let fit = (most / self.row_bytes().max(1)).max(1);
        let rows = match &self.stored {
            Stored::Chunked { grid, .. } if grid.sides[0] <= fit => fit / grid.sides[0] * grid.sides[0],
            _ => fit,
        };
        rows.min(self.shape[0])
    }

    /// Unpacks the rows from `first` on, `count` of them or as many as there are; on the threads of the pool that it is
    /// called in. Memory is that of the rows, and a chunk for each thread.
    ///
    /// # Errors
    /// Where the file ends early or its bytes are damaged, naming the chunk, where it lies and whose rows it holds.
    pub(crate) fn rows(&self, first: u64, count: u64) -> io::Result<Rows> {
        let first = first.min(self.shape[0]);
        let count = count.min(self.shape[0] - first);
        let row = self.row_bytes();
        let read = |place: u64, len: u64| {
            let mut bytes = vec![0; len as usize];
            self.source.read_exact_at(&mut bytes, place).map(|()| bytes)
        };
        match &self.stored {
            Stored::Compact(bytes) => {
                let bytes = bytes[(first * row) as usize..][..(count * row) as usize].to_vec();
                Ok(Rows::plain(row as usize, bytes))
            }
            Stored::Contiguous(place) => {
                let bytes =
                    read(place + first * row, count * row).map_err(|error| about(&self.name, &error))?;
                Ok(Rows::plain(row as usize, bytes))
            }
            Stored::Chunked { grid, filters, chunks } => {
                let unpack = |number: usize| -> io::Result<Part> {
                    let chunk = chunks[number];
                    let bytes = read(chunk.place, chunk.len);
                    let whole = bytes.and_then(|bytes| filters.unpack(bytes, chunk.mask, grid.len as usize));
                    let whole = whole.map_err(|error| self.about_chunk(grid, number, chunk, &error))?;
                    Ok(grid.part(number, whole, first, count))
                };
                let unpacked = grid.of_rows(first, count).into_par_iter().map(unpack);
                let parts = unpacked.collect::<io::Result<Vec<Part>>>()?;
                Ok(Rows::of_chunks(&self.shape, &grid.sides, self.element.bytes(), first, parts))
            }
        }
    }

    /// An error about a chunk, saying where it lies and which rows it holds.
    fn about_chunk(&self, grid: &Grid, number: usize, chunk: Chunk, error: &io::Error) -> io::Error {
        let first = number as u64 / grid.in_a_row() * grid.sides[0];
        let last = (first + grid.sides[0]).min(self.shape[0]) - 1;
        let what = format!(
            "data set {}, chunk {number} of {} at byte {}, rows {first} to {last}: {error}",
            self.name,
            grid.count(),
            chunk.place
        );
        io::Error::new(error.kind(), what)
    }
}

/// An error that begins with the name of its data set.
fn about(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("data set {name}: {error}"))
}
