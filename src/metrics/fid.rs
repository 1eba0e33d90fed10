//! FID: the Frechet distance between features of real and of drawn pictures (Heusel et al. 2017; paper section C).

use crate::base::Pool;
use crate::data::Dataset;

use super::drawing::Drawing;
use super::encoded::read_pictures;
use super::frechet::{MomentSums, Moments};
use super::statistics::choose;
use super::{MetricError, Score, Watch};

/// Pictures of each kind when not said (the paper's).
pub const FID_PICTURES: usize = 50_000;

/// Parts that the pictures are split into for the interval.
const GROUPS: usize = 10;

/// A network whose activations describe a picture.
pub trait Features {
    /// What it is, in words.
    fn name(&self) -> String;

    /// Number of features.
    fn dims(&self) -> usize;

    /// Pictures that are worth describing at once.
    fn batch(&self) -> usize;

    /// The features `(N, dims)` of `pictures` `(N, channels, height, width)` in [0, 1].
    ///
    /// # Errors
    /// When it cannot take such pictures or the device fails.
    fn extract(&mut self, pictures: &[f32], shape: [usize; 3]) -> Result<Vec<f32>, MetricError>;
}

/// The distance between `count` pictures of `data`, all of them where there are fewer, and `count` drawn ones; and how
/// many real ones there were.
///
/// Both kinds are split into ten parts; the interval is the jackknife's over leaving out one part of each. Memory does
/// not grow with `count`.
///
/// # Errors
/// When pictures cannot be read, drawn or described, or the watch stops it.
pub fn fid(
    data: &dyn Dataset,
    drawing: &mut Drawing<'_>,
    features: &mut dyn Features,
    count: usize,
    seed: u64,
    pool: &Pool,
    watch: &mut Watch<'_>,
) -> Result<(Score, usize), MetricError> {
    let chosen = choose(data.len(), count.min(data.len()), seed, "fid");
    if chosen.len() < 2 || count < 2 {
        return Err(MetricError::request("FID needs at least two real and two drawn pictures"));
    }
    let steps = chosen.len() + count;
    let batch = features.batch().min(drawing.batch());
    let mut pictures = Vec::new();
    // Ascending indices would put like pictures into one part, so that leaving it out would say too much.
    let order = crate::base::Stream::new(seed, "fid order").permutation(chosen.len());
    let real = grouped(chosen.len(), batch, features, pool, |rows, features| {
        watch.step(rows.start, steps)?;
        let indices: Vec<usize> = rows.map(|row| chosen[order[row] as usize]).collect();
        read_pictures(data, &indices, seed, pool, &mut pictures)?;
        features.extract(&pictures, data.picture_shape())
    })?;
    let shape = drawing.picture_shape();
    let generated = grouped(count, batch, features, pool, |rows, features| {
        watch.step(chosen.len() + rows.start, steps)?;
        drawing.draw(rows, &mut pictures, watch.cancel())?;
        features.extract(&pictures, shape)
    })?;
    watch.step(steps, steps)?;
    let score = pool.run(|| distance_with_interval(&real, &generated)).ok_or_else(|| {
        MetricError::request("the features hold values that are not finite numbers; are the pictures sound?")
    })?;
    Ok((score, chosen.len()))
}

/// The moments of `count` pictures in [`GROUPS`] parts; `describe` gives the features of a range of them.
fn grouped(
    count: usize,
    batch: usize,
    features: &mut dyn Features,
    pool: &Pool,
    mut describe: impl FnMut(std::ops::Range<usize>, &mut dyn Features) -> Result<Vec<f32>, MetricError>,
) -> Result<Vec<Moments>, MetricError> {
    let mut sums = MomentSums::new(features.dims());
    let mut groups = Vec::new();
    for group in 0..GROUPS.min(count) {
        let end = count * (group + 1) / GROUPS.min(count);
        let mut start = count * group / GROUPS.min(count);
        while start < end {
            let rows = start..end.min(start + batch);
            start = rows.end;
            let described = describe(rows, features)?;
            pool.run(|| sums.add(&described));
        }
        groups.push(sums.take());
    }
    Ok(groups)
}

fn distance_with_interval(real: &[Moments], generated: &[Moments]) -> Option<Score> {
    let whole = |groups: &[Moments]| {
        let mut all = groups[0].clone();
        groups[1..].iter().for_each(|group| all.add(group));
        all
    };
    let (all_real, all_generated) = (whole(real), whole(generated));
    let distance = all_real.distance(&all_generated)?;
    let smallest = real.len().min(generated.len());
    // With a single picture a part, leaving one out can leave too few to have a covariance.
    if smallest < GROUPS || all_real.count().min(all_generated.count()) < 2 * GROUPS {
        return Some(Score::spread(distance, f64::INFINITY, [0.0, f64::MAX]));
    }
    let left_out = |(real, generated)| all_real.without(real).distance(&all_generated.without(generated));
    let without: Vec<f64> = real.iter().zip(generated).map(left_out).collect::<Option<_>>()?;
    Some(Score::jackknife(distance, &without, [0.0, f64::MAX]))
}
