//! Codes that a network makes of noise.

use super::{CodeBlock, CodeKind, ModelDescription, Network, Port};

/// A network that makes a code of noise and of nothing else, as IB-GAN's e makes r of z: what is drawn anew there moves the
/// pictures through that code alone, and there is no nuisance beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Emission<'a> {
    /// From the noise to mean and log variance of the code.
    pub network: &'a Network,
    /// The noise, drawn anew as a whole.
    pub noise: &'a CodeBlock,
    /// The code, which has sliders.
    pub code: &'a CodeBlock,
}

impl ModelDescription {
    /// What makes a code of noise, if anything does.
    pub fn emission(&self) -> Option<Emission<'_>> {
        self.networks.values().find_map(|network| {
            let [Port::Code { block: noise, .. }] = &network.inputs[..] else { return None };
            let code = network.outputs.first()?.block()?;
            let (noise, code) = (self.block(noise)?, self.block(code)?);
            let is_one = noise.kind == CodeKind::Noise
                && code.kind == CodeKind::Gaussian
                && network.outputs == Port::posterior(&code.name);
            is_one.then_some(Emission { network, noise, code })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::{IbGanConfig, IbGanForm};

    #[test]
    fn ib_gans_r_is_made_of_noise_and_its_baselines_z_of_nothing() {
        let config = IbGanConfig {
            form: IbGanForm::Sprites,
            channels: 1,
            z_dim: 3,
            r_dim: 2,
            generator_width: 2,
            discriminator_width: 2,
        };
        let described = ModelDescription::ibgan("IB-GAN", config);
        let emission = described.emission().expect("there is an emitter");
        assert_eq!((emission.noise.name.as_str(), emission.code.name.as_str()), ("z", "r"));
        assert_eq!(ModelDescription::ibgan_baseline("InfoGAN", config, true).emission(), None);
    }
}
