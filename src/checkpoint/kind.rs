//! What a kind of network among a file's tensors is, and one of another method.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::model::ModelDescription;
use crate::nets::{DiscriminatorConfig, GeneratorConfig, PublishedVae, VaeConfig};

use super::shapes::Shapes;

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
