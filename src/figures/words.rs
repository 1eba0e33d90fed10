use std::fmt::Display;
use std::path::Path;

use crate::base::option_words;

/// The words of a command line, in the making.
#[derive(Debug)]
pub(super) struct Words(Vec<String>);

impl Words {
    /// Those of the command `name`.
    pub(super) fn new(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// Adds `--NAME=VALUE`.
    pub(super) fn option(&mut self, name: &str, value: impl Display) {
        self.0.push(format!("--{name}={value}"));
    }

    /// Adds `--NAME=VALUE` where there is a value.
    pub(super) fn optional(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.option(name, value);
        }
    }

    /// Adds `--NAME=VALUE` where the value is not what the command takes anyway.
    pub(super) fn unusual<V: Display + PartialEq>(&mut self, name: &str, value: &V, usual: &V) {
        self.optional(name, (value != usual).then_some(value));
    }

    /// Adds `--NAME` where it holds.
    pub(super) fn flag(&mut self, name: &str, holds: bool) {
        if holds {
            self.0.push(format!("--{name}"));
        }
    }

    /// Adds `--NAME=PATH`.
    pub(super) fn path(&mut self, name: &str, path: &Path) {
        self.option(name, path.display());
    }

    /// Adds words as they are.
    pub(super) fn extend(&mut self, words: impl IntoIterator<Item = String>) {
        self.0.extend(words);
    }

    /// All of them, the last ones saying where the figure goes.
    pub(super) fn into(mut self, out: &Path) -> Vec<String> {
        self.0.extend(option_words("--out", out.display().to_string()));
        self.0
    }
}
