use std::sync::Arc;

use crate::app::document::Document;
use crate::app::document::beside::Beside;
use crate::app::frame_requests::RequestOptions;
use crate::app::log::About;
use crate::app::model::ModelView;
use crate::app::view::{ModelPictures, Pane};
use crate::checkpoint::BundledModel;
use crate::engine::{Engine, Event, ModelSource, Opened, Part};
use crate::explore::Codes;
use crate::model::ModelDescription;

/// What a message of the second model's engine is about.
fn about(part: Part) -> About {
    match part {
        Part::Chain(chain) => About::ChainBeside(chain),
        Part::Model | Part::Encoder => About::Beside,
    }
}

impl Document {
    /// Opens a second model beside the first one, in the background.
    pub(crate) fn open_beside(&mut self, source: ModelSource) {
        if self.beside.engine.is_none() {
            let (ctx, library) = (self.ctx().clone(), Arc::clone(&self.library));
            let wake = Arc::new(move || ctx.request_repaint());
            match Engine::in_background(library, self.threads, wake, self.views.beside.tap()) {
                Ok(engine) => self.beside.engine = Some(engine),
                Err(error) => {
                    let text = format!("The system refuses threads for a second model: {error}");
                    self.log.fail(About::Beside, text);
                    return;
                }
            }
        }
        let Some(engine) = &self.beside.engine else { return };
        let name = source.name();
        self.beside.loading = Some((engine.open(source), name));
    }

    /// Goes back to one model.
    pub(crate) fn close_beside(&mut self) {
        if let Some(engine) = self.beside.engine.take() {
            // The engine's threads end on one of their own: the window waits for none.
            let ctx = self.ctx().clone();
            if let Err(error) = self.tasks.start("idgan-close", &ctx, move |_| drop(engine)) {
                log::warn!("the second model's threads have ended in the window's: {error}");
            }
        }
        self.beside = Beside { chain: self.beside.chain.take(), ..Beside::default() };
        // A worker that finishes late writes into the old surfaces, which nobody shows any more.
        self.views.beside = ModelPictures::default();
    }

    /// Takes in what the second model's threads have to say.
    pub(crate) fn receive_beside(&mut self) {
        while let Some(event) = self.beside.engine.as_ref().and_then(Engine::event) {
            self.on_beside_event(event);
        }
        let Some(engine) = &self.beside.engine else { return };
        let Some(model) = &self.beside.model else { return };
        for chain in model.description().chain_ids() {
            let Some(frame) = engine.frame(chain) else { continue };
            match self.views.beside.view_mut(chain).filter(|_| model.opened.model_id == frame.model_id) {
                Some(view) => {
                    view.frame = Some(frame);
                    view.latency = view.surface.take_latency().or(view.latency);
                    self.log.succeed(About::ChainBeside(chain));
                }
                None => self.stale_frames += 1,
            }
        }
    }

    fn on_beside_event(&mut self, event: Event) {
        match event {
            Event::Loading { name, .. } => self.log.info(format!("Opening {name} beside")),
            Event::Opened(opened) => self.on_beside_opened(opened),
            Event::OpenFailed { model_id, error } => {
                self.beside.loading.take_if(|(loading, _)| *loading <= model_id);
                self.log.fail(About::Beside, error.message);
                if self.beside.model.is_none() {
                    self.close_beside();
                }
            }
            Event::Restarted(chain) => {
                self.beside.frame_requests.forget(chain);
                let title = self.beside.model.as_ref().map(|model| model.opened.title(chain));
                self.log.info(format!("{} of the model beside runs again", title.unwrap_or_default()));
            }
            Event::Warning { part, message } => {
                self.log.warn(about(part), format!("Model beside: {message}"));
            }
            Event::Error { part, message } => {
                self.log.fail(about(part), format!("Model beside: {message}"));
            }
            // What the data says about its codes is of no use here: the sliders are the first model's.
            Event::Profiled(_) | Event::Sensed(_) | Event::Described { .. } => {}
        }
    }

    fn on_beside_opened(&mut self, opened: Arc<Opened>) {
        self.beside.loading.take_if(|(model_id, _)| *model_id <= opened.model_id);
        self.views.beside.forget_frames();
        self.views.beside.expect(&opened);
        self.log.succeed(About::Beside);
        self.log.info(format!("Opened {} beside", opened.description.name));
        if let Some(guess) = &opened.unsaid.range {
            self.log.warn(About::Beside, format!("Model beside: {}", guess.warning()));
        }
        self.beside.model = Some(ModelView::new(opened));
        self.check_beside();
    }

    /// Why a model of this description cannot stand beside the open one; `None` where it can.
    pub(crate) fn refuses_beside(&self, second: &ModelDescription) -> Option<String> {
        check(self.model.as_ref()?.description(), second).err()
    }

