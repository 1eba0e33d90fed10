use std::sync::Arc;
use std::time::Duration;

use crossbeam::channel::Receiver;

use super::log::Severity;
use super::paint::{Surface, heat};
use super::selection::Dimension;
use super::state::State;
use crate::base::Picture;
use crate::engine::{Batch, Cell, Latest, Reader, Role};
use crate::explore::{Codes, draw_all, evenly, matrix};

/// What is known about how the codes act on the pictures.
#[derive(Default)]
pub(crate) struct Analysis {
    heat_key: Option<HeatKey>,
    pub(crate) heat: [HeatMap; 2],
    pub(crate) leakage: Measured<Leakage>,
    pub(crate) shares: Measured<Shares>,
    /// Whether the model was read again since with other weights.
    pub(crate) is_outdated: bool,
}

#[derive(Clone, PartialEq)]
struct HeatKey {
    epoch: u64,
    selected: Dimension,
    codes: Codes,
}

/// Where one network's picture changes while the selected factor runs through its range.
pub(crate) struct HeatMap {
    pub(crate) surface: Surface,
    /// The largest mean difference, in [0, 1], which is shown white; absent until it is measured.
    pub(crate) largest: Option<f32>,
    is_running: bool,
    /// `None` when the pictures were not rendered to the end.
    result: Latest<Option<(Picture, f32)>>,
}

impl Default for HeatMap {
    fn default() -> Self {
        Self { surface: Surface::new(), largest: None, is_running: false, result: Latest::new() }
    }
}

/// Something that takes a while to measure.
pub(crate) struct Measured<T> {
    pub(crate) value: Option<T>,
    pub(crate) is_running: bool,
    result: Latest<Option<T>>,
}

impl<T> Default for Measured<T> {
    fn default() -> Self {
        Self { value: None, is_running: false, result: Latest::new() }
    }
}

impl Analysis {
    /// Whether something is being rendered for it.
    pub(crate) fn is_waiting(&self) -> bool {
        self.heat.iter().any(|map| map.is_running) || self.leakage.is_running || self.shares.is_running
    }
}

impl<T> Measured<T> {
    fn receive(&mut self) {
        if let Some(value) = self.result.take() {
            self.value = value.or(self.value.take()); // What was measured before is better than nothing.
            self.is_running = false;
        }
    }
}

/// How far the encoder sees dimension j move when dimension i is moved, per unit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leakage {
    pub(crate) dims: usize,
    /// `(dims, dims)`, row i moved, column j observed.
    pub(crate) moved: Vec<f32>,
}

/// Shares of the pictures' variance, summing to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shares {
    /// Explained by the factors alone.
    pub(crate) factors: f32,
    /// Explained by the nuisance alone.
    pub(crate) nuisance: f32,
    /// By both together only.
    pub(crate) interaction: f32,
}

/// Values of the selected factor for its heat map.
const HEAT_STEPS: usize = 5;

/// Codes and nuisance codes for the shares: a table of this many by this many.
const SHARE_SIDE: usize = 6;

/// The longest that one picture may take before a measurement gives up.
const PATIENCE: Duration = Duration::from_secs(60);

