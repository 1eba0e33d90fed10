use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CodeValue, GAN, ModelDescription, Port, VAE};

/// Networks that run one after the other, each taking what those before it give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// What it is called: `gan`, `vae`, or what the model's maker chose.
    pub name: String,
    /// The networks, in order.
    pub steps: Vec<String>,
}

/// A render chain by its place in the description, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainId(pub usize);

impl ChainId {
    /// The first render chain, which draws the main picture.
    pub const MAIN: Self = Self(0);
}

/// A chain that a model does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this model {lacking}; {}", .known.as_deref().map_or_else(
    || "none of its networks draws".to_owned(), |known| format!("what draws is called {known}")))]
pub struct ChainError {
    lacking: Lacking,
    known: Option<String>,
}

/// What a model has no render chain for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lacking {
    /// This name.
    Called(String),
    /// Code blocks that it would take; none: anything.
    Taking(String),
}

impl ChainError {
    fn new(description: &ModelDescription, lacking: Lacking) -> Self {
        let known: Vec<&str> = description.render.iter().map(|chain| chain.name.as_str()).collect();
        Self { lacking, known: (!known.is_empty()).then(|| known.join(", ")) }
    }
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Called(name) if name == GAN => f.write_str("has no generator"),
            Self::Called(name) if name == VAE => f.write_str("has no VAE"),
            Self::Called(name) => write!(f, "draws nothing called {name}"),
            Self::Taking(codes) if codes.is_empty() => f.write_str("draws nothing"),
            Self::Taking(codes) => write!(f, "draws nothing of {codes}"),
        }
    }
}

impl Chain {
    /// A chain of these networks.
    pub fn new<S: Into<String>>(name: impl Into<String>, steps: impl IntoIterator<Item = S>) -> Self {
        Self { name: name.into(), steps: steps.into_iter().map(Into::into).collect() }
    }

    /// What it is called beside a row of a figure.
    pub fn tag(&self) -> String {
        match self.name.as_str() {
            name @ (GAN | VAE) => name.to_uppercase(),
            name => name.to_owned(),
        }
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
        let found = self.render.iter().find(|chain| chain.name == name);
        found.ok_or_else(|| ChainError::new(self, Lacking::Called(name.to_owned())))
    }

    /// The render chain at this place.
    pub fn render_chain(&self, id: ChainId) -> Option<&Chain> {
        self.render.get(id.0)
    }

    /// The places of the render chains, the main one first.
    pub fn chain_ids(&self) -> impl Iterator<Item = ChainId> + use<> {
        (0..self.render.len()).map(ChainId)
    }

    /// The place of the render chain called `name`.
    pub fn chain_id(&self, name: &str) -> Option<ChainId> {
        self.render.iter().position(|chain| chain.name == name).map(ChainId)
    }

    /// The render chain to show: the one called `name`, and without a name the first, which is the main one, of those
    /// that take all the blocks `takes`.
    ///
    /// # Errors
    /// When there is none.
    pub fn shown(&self, name: Option<&str>, takes: &[&str]) -> Result<ChainId, ChainError> {
        if let Some(name) = name {
            let chain = self.chain(name)?;
            return Ok(self.chain_id(&chain.name).unwrap_or_default());
        }
        let takes_all = |id: &ChainId| {
            let inputs = self.render_chain(*id).map(|chain| self.inputs(&chain.name)).unwrap_or_default();
            takes.iter().all(|block| inputs.contains(block))
        };
        self.chain_ids()
            .find(takes_all)
            .ok_or_else(|| ChainError::new(self, Lacking::Taking(takes.join(", "))))
    }

    /// The code that is read back from a render chain's pictures: the first that an encode chain infers of those that it
    /// takes.
    pub fn read_back(&self, id: ChainId) -> Option<&str> {
        let inputs = self.inputs(&self.render_chain(id)?.name);
        let codes = self.encode.iter().filter_map(|chain| self.wiring(chain).ok()?.code_given());
        codes.into_iter().find(|code| inputs.contains(code))
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

    /// Channels, height and width of the pictures that render chains take, in colours where any of them takes those; `None` where
    /// all draw of codes alone.
    pub fn source_shape(&self) -> Option<[usize; 3]> {
        let wirings = self.render.iter().filter_map(|chain| self.wiring(chain).ok());
        wirings.filter_map(|wiring| wiring.picture_taken()).max_by_key(|shape| shape[0])
    }

    /// Channels, height and width of the pictures that the encoder takes, if there is one.
    pub fn encoder_shape(&self) -> Option<[usize; 3]> {
        self.wiring(self.encode.first()?).ok()?.picture_taken()
    }

    /// Why nothing reads codes from pictures, where nothing does, and what to do about it: ends a sentence about what asks for it.
    pub fn lacks_encoder(&self) -> &'static str {
        match self.source_shape() {
            Some(_) => "this model has no encoder: it draws pictures of pictures and noise",
            None => {
                "this model has no encoder, because it has no VAE; give the VAE's file with --vae, beside --gan"
            }
        }
    }

    /// What to say of an encode chain that gives a code without its log variance.
    pub fn certain(&self, chain: &Chain) -> Option<&'static str> {
        let wiring = self.wiring(chain).ok()?;
        let gives = |wanted: &[CodeValue]| {
            wiring
                .gives()
                .iter()
                .any(|port| matches!(port, Port::Code { value, .. } if wanted.contains(value)))
        };
        // Noise spreads the code that is read with it.
        let is_certain = gives(&[CodeValue::Value, CodeValue::Mean])
            && !gives(&[CodeValue::Logvar])
            && wiring.codes().is_empty();
        is_certain.then_some(CodeValue::CERTAIN_WARNING)
    }

    /// What a dimension is called whose mean hardly varies over the data: *collapsed* where a decoder was trained on what the encoder
    /// reads, as a VAE's is, and *hardly read* where a reader learns beside a generator, which may use the dimension all the same.
    pub fn inactive(&self) -> &'static str {
        if self.chain_id(VAE).is_some() { "collapsed" } else { "hardly read" }
    }

    /// The block that the encoder infers: what the first encode chain ends in.
    pub fn encoded(&self) -> Option<&str> {
        self.wiring(self.encode.first()?).ok()?.code_given()
    }
}