    /// Closes the second model if it does not take the codes of the first one.
    pub(crate) fn check_beside(&mut self) {
        let (Some(first), Some(second)) = (&self.model, &self.beside.model) else { return };
        let path = second.opened.source.path();
        if let Err(message) = check(first.description(), second.description()) {
            self.log.fail(About::Beside, format!("{message}: {}", BundledModel::name_or_path(path)));
            self.close_beside();
        }
    }

    /// Asks the second model for the picture of the codes as they are now; `options` are those of the first one.
    pub(crate) fn sync_beside(&mut self, codes: &Codes, options: &RequestOptions) {
        let Some(Pane { chain, .. }) = self.panes().into_iter().find(|pane| pane.is_beside) else { return };
        let beside = &mut self.beside;
        let (Some(engine), Some(model)) = (&beside.engine, &beside.model) else { return };
        if let Err(error) = beside.frame_requests.ask(engine, &model.opened, chain, codes, options) {
            self.log.fail(About::Beside, format!("The model beside cannot be asked: {error}"));
            self.close_beside();
        }
    }

    /// Whether the second model's picture shows the codes as they are now, or there is none.
    pub(crate) fn is_beside_settled(&self) -> bool {
        let is_answered = |pane: Pane| {
            let frame = self.views.frame(pane);
            !pane.is_beside || self.beside.frame_requests.is_answered_by(pane.chain, frame)
        };
        self.beside.loading.is_none() && self.panes().into_iter().all(is_answered)
    }

    /// The pictures that the middle of the window shows: those of all chains, or one of each of two models.
    pub(crate) fn panes(&self) -> Vec<Pane> {
        let Some(first) = &self.model else { return Vec::new() };
        let Some(second) = &self.beside.model else {
            return first.chains().map(|chain| Pane { chain, is_beside: false }).collect();
        };
        let shared = self.shared_chains();
        let name = self.beside.chain.as_deref().filter(|chosen| shared.iter().any(|name| name == chosen));
        let name = name.or_else(|| shared.first().map(String::as_str));
        let pane =
            |model: &ModelView, is_beside| model.shown(name, &[]).map(|chain| Pane { chain, is_beside });
        [pane(first, false), pane(second, true)].into_iter().flatten().collect()
    }

    /// Names of the chains that both models have: what there is to choose from for a comparison.
    pub(crate) fn shared_chains(&self) -> Vec<String> {
        let (Some(first), Some(second)) = (&self.model, &self.beside.model) else { return Vec::new() };
        let has = |name: &str| second.chains().any(|chain| second.name_of(chain) == name);
        first.chains().map(|chain| first.name_of(chain)).filter(|name| has(name)).map(str::to_owned).collect()
    }

    /// Whether there are two pictures to compare.
    pub(crate) fn can_compare(&self) -> bool {
        let panes = self.panes();
        panes.len() == 2 && panes.into_iter().all(|pane| self.views.frame(pane).is_some())
    }
}

/// Whether the networks of `second` take the codes of `first`.
fn check(first: &ModelDescription, second: &ModelDescription) -> Result<(), String> {
    let inputs = second.render.iter().flat_map(|chain| second.inputs(&chain.name));
    for name in inputs.chain(second.encoded()) {
        let Some(block) = second.block(name) else { continue };
        let ours = first.block(name);
        if ours.is_some_and(|ours| ours.dims == block.dims) {
            continue;
        }
        let ours = ours.map_or_else(
            || format!("{} has no code {name}", first.name),
            |ours| format!("that of {} has {}", first.name, ours.dims),
        );
        return Err(format!(
            "this model cannot show the same codes, because its code {name} has {} dimensions and {ours}; open one of the \
             same codes beside",
            block.dims
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::toy;
    use crate::model::{CodeBlock, GENERATOR};

    #[test]
    fn codes_must_agree_by_name_and_width() {
        let first = toy::description();
        assert_eq!(check(&first, &first), Ok(()));
        let mut vae = first.clone();
        vae = vae.without(GENERATOR);
        vae.codes.retain(|block| block.name == "c");
        assert_eq!(check(&first, &vae), Ok(()), "a VAE of the same c shows the same codes");
        let message = check(&vae, &first).expect_err("no s");
        assert!(message.contains("has no code s"), "{message}");
        let mut wider = first.clone();
        for block in wider.codes.iter_mut().filter(|block| block.name == "s") {
            *block = CodeBlock::nuisance(9);
        }
        let message = check(&first, &wider).expect_err("another s");
        assert!(message.contains("its code s has 9 dimensions and that of toy has 2"), "{message}");
    }
}
