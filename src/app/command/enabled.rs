//! When commands would do something.

use crate::app::document::Document;
use crate::app::model::ModelView;
use crate::checkpoint::{Reading, is_onnx};

/// Whether there is a model of which `is` is true.
fn has(state: &Document, is: impl FnOnce(&ModelView) -> bool) -> bool {
    state.model.as_ref().is_some_and(is)
}

pub(super) fn has_model(state: &Document) -> bool {
    state.model.is_some()
}

pub(super) fn has_nuisance(state: &Document) -> bool {
    has(state, ModelView::has_noise)
}

pub(super) fn can_draw_nuisance(state: &Document) -> bool {
    has_nuisance(state) && !state.nuisance.locked
}

/// Whether a network makes a code of noise, which may be drawn anew.
pub(super) fn can_draw_epsilon(state: &Document) -> bool {
    can_draw_nuisance(state) && has(state, |model| model.opened.emitter.is_some())
}

pub(super) fn has_sliders(state: &Document) -> bool {
    has(state, |model| model.slider_blocks().next().is_some())
}

/// Whether the main chain has drawn a picture.
pub(super) fn has_picture(state: &Document) -> bool {
    has(state, |model| model.main_chain().is_some_and(|chain| state.views.own.frame(chain).is_some()))
}

/// Whether the model is a generator without the decoder of its VAE.
pub(super) fn lacks_decoder(state: &Document) -> bool {
    has(state, |model| model.description().generator().is_some() && model.description().decoder().is_none())
}

/// Whether the model is an ONNX decoder without an encoder.
pub(super) fn lacks_encoder(state: &Document) -> bool {
    has(state, |model| is_onnx(model.opened.source.path()) && model.opened.source.reading.encoder.is_none())
}

/// Whether something was answered about the model's file that can be asked again.
pub(super) fn was_explained(state: &Document) -> bool {
    let answers = |reading: &Reading| Reading { encoder: None, ..reading.clone() };
    has(state, |model| !answers(&model.opened.source.reading).is_silent())
}

/// Whether codes can be read from pictures.
pub(super) fn reads_pictures(state: &Document) -> bool {
    has(state, |model| model.opened.encoded().is_some())
}

/// Whether something can be made of a person's own picture: codes, or other pictures.
pub(super) fn takes_pictures(state: &Document) -> bool {
    reads_pictures(state) || has(state, |model| model.description().source_shape().is_some())
}

/// Whether what is measured on pictures can be written beside the model's file.
pub(super) fn can_measure(state: &Document) -> bool {
    reads_pictures(state) && has(state, |model| model.opened.source.path().exists())
}

pub(super) fn can_undo(state: &Document) -> bool {
    state.latent.as_ref().is_some_and(|latent| latent.can_undo())
}

pub(super) fn can_redo(state: &Document) -> bool {
    state.latent.as_ref().is_some_and(|latent| latent.can_redo())
}

pub(super) fn is_not_training(state: &Document) -> bool {
    state.train.run.as_ref().is_none_or(|run| run.is_over())
}
