use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::state::State;
use super::strip::Bookmark;
use crate::engine::{Opened, Source};
use crate::explore::{Codes, LatentState};

/// Code values by block, as they are kept between sessions.
pub(crate) type Values = BTreeMap<String, Vec<f32>>;

/// Where the person was when the window closed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Session {
    pub(crate) source: Option<Source>,
    pub(crate) codes: Values,
}

/// What a person has added to a model: names of its dimensions, and bookmarks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Notes {
    /// The model file, to find the notes again when its content has changed.
    path: PathBuf,
    names: BTreeMap<String, Vec<String>>,
    bookmarks: Vec<KeptBookmark>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct KeptBookmark {
    name: String,
    codes: Values,
}

/// The values of row 0.
pub(crate) fn values(codes: &Codes) -> Values {
    codes.blocks().map(|(name, values)| (name.to_owned(), values.row(0).to_vec())).collect()
}

/// `values` as codes like `like`; `None` where they do not fit.
pub(crate) fn codes(values: &Values, like: &Codes) -> Option<Codes> {
    let mut codes = like.select(&[0]);
    for (name, values) in values {
        codes.set_row(name, 0, values).ok()?;
    }
    Some(codes)
}

impl Session {
    pub(crate) fn file(folder: &Path) -> PathBuf {
        folder.join("session.json")
    }

    /// Reads the last session; an empty one where there is none.
    pub(crate) fn load(folder: &Path) -> Self {
        read(&Self::file(folder)).unwrap_or_default()
    }
}

impl Notes {
    /// The notes about `opened`: by its content, else by its path, else none yet.
    pub(crate) fn load(folder: &Path, opened: &Opened) -> Self {
        let path = absolute(opened.source.path());
        let by_content = read::<Self>(&Self::file(folder, opened));
        let found = by_content.or_else(|| {
            let entries = std::fs::read_dir(folder.join("models")).ok()?;
            let notes = entries.flatten().filter_map(|entry| read::<Self>(&entry.path()));
            notes.into_iter().find(|notes| notes.path == path)
        });
        Self { path, ..found.unwrap_or_default() }
    }

    pub(crate) fn file(folder: &Path, opened: &Opened) -> PathBuf {
        let name = if opened.hash.is_empty() {
            let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
            opened.source.name().chars().map(plain).collect()
        } else {
            opened.hash.clone()
        };
        folder.join("models").join(format!("{name}.json"))
    }

    fn apply(&self, state: &mut State) {
        let Some(latent) = &mut state.latent else { return };
        for (block, names) in &self.names {
            for (dim, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
                latent.rename(block, dim, name);
            }
        }
        latent.forget_steps();
        let kept = self.bookmarks.iter().filter_map(|bookmark| {
            let codes = codes(&bookmark.codes, latent.codes())?;
            Some(Bookmark { name: bookmark.name.clone(), codes })
        });
        state.strip.bookmarks = kept.collect();
    }

    fn of(state: &State) -> Option<Self> {
        let (model, latent) = state.model.as_ref().zip(state.latent.as_ref())?;
        let bookmark = |bookmark: &Bookmark| KeptBookmark {
            name: bookmark.name.clone(),
            codes: values(&bookmark.codes),
        };
        Some(Self {
            path: absolute(model.opened.source.path()),
            names: names(latent),
            bookmarks: state.strip.bookmarks.iter().map(bookmark).collect(),
        })
    }
}

impl State {
    /// Takes names and bookmarks that were given to this model before.
    pub(crate) fn recall(&mut self, folder: &Path) {
        let Some(opened) = self.model.as_ref().map(|model| std::sync::Arc::clone(&model.opened)) else {
            return;
        };
        Notes::load(folder, &opened).apply(self);
    }

    /// What is worth keeping, as files and their contents; nothing without a model.
    pub(crate) fn kept(&self, folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let (Some(model), Some(latent)) = (&self.model, &self.latent) else { return Vec::new() };
        let session = Session { source: Some(model.opened.source.clone()), codes: values(latent.codes()) };
        let mut files = Vec::new();
        files.extend(serde_json::to_vec_pretty(&session).ok().map(|text| (Session::file(folder), text)));
        let path = Notes::file(folder, &model.opened);
        let is_worth_it =
            |notes: &Notes| !notes.names.is_empty() || !notes.bookmarks.is_empty() || path.exists();
        let notes =
            Notes::of(self).filter(is_worth_it).and_then(|notes| serde_json::to_vec_pretty(&notes).ok());
        files.extend(notes.map(|text| (path, text)));
        files
    }
}

/// Names by block and dimension; empty strings where nobody gave one.
fn names(latent: &LatentState) -> BTreeMap<String, Vec<String>> {
    let blocks = latent.description().codes.iter();
    let named = blocks.map(|block| {
        let names = (0..block.dims).map(|dim| latent.name(&block.name, dim).to_owned()).collect();
        (block.name.clone(), names)
    });
    named.filter(|(_, names): &(_, Vec<String>)| names.iter().any(|name| !name.is_empty())).collect()
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::toy;

    #[test]
    fn values_survive_and_strangers_are_refused() {
        let description = toy::description();
        let drawn = crate::explore::draw_all(&description, 1, 5, None);
        let neutral = Codes::neutral(&description, 1);
        let text = serde_json::to_string(&values(&drawn)).expect("serialises");
        let read: Values = serde_json::from_str(&text).expect("parses");
        assert_eq!(codes(&read, &neutral), Some(drawn));
        assert_eq!(codes(&Values::from([("q".to_owned(), vec![1.0])]), &neutral), None);
        assert_eq!(codes(&Values::from([("c".to_owned(), vec![1.0])]), &neutral), None);
    }

    #[test]
    fn a_broken_session_is_an_empty_one() {
        let folder = tempfile::tempdir().expect("temporary folder");
        assert_eq!(Session::load(folder.path()), Session::default());
        std::fs::write(Session::file(folder.path()), "{\"source\": 7").expect("writes");
        assert_eq!(Session::load(folder.path()), Session::default());
    }
}
