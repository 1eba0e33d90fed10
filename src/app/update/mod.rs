//! Everything that changes what the window shows.

pub(crate) mod analysis;
pub(crate) mod apply;
pub(crate) mod begin;
pub(crate) mod beside;
pub(crate) mod board;
pub(crate) mod bundled;
pub(crate) mod clipboard;
pub(crate) mod data;
pub(crate) mod evaluate;
pub(crate) mod keeper;
pub(crate) mod map;
pub(crate) mod matrix;
pub(crate) mod notes;
pub(crate) mod nuisance;
pub(crate) mod pages;
pub(crate) mod photo;
pub(crate) mod player;
pub(crate) mod ranges;
pub(crate) mod recipe;
pub(crate) mod save;
pub(crate) mod selection;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod stage_picture;
mod strip;
pub(crate) mod table;
pub(crate) mod tool;
pub(crate) mod train;
pub(crate) mod traverse;
pub(crate) mod window;

use std::path::PathBuf;
use std::time::Instant;

use crate::app::dialog::Purpose;
use crate::app::document::{Document, Loading, Overlay, SCRUB_PAUSE, Start, Unread};
use crate::app::frame_requests::RequestOptions;
use crate::app::log::About;
use crate::app::view::Compare;
use crate::checkpoint::Reading;
use crate::engine::{Event, ModelSource, OpenError, ReadBackTarget};
use crate::explore::{Codes, LatentState};

impl Document {
    /// Opens a model in the background; what is shown stays meanwhile.
    pub(crate) fn open(&mut self, source: ModelSource, start: Start) {
        self.unread = None;
        let model_id = self.engine.open(source.clone());
        self.loading = Some(Loading { model_id, source, since: Instant::now(), start });
    }

    pub(crate) fn open_path(&mut self, path: impl Into<PathBuf>) {
        self.open(ModelSource::file(path), Start::Fresh);
    }

    /// Reads the model again and keeps what was set.
    pub(crate) fn reload(&mut self) {
        if let Some(model) = &self.model {
            self.open(model.opened.source.clone(), Start::AsIs);
        }
    }

    /// Opens the same files on another device and keeps what was set.
    pub(crate) fn change_device(&mut self, device: &str) {
        if let Some(model) = &self.model {
            let source = ModelSource { device: device.to_owned(), ..model.opened.source.clone() };
            self.open(source, Start::AsIs);
        }
    }

    /// Opens the GAN again together with the VAE in `path`.
    pub(crate) fn pair_with(&mut self, path: PathBuf) {
        if let Some(model) = &self.model {
            let old = &model.opened.source;
            let gan = Some(old.path().to_owned());
            let device = old.device.clone();
            self.open(ModelSource { vae: Some(path), gan, device, ..ModelSource::default() }, Start::Fresh);
        }
    }

    /// Opens the ONNX decoder again together with the encoder in `path`, and keeps what was set.
    pub(crate) fn pair_with_encoder(&mut self, path: PathBuf) {
        if let Some(model) = &self.model {
            let source = model.opened.source.clone();
            let reading = Reading { encoder: Some(path), ..source.reading };
            self.open(ModelSource { reading, ..source }, Start::AsIs);
        }
    }

    /// Opens the model with an answer to what its file does not say: the one that waits for it, else the open one.
    pub(crate) fn answer(&mut self, reading: Reading) {
        let open = || Some((self.model.as_ref()?.opened.source.clone(), Start::AsIs));
        let waiting = self.unread.as_ref().map(|unread| (unread.source.clone(), unread.start.clone()));
        if let Some((source, start)) = waiting.or_else(open) {
            self.open(ModelSource { reading, ..source }, start);
        }
    }

    /// Asks about the open model's file again.
    pub(crate) fn ask_again(&mut self) {
        if let Some(model) = &self.model {
            let source = model.opened.source.clone();
            let reading = Reading { encoder: source.reading.encoder, ..Reading::default() };
            self.open(ModelSource { reading, ..source }, Start::AsIs);
        }
    }

