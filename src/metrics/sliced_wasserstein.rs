//! SWD: the sliced Wasserstein distance between patches of real and of drawn pictures, at each level of a Laplacian pyramid
//! (Karras et al. 2018, section 5). It needs no network, and sees textures that features of objects pass over.

use rayon::prelude::*;

use crate::base::{Pool, Stream};
use crate::data::Dataset;

use super::drawing::Drawing;
use super::encoded::read_pictures;
use super::pyramid::{laplacian, sides};
use super::statistics::choose;
use super::{MetricError, Score, Watch};

/// Pictures of each kind when not said: an eighth of the published 16,384, whose patches fit into little memory.
pub const SWD_PICTURES: usize = 2048;

/// Patches that are cut out of each level of a picture.
const PATCHES: usize = 32;

/// Pixels of a patch's side.
const PATCH: usize = 7;

/// Directions that patches are projected on.
const DIRECTIONS: usize = 256;

/// Parts that the pictures are split into for the interval.
const GROUPS: usize = 10;

/// Distances are told in thousandths, as published.
const UNIT: f64 = 1000.0;

/// The distance between `count` pictures of `data` (all of them where there are fewer) and as many drawn ones, in
/// thousandths, averaged over the levels, which are its parts; and how many pictures of each kind there were.
///
/// Patches of 7x7 pixels are compared, 32 of each level of each picture; both kinds are brought to mean 0 and variance 1 for
/// each channel and level first, so that colours and contrast by themselves make no difference. The interval is the
/// jackknife's over leaving out one of ten parts of both kinds. Of few pictures the distance is too large: compare only
/// distances between equal numbers.
///
/// # Errors
/// When there are fewer than two pictures, they are no squares of at least 7 pixels, cannot be read or drawn, or the watch
/// stops it.
pub fn sliced_wasserstein(
    data: &dyn Dataset,
    drawing: &mut Drawing<'_>,
    count: usize,
    seed: u64,
    pool: &Pool,
    watch: &mut Watch<'_>,
) -> Result<(Score, usize), MetricError> {
    let chosen = choose(data.len(), count.min(data.len()), seed, "swd");
    let count = chosen.len();
    let shape @ [_, height, width] = drawing.picture_shape();
    if count < 2 {
        return Err(MetricError::request("swd needs at least two real and two drawn pictures"));
    }
    if height != width || height < PATCH || data.picture_shape() != shape {
        return Err(MetricError::request(format!(
            "swd compares square pictures of one size of at least {PATCH}x{PATCH} pixels, and those drawn have {width}x{height}"
        )));
    }
    // Ascending indices would put like pictures into one part.
    let order = Stream::new(seed, "swd order").permutation(count);
    let batch = drawing.batch().max(1);
    let mut pictures = Vec::new();
    let mut real = Patches::new(shape);
    let mut generated = Patches::new(shape);
    for start in (0..count).step_by(batch) {
        let rows = start..count.min(start + batch);
        watch.step(start, 2 * count)?;
        let indices: Vec<usize> = rows.clone().map(|row| chosen[order[row] as usize]).collect();
        read_pictures(data, &indices, seed, pool, &mut pictures)?;
        pool.run(|| real.add(&pictures, rows.start, seed));
    }
    for start in (0..count).step_by(batch) {
        let rows = start..count.min(start + batch);
        watch.step(count + start, 2 * count)?;
        drawing.draw(rows.clone(), &mut pictures, watch.cancel())?;
        pool.run(|| generated.add(&pictures, rows.start, seed));
    }
    watch.step(2 * count, 2 * count)?;
    Ok((pool.run(|| distance(real, generated, seed)), count))
}

/// Patches of many pictures.
struct Patches {
    shape: [usize; 3],
    /// By level, largest first: `(pictures * PATCHES, channels * PATCH * PATCH)`.
    levels: Vec<Vec<f32>>,
}

impl Patches {
    /// None of pictures of this shape (channels, height, width).
    fn new(shape: [usize; 3]) -> Self {
        Self { shape, levels: vec![Vec::new(); sides(shape[1]).len()] }
    }

    /// Cuts patches out of `pictures` `(N, channels, height, width)`, the first of which has the number `first`. Runs on the
    /// rayon pool that it is called in.
    fn add(&mut self, pictures: &[f32], first: usize, seed: u64) {
        let [channels, side, _] = self.shape;
        let cut: Vec<Vec<Vec<f32>>> = pictures
            .par_chunks_exact(channels * side * side)
            .enumerate()
            .map(|(row, picture)| {
                cut(picture, side, &mut Stream::for_item(seed, "patches", (first + row) as u64))
            })
            .collect();
        for levels in cut {
            self.levels.iter_mut().zip(levels).for_each(|(all, patches)| all.extend(patches));
        }
    }
}

