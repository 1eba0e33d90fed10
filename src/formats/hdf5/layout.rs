use std::io;

use super::fault::{damaged, unsupported};
use super::fields::Fields;

/// The most dimensions a data set has [IV.A.2.b].
const MOST_DIMENSIONS: usize = 32;

/// The sides of a data set; their product is known not to overflow.
pub(super) fn shape(fields: &mut Fields<'_>) -> io::Result<Vec<u64>> {
    let version = fields.version(1..=2)?;
    let rank = usize::from(fields.u8()?);
    fields.take(if version == 1 { 6 } else { 2 })?;
    if rank == 0 || rank > MOST_DIMENSIONS {
        return Err(damaged(format!("it has {rank} dimensions, where 1 to {MOST_DIMENSIONS} are read")));
    }
    let sides = (0..rank).map(|_| fields.length()).collect::<io::Result<Vec<u64>>>()?;
    let product = sides.iter().try_fold(1u64, |product, &side| product.checked_mul(side));
    match product {
        Some(1..=0x0fff_ffff_ffff_ffff) => Ok(sides),
        Some(0) => Err(damaged("it holds nothing")),
        _ => Err(damaged("it claims more elements than there can be")),
    }
}

/// Where the data lies [IV.A.2.i].
#[derive(Debug)]
pub(super) enum Layout {
    /// In the object header.
    Compact(Vec<u8>),
    /// In one stretch.
    Contiguous { address: u64, len: u64 },
    /// In chunks of these sides, which an index finds.
    Chunked { sides: Vec<u64>, index: Index },
}

/// What finds the chunks [VIII].
#[derive(Debug)]
pub(super) enum Index {
    /// A tree of the first version.
    Tree(u64),
    /// Nothing: there is one chunk, packed to so many bytes by all but the masked filters where there are any.
    Single { address: u64, packed: Option<(u64, u32)> },
    /// Nothing: they lie one after another.
    Implicit(u64),
    /// An array of fixed length.
    Fixed(u64),
    /// An array that grows.
    Extensible(u64),
    /// A tree of the second version.
    SecondTree(u64),
}

impl Layout {
    /// Reads the message.
    pub(super) fn read(fields: &mut Fields<'_>, rank: usize, element: usize) -> io::Result<Self> {
        let version = fields.version(3..=5)?;
        Ok(match fields.u8()? {
            0 => {
                let len = usize::from(fields.u16()?);
                Self::Compact(fields.take(len)?.to_vec())
            }
            1 => Self::Contiguous { address: fields.address()?, len: fields.length()? },
            2 if version == 3 => {
                let count = usize::from(fields.u8()?);
                let tree = fields.address()?;
                Self::Chunked { sides: sides(fields, count, 4, rank, element)?, index: Index::Tree(tree) }
            }
            2 => {
                let flags = fields.u8()?;
                if flags & 1 != 0 {
                    return Err(unsupported(
                        "it leaves the chunks at its edges unpacked, which is not read here; write it again with h5py",
                    ));
                }
                let (count, width) = (usize::from(fields.u8()?), usize::from(fields.u8()?));
                let sides = sides(fields, count, width, rank, element)?;
                Self::Chunked { sides, index: index(fields, flags & 2 != 0)? }
            }
            3 => {
                return Err(unsupported(
                    "it is put together from other files (virtual), which is not read here; write it again with h5py as one data set",
                ));
            }
            class => return Err(damaged(format!("its data lies in a way that there is not ({class})"))),
        })
    }
}

/// The sides of a chunk, and after them the bytes of an element.
fn sides(
    fields: &mut Fields<'_>,
    count: usize,
    width: usize,
    rank: usize,
    element: usize,
) -> io::Result<Vec<u64>> {
    if count != rank + 1 {
        return Err(damaged(format!(
            "its chunks have {} dimensions, and it has {rank}",
            count.saturating_sub(1)
        )));
    }
    let mut sides = (0..count).map(|_| fields.number(width)).collect::<io::Result<Vec<u64>>>()?;
    if sides.pop() != Some(element as u64) || sides.contains(&0) {
        return Err(damaged("its chunks are of no size that its elements have"));
    }
    Ok(sides)
}

fn index(fields: &mut Fields<'_>, is_packed: bool) -> io::Result<Index> {
    Ok(match fields.u8()? {
        1 => {
            let packed = if is_packed { Some((fields.length()?, fields.u32()?)) } else { None };
            Index::Single { address: fields.address()?, packed }
        }
        2 => Index::Implicit(fields.address()?),
        3 => {
            fields.take(1)?;
            Index::Fixed(fields.address()?)
        }
        4 => {
            fields.take(5)?;
            Index::Extensible(fields.address()?)
        }
        5 => {
            fields.take(6)?;
            Index::SecondTree(fields.address()?)
        }
        kind => return Err(damaged(format!("its chunks are found in a way that there is not ({kind})"))),
    })
}
