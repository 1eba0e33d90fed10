//! OOGAN as a description.

use crate::base::PixelRange;
use crate::nets::{OoganConfig, OoganPart};

use super::{
    Architecture, Chain, CodeBlock, CodeKind, CodeValue, DISCRIMINATOR, GAN, GENERATOR, ModelDescription,
    Network, Port, READER,
};

/// What every control stands at in the middle of the range that training draws those from that are the same for a batch.
const MIDDLE: f32 = 0.4;

impl ModelDescription {
    /// OOGAN: sliders of the controls c from 0 to 1, all 0 in the neutral picture, and noise z, which is drawn anew as a whole;
    /// c is read from pictures. Discriminator and reader keep their weights in the group `discriminator`.
    pub fn oogan(name: impl Into<String>, config: OoganConfig) -> Self {
        let c = CodeBlock {
            kind: CodeKind::Uniform,
            range: [0.0, 1.0],
            opening: vec![MIDDLE; config.c_dim],
            ..CodeBlock::disentangled(config.c_dim)
        };
        let z = CodeBlock { kind: CodeKind::Noise, ..CodeBlock::latent(config.z_dim) };
        let codes: Vec<CodeBlock> = [c, z].into_iter().filter(|block| block.dims > 0).collect();
        let inputs = codes.iter().map(|block| Port::code(&block.name)).collect();
        let picture = || vec![Port::Picture { shape: config.picture_shape(), range: PixelRange::Signed }];
        let read = match config.is_certain {
            true => vec![Port::Code { block: "c".into(), value: CodeValue::Mean }],
            false => Port::posterior("c"),
        };
        let network = |part, weights: &str, inputs, outputs| Network {
            architecture: Architecture::Oogan(config.part(part)),
            weights: weights.into(),
            inputs,
            outputs,
        };
        let score = vec![Port::Features { width: 1 }];
        let networks = [
            (GENERATOR, network(OoganPart::Generator, GENERATOR, inputs, picture())),
            (DISCRIMINATOR, network(OoganPart::Discriminator, DISCRIMINATOR, picture(), score)),
            (READER, network(OoganPart::Reader, DISCRIMINATOR, picture(), read)),
        ];
        Self {
            codes,
            networks: networks.map(|(name, network)| (name.to_owned(), network)).into(),
            render: vec![Chain::new(GAN, [GENERATOR])],
            encode: vec![Chain::new("to c", [READER])],
            ..Self::empty(name)
        }
    }

    /// The sizes of its networks, if it is an OOGAN.
    pub fn oogan_config(&self) -> Option<OoganConfig> {
        match self.networks.get(GENERATOR)?.architecture {
            Architecture::Oogan(network) => Some(network.config),
            _ => None,
        }
    }
}
