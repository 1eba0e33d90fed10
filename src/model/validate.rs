use super::architecture::Flow;
use super::{Chain, CodeValue, ModelDescription, Network, Port};

/// Most code blocks, networks, chains, steps of a chain, and ports of a network.
const MOST: usize = 64;
/// Most pixels of a side.
const LARGEST_SIDE: usize = 1 << 14;
/// Groups of tensors in a bundle that belong to no network.
const RESERVED: [&str; 2] = ["stats", "training"];

impl ModelDescription {
    /// Checks that blocks, networks, chains and numbers fit each other, so that the rest of the program can rely on
    /// it: names are unique, every port fits its network and what feeds it, render chains end in a picture, and encode
    /// chains lead from a picture to a code or to a picture.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn validate(&self) -> Result<(), String> {
        for (what, count) in [
            ("code blocks", self.codes.len()),
            ("networks", self.networks.len()),
            ("chains", self.render.len().max(self.encode.len())),
        ] {
            if count > MOST {
                return Err(format!("it has {count} {what}; {MOST} are the most"));
            }
        }
        for (i, block) in self.codes.iter().enumerate() {
            let name = &block.name;
            if name.is_empty() || self.codes[..i].iter().any(|other| other.name == *name) {
                return Err(format!("its code blocks do not have names of their own (`{name}`)"));
            }
            block.validate()?;
        }
        for (name, network) in &self.networks {
            self.check_network(name, network)?;
        }
        self.check_chains(&self.render, Self::check_render)?;
        self.check_chains(&self.encode, Self::check_encode)
    }

    fn check_network(&self, name: &str, network: &Network) -> Result<(), String> {
        let group = network.weights.as_str();
        if name.is_empty() || group.is_empty() || group.contains('.') || RESERVED.contains(&group) {
            return Err(format!("its network `{name}` cannot keep its weights under `{group}`"));
        }
        let own = |what: String| format!("its {name} {what}");
        network.architecture.validate().map_err(own)?;
        let (takes, gives) = (self.flow(name, &network.inputs)?, self.flow(name, &network.outputs)?);
        let read = |port: &Port| !matches!(port, Port::Code { value, .. } if *value != CodeValue::Value);
        if let Some(port) = network.inputs.iter().find(|port| !read(port)) {
            return Err(format!("its {name} takes {port}; networks take codes themselves"));
        }
        let Some((wanted, made)) = network.architecture.flows().map_err(own)? else { return Ok(()) };
        for (verb, side, ports, flow, own) in [
            ("takes", "its blocks", &network.inputs, takes, wanted),
            ("gives", "its outputs", &network.outputs, gives, made),
        ] {
            if flow.numbers != own.numbers {
                let blocks: Vec<&str> = ports.iter().filter_map(Port::block).collect();
                return Err(format!(
                    "its {name} {verb} {} numbers, but {side} ({}) have {}",
                    own.numbers,
                    blocks.join(", "),
                    flow.numbers
                ));
            }
            if flow.picture != own.picture {
                return Err(format!("its {name} {verb} other pictures than it says"));
            }
        }
        Ok(())
    }

    /// What these ports of network `name` carry together.
    fn flow(&self, name: &str, ports: &[Port]) -> Result<Flow, String> {
        if ports.is_empty() || ports.len() > MOST {
            return Err(format!("its {name} has {} inputs or outputs", ports.len()));
        }
        let mut flow = Flow::default();
        for port in ports {
            match port {
                Port::Code { block, .. } => {
                    let found = self.block(block);
                    let found = found.ok_or_else(|| {
                        format!("it has no code block `{block}`, which a network takes or gives")
                    })?;
                    flow.numbers += found.dims;
                }
                Port::Features { width } => flow.numbers = flow.numbers.saturating_add(*width),
                Port::Picture { shape, range } => {
                    let [channels, height, width] = *shape;
                    let is_sound = matches!(channels, 1 | 3)
                        && (1..=LARGEST_SIDE).contains(&height)
                        && (1..=LARGEST_SIDE).contains(&width);
                    if !is_sound || flow.picture.replace((*shape, *range)).is_some() {
                        return Err(format!(
                            "its {name} has a picture that cannot be ({port}), or more than one"
                        ));
                    }
                }
            }
        }
        Ok(flow)
    }

    fn check_chains(
        &self,
        chains: &[Chain],
        check: impl Fn(&Self, &Chain) -> Result<(), String>,
    ) -> Result<(), String> {
        for (i, chain) in chains.iter().enumerate() {
            let name = &chain.name;
            if chains[..i].iter().any(|other| other.name == *name) || self.block(name).is_some() {
                return Err(format!("its chains do not have names of their own (`{name}`)"));
            }
            if !is_plain(name) {
                return Err(format!("its chain `{name}` has a name that files cannot have"));
            }
            if chain.steps.len() > MOST {
                return Err(format!("its chain {name} has {} steps; {MOST} are the most", chain.steps.len()));
            }
            check(self, chain)?;
        }
        Ok(())
    }

    fn check_render(&self, chain: &Chain) -> Result<(), String> {
        match self.wiring(chain)?.picture_given() {
            Some(_) => Ok(()),
            None => Err(format!("its chain {} is to render and does not end in a picture", chain.name)),
        }
    }

    fn check_encode(&self, chain: &Chain) -> Result<(), String> {
        let wiring = self.wiring(chain)?;
        let name = &chain.name;
        if wiring.picture_taken().is_none() {
            return Err(format!("its chain {name} is to encode and does not begin with a picture"));
        }
        match wiring.picture_given().is_some() || wiring.code_given().is_some() {
            true => Ok(()),
            false => Err(format!("its chain {name} is to encode and ends in neither a code nor a picture")),
        }
    }
}

