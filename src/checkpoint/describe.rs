//! Descriptions of imported models.

use crate::model::{CodeBlock, CodeKind, DECODER, ENCODER, GAN, GENERATOR, ModelDescription};
use crate::nets::GeneratorConfig;

use super::part::Vae;

/// Whether a description says more about a generator's input than its width: one Gaussian block `z` is what an
/// import makes of a GAN about which nothing else is known.
pub(super) fn is_explained(description: &ModelDescription) -> bool {
    let plain = |block: &CodeBlock| block.kind == CodeKind::Gaussian && block.labels.is_empty();
    let is_unknown = description.generator().is_some()
        && description.inputs(GAN) == ["z"]
        && description.block("z").is_some_and(plain);
    !description.encode.is_empty() || (!description.render.is_empty() && !is_unknown)
}

/// `description` with a VAE of the block `code`, or its encoder alone.
pub(super) fn with_vae(description: ModelDescription, vae: Vae, code: &str) -> ModelDescription {
    match vae.has_decoder {
        true => description.with_vae(vae.config, code),
        false => description.with_encoder(vae.config, code),
    }
}

/// `description` with the blocks of ID-GAN: `c` (from the VAE, or `c_dim` wide) and what is left of the generator's
/// input as `s`, which comes first in z; without either, one block `z`.
pub(super) fn describe_blocks(
    description: ModelDescription,
    vae: Option<Vae>,
    generator: Option<GeneratorConfig>,
    code: Option<CodeBlock>,
    c_dim: Option<usize>,
) -> ModelDescription {
    let c_dim = vae.map(|vae| vae.config.c_dim).or(c_dim);
    let code = match (code, c_dim) {
        (Some(code), _) => Some(code),
        (None, Some(dims)) => Some(CodeBlock::disentangled(dims)),
        (None, None) => generator.map(|config| CodeBlock::latent(config.z_dim())),
    };
    let rest = generator.map_or(0, |config| config.z_dim() - code.as_ref().map_or(0, |code| code.dims));
    let nuisance = (rest > 0).then(|| CodeBlock::nuisance(rest));
    let name = code.as_ref().map(|code| code.name.clone());
    let inputs: Vec<String> = nuisance.iter().map(|block| block.name.clone()).chain(name.clone()).collect();
    let mut described =
        [GENERATOR, DECODER, ENCODER].into_iter().fold(description, ModelDescription::without);
    described.codes = code.into_iter().chain(nuisance).collect();
    if let Some(config) = generator {
        described = described.with_generator(config, inputs);
    }
    match vae.zip(name) {
        Some((vae, code)) => with_vae(described, vae, &code),
        None => described,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::VaeConfig;

    #[test]
    fn what_the_vae_leaves_of_z_is_nuisance_and_comes_first() {
        let generator = GeneratorConfig::Small { z_dim: 14, channels: 1 };
        let vae = Vae { config: VaeConfig { channels: 1, c_dim: 10 }, has_decoder: true };
        let blocks = |vae, generator, c_dim| {
            let description = describe_blocks(ModelDescription::empty("test"), vae, generator, None, c_dim);
            assert_eq!(description.validate(), Ok(()));
            let noise = description.codes.iter().filter(|block| block.kind == CodeKind::Noise).count();
            let inputs = description.inputs(GAN).join(",");
            let codes: Vec<String> =
                description.codes.iter().map(|b| format!("{}{}", b.name, b.dims)).collect();
            (codes.join(" "), inputs, noise)
        };
        let expect = |codes: &str, inputs: &str, noise| (codes.to_owned(), inputs.to_owned(), noise);
        assert_eq!(blocks(Some(vae), Some(generator), None), expect("c10 s4", "s,c", 1));
        assert_eq!(blocks(None, Some(generator), Some(14)), expect("c14", "c", 0));
        assert_eq!(blocks(None, Some(generator), Some(3)), expect("c3 s11", "s,c", 1));
        assert_eq!(blocks(None, Some(generator), None), expect("z14", "z", 0));
        assert_eq!(blocks(Some(vae), None, None), expect("c10", "", 0));
    }
}