/// [`PATCHES`] patches of each level of a picture `(channels, side, side)`, at places that `stream` chooses.
fn cut(picture: &[f32], side: usize, stream: &mut Stream) -> Vec<Vec<f32>> {
    let channels: Vec<_> = picture.chunks_exact(side * side).map(|plane| laplacian(plane, side)).collect();
    let mut levels = Vec::new();
    for (level, side) in sides(side).into_iter().enumerate() {
        let mut patches = Vec::with_capacity(PATCHES * channels.len() * PATCH * PATCH);
        for _ in 0..PATCHES {
            let (y, x) = (stream.below(side - PATCH + 1), stream.below(side - PATCH + 1));
            for planes in &channels {
                let rows = (y..y + PATCH).map(|y| &planes[level][y * side + x..][..PATCH]);
                rows.for_each(|row| patches.extend_from_slice(row));
            }
        }
        levels.push(patches);
    }
    levels
}

/// Brings each channel of `patches` `(N, channels * PATCH * PATCH)` to mean 0 and variance 1; one without any variance to 0.
fn normalise(patches: &mut [f32], channels: usize) {
    let len = PATCH * PATCH;
    let of_channel = |channel: usize| channel * len..(channel + 1) * len;
    for channel in 0..channels {
        let values = || patches.chunks_exact(channels * len).flat_map(|patch| &patch[of_channel(channel)]);
        let count = values().count().max(1) as f64;
        let mean = values().map(|&value| f64::from(value)).sum::<f64>() / count;
        let variance = values().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
        // Below this there is nothing but rounding.
        let scale = if variance > 1e-12 { variance.sqrt().recip() } else { 0.0 };
        for patch in patches.chunks_exact_mut(channels * len) {
            patch[of_channel(channel)]
                .iter_mut()
                .for_each(|value| *value = ((f64::from(*value) - mean) * scale) as f32);
        }
    }
}

/// The distance of as many pictures of either kind, with its interval and the distance of each level. Runs on the rayon pool
/// that it is called in.
fn distance(mut real: Patches, mut generated: Patches, seed: u64) -> Score {
    let [channels, side, _] = real.shape;
    let levels: Vec<[f64; GROUPS + 1]> = real
        .levels
        .iter_mut()
        .zip(&mut generated.levels)
        .map(|(real, generated)| {
            normalise(real, channels);
            normalise(generated, channels);
            sliced(real, generated, channels * PATCH * PATCH, seed)
        })
        .collect();
    let mean = |choice: usize| {
        UNIT * levels.iter().map(|level| level[choice]).sum::<f64>() / levels.len().max(1) as f64
    };
    let without: Vec<f64> = (1..=GROUPS).map(mean).collect();
    let pictures = real.levels.first().map_or(0, Vec::len) / (PATCHES * channels * PATCH * PATCH);
    let range = [0.0, f64::MAX];
    let score = match pictures {
        // A part would be a picture or none.
        few if few < 2 * GROUPS => Score::spread(mean(0), f64::INFINITY, range),
        _ => Score::jackknife(mean(0), &without, range),
    };
    let names = sides(side).into_iter().map(|side| format!("{side} px"));
    let parts: Vec<f64> = levels.iter().map(|level| UNIT * level[0]).collect();
    score.with_parts(names, &parts)
}

/// The mean, over random directions, of the Wasserstein distance between the projections of as many patches of both kinds,
/// `(N, len)`; then the same without each of the [`GROUPS`] parts.
fn sliced(real: &[f32], generated: &[f32], len: usize, seed: u64) -> [f64; GROUPS + 1] {
    let of_directions = (0..DIRECTIONS).into_par_iter().map(|number| {
        let mut direction = Stream::for_item(seed, "directions", number as u64).normals(len);
        let norm = direction.iter().map(|value| value * value).sum::<f32>().sqrt();
        direction.iter_mut().for_each(|value| *value /= norm);
        let (real, generated) = (projected(real, &direction), projected(generated, &direction));
        std::array::from_fn(|choice| apart(&real, &generated, choice.checked_sub(1)))
    });
    let sums = of_directions.reduce(
        || [0.0; GROUPS + 1],
        |a: [f64; GROUPS + 1], b| std::array::from_fn(|choice| a[choice] + b[choice]),
    );
    sums.map(|sum| sum / DIRECTIONS as f64)
}

/// The projections of patches `(N, direction.len())`, ascending, each with the part that it is of.
fn projected(patches: &[f32], direction: &[f32]) -> Vec<(f32, usize)> {
    let count = patches.len() / direction.len();
    let dot = |patch: &[f32]| patch.iter().zip(direction).map(|(a, b)| a * b).sum::<f32>();
    let rows = patches.chunks_exact(direction.len()).map(dot);
    let mut all: Vec<_> = rows.enumerate().map(|(row, value)| (value, group(row, count))).collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    all
}

