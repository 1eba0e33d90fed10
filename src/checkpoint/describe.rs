//! Descriptions of imported models, and the check of those that files bring along.

use crate::nets::{DiscriminatorConfig, GeneratorConfig, ResnetTrunk};

use super::{CodeBlock, CodeKind, GeneratorPart, ModelDescription, VaePart};

/// Most dimensions of a code block.
const MOST_DIMS: usize = 1 << 16;
/// Most feature maps of a layer.
const MOST_FILTERS: usize = 1 << 16;

impl CodeBlock {
    /// The whole input of a generator about which nothing else is known: `dims` Gaussian dimensions called `z`.
    pub fn latent(dims: usize) -> Self {
        Self { name: "z".into(), ..Self::disentangled(dims) }
    }

    fn check_opening(&self) -> Result<(), String> {
        let (dims, found) = (self.dims, self.opening.len());
        if found != dims {
            return Err(format!("opens with {found} values for {dims} dimensions"));
        }
        if self.opening.iter().any(|value| !value.is_finite()) {
            return Err("opens with a value that is not a finite number".to_owned());
        }
        let ones = self.opening.iter().filter(|&&value| value == 1.0).count();
        let zeros = self.opening.iter().filter(|&&value| value == 0.0).count();
        if self.kind == CodeKind::OneHot && (ones, zeros) != (1, dims - 1) {
            return Err("opens with no choice: one value must be 1 and the others 0".to_owned());
        }
        Ok(())
    }
}

impl ModelDescription {
    /// A description of no networks.
    pub fn empty(name: impl Into<String>) -> Self {
        Self {
            format: Self::FORMAT,
            name: name.into(),
            codes: Vec::new(),
            generator: None,
            discriminator: None,
            vae: None,
            data: None,
            training: Default::default(),
            provenance: Default::default(),
        }
    }

    /// Checks that blocks, networks and numbers fit each other, so that the rest of the program can rely on it.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn validate(&self) -> Result<(), String> {
        for (i, block) in self.codes.iter().enumerate() {
            let name = &block.name;
            if name.is_empty() || self.codes[..i].iter().any(|other| other.name == *name) {
                return Err(format!("its code blocks do not have names of their own (`{name}`)"));
            }
            if !(1..=MOST_DIMS).contains(&block.dims) {
                return Err(format!("its code block `{name}` has {} dimensions", block.dims));
            }
            let [low, high] = block.range;
            if !(low.is_finite() && high.is_finite() && low < high && block.neutral.is_finite()) {
                return Err(format!("its code block `{name}` has the range {low}..{high}"));
            }
            if !block.labels.is_empty() && block.labels.len() != block.dims {
                return Err(format!(
                    "its code block `{name}` has {} labels for {} dimensions",
                    block.labels.len(),
                    block.dims
                ));
            }
            if !block.opening.is_empty() {
                block.check_opening().map_err(|error| format!("its code block `{name}` {error}"))?;
            }
            if block.kind == CodeKind::OneHot && block.dims < 2 {
                return Err(format!("its one-hot code block `{name}` has a single dimension"));
            }
        }
        let dims = |name: &str| {
            let block = self
                .block(name)
                .ok_or_else(|| format!("it has no code block `{name}`, which a network takes"))?;
            Ok::<usize, String>(block.dims)
        };
        if let Some(generator) = &self.generator {
            let total = generator.inputs.iter().map(|name| dims(name)).sum::<Result<usize, _>>()?;
            if total != generator.config.z_dim() {
                return Err(format!(
                    "its generator takes {} numbers, but its blocks ({}) have {total}",
                    generator.config.z_dim(),
                    generator.inputs.join(", ")
                ));
            }
            if let GeneratorConfig::Resnet { trunk, .. } = generator.config {
                check_trunk("generator", &trunk)?;
            }
        }
        if let Some(vae) = &self.vae {
            let found = dims(&vae.code)?;
            if found != vae.config.c_dim {
                return Err(format!(
                    "its VAE encodes {} numbers, but its block `{}` has {found}",
                    vae.config.c_dim, vae.code
                ));
            }
        }
        match &self.discriminator {
            Some(DiscriminatorConfig::Resnet { trunk } | DiscriminatorConfig::ResnetVdb { trunk }) => {
                check_trunk("discriminator", trunk)
            }
            _ => Ok(()),
        }
    }
}

fn check_trunk(network: &str, trunk: &ResnetTrunk) -> Result<(), String> {
    if trunk.is_valid() && trunk.nfilter <= MOST_FILTERS && trunk.nfilter <= trunk.nfilter_max {
        return Ok(());
    }
    Err(format!(
        "its {network} has impossible sizes ({} pixels, widths {} to {}, {} channels)",
        trunk.size, trunk.nfilter, trunk.nfilter_max, trunk.channels
    ))
}

/// Whether a description says more about a generator's input than its width: one Gaussian block `z` is what an
/// import makes of a GAN about which nothing else is known.
pub(super) fn is_explained(description: &ModelDescription) -> bool {
    let plain = |block: &CodeBlock| block.kind == CodeKind::Gaussian && block.labels.is_empty();
    let unknown = |part: &GeneratorPart| part.inputs == ["z"] && description.block("z").is_some_and(plain);
    description.vae.is_some() || description.generator.as_ref().is_some_and(|part| !unknown(part))
}

