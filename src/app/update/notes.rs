use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::document::Document;
use crate::app::document::strip::Bookmark;
use crate::app::keep::notes::{
    KeptBookmark, Noted, Notes, absolute, given_name, merged_bookmarks, names, newest_of,
};
use crate::app::keep::session::values;
use crate::app::keep::store;
use crate::app::log::About;
use crate::model::CodeBlock;

impl Document {
    /// Takes names and bookmarks that were given to this model before. Where the model that was open is only read again
    /// (`is_same`), it has them already.
    pub(crate) fn recall(&mut self, folder: &Path, is_same: bool) {
        let Some(opened) = self.model.as_ref().map(|model| Arc::clone(&model.opened)) else { return };
        let file = Notes::file(folder, &opened);
        let path = absolute(opened.source.path());
        if is_same && self.noted.is_some() {
            // A checkpoint that has gone on is kept under another name, where there is nothing yet.
            if self.noted.as_ref().is_some_and(|noted| noted.file != file) {
                self.noted = Some(Noted::new(file, Notes::none(path)));
            }
            return;
        }
        let by_content = match store::read::<Notes>(&file) {
            Ok(notes) => notes,
            Err(fault) => {
                self.log.warn(About::Keeping, fault.to_string());
                None
            }
        };
        let by_path = if by_content.is_none() { newest_of(&folder.join("models"), &path) } else { None };
        if let Some(notes) = by_content.as_ref().or(by_path.as_ref()) {
            self.take_notes(notes);
        }
        // What does not fit this model is not the window's, and stays in the file.
        let notes = match by_content.and_then(|kept| Some(Notes { path: kept.path, ..self.notes()? })) {
            Some(notes) => notes,
            None => Notes::none(path),
        };
        self.noted = Some(Noted::new(file, notes));
    }

    fn take_notes(&mut self, notes: &Notes) {
        let Some(latent) = &mut self.latent else { return };
        self.strip.bookmarks = notes.lay_on(latent);
    }

    /// What has changed since the notes were kept last: where they are kept, and the notes before and now. With
    /// `tries_again` also what could not be written then.
    pub(crate) fn changed_notes(&mut self, tries_again: bool) -> Option<(PathBuf, [Notes; 2])> {
        let noted = self.noted.as_ref()?;
        if self.has_notes(&noted.notes) && !(tries_again && noted.unwritten.is_some()) {
            return None;
        }
        let now = self.notes()?;
        let noted = self.noted.as_mut()?;
        let before = std::mem::replace(&mut noted.notes, now.clone());
        Some((noted.file.clone(), [noted.unwritten.take().unwrap_or(before), now]))
    }

    /// Notes that a change since `before` could not be written.
    pub(crate) fn on_unwritten(&mut self, file: &Path, before: Notes) {
        if let Some(noted) = self.noted.as_mut().filter(|noted| noted.file == file) {
            noted.unwritten.get_or_insert(before);
        }
    }

    /// Takes in that `handed` was kept as `merged`, which has what other windows have written. Their names of
    /// dimensions are seen at the next start: a name that changes by itself would be a step of undo that nobody made.
    pub(crate) fn take_merged(&mut self, file: &Path, handed: &Notes, merged: &Notes) {
        let Some(noted) = self.noted.as_mut().filter(|noted| noted.file == file) else { return };
        if handed.bookmarks == merged.bookmarks {
            return;
        }
        noted.notes.bookmarks =
            merged_bookmarks(&handed.bookmarks, &noted.notes.bookmarks, &merged.bookmarks);
        let Some(now) = self.notes() else { return };
        let bookmarks = merged_bookmarks(&handed.bookmarks, &now.bookmarks, &merged.bookmarks);
        let Some(like) = self.latent.as_ref().map(|latent| latent.codes()) else { return };
        self.strip.bookmarks = bookmarks.iter().filter_map(|kept| kept.bookmark(like)).collect();
    }

    /// The notes about the open model as they are now.
    fn notes(&self) -> Option<Notes> {
        let (model, latent) = self.model.as_ref().zip(self.latent.as_ref())?;
        let bookmark = |bookmark: &Bookmark| KeptBookmark {
            name: bookmark.name.clone(),
            codes: values(&bookmark.codes),
        };
        Some(Notes {
            path: absolute(model.opened.source.path()),
            names: names(latent),
            bookmarks: self.strip.bookmarks.iter().map(bookmark).collect(),
        })
    }

    /// Whether `notes` are those of the open model as they are now; cheap enough to be asked every frame.
    fn has_notes(&self, notes: &Notes) -> bool {
        let Some((model, latent)) = self.model.as_ref().zip(self.latent.as_ref()) else { return true };
        let is_named = |block: &CodeBlock| {
            let kept = notes.names.get(&block.name).map_or(&[][..], Vec::as_slice);
            let kept_name = |dim: usize| kept.get(dim).map_or("", String::as_str);
            (0..block.dims).all(|dim| kept_name(dim) == given_name(latent, block, dim))
        };
        notes.path == absolute(model.opened.source.path())
            && latent.description().codes.iter().all(is_named)
            && notes.bookmarks.len() == self.strip.bookmarks.len()
            && notes.bookmarks.iter().zip(&self.strip.bookmarks).all(|(kept, bookmark)| kept.is(bookmark))
    }
}
