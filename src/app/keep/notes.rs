use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::session::{Values, codes};
use super::store;
use crate::app::document::strip::{Bookmark, free_name};
use crate::engine::Opened;
use crate::explore::{Codes, LatentState, LatentView};
use crate::model::CodeBlock;

/// What a person has added to a model: names of its dimensions, and bookmarks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Notes {
    /// The model file, to find the notes again when its content has changed.
    pub(crate) path: PathBuf,
    /// By block and dimension; empty where nobody gave a name.
    pub(crate) names: BTreeMap<String, Vec<String>>,
    pub(crate) bookmarks: Vec<KeptBookmark>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KeptBookmark {
    pub(crate) name: String,
    pub(crate) codes: Values,
}

/// The notes about the open model as they were kept last. Other windows may have written more since.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    /// Where they are kept.
    pub(crate) file: PathBuf,
    pub(crate) notes: Notes,
    /// The notes before a change that could not be written.
    pub(crate) unwritten: Option<Notes>,
}

impl Notes {
    /// Where the notes about `opened` are kept.
    pub(crate) fn file(folder: &Path, opened: &Opened) -> PathBuf {
        let name = if opened.hash.is_empty() {
            let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
            opened.source.name().chars().map(plain).collect()
        } else {
            opened.hash.clone()
        };
        folder.join("models").join(format!("{name}.json"))
    }

    /// Nothing, about the model at `path`.
    pub(crate) fn none(path: PathBuf) -> Self {
        Self { path, ..Self::default() }
    }

    /// Names the dimensions of `latent`; returns the bookmarks that fit it.
    pub(crate) fn lay_on(&self, latent: &mut LatentState) -> Vec<Bookmark> {
        for (block, names) in &self.names {
            for (dim, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
                latent.rename(block, dim, name);
            }
        }
        latent.forget_steps();
        let like = latent.codes();
        self.bookmarks.iter().filter_map(|kept| kept.bookmark(like)).collect()
    }

    /// `theirs` with all that was changed from `before` to `now`.
    pub(crate) fn merged(before: &Self, now: &Self, theirs: &Self) -> Self {
        Self {
            path: now.path.clone(),
            names: merged_names(&before.names, &now.names, &theirs.names),
            bookmarks: merged_bookmarks(&before.bookmarks, &now.bookmarks, &theirs.bookmarks),
        }
    }
}

impl Noted {
    pub(crate) fn new(file: PathBuf, notes: Notes) -> Self {
        Self { file, notes, unwritten: None }
    }
}

impl KeptBookmark {
    pub(crate) fn is(&self, bookmark: &Bookmark) -> bool {
        let is_kept = |(name, block): (&str, &crate::base::Array)| {
            self.codes.get(name).is_some_and(|values| values == block.row(0))
        };
        self.name == bookmark.name
            && self.codes.len() == bookmark.codes.blocks().count()
            && bookmark.codes.blocks().all(is_kept)
    }

    pub(crate) fn bookmark(&self, like: &Codes) -> Option<Bookmark> {
        Some(Bookmark { name: self.name.clone(), codes: codes(&self.codes, like)? })
    }
}

/// Names that somebody gave, by block and dimension; those that the model brings along are its own.
pub(crate) fn names(latent: &LatentView) -> BTreeMap<String, Vec<String>> {
    let named = latent.description().codes.iter().map(|block| {
        let names = (0..block.dims).map(|dim| given_name(latent, block, dim).to_owned()).collect();
        (block.name.clone(), names)
    });
    named.filter(|(_, names): &(_, Vec<String>)| names.iter().any(|name| !name.is_empty())).collect()
}

pub(crate) fn given_name<'a>(latent: &'a LatentView, block: &CodeBlock, dim: usize) -> &'a str {
    let name = latent.name(&block.name, dim);
    if block.labels.get(dim).is_some_and(|label| label == name) { "" } else { name }
}

/// `theirs` without what was taken away from `before` to `now`, and with what was added.
pub(crate) fn merged_bookmarks(
    before: &[KeptBookmark],
    now: &[KeptBookmark],
    theirs: &[KeptBookmark],
) -> Vec<KeptBookmark> {
    if before == theirs {
        return now.to_vec();
    }
    let mut merged = without(theirs, &without(before, now));
    for mut new in without(now, before) {
        if merged.iter().any(|kept| kept.name == new.name) {
            new.name = free_name(merged.iter().map(|kept| kept.name.as_str()));
        }
        merged.push(new);
    }
    merged
}

/// `all` without one of each of `some`.
pub(crate) fn without(all: &[KeptBookmark], some: &[KeptBookmark]) -> Vec<KeptBookmark> {
    let mut left = all.to_vec();
    for gone in some {
        if let Some(at) = left.iter().position(|kept| kept == gone) {
            left.remove(at);
        }
    }
    left
}

