//! Implicit autoencoders as descriptions.

use crate::base::PixelRange;
use crate::nets::{IaeConfig, IaePart, TranslatorConfig};

use super::{
    Architecture, Chain, CodeBlock, CodeKind, CodeValue, DECODER, DISCRIMINATOR, ENCODER, ModelDescription,
    Network, Port,
};

/// The discriminator of pairs of a picture and its code.
pub const PAIR_DISCRIMINATOR: &str = "pair discriminator";
/// The discriminator of codes.
pub const CODE_DISCRIMINATOR: &str = "code discriminator";
/// CycleIAE's network from pictures of the second domain to those of the first, and its chain.
pub const BACK: &str = "g";
/// CycleIAE's network from pictures of the first domain to those of the second, and its chain.
pub const THERE: &str = "f";

impl ModelDescription {
    /// An implicit autoencoder: the decoder draws z, sliders or a choice of clusters, and noise n, which beside clusters is a
    /// style with sliders of its own; the encoder reads z, with noise eps where it is stochastic. Every network keeps its weights in
    /// a group of its name, underscores for spaces.
    pub fn iae(name: impl Into<String>, config: IaeConfig) -> Self {
        let parts = [
            (PAIR_DISCRIMINATOR, IaePart::PairDiscriminator),
            (CODE_DISCRIMINATOR, IaePart::CodeDiscriminator),
        ];
        Self::of_iae(name, config, parts)
    }

    /// The flipped form, whose encoder has seen drawn pictures alone: a discriminator of pictures stands for that of codes.
    pub fn flipped_iae(name: impl Into<String>, config: IaeConfig) -> Self {
        let parts = [
            (PAIR_DISCRIMINATOR, IaePart::PairDiscriminator),
            (DISCRIMINATOR, IaePart::PictureDiscriminator),
        ];
        Self::of_iae(name, config, parts)
    }

    fn of_iae(name: impl Into<String>, config: IaeConfig, discriminators: [(&str, IaePart); 2]) -> Self {
        let kind = if config.is_categorical { CodeKind::OneHot } else { CodeKind::Gaussian };
        let style = if config.is_categorical { CodeKind::Gaussian } else { CodeKind::Noise };
        let z = match kind {
            CodeKind::OneHot => CodeBlock { kind, range: [0.0, 1.0], ..CodeBlock::latent(config.z_dim) },
            _ => CodeBlock::latent(config.z_dim),
        };
        let noise = |name: &str, kind, dims| CodeBlock { name: name.into(), kind, ..CodeBlock::latent(dims) };
        let blocks = [z, noise("n", style, config.n_dim), noise("eps", CodeKind::Noise, config.eps_dim)];
        let codes: Vec<CodeBlock> = blocks.into_iter().filter(|block| block.dims > 0).collect();
        let is_there = |name: &&str| codes.iter().any(|block| block.name == *name);
        let taken = |names: [&str; 2]| names.into_iter().filter(is_there).map(Port::code).collect::<Vec<_>>();
        let picture = || vec![Port::Picture { shape: config.picture_shape(), range: config.range() }];
        let mean = vec![Port::Code { block: "z".into(), value: CodeValue::Mean }];
        let mut networks = vec![
            (ENCODER, IaePart::Encoder, [picture(), taken(["eps", ""])].concat(), mean),
            (DECODER, IaePart::Decoder, taken(["z", "n"]), picture()),
        ];
        for (name, part) in discriminators {
            let inputs = match part {
                IaePart::PairDiscriminator => [picture(), taken(["z", ""])].concat(),
                IaePart::CodeDiscriminator => taken(["z", ""]),
                _ => picture(),
            };
            networks.push((name, part, inputs, vec![Port::Features { width: 1 }]));
        }
        let described = networks.into_iter().map(|(name, part, inputs, outputs)| {
            let architecture = Architecture::Iae(config.part(part));
            (name.to_owned(), Network { architecture, weights: name.replace(' ', "_"), inputs, outputs })
        });
        Self {
            networks: described.collect(),
            codes,
            render: vec![Chain::new(DECODER, [DECODER])],
            encode: vec![Chain::new(ENCODER, [ENCODER])],
            ..Self::empty(name)
        }
    }

    /// The sizes of its networks, if it is an implicit autoencoder.
    pub fn iae_config(&self) -> Option<IaeConfig> {
        match self.networks.get(DECODER)?.architecture {
            Architecture::Iae(network) => Some(network.config),
            _ => None,
        }
    }

    /// CycleIAE: `there` makes pictures of the second domain of those of the first, with noise eps where it has any, and `back`
    /// pictures of the first domain of those of the second, with noise n. All of its chains take a picture and draw one. Its
    /// discriminators are its training's.
    pub fn cycle_iae(name: impl Into<String>, there: TranslatorConfig, back: TranslatorConfig) -> Self {
        let block = |name: &str, dims| CodeBlock {
            kind: CodeKind::Noise,
            name: name.into(),
            ..CodeBlock::latent(dims)
        };
        let codes = [block("n", back.noise_dim), block("eps", there.noise_dim)];
        let picture =
            |channels, size| Port::Picture { shape: [channels, size, size], range: PixelRange::Signed };
        let network = |name: &str, config: TranslatorConfig, noise: &str| {
            let noise = (config.noise_dim > 0).then(|| Port::code(noise));
            let network = Network {
                architecture: Architecture::Translator(config),
                weights: name.into(),
                inputs: [picture(config.takes, config.size)].into_iter().chain(noise).collect(),
                outputs: vec![picture(config.gives, config.size)],
            };
            (name.to_owned(), network)
        };
        Self {
            codes: codes.into_iter().filter(|block| block.dims > 0).collect(),
            networks: [network(THERE, there, "eps"), network(BACK, back, "n")].into(),
            render: vec![
                Chain::new(THERE, [THERE]),
                Chain::new("there and back", [THERE, BACK]),
                Chain::new(BACK, [BACK]),
            ],
            ..Self::empty(name)
        }
    }
}
