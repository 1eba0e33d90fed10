use std::fmt;
use std::str::FromStr;

use crate::base::Cancel;
use crate::explore::{draw_all, sensitivity};
use crate::model::CodeBlock;

use super::super::{FigureError, Workbench};

/// Order of a traversal's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Most informative first, by the KL divergence from the prior.
    Kl,
    /// What moves most pixels first.
    Sensitivity,
    /// As they are numbered.
    Index,
}

impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "kl" => Ok(Self::Kl),
            "sensitivity" => Ok(Self::Sensitivity),
            "index" => Ok(Self::Index),
            _ => Err("expected kl, sensitivity or index".to_owned()),
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kl => "kl",
            Self::Sensitivity => "sensitivity",
            Self::Index => "index",
        })
    }
}

/// The dimensions of a block from the one that moves most pixels of `chain` to the least, over 64 random codes; dimension
/// i runs through `ranges[i]`.
pub(super) fn by_sensitivity(
    bench: &mut Workbench,
    block: &CodeBlock,
    chain: &str,
    ranges: &[[f32; 2]],
    cancel: &Cancel,
) -> Result<Vec<usize>, FigureError> {
    let description = bench.description();
    let inputs = description.inputs(chain).into_iter();
    let before = inputs.take_while(|name| *name != block.name);
    let offset = before.filter_map(|name| description.block(name)).map(|block| block.dims).sum();
    let codes = draw_all(description, 64, 0, None);
    let input = bench.input(chain, &codes)?;
    let moved = sensitivity(bench.renderer(chain)?, &input, offset, ranges, cancel)?;
    let moved = moved.ok_or(FigureError::Stopped)?;
    let mut ranking: Vec<usize> = (0..block.dims).collect();
    ranking.sort_by(|&a, &b| moved[b].total_cmp(&moved[a]));
    Ok(ranking)
}
