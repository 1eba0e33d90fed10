//! IB-GAN and its baselines as descriptions.

use crate::base::PixelRange;
use crate::nets::{IbGanConfig, IbGanPart};

use super::{
    Architecture, Chain, CodeBlock, CodeKind, DISCRIMINATOR, GAN, GENERATOR, ModelDescription, Network, Port,
};

/// The network that makes a representation of noise: IB-GAN's e.
pub const EMITTER: &str = "emitter";
/// The network that reads a code from a picture beside a GAN: Q.
pub const READER: &str = "q";

impl ModelDescription {
    /// IB-GAN: sliders of r, which the generator draws; z, which is drawn anew as a whole and of which the emitter makes r; and
    /// pictures are read in two steps, z from the picture and r, the emitter's mean, from that.
    ///
    /// Emitter and generator keep their weights in the group `generator`, discriminator and reader in `discriminator`.
    pub fn ibgan(name: impl Into<String>, config: IbGanConfig) -> Self {
        let r = CodeBlock { name: "r".into(), ..CodeBlock::disentangled(config.r_dim) };
        let z = CodeBlock { kind: CodeKind::Noise, ..CodeBlock::latent(config.z_dim) };
        let mut described = Self::with_ibgan_parts(name, config, "r", vec![r, z]);
        let emitter =
            network(config, IbGanPart::Emitter, GENERATOR, vec![Port::code("z")], Port::posterior("r"));
        let reader = reader(config);
        described.networks.extend([(EMITTER.into(), emitter), (READER.into(), reader)]);
        described.render.push(Chain::new("from z", [EMITTER, GENERATOR]));
        described.encode = vec![Chain::new("to r", [READER, EMITTER]), Chain::new("to z", [READER])];
        described
    }

    /// The baselines that IB-GAN is compared with: its networks without the emitter, so that the generator draws z itself, whose
    /// dimensions are the sliders. With a reader it is InfoGAN, without one a GAN.
    pub fn ibgan_baseline(name: impl Into<String>, config: IbGanConfig, has_reader: bool) -> Self {
        let config = IbGanConfig { r_dim: config.z_dim, ..config };
        let mut described = Self::with_ibgan_parts(name, config, "z", vec![CodeBlock::latent(config.z_dim)]);
        if has_reader {
            described.networks.insert(READER.into(), reader(config));
            described.encode = vec![Chain::new("to z", [READER])];
        }
        described
    }

    /// The sizes of its networks, if it is an IB-GAN or one of its baselines.
    pub fn ibgan_config(&self) -> Option<IbGanConfig> {
        match self.networks.get(GENERATOR)?.architecture {
            Architecture::IbGan(network) => Some(network.config),
            _ => None,
        }
    }

    /// A generator of the block `code` and a discriminator.
    fn with_ibgan_parts(
        name: impl Into<String>,
        config: IbGanConfig,
        code: &str,
        codes: Vec<CodeBlock>,
    ) -> Self {
        let picture = || vec![picture(config)];
        let generator = network(config, IbGanPart::Generator, GENERATOR, vec![Port::code(code)], picture());
        let logit = vec![Port::Features { width: 1 }];
        let discriminator = network(config, IbGanPart::Discriminator, DISCRIMINATOR, picture(), logit);
        let mut described = Self { codes, ..Self::empty(name) };
        described.networks.extend([(GENERATOR.into(), generator), (DISCRIMINATOR.into(), discriminator)]);
        described.render = vec![Chain::new(GAN, [GENERATOR])];
        described
    }
}

fn reader(config: IbGanConfig) -> Network {
    network(config, IbGanPart::Reader, DISCRIMINATOR, vec![picture(config)], Port::posterior("z"))
}

fn network(
    config: IbGanConfig,
    part: IbGanPart,
    weights: &str,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
) -> Network {
    Network { architecture: Architecture::IbGan(config.part(part)), weights: weights.into(), inputs, outputs }
}

fn picture(config: IbGanConfig) -> Port {
    Port::Picture { shape: config.picture_shape(), range: PixelRange::Signed }
}
