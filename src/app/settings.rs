use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::view::Compare;
use crate::engine::Source;

/// Most models that File > Open recent remembers.
const RECENT: usize = 12;

/// What the program remembers from one start to the next, whatever the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) dark: bool,
    /// Enlargement of the whole interface.
    pub(crate) zoom: f32,
    pub(crate) crisp: bool,
    pub(crate) compare: Compare,
    pub(crate) sort_by_information: bool,
    pub(crate) show_collapsed: bool,
    pub(crate) show_factors: bool,
    pub(crate) show_tabs: bool,
    pub(crate) show_strip: bool,
    /// Whether the hint of the first start was closed or seen once.
    pub(crate) hint_seen: bool,
    /// Models opened before, the newest first.
    pub(crate) recent: Vec<Source>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dark: true,
            zoom: 1.0,
            crisp: true,
            compare: Compare::SideBySide,
            sort_by_information: true,
            show_collapsed: false,
            show_factors: true,
            show_tabs: true,
            show_strip: true,
            hint_seen: false,
            recent: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads the settings of `folder`; what is missing or cannot be read takes its default.
    pub(crate) fn load(folder: &Path) -> Self {
        let text = std::fs::read_to_string(file(folder)).unwrap_or_default();
        let mut settings: Self = serde_json::from_str(&text).unwrap_or_default();
        settings.zoom = if settings.zoom.is_finite() { settings.zoom.clamp(0.5, 3.0) } else { 1.0 };
        settings
    }

    /// The file of `folder` and its contents.
    pub(crate) fn file(&self, folder: &Path) -> Option<(PathBuf, Vec<u8>)> {
        serde_json::to_vec_pretty(self).ok().map(|text| (file(folder), text))
    }

    /// Puts `source` at the top of the recent models.
    pub(crate) fn remember(&mut self, source: &Source) {
        self.recent.retain(|other| other != source);
        self.recent.insert(0, source.clone());
        self.recent.truncate(RECENT);
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("settings.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_a_restart_and_nonsense_is_ignored() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let folder = folder.path();
        let mut settings = Settings { dark: false, zoom: 1.5, ..Settings::default() };
        settings.remember(&Source::file("a.safetensors"));
        let (path, text) = settings.file(folder).expect("serialises");
        std::fs::write(path, text).expect("writes");
        assert_eq!(Settings::load(folder), settings);
        std::fs::write(file(folder), "{\"zoom\": 1e9, \"dark\": fal").expect("writes");
        assert_eq!(Settings::load(folder), Settings::default());
        std::fs::write(file(folder), "{\"zoom\": 1e9}").expect("writes");
        assert_eq!(Settings::load(folder).zoom, 3.0);
    }

    #[test]
    fn recent_models_are_few_and_each_once() {
        let mut settings = Settings::default();
        for i in 0..40 {
            settings.remember(&Source::file(format!("{}", i % 20)));
        }
        assert_eq!(settings.recent.len(), RECENT);
        assert_eq!(settings.recent[0], Source::file("19"));
        settings.remember(&Source::file("15"));
        assert_eq!((settings.recent.len(), &settings.recent[0]), (RECENT, &Source::file("15")));
    }
}