/// The part that row `row` of `count` is of: that of its picture.
fn group(row: usize, count: usize) -> usize {
    row / PATCHES * GROUPS / (count / PATCHES).max(1)
}

/// The Wasserstein distance of order 1 between two samples of one size on a line, without part `left_out`.
fn apart(a: &[(f32, usize)], b: &[(f32, usize)], left_out: Option<usize>) -> f64 {
    let kept = |&&(_, group): &&(f32, usize)| Some(group) != left_out;
    let pairs = a.iter().filter(kept).zip(b.iter().filter(kept));
    let (sum, count) =
        pairs.fold((0.0, 0usize), |(sum, count), (a, b)| (sum + f64::from((a.0 - b.0).abs()), count + 1));
    sum / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::super::score::moments;
    use super::*;

    /// Pictures of noise, of which each pixel passes some of its value on to the next one in its row.
    fn textured(count: usize, passed_on: f32, seed: u64) -> Patches {
        let shape = [2, 32, 32];
        let mut pictures = Stream::new(seed, "texture").normals(count * 2 * 32 * 32);
        for row in pictures.chunks_exact_mut(32) {
            for x in 1..32 {
                row[x] += passed_on * row[x - 1];
            }
        }
        let mut patches = Patches::new(shape);
        patches.add(&pictures, 0, seed);
        patches
    }

    #[test]
    fn another_texture_is_further_away_than_other_pictures_of_the_same_and_equal_ones_are_not_at_all() {
        let distances = [(0.0, 1), (0.0, 2), (0.5, 2), (0.9, 2)]
            .map(|(passed_on, seed)| distance(textured(64, 0.0, 1), textured(64, passed_on, seed), 5));
        let [none, same, other, far] = [0, 1, 2, 3].map(|i| distances[i].value);
        assert_eq!(none, 0.0);
        assert!(0.0 < same && 1.1 * same < other && 1.3 * other < far, "{same}, {other}, {far}");
        let parts: Vec<_> = distances[3].parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(parts, ["32 px", "16 px"]);
        let mean = (distances[3].parts[0].value + distances[3].parts[1].value) / 2.0;
        assert!((mean - far).abs() < 1e-9);
    }

    #[test]
    fn colours_and_contrast_make_no_difference() {
        let brighter = || {
            let mut patches = textured(40, 0.3, 2);
            patches.levels.iter_mut().flatten().for_each(|value| *value = 0.25 * *value + 0.5);
            patches
        };
        let plain = distance(textured(40, 0.0, 1), textured(40, 0.3, 2), 5).value;
        let changed = distance(textured(40, 0.0, 1), brighter(), 5).value;
        assert!((plain - changed).abs() < 1e-3 * plain, "{plain}, {changed}");
        let flat = || {
            let mut patches = textured(40, 0.3, 2);
            patches.levels.iter_mut().flatten().for_each(|value| *value = 0.5);
            patches
        };
        assert_eq!(distance(flat(), flat(), 5).value, 0.0);
    }

    #[test]
    fn samples_on_a_line_are_as_far_apart_as_their_order_says() {
        let line = |values: [f32; 4]| values.map(|value| (value, usize::from(value > 1.0)));
        let (a, b) = (line([0.0, 1.0, 2.0, 5.0]), line([0.5, 1.0, 4.0, 4.0]));
        assert_eq!(apart(&a, &b, None), (0.5 + 0.0 + 2.0 + 1.0) / 4.0);
        assert_eq!(apart(&a, &b, Some(1)), 0.25);
    }

    #[test]
    fn parts_are_whole_pictures() {
        let groups: Vec<usize> = (0..20 * PATCHES).map(|row| group(row, 20 * PATCHES)).collect();
        assert_eq!((groups[0], groups[20 * PATCHES - 1]), (0, GROUPS - 1));
        assert!(groups.chunks(2 * PATCHES).all(|part| part.iter().all(|&group| group == part[0])));
    }

    #[test]
    fn the_interval_covers_the_distance_of_as_many_other_pictures() {
        let scores: Vec<Score> =
            (0..20).map(|i| distance(textured(60, 0.0, 100 + i), textured(60, 0.5, 200 + i), i)).collect();
        let mean = scores.iter().map(|score| score.value).sum::<f64>() / 20.0;
        let covered = scores.iter().filter(|score| score.low <= mean && mean <= score.high).count();
        let values: Vec<f64> = scores.iter().map(|score| score.value).collect();
        let deviation = moments(&values).1.sqrt();
        let width =
            scores.iter().map(|score| score.high - score.low).sum::<f64>() / 20.0 / (3.92 * deviation);
        assert!(covered >= 17 && width < 2.0, "{covered} of 20, {width} times as wide");
    }
}
