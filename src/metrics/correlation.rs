//! Correlation coefficients a person can check by eye: of factors with dimensions of the code, and of codes with what
//! the encoder reads back from their pictures.

use crate::inference::Encoder;
use crate::model::ModelDescription;

use super::drawing::{Drawing, encoded_block, read_back};
use super::fvm::active_dims;
use super::labelled::columns;
use super::score::bootstrap_deviation;
use super::{CodeSample, LabelledCodes, Labels, MetricError, Score, Watch};

/// Pictures behind the read-back correlation when not said (ours).
pub const READ_BACK_PICTURES: usize = 1000;
/// Bootstrap samples of the pictures.
const REPETITIONS: usize = 100;

/// The mean over factors of the largest |Pearson correlation| between the factor's class number and the mean of any
/// dimension; the parts are the factors', each with its dimension. Unordered factors (a shape, a hue that wraps
/// around) cannot score high, so look at the parts.
///
/// # Errors
/// When the data has no factors that vary.
pub fn factor_correlation(codes: &LabelledCodes, seed: u64) -> Result<Score, MetricError> {
    codes.require_factors("the correlation with factors")?;
    let values = class_numbers(codes);
    let best_of = |rows: &[usize]| -> Vec<(usize, f64)> {
        let best = |each: Vec<f64>| {
            each.into_iter().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
        };
        with_dims(codes, &values, rows).map(best).collect()
    };
    let mean = |best: &[(usize, f64)]| best.iter().map(|pair| pair.1).sum::<f64>() / best.len() as f64;
    let deviation = bootstrap_deviation(codes.rows(), REPETITIONS, seed, |rows| mean(&best_of(rows)));
    let best = best_of(&all_rows(codes.rows()));
    let names = codes.names().zip(&best).map(|(name, (dim, _))| format!("{name} (c{dim})"));
    let values: Vec<f64> = best.iter().map(|pair| pair.1).collect();
    Ok(Score::around(mean(&best), deviation, [0.0, 1.0]).with_parts(names, &values))
}

/// |Pearson correlation| between each factor's class number and the mean of each dimension, `[factor][dimension]`.
pub(super) fn factor_correlations(codes: &LabelledCodes) -> Vec<Vec<f64>> {
    with_dims(codes, &class_numbers(codes), &all_rows(codes.rows())).collect()
}

/// The class of each row as a number, by factor.
fn class_numbers(codes: &LabelledCodes) -> Vec<Vec<f64>> {
    let numbers = |factor: &Labels| factor.classes.iter().map(|&class| class as f64).collect();
    codes.factors.iter().map(numbers).collect()
}

/// |Pearson correlation| over `rows` of the `values` of each factor with each dimension.
fn with_dims<'a>(
    codes: &'a LabelledCodes,
    values: &'a [Vec<f64>],
    rows: &'a [usize],
) -> impl Iterator<Item = Vec<f64>> + 'a {
    let of_factor =
        |values: &Vec<f64>| codes.dims.iter().map(|dim| correlation(values, dim, rows).abs()).collect();
    values.iter().map(of_factor)
}

