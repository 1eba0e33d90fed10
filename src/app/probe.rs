use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Explorer;
use crate::app::action::{BoardAction, FigureAction, ViewAction};
use crate::app::document::Start;
use crate::app::document::tool::Tab;
use crate::base::Picture;
use crate::engine::ModelSource;
use crate::explore::RangeSpec;
use crate::model::ChainId;

/// What tests and measurements may ask of the window.
impl Explorer {
    /// Whether every picture asked for is on the screen.
    pub fn is_settled(&self) -> bool {
        self.state.is_settled()
    }

    /// Whether nothing is on its way: no model, nothing about it, no thumbnail, no cell, no heat map, no file.
    pub fn is_calm(&self) -> bool {
        let state = &self.state;
        state.loading.is_none()
            && state.beside.loading().is_none()
            && state.model.as_ref().is_none_or(|model| model.is_described)
            && !state.analysis.is_waiting()
            && !state.strip.is_waiting()
            && !state.data.is_waiting()
            && !state.photo.is_waiting()
            && !state.traverse.is_waiting()
            && !state.board.is_waiting()
            && state.pages.map.as_ref().is_none_or(|map| map.reading.is_none() && map.wanted.is_none())
            && state.jobs.running().is_empty()
    }

    /// Opens a model, as File > Open does.
    pub fn open_model(&mut self, source: ModelSource) {
        self.state.open(source, Start::Fresh);
    }

    /// Whether a model is open.
    pub fn has_model(&self) -> bool {
        self.state.model.is_some()
    }

    /// The newest warning or error that was not closed.
    pub fn notice(&self) -> Option<&str> {
        self.state.log.notice.as_ref().map(|notice| notice.text.as_str())
    }

    /// The codes of a block as they are set.
    pub fn values(&self, block: &str) -> &[f32] {
        self.state.latent.as_ref().map_or(&[], |latent| latent.values(block))
    }

    /// The picture that the render chain called `chain` shows.
    pub fn picture(&self, chain: &str) -> Option<Arc<Picture>> {
        let frame = self.state.views.own.frame(self.chain(chain)?)?;
        Some(Arc::clone(&frame.picture))
    }

    /// The picture that the render chain called `chain` of the model beside shows.
    pub fn picture_beside(&self, chain: &str) -> Option<Arc<Picture>> {
        let chain = self.state.beside.model.as_ref()?.description().chain_id(chain)?;
        Some(Arc::clone(&self.state.views.beside.frame(chain)?.picture))
    }

    fn chain(&self, name: &str) -> Option<ChainId> {
        self.state.model.as_ref()?.description().chain_id(name)
    }

    /// Opens a model beside the open one, as File > Open beside does.
    pub fn open_beside(&mut self, source: ModelSource) {
        self.state.open_beside(source);
    }

    /// The code whose picture the render chain called `chain` shows.
    pub fn shown_code(&self, chain: &str) -> Option<Arc<[f32]>> {
        let frame = self.state.views.own.frame(self.chain(chain)?)?;
        Some(Arc::clone(&frame.code))
    }

    /// The code that the render chain called `chain` should show for the codes as they are set, if the model has it.
    pub fn wanted_code(&self, chain: &str) -> Option<Vec<f32>> {
        let (model, latent) = self.state.model.as_ref().zip(self.state.latent.as_ref())?;
        model.opened.shape(self.chain(chain)?)?;
        let input = latent.codes().input(model.description(), chain);
        input.ok().map(crate::base::Array::into_data)
    }

    /// Name of the block that was read back from the newest picture, and the means that the encoder found.
    pub fn read_back(&self) -> Option<(&str, &[f32])> {
        let read = self.state.read_back.as_ref()?;
        Some((&read.target.block, &read.posterior.mu))
    }

    /// Where the first slider lies on the screen, in points.
    pub fn first_slider(&self) -> Option<egui::Rect> {
        self.factors.first_slider
    }

    /// Says when the input that the next update takes in came.
    pub fn input_came(&mut self, at: Instant) {
        self.state.input_at = Some(at);
    }

    /// Times from an input to the `write_texture` of the picture of the render chain called `chain`, of the uploads since
    /// the last call.
    pub fn take_uploads(&mut self, chain: &str) -> Vec<Duration> {
        let view = self.chain(chain).and_then(|chain| self.state.views.own.view_mut(chain));
        view.map(|view| view.uploads.take()).unwrap_or_default()
    }

    /// Frames of models that are gone, which were thrown away, and frames shown that belonged to another model
    /// than the one open: the second is 0 unless something is wrong.
    pub fn stale_frames(&self) -> (u64, u64) {
        let model_id = self.state.model.as_ref().map(|model| model.opened.model_id);
        let frames = self.state.views.own.views().filter_map(|view| view.frame.as_ref());
        let shown = frames.filter(|frame| Some(frame.model_id) != model_id).count();
        (self.state.stale_frames, shown as u64)
    }

    /// Sets up which values a traversal runs through, as its panel does.
    pub fn set_range(&mut self, range: RangeSpec) {
        let mut settings = self.state.traverse.traversal;
        settings.set_range(range);
        self.actions.push(FigureAction::Traversal(settings));
    }

    /// Draws the curves of these runs over each other on the training board, as its panel does.
    pub fn overlay_runs(&mut self, runs: &[PathBuf]) {
        self.actions.push(ViewAction::Tab(Tab::Train));
        for run in runs {
            self.actions.push(BoardAction::Overlay(run.clone(), true));
        }
    }

    /// Points of all curves that the training board draws.
    pub fn drawn_points(&self) -> usize {
        let curves = self.state.board.told.drawing.plots.iter().flat_map(|plot| &plot.curves);
        curves.map(|curve| curve.points.len() + curve.raw.len()).sum()
    }

    /// How often the ends of a traversal's rows were worked out.
    pub fn range_resolutions(&self) -> u64 {
        self.state.traverse.ranges.resolutions()
    }

    /// How often the engine did what.
    pub fn counters(&self) -> &crate::engine::Counters {
        self.state.engine.counters()
    }
}
