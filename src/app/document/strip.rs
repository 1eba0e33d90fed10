//! The film strip.

use std::sync::Arc;

use crossbeam::channel::{Receiver, TryRecvError};

use crate::app::paint::Surface;
use crate::engine::Cell;
use crate::explore::Codes;

/// What the film strip shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum StripKind {
    #[default]
    Bookmarks,
    /// The factors of the picture with nine nuisance codes.
    Nine,
    /// Random pictures of the model's data.
    Data,
}

/// A kept code.
#[derive(Clone, Debug)]
pub(crate) struct Bookmark {
    pub(crate) name: String,
    pub(crate) codes: Codes,
}

/// Rows of thumbnails: kept codes, or the same factors with other nuisance codes.
#[derive(Default)]
pub(crate) struct Strip {
    pub(crate) kind: StripKind,
    pub(crate) bookmarks: Vec<Bookmark>,
    pub(crate) shown: Shown,
}

/// The thumbnails of one list of codes.
#[derive(Default)]
pub(crate) struct Shown {
    pub(crate) key: Option<(u64, StripKind, Codes)>,
    pub(crate) thumbnails: Vec<Option<Surface>>,
    pub(crate) cells: Option<Receiver<Cell>>,
}

impl Strip {
    /// Forgets the thumbnails of the model before.
    pub(crate) fn on_opened(&mut self, kind: StripKind) {
        self.shown = Shown::default();
        self.bookmarks.clear();
        self.kind = kind;
    }

    /// The thumbnail of item `index`, once it is rendered.
    pub(crate) fn thumbnail(&self, index: usize) -> Option<&Surface> {
        self.shown.thumbnails.get(index)?.as_ref()
    }

    /// The codes shown, one row an item; `None` until they are of the kind that is chosen.
    pub(crate) fn codes(&self) -> Option<&Codes> {
        self.shown.key.as_ref().filter(|(_, kind, _)| *kind == self.kind).map(|(_, _, codes)| codes)
    }

    /// Whether there is nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.kind == StripKind::Bookmarks && self.bookmarks.is_empty()
    }

    /// Whether thumbnails are on their way.
    pub(crate) fn is_waiting(&self) -> bool {
        self.shown.cells.is_some()
    }

    /// Takes in thumbnails that have arrived.
    pub(crate) fn receive(&mut self) {
        let Some(cells) = &self.shown.cells else { return };
        loop {
            match cells.try_recv() {
                Ok(cell) => {
                    if let Some(slot) = self.shown.thumbnails.get_mut(cell.index) {
                        slot.get_or_insert_with(Surface::new).show(Arc::new(cell.picture), None);
                    }
                }
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => break,
            }
        }
        self.shown.cells = None;
    }
}

/// The number after the highest one among the names of bookmarks.
pub(crate) fn free_name<'a>(taken: impl Iterator<Item = &'a str>) -> String {
    let highest = taken.filter_map(|name| name.parse::<u32>().ok()).max().unwrap_or(0);
    highest.saturating_add(1).to_string()
}

/// All bookmarks' codes, one row each; `like` gives the shape.
pub(crate) fn gather(bookmarks: &[Bookmark], like: &Codes) -> Codes {
    let mut codes = like.select(&vec![0; bookmarks.len()]);
    for (row, bookmark) in bookmarks.iter().enumerate() {
        for (name, values) in bookmark.codes.blocks() {
            let fits = codes.set_row(name, row, values.row(0));
            debug_assert!(fits.is_ok(), "{fits:?}");
        }
    }
    codes
}
