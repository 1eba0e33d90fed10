use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError};

use crate::app::document::Document;
use crate::app::document::analysis::{HeatKey, Leakage, Shares};
use crate::app::document::selection::Dimension;
use crate::app::log::About;
use crate::app::paint::heat;
use crate::app::tasks::Task;
use crate::base::{Cancel, Picture};
use crate::engine::{Batch, Cell, Reader};
use crate::explore::{CodeMatrix, Codes, draw_all, evenly, matrix};
use crate::model::ChainId;

/// Values of the selected factor for its heat map.
const HEAT_STEPS: usize = 5;

/// Pixels a side of the pictures that the shares are of, at most.
const SHARE_PIXELS: usize = 64;

/// Codes and nuisance codes for the shares: a table of this many by this many.
const SHARE_SIDE: usize = 6;

/// The longest that one picture may take before a measurement gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a measurement looks whether somebody still waits for it.
const LOOK: Duration = Duration::from_millis(50);

impl Document {
    /// Keeps the heat maps of the selected factor up to date. Called while they are visible.
    pub(crate) fn update_heat(&mut self) {
        let (Some(model), Some(latent)) = (&self.model, &self.latent) else { return };
        let Dimension { block, dim } = self.selected.clone();
        let Some(description) = model.description().block(&block).filter(|block| dim < block.dims) else {
            return;
        };
        let key = HeatKey {
            model_id: model.opened.model_id,
            selected: self.selected.clone(),
            codes: latent.codes().clone(),
        };
        if self.is_dragging || self.player.is_playing() || self.analysis.heat_key.as_ref() == Some(&key) {
            return;
        }
        let values = evenly(model.range(description, dim), HEAT_STEPS);
        let mut codes = latent.codes().select(&[0; HEAT_STEPS]);
        for (row, value) in values.into_iter().enumerate() {
            let mut moved = latent.values(&block).to_vec();
            moved[dim] = value;
            let fits = codes.set_row(&block, row, &moved);
            debug_assert!(fits.is_ok(), "{fits:?}");
        }
        let chains: Vec<ChainId> = model.chains().collect();
        for chain in chains {
            let Some(cells) = self.render_all("heat", chain, &codes, 128) else { continue };
            let work = move |cancel: &Cancel| heat_picture(&collect(&cells, HEAT_STEPS, cancel)?);
            match self.tasks.start("idgan-heat", &self.ctx, work) {
                Ok(task) => self.analysis.heat.entry(chain).or_default().task = Some(task),
                Err(message) => self.log.warn(About::HeatMap, message),
            }
        }
        self.analysis.heat_key = Some(key);
        self.ctx().request_repaint();
    }

    /// Measures how factors leak into each other, and what the pictures' variance comes from.
    pub(crate) fn measure(&mut self) {
        self.analysis.is_outdated = false;
        self.measure_leakage();
        self.measure_shares();
    }

    fn measure_leakage(&mut self) {
        let (Some(model), Some(latent)) = (&self.model, &self.latent) else { return };
        let Some(code) = model.opened.encoded() else { return };
        let Some(block) = model.description().block(code) else { return };
        let Some([_, side, _]) = model.description().encoder_shape() else { return };
        let Some(chain) = model.shown(None, &[code]).filter(|_| self.analysis.leakage.task.is_none()) else {
            return;
        };
        let dims = block.dims;
        let mut codes = latent.codes().select(&vec![0; 2 * dims]);
        let mut spans = Vec::with_capacity(dims);
        for dim in 0..dims {
            let [low, high] = model.range(block, dim);
            spans.push(high - low);
            for (half, value) in [low, high].into_iter().enumerate() {
                let mut moved = latent.values(&block.name).to_vec();
                moved[dim] = value;
                let fits = codes.set_row(&block.name, 2 * dim + half, &moved);
                debug_assert!(fits.is_ok(), "{fits:?}");
            }
        }
        let (model_id, code) = (model.opened.model_id, code.to_owned());
        let Some(cells) = self.render_all("leakage", chain, &codes, side) else { return };
        let reader = self.engine.reader();
        let work = move |cancel: &Cancel| {
            let pictures = collect(&cells, 2 * dims, cancel)?;
            leakage(&reader, (model_id, &code), pictures, &spans, cancel)
        };
        match self.tasks.start("idgan-leakage", &self.ctx, work) {
            Ok(task) => self.analysis.leakage.task = Some(task),
            Err(message) => self.log.fail(About::Leakage, message),
        }
    }

