//! How much a chain computes for one picture, so that cheap chains need not wait for dear ones.

use crate::model::{Chain, ModelDescription};

/// Multiply-adds of one picture of a render chain, those of its networks' graphs. `None` where a network is of an unknown
/// kind.
pub fn multiply_adds(description: &ModelDescription, chain: &Chain) -> Option<usize> {
    let networks = chain.steps.iter().map(|step| description.networks.get(step)?.architecture.graph());
    networks.map(|graph| graph?.multiply_adds().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Architecture, CodeBlock, GAN, GENERATOR, VAE};
    use crate::nets::{GeneratorConfig, ResnetTrunk, VaeConfig};

    #[test]
    fn the_decoder_costs_less_than_a_residual_generator_and_an_unknown_network_nobody_knows_what() {
        let trunk = ResnetTrunk { size: 64, nfilter: 64, nfilter_max: 512, channels: 3 };
        let codes = vec![CodeBlock::disentangled(10), CodeBlock::nuisance(256)];
        let mut description = ModelDescription { codes, ..ModelDescription::empty("toy") }
            .with_generator(GeneratorConfig::Resnet { z_dim: 266, trunk }, ["s", "c"])
            .with_vae(VaeConfig { channels: 1, c_dim: 10 }, "c");
        let of = |description: &ModelDescription, chain: &str| {
            multiply_adds(description, description.chain(chain).expect("there"))
        };
        // 10 x 256, then 262144, 1048576, 2097152, 4194304 and 524288 in the transposed convolutions
        assert_eq!(of(&description, VAE), Some(8_129_024));
        assert!(of(&description, GAN) > Some(50 * 8_129_024));
        let network = description.networks.get_mut(GENERATOR).expect("there");
        network.architecture = Architecture::Unknown(serde_json::Map::new());
        assert_eq!(of(&description, GAN), None);
    }
}
