use std::sync::Arc;

use crate::app::Options;
use crate::app::document::analysis::Analysis;
use crate::app::document::photo::PhotoState;
use crate::app::document::{Document, Start};
use crate::app::keep::{Place, Session};
use crate::app::log::About;
use crate::app::model::ModelView;
use crate::app::watch::Watch;
use crate::checkpoint::{BUNDLED, BundledModel};
use crate::engine::{ModelSource, Opened};
use crate::explore::{LatentState, draw_prior};
use crate::model::CodeKind;

/// How the window begins, and how each model does that is opened in it.
impl Document {
    /// Opens what the window begins with: the model that was asked for, else that of the last session with everything
    /// as it was, else the best of those that the program brings along.
    pub(crate) fn begin_with(&mut self, options: &Options, session: Session) {
        let codes = options.codes.clone().map(Place::from);
        if let Some(source) = &options.source {
            self.open(source.clone(), codes.map_or(Start::Fresh, |place| Start::At(Box::new(place))));
            return;
        }
        self.spare = options.begins_bundled.then(|| self.bundled(&options.device)).flatten();
        match session.restore() {
            Some(Ok((mut source, place))) => {
                if !options.device.is_empty() {
                    source.device.clone_from(&options.device);
                }
                self.open(source, Start::At(Box::new(codes.unwrap_or(place))));
                return;
            }
            Some(Err(missing)) => {
                let instead = if self.spare.is_some() { ", so another one is shown" } else { "" };
                let text = format!("the model of the last session is gone{instead}: {}", missing.display());
                self.log.warn(About::Keeping, text);
            }
            None => {}
        }
        if let Some(source) = self.spare.take() {
            self.open(source, codes.map_or(Start::Fresh, |place| Start::At(Box::new(place))));
        }
    }

    /// The best of the models that the program brings along, in a file of its own.
    fn bundled(&mut self, device: &str) -> Option<ModelSource> {
        match BUNDLED.first().map(BundledModel::unpack_for_user)? {
            Ok(path) => Some(ModelSource { device: device.to_owned(), ..ModelSource::file(path) }),
            Err(error) => {
                self.log.fail(About::Keeping, error.to_string());
                None
            }
        }
    }

    /// Shows a model that has been read, and where its files lie begins to be watched.
    pub(crate) fn on_opened(&mut self, opened: Arc<Opened>) {
        self.spare = None;
        let loading = self.loading.take_if(|loading| loading.model_id <= opened.model_id);
        let start = loading.map(|loading| loading.start).unwrap_or_default();
        self.log.on_opened();
        let old = self.model.as_ref();
        let same = old.filter(|old| old.opened.source.is_same_model(&opened.source));
        let is_same = same.is_some();
        let model = match same.filter(|_| matches!(start, Start::AsIs)) {
            Some(old) => ModelView::read_again(opened, old),
            None => ModelView::new(opened),
        };
        self.log.info(format!("Opened {}", model.description().name));
        self.settings.remember(&model.opened.source);
        self.read_back = None;
        // Reading it again keeps the watch, so that no change between two looks is missed.
        if !is_same {
            let ctx = self.ctx().clone();
            self.watch = Watch::new(model.opened.source.path(), &mut self.tasks, &ctx);
        }
        self.views.own.expect(&model.opened);
        let kept = match (&start, self.latent.take()) {
            (Start::AsIs, Some(latent)) => latent.read_again(model.description()),
            _ => None,
        };
        let is_kept = kept.is_some();
        if is_kept {
            let old = self.model.as_ref().map(|old| old.opened.hash.as_str());
            self.analysis.is_outdated |= old != Some(model.opened.hash.as_str());
        }
        let start_picture = self.photo.shown.take().filter(|_| is_kept);
        self.photo = PhotoState::default();
        self.photo.shown = start_picture;
        self.latent = Some(kept.unwrap_or_else(|| LatentState::new(model.description().clone())));
        self.model = Some(model);
        if !is_kept {
            self.begin(&start);
        }
        // Reading it again keeps the selection; another model begins with what says most.
        self.has_selected &= (is_same || matches!(start, Start::At(_))) && self.has_selection();
        self.select_first();
        self.check_beside();
        self.overlay_own();
        self.frame_requests.forget_all();
        if let Some(folder) = self.config.clone() {
            self.recall(&folder, is_kept);
        }
        self.recall_evaluation();
        self.recall_pages();
    }

    /// Sets everything of a model that has just been opened to where it begins.
    fn begin(&mut self, start: &Start) {
        let (Some(model), Some(latent)) = (&self.model, &mut self.latent) else { return };
        self.nuisance.start_over();
        for block in &model.description().codes {
            let values = match block.kind {
                _ if !block.opening.is_empty() => block.opening.clone(),
                CodeKind::Noise => draw_prior(block, self.nuisance.seed(), 0),
                _ => continue,
            };
            let fits = latent.set_block(&block.name, &values);
            debug_assert!(fits.is_ok(), "{fits:?}");
        }
        self.player.pause();
        self.analysis = Analysis::default();
        self.data.on_opened();
        self.choose_strip();
        let fits = match start {
            Start::Fresh => true,
            Start::At(place) => self.go_to(place),
            Start::AsIs => false,
        };
        if !fits {
            let text = "The codes to start with belong to another model, so the neutral ones are shown";
            self.log.warn(About::Codes, text);
        }
        if let Some(latent) = &mut self.latent {
            latent.forget_steps(); // The steps so far are not the person's.
        }
    }
}
