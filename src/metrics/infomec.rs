//! InfoMEC (Hsu et al. 2023): how modular, explicit and compact a code is, by information.

use rayon::prelude::*;

use crate::base::{Pool, Stream};

use super::explicitness::standardise;
use super::halves::{OnAll, half_samples_of_two};
use super::histogram::{entropy_of, mutual_information};
use super::logistic::{Logistic, LogisticOptions};
use super::neighbours::{Digamma, Spread};
use super::{LabelledCodes, Labels, MetricError, Score, Watch};

/// Neighbours that tell the density around a code.
const NEIGHBOURS: usize = 10;
/// A dimension whose means reach less far than this share of the widest does not count.
const LEAST_RANGE: f64 = 0.05;
/// Halves of the pictures that tell the deviations.
const REPETITIONS: usize = 20;
/// The same where each takes a classifier.
const FITS: usize = 10;
/// Codes that a classifier learns from where there are so many more.
const MOST_ROWS: usize = 90_000;
/// Without a penalty, and all classes weigh the same.
const OPTIONS: LogisticOptions = LogisticOptions { strength: f64::INFINITY, is_balanced: true };

/// What kind of numbers a code is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Latents {
    /// Numbers whose information about factors is told by nearest neighbours.
    #[default]
    Continuous,
    /// Few values a dimension, of which each is a class: information is counted, and a linear classifier sees which it is.
    Discrete,
}

/// Most values of a discrete dimension.
const MOST_VALUES: usize = 4096;

/// Modularity and compactness by the mutual information of each dimension with each factor in units of the factor's entropy:
/// InfoM, how far an active dimension knows of one factor only, and InfoC, how far a factor is known to one active dimension
/// only. From 0, where all know the same, to 1. The information is estimated by nearest neighbours, of discrete `latents` counted.
///
/// Active are dimensions whose means reach further than a twentieth of the widest, of discrete ones those that vary. The parts
/// are the dimensions' and the factors'. With the codes of `all` pictures the intervals are of the values on these.
///
/// # Errors
/// When the data has no factors that vary, a discrete dimension has too many values, or the watch stops it.
pub fn info_modularity_compactness(
    codes: &LabelledCodes,
    latents: Latents,
    all: Option<&LabelledCodes>,
    seed: u64,
    pool: &Pool,
    watch: &mut Watch<'_>,
) -> Result<[Score; 2], MetricError> {
    codes.require_factors("InfoMEC")?;
    latents.check(codes)?;
    let most = all.map_or(0, LabelledCodes::rows).max(codes.rows());
    let digamma = Digamma::up_to(most + 1);
    let measure = |codes: &LabelledCodes| {
        let active = latents.active(codes);
        let table = pool.run(|| information(codes, latents, seed, &digamma));
        let shares = shares(&table, &active);
        let values = [scaled(&shares[0], codes.factors.len()), scaled(&shares[1], active.len())];
        (values, shares, active)
    };
    let steps = REPETITIONS + 2;
    watch.step(0, steps)?;
    let (values, [by_dim, by_factor], active) = measure(codes);
    watch.step(1, steps)?;
    let on_all = all.map(|all| (measure(all).0, all.rows()));
    let halves = half_samples_of_two([codes.rows(), 0], REPETITIONS, seed, |repetition, rows| {
        watch.step(repetition + 2, steps)?;
        Ok(measure(&codes.pick(rows[0])).0)
    })?;
    let score = |place: usize| {
        let all = on_all.map(|(values, rows)| OnAll { value: values[place], rows });
        halves[place].on_all(values[place], codes.rows(), all, [0.0, 1.0])
    };
    let names = active.iter().map(ToString::to_string);
    Ok([score(0).with_parts(names, &by_dim), score(1).with_parts(codes.names(), &by_factor)])
}

/// InfoE: how much of each factor a linear classifier reads from the whole code, 1 less its remaining uncertainty (the mean
/// log loss on the codes it has learned from, all classes weighing the same) in units of that without a code. Of discrete
/// `latents` it sees which value each has. The parts are the factors'. With the codes of `all` pictures, of which it learns from
/// 90,000, the interval is of the value on these.
///
/// # Errors
/// When the data has no factors that vary, a discrete dimension has too many values, or the watch stops it.
pub fn info_explicitness(
    codes: &LabelledCodes,
    latents: Latents,
    all: Option<&LabelledCodes>,
    seed: u64,
    pool: &Pool,
    watch: &mut Watch<'_>,
) -> Result<Score, MetricError> {
    codes.require_factors("InfoMEC")?;
    latents.check(codes)?;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let steps = FITS + 2;
    watch.step(0, steps)?;
    let own = pool.run(|| read(codes, latents));
    watch.step(1, steps)?;
    let on_all = all.map(|all| {
        let mut order = Stream::new(seed, "many codes").permutation(all.rows());
        order.truncate(MOST_ROWS);
        let rows: Vec<usize> = order.into_iter().map(|row| row as usize).collect();
        let value = mean(&pool.run(|| read(&all.pick(&rows), latents)));
        OnAll { value, rows: rows.len() }
    });
    let [halves] = half_samples_of_two([codes.rows(), 0], FITS, seed, |repetition, rows| {
        watch.step(repetition + 2, steps)?;
        Ok([mean(&pool.run(|| read(&codes.pick(rows[0]), latents)))])
    })?;
    Ok(halves.on_all(mean(&own), codes.rows(), on_all, [0.0, 1.0]).with_parts(codes.names(), &own))
}

