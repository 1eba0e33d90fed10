//! The training board as the window shows it.

use std::path::{Path, PathBuf};

use crate::app::board::{Follower, Order, RunFacts, Told, XAxis};
use crate::app::paint::Surface;

/// What the stage shows while the tool is Train and there are runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BoardView {
    /// The open model's pictures.
    Pictures,
    /// Curves of everything that is logged.
    #[default]
    Curves,
    /// The sample grids of one run.
    Samples,
}

/// How the board is looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct BoardSettings {
    pub(crate) view: BoardView,
    pub(crate) x: XAxis,
    /// The part of the axis that is shown; `None` for all of it.
    pub(crate) range: Option<[f64; 2]>,
    pub(crate) log_y: bool,
    /// How much a value counts less than the one after it, from 0 to below 1.
    pub(crate) smoothing: f64,
    /// The only plot that is shown, as large as the stage: what it draws and, of one of dimensions, its run.
    pub(crate) only: Option<(String, Option<PathBuf>)>,
    /// The run whose sample grids are shown; `None` for the first.
    pub(crate) focus: Option<PathBuf>,
    /// The steps after which the grid was drawn that is shown; `None` for the newest.
    pub(crate) grid: Option<u64>,
    /// Pixels of the screen for one of the grid; `None` for as large as fits.
    pub(crate) zoom: Option<f32>,
}

/// A run that is laid over the others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Overlaid {
    pub(crate) folder: PathBuf,
    /// Which of the [`colours`](crate::app::theme::series) it has.
    pub(crate) colour: usize,
    /// Whether it is there because it is trained or explored, not because somebody has chosen it.
    pub(crate) is_own: bool,
}

/// The training board.
pub(crate) struct Board {
    pub(crate) settings: BoardSettings,
    /// The runs that are drawn, in the order in which they came.
    pub(crate) runs: Vec<Overlaid>,
    /// The run folder that the open model is from, if it is from one.
    pub(crate) followed: Option<PathBuf>,
    /// The folder whose runs are listed.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) told: Told,
    /// The sample grid that is shown, and of which run after how many steps it is.
    pub(crate) grid: Surface,
    pub(crate) grid_of: Option<(PathBuf, u64)>,
    /// Columns of pixels that a plot has on the screen.
    pub(crate) pixels: usize,
    pub(crate) follower: Option<Follower>,
    /// What was asked last, and its number.
    pub(crate) asked: (u64, Order),
}

impl Default for Board {
    fn default() -> Self {
        Self {
            settings: BoardSettings::default(),
            runs: Vec::new(),
            followed: None,
            folder: None,
            told: Told::default(),
            grid: Surface::new(),
            grid_of: None,
            pixels: 0,
            follower: None,
            asked: (0, Order::default()),
        }
    }
}

/// Most runs that are laid over each other: as many as there are colours.
pub(crate) const OVERLAID: usize = 8;

/// What people call a run.
pub(crate) fn run_name(folder: &Path) -> String {
    folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned()
}

impl Board {
    /// The run whose sample grids are shown.
    pub(crate) fn focus(&self) -> Option<&Path> {
        let is_there = |focus: &&PathBuf| self.runs.iter().any(|run| run.folder == **focus);
        let first = || self.runs.first().map(|run| run.folder.as_path());
        self.settings.focus.as_ref().filter(is_there).map(PathBuf::as_path).or_else(first)
    }

    /// What is known of a run.
    pub(crate) fn facts(&self, folder: &Path) -> Option<&RunFacts> {
        self.told.facts.get(folder)
    }

    /// The sample grid that should be shown: of which run, and after how many steps it was drawn.
    pub(crate) fn wanted_grid(&self) -> Option<(PathBuf, u64)> {
        let focus = self.focus()?;
        let sampled = &self.facts(focus)?.sampled;
        let chosen = self.settings.grid.filter(|step| sampled.contains(step));
        Some((focus.to_owned(), chosen.or(sampled.last().copied())?))
    }

    /// The colour of a run.
    pub(crate) fn colour(&self, folder: &Path) -> Option<usize> {
        self.runs.iter().find(|run| run.folder == *folder).map(|run| run.colour)
    }

    /// Whether an answer is on its way.
    pub(crate) fn is_waiting(&self) -> bool {
        self.follower.is_some() && self.told.number != self.asked.0
            || self.asked.1.grid.is_some() && self.asked.1.grid != self.grid_of
    }
}
