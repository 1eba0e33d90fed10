use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::{Pool, step_back};
use crate::checkpoint::Reading;
use crate::inference::{Encoder, Renderer};
use crate::model::{ModelDescription, Stats};

use super::{Profile, Role};
use crate::explore::{Posterior, PosteriorError};

/// What to open, and where to compute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// A bundle, a run folder, or a published file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<PathBuf>,
    /// A VAE to open alone or to pair with a GAN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vae: Option<PathBuf>,
    /// A GAN to open alone or to pair with a VAE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gan: Option<PathBuf>,
    /// How many of a lone GAN's inputs are the disentangled code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c_dim: Option<usize>,
    /// What an ONNX file does not say about itself.
    #[serde(default, skip_serializing_if = "Reading::is_silent")]
    pub reading: Reading,
    /// Where to compute, a [`Place`](crate::inference::Place): `cpu`, `cuda:0`, `cuda,tf32`, `metal`; empty for the default.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub device: String,
}

impl Source {
    /// One file or folder, on the default device.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { model: Some(path.into()), ..Self::default() }
    }

    /// The most telling of the paths.
    pub fn path(&self) -> &Path {
        let path = self.model.as_ref().or(self.gan.as_ref()).or(self.vae.as_ref());
        path.map_or(Path::new(""), PathBuf::as_path)
    }

    /// The first of its files that is not there.
    pub fn missing(&self) -> Option<&Path> {
        let paths = self.model.iter().chain(&self.gan).chain(&self.vae);
        paths.map(PathBuf::as_path).find(|path| !path.exists())
    }

    /// Whether it names the same files, wherever they compute.
    pub fn is_same_model(&self, other: &Self) -> bool {
        let files =
            |source: &Self| (source.model.clone(), source.vae.clone(), source.gan.clone(), source.c_dim);
        files(self) == files(other)
    }

    /// The file name, for people.
    pub fn name(&self) -> String {
        let path = self.path();
        path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
    }
}

/// A model as a [`Library`] hands it over.
pub struct Loaded {
    /// What the model is.
    pub description: ModelDescription,
    /// What the encoder finds on the training data.
    pub stats: Option<Stats>,
    /// SHA-256 of the file, empty when there is none.
    pub hash: String,
    /// Where it computes, for people: `CPU`, `CUDA 0`, `CUDA 0 (tf32)`, `Metal`.
    pub device: String,
    /// What the person should know about the file.
    pub warnings: Vec<String>,
    /// Codes to pictures at full resolution, if the model has a generator.
    pub generator: Option<Box<dyn Renderer>>,
    /// Codes to the VAE's pictures, if it has a decoder.
    pub decoder: Option<Box<dyn Renderer>>,
    /// Pictures to codes, if it has an encoder.
    pub encoder: Option<Box<dyn Encoder>>,
    /// Another decoder, on the encoder's threads, to measure with where there are no statistics.
    pub spare_decoder: Option<Box<dyn Renderer>>,
    /// Builds one renderer again after it has failed.
    pub rebuild: Rebuild,
}

/// Builds the renderer of a role again from weights kept in memory.
pub type Rebuild = Box<dyn Fn(Role) -> Result<Option<Box<dyn Renderer>>, String> + Send>;

/// The threads on which each network runs, so that the decoder and the encoder never wait for the generator. A second
/// decoder that measures what codes do shares the encoder's.
#[derive(Clone, Debug)]
pub struct Pools {
    /// As many as the machine spares.
    pub generator: Pool,
    /// One.
    pub decoder: Pool,
    /// One.
    pub encoder: Pool,
}

impl Pools {
    pub(super) fn new(threads: usize) -> std::io::Result<Self> {
        let pools = Self::start(threads)?;
        // The window, and on machines without a graphics card its drawing, go before the large network.
        pools.generator.run(|| rayon::broadcast(|_| step_back(GENERATOR)));
        Ok(pools)
    }

    /// Pools that let those of another engine go first.
    pub(super) fn in_background(threads: usize) -> std::io::Result<Self> {
        let pools = Self::start(threads)?;
        for (pool, steps) in
            [(&pools.generator, 2 * GENERATOR - 1), (&pools.decoder, GENERATOR), (&pools.encoder, GENERATOR)]
        {
            pool.run(|| rayon::broadcast(|_| step_back(steps)));
        }
        Ok(pools)
    }

    fn start(threads: usize) -> std::io::Result<Self> {
        Ok(Self {
            generator: Pool::new("idgan-generator", threads)?,
            decoder: Pool::new("idgan-decoder", 1)?,
            encoder: Pool::new("idgan-encoder", 1)?,
        })
    }
}

/// How far the generator's threads step back, and all threads of an engine in the background.
pub(super) const GENERATOR: i32 = 10;

/// Where models come from: files in the program, toys in tests.
pub trait Library: Send + Sync {
    /// Opens `source`, on the loader's thread, to run on `pools`.
    ///
    /// # Errors
    /// What was wrong and what to do, for people.
    fn open(&self, source: &Source, pools: &Pools) -> Result<Loaded, String>;
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
    /// Where it computes, for people: `CPU`, `CUDA 0`, `CUDA 0 (tf32)`, `Metal`.
    pub device: String,
    /// Channels, height and width of the generator's pictures, if there is one.
    pub generator_shape: Option<[usize; 3]>,
    /// Channels, height and width of the decoder's pictures, if there is one.
    pub decoder_shape: Option<[usize; 3]>,
    /// Width of the code the encoder reads back, if there is one.
    pub encoder_dim: Option<usize>,
}

impl Opened {
    /// The profile of code block `block` that the statistics give; takes a moment, so not for the UI thread.
    pub(super) fn profile(&self) -> Result<Option<Profile>, PosteriorError> {
        let (Some(stats), Some(code)) = (&self.stats, self.description.encoded()) else { return Ok(None) };
        let posterior = Posterior::new(stats)?;
        let block = self.description.block(code).filter(|block| block.dims == posterior.dims());
        Ok(block.map(|block| Profile::new(self.epoch, &block.name, posterior)))
    }

    /// Channels, height and width of `role`'s pictures, if the model has it.
    pub fn shape(&self, role: Role) -> Option<[usize; 3]> {
        match role {
            Role::Generator => self.generator_shape,
            Role::Decoder => self.decoder_shape,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// How far the threads of `pool` have stepped back.
    fn steps(pool: &Pool) -> Vec<i32> {
        // SAFETY: the call takes numbers only; 0 stands for the calling thread.
        pool.run(|| rayon::broadcast(|_| unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }))
    }

    #[test]
    fn a_second_models_networks_let_the_first_ones_go_first() {
        let (first, second) = (Pools::new(2).expect("starts"), Pools::in_background(2).expect("starts"));
        assert_eq!(steps(&first.decoder), [0]);
        assert!(steps(&second.decoder)[0] > 0 && steps(&second.encoder)[0] > 0);
        let (ours, theirs) = (steps(&first.generator), steps(&second.generator));
        assert!(ours.iter().max() < theirs.iter().min(), "{ours:?} {theirs:?}");
    }
}
