//! What a file without a description may hold, a row a kind of network: how its sizes are read off the tensors, and which
//! group of a model they make.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::model::{DISCRIMINATOR, GENERATOR, ModelDescription, VAE};
use crate::nets::{
    DiscriminatorConfig, GeneratorConfig, PUBLISHED, Published, PublishedSizes, PublishedVae, ResnetTrunk,
    VaeConfig,
};

use super::ibgan::{IBGAN_DISCRIMINATOR, IBGAN_GENERATOR};
use super::infer::{infer_discriminator, infer_generator, infer_published, infer_vae, likely_side};
use super::oogan::{OOGAN_DISCRIMINATOR, OOGAN_GENERATOR};
use super::shapes::{Shapes, shapes_of};

/// A kind of network, or of two that were trained as one.
pub(crate) trait Kind: Sync {
    /// As messages call it, after an article.
    fn name(&self) -> &'static str;

    /// The same with whose it is.
    fn whose(&self) -> String;

    /// The group of a model that its weights make.
    fn group(&self) -> &'static str;

    /// The network of this kind that has the tensors `found`.
    ///
    /// # Errors
    /// Names the tensor that does not fit.
    fn infer(&'static self, found: &Shapes) -> Result<Inferred, String>;

    /// The tensors that it has, as far as the sizes of those `found` decide about names.
    fn expected(&self, found: &Shapes) -> Shapes;

    /// The names of all tensors that it may have, whatever its sizes, where it is told by these; none where it is told by
    /// what sequentials and residual blocks look like.
    fn names(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// Whether its files keep a tensor of this name that it never uses.
    fn is_unused(&self, _: &str) -> bool {
        false
    }

    /// What whoever opens it should know.
    fn warning(&self) -> Option<&'static str> {
        None
    }

    /// The model that it makes with the other networks of its file, where they are all of one method: of the tensors in each
    /// group that are used, and of the dimensions of the code c, where somebody says them.
    fn describe(
        &self,
        _: &BTreeMap<String, Shapes>,
        _: Option<usize>,
    ) -> Option<Result<ModelDescription, String>> {
        None
    }
}

impl PartialEq for dyn Kind {
    fn eq(&self, other: &Self) -> bool {
        self.whose() == other.whose()
    }
}

impl fmt::Debug for dyn Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A network, and its sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Inferred {
    Vae(VaeConfig),
    Generator(GeneratorConfig),
    Discriminator(DiscriminatorConfig),
    Published(PublishedVae),
    /// One of a method's, which [`Kind::describe`] describes with the others.
    OfMethod,
}

/// A kind of ID-GAN's own.
pub(crate) struct Own {
    name: &'static str,
    group: &'static str,
    infer: fn(&Shapes) -> Result<Inferred, String>,
    expected: fn(&Shapes) -> Shapes,
}

/// How a method's model is described: of the tensors in each group, and of the dimensions of c where somebody says them.
type Describe = fn(&BTreeMap<String, Shapes>, Option<usize>) -> Result<ModelDescription, String>;

/// Networks of another method that lie in one place of its files.
pub(crate) struct Method {
    pub(super) name: &'static str,
    pub(super) whose: &'static str,
    pub(super) group: &'static str,
    /// What its files keep there and its networks never use.
    pub(super) unused: &'static [&'static str],
    pub(super) warning: Option<&'static str>,
    pub(super) names: fn() -> BTreeSet<String>,
    pub(super) check: fn(&Shapes) -> Result<(), String>,
    pub(super) expected: fn(&Shapes) -> Shapes,
    pub(super) describe: Describe,
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

impl Kind for Method {
    fn name(&self) -> &'static str {
        self.name
    }

    fn whose(&self) -> String {
        self.whose.to_owned()
    }

    fn group(&self) -> &'static str {
        self.group
    }

    fn infer(&'static self, found: &Shapes) -> Result<Inferred, String> {
        let mut used = found.clone();
        used.retain(|name, _| !self.is_unused(name));
        (self.check)(&used).map(|()| Inferred::OfMethod)
    }

    fn is_unused(&self, name: &str) -> bool {
        self.unused.contains(&name)
    }

    fn warning(&self) -> Option<&'static str> {
        self.warning
    }

    fn expected(&self, found: &Shapes) -> Shapes {
        (self.expected)(found)
    }

    fn names(&self) -> BTreeSet<String> {
        (self.names)()
    }

    fn describe(
        &self,
        groups: &BTreeMap<String, Shapes>,
        c_dim: Option<usize>,
    ) -> Option<Result<ModelDescription, String>> {
        Some((self.describe)(groups, c_dim))
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
