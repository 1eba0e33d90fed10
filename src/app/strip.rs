use std::sync::Arc;

use crossbeam::channel::{Receiver, TryRecvError};

use crate::engine::{Batch, Cell};
use crate::explore::Codes;

use super::paint::Surface;
use super::state::State;

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
    shown: Shown,
}

/// The thumbnails of one list of codes.
#[derive(Default)]
struct Shown {
    key: Option<(u64, StripKind, Codes)>,
    thumbnails: Vec<Option<Surface>>,
    cells: Option<Receiver<Cell>>,
}

/// Longest side of a thumbnail in pixels.
const THUMBNAIL: usize = 128;

/// The first seed of the nine: they are the samples that one meets first when one draws them one by one.
const NINE: u64 = 1;

impl Strip {
    /// Forgets the thumbnails of the model before.
    fn on_opened(&mut self, kind: StripKind) {
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
    fn receive(&mut self) {
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

impl State {
    /// Keeps the strip's thumbnails up to date with what they show. Called while the strip is visible.
    pub(crate) fn update_strip(&mut self) {
        self.strip.receive();
        let (Some(model), Some(latent)) = (&self.model, &self.latent) else { return };
        if self.is_dragging || self.player.is_playing() {
            return; // The nine follow the factors when the motion is over; frames come first.
        }
        let epoch = model.opened.epoch;
        let codes = match self.strip.kind {
            StripKind::Data => {
                // Those are no codes yet.
                if !self.data.is_asked() {
                    self.show_data_pictures();
                }
                return;
            }
            StripKind::Bookmarks => gather(&self.strip.bookmarks, latent.codes()),
            StripKind::Nine => {
                let mut codes = latent.codes().select(&[0; 9]);
                for block in model.noise_blocks() {
                    for row in 0..9 {
                        let values = crate::explore::draw_prior(block, NINE + row as u64, 0);
                        let fits = codes.set_row(&block.name, row, &values);
                        debug_assert!(fits.is_ok(), "{fits:?}");
                    }
                }
                codes
            }
        };
        let key = Some((epoch, self.strip.kind, codes.clone()));
        if self.strip.shown.key == key {
            return;
        }
        // Thumbnails that are still right stay until their successors arrive.
        let is_same_list =
            self.strip.shown.key.as_ref().is_some_and(|(e, k, _)| *e == epoch && *k == self.strip.kind);
        let mut thumbnails =
            if is_same_list { std::mem::take(&mut self.strip.shown.thumbnails) } else { Vec::new() };
        thumbnails.resize(codes.rows(), None);
        let Some(chain) = model.main_chain() else { return };
        let inputs = codes.input(model.description(), model.name_of(chain));
        let Ok(inputs) = inputs else { return };
        let rows = (0..codes.rows()).map(|row| inputs.row(row).into()).collect();
        let (batch, cells) = Batch::new("strip", epoch, rows, THUMBNAIL);
        self.engine.batch(chain, batch);
        self.strip.shown = Shown { key, thumbnails, cells: Some(cells) };
    }

    /// Takes the nuisance code of a thumbnail, as a seed that one can go back from.
    pub(crate) fn visit_nine(&mut self, index: usize) {
        let seed = self.nuisance.visit(NINE + index as u64);
        self.set_nuisance_seed(seed);
    }

    /// Begins with what tells most about a model that has just been opened.
    pub(crate) fn choose_strip(&mut self) {
        let has_noise = self.model.as_ref().is_some_and(|model| model.has_noise());
        self.strip.on_opened(match self.own_data() {
            _ if has_noise => StripKind::Nine,
            Some(_) => StripKind::Data,
            None => StripKind::Bookmarks,
        });
    }

    /// Keeps the codes shown.
    pub(crate) fn bookmark(&mut self) {
        let Some(latent) = &self.latent else { return };
        let name = free_name(self.strip.bookmarks.iter().map(|bookmark| bookmark.name.as_str()));
        self.strip.bookmarks.push(Bookmark { name, codes: latent.codes().clone() });
        self.show_strip(StripKind::Bookmarks);
    }

    /// Shows these pictures in the film strip.
    pub(crate) fn show_strip(&mut self, kind: StripKind) {
        self.strip.kind = kind;
        self.settings.show_strip = true;
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
