//! What a file without a description may hold, a row a kind of network: how its sizes are read off the tensors, and which
//! group of a model they make.

use std::collections::BTreeSet;

use crate::model::{DISCRIMINATOR, GENERATOR, VAE};
use crate::nets::{
    DiscriminatorConfig, GeneratorConfig, PUBLISHED, Published, PublishedSizes, ResnetTrunk, VaeConfig,
};

use super::ibgan::{IBGAN_DISCRIMINATOR, IBGAN_GENERATOR};
use super::infer::{infer_discriminator, infer_generator, infer_published, infer_vae, likely_side};
use super::kind::{Inferred, Kind};
use super::oogan::{OOGAN_DISCRIMINATOR, OOGAN_GENERATOR};
use super::shapes::{Shapes, shapes_of};

/// A kind of ID-GAN's own.
pub(crate) struct Own {
    name: &'static str,
    group: &'static str,
    infer: fn(&Shapes) -> Result<Inferred, String>,
    expected: fn(&Shapes) -> Shapes,
}

/// The VAE, both halves.
pub(crate) static OWN_VAE: Own = Own {
    name: "VAE",
    group: VAE,
    infer: |found| infer_vae(found).map(Inferred::Vae),
    expected: |_| shapes_of(&VaeConfig { channels: 1, c_dim: 1 }),
};

/// The generators.
pub(crate) static OWN_GENERATOR: Own = Own {
    name: "generator",
    group: GENERATOR,
    infer: |found| infer_generator(found).map(Inferred::Generator),
    expected: |found| match is_sequential(found) {
        true => shapes_of(&GeneratorConfig::Small { z_dim: 1, channels: 1 }),
        false => shapes_of(&GeneratorConfig::Resnet { z_dim: 1, trunk: trunk_of(found) }),
    },
};

/// The discriminators.
pub(crate) static OWN_DISCRIMINATOR: Own = Own {
    name: "discriminator",
    group: DISCRIMINATOR,
    infer: |found| infer_discriminator(found).map(Inferred::Discriminator),
    expected: |found| {
        let trunk = trunk_of(found);
        match found.keys().any(|name| name.starts_with("mean_fn.")) {
            _ if is_sequential(found) => shapes_of(&DiscriminatorConfig::Small { channels: 1 }),
            true => shapes_of(&DiscriminatorConfig::ResnetVdb { trunk }),
            false => shapes_of(&DiscriminatorConfig::Resnet { trunk }),
        }
    },
};

/// Every kind: ID-GAN's own, the VAEs that others have published, and the networks of other methods.
pub(crate) fn kinds() -> impl Iterator<Item = &'static dyn Kind> {
    let own: [&'static dyn Kind; 3] = [&OWN_VAE, &OWN_GENERATOR, &OWN_DISCRIMINATOR];
    let methods: [&'static dyn Kind; 4] =
        [&IBGAN_GENERATOR, &IBGAN_DISCRIMINATOR, &OOGAN_GENERATOR, &OOGAN_DISCRIMINATOR];
    own.into_iter().chain(PUBLISHED.iter().map(|family| family as &dyn Kind)).chain(methods)
}

impl Kind for Own {
    fn name(&self) -> &'static str {
        self.name
    }

    fn whose(&self) -> String {
        format!("ID-GAN's {}", self.name)
    }

    fn group(&self) -> &'static str {
        self.group
    }

    fn infer(&'static self, found: &Shapes) -> Result<Inferred, String> {
        (self.infer)(found)
    }

    fn expected(&self, found: &Shapes) -> Shapes {
        (self.expected)(found)
    }
}

impl Kind for Published {
    fn name(&self) -> &'static str {
        self.title
    }

    fn whose(&self) -> String {
        format!("the {}", self.title)
    }

    fn group(&self) -> &'static str {
        VAE
    }

    fn infer(&'static self, found: &Shapes) -> Result<Inferred, String> {
        infer_published(self, found).map(Inferred::Published)
    }

    fn names(&self) -> BTreeSet<String> {
        self.tensor_names()
    }

    fn expected(&self, found: &Shapes) -> Shapes {
        let sizes = PublishedSizes { channels: 1, side: likely_side(self, found), z_dim: 1 };
        let parameters = self.graphs(&sizes).into_iter().flat_map(|graph| graph.parameters());
        parameters.map(|parameter| (parameter.name, parameter.shape)).collect()
    }
}

/// Most levels of a residual network whose names are listed.
const MOST_LEVELS: usize = 12;

/// The trunk of a residual network with the blocks that are there, whose widths grow, so that every block has its shortcut.
fn trunk_of(found: &Shapes) -> ResnetTrunk {
    let number = |name: &String| name.strip_prefix("resnet.")?.split('.').next()?.parse::<usize>().ok();
    let levels = found.keys().filter_map(number).max().unwrap_or(0) / 2;
    let size = 4 << levels.clamp(1, MOST_LEVELS);
    ResnetTrunk { size, nfilter: 1, nfilter_max: 1 << MOST_LEVELS, channels: 3 }
}

/// Whether the tensors are those of a plain sequential.
fn is_sequential(found: &Shapes) -> bool {
    found.keys().any(|name| name.starts_with("layer."))
}
