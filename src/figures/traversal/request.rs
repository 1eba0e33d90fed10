use std::path::PathBuf;

use crate::base::Background;
use crate::explore::{CodeSource, Mode, RangeSpec};

use super::super::words::Words;
use super::super::{Cells, ChainChoice, Names};
use super::Order;

/// One row a dimension, one column a value, while everything else stays at the base code.
#[derive(Clone, Debug, PartialEq)]
pub struct TraversalRequest {
    /// The code block whose dimensions move; the model's main one when left out.
    pub block: Option<String>,
    /// The dimensions, as [`parse_dims`](crate::explore::parse_dims) reads them: `all`, or indices such as `0,3,5-7`.
    pub dims: String,
    /// Their names, in the order of `dims`; the model's when left out.
    pub names: Option<Names>,
    /// Order of the rows. When left out: as listed in `dims`; for all, by KL divergence where it is known, else as numbered.
    pub order: Option<Order>,
    /// The values; the block's own range when left out.
    pub range: Option<RangeSpec>,
    /// Columns, 1 to 1000.
    pub steps: u16,
    /// Whether a value takes the place of the base code's, or is added to it.
    pub mode: Mode,
    /// The code that everything else stays at.
    pub base: Base,
    /// The random draw of the nuisance, the same in every cell; when left out that of the base's file, else draw 0.
    pub s_seed: Option<u64>,
    /// Which chains draw; when left out all that take the block.
    pub decoder: Option<ChainChoice>,
    /// Milliseconds a frame of a GIF, 20 to 10,000.
    pub frame_ms: u16,
    /// How large the pictures are.
    pub cells: Cells,
}

/// The code that a traversal starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Base {
    /// Every block at its neutral value.
    #[default]
    Neutral,
    /// Drawn at random.
    Drawn {
        /// The random draw.
        seed: u64,
        /// From what.
        from: CodeSource,
    },
    /// A row of a file of codes.
    Row {
        /// The file.
        codes: PathBuf,
        /// The row, from 0.
        row: usize,
    },
    /// What the encoder finds in a picture.
    Picture {
        /// The picture.
        path: PathBuf,
        /// Side of the square that is cut from its middle; the largest when left out.
        crop: Option<u32>,
        /// What shows through where it is transparent; what the model was trained with when left out.
        background: Option<Background>,
    },
}

impl TraversalRequest {
    /// Milliseconds a frame where nobody says.
    pub const FRAME_MS: u16 = 100;

    pub(in crate::figures) fn say(&self, words: &mut Words) {
        words.optional("block", self.block.as_ref());
        words.option("dims", &self.dims);
        words.optional("names", self.names.as_ref());
        words.optional("order", self.order);
        words.optional("range", self.range);
        words.option("steps", self.steps);
        words.option("mode", self.mode);
        words.optional("decoder", self.decoder.as_ref());
        words.optional("s-seed", self.s_seed);
        words.unusual("frame-ms", &self.frame_ms, &Self::FRAME_MS);
        self.cells.say(words);
        self.base.say(words);
    }
}

impl Base {
    fn say(&self, words: &mut Words) {
        match self {
            Self::Neutral => {}
            Self::Drawn { seed, from } => {
                words.option("seed", seed);
                words.option("from", from);
            }
            Self::Row { codes, row } => {
                words.path("codes", codes);
                words.unusual("row", row, &0);
            }
            Self::Picture { path, crop, background } => {
                words.path("image", path);
                words.optional("crop", *crop);
                words.optional("background", *background);
            }
        }
    }

    /// The random draw, where it is one.
    pub(super) fn seed(&self) -> Option<u64> {
        match self {
            Self::Drawn { seed, .. } => Some(*seed),
            Self::Neutral | Self::Row { .. } | Self::Picture { .. } => None,
        }
    }
}
