//! The second model, beside the first.

use crate::app::frame_requests::FrameRequests;
use crate::app::model::ModelView;
use crate::engine::Engine;

/// A second model, whose pictures of the same codes are shown beside the first one's.
///
/// It has an engine of its own, all of whose threads let the first model's and the window's go first.
#[derive(Default)]
pub(crate) struct Beside {
    pub(crate) engine: Option<Engine>,
    pub(crate) model: Option<ModelView>,
    /// Epoch and name of the model that is being read.
    pub(crate) loading: Option<(u64, String)>,
    pub(crate) frame_requests: FrameRequests,
    /// Name of the chain whose pictures are compared, where both models have it.
    pub(crate) chain: Option<String>,
}

impl Beside {
    /// The name of the model that is being read.
    pub(crate) fn loading(&self) -> Option<&str> {
        self.loading.as_ref().map(|(_, name)| name.as_str())
    }

    /// Whether a second model is there or on its way.
    pub(crate) fn is_open(&self) -> bool {
        self.engine.is_some()
    }
}
