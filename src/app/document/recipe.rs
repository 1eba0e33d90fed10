//! What makes a figure.

use std::path::{Path, PathBuf};

use crate::engine::Opened;
use crate::explore::Codes;
use crate::figures::{Figure, FigureRequest};

/// A figure as it is set up: its request, without where to, and the codes that it reads from a file, for those that the
/// command line cannot say otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    request: FigureRequest,
    pub(crate) codes: Option<Codes>,
}

impl Recipe {
    /// `figure` of the model `opened`, where that is computed.
    pub(crate) fn new(opened: &Opened, figure: Figure, codes: Option<Codes>) -> Self {
        let (mut model, place) = (opened.source.sources(), opened.source.device.parse().unwrap_or_default());
        model.reading.data = None; // No picture depends on what the model was trained on.
        Self { request: FigureRequest { model, place, figure, out: PathBuf::new() }, codes }
    }

    /// The request, with the codes in `codes`, if there are any, and the figure in `out`.
    pub(crate) fn request(&self, codes: &Path, out: &Path) -> FigureRequest {
        let request = FigureRequest { out: out.to_owned(), ..self.request.clone() };
        if self.codes.is_some() { request.of_codes(codes) } else { request }
    }
}
