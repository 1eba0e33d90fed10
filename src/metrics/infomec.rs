//! InfoMEC (Hsu et al. 2023): how modular, explicit and compact a code is, by information.

use rayon::prelude::*;

use crate::base::Pool;

use super::explicitness::standardise;
use super::halves::half_samples_of_two;
use super::histogram::entropy_of;
use super::logistic::{Logistic, LogisticOptions};
use super::neighbours::{Digamma, Spread};
use super::{LabelledCodes, Labels, MetricError, Score, Watch};

/// Neighbours that tell the density around a code.
const NEIGHBOURS: usize = 10;
/// A dimension whose means reach less far than this share of the widest does not count.
const LEAST_RANGE: f64 = 0.05;
/// Halves of the pictures that tell the deviations.
const REPETITIONS: usize = 20;
/// Without a penalty, and all classes weigh the same.
const OPTIONS: LogisticOptions = LogisticOptions { strength: f64::INFINITY, is_balanced: true };

/// Modularity and compactness by the mutual information of each dimension with each factor, estimated by nearest
/// neighbours, in units of the factor's entropy: InfoM, how far an active dimension knows of one factor only, and InfoC, how
/// far a factor is known to one active dimension only. From 0, where all know the same, to 1.
///
/// Active are dimensions whose means reach further than a twentieth of the widest. The parts are the dimensions' and the
/// factors'.
///
/// # Errors
/// When the data has no factors that vary, or the watch stops it.
pub fn info_modularity_compactness(
    codes: &LabelledCodes,
    seed: u64,
    pool: &Pool,
    watch: &mut Watch<'_>,
) -> Result<[Score; 2], MetricError> {
    codes.require_factors("InfoMEC")?;
    let active = active(codes);
    let digamma = Digamma::up_to(codes.rows() + 1);
    watch.step(0, REPETITIONS + 1)?;
    let table = pool.run(|| information(codes, seed, &digamma));
    let [by_dim, by_factor] = shares(&table, &active);
    let [modularity, compactness] =
        half_samples_of_two([codes.rows(), 0], REPETITIONS, seed, |repetition, rows| {
            watch.step(repetition + 1, REPETITIONS + 1)?;
            let table = pool.run(|| information(&codes.pick(rows[0]), seed, &digamma));
            let [by_dim, by_factor] = shares(&table, &active);
            Ok([scaled(&by_dim, codes.factors.len()), scaled(&by_factor, active.len())])
        })?;
    let names = active.iter().map(ToString::to_string);
    Ok([
        modularity.around(scaled(&by_dim, codes.factors.len()), [0.0, 1.0]).with_parts(names, &by_dim),
        compactness
            .around(scaled(&by_factor, active.len()), [0.0, 1.0])
            .with_parts(codes.names(), &by_factor),
    ])
}

/// InfoE: how much of each factor a linear classifier reads from the whole code, 1 less its remaining uncertainty (the mean
/// log loss on the codes it has learned from, all classes weighing the same) in units of that without a code. The parts are
/// the factors'.
///
/// # Errors
/// When the data has no factors that vary, or the watch stops it.
pub fn info_explicitness(
    codes: &LabelledCodes,
    seed: u64,
    pool: &Pool,
    watch: &mut Watch<'_>,
) -> Result<Score, MetricError> {
    codes.require_factors("InfoMEC")?;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    watch.step(0, REPETITIONS + 1)?;
    let own = pool.run(|| read(codes));
    let [halves] = half_samples_of_two([codes.rows(), 0], REPETITIONS, seed, |repetition, rows| {
        watch.step(repetition + 1, REPETITIONS + 1)?;
        Ok([mean(&pool.run(|| read(&codes.pick(rows[0]))))])
    })?;
    Ok(halves.around(mean(&own), [0.0, 1.0]).with_parts(codes.names(), &own))
}

/// The dimensions whose means reach far enough.
fn active(codes: &LabelledCodes) -> Vec<usize> {
    let reach = |dim: &Vec<f64>| {
        let high = dim.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        high - dim.iter().copied().fold(f64::INFINITY, f64::min)
    };
    let reaches: Vec<f64> = codes.dims.iter().map(reach).collect();
    let widest = reaches.iter().copied().fold(0.0, f64::max);
    (0..reaches.len()).filter(|&dim| reaches[dim] > LEAST_RANGE * widest).collect()
}

/// What each dimension knows of each factor, in units of the factor's entropy: `[dimension][factor]`.
fn information(codes: &LabelledCodes, seed: u64, digamma: &Digamma) -> Vec<Vec<f64>> {
    let entropies: Vec<f64> =
        codes.factors.iter().map(|labels| entropy_of(&labels.classes, labels.count)).collect();
    let of_dim = |(dim, column): (usize, &Vec<f64>)| {
        let spread = Spread::of(column, seed, dim);
        let of_factor = |(labels, &entropy): (&Labels, &f64)| {
            let known = spread.information(&labels.classes, labels.count, NEIGHBOURS, digamma);
            if entropy > 0.0 { known / entropy } else { 0.0 }
        };
        codes.factors.iter().zip(&entropies).map(of_factor).collect()
    };
    codes.dims.par_iter().enumerate().map(of_dim).collect()
}

/// The share of the largest entry in the sum: of each active row of `table`, and of each column of these.
fn shares(table: &[Vec<f64>], active: &[usize]) -> [Vec<f64>; 2] {
    let share = |entries: &mut dyn Iterator<Item = f64>| {
        let (most, sum) = entries.fold((0.0f64, 0.0), |(most, sum), entry| (most.max(entry), sum + entry));
        if sum > 0.0 { most / sum } else { 0.0 }
    };
    let factors = table.first().map_or(0, Vec::len);
    let of_dim = |&dim: &usize| share(&mut table[dim].iter().copied());
    let of_factor = |factor: usize| share(&mut active.iter().map(|&dim| table[dim][factor]));
    [active.iter().map(of_dim).collect(), (0..factors).map(of_factor).collect()]
}

/// The mean share among `count` competitors, on a scale from 0 where all are alike to 1 where there is but one; 0 of none, and
/// of a single competitor, which proves nothing.
fn scaled(shares: &[f64], count: usize) -> f64 {
    if shares.is_empty() || count < 2 {
        return 0.0;
    }
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    let even = 1.0 / count as f64;
    ((mean - even) / (1.0 - even)).max(0.0)
}

/// How much of each factor is read.
fn read(codes: &LabelledCodes) -> Vec<f64> {
    let mut dims = codes.dims.clone();
    dims.iter_mut().for_each(|dim| standardise(dim, &mut []));
    let of_factor = |labels: &Labels| {
        let fitted = Logistic::fit(&dims, labels, OPTIONS);
        // Without a code all that are there are as probable, since they weigh the same.
        let none = (fitted.classes().len() as f64).ln();
        if none == 0.0 { 0.0 } else { (none - fitted.log_loss(&dims, labels)) / none }
    };
    codes.factors.iter().map(of_factor).collect()
}