/// The correlation of codes c ~ q(c) with the means that the encoder reads back from their pictures G(s, c): the mean
/// over the active dimensions of `sample`, whose variance is at least `least`; the parts are theirs.
/// `None` when no dimension is active.
///
/// # Errors
/// When the networks do not fit each other or fail, or the watch stops it.
pub fn read_back_correlation(
    (drawing, chain): (&mut Drawing<'_>, &str),
    description: &ModelDescription,
    encoder: &mut dyn Encoder,
    (sample, least): (&CodeSample, f64),
    count: usize,
    watch: &mut Watch<'_>,
) -> Result<Option<Score>, MetricError> {
    let active = active_dims(&sample.variances(), least);
    if active.is_empty() {
        return Ok(None);
    }
    let code = encoded_block(description, chain)?;
    let (shape, batch, dims) = (drawing.picture_shape(), drawing.batch(), encoder.code_dim());
    let (mut pictures, mut set, mut read) = (Vec::new(), Vec::new(), Vec::new());
    while read.len() < count * dims {
        let done = read.len() / dims;
        watch.step(done, count)?;
        let codes = drawing.draw(done..count.min(done + batch), &mut pictures, watch.cancel())?;
        for row in 0..codes.rows() {
            let c = codes.row(code, row).map_err(|error| MetricError::request(error.to_string()))?;
            set.extend_from_slice(c);
        }
        read.extend(read_back(encoder, &pictures, shape)?.0);
    }
    let (set, read) = (columns(&set, dims), columns(&read, dims));
    let of_dims = |rows: &[usize]| -> Vec<f64> {
        active.iter().map(|&dim| correlation(&set[dim], &read[dim], rows)).collect()
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let deviation = bootstrap_deviation(count, REPETITIONS, drawing.seed(), |rows| mean(&of_dims(rows)));
    let values = of_dims(&all_rows(count));
    let names = active.iter().map(ToString::to_string);
    Ok(Some(Score::around(mean(&values), deviation, [-1.0, 1.0]).with_parts(names, &values)))
}

/// Pearson's correlation coefficient of `a` and `b` over `rows`; 0 where one of them does not vary, NaN where one holds
/// what is not a number.
pub fn correlation(a: &[f64], b: &[f64], rows: &[usize]) -> f64 {
    let mean = |values: &[f64]| rows.iter().map(|&row| values[row]).sum::<f64>() / rows.len().max(1) as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for &row in rows {
        let (da, db) = (a[row] - mean_a, b[row] - mean_b);
        (ab, aa, bb) = (ab + da * db, aa + da * da, bb + db * db);
    }
    let scale = (aa * bb).sqrt();
    if scale == 0.0 { 0.0 } else { ab / scale }
}

fn all_rows(count: usize) -> Vec<usize> {
    (0..count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 24 rows of the factors x and y, 4 and 6 classes.
    fn codes_of(dims: [fn(usize) -> f64; 2]) -> LabelledCodes {
        let labels = |name: &str, count: usize, class: fn(usize) -> usize| Labels {
            name: name.to_owned(),
            classes: (0..24).map(class).collect(),
            count,
        };
        LabelledCodes {
            dims: dims.map(|dim| (0..24).map(dim).collect()).into(),
            factors: vec![labels("x", 4, |row| row / 6), labels("y", 6, |row| row % 6)],
        }
    }

    #[test]
    fn a_line_correlates_fully_and_what_stands_still_not_at_all() {
        let (a, rows) = ([1.0, 2.0, 4.0, 8.0], [0, 1, 2, 3]);
        assert!((correlation(&a, &[-3.0, -6.0, -12.0, -24.0], &rows) + 1.0).abs() < 1e-12);
        assert_eq!(correlation(&a, &[5.0; 4], &rows), 0.0);
        assert!(correlation(&a, &[1.0, f64::NAN, 2.0, 3.0], &rows).is_nan(), "nonsense is no 0");
        // numpy.corrcoef([1, 2, 4, 8], [2, 1, 5, 3])[0, 1]
        assert!((correlation(&a, &[2.0, 1.0, 5.0, 3.0], &rows) - 0.425_579_619_369_114_4).abs() < 1e-12);
    }

    #[test]
    fn each_factor_finds_its_dimension_whatever_the_sign() {
        let codes = codes_of([|row| (row % 6) as f64 * -2.0, |row| (row / 6) as f64]);
        let score = factor_correlation(&codes, 1).expect("two factors vary");
        let named: Vec<(&str, bool)> =
            score.parts.iter().map(|part| (part.name.as_str(), part.value > 0.9999)).collect();
        assert_eq!(named, [("x (c1)", true), ("y (c0)", true)]);
        let constant = factor_correlation(&codes_of([|_| 1.0; 2]), 1);
        assert_eq!(constant.map(|score| score.value).ok(), Some(0.0));
    }
}
