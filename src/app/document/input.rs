//! The picture that others are made of, where a model makes pictures of pictures.

use std::sync::Arc;

use crate::app::paint::Surface;
use crate::explore::{Codes, SourcePictures};

/// What is drawn beside the pictures that are made of it.
#[derive(Default)]
pub(crate) struct InputPicture {
    shown: Option<(Arc<SourcePictures>, Surface)>,
}

impl InputPicture {
    /// Shows what the codes have.
    pub(crate) fn follow(&mut self, codes: &Codes) {
        let Some(pictures) = codes.pictures() else {
            self.shown = None;
            return;
        };
        if self.shown.as_ref().is_none_or(|(shown, _)| !Arc::ptr_eq(shown, pictures)) {
            let surface = self.shown.take().map_or_else(Surface::new, |(_, surface)| surface);
            surface.show(Arc::new(pictures.picture(0)), None);
            self.shown = Some((Arc::clone(pictures), surface));
        }
    }

    /// Where it is drawn; `None` where pictures are made of codes alone.
    pub(crate) fn surface(&self) -> Option<&Surface> {
        self.shown.as_ref().map(|(_, surface)| surface)
    }
}
