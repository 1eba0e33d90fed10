//! Pictures of the data that a model was trained on.

use std::sync::Arc;

use crate::app::paint::Surface;
use crate::app::tasks::Task;
use crate::base::Picture;

/// Random pictures of the data that the open model was trained on.
#[derive(Default)]
pub(crate) struct DataPictures {
    pub(crate) pictures: Vec<(Arc<Picture>, Surface)>,
    pub(crate) reading: Option<Task<Result<Vec<Picture>, String>>>,
    /// Which draw is shown; counts up.
    pub(crate) draw: u64,
}

impl DataPictures {
    /// Forgets the pictures of the model before.
    pub(crate) fn on_opened(&mut self) {
        *self = Self::default();
    }

    /// Whether pictures were asked for since the model was opened.
    pub(crate) fn is_asked(&self) -> bool {
        self.draw > 0
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.pictures.len()
    }

    /// The picture at `index` as it is drawn.
    pub(crate) fn surface(&self, index: usize) -> Option<&Surface> {
        self.pictures.get(index).map(|(_, surface)| surface)
    }

    /// Whether pictures are on their way.
    pub(crate) fn is_waiting(&self) -> bool {
        self.reading.is_some()
    }
}
