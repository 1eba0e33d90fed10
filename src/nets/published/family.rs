use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::PixelRange;
use crate::graph::Graph;

use super::PUBLISHED;

/// A VAE that others have published: a row of [`PUBLISHED`].
pub struct Published {
    /// What descriptions call it.
    pub kind: &'static str,
    /// What it is and whose, after an article: `VAE of Burgess et al. (YannDubs/disentangling-vae)`.
    pub title: &'static str,
    /// Heights and widths that its pictures may have, the usual one first.
    pub sides: &'static [usize],
    /// Which numbers its decoder gives.
    pub range: PublishedRange,
    /// From a picture to mean and log variance of its code.
    pub encoder: fn(&PublishedSizes) -> Graph,
    /// From its code to a picture.
    pub decoder: fn(&PublishedSizes) -> Graph,
}

/// Which numbers stand for black and white in what a decoder gives.
pub enum PublishedRange {
    /// Always these.
    Always(PixelRange),
    /// One or the other, by how it was trained, of which its files say nothing.
    Either {
        /// Which it may be.
        choices: [PixelRange; 2],
        /// The likelier one and why, of the version of PyTorch Lightning that wrote the file, where one did.
        guess: fn(Option<&str>) -> (PixelRange, String),
    },
}

/// The sizes of a published VAE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedSizes {
    /// Picture channels: 1 or 3.
    pub channels: usize,
    /// Height and width of its pictures.
    pub side: usize,
    /// Dimensions of its code z, N(0, I).
    pub z_dim: usize,
}

impl Published {
    /// The one that descriptions call `kind`.
    pub fn of_kind(kind: &str) -> Option<&'static Self> {
        PUBLISHED.iter().find(|family| family.kind == kind)
    }

    /// Both halves, the encoder first.
    pub fn graphs(&self, sizes: &PublishedSizes) -> [Graph; 2] {
        [(self.encoder)(sizes), (self.decoder)(sizes)]
    }

    /// The names of all the tensors that it may have, whatever its sizes.
    pub fn tensor_names(&self) -> BTreeSet<String> {
        let of_side = |&side: &usize| self.graphs(&PublishedSizes { channels: 1, side, z_dim: 1 });
        let parameters = self.sides.iter().flat_map(of_side).flat_map(|graph| graph.parameters());
        parameters.map(|parameter| parameter.name).collect()
    }
}

impl PublishedRange {
    /// Whether it can be `range`.
    pub fn allows(&self, range: PixelRange) -> bool {
        match self {
            Self::Always(only) => *only == range,
            Self::Either { choices, .. } => choices.contains(&range),
        }
    }
}

impl PartialEq for Published {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)
    }
}