/// Writes the blocks of ID-GAN into `description`: `c` (from the VAE, or `c_dim` wide) and what is left of the
/// generator's input as `s`, which comes first in z; without either, one block `z`.
pub(super) fn describe_blocks(
    description: &mut ModelDescription,
    vae: Option<VaePart>,
    generator: Option<GeneratorConfig>,
    code: Option<CodeBlock>,
    c_dim: Option<usize>,
) {
    let c_dim = vae.as_ref().map(|part| part.config.c_dim).or(c_dim);
    let code = match (code, c_dim) {
        (Some(code), _) => Some(code),
        (None, Some(dims)) => Some(CodeBlock::disentangled(dims)),
        (None, None) => generator.map(|config| CodeBlock::latent(config.z_dim())),
    };
    let rest = generator.map_or(0, |config| config.z_dim() - code.as_ref().map_or(0, |code| code.dims));
    let nuisance = (rest > 0).then(|| CodeBlock::nuisance(rest));
    let name = code.as_ref().map(|code| code.name.clone());
    let inputs = nuisance.iter().map(|block| block.name.clone()).chain(name.clone()).collect();
    description.codes = code.into_iter().chain(nuisance).collect();
    description.generator = generator.map(|config| GeneratorPart { config, inputs });
    description.vae = vae.zip(name).map(|(part, code)| VaePart { code, ..part });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::VaeConfig;

    fn sound() -> ModelDescription {
        ModelDescription {
            codes: vec![CodeBlock::disentangled(10), CodeBlock::nuisance(4)],
            generator: Some(GeneratorPart {
                config: GeneratorConfig::Small { z_dim: 14, channels: 1 },
                inputs: vec!["s".into(), "c".into()],
            }),
            vae: Some(VaePart::new(VaeConfig { channels: 1, c_dim: 10 }, "c")),
            ..ModelDescription::empty("test")
        }
    }

    #[test]
    fn contradictions_are_found() {
        assert_eq!(sound().validate(), Ok(()));
        assert_eq!(ModelDescription::empty("nothing").validate(), Ok(()));
        let wrong: [fn(&mut ModelDescription); 12] = [
            |d| d.codes[0].dims = 11,
            |d| d.codes[0].dims = 0,
            |d| d.codes[1].dims = usize::MAX,
            |d| d.codes[1].name = "c".into(),
            |d| d.codes[0].range = [1.0, 1.0],
            |d| d.codes[0].neutral = f32::NAN,
            |d| d.codes[0].labels = vec!["one".into()],
            |d| d.codes[0].opening = vec![0.0; 9],
            |d| d.codes[0].opening = vec![f32::INFINITY; 10],
            |d| (d.codes[0].kind, d.codes[0].opening) = (CodeKind::OneHot, vec![0.5; 10]),
            |d| d.generator.as_mut().expect("there").inputs[0] = "q".into(),
            |d| d.vae.as_mut().expect("there").config.c_dim = 9,
        ];
        for (i, change) in wrong.iter().enumerate() {
            let mut description = sound();
            change(&mut description);
            assert!(description.validate().is_err(), "case {i}");
        }
        let trunk = ResnetTrunk { size: 64, nfilter: usize::MAX, nfilter_max: usize::MAX, channels: 3 };
        let described =
            ModelDescription { discriminator: Some(DiscriminatorConfig::Resnet { trunk }), ..sound() };
        assert!(described.validate().is_err());
    }

    #[test]
    fn what_the_vae_leaves_of_z_is_nuisance_and_comes_first() {
        let generator = GeneratorConfig::Small { z_dim: 14, channels: 1 };
        let vae = VaePart::new(VaeConfig { channels: 1, c_dim: 10 }, "c");
        let blocks = |vae, generator, c_dim| {
            let mut description = ModelDescription::empty("test");
            describe_blocks(&mut description, vae, generator, None, c_dim);
            assert_eq!(description.validate(), Ok(()));
            let noise = description.codes.iter().filter(|block| block.kind == CodeKind::Noise).count();
            let inputs = description.generator.map(|part| part.inputs.join(",")).unwrap_or_default();
            (
                description
                    .codes
                    .iter()
                    .map(|b| format!("{}{}", b.name, b.dims))
                    .collect::<Vec<_>>()
                    .join(" "),
                inputs,
                noise,
            )
        };
        let expect = |codes: &str, inputs: &str, noise| (codes.to_owned(), inputs.to_owned(), noise);
        assert_eq!(blocks(Some(vae.clone()), Some(generator), None), expect("c10 s4", "s,c", 1));
        assert_eq!(blocks(None, Some(generator), Some(14)), expect("c14", "c", 0));
        assert_eq!(blocks(None, Some(generator), Some(3)), expect("c3 s11", "s,c", 1));
        assert_eq!(blocks(None, Some(generator), None), expect("z14", "z", 0));
        assert_eq!(blocks(Some(vae), None, None), expect("c10", "", 0));
    }
}
