//! Features of real and of drawn pictures, found in one pass for every metric that compares them.

use std::ops::Range;

use crate::base::{Pool, Stream};
use crate::data::Dataset;

use super::drawing::Drawing;
use super::encoded::read_pictures;
use super::frechet::{MomentSums, Moments};
use super::statistics::choose;
use super::{MetricError, Watch};

/// Parts that the pictures of either kind are split into for intervals.
pub(super) const GROUPS: usize = 10;

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

/// How many pictures of each kind are described, and what is kept of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescriptionPlan {
    /// Pictures behind means and covariances; 0 for none.
    pub moments: usize,
    /// Pictures whose features are kept one by one; 0 for none.
    pub kept: usize,
}

/// What is known of pictures of one kind.
#[derive(Clone, Debug, Default)]
pub struct Described {
    /// Sums behind means and covariances, in at most ten parts of about one size.
    pub groups: Vec<Moments>,
    /// The features `(N, dims)` of some pictures, in random order.
    pub features: Vec<f32>,
    /// Their number.
    pub dims: usize,
}

impl Described {
    /// Pictures whose features are kept.
    pub fn rows(&self) -> usize {
        self.features.len() / self.dims.max(1)
    }

    /// Pictures behind means and covariances.
    pub fn counted(&self) -> usize {
        self.groups.iter().map(Moments::count).sum()
    }
}

/// Real pictures beside drawn ones.
#[derive(Clone, Debug, Default)]
pub struct DescribedPair {
    /// Those of the data.
    pub real: Described,
    /// Those that the model draws.
    pub drawn: Described,
}

impl DescribedPair {
    /// Describes pictures of `data`, all of them where there are fewer than the plan wants, and drawn ones.
    ///
    /// Memory grows with the pictures that are kept one by one, by `dims` numbers of 4 bytes each, and with nothing else.
    ///
    /// # Errors
    /// When there are fewer than two, they cannot be read, drawn or described, or the watch stops it.
    pub fn describe(
        data: &dyn Dataset,
        drawing: &mut Drawing<'_>,
        features: &mut dyn Features,
        plan: DescriptionPlan,
        seed: u64,
        pool: &Pool,
        watch: &mut Watch<'_>,
    ) -> Result<Self, MetricError> {
        let count = plan.moments.max(plan.kept);
        let chosen = choose(data.len(), count.min(data.len()), seed, "fid");
        if chosen.len() < 2 || count < 2 {
            return Err(MetricError::request(format!(
                "{} compares at least two real and two drawn pictures",
                watch.metric()
            )));
        }
        let steps = chosen.len() + count;
        let batch = features.batch().min(drawing.batch());
        let mut pictures = Vec::new();
        // Ascending indices would put like pictures into one part, so that leaving it out would say too much.
        let order = Stream::new(seed, "fid order").permutation(chosen.len());
        let real = described(chosen.len(), batch, features, plan, pool, |rows, features| {
            watch.step(rows.start, steps)?;
            let indices: Vec<usize> = rows.map(|row| chosen[order[row] as usize]).collect();
            read_pictures(data, &indices, seed, pool, &mut pictures)?;
            features.extract(&pictures, data.picture_shape())
        })?;
        let shape = drawing.picture_shape();
        let drawn = described(count, batch, features, plan, pool, |rows, features| {
            watch.step(chosen.len() + rows.start, steps)?;
            drawing.draw(rows, &mut pictures, watch.cancel())?;
            features.extract(&pictures, shape)
        })?;
        watch.step(steps, steps)?;
        let all = real.features.iter().chain(&drawn.features);
        if plan.kept > 0 && !all.copied().all(f32::is_finite) {
            return Err(not_finite());
        }
        Ok(Self { real, drawn })
    }
}

/// That features are no numbers.
pub(super) fn not_finite() -> MetricError {
    MetricError::request("the features hold values that are not finite numbers; are the pictures sound?")
}

/// What the plan wants of `count` pictures; `describe` gives the features of a range of them.
fn described(
    count: usize,
    batch: usize,
    features: &mut dyn Features,
    plan: DescriptionPlan,
    pool: &Pool,
    mut describe: impl FnMut(Range<usize>, &mut dyn Features) -> Result<Vec<f32>, MetricError>,
) -> Result<Described, MetricError> {
    let dims = features.dims();
    let mut found = Described { dims, ..Described::default() };
    let counted = plan.moments.min(count);
    let parts = GROUPS.min(counted);
    let mut sums = (counted > 0).then(|| MomentSums::new(dims));
    // Where a part ends, and what is kept.
    let mut ends: Vec<usize> = (1..=parts).map(|part| counted * part / parts).collect();
    ends.push(plan.kept.min(count));
    ends.sort_unstable();
    ends.dedup();
    let mut start = 0;
    for end in ends {
        while start < end {
            let rows = start..end.min(start + batch);
            let described = describe(rows.clone(), features)?;
            if let Some(sums) = sums.as_mut().filter(|_| rows.end <= counted) {
                pool.run(|| sums.add(&described));
            }
            if rows.end <= plan.kept {
                found.features.extend(described);
            }
            start = rows.end;
        }
        let is_part = (1..=parts).any(|part| counted * part / parts == end);
        if let Some(sums) = sums.as_mut().filter(|_| is_part) {
            found.groups.push(sums.take());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Describes a picture by its number.
    struct Numbers;

    impl Features for Numbers {
        fn name(&self) -> String {
            "numbers".into()
        }

        fn dims(&self) -> usize {
            2
        }

        fn batch(&self) -> usize {
            4
        }

        fn extract(&mut self, pictures: &[f32], _: [usize; 3]) -> Result<Vec<f32>, MetricError> {
            Ok(pictures.iter().flat_map(|&picture| [picture, 1.0]).collect())
        }
    }

    #[test]
    fn each_picture_is_described_once_and_parts_do_not_depend_on_what_is_kept() {
        let pool = Pool::new("test", 1).expect("starts");
        let of = |count: usize, moments: usize, kept: usize| {
            let mut seen = Vec::new();
            let plan = DescriptionPlan { moments, kept };
            let found = described(count, 4, &mut Numbers, plan, &pool, |rows, features| {
                seen.extend(rows.clone());
                features.extract(&rows.map(|row| row as f32).collect::<Vec<_>>(), [1, 1, 1])
            });
            assert_eq!(seen, (0..moments.max(kept).min(count)).collect::<Vec<_>>());
            found.expect("describes")
        };
        for (count, moments, kept) in [(47, 47, 13), (47, 30, 47), (47, 0, 20), (7, 7, 50)] {
            let found = of(count, moments, kept);
            assert_eq!(found.rows(), kept.min(count));
            assert!(found.features.chunks(2).enumerate().all(|(row, pair)| pair == [row as f32, 1.0]));
            assert_eq!((found.counted(), found.groups.len()), (moments.min(count), GROUPS.min(moments)));
            for (group, alone) in found.groups.iter().zip(of(count, moments, 0).groups) {
                assert_eq!(group.count(), alone.count());
                assert!(group.count() < 2 || group.distance(&alone).is_some_and(|apart| apart < 1e-9));
            }
        }
    }
}