    fn measure_shares(&mut self) {
        let Some(model) = &self.model else { return };
        let Ok(varied) = CodeMatrix::varied(model.description()) else { return };
        let (noise, chain) = (varied.block.name.clone(), varied.chain);
        if self.analysis.shares.task.is_some() {
            return;
        }
        let posterior = model.profile.as_ref().map(|profile| (profile.block.as_str(), &profile.posterior));
        let columns = draw_all(model.description(), SHARE_SIDE, 11, posterior);
        let rows = draw_all(model.description(), SHARE_SIDE, 12, None);
        let Ok(codes) = matrix(&columns, &rows, &noise) else { return };
        let Some(cells) = self.render_all("shares", chain, &codes, SHARE_PIXELS) else { return };
        let work = move |cancel: &Cancel| {
            Some(shares(&collect(&cells, SHARE_SIDE * SHARE_SIDE, cancel)?, SHARE_SIDE))
        };
        match self.tasks.start("idgan-shares", &self.ctx, work) {
            Ok(task) => self.analysis.shares.task = Some(task),
            Err(message) => self.log.fail(About::Shares, message),
        }
    }

    /// Takes in what has been measured.
    pub(crate) fn receive_analysis(&mut self) {
        for map in self.analysis.heat.values_mut() {
            let Some(answer) = map.task.as_ref().and_then(Task::take) else { continue };
            map.task = None;
            match answer {
                Ok(Some((picture, largest))) => {
                    map.surface.show(Arc::new(picture), None);
                    map.largest = Some(largest);
                }
                Ok(None) => {} // Something newer was asked for.
                Err(panic) => {
                    let text = format!("The heat map cannot be drawn, by a fault of the program: {panic}");
                    self.log.fail(About::HeatMap, text);
                }
            }
        }
        let ended = [
            (About::Leakage, self.analysis.leakage.receive()),
            (About::Shares, self.analysis.shares.receive()),
        ];
        for (about, answer) in ended {
            let Some(answer) = answer else { continue };
            match answer {
                Ok(()) => self.log.succeed(about),
                Err(reason) => {
                    let text = format!("The measurement was given up ({reason}); press Measure to try again");
                    self.log.warn(about, text);
                }
            }
        }
    }

    /// Renders all rows of `codes` in the background.
    fn render_all(
        &self,
        lane: &'static str,
        chain: ChainId,
        codes: &Codes,
        side: usize,
    ) -> Option<Receiver<Cell>> {
        let model = self.model.as_ref()?;
        let inputs = codes.input(model.description(), model.name_of(chain));
        let inputs = inputs.ok()?;
        let rows = (0..codes.rows()).map(|row| inputs.row(row).into()).collect();
        let (batch, cells) = Batch::new(lane, model.opened.model_id, rows, side);
        self.engine.batch(chain, batch);
        Some(cells)
    }
}

/// The mean absolute difference of channels between neighbouring pictures, for each pixel, in [0, 1].
fn movement(pictures: &[Picture]) -> Option<Vec<f32>> {
    let first = pictures.first()?;
    let mut moved = vec![0.0; first.width() * first.height()];
    for pair in pictures.windows(2) {
        let pixels = pair[0].rgba().chunks_exact(4).zip(pair[1].rgba().chunks_exact(4));
        for (sum, (a, b)) in moved.iter_mut().zip(pixels) {
            let difference: u32 = (0..3).map(|k| u32::from(a[k].abs_diff(b[k]))).sum();
            *sum += difference as f32 / (3.0 * 255.0);
        }
    }
    let steps = (pictures.len().max(2) - 1) as f32;
    moved.iter_mut().for_each(|sum| *sum /= steps);
    Some(moved)
}

/// Where neighbouring `pictures` differ as colours, the largest difference white, and that difference.
fn heat_picture(pictures: &[Picture]) -> Option<(Picture, f32)> {
    let moved = movement(pictures)?;
    let (width, height) = (pictures[0].width(), pictures[0].height());
    let largest = moved.iter().copied().fold(0.0, f32::max);
    let scale = 1.0 / largest.max(1.0 / 255.0);
    let colour = |&value: &f32| {
        let [r, g, b] = heat(value * scale);
        [r, g, b, 255]
    };
    let rgba = moved.iter().flat_map(colour).collect();
    Some((Picture::from_rgba(width, height, rgba)?, largest))
}

/// All pictures of a batch, unless it ends early, for instance because something newer was asked for.
fn collect(cells: &Receiver<Cell>, count: usize, cancel: &Cancel) -> Option<Vec<Picture>> {
    (0..count).map(|_| receive(cells, cancel).map(|cell| cell.picture)).collect()
}

