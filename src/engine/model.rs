use std::path::PathBuf;
use std::sync::Arc;

use crate::base::Pool;
use crate::checkpoint::{ModelDescription, Stats};
use crate::inference::{Encoder, Renderer};

use super::Role;

/// What to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The model file or run folder.
    pub path: PathBuf,
    /// A VAE to pair a lone GAN with.
    pub vae: Option<PathBuf>,
    /// Where to compute: `cpu`, `cuda:0`, `metal`.
    pub device: String,
}

/// A model as a [`Library`] hands it over.
pub struct Loaded {
    /// What the model is.
    pub description: ModelDescription,
    /// What the encoder finds on the training data.
    pub stats: Option<Stats>,
    /// SHA-256 of the file, empty when there is none.
    pub hash: String,
    /// What the person should know about the file.
    pub warnings: Vec<String>,
    /// Codes to pictures at full resolution, if the model has a generator.
    pub generator: Option<Box<dyn Renderer>>,
    /// Codes to the VAE's pictures, if it has a decoder.
    pub decoder: Option<Box<dyn Renderer>>,
    /// Pictures to codes, if it has an encoder.
    pub encoder: Option<Box<dyn Encoder>>,
    /// Builds one renderer again after it has failed.
    pub rebuild: Rebuild,
}

/// Builds the renderer of a role again from weights kept in memory.
pub type Rebuild = Box<dyn Fn(Role) -> Result<Option<Box<dyn Renderer>>, String> + Send>;

/// Where models come from: files in the program, toys in tests.
pub trait Library: Send + Sync {
    /// Opens `source`, on the loader's thread. `pool` is where the generator will run.
    ///
    /// # Errors
    /// What was wrong and what to do, for people.
    fn open(&self, source: &Source, pool: &Pool) -> Result<Loaded, String>;
}

/// An opened model, as everybody but the workers sees it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Counts up with every model; requests and frames carry it.
    pub epoch: u64,
    /// What was opened.
    pub source: Source,
    /// What the model is.
    pub description: ModelDescription,
    /// What the encoder finds on the training data.
    pub stats: Option<Arc<Stats>>,
    /// SHA-256 of the file, empty when there is none.
    pub hash: String,
    /// Channels, height and width of the generator's pictures, if there is one.
    pub generator_shape: Option<[usize; 3]>,
    /// Channels, height and width of the decoder's pictures, if there is one.
    pub decoder_shape: Option<[usize; 3]>,
    /// Width of the code the encoder reads back, if there is one.
    pub encoder_dim: Option<usize>,
}

impl Opened {
    /// Channels, height and width of `role`'s pictures, if the model has it.
    pub fn shape(&self, role: Role) -> Option<[usize; 3]> {
        match role {
            Role::Generator => self.generator_shape,
            Role::Decoder => self.decoder_shape,
        }
    }
}
