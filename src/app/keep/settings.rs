use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::store::{self, Fault};
use crate::app::view::Compare;
use crate::engine::ModelSource;

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
    /// Widths of the panels beside the pictures in points, as the person wants them: factors, tools.
    pub(crate) sides: [f32; 2],
    /// Height of the film strip in points; `None` as long as it takes the room that the pictures leave.
    pub(crate) strip_height: Option<f32>,
    pub(crate) window: Option<WindowPlace>,
    /// The folders that paths were chosen in last.
    pub(crate) folders: BTreeMap<Shelf, PathBuf>,
    /// Whether the hint of the first start was closed or seen once.
    pub(crate) hint_seen: bool,
    /// Models opened before, the newest first.
    pub(crate) recent: Vec<ModelSource>,
}

/// Where the window stood, in points of the system: the enlargement of the interface is no matter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WindowPlace {
    /// Width and height without the frame.
    pub(crate) size: [f32; 2],
    /// The left upper corner with the frame, where the system says it.
    #[serde(default)]
    pub(crate) corner: Option<[f32; 2]>,
    /// Whether it covered its screen; size and corner are those of the time before.
    #[serde(default)]
    pub(crate) is_maximized: bool,
}

/// What lies together in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Shelf {
    Models,
    Runs,
    Pictures,
    Exports,
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
            sides: [336.0, 304.0],
            strip_height: None,
            window: None,
            folders: BTreeMap::new(),
            hint_seen: false,
            recent: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads the settings of `folder`; what is missing takes its default.
    ///
    /// # Errors
    /// Where they are damaged.
    pub(crate) fn load(folder: &Path) -> Result<Self, Fault> {
        store::read::<Self>(&Self::file(folder)).map(|settings| settings.unwrap_or_default().sound())
    }

    /// Where the window stood last, if that is known.
    pub(crate) fn last_window(folder: &Path) -> Option<WindowPlace> {
        store::peek::<Self>(&Self::file(folder))?.sound().window
    }

    pub(crate) fn file(folder: &Path) -> PathBuf {
        folder.join("settings.json")
    }

    /// The same with numbers that can be drawn with.
    fn sound(mut self) -> Self {
        let within = |value: f32, [least, most]: [f32; 2], default: f32| {
            if value.is_finite() { value.clamp(least, most) } else { default }
        };
        let default = Self::default();
        self.zoom = within(self.zoom, [0.5, 3.0], default.zoom);
        for (side, default) in self.sides.iter_mut().zip(default.sides) {
            *side = within(*side, [100.0, 4000.0], default);
        }
        self.strip_height = self.strip_height.filter(|height| (20.0..=4000.0).contains(height));
        self.window = self.window.filter(|window| {
            let is_side = |side: &f32| (100.0..=32_000.0).contains(side);
            let is_place = |at: f32| at.abs() <= 100_000.0;
            window.size.iter().all(is_side)
                && window.corner.is_none_or(|corner| corner.into_iter().all(is_place))
        });
        self
    }

    /// Puts `source` at the top of the recent models.
    pub(crate) fn remember(&mut self, source: &ModelSource) {
        self.recent.retain(|other| other != source);
        self.recent.insert(0, source.clone());
        self.recent.truncate(RECENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_a_restart_and_nonsense_is_ignored() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let folder = folder.path();
        let path = Settings::file(folder);
        let window = WindowPlace { size: [900.0, 600.0], corner: Some([-5.0, 20.0]), is_maximized: true };
        let mut settings = Settings { dark: false, zoom: 1.5, window: Some(window), ..Settings::default() };
        settings.remember(&ModelSource::file("a.safetensors"));
        settings.folders.insert(Shelf::Models, "/models".into());
        std::fs::write(&path, serde_json::to_vec(&settings).expect("serialises")).expect("writes");
        assert!(Settings::load(folder).is_ok_and(|loaded| loaded == settings));
        assert_eq!(Settings::last_window(folder), Some(window));
        let text =
            "{\"zoom\": 1e9, \"sides\": [1e30, -1], \"strip_height\": 1e9, \"window\": {\"size\": [0, 600]}}";
        std::fs::write(&path, text).expect("writes");
        let sound = Settings { zoom: 3.0, sides: [4000.0, 100.0], ..Settings::default() };
        assert!(Settings::load(folder).is_ok_and(|loaded| loaded == sound));
        std::fs::write(&path, "{\"zoom\": 1e9, \"dark\": fal").expect("writes");
        assert_eq!(Settings::last_window(folder), None);
        assert!(Settings::load(folder).is_err());
        assert!(Settings::load(folder).is_ok_and(|loaded| loaded == Settings::default()));
    }

    #[test]
    fn recent_models_are_few_and_each_once() {
        let mut settings = Settings::default();
        for i in 0..40 {
            settings.remember(&ModelSource::file(format!("{}", i % 20)));
        }
        assert_eq!(settings.recent.len(), RECENT);
        assert_eq!(settings.recent[0], ModelSource::file("19"));
        settings.remember(&ModelSource::file("15"));
        assert_eq!((settings.recent.len(), &settings.recent[0]), (RECENT, &ModelSource::file("15")));
    }
}