impl State {
    /// Keeps the heat maps of the selected factor up to date. Called while they are visible.
    pub(crate) fn update_heat(&mut self, ctx: &egui::Context) {
        let (Some(model), Some(latent)) = (&self.model, &self.latent) else { return };
        let Dimension { block, dim } = self.selected.clone();
        let Some(description) = model.description().block(&block).filter(|block| dim < block.dims) else {
            return;
        };
        let key = HeatKey {
            epoch: model.opened.epoch,
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
        let roles: Vec<Role> = model.roles().collect();
        for role in roles {
            let Some(cells) = self.render_all("heat", role, &codes, 128) else { continue };
            let map = &mut self.analysis.heat[role as usize];
            map.is_running = true;
            let result = map.result.clone();
            let ctx = ctx.clone();
            spawn("idgan-heat", move || {
                let pictures = collect(&cells, HEAT_STEPS);
                result.put(pictures.and_then(|pictures| heat_picture(&pictures)));
                ctx.request_repaint();
                Some(())
            });
        }
        self.analysis.heat_key = Some(key);
    }

    /// Measures how factors leak into each other, and what the pictures' variance comes from.
    pub(crate) fn measure(&mut self, ctx: &egui::Context) {
        self.analysis.is_outdated = false;
        self.measure_leakage(ctx);
        self.measure_shares(ctx);
    }

    fn measure_leakage(&mut self, ctx: &egui::Context) {
        let (Some(model), Some(latent)) = (&self.model, &self.latent) else { return };
        let Some(vae) = &model.description().vae else { return };
        let Some(block) = model.description().block(&vae.code) else { return };
        if model.opened.generator_shape.is_none() || self.analysis.leakage.is_running {
            return;
        }
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
        let epoch = model.opened.epoch;
        let Some(cells) = self.render_all("leakage", Role::Generator, &codes, 64) else { return };
        let reader = self.engine.reader();
        let result = self.analysis.leakage.result.clone();
        let ctx = ctx.clone();
        self.analysis.leakage.is_running = true;
        spawn("idgan-leakage", move || {
            let value =
                collect(&cells, 2 * dims).and_then(|pictures| leakage(&reader, epoch, pictures, &spans));
            result.put(value);
            ctx.request_repaint();
            Some(())
        });
    }

    fn measure_shares(&mut self, ctx: &egui::Context) {
        let Some(model) = self.model.as_ref().filter(|model| model.has_noise()) else { return };
        let Some(noise) = model.noise_blocks().next().map(|block| block.name.clone()) else { return };
        if self.analysis.shares.is_running {
            return;
        }
        let posterior = model.profile.as_ref().map(|profile| (profile.block.as_str(), &profile.posterior));
        let columns = draw_all(model.description(), SHARE_SIDE, 11, posterior);
        let rows = draw_all(model.description(), SHARE_SIDE, 12, None);
        let Ok(codes) = matrix(&columns, &rows, &noise) else { return };
        let Some(cells) = self.render_all("shares", Role::Generator, &codes, 64) else { return };
        let result = self.analysis.shares.result.clone();
        let ctx = ctx.clone();
        self.analysis.shares.is_running = true;
        spawn("idgan-shares", move || {
            let value =
                collect(&cells, SHARE_SIDE * SHARE_SIDE).map(|pictures| shares(&pictures, SHARE_SIDE));
            result.put(value);
            ctx.request_repaint();
            Some(())
        });
    }

    /// Takes in what has been measured.
    pub(crate) fn receive_analysis(&mut self) {
        for map in &mut self.analysis.heat {
            let Some(result) = map.result.take() else { continue };
            map.is_running = false;
            if let Some((picture, largest)) = result {
                map.surface.show(Arc::new(picture), None);
                map.largest = Some(largest);
            }
        }
        let (leakage, shares) = (&mut self.analysis.leakage, &mut self.analysis.shares);
        let was_running = leakage.is_running || shares.is_running;
        leakage.receive();
        shares.receive();
        let failed = was_running && !leakage.is_running && leakage.value.is_none() && shares.value.is_none();
        if failed && !shares.is_running {
            self.log
                .add(Severity::Warning, "The measurement was given up because the model changed or failed");
        }
    }

    /// Renders all rows of `codes` in the background.
    fn render_all(
        &self,
        lane: &'static str,
        role: Role,
        codes: &Codes,
        side: usize,
    ) -> Option<Receiver<Cell>> {
        let model = self.model.as_ref()?;
        let inputs = match role {
            Role::Generator => codes.generator_input(model.description()),
            Role::Decoder => codes.decoder_input(model.description()),
        };
        let inputs = inputs.ok()?;
        let rows = (0..codes.rows()).map(|row| inputs.row(row).into()).collect();
        let (batch, cells) = Batch::new(lane, model.opened.epoch, rows, side);
        self.engine.batch(role, batch);
        Some(cells)
    }
}

/// Runs `work` on a thread called `name`; where none can be had nothing is measured. `None` from `work` means that
/// the batch ended early, for instance because something newer was asked.
fn spawn(name: &str, work: impl FnOnce() -> Option<()> + Send + 'static) {
    let body = move || {
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    };
    if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(body) {
        log::warn!("no thread to measure with: {error}");
    }
}

/// All pictures of a batch, unless it ends early.
fn collect(cells: &Receiver<Cell>, count: usize) -> Option<Vec<Picture>> {
    (0..count).map(|_| cells.recv_timeout(PATIENCE).ok().map(|cell| cell.picture)).collect()
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

/// Encodes the two pictures of every dimension and compares what the encoder sees.
fn leakage(reader: &Reader, epoch: u64, pictures: Vec<Picture>, spans: &[f32]) -> Option<Leakage> {
    let mut seen = Vec::with_capacity(pictures.len());
    for picture in pictures {
        seen.push(reader.encode(epoch, Arc::new(picture)).recv_timeout(PATIENCE).ok()?.mu);
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
