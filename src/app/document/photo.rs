//! The picture that somebody started from.

use crossbeam::channel::Receiver;

use crate::app::paint::Surface;
use crate::app::tasks::Task;
use crate::base::Picture;
use crate::engine::Posterior;

/// A person's own picture on its way to a code.
#[derive(Default)]
pub(crate) struct PhotoState {
    pub(crate) reading: Option<(String, Task<Result<Picture, String>>)>,
    pub(crate) encoding: Option<Encoding>,
    /// The picture that the factors were taken from.
    pub(crate) shown: Option<Photo>,
}

/// A picture whose codes are being found.
pub(crate) struct Encoding {
    pub(crate) photo: Photo,
    /// Blocks that something infers, and where its answers arrive.
    pub(crate) waiting: Vec<(String, Receiver<Posterior>)>,
    pub(crate) found: Vec<(String, Vec<f32>)>,
}

/// A picture as the encoder sees it.
#[derive(Clone)]
pub(crate) struct Photo {
    pub(crate) name: String,
    pub(crate) surface: Surface,
}

impl PhotoState {
    /// Whether a picture is being read or encoded.
    pub(crate) fn is_waiting(&self) -> bool {
        self.reading.is_some() || self.encoding.is_some()
    }
}
