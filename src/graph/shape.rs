use std::fmt;

use serde::{Deserialize, Serialize};

/// The size of one value of a graph, without the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// So many numbers.
    Row(usize),
    /// Channels, height and width.
    Map([usize; 3]),
}

/// The largest dimension that a value may have, so that sizes can be added and multiplied by a kernel's.
const MOST_SIDE: usize = 1 << 24;
/// The most numbers of one value.
const MOST_VALUES: usize = 1 << 32;

impl Shape {
    /// How many numbers it is; the largest there is where they cannot be counted.
    pub fn values(self) -> usize {
        match self {
            Self::Row(length) => length,
            Self::Map(sides) => sides.into_iter().fold(1, usize::saturating_mul),
        }
    }

    /// The numbers of a row, or the channels of a map: what layers without space count.
    pub fn channels(self) -> usize {
        match self {
            Self::Row(length) => length,
            Self::Map([channels, ..]) => channels,
        }
    }

    /// The sizes of so many values of this shape in one array, the batch first.
    pub fn batched(self, rows: usize) -> Vec<usize> {
        match self {
            Self::Row(length) => vec![rows, length],
            Self::Map([channels, height, width]) => vec![rows, channels, height, width],
        }
    }

    /// The same with other channels.
    pub(super) fn with_channels(self, channels: usize) -> Self {
        match self {
            Self::Row(_) => Self::Row(channels),
            Self::Map([_, height, width]) => Self::Map([channels, height, width]),
        }
    }

    /// The same, if it is neither empty nor too large to be computed.
    pub(super) fn checked(self) -> Result<Self, String> {
        let sides = match self {
            Self::Row(length) => [length, 1, 1],
            Self::Map(sides) => sides,
        };
        let is_sound = sides.iter().all(|side| (1..=MOST_SIDE).contains(side));
        if is_sound && self.values() <= MOST_VALUES {
            Ok(self)
        } else {
            Err(format!("makes {self}, which is empty or too large"))
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(length) => write!(f, "{length} numbers"),
            Self::Map([channels, height, width]) => write!(f, "{channels} maps of {height}x{width}"),
        }
    }
}
