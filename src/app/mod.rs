//! The egui application: one panel per file. The only room that knows egui.
//!
//! [`Explorer`] lays out the panels. `document` is what they show, `action` what a person does to it, `update` the only thing that
//! changes it, `command` has one row for whatever a person can say without pointing. Pictures come from the [`engine`](crate::engine) and are painted by `paint`.

mod action;
pub mod bench;
mod board;
mod chain_words;
mod clipboard;
mod command;
mod dialog;
mod display;
mod document;
#[doc(hidden)]
pub mod door;
mod explorer;
mod frame_requests;
mod gallery;
mod help;
mod jobs;
mod keep;
mod layout;
mod leave;
mod log;
mod model;
mod native;
mod paint;
mod palette;
mod panels;
mod probe;
mod process;
mod screenshot;
mod tasks;
mod theme;
mod train;
mod update;
mod view;
mod watch;
mod widgets;
mod window;
mod window_place;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::{FileLibrary, Library, ModelSource};

pub use dialog::{FileDialogs, PathKind, Question, SystemDialogs};
pub(crate) use display::Display;
pub use explorer::Explorer;
pub use window::run;

/// A tool on the right of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tool {
    /// What the codes do to the pictures.
    #[default]
    Inspect,
    /// One row a factor, one column a value.
    Traverse,
    /// Codes by nuisances.
    Matrix,
    /// One factor or a path in motion.
    Animation,
    /// Training.
    Train,
    /// Metrics.
    Evaluate,
    /// Messages.
    Log,
}

impl Tool {
    /// What the command line calls them, in the order of the variants.
    pub const NAMES: [&str; 7] = ["inspect", "traverse", "matrix", "animation", "train", "evaluate", "log"];

    /// What the command line calls it.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The tool that the command line calls `name`.
    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Inspect,
            Self::Traverse,
            Self::Matrix,
            Self::Animation,
            Self::Train,
            Self::Evaluate,
            Self::Log,
        ];
        Self::NAMES.iter().position(|known| *known == name).map(|at| all[at])
    }
}

/// How to start the window.
#[derive(Clone)]
pub struct Options {
    /// What to open first; `None` for what was open when the window was closed last.
    pub source: Option<ModelSource>,
    /// Whether to begin with a model that the program brings along where there is none to begin with.
    pub begins_bundled: bool,
    /// Where to compute a model that was not asked for by `source`; empty for where it was computed last.
    pub device: String,
    /// A second model to open beside it.
    pub beside: Option<ModelSource>,
    /// The codes to start with, by block.
    pub codes: Option<BTreeMap<String, Vec<f32>>>,
    /// Threads of the generator.
    pub threads: usize,
    /// Draw the window into this PNG without a display, and end.
    pub screenshot: Option<PathBuf>,
    /// Size of the window in points, width and height; `None` for that of the last time.
    pub size: Option<[u32; 2]>,
    /// The tool to begin with; `None` for that of the last time.
    pub tool: Option<Tool>,
    /// Light or dark whatever the settings say.
    pub dark: Option<bool>,
    /// Where settings and sessions are kept; `None` keeps nothing.
    pub config: Option<PathBuf>,
    /// What asks for paths; without it a field in the window does.
    pub dialogs: Option<Arc<dyn FileDialogs>>,
    /// The program to run to measure.
    pub program: PathBuf,
    /// Where models come from.
    pub library: Arc<dyn Library>,
}

impl Options {
    /// The size of a window that nobody has sized, in points.
    pub const SIZE: [u32; 2] = [1440, 900];
}

impl Default for Options {
    fn default() -> Self {
        Self {
            source: None,
            begins_bundled: false,
            device: String::new(),
            beside: None,
            codes: None,
            threads: 1,
            screenshot: None,
            size: None,
            tool: None,
            dark: None,
            config: None,
            dialogs: Some(Arc::new(SystemDialogs)),
            program: std::env::current_exe().unwrap_or_else(|_| "idgan".into()),
            library: Arc::new(FileLibrary),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("source", &self.source)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
