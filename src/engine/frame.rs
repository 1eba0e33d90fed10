use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::Picture;
use crate::model::{GAN, VAE};

/// Which network of a model turns codes into pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The GAN's generator: `[s, c]` to a picture at its own resolution.
    Generator,
    /// The VAE's decoder: `c` to a 64x64 picture.
    Decoder,
}

impl Role {
    /// Both roles, the cheap one first.
    pub const ALL: [Self; 2] = [Self::Decoder, Self::Generator];

    /// What people call it, at the start of a sentence.
    pub fn title(self) -> &'static str {
        match self {
            Self::Generator => "The generator",
            Self::Decoder => "The VAE decoder",
        }
    }

    /// The chain that it stands for.
    pub fn chain(self) -> &'static str {
        match self {
            Self::Generator => GAN,
            Self::Decoder => VAE,
        }
    }

    pub(super) fn thread_name(self) -> &'static str {
        match self {
            Self::Generator => "idgan-generator",
            Self::Decoder => "idgan-decoder",
        }
    }
}

/// Whether more requests will follow at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// A slider is being dragged; pictures on the way are worth showing.
    Moving,
    /// The codes are final for now; a picture of older codes is worth nothing.
    Settled,
}

/// Asks for the picture of one code. Only the newest request of a role is ever rendered.
#[derive(Clone, Debug)]
pub struct FrameRequest {
    /// Counts up with every request; comes back in the [`Frame`].
    pub number: u64,
    /// The model the code belongs to, from [`super::Opened::epoch`].
    pub epoch: u64,
    /// The code, `(code_dim,)` of the role's network.
    pub code: Arc<[f32]>,
    /// For the generator: the disentangled part of `code` that the encoder should read back.
    pub target: Option<Arc<[f32]>>,
    /// Whether more requests will follow at once.
    pub motion: Motion,
    /// When the person asked, for measuring latency.
    pub asked: Instant,
}

/// A rendered picture.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The request it answers.
    pub number: u64,
    /// The model it was rendered with.
    pub epoch: u64,
    /// The code it shows.
    pub code: Arc<[f32]>,
    /// The pixels.
    pub picture: Arc<Picture>,
    /// When the person asked.
    pub asked: Instant,
    /// Time spent in the network.
    pub render: Duration,
}

/// One picture of a [`super::Batch`].
#[derive(Clone, Debug)]
pub struct Cell {
    /// Index of its code in the batch.
    pub index: usize,
    /// The pixels, shrunk when the batch asked for it.
    pub picture: Picture,
    /// Time spent in the network.
    pub render: Duration,
}
