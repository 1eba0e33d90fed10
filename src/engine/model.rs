use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::{Pool, step_back};
use crate::checkpoint::{CheckpointError, EncoderQuestion, Reading, Sources, Unsaid};
use crate::inference::{Emitter, Encoder, Renderer};
use crate::model::{Chain, ChainId, ModelDescription, Stats};

use super::Profile;
use crate::explore::{Posterior, PosteriorError};

/// What to open, and where to compute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelSource {
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
    /// What files do not say about themselves.
    #[serde(default, skip_serializing_if = "Reading::is_silent")]
    pub reading: Reading,
    /// Where to compute, a [`Place`](crate::inference::Place): `cpu`, `cuda:0`, `cuda,tf32`, `metal`; empty for the default.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub device: String,
}

impl ModelSource {
    /// One file or folder, on the default device.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { model: Some(path.into()), ..Self::default() }
    }

    /// The files, wherever they compute.
    pub fn sources(&self) -> Sources {
        Sources {
            checkpoint: self.model.clone(),
            vae: self.vae.clone(),
            gan: self.gan.clone(),
            c_dim: self.c_dim,
            reading: self.reading.clone(),
        }
    }

    /// The most telling of the paths.
    pub fn path(&self) -> &Path {
        let path = self.model.as_ref().or(self.gan.as_ref()).or(self.vae.as_ref());
        path.map_or(Path::new(""), PathBuf::as_path)
    }

    /// The first of its files that is not there.
    pub fn missing(&self) -> Option<&Path> {
        let paths = self.model.iter().chain(&self.gan).chain(&self.vae).chain(&self.reading.encoder);
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

/// Why a model cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenError {
    /// What was wrong and what to do, for people.
    pub message: String,
    /// What has to be said first, where nothing else is in the way.
    pub question: Option<EncoderQuestion>,
}

impl From<String> for OpenError {
    fn from(message: String) -> Self {
        Self { message, question: None }
    }
}

impl From<CheckpointError> for OpenError {
    fn from(error: CheckpointError) -> Self {
        let message = error.to_string();
        let question = match error {
            CheckpointError::Unclear { question, .. } => Some(question),
            _ => None,
        };
        Self { message, question }
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
    /// What its files do not say, and nobody has said either.
    pub unsaid: Unsaid,
    /// What the person should know about the file.
    pub warnings: Vec<String>,
    /// The render chains that can be run here.
    pub chains: Vec<LoadedChain>,
    /// Pictures to codes, by the blocks that they infer.
    pub encoders: BTreeMap<String, Box<dyn Encoder>>,
    /// Noise to the code that is made of it, on the light threads.
    pub emitter: Option<Emitter>,
    /// A light chain once more, on the encoder's threads, to measure with where there are no statistics.
    pub spare: Option<Spare>,
    /// Builds one renderer again after it has failed.
    pub rebuild: Rebuild,
}

/// A render chain that is ready to run.
pub struct LoadedChain {
    /// Which one.
    pub id: ChainId,
    /// Whose threads it runs on.
    pub load: Load,
    /// Codes to pictures.
    pub renderer: Box<dyn Renderer>,
}

/// A render chain to measure with.
pub struct Spare {
    /// Which one.
    pub chain: ChainId,
    /// Codes to pictures.
    pub renderer: Box<dyn Renderer>,
}

/// Builds a render chain again from weights kept in memory.
pub type Rebuild = Box<dyn Fn(ChainId) -> Result<Box<dyn Renderer>, String> + Send>;

/// How much a render chain computes, which decides on whose threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// So little that dividing it among threads would not pay: one thread of its own, which answers at once.
    Light,
    /// All the threads that the machine spares, one chain at a time.
    Heavy,
}

impl Load {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Light, Self::Heavy];

    /// Most multiply-adds of a light picture: four times those of the published VAE's decoder, whose tenth of a
    /// millisecond is too short to divide.
    const LIGHT: usize = 32 << 20;

    /// That of pictures of so many multiply-adds; those of which nobody knows are heavy.
    pub fn of(multiply_adds: Option<usize>) -> Self {
        if multiply_adds.is_some_and(|count| count <= Self::LIGHT) { Self::Light } else { Self::Heavy }
    }
}

/// The threads on which networks run, so that light chains and encoders never wait for heavy chains. What measures what
/// codes do shares the encoders'.
#[derive(Clone, Debug)]
pub struct Pools {
    /// As many as the machine spares.
    pub heavy: Pool,
    /// One.
    pub light: Pool,
    /// One.
    pub encoder: Pool,
}

impl Pools {
    pub(super) fn new(threads: usize) -> std::io::Result<Self> {
        let pools = Self::start(threads)?;
        // The window, and on machines without a graphics card its drawing, go before large networks.
        pools.heavy.run(|| rayon::broadcast(|_| step_back(HEAVY)));
        Ok(pools)
    }