/// The next of what another thread sends; `None` when nothing more comes, or nobody waits for it any more.
fn receive<T>(from: &Receiver<T>, cancel: &Cancel) -> Option<T> {
    let start = Instant::now();
    while !cancel.is_cancelled() && start.elapsed() < PATIENCE {
        match from.recv_timeout(LOOK) {
            Ok(value) => return Some(value),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
    None
}

/// Encodes the two pictures of every dimension and compares what the encoder sees.
fn leakage(
    reader: &Reader,
    (model_id, code): (u64, &str),
    pictures: Vec<Picture>,
    spans: &[f32],
    cancel: &Cancel,
) -> Option<Leakage> {
    let mut seen = Vec::with_capacity(pictures.len());
    for picture in pictures {
        seen.push(receive(&reader.encode(model_id, code, Arc::new(picture)), cancel)?.mu);
    }
    let dims = spans.len();
    let mut moved = Vec::with_capacity(dims * dims);
    for (pair, span) in seen.chunks_exact(2).zip(spans) {
        moved.extend((0..dims).map(|j| (pair[1][j] - pair[0][j]).abs() / span));
    }
    Some(Leakage { dims, moved })
}

/// Splits the variance of a `side` by `side` table of pictures (row: nuisance, column: factors) into what the columns
/// explain, what the rows explain, and the rest: a two-way analysis of variance without replication, over all pixels
/// and channels.
fn shares(pictures: &[Picture], side: usize) -> Shares {
    let mut sums = [0.0f64; 3];
    let len = pictures.first().map_or(0, |picture| picture.rgba().len());
    for at in (0..len).filter(|at| at % 4 != 3) {
        let value = |row: usize, column: usize| f64::from(pictures[row * side + column].rgba()[at]);
        let n = side as f64;
        let columns: Vec<f64> = (0..side).map(|c| (0..side).map(|r| value(r, c)).sum::<f64>() / n).collect();
        let rows: Vec<f64> = (0..side).map(|r| (0..side).map(|c| value(r, c)).sum::<f64>() / n).collect();
        let mean = rows.iter().sum::<f64>() / n;
        let variance = |means: &[f64]| means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / n;
        let cells = (0..side * side).map(|i| (value(i / side, i % side) - mean).powi(2));
        let total = cells.sum::<f64>() / (n * n);
        let (by_columns, by_rows) = (variance(&columns), variance(&rows));
        sums[0] += by_columns;
        sums[1] += by_rows;
        sums[2] += (total - by_columns - by_rows).max(0.0);
    }
    let total: f64 = sums.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let [factors, nuisance, interaction] = sums.map(|sum| (sum / total) as f32);
    Shares { factors, nuisance, interaction }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(grey: u8) -> Picture {
        Picture::filled(2, 2, [grey, grey, grey, 255])
    }

    #[test]
    fn movement_is_the_mean_step() {
        let mut last = flat(100);
        last.set_pixel(1, 1, [151, 100, 100, 255]);
        let pictures = [flat(0), flat(100), last];
        let moved = movement(&pictures).expect("pictures");
        assert!((moved[0] - 100.0 / 255.0 / 2.0).abs() < 1e-6);
        assert!((moved[3] - (100.0 + 17.0) / 255.0 / 2.0).abs() < 1e-6);
        let (picture, largest) = heat_picture(&pictures).expect("fits");
        assert_eq!(picture.pixel(1, 1), [255, 255, 255, 255]);
        assert_eq!(largest, moved[3]);
        assert!(movement(&[]).is_none());
    }

    #[test]
    fn variance_goes_to_what_causes_it() {
        let table = |value: fn(usize, usize) -> u8| -> Vec<Picture> {
            (0..9).map(|i| flat(value(i / 3, i % 3))).collect()
        };
        let by_factors = shares(&table(|_, column| column as u8 * 50), 3);
        assert!(by_factors.factors > 0.999, "{by_factors:?}");
        let by_nuisance = shares(&table(|row, _| row as u8 * 50), 3);
        assert!(by_nuisance.nuisance > 0.999, "{by_nuisance:?}");
        let both = shares(&table(|row, column| (row as u8 + column as u8) * 50), 3);
        assert!((both.factors - 0.5).abs() < 1e-3 && both.interaction < 1e-3, "{both:?}");
        let product = shares(&table(|row, column| u8::from(row == column) * 90), 3);
        assert!(product.interaction > 0.999, "{product:?}");
        let nothing = shares(&table(|_, _| 7), 3);
        assert_eq!((nothing.factors, nothing.nuisance, nothing.interaction), (0.0, 0.0, 0.0));
    }
}
