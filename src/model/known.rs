//! The networks of ID-GAN and its relatives by the names that they have in every description, and how they are
//! connected there.

use crate::base::PixelRange;
use crate::nets::{
    DiscriminatorConfig, GeneratorConfig, Half, NetworkConfig, PublishedVae, VaeConfig, VaeDecoderConfig,
    VaeEncoderConfig,
};

use super::{Architecture, Chain, ModelDescription, Network, Port};

/// The network, and group of weights, of a generator.
pub const GENERATOR: &str = "generator";
/// The network, and group of weights, of a discriminator, kept so that training can go on.
pub const DISCRIMINATOR: &str = "discriminator";
/// The network that is the VAE's decoder.
pub const DECODER: &str = "decoder";
/// The network that is the VAE's encoder, and the chain of it alone.
pub const ENCODER: &str = "encoder";
/// The chain of a generator alone.
pub const GAN: &str = "gan";
/// The chain of the VAE's decoder alone, and the group of weights with both its halves.
pub const VAE: &str = "vae";

impl ModelDescription {
    /// The same with a generator of the blocks `inputs`, side by side in this order (ID-GAN: `s`, then `c`), as the
    /// main picture.
    pub fn with_generator<S: Into<String>>(
        self,
        config: GeneratorConfig,
        inputs: impl IntoIterator<Item = S>,
    ) -> Self {
        let network = Network {
            architecture: Architecture::Generator(config),
            weights: GENERATOR.into(),
            inputs: inputs.into_iter().map(Port::code).collect(),
            outputs: vec![picture(config.channels(), config.size(), PixelRange::Signed)],
        };
        let mut described = self.without(GENERATOR);
        described.networks.insert(GENERATOR.into(), network);
        described.render.insert(0, Chain::new(GAN, [GENERATOR]));
        described
    }

    /// The same with a discriminator.
    pub fn with_discriminator(mut self, config: DiscriminatorConfig) -> Self {
        let network = Network {
            architecture: Architecture::Discriminator(config),
            weights: DISCRIMINATOR.into(),
            inputs: vec![picture(config.channels(), config.size(), PixelRange::Signed)],
            outputs: vec![Port::Features { width: 1 }],
        };
        self.networks.insert(DISCRIMINATOR.into(), network);
        self
    }

    /// The same with both halves of a VAE of the block `code`.
    pub fn with_vae(self, config: VaeConfig, code: &str) -> Self {
        let network = Network {
            architecture: Architecture::VaeDecoder(VaeDecoderConfig(config)),
            weights: VAE.into(),
            inputs: vec![Port::code(code)],
            outputs: vec![picture(config.channels, VaeConfig::SIZE, PixelRange::Logits)],
        };
        let mut described = self.with_encoder(config, code);
        described.networks.insert(DECODER.into(), network);
        described.render.push(Chain::new(VAE, [DECODER]));
        described
    }

    /// The same with the encoder of a VAE and no decoder, as InfoGAN's, which is trained with a generator.
    pub fn with_encoder(self, config: VaeConfig, code: &str) -> Self {
        let network = Network {
            architecture: Architecture::VaeEncoder(VaeEncoderConfig(config)),
            weights: VAE.into(),
            inputs: vec![picture(config.channels, VaeConfig::SIZE, PixelRange::Unit)],
            outputs: Port::posterior(code),
        };
        let mut described = self.without(DECODER).without(ENCODER);
        described.networks.insert(ENCODER.into(), network);
        described.encode.insert(0, Chain::new(ENCODER, [ENCODER]));
        described
    }

    /// The same with both halves of a VAE that others have published, of the block `code`.
    pub fn with_published(self, vae: PublishedVae, code: &str) -> Self {
        let network = |half: Half, inputs, outputs| Network {
            architecture: Architecture::Published(vae.half(half)),
            weights: VAE.into(),
            inputs,
            outputs,
        };
        let shape = vae.picture_shape();
        let picture = |half: Half| vec![Port::Picture { shape, range: vae.half(half).range() }];
        let mut described = self.without(DECODER).without(ENCODER);
        let decoder = network(Half::Decoder, vec![Port::code(code)], picture(Half::Decoder));
        let encoder = network(Half::Encoder, picture(Half::Encoder), Port::posterior(code));
        described.networks.extend([(DECODER.into(), decoder), (ENCODER.into(), encoder)]);
        described.render.push(Chain::new(VAE, [DECODER]));
        described.encode.insert(0, Chain::new(ENCODER, [ENCODER]));
        described
    }

    /// The same without a network and the chains that run it.
    pub fn without(mut self, network: &str) -> Self {
        self.networks.remove(network);
        for chains in [&mut self.render, &mut self.encode] {
            chains.retain(|chain| !chain.steps.iter().any(|step| step == network));
        }
        self
    }

    /// The generator, if the model has one.
    pub fn generator(&self) -> Option<GeneratorConfig> {
        match self.networks.get(GENERATOR)?.architecture {
            Architecture::Generator(config) => Some(config),
            _ => None,
        }
    }

    /// The discriminator, if the model has one.
    pub fn discriminator(&self) -> Option<DiscriminatorConfig> {
        match self.networks.get(DISCRIMINATOR)?.architecture {
            Architecture::Discriminator(config) => Some(config),
            _ => None,
        }
    }

    /// The VAE that the decoder is half of, if the model has one.
    pub fn decoder(&self) -> Option<VaeConfig> {
        match self.networks.get(DECODER)?.architecture {
            Architecture::VaeDecoder(VaeDecoderConfig(config)) => Some(config),
            _ => None,
        }
    }

    /// The published VAE that the decoder is half of, if the model has one.
    pub fn published(&self) -> Option<PublishedVae> {
        match self.networks.get(DECODER)?.architecture {
            Architecture::Published(half) => Some(half.vae),
            _ => None,
        }
    }

    /// The VAE that the encoder is half of, if the model has one; there need not be a decoder.
    pub fn encoder(&self) -> Option<VaeConfig> {
        match self.networks.get(ENCODER)?.architecture {
            Architecture::VaeEncoder(VaeEncoderConfig(config)) => Some(config),
            _ => None,
        }
    }
}

fn picture(channels: usize, size: usize, range: PixelRange) -> Port {
    Port::Picture { shape: [channels, size, size], range }
}