    /// Pools that let those of another engine go first.
    pub(super) fn in_background(threads: usize) -> std::io::Result<Self> {
        let pools = Self::start(threads)?;
        for (pool, steps) in [(&pools.heavy, 2 * HEAVY - 1), (&pools.light, HEAVY), (&pools.encoder, HEAVY)] {
            pool.run(|| rayon::broadcast(|_| step_back(steps)));
        }
        Ok(pools)
    }

    /// Those of chains of this load.
    pub fn of(&self, load: Load) -> &Pool {
        match load {
            Load::Light => &self.light,
            Load::Heavy => &self.heavy,
        }
    }

    fn start(threads: usize) -> std::io::Result<Self> {
        Ok(Self {
            heavy: Pool::new("idgan-heavy", threads)?,
            light: Pool::new("idgan-light", 1)?,
            encoder: Pool::new("idgan-encoder", 1)?,
        })
    }
}

/// How far the threads of heavy chains step back, and all threads of an engine in the background.
pub(super) const HEAVY: i32 = 10;

/// Where models come from: files in the program, toys in tests.
pub trait Library: Send + Sync {
    /// Opens `source`, on the loader's thread, to run on `pools`.
    ///
    /// # Errors
    /// What was wrong and what to do, for people.
    fn open(&self, source: &ModelSource, pools: &Pools) -> Result<Loaded, OpenError>;
}

/// An opened model, as everybody but the workers sees it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Counts up with every model; requests and frames carry it.
    pub model_id: u64,
    /// What was opened.
    pub source: ModelSource,
    /// What the model is.
    pub description: ModelDescription,
    /// What the encoder finds on the training data.
    pub stats: Option<Arc<Stats>>,
    /// SHA-256 of the file, empty when there is none.
    pub hash: String,
    /// Where it computes, for people: `CPU`, `CUDA 0`, `CUDA 0 (tf32)`, `Metal`.
    pub device: String,
    /// What its files do not say, and nobody has said either.
    pub unsaid: Unsaid,
    /// Channels, height and width of the pictures of each render chain that runs.
    pub shapes: BTreeMap<ChainId, [usize; 3]>,
    /// The code blocks that something infers from pictures.
    pub read: BTreeSet<String>,
    /// What makes a code of noise, where something does.
    pub emitter: Option<Arc<Emitter>>,
}

impl Opened {
    /// The profile of code block `block` that the statistics give; takes a moment, so not for the UI thread.
    pub(super) fn profile(&self) -> Result<Option<Profile>, PosteriorError> {
        let (Some(stats), Some(code)) = (&self.stats, self.description.encoded()) else { return Ok(None) };
        let Some(block) = self.description.block(code) else { return Ok(None) };
        let posterior = Posterior::new(stats, block)?;
        let fits = block.dims == posterior.dims();
        Ok(fits.then(|| Profile::new(self.model_id, &block.name, posterior)))
    }

    /// Channels, height and width of a chain's pictures, if it runs.
    pub fn shape(&self, chain: ChainId) -> Option<[usize; 3]> {
        self.shapes.get(&chain).copied()
    }

    /// The render chains that run, the main one first.
    pub fn chains(&self) -> impl Iterator<Item = ChainId> {
        self.shapes.keys().copied()
    }

    /// What people call a chain, at the start of a sentence.
    pub fn title(&self, chain: ChainId) -> String {
        self.description.render_chain(chain).map_or_else(|| "The network".to_owned(), Chain::title)
    }

    /// The code that is read from pictures, where something reads it: what the first encode chain ends in.
    pub fn encoded(&self) -> Option<&str> {
        self.description.encoded().filter(|block| self.read.contains(*block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_missed_with_its_encoder() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let [decoder, encoder] = ["decoder.onnx", "encoder.onnx"].map(|name| folder.path().join(name));
        let reading = Reading { encoder: Some(encoder.clone()), ..Reading::default() };
        let source = ModelSource { reading, ..ModelSource::file(&decoder) };
        assert_eq!(source.missing(), Some(decoder.as_path()));
        std::fs::write(&decoder, "").expect("writes");
        assert_eq!(source.missing(), Some(encoder.as_path()));
        std::fs::write(&encoder, "").expect("writes");
        assert_eq!(source.missing(), None);
    }

    /// How far the threads of `pool` have stepped back.
    #[cfg(target_os = "linux")]
    fn steps(pool: &Pool) -> Vec<i32> {
        // SAFETY: the call takes numbers only; 0 stands for the calling thread.
        pool.run(|| rayon::broadcast(|_| unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }))
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_second_models_networks_let_the_first_ones_go_first() {
        let (first, second) = (Pools::new(2).expect("starts"), Pools::in_background(2).expect("starts"));
        assert_eq!(steps(&first.light), [0]);
        assert!(steps(&second.light)[0] > 0 && steps(&second.encoder)[0] > 0);
        let (ours, theirs) = (steps(&first.heavy), steps(&second.heavy));
        assert!(ours.iter().max() < theirs.iter().min(), "{ours:?} {theirs:?}");
    }
}
