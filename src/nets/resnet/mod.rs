//! The residual generator and discriminator of Mescheder et al. (paper section A.3), and the discriminator
//! with a variational bottleneck of Peng et al. (VGAN).

mod block;
mod eager;
mod graph;
mod growth;

use serde::{Deserialize, Serialize};

pub(super) use eager::ResnetTrace;
pub use eager::{ResnetDiscriminator, ResnetGenerator};
pub(super) use graph::{discriminator, discriminator_parameters, generator};
pub use growth::{grown_discriminator, grown_generator};

/// Most feature maps of a layer.
const MOST_WIDTH: usize = 1 << 16;

/// The sizes shared by the residual networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResnetTrunk {
    /// Picture height and width: a power of two, 64 to 1024 in the paper, 8 or more here.
    pub size: usize,
    /// Feature maps at full resolution.
    pub nfilter: usize,
    /// Most feature maps at any resolution.
    pub nfilter_max: usize,
    /// Picture channels: 3 in the paper.
    pub channels: usize,
}

impl ResnetTrunk {
    /// Halvings between the picture and the 4x4 map: log2(size / 4).
    pub fn levels(&self) -> usize {
        (self.size / 4).max(1).ilog2() as usize
    }

    /// Feature maps `halvings` below full resolution: min(nfilter * 2^halvings, nfilter_max).
    pub fn width(&self, halvings: usize) -> usize {
        self.nfilter
            .saturating_mul(1usize.checked_shl(halvings as u32).unwrap_or(usize::MAX))
            .min(self.nfilter_max)
    }

    /// Checks that a network of these sizes exists and could be held.
    ///
    /// # Errors
    /// Says the sizes, in words that go on after the network's name.
    pub fn check(&self) -> Result<(), String> {
        let Self { size, nfilter, nfilter_max, channels } = *self;
        if self.is_valid() && nfilter <= MOST_WIDTH && nfilter <= nfilter_max {
            return Ok(());
        }
        Err(format!(
            "has impossible sizes ({size} pixels, widths {nfilter} to {nfilter_max}, {channels} channels)"
        ))
    }

    /// Whether a network of these sizes exists.
    pub fn is_valid(&self) -> bool {
        self.size.is_power_of_two()
            && (8..=1 << 14).contains(&self.size)
            && self.nfilter > 0
            && self.nfilter_max > 0
            && matches!(self.channels, 1 | 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_grow_towards_the_small_maps_up_to_the_maximum() {
        let trunk = ResnetTrunk { size: 256, nfilter: 64, nfilter_max: 512, channels: 3 };
        assert_eq!(trunk.levels(), 6);
        let widths: Vec<usize> = (0..=trunk.levels()).rev().map(|h| trunk.width(h)).collect();
        assert_eq!(widths, [512, 512, 512, 512, 256, 128, 64]);
    }
}
