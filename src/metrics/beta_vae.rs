//! The beta-VAE metric (Higgins et al. 2017), as disentanglement_lib computes it.

use rayon::prelude::*;

use crate::base::{Pool, Stream};

use super::halves::half_samples_of_two;
use super::logistic::{Logistic, LogisticOptions};
use super::{EncodedData as _, KnownCodes, LabelledCodes, Labels, MetricError, Score, SplitCodes, Watch};

/// Points that the classifier learns from, when not said; it is asked about half as many others.
pub const BETA_VAE_POINTS: usize = 10_000;
/// Pairs of pictures behind a point.
pub const BETA_VAE_PAIRS: usize = 64;
/// Halves of the points that tell the deviation.
const REPETITIONS: usize = 40;
/// scikit-learn's default.
const OPTIONS: LogisticOptions = LogisticOptions { strength: 1.0, is_balanced: false };
/// Of halves, in which each row stands for two, so that the weights are held back as much.
const OF_HALVES: LogisticOptions = LogisticOptions { strength: 2.0, ..OPTIONS };

/// How often logistic regression tells which factor the pictures of a point's pairs share, from the mean distance between
/// their codes, by dimension. `points` to learn from, and half as many to be asked about.
///
/// # Errors
/// When the data has no factors that vary, or the watch stops it.
pub fn beta_vae(
    codes: &KnownCodes,
    points: usize,
    seed: u64,
    pool: &Pool,
    watch: &mut Watch<'_>,
) -> Result<Score, MetricError> {
    let sizes = codes.factors().iter().map(|factor| factor.values.len());
    let varying: Vec<usize> = sizes.enumerate().filter(|(_, size)| *size > 1).map(|(at, _)| at).collect();
    if varying.is_empty() {
        return Err(MetricError::request("the beta-VAE score needs data with known factors"));
    }
    watch.step(0, REPETITIONS + 1)?;
    let split = pool.run(|| SplitCodes {
        train: sample_points(codes, &varying, 0..points, seed),
        test: sample_points(codes, &varying, points..points + points.div_ceil(2), seed),
    });
    let own = pool.run(|| accuracy(&split, OPTIONS));
    let [halves] = half_samples_of_two(split.rows(), REPETITIONS, seed, |repetition, rows| {
        watch.step(repetition + 1, REPETITIONS + 1)?;
        Ok([pool.run(|| accuracy(&split.pick(rows), OF_HALVES))])
    })?;
    Ok(halves.on_others(own, [0.0, 1.0]))
}

/// The points of these numbers, and which of the `varying` factors the pictures of each share.
fn sample_points(
    codes: &KnownCodes,
    varying: &[usize],
    numbers: std::ops::Range<usize>,
    seed: u64,
) -> LabelledCodes {
    let dims = codes.code_dim();
    let point = |number: usize| {
        let mut stream = Stream::for_item(seed, "beta-VAE point", number as u64);
        let class = stream.below(varying.len());
        let factor = varying[class];
        let mut distance = vec![0.0; dims];
        for _ in 0..BETA_VAE_PAIRS {
            let one = stream.below(codes.len());
            let other = codes.sharing(factor, codes.class(factor, one), &mut stream);
            let pairs = codes.mean(one).iter().zip(codes.mean(other));
            distance.iter_mut().zip(pairs).for_each(|(sum, (a, b))| *sum += f64::from((a - b).abs()));
        }
        distance.iter_mut().for_each(|sum| *sum /= BETA_VAE_PAIRS as f64);
        (class, distance)
    };
    let points: Vec<(usize, Vec<f64>)> = numbers.into_par_iter().map(point).collect();
    let labels = Labels {
        name: "shared factor".to_owned(),
        classes: points.iter().map(|(class, _)| *class).collect(),
        count: varying.len(),
    };
    let dim = |dim: usize| points.iter().map(|(_, distance)| distance[dim]).collect();
    LabelledCodes { dims: (0..dims).map(dim).collect(), factors: vec![labels] }
}

fn accuracy(points: &SplitCodes, options: LogisticOptions) -> f64 {
    let fitted = Logistic::fit(&points.train.dims, &points.train.factors[0], options);
    let told = fitted.predict(&points.test.dims);
    let right =
        told.iter().zip(&points.test.factors[0].classes).filter(|(told, class)| told == class).count();
    right as f64 / told.len().max(1) as f64
}
