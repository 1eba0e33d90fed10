use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// What a listing passed over, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// Hidden files and folders, and those that belong to the system or to a file server.
    pub hidden: usize,
    /// Links that lead nowhere.
    pub nowhere: usize,
    /// Links and further names of files and folders that are read already, and links to a folder around them.
    pub twice: usize,
    /// Files and folders that cannot be read: their owner or the disk refuses.
    pub denied: usize,
    /// The first of these.
    pub denied_first: PathBuf,
    /// Pipes, sockets and devices.
    pub special: usize,
    /// Pictures of formats that are not read here, by format.
    pub foreign: BTreeMap<String, usize>,
    /// Files that are no pictures.
    pub others: usize,
}

impl PassedOver {
    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Counts a file or folder that cannot be read.
    pub(super) fn deny(&mut self, name: &Path) {
        if self.denied == 0 || name < self.denied_first.as_path() {
            self.denied_first = name.to_owned();
        }
        self.denied += 1;
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        if other.denied > 0 {
            self.deny(&other.denied_first);
            self.denied += other.denied - 1;
        }
        for (name, count) in &other.foreign {
            *self.foreign.entry(name.clone()).or_default() += count;
        }
        self.hidden += other.hidden;
        self.nowhere += other.nowhere;
        self.twice += other.twice;
        self.special += other.special;
        self.others += other.others;
        self
    }

    /// Warns of it, once in the life of the program: a command may open the same folder several times.
    pub fn warn(&self, folder: &Path) {
        if !self.is_empty() {
            warn_once(format!("passed over {self}: {}", folder.display()));
        }
    }
}

impl fmt::Display for PassedOver {
    /// `24 hidden files or folders, 1 link that leads nowhere, 2 files that are no pictures`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.denied_first.display();
        let parts = [
            counted(self.hidden, "hidden file or folder", "hidden files or folders"),
            counted(self.nowhere, "link that leads nowhere", "links that lead nowhere"),
            counted(self.twice, "link to what is read already", "links to what is read already"),
            counted(
                self.denied,
                &format!("file or folder that cannot be read ({first})"),
                &format!("files or folders that cannot be read ({first} and others)"),
            ),
            counted(self.special, "pipe or device", "pipes or devices"),
            self.foreign_pictures(),
            counted(self.others, "file that is no picture", "files that are no pictures"),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

impl PassedOver {
    /// What to say of pictures of formats that are not read here.
    fn foreign_pictures(&self) -> Option<String> {
        let formats: Vec<_> = self.foreign.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let formats = formats.join(", ");
        counted(
            self.foreign.values().sum(),
            &format!("picture of a format that is not read here ({formats}; convert it to png or jpeg)"),
            &format!("pictures of formats that are not read here ({formats}; convert them to png or jpeg)"),
        )
    }
}

/// A number and a noun; `None` for 0.
fn counted(count: usize, one: &str, more: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {more}")),
    }
}

/// Warns, unless the same was said before.
pub(in crate::data) fn warn_once(sentence: String) {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if !said.contains(&sentence) {
        log::warn!("{sentence}");
        said.push(sentence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_counted_in_one_sentence() {
        assert!(PassedOver::default().is_empty());
        let mut passed = PassedOver { hidden: 24, nowhere: 1, others: 2, ..PassedOver::default() };
        passed.foreign.insert("HEIC".into(), 1);
        passed.deny(Path::new("b"));
        let mut more = PassedOver { twice: 3, special: 1, ..PassedOver::default() };
        more.foreign.insert("AVIF".into(), 2);
        more.deny(Path::new("a/lost"));
        assert_eq!(
            passed.and(&more).to_string(),
            "24 hidden files or folders, 1 link that leads nowhere, 3 links to what is read already, \
             2 files or folders that cannot be read (a/lost and others), 1 pipe or device, 3 pictures of \
             formats that are not read here (2 AVIF, 1 HEIC; convert them to png or jpeg), 2 files that are no pictures"
        );
    }
}
