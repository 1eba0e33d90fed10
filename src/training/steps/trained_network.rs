//! What trainers of two networks are made of: a network with its optimiser, the discriminator's turn, and the way
//! from a generator's pictures to an encoder.

use candle_core::{Device, Result, Tensor};

use crate::base::Arrays;
use crate::nets::{Posterior, PosteriorEncoder, VaeConfig, Weights};
use crate::ops;

use crate::training::config::Downsample;
use crate::training::steps::{extend, part_of};
use crate::training::{Gradients, Ledger, Optimiser, Rule};

/// A network with its optimiser, and a view of it for the other player's turn.
pub(in crate::training) struct TrainedNetwork<N> {
    pub(in crate::training) weights: Weights,
    pub(in crate::training) net: N,
    /// The same network out of reach of gradients.
    pub(in crate::training) frozen: N,
    optimiser: Optimiser,
}

impl<N> TrainedNetwork<N> {
    pub(in crate::training) fn new(
        weights: &Arrays,
        rule: Rule,
        device: &Device,
        bind: impl Fn(&Weights) -> Result<N>,
    ) -> Result<Self> {
        let weights = Weights::trainable(weights, device)?;
        let (net, frozen) = (bind(&weights)?, bind(&weights.frozen_view())?);
        let optimiser = Optimiser::new(rule, &weights)?;
        Ok(Self { weights, net, frozen, optimiser })
    }

    /// The gradients of `loss` in this network's parameters.
    pub(in crate::training) fn backward(&self, loss: &Tensor) -> Result<Gradients> {
        Ok(Gradients::take(&mut ops::backward(loss)?, &self.weights))
    }

    /// Makes the next step ready, at a learning rate that holds from here on where there is one.
    pub(in crate::training) fn prepare(&mut self, rate: Option<f64>) -> Result<()> {
        if let Some(rate) = rate {
            self.optimiser.set_learning_rate(rate);
        }
        self.optimiser.prepare()
    }

    /// Moves the parameters, if the turn was finite.
    pub(in crate::training) fn apply(&mut self, gradients: &Gradients, ledger: &Ledger) -> Result<()> {
        self.optimiser.apply(gradients, ledger.gate())
    }

    /// Notes that they have moved.
    pub(in crate::training) fn count(&mut self) {
        self.optimiser.count();
    }

    /// Adds the optimiser's running means to `state` as `{name}_optimiser.*`.
    pub(in crate::training) fn save_optimiser(&self, name: &str, state: &mut Arrays) -> Result<()> {
        extend(state, &format!("{name}_optimiser."), self.optimiser.state()?);
        Ok(())
    }

    /// Continues from `weights` and from what [`TrainedNetwork::save_optimiser`] added.
    pub(in crate::training) fn restore(
        &mut self,
        name: &str,
        weights: &Arrays,
        state: &Arrays,
    ) -> Result<()> {
        self.weights.assign(weights)?;
        self.optimiser.restore(&part_of(state, &format!("{name}_optimiser.")))
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