    /// The window, for threads that have news.
    pub(crate) fn ctx(&self) -> &egui::Context {
        &self.ctx
    }

    /// Opens `overlay` after the panels are drawn.
    pub(crate) fn show(&mut self, overlay: Overlay) {
        self.overlays.push(overlay);
    }

    /// Asks for a path.
    pub(crate) fn ask(&mut self, purpose: Purpose) {
        self.show(Overlay::Dialog(purpose));
    }

    pub(crate) fn take_overlays(&mut self) -> Vec<Overlay> {
        std::mem::take(&mut self.overlays)
    }

    /// Takes back the last change of the codes.
    pub(crate) fn undo(&mut self) {
        self.player.pause();
        if let Some(latent) = &mut self.latent {
            latent.undo();
        }
    }

    /// Does again what was taken back.
    pub(crate) fn redo(&mut self) {
        self.player.pause();
        if let Some(latent) = &mut self.latent {
            latent.redo();
        }
    }

    /// Shows two pictures in this way.
    pub(crate) fn compare(&mut self, compare: Compare) {
        self.views.compare = compare;
        self.settings.compare = compare;
    }

    /// Changes the codes; the changes of one drag are one step of undo.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut LatentState)) {
        let is_moving = self.is_moving();
        let Some(latent) = &mut self.latent else { return };
        if is_moving {
            latent.begin();
        }
        change(latent);
    }

    /// Changes one value, which is known to exist and to be finite.
    pub(crate) fn set_value(&mut self, block: &str, dim: usize, value: f32) {
        self.edit(|latent| {
            let fits = latent.set(block, dim, value);
            debug_assert!(fits.is_ok(), "{fits:?}");
        });
    }

    /// Whether resetting the factors would change anything.
    pub(crate) fn can_reset(&self) -> bool {
        let Some((model, latent)) = self.model.as_ref().zip(self.latent.as_ref()) else { return false };
        let can_reset = |block: &crate::model::CodeBlock, dim: usize| {
            !latent.is_reset(&block.name, dim) && !latent.is_locked(&block.name, dim)
        };
        model.slider_blocks().any(|block| (0..block.dims).any(|dim| can_reset(block, dim)))
    }

    /// Sets all unlocked factors to neutral, as one step; the nuisance code stays.
    pub(crate) fn reset_factors(&mut self) {
        let Some(model) = &self.model else { return };
        let names: Vec<String> = model.slider_blocks().map(|block| block.name.clone()).collect();
        self.in_one_step(|latent| {
            for name in &names {
                let neutral = latent.neutral(name);
                let fits = latent.set_block(name, &neutral);
                debug_assert!(fits.is_ok(), "{fits:?}");
            }
        });
    }

    /// Draws all unlocked factors from the data's codes where they were measured, else from the prior.
    pub(crate) fn random_factors(&mut self) {
        let Some(model) = &self.model else { return };
        let names: Vec<String> =
            model.slider_blocks().chain(model.choice_blocks()).map(|block| block.name.clone()).collect();
        let profile = model.profile.clone();
        self.factor_seed = self.factor_seed.wrapping_add(1);
        let seed = self.factor_seed;
        self.in_one_step(|latent| {
            for name in &names {
                let posterior = profile.as_ref().filter(|p| p.block == *name).map(|p| &p.posterior);
                let fits = latent.draw(name, crate::explore::CodeSource::Posterior, posterior, seed);
                debug_assert!(fits.is_ok(), "{fits:?}");
            }
        });
    }

    /// Changes the codes as one step of undo.
    pub(crate) fn in_one_step(&mut self, change: impl FnOnce(&mut LatentState)) {
        if let Some(latent) = &mut self.latent {
            latent.end();
            latent.begin();
            change(latent);
            latent.end();
        }
    }

    /// What the encoder reads for a dimension of the picture shown, if it reads that block.
    pub(crate) fn read_back_value(&self, block: &str, dim: usize) -> Option<f32> {
        let read = self.read_back.as_ref().filter(|read| *read.target.block == *block)?;
        read.posterior.mu.get(dim).copied()
    }

    /// Takes all codes of row `row`, except locked ones, as one step.
    pub(crate) fn adopt(&mut self, codes: &Codes, row: usize) {
        self.adopt_with(codes, row, false);
    }

    /// As [`Document::adopt`]; the nuisance stays as it is where `keeps_nuisance` says so.
    pub(crate) fn adopt_with(&mut self, codes: &Codes, row: usize, keeps_nuisance: bool) {
        self.player.pause();
        if let Some(latent) = &mut self.latent {
            latent.end();
        }
        self.move_to(codes, row, keeps_nuisance);
    }

    /// As [`Document::adopt_with`], within the step that is going on.
    pub(crate) fn move_to(&mut self, codes: &Codes, row: usize, keeps_nuisance: bool) {
        let (Some(model), Some(latent)) = (&self.model, &mut self.latent) else { return };
        let mut adopted = codes.select(&[row]);
        let mut fits = Ok(());
        if self.nuisance.locked || keeps_nuisance {
            for block in model.noise_blocks() {
                fits = fits.and_then(|()| adopted.set_row(&block.name, 0, latent.values(&block.name)));
            }
        }
        if self.player.is_playing() {
            latent.begin();
        }
        if let Err(error) = fits.and_then(|()| latent.set_all(&adopted, 0)) {
            self.log.fail(About::Codes, format!("these codes do not fit the model: {error}"));
        }
    }

    /// Takes in what other threads have to say.
    pub(crate) fn receive(&mut self) {
        self.tasks.reap();
        if !self.is_dragging {
            for event in std::mem::take(&mut self.held) {
                self.on_event(event);
            }
        }
        while let Some(event) = self.engine.event() {
            // What reorders the sliders must not pull one from under the pointer.
            let reorders = matches!(event, Event::Profiled(_) | Event::Sensed(_));
            if reorders && self.is_dragging {
                self.held.push(event);
            } else {
                self.on_event(event);
            }
        }
        self.receive_frames();
        self.update_ranges();
        self.receive_beside();
        self.receive_grid();
        self.receive_jobs();
        self.receive_photo();
        self.receive_data_pictures();
        self.receive_analysis();
        self.receive_training();
        self.receive_board();
        self.receive_evaluation();
        self.receive_page();
        self.receive_map_pictures();
        if self.loading.is_none() && self.watch.as_ref().is_some_and(|watch| watch.has_changed()) {
            self.reload();
        }
        if let Some(read_back) = self.engine.read_back() {
            let is_current = self.model.as_ref().is_some_and(|m| m.opened.model_id == read_back.model_id);
            if is_current {
                self.read_back = Some(read_back);
                self.log.succeed(About::Encoder);
            }
        }
        for view in self.views.own.views_mut() {
            if let Some(latency) = view.surface.take_latency() {
                view.latency = Some(latency);
                view.uploads.push(latency);
            }
        }
    }

    /// Takes in the pictures that have been drawn.
    fn receive_frames(&mut self) {
        let Some(model) = &self.model else { return };
        for chain in model.description().chain_ids() {
            let Some(frame) = self.engine.frame(chain) else { continue };
            match self.views.own.view_mut(chain).filter(|_| model.opened.model_id == frame.model_id) {
                Some(view) => {
                    view.frame = Some(frame);
                    self.log.succeed(About::Chain(chain));
                }
                None => self.stale_frames += 1,
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Loading { name, .. } => self.log.info(format!("Opening {name}")),
            Event::Opened(opened) => self.on_opened(opened),
            Event::Profiled(profile) => {
                if let Some(model) = self.model.as_mut().filter(|m| m.opened.model_id == profile.model_id) {
                    model.profile = Some(profile);
                    self.select_first();
                }
            }
            Event::Sensed(sensed) => {
                if let Some(model) = self.model.as_mut().filter(|m| m.opened.model_id == sensed.model_id) {
                    model.sensed = Some(sensed);
                    self.select_first();
                }
            }
            Event::Described { model_id } => {
                if let Some(model) = self.model.as_mut().filter(|m| m.opened.model_id == model_id) {
                    model.on_described();
                }
            }
            Event::OpenFailed { model_id, error: OpenError { message, question } } => {
                let failed = self.loading.take_if(|loading| loading.model_id <= model_id);
                if let Some((Loading { source, start, .. }, question)) = failed.zip(question) {
                    self.log.info(format!(
                        "{} waits for an answer: what its encoder's results are",
                        source.name()
                    ));
                    self.unread = Some(Unread { source, start, question });
                    return;
                }
                let spare = self.spare.take().filter(|_| self.model.is_none() && self.loading.is_none());
                // What is shown instead does not make it untrue that the model of the last session cannot be opened.
                let about = if spare.is_some() { About::Keeping } else { About::Model };
                self.log.fail(about, message);
                if let Some(spare) = spare {
                    self.open(spare, Start::Fresh);
                }
            }
            Event::Restarted(chain) => {
                self.frame_requests.forget(chain);
                let title = self.model.as_ref().map(|model| model.opened.title(chain));
                self.log.info(format!("{} runs again", title.unwrap_or_default()));
            }
            Event::Warning { part, message } => self.log.warn(About::from(part), message),
            Event::Error { part, message } => self.log.fail(About::from(part), message),
        }
    }

    /// Asks for pictures of the codes as they are now, if they changed, and tells the engine when a drag is
    /// over. Called once a UI frame, after the panels.
    pub(crate) fn sync(&mut self) {
        let now = Instant::now();
        self.scrubbing_until.take_if(|until| *until <= now);
        self.ask_board();
        let is_moving = self.is_moving();
        let Some((model, latent)) = self.model.as_ref().zip(self.latent.as_mut()) else { return };
        if !is_moving {
            latent.end();
        }
        let codes = latent.codes();
        self.input.follow(codes);
        let target = model.main_chain().and_then(|chain| {
            let block =
                model.description().read_back(chain).filter(|block| model.opened.read.contains(*block))?;
            Some((chain, ReadBackTarget { block: block.into(), code: latent.values(block).into() }))
        });
        let mut options = RequestOptions { target, is_moving, at: self.input_at.unwrap_or(now) };
        for chain in model.chains() {
            if let Err(error) = self.frame_requests.ask(&self.engine, &model.opened, chain, codes, &options) {
                let message = format!("{} cannot be asked: {error}", model.opened.title(chain));
                self.log.fail(About::Chain(chain), message);
            }
        }
        if self.beside.is_open() {
            options.target = None; // The code is read back from the first model's picture.
            let codes = codes.clone();
            self.sync_beside(&codes, &options);
        }
    }

    /// Whether values move, so that more changes will follow at once.
    pub(crate) fn is_moving(&self) -> bool {
        self.is_dragging || self.scrubbing_until.is_some() || self.player.is_playing()
    }

    /// Whether the pictures show the codes as they are now.
    pub(crate) fn is_settled(&self) -> bool {
        let Some(model) = &self.model else { return self.loading.is_none() };
        self.loading.is_none()
            && self.is_beside_settled()
            && model
                .chains()
                .all(|chain| self.frame_requests.is_answered_by(chain, self.views.own.frame(chain)))
    }

    /// Notes that a wheel or key moves values, and that it will have ended a moment later.
    pub(crate) fn scrub(&mut self) {
        self.scrubbing_until = Some(Instant::now() + SCRUB_PAUSE);
    }
}