impl Latents {
    /// Refuses codes of too many values.
    fn check(self, codes: &LabelledCodes) -> Result<(), MetricError> {
        let of_dim = |dim: &Vec<f64>| if self == Self::Discrete { values_of(dim).len() } else { 0 };
        match codes.dims.iter().map(of_dim).enumerate().find(|(_, values)| *values > MOST_VALUES) {
            None => Ok(()),
            Some((dim, values)) => Err(MetricError::request(format!(
                "dimension {dim} has {values} different values, too many for a discrete code; leave --discrete-latents out"
            ))),
        }
    }

    /// The dimensions that count.
    fn active(self, codes: &LabelledCodes) -> Vec<usize> {
        let reach = |dim: &Vec<f64>| {
            let high = dim.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            high - dim.iter().copied().fold(f64::INFINITY, f64::min)
        };
        let reaches: Vec<f64> = codes.dims.iter().map(reach).collect();
        let widest = reaches.iter().copied().fold(0.0, f64::max);
        let least = if self == Self::Discrete { 0.0 } else { LEAST_RANGE * widest };
        (0..reaches.len()).filter(|&dim| reaches[dim] > least).collect()
    }

    /// What a linear classifier sees of them.
    fn seen(self, codes: &LabelledCodes) -> Vec<Vec<f64>> {
        match self {
            Self::Continuous => {
                let mut dims = codes.dims.clone();
                dims.iter_mut().for_each(|dim| standardise(dim, &mut []));
                dims
            }
            Self::Discrete => {
                let is = |dim: &[f64], value: f64| {
                    dim.iter().map(|own| if *own == value { 1.0 } else { 0.0 }).collect::<Vec<f64>>()
                };
                let of_dim = |dim: &Vec<f64>| {
                    values_of(dim).into_iter().map(|value| is(dim, value)).collect::<Vec<_>>()
                };
                codes.dims.iter().flat_map(of_dim).collect()
            }
        }
    }
}

/// The different values of a dimension, ascending.
fn values_of(dim: &[f64]) -> Vec<f64> {
    let mut values = dim.to_vec();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

/// What each dimension knows of each factor, in units of the factor's entropy: `[dimension][factor]`.
fn information(codes: &LabelledCodes, latents: Latents, seed: u64, digamma: &Digamma) -> Vec<Vec<f64>> {
    let entropies: Vec<f64> =
        codes.factors.iter().map(|labels| entropy_of(&labels.classes, labels.count)).collect();
    let in_units = |known: f64, entropy: f64| if entropy > 0.0 { known / entropy } else { 0.0 };
    let of_dim = |(dim, column): (usize, &Vec<f64>)| {
        let known: Vec<f64> = match latents {
            Latents::Continuous => {
                let spread = Spread::of(column, seed, dim);
                let of_factor =
                    |labels: &Labels| spread.information(&labels.classes, labels.count, NEIGHBOURS, digamma);
                codes.factors.iter().map(of_factor).collect()
            }
            Latents::Discrete => {
                let values = values_of(column);
                let class = |value: &f64| values.partition_point(|known| known.total_cmp(value).is_lt());
                let classes: Vec<usize> = column.iter().map(class).collect();
                let of_factor = |labels: &Labels| {
                    mutual_information(&classes, &labels.classes, [values.len(), labels.count])
                };
                codes.factors.iter().map(of_factor).collect()
            }
        };
        known.into_iter().zip(&entropies).map(|(known, &entropy)| in_units(known, entropy)).collect()
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
fn read(codes: &LabelledCodes, latents: Latents) -> Vec<f64> {
    let dims = latents.seen(codes);
    let of_factor = |labels: &Labels| {
        let fitted = Logistic::fit(&dims, labels, OPTIONS);
        // Without a code all that are there are as probable, since they weigh the same.
        let none = (fitted.classes().len() as f64).ln();
        if none == 0.0 { 0.0 } else { (none - fitted.log_loss(&dims, labels)) / none }
    };
    codes.factors.iter().map(of_factor).collect()
}
