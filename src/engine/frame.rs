use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::base::Picture;
use crate::model::ChainId;

use super::latest::lock;

/// Whether more requests will follow at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// A slider is being dragged; pictures on the way are worth showing.
    Moving,
    /// The codes are final for now; a picture of older codes is worth nothing.
    Settled,
}

/// Asks for the picture of one code. Only the newest request of a chain is ever rendered.
#[derive(Clone, Debug)]
pub struct FrameRequest {
    /// Counts up with every request; comes back in the [`Frame`].
    pub number: u64,
    /// The model the code belongs to, from [`super::Opened::id`].
    pub model_id: u64,
    /// The render chain that is asked.
    pub chain: ChainId,
    /// Its code, `(code_dim,)`.
    pub code: Arc<[f32]>,
    /// What an encoder should read back from the picture.
    pub target: Option<ReadBackTarget>,
    /// Whether more requests will follow at once.
    pub motion: Motion,
    /// When the person asked, for measuring latency.
    pub asked: Instant,
}

/// A code that an encoder should find in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadBackTarget {
    /// Name of its block.
    pub block: Arc<str>,
    /// Its values, `(dims,)`.
    pub code: Arc<[f32]>,
}

/// A rendered picture.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The request it answers.
    pub number: u64,
    /// The model it was rendered with.
    pub model_id: u64,
    /// The chain that drew it.
    pub chain: ChainId,
    /// The code it shows.
    pub code: Arc<[f32]>,
    /// The pixels.
    pub picture: Arc<Picture>,
    /// When the person asked.
    pub asked: Instant,
    /// Time spent in the networks.
    pub render: Duration,
}

/// One picture of a [`super::Batch`].
#[derive(Clone, Debug)]
pub struct Cell {
    /// Index of its code in the batch.
    pub index: usize,
    /// The pixels, shrunk when the batch asked for it.
    pub picture: Picture,
    /// Time spent in the networks.
    pub render: Duration,
}

/// The newest frame of each render chain that nobody took yet. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Frames(Arc<Mutex<BTreeMap<ChainId, Frame>>>);

impl Frames {
    /// Puts a frame in place of an unread older one of its chain.
    pub(super) fn put(&self, frame: Frame) {
        let replaced = lock(&self.0).insert(frame.chain, frame);
        drop(replaced); // A picture is freed outside the lock.
    }

    /// Takes that of `chain` away.
    pub(super) fn take(&self, chain: ChainId) -> Option<Frame> {
        lock(&self.0).remove(&chain)
    }
}
