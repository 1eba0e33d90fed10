//! FID: the Frechet distance between features of real and of drawn pictures (Heusel et al. 2017; paper section C), and
//! what it tends to with ever more drawn pictures.

use crate::base::Pool;

use super::described::{DescribedPair, GROUPS, not_finite};
use super::frechet::Moments;
use super::{MetricError, Score, Watch};

/// Pictures of each kind when not said (the paper's).
pub const FID_PICTURES: usize = 50_000;

/// Drawn pictures behind the distances that [`fd_infinity`] fits a line to, in tenths.
const TENTHS: [usize; 5] = [1, 2, 3, 5, GROUPS];

/// The distance between real and drawn pictures.
///
/// Both kinds come in ten parts; the interval is the jackknife's over leaving out one part of each.
///
/// # Errors
/// When features are not finite.
pub fn fid(pair: &DescribedPair, pool: &Pool) -> Result<Score, MetricError> {
    pool.run(|| distance_with_interval(&pair.real.groups, &pair.drawn.groups)).ok_or_else(not_finite)
}

fn distance_with_interval(real: &[Moments], drawn: &[Moments]) -> Option<Score> {
    let (all_real, all_drawn) = (whole(real), whole(drawn));
    let distance = all_real.distance(&all_drawn)?;
    if !has_parts(real, drawn) {
        return Some(Score::spread(distance, f64::INFINITY, [0.0, f64::MAX]));
    }
    let left_out = |(real, drawn)| all_real.without(real).distance(&all_drawn.without(drawn));
    let without: Vec<f64> = real.iter().zip(drawn).map(left_out).collect::<Option<_>>()?;
    Some(Score::jackknife(distance, &without, [0.0, f64::MAX]))
}

/// What the distance tends to as ever more pictures are drawn (Chong and Forsyth 2020): the intercept of a line through the
/// distances of a tenth, two, three, five tenths and all of the drawn pictures from all real ones, over 1 by their number. The
/// distance of few pictures is too large by about that.
///
/// The interval is the jackknife's over leaving out one of ten parts of each kind. The parts are the distances.
///
/// # Errors
/// When there are fewer than twenty pictures of a kind, features are not finite, or the watch stops it.
pub fn fd_infinity(pair: &DescribedPair, pool: &Pool, watch: &mut Watch<'_>) -> Result<Score, MetricError> {
    let (real, drawn) = (&pair.real.groups, &pair.drawn.groups);
    if !has_parts(real, drawn) {
        return Err(MetricError::request("fd_infinity needs twenty real and twenty drawn pictures"));
    }
    let steps = (GROUPS + 1) * TENTHS.len();
    let mut done = 0;
    let mut intercept = |real: &Moments, left_out: Option<usize>| {
        let reference = pool.run(|| real.reference()).ok_or_else(not_finite)?;
        let kept: Vec<&Moments> = drawn
            .iter()
            .enumerate()
            .filter(|(part, _)| Some(*part) != left_out)
            .map(|(_, part)| part)
            .collect();
        let mut sum = Moments::empty(pair.drawn.dims);
        let mut points = Vec::new();
        for (number, part) in kept.iter().enumerate() {
            sum.add(part);
            let is_last = number + 1 == kept.len();
            if TENTHS[..TENTHS.len() - 1].contains(&(number + 1)) || is_last {
                watch.step(done, steps)?;
                done += 1;
                let apart = pool.run(|| reference.distance(&sum)).ok_or_else(not_finite)?;
                points.push((sum.count(), apart));
            }
        }
        Ok::<_, MetricError>(points)
    };
    let all_real = whole(real);
    let points = intercept(&all_real, None)?;
    let mut without = Vec::new();
    for (part, left_out) in real.iter().enumerate() {
        without.push(line_at_infinity(&intercept(&all_real.without(left_out), Some(part))?));
    }
    watch.step(steps, steps)?;
    let names = points.iter().map(|(count, _)| format!("{count} drawn"));
    let distances: Vec<f64> = points.iter().map(|(_, distance)| *distance).collect();
    let range = [f64::MIN, f64::MAX];
    Ok(Score::jackknife(line_at_infinity(&points), &without, range).with_parts(names, &distances))
}

/// The value at 1 / count = 0 of the line that fits these pairs of counts and values best.
fn line_at_infinity(points: &[(usize, f64)]) -> f64 {
    let number = points.len().max(1) as f64;
    let shares = || points.iter().map(|(count, _)| 1.0 / (*count).max(1) as f64);
    let mean_share = shares().sum::<f64>() / number;
    let mean = points.iter().map(|(_, value)| value).sum::<f64>() / number;
    let pairs = || shares().zip(points);
    let spread: f64 = shares().map(|share| (share - mean_share).powi(2)).sum();
    let slope =
        pairs().map(|(share, (_, value))| (share - mean_share) * (value - mean)).sum::<f64>() / spread;
    mean - slope * mean_share
}

fn whole(groups: &[Moments]) -> Moments {
    let mut all = groups[0].clone();
    groups[1..].iter().for_each(|group| all.add(group));
    all
}

/// Whether there are ten parts of two pictures at least: with a single picture a part, leaving one out can leave too few to
/// have a covariance.
fn has_parts(real: &[Moments], drawn: &[Moments]) -> bool {
    let count = |groups: &[Moments]| groups.iter().map(Moments::count).sum::<usize>();
    real.len().min(drawn.len()) == GROUPS && count(real).min(count(drawn)) >= 2 * GROUPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_over_shares_is_told_where_they_vanish() {
        let points = [100usize, 200, 300, 500, 1000].map(|count| (count, 7.0 + 40.0 / count as f64));
        assert!((line_at_infinity(&points) - 7.0).abs() < 1e-9);
    }
}
