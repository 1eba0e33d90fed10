//! What is kept from one start to the next: settings, the session, and the notes about each model.
//!
//! A change is handed to the thread that writes in the frame that makes it; nothing waits for another frame.

mod notes;
mod saver;
mod session;
mod settings;
mod store;

use std::path::Path;

use super::Tool;
use super::log::About;
use super::state::State;
use saver::{Answer, Saver, Work};
use store::Fault;

use crate::explore::LatentState;

pub(crate) use notes::Noted;
pub(crate) use session::{Place, Session};
pub(crate) use settings::{Settings, Shelf, WindowPlace};

/// What was handed to the saver last.
pub(crate) struct Keeper {
    saver: Saver,
    session: Option<Session>,
    settings: Settings,
    /// Whether something could not be written, so that it should be tried again before the end.
    has_failed: bool,
}

/// What the last start has left.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) session: Session,
    pub(crate) settings: Settings,
    /// What a person should know about it.
    pub(crate) faults: Vec<String>,
}

impl Kept {
    /// Reads what lies in `folder`; what is damaged is moved aside and takes its default.
    pub(crate) fn load(folder: &Path) -> Self {
        let mut faults = Vec::new();
        let mut told = |fault: Fault| faults.push(fault.to_string());
        let session = Session::load(folder).map_err(&mut told).unwrap_or_default();
        let settings = Settings::load(folder).map_err(&mut told).unwrap_or_default();
        Self { session, settings, faults }
    }
}

/// Lays the session in `folder`, and the notes in its file `notes.json`, on `latent`; returns how many of settings,
/// session and notes could be read. For tests of damaged files, which need no window.
pub(super) fn lay_on(folder: &Path, latent: &mut LatentState) -> usize {
    let settings = Settings::load(folder);
    let session = Session::load(folder);
    let place = session.as_ref().ok().map(|session| &session.place);
    if let Some(kept) = place.and_then(|place| session::codes(&place.codes, latent.codes())) {
        let _ = latent.set_all(&kept, 0);
    }
    let notes = store::read::<notes::Notes>(&folder.join("notes.json"));
    if let Ok(Some(notes)) = &notes {
        notes.lay_on(latent);
    }
    [settings.is_ok(), session.is_ok(), notes.is_ok()].into_iter().filter(|&is_read| is_read).count()
}

impl Keeper {
    /// Starts the thread that writes. `settings` are what the files hold.
    pub(crate) fn new(ctx: &egui::Context, settings: Settings) -> std::io::Result<Self> {
        let ctx = ctx.clone();
        let saver = Saver::new(move || ctx.request_repaint())?;
        Ok(Self { saver, session: None, settings, has_failed: false })
    }

    /// Hands over what has changed. While something moves only notes are worth it, unless the window closes.
    pub(crate) fn keep(&mut self, state: &mut State, tool: Tool, is_closing: bool) {
        for answer in self.saver.take_answers() {
            match answer {
                Answer::Told(text) => state.log.warn(About::Keeping, text),
                Answer::Recovered => state.log.succeed(About::Keeping),
                Answer::Failed { path, before } => {
                    self.has_failed = true;
                    if let Some(before) = before {
                        state.on_unwritten(&path, before);
                    }
                }
                Answer::Merged { path, handed, merged } => state.take_merged(&path, &handed, &merged),
            }
        }
        let Some(folder) = state.config.clone() else { return };
        let tries_again = is_closing && std::mem::take(&mut self.has_failed);
        if let Some((path, change)) = state.changed_notes(tries_again) {
            self.saver.save(path, Work::Merge(Box::new(change)));
        }
        if state.is_moving() && !is_closing {
            return;
        }
        if tries_again || self.settings != state.settings {
            self.settings.clone_from(&state.settings);
            self.hand_over(Settings::file(&folder), &self.settings);
        }
        let session = Session::of(state, tool);
        if session.is_some() && (tries_again || self.session != session) {
            self.session = session;
            self.hand_over(Session::file(&folder), &self.session);
        }
    }

    fn hand_over(&self, path: std::path::PathBuf, value: &impl serde::Serialize) {
        // What consists of numbers and names can always be written down.
        if let Ok(bytes) = serde_json::to_vec_pretty(value) {
            self.saver.save(path, Work::Replace(bytes));
        }
    }
}
