//! The FactorVAE metric (Kim and Mnih 2018; paper section C).

use crate::base::Stream;

use super::encoded::variances;
use super::score::bootstrap_deviation;
use super::{EncodedData, MetricError, Score, Watch};

/// Bootstrap samples of the votes.
const REPETITIONS: usize = 1000;

/// How the metric is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FvmOptions {
    /// Votes that train the classifier.
    pub votes: usize,
    /// Votes that only measure it; with none its accuracy on its own votes counts.
    pub evaluation_votes: usize,
    /// Pictures that share one factor, a vote.
    pub pictures: usize,
    /// Dimensions whose mean varies less over the data do not vote.
    pub least_variance: f64,
}

impl FvmOptions {
    /// The paper's: 800 votes of 100 pictures, accuracy on these votes, dimensions of a variance below 0.05 left out.
    pub const PAPER: Self = Self { votes: 800, evaluation_votes: 0, pictures: 100, least_variance: 0.05 };

    /// Those of disentanglement_lib (Locatello et al. 2019): 10,000 votes of 64 pictures, accuracy on 5,000 others,
    /// dimensions of a standard deviation below 0.05 left out (`prune_dims.threshold` in all three published
    /// configurations; in its code the default is 0).
    pub const DISENTANGLEMENT_LIB: Self =
        Self { votes: 10_000, evaluation_votes: 5_000, pictures: 64, least_variance: 0.0025 };
}

/// One vote: which factor was held fixed, and which dimension varied least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The factor.
    pub factor: usize,
    /// The dimension.
    pub dim: usize,
}

/// Accuracy of the classifier that knows for each dimension the factor it most often stands for.
///
/// `variances` `(code_dim,)` are those of the means over the data.
///
/// # Errors
/// When the data has no factors that vary, pictures cannot be encoded, or the watch stops it.
pub fn fvm(
    encoded_data: &mut dyn EncodedData,
    variances: &[f64],
    options: &FvmOptions,
    seed: u64,
    watch: &mut Watch<'_>,
) -> Result<Score, MetricError> {
    let votes = cast_votes(encoded_data, variances, options, seed, watch)?;
    if votes.is_empty() {
        return Ok(Score::spread(0.0, 0.0, [0.0, 1.0]));
    }
    let (train, test) = votes.split_at(options.votes.min(votes.len()));
    let (dims, factors) = (variances.len(), encoded_data.factors().len());
    let measure = |train: &[Vote], test: &[Vote]| {
        let classifier = majority(train, dims, factors);
        accuracy(&classifier, if options.evaluation_votes == 0 { train } else { test })
    };
    let pick = |rows: &[usize], from: &[Vote]| -> Vec<Vote> { rows.iter().map(|&row| from[row]).collect() };
    let deviation = match options.evaluation_votes {
        0 => bootstrap_deviation(train.len(), REPETITIONS, seed, |rows| measure(&pick(rows, train), &[])),
        _ => bootstrap_deviation(test.len(), REPETITIONS, seed, |rows| measure(train, &pick(rows, test))),
    };
    Ok(Score::around(measure(train, test), deviation, [0.0, 1.0]))
}

/// The votes of the metric, those that train first; none where no dimension is active.
pub(super) fn cast_votes(
    encoded_data: &mut dyn EncodedData,
    variances: &[f64],
    options: &FvmOptions,
    seed: u64,
    watch: &mut Watch<'_>,
) -> Result<Vec<Vote>, MetricError> {
    let active = active_dims(variances, options.least_variance);
    let sizes: Vec<usize> = encoded_data.factors().iter().map(|factor| factor.values.len()).collect();
    let varying: Vec<usize> = (0..sizes.len()).filter(|&k| sizes[k] > 1).collect();
    if varying.is_empty() {
        return Err(MetricError::request("the FactorVAE metric needs data with known factors"));
    }
    if active.is_empty() {
        return Ok(Vec::new());
    }
    let total = options.votes + options.evaluation_votes;
    let mut votes = Vec::with_capacity(total);
    let mut mu = vec![0.0; options.pictures * encoded_data.code_dim()];
    let mut logvar = mu.clone();
    for number in 0..total {
        watch.step(number, total)?;
        let mut stream = Stream::for_item(seed, "fvm vote", number as u64);
        let factor = varying[stream.below(varying.len())];
        let class = stream.below(sizes[factor]);
        let indices: Vec<usize> =
            (0..options.pictures).map(|_| encoded_data.sharing(factor, class, &mut stream)).collect();
        encoded_data.encode(&indices, seed, &mut mu, &mut logvar)?;
        votes.extend(vote(&mu, variances, &active).map(|dim| Vote { factor, dim }));
    }
    Ok(votes)
}

/// Dimensions that vary at all, and whose variance is at least `least`.
pub fn active_dims(variances: &[f64], least: f64) -> Vec<usize> {
    (0..variances.len()).filter(|&dim| variances[dim] > 0.0 && variances[dim] >= least).collect()
}

/// The dimension among `active` that varies least in `mu` `(N, dims)` against its variance over the data.
pub fn vote(mu: &[f32], global: &[f64], active: &[usize]) -> Option<usize> {
    let local = variances(mu, global.len());
    let ratio = |dim: usize| local[dim] / global[dim];
    active.iter().copied().min_by(|&a, &b| ratio(a).total_cmp(&ratio(b)))
}

/// How often each dimension stood for each factor, `[dimension][factor]`.
pub(super) fn counted(votes: &[Vote], dims: usize, factors: usize) -> Vec<Vec<usize>> {
    let mut counts = vec![vec![0; factors]; dims];
    for vote in votes {
        counts[vote.dim][vote.factor] += 1;
    }
    counts
}

/// The factor that each dimension most often stood for; the first of equals.
pub fn majority(votes: &[Vote], dims: usize, factors: usize) -> Vec<usize> {
    let counts = counted(votes, dims, factors);
    let most = |counts: &Vec<usize>| (0..factors).rev().max_by_key(|&factor| counts[factor]).unwrap_or(0);
    counts.iter().map(most).collect()
}

/// The share of votes whose factor the classifier tells from the dimension; 0 without votes.
pub fn accuracy(classifier: &[usize], votes: &[Vote]) -> f64 {
    let right = votes.iter().filter(|vote| classifier[vote.dim] == vote.factor).count();
    right as f64 / votes.len().max(1) as f64
}