/// Each name as `now` has it where it was changed since `before`, else as `theirs` has it.
pub(crate) fn merged_names(
    before: &BTreeMap<String, Vec<String>>,
    now: &BTreeMap<String, Vec<String>>,
    theirs: &BTreeMap<String, Vec<String>>,
) -> BTreeMap<String, Vec<String>> {
    let mut merged = theirs.clone();
    for block in before.keys().chain(now.keys()) {
        let name = |names: &BTreeMap<String, Vec<String>>, dim: usize| {
            names.get(block).and_then(|names| names.get(dim)).cloned().unwrap_or_default()
        };
        let dims = before.get(block).map_or(0, Vec::len).max(now.get(block).map_or(0, Vec::len));
        for dim in (0..dims).filter(|&dim| name(before, dim) != name(now, dim)) {
            let names = merged.entry(block.clone()).or_default();
            names.resize(names.len().max(dim + 1), String::new());
            names[dim] = name(now, dim);
        }
    }
    merged
}

pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The notes about the model at `path` that were written last.
pub(crate) fn newest_of(models: &Path, path: &Path) -> Option<Notes> {
    let written = |file: &PathBuf| std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
    let files = std::fs::read_dir(models).ok()?.flatten().map(|entry| entry.path());
    let notes = files.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
    let notes = notes.filter_map(|file| Some((written(&file)?, store::peek::<Notes>(&file)?)));
    notes.filter(|(_, notes)| notes.path == path).max_by_key(|(at, _)| *at).map(|(_, notes)| notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(bookmarks: &[(&str, f32)], names: &[&str]) -> Notes {
        let bookmark = |&(name, value): &(&str, f32)| KeptBookmark {
            name: name.to_owned(),
            codes: Values::from([("c".to_owned(), vec![value])]),
        };
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        Notes {
            path: "model".into(),
            names: BTreeMap::from([("c".to_owned(), names)]),
            bookmarks: bookmarks.iter().map(bookmark).collect(),
        }
    }

    #[test]
    fn what_two_windows_add_and_remove_is_merged() {
        let before = notes(&[("1", 0.1), ("2", 0.2)], &["", "y"]);
        let now = notes(&[("2", 0.2), ("3", 0.3)], &["x", "y"]);
        assert_eq!(Notes::merged(&before, &now, &before), now);
        let theirs = notes(&[("1", 0.1), ("2", 0.2), ("3", 0.9)], &["", "z"]);
        let merged = Notes::merged(&before, &now, &theirs);
        assert_eq!(merged, notes(&[("2", 0.2), ("3", 0.9), ("4", 0.3)], &["x", "z"]));
        assert_eq!(Notes::merged(&now, &now, &merged), merged, "who changed nothing takes nothing back");
    }

    #[test]
    fn equal_bookmarks_are_told_apart_by_their_number() {
        let before = notes(&[("1", 0.5), ("1", 0.5)], &[]);
        let now = notes(&[("1", 0.5)], &[]);
        let theirs = notes(&[("0", 0.0), ("1", 0.5), ("1", 0.5)], &[]);
        assert_eq!(Notes::merged(&before, &now, &theirs).bookmarks.len(), 2);
    }

    #[test]
    fn the_same_code_kept_in_both_windows_is_two_bookmarks() {
        let kept = notes(&[("1", 0.5)], &[]);
        let merged = Notes::merged(&notes(&[], &[]), &kept, &kept);
        assert_eq!(merged, notes(&[("1", 0.5), ("2", 0.5)], &[]));
    }

    #[test]
    fn names_reach_as_far_as_the_longer_list() {
        let merged = Notes::merged(&notes(&[], &[]), &notes(&[], &["", "", "late"]), &notes(&[], &["early"]));
        assert_eq!(merged.names["c"], ["early", "", "late"]);
    }

    #[test]
    fn the_newest_notes_about_a_path_are_found() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let write = |name: &str, notes: &Notes| {
            let text = serde_json::to_vec(notes).expect("serialises");
            std::fs::write(folder.path().join(name), text).expect("writes");
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        let (older, newer) = (notes(&[("1", 0.1)], &[]), notes(&[("2", 0.2)], &[]));
        write("f.json", &older);
        write("a.json", &newer);
        write("z.json.bak", &older);
        write("b.json", &Notes { path: "another".into(), ..older.clone() });
        assert_eq!(newest_of(folder.path(), Path::new("model")), Some(newer));
        assert_eq!(newest_of(folder.path(), Path::new("unknown")), None);
    }
}
