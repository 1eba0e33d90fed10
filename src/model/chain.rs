use serde::{Deserialize, Serialize};

use super::{GAN, ModelDescription, VAE};

/// Networks that run one after the other, each taking what those before it give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// What it is called: `gan`, `vae`, or what the model's maker chose.
    pub name: String,
    /// The networks, in order.
    pub steps: Vec<String>,
}

/// A chain that a model does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this model {}; {}", lacking(.wanted), .known.as_deref().map_or_else(
    || "none of its networks draws".to_owned(), |known| format!("what draws is called {known}")))]
pub struct ChainError {
    wanted: String,
    known: Option<String>,
}

/// What a model without the chain `wanted` lacks, in words.
fn lacking(wanted: &str) -> String {
    match wanted {
        GAN => "has no generator".to_owned(),
        VAE => "has no VAE".to_owned(),
        name => format!("draws nothing called {name}"),
    }
}

impl Chain {
    /// A chain of these networks.
    pub fn new<S: Into<String>>(name: impl Into<String>, steps: impl IntoIterator<Item = S>) -> Self {
        Self { name: name.into(), steps: steps.into_iter().map(Into::into).collect() }
    }

    /// What people call it, at the start of a sentence.
    pub fn title(&self) -> String {
        match self.name.as_str() {
            GAN => "The generator".to_owned(),
            VAE => "The VAE decoder".to_owned(),
            name => format!("The chain {name}"),
        }
    }
}

impl ModelDescription {
    /// The render chain called `name`.
    ///
    /// # Errors
    /// When there is none; says which there are.
    pub fn chain(&self, name: &str) -> Result<&Chain, ChainError> {
        self.render.iter().find(|chain| chain.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.render.iter().map(|chain| chain.name.as_str()).collect();
            ChainError { wanted: name.to_owned(), known: (!known.is_empty()).then(|| known.join(", ")) }
        })
    }

    /// The code blocks that a render chain takes, in the order in which its input row holds them.
    pub fn inputs(&self, name: &str) -> Vec<&str> {
        let chain = self.render.iter().find(|chain| chain.name == name);
        chain.and_then(|chain| self.wiring(chain).ok()).map(|wiring| wiring.codes()).unwrap_or_default()
    }

    /// Channels, height and width of a render chain's pictures.
    pub fn picture_shape(&self, name: &str) -> Option<[usize; 3]> {
        self.wiring(self.chain(name).ok()?).ok()?.picture_given()
    }

    /// Channels, height and width of the pictures that the encoder takes, if there is one.
    pub fn encoder_shape(&self) -> Option<[usize; 3]> {
        self.wiring(self.encode.first()?).ok()?.picture_taken()
    }

    /// The block that the encoder infers: what the first encode chain ends in.
    pub fn encoded(&self) -> Option<&str> {
        self.wiring(self.encode.first()?).ok()?.code_given()
    }
}
