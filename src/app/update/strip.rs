use crate::app::document::Document;
use crate::app::document::strip::{Bookmark, Shown, StripKind, free_name, gather};
use crate::engine::Batch;

/// Longest side of a thumbnail in pixels.
const THUMBNAIL: usize = 128;

/// The first seed of the nine: they are the samples that one meets first when one draws them one by one.
const NINE: u64 = 1;

impl Document {
    /// Keeps the strip's thumbnails up to date with what they show. Called while the strip is visible.
    pub(crate) fn update_strip(&mut self) {
        self.strip.receive();
        let (Some(model), Some(latent)) = (&self.model, &self.latent) else { return };
        if self.is_dragging || self.player.is_playing() {
            return; // The nine follow the factors when the motion is over; frames come first.
        }
        let model_id = model.opened.model_id;
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
                for row in 0..9 {
                    let Some(sample) = self.codes_of_nuisance(NINE + row as u64) else { return };
                    for (name, values) in sample.blocks() {
                        let fits = codes.set_row(name, row, values.data());
                        debug_assert!(fits.is_ok(), "{fits:?}");
                    }
                }
                codes
            }
        };
        let key = Some((model_id, self.strip.kind, codes.clone()));
        if self.strip.shown.key == key {
            return;
        }
        // Thumbnails that are still right stay until their successors arrive.
        let is_same_list =
            self.strip.shown.key.as_ref().is_some_and(|(e, k, _)| *e == model_id && *k == self.strip.kind);
        let mut thumbnails =
            if is_same_list { std::mem::take(&mut self.strip.shown.thumbnails) } else { Vec::new() };
        thumbnails.resize(codes.rows(), None);
        let Some(chain) = model.main_chain() else { return };
        let inputs = codes.input(model.description(), model.name_of(chain));
        let Ok(inputs) = inputs else { return };
        let rows = (0..codes.rows()).map(|row| inputs.row(row).into()).collect();
        let (batch, cells) = Batch::new("strip", model_id, rows, THUMBNAIL);
        self.engine.batch(chain, batch);
        self.strip.shown = Shown { key, thumbnails, cells: Some(cells) };
        self.ctx().request_repaint();
    }

    /// Takes what thumbnail `index` stands for: a bookmark's codes, what the encoder finds in a picture of the data, or a
    /// nuisance code, as a seed that one can go back from.
    pub(crate) fn adopt_thumbnail(&mut self, index: usize) {
        match self.strip.kind {
            StripKind::Data => self.start_from_data(index),
            StripKind::Nine => {
                let seed = self.nuisance.visit(NINE + index as u64);
                self.set_nuisance_seed(seed);
            }
            StripKind::Bookmarks => {
                if let Some(bookmark) = self.strip.bookmarks.get(index) {
                    let codes = bookmark.codes.clone();
                    self.adopt(&codes, 0);
                }
            }
        }
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
