//! What trainers of two networks are made of: a network with its optimiser, and the way
//! from a generator's pictures to an encoder.

use candle_core::{Device, Result, Tensor};

use crate::base::Arrays;
use crate::nets::{Posterior, PosteriorEncoder, VaeConfig, Weights};
use crate::ops;

use super::learnt_group::LearntGroup;
use crate::training::Rule;
use crate::training::config::Downsample;

/// A network with its optimiser, and a view of it for the other player's turn.
pub(in crate::training) struct TrainedNetwork<N> {
    pub(in crate::training) group: LearntGroup,
    pub(in crate::training) net: N,
    /// The same network out of reach of gradients.
    pub(in crate::training) frozen: N,
}

impl<N> TrainedNetwork<N> {
    pub(in crate::training) fn new(
        weights: &Arrays,
        rule: Rule,
        device: &Device,
        bind: impl Fn(&Weights) -> Result<N>,
    ) -> Result<Self> {
        let group = LearntGroup::new(weights, rule, device)?;
        let (net, frozen) = (bind(&group.weights)?, bind(&group.weights.frozen_view())?);
        Ok(Self { group, net, frozen })
    }

    /// Continues from `weights` and from what [`LearntGroup::save_optimiser`] added.
    pub(in crate::training) fn restore(
        &mut self,
        name: &str,
        weights: &Arrays,
        state: &Arrays,
    ) -> Result<()> {
        self.group.weights.assign(weights)?;
        self.group.restore_optimiser(name, state)
    }
}

/// The encoder of stage 1, behind the way from a GAN's pictures to its own.
pub struct FrozenEncoder {
    net: PosteriorEncoder,
    downsample: Downsample,
}

impl FrozenEncoder {
    /// The encoder of the VAE `weights`, under their published names; the decoder's are not needed.
    ///
    /// # Errors
    /// When weights are missing or the device cannot hold them.
    pub fn new(config: VaeConfig, weights: &Arrays, downsample: Downsample, device: &Device) -> Result<Self> {
        Ok(Self { net: PosteriorEncoder::new(config, &Weights::frozen(weights, device)?)?, downsample })
    }

    /// q(c|x) of pictures `(N, channels, size, size)` in [-1, 1], brought down to 64x64 where larger. Gradients
    /// flow to the pictures.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn encode(&self, pictures: &Tensor) -> Result<Posterior> {
        self.net.encode(&to_encoder(pictures, self.downsample)?)
    }
}

/// Pictures `(N, channels, size, size)` in [-1, 1] as an encoder takes them: at its size and in [0, 1].
pub(in crate::training) fn to_encoder(pictures: &Tensor, downsample: Downsample) -> Result<Tensor> {
    let unit = ((pictures + 1.0)? * 0.5)?;
    match (unit.dim(3)?, downsample) {
        (VaeConfig::SIZE, _) => Ok(unit),
        (_, Downsample::Area) => ops::area_downsample(&unit, VaeConfig::SIZE),
        (_, Downsample::Bilinear) => ops::bilinear_downsample(&unit, VaeConfig::SIZE),
    }
}