/// Whether files, arrays and options can be called `name`: letters, digits, spaces, `-` and `_`, at most 64.
fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_');
    (1..=64).contains(&name.len()) && name.chars().all(is_plain) && name.trim() == name && name != "both"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PixelRange;
    use crate::model::{Architecture, CodeBlock, CodeKind, DECODER, DISCRIMINATOR, GENERATOR};
    use crate::nets::{DiscriminatorConfig, GeneratorConfig, ResnetTrunk, VaeConfig, VaeDecoderConfig};

    fn sound() -> ModelDescription {
        let codes = vec![CodeBlock::disentangled(10), CodeBlock::nuisance(4)];
        ModelDescription { codes, ..ModelDescription::empty("test") }
            .with_generator(GeneratorConfig::Small { z_dim: 14, channels: 1 }, ["s", "c"])
            .with_vae(VaeConfig { channels: 1, c_dim: 10 }, "c")
    }

    fn network<'a>(description: &'a mut ModelDescription, name: &str) -> &'a mut Network {
        description.networks.get_mut(name).expect("there")
    }

    #[test]
    fn contradictions_are_found() {
        assert_eq!(sound().validate(), Ok(()));
        assert_eq!(ModelDescription::empty("nothing").validate(), Ok(()));
        type Change = fn(&mut ModelDescription);
        let wrong: [(&str, Change); 28] = [
            ("takes 10 numbers, but its blocks (c) have 11", |d| d.codes[0].dims = 11),
            ("has 0 dimensions", |d| d.codes[0].dims = 0),
            ("dimensions", |d| d.codes[1].dims = usize::MAX),
            ("names of their own (`c`)", |d| d.codes[1].name = "c".into()),
            ("range 1..1", |d| d.codes[0].range = [1.0, 1.0]),
            ("range", |d| d.codes[0].neutral = f32::NAN),
            ("1 labels for 10", |d| d.codes[0].labels = vec!["one".into()]),
            ("9 values for 10", |d| d.codes[0].opening = vec![0.0; 9]),
            ("not a finite number", |d| d.codes[0].opening = vec![f32::INFINITY; 10]),
            ("no choice", |d| (d.codes[0].kind, d.codes[0].opening) = (CodeKind::OneHot, vec![0.5; 10])),
            ("no code block `q`", |d| network(d, GENERATOR).inputs[0] = Port::code("q")),
            ("takes 9 numbers", |d| {
                let nine = VaeConfig { channels: 1, c_dim: 9 };
                network(d, DECODER).architecture = Architecture::VaeDecoder(VaeDecoderConfig(nine));
            }),
            ("gives other pictures than it says", |d| {
                network(d, DECODER).outputs =
                    vec![Port::Picture { shape: [1, 32, 32], range: PixelRange::Logits }];
            }),
            ("picture that cannot be", |d| {
                network(d, DECODER).outputs =
                    vec![Port::Picture { shape: [2, 64, 64], range: PixelRange::Logits }];
            }),
            ("gives 20 numbers", |d| drop(network(d, "encoder").outputs.pop())),
            ("takes the mean of c", |d| {
                network(d, GENERATOR).inputs[1] = Port::posterior("c").swap_remove(0);
            }),
            ("0 inputs or outputs", |d| network(d, GENERATOR).inputs.clear()),
            ("cannot keep its weights under `stats`", |d| network(d, GENERATOR).weights = "stats".into()),
            ("cannot keep its weights under `a.b`", |d| network(d, GENERATOR).weights = "a.b".into()),
            ("runs a network `emitter` that it does not have", |d| {
                d.render[0].steps.insert(0, "emitter".into());
            }),
            ("chains do not have names of their own (`gan`)", |d| d.render[1].name = "gan".into()),
            ("chains do not have names of their own (`c`)", |d| d.render[1].name = "c".into()),
            ("a name that files cannot have", |d| d.render[1].name = "../vae".into()),
            ("chain gan has no steps", |d| d.render[0].steps.clear()),
            ("is to render and does not end in a picture", |d| d.render[0].steps[0] = "encoder".into()),
            ("is to encode and does not begin with a picture", |d| d.encode[0].steps[0] = "decoder".into()),
            ("takes nothing of what comes before it", |d| d.render[0].steps.insert(0, "decoder".into())),
            ("65 networks", |d| {
                let decoder = d.networks["decoder"].clone();
                d.networks.extend((0..62).map(|i| (format!("n{i}"), decoder.clone())));
            }),
        ];
        for (expected, change) in wrong {
            let mut description = sound();
            change(&mut description);
            let said = description.validate().expect_err(expected);
            assert!(said.contains(expected), "{said} / {expected}");
        }
    }

    #[test]
    fn impossible_sizes_are_found() {
        let trunk = ResnetTrunk { size: 64, nfilter: usize::MAX, nfilter_max: usize::MAX, channels: 3 };
        let described = sound().with_discriminator(DiscriminatorConfig::Resnet { trunk });
        assert!(described.validate().is_err());
        assert_eq!(described.without(DISCRIMINATOR).validate(), Ok(()));
    }
}
