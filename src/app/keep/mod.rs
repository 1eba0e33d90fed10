//! What is kept from one start to the next: settings, the session, and the notes about each model.
//!
//! A change is handed to the thread that writes in the frame that makes it; nothing waits for another frame.

pub(crate) mod notes;
mod saver;
pub(crate) mod session;
mod settings;
pub(crate) mod store;

use std::path::Path;

use store::Fault;

use crate::explore::LatentState;

pub(crate) use notes::Noted;
pub(crate) use saver::{Answer, Saver, Work};
pub(crate) use session::{Place, Session};
pub(crate) use settings::{Settings, Shelf, WindowPlace};

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
