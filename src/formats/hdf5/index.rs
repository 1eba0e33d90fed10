use std::io;

use super::chunks::{Chunk, Found, Grid};
use super::fault::damaged;
use super::fields::NOWHERE;
use super::input::Input;
use super::layout::Index;
use super::{arrays, trees};

/// The most chunks of a data set: pictures of the largest sets, one each, are fewer.
const MOST: u64 = 1 << 24;

/// Finds all chunks of `grid`.
pub(super) fn find(input: &mut Input, grid: &Grid, index: &Index) -> io::Result<Vec<Chunk>> {
    let (count, bytes) = (grid.count(), input.source().len());
    if count > MOST || count > bytes {
        return Err(damaged(format!("it claims {count} chunks, more than the file can hold")));
    }
    let mut found = Found::none(grid);
    match *index {
        Index::Tree(NOWHERE)
        | Index::Single { address: NOWHERE, .. }
        | Index::Implicit(NOWHERE)
        | Index::Fixed(NOWHERE)
        | Index::Extensible(NOWHERE)
        | Index::SecondTree(NOWHERE) => {}
        Index::Tree(address) => trees::first(input, address, &mut found)?,
        Index::SecondTree(address) => trees::second(input, address, &mut found)?,
        Index::Fixed(address) => arrays::fixed(input, address, &mut found)?,
        Index::Extensible(address) => arrays::extensible(input, address, &mut found)?,
        Index::Single { address, packed } => {
            let (len, mask) = packed.unwrap_or((grid.len, 0));
            found.put(0, Chunk { place: input.place(address), len, mask })?;
        }
        Index::Implicit(address) => {
            for number in 0..count {
                let address = address.saturating_add(number * grid.len);
                found.put(number, Chunk { place: input.place(address), len: grid.len, mask: 0 })?;
            }
        }
    }
    let chunks = found.chunks();
    for (number, chunk) in chunks.iter().enumerate() {
        if chunk.place == NOWHERE {
            return Err(damaged(format!("its chunk {number} of {count} was never written")));
        }
        if chunk.place.checked_add(chunk.len).is_none_or(|end| end > bytes) {
            let place = chunk.place;
            return Err(damaged(format!(
                "its chunk {number} of {count} at byte {place} ends outside the file"
            )));
        }
    }
    Ok(chunks)
}
