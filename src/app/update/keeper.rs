//! Hands what is to be kept to the thread that writes it.

use crate::app::Tool;
use crate::app::document::Document;
use crate::app::keep::{Answer, Saver, Session, Settings, Work};
use crate::app::log::About;

/// What was handed to the saver last.
pub(crate) struct Keeper {
    saver: Saver,
    session: Option<Session>,
    settings: Settings,
    /// Whether something could not be written, so that it should be tried again before the end.
    has_failed: bool,
}

impl Keeper {
    /// Starts the thread that writes. `settings` are what the files hold.
    pub(crate) fn new(ctx: &egui::Context, settings: Settings) -> std::io::Result<Self> {
        let ctx = ctx.clone();
        let saver = Saver::new(move || ctx.request_repaint())?;
        Ok(Self { saver, session: None, settings, has_failed: false })
    }

    /// Hands over what has changed. While something moves only notes are worth it, unless the window closes.
    pub(crate) fn keep(&mut self, state: &mut Document, tool: Tool, is_closing: bool) {
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
        let session = state.session(tool);
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
