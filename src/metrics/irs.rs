//! The interventional robustness score (Suter et al. 2019), as disentanglement_lib computes it.

use super::halves::{OnAll, half_samples};
use super::histogram::binned;
use super::{LabelledCodes, Labels, MetricError, Score};

/// Bins that the classes of a factor are put into, too.
const BINS: usize = 20;
/// Among the rows of a bin this share deviates less from their mean than what counts as the largest deviation.
const SHARE: f64 = 0.99;
/// Halves of the pictures that tell the deviation.
const REPETITIONS: usize = 100;

/// How little each dimension moves while the factor that it stands for does not: 1 less the largest deviation within a class,
/// averaged over the classes, in units of the largest over all; the best factor counts, and dimensions by their largest
/// deviation. The parts are the dimensions'. Noise is not 0, since few values lie far out. With the codes of `all` pictures, among
/// which some lie further out, the interval is of the value on these.
///
/// # Errors
/// When the data has no factors that vary.
pub fn irs(codes: &LabelledCodes, all: Option<&LabelledCodes>, seed: u64) -> Result<Score, MetricError> {
    codes.require_factors("the interventional robustness score")?;
    let halves = half_samples(codes.rows(), REPETITIONS, seed, |rows| score(&robustness(&codes.pick(rows))));
    let own = robustness(codes);
    let names = (0..own.len()).map(|dim| dim.to_string());
    let values: Vec<f64> = own.iter().map(|dim| dim.best).collect();
    let all = all.map(|all| OnAll { value: score(&robustness(all)), rows: all.rows() });
    Ok(halves.on_all(score(&own), codes.rows(), all, [0.0, 1.0]).with_parts(names, &values))
}

/// What is found of one dimension.
struct Robustness {
    /// Its largest deviation from its mean.
    most: f64,
    /// Its robustness with the factor that suits it best; 0 where it does not vary.
    best: f64,
}

/// The mean over dimensions, by their largest deviations.
fn score(dims: &[Robustness]) -> f64 {
    let total: f64 = dims.iter().map(|dim| dim.most).sum();
    if total == 0.0 { 0.0 } else { dims.iter().map(|dim| dim.most * dim.best).sum::<f64>() / total }
}

fn robustness(codes: &LabelledCodes) -> Vec<Robustness> {
    let groups: Vec<Vec<Vec<usize>>> = codes.factors.iter().map(groups).collect();
    let of_dim = |column: &Vec<f64>| {
        let mean = mean(column.iter().copied(), column.len());
        let most = column.iter().map(|value| (value - mean).abs()).fold(0.0, f64::max);
        let of_factor = |groups: &Vec<Vec<usize>>| {
            let sum: f64 = groups.iter().map(|rows| deviation_within(column, rows)).sum();
            1.0 - sum / groups.len() as f64 / most
        };
        let best = groups.iter().map(of_factor).fold(f64::NEG_INFINITY, f64::max);
        Robustness { most, best: if most > 0.0 { best } else { 0.0 } }
    };
    codes.dims.iter().map(of_dim).collect()
}

/// The rows of each bin of a factor's classes that holds some.
fn groups(labels: &Labels) -> Vec<Vec<usize>> {
    let classes: Vec<f64> = labels.classes.iter().map(|&class| class as f64).collect();
    let mut groups = vec![Vec::new(); BINS];
    for (row, bin) in binned(&classes, BINS).into_iter().enumerate() {
        groups[bin].push(row);
    }
    groups.retain(|rows| !rows.is_empty());
    groups
}

/// What [`SHARE`] of these rows of a column at most deviate from their mean; between two rows in a straight line.
fn deviation_within(column: &[f64], rows: &[usize]) -> f64 {
    let mean = mean(rows.iter().map(|&row| column[row]), rows.len());
    let mut deviations: Vec<f64> = rows.iter().map(|&row| (column[row] - mean).abs()).collect();
    let place = SHARE * (deviations.len() - 1) as f64;
    let (_, &mut low, above) = deviations.select_nth_unstable_by(place.floor() as usize, f64::total_cmp);
    let high = above.iter().copied().fold(f64::INFINITY, f64::min);
    if high.is_finite() { low + (high - low) * place.fract() } else { low }
}

fn mean(values: impl Iterator<Item = f64>, count: usize) -> f64 {
    values.sum::<f64>() / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_rows_as_numpys() {
        // numpy.quantile(numpy.abs(x - x.mean()), .99) of x = [0, 1, 2, 3, 10]
        let column = [0.0, 1.0, 2.0, 3.0, 10.0];
        assert!((deviation_within(&column, &[0, 1, 2, 3, 4]) - 6.656).abs() < 1e-12);
        assert_eq!(deviation_within(&column, &[4]), 0.0);
    }
}
