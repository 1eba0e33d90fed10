//! Densities of codes under the aggregated posterior, the equal mixture of the posteriors of pictures.

use rayon::prelude::*;

/// Codes, and the logarithms of their densities under a mixture of posteriors that are added one after the other and not
/// kept.
pub struct Mixture {
    dims: usize,
    codes: Vec<Code>,
}

/// One code and its densities so far.
struct Code {
    values: Vec<f64>,
    own: Option<Own>,
    /// Posteriors added that are not its own.
    others: usize,
    /// The whole code under these.
    joint: LogSum,
    /// Each dimension under these.
    single: Vec<LogSum>,
}

/// The posterior that a code was drawn from: it belongs to the mixture, added or not.
struct Own {
    /// The number of its picture.
    picture: usize,
    /// The log density of each dimension under it.
    densities: Vec<f64>,
}

/// A code with the posterior it was drawn from.
pub(super) struct SampledCode<'a> {
    /// `(dims,)`.
    pub(super) code: Vec<f32>,
    /// The number of the picture.
    pub(super) picture: usize,
    /// Its posterior's means and log variances, `(dims,)`.
    pub(super) mu: &'a [f32],
    pub(super) logvar: &'a [f32],
}

impl Mixture {
    /// Codes `(N, dims)` from elsewhere.
    pub fn new(codes: &[f32], dims: usize) -> Self {
        Self { dims, codes: codes.chunks_exact(dims.max(1)).map(Code::new).collect() }
    }

    /// Codes of `dims` dimensions that were drawn from posteriors of the mixture.
    pub(super) fn of_samples<'a>(sample: impl Iterator<Item = SampledCode<'a>>, dims: usize) -> Self {
        let one = |sample: SampledCode<'_>| {
            let code = Code::new(&sample.code);
            let posterior = Posteriors::new(sample.mu, sample.logvar);
            let densities = (0..dims).map(|dim| posterior.log_density(dim, code.values[dim])).collect();
            Code { own: Some(Own { picture: sample.picture, densities }), ..code }
        };
        Self { dims, codes: sample.map(one).collect() }
    }

    /// Adds the posteriors of the pictures `indices`: means and log variances `(indices.len(), dims)`.
    pub fn add(&mut self, indices: &[usize], mu: &[f32], logvar: &[f32]) {
        let (posteriors, dims) = (Posteriors::new(mu, logvar), self.dims);
        self.codes.par_iter_mut().for_each(|code| {
            let own = code.own.as_ref().map(|own| own.picture);
            for (row, _) in indices.iter().enumerate().filter(|&(_, &index)| own != Some(index)) {
                code.add(&posteriors, row * dims);
            }
        });
    }

    /// Posteriors in the mixture, the fewest of any code.
    pub(super) fn len(&self) -> usize {
        self.codes.iter().map(Code::posteriors).min().unwrap_or(0)
    }

    /// log q(c) - sum_j log q(c_j) in nats of each code.
    pub fn log_ratios(&self) -> Vec<f64> {
        let joint =
            |code: &Code| code.log_mean(code.joint, code.own_densities().map(|terms| terms.iter().sum()));
        self.codes.iter().map(|code| joint(code) - code.log_product()).collect()
    }

    /// The same with the codes' own posteriors left out of q(c), but not of q(c_j), which are mixtures of many near ones.
    pub(super) fn log_ratios_without_own(&self) -> Vec<f64> {
        let joint = |code: &Code| code.joint.value() - (code.others as f64).ln();
        self.codes.iter().map(|code| joint(code) - code.log_product()).collect()
    }
}

impl Code {
    fn new(values: &[f32]) -> Self {
        let values: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
        let single = vec![LogSum::default(); values.len()];
        Self { values, own: None, others: 0, joint: LogSum::default(), single }
    }

    fn add(&mut self, posteriors: &Posteriors, at: usize) {
        let mut joint = 0.0;
        for (dim, (&value, single)) in self.values.iter().zip(&mut self.single).enumerate() {
            let density = posteriors.log_density(at + dim, value);
            single.add(density);
            joint += density;
        }
        self.joint.add(joint);
        self.others += 1;
    }

    fn posteriors(&self) -> usize {
        self.others + usize::from(self.own.is_some())
    }

    fn own_densities(&self) -> Option<&[f64]> {
        self.own.as_ref().map(|own| own.densities.as_slice())
    }

    /// The logarithm of the mean of the densities summed in `others` and, where there is one, its `own`.
    fn log_mean(&self, mut others: LogSum, own: Option<f64>) -> f64 {
        own.into_iter().for_each(|density| others.add(density));
        others.value() - (self.posteriors() as f64).ln()
    }

    fn log_product(&self) -> f64 {
        let own = |dim: usize| self.own_densities().map(|densities| densities[dim]);
        self.single.iter().enumerate().map(|(dim, &others)| self.log_mean(others, own(dim))).sum()
    }
}

/// Posteriors of some pictures, ready to be evaluated.
struct Posteriors {
    means: Vec<f64>,
    logvars: Vec<f64>,
    precisions: Vec<f64>,
}

impl Posteriors {
    fn new(mu: &[f32], logvar: &[f32]) -> Self {
        let wide = |values: &[f32]| -> Vec<f64> { values.iter().map(|&value| f64::from(value)).collect() };
        let logvars = wide(logvar);
        Self { means: wide(mu), precisions: logvars.iter().map(|logvar| (-logvar).exp()).collect(), logvars }
    }

    /// Log density of `value` in the dimension at `at`, without log(2 pi) / 2, which cancels between the whole code and the
    /// product of its dimensions.
    fn log_density(&self, at: usize, value: f64) -> f64 {
        -0.5 * ((value - self.means[at]).powi(2) * self.precisions[at] + self.logvars[at])
    }
}

/// The logarithm of a sum of exponentials, term by term.
#[derive(Clone, Copy)]
struct LogSum {
    largest: f64,
    /// In units of exp(largest).
    sum: f64,
}

/// A term smaller than the largest by this factor's logarithm is lost in rounding, however many come.
const NEGLIGIBLE: f64 = 60.0;

impl Default for LogSum {
    fn default() -> Self {
        Self { largest: f64::NEG_INFINITY, sum: 0.0 }
    }
}

impl LogSum {
    fn add(&mut self, term: f64) {
        if term > self.largest {
            self.sum = self.sum * (self.largest - term).exp() + 1.0;
            self.largest = term;
        } else if term > self.largest - NEGLIGIBLE {
            self.sum += (term - self.largest).exp();
        }
    }

    fn value(&self) -> f64 {
        self.largest + self.sum.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_add_up_whatever_their_size_and_order() {
        let sum = |terms: &[f64]| {
            let mut sum = LogSum::default();
            terms.iter().for_each(|&term| sum.add(term));
            sum.value()
        };
        assert_eq!(sum(&[]), f64::NEG_INFINITY);
        assert!((sum(&[0.0, 0.0, 0.0]) - 3f64.ln()).abs() < 1e-15);
        let expected = 700.0 + (1.0 + (-3f64).exp() + (-20f64).exp()).ln();
        for terms in [[680.0, 697.0, 700.0], [700.0, 680.0, 697.0], [697.0, 700.0, 680.0]] {
            assert!((sum(&terms) - expected).abs() < 1e-12);
        }
        assert_eq!(sum(&[-1000.0, 1000.0, -1000.0]), 1000.0);
    }

    #[test]
    fn a_codes_own_posterior_counts_once_added_or_not() {
        let (mu, logvar) = ([0.0, 1.0, 3.0], [0.0, -1.0, 0.5]);
        let sample =
            |picture: usize| SampledCode { code: vec![0.7], picture, mu: &mu[1..2], logvar: &logvar[1..2] };
        // One dimension: the whole code is the only dimension, so its own posterior decides what is left.
        let mut added = Mixture::of_samples([sample(5)].into_iter(), 1);
        added.add(&[4, 5, 6], &mu, &logvar);
        let mut apart = Mixture::of_samples([sample(9)].into_iter(), 1);
        apart.add(&[4], &mu[..1], &logvar[..1]);
        apart.add(&[6], &mu[2..], &logvar[2..]);
        assert_eq!((added.len(), apart.len()), (3, 3));
        assert_eq!((added.log_ratios(), apart.log_ratios()), (vec![0.0], vec![0.0]));
        let without = [added, apart].map(|mixture| mixture.log_ratios_without_own()[0]);
        let density = |at: usize| {
            (-0.5f64 * ((0.7 - f64::from(mu[at])).powi(2) * f64::from(-logvar[at]).exp())).exp()
                * (-0.5 * f64::from(logvar[at])).exp()
        };
        let all = [0, 1, 2].map(density);
        let expected = ((all[0] + all[2]) / 2.0).ln() - (all.iter().sum::<f64>() / 3.0).ln();
        assert!(without.iter().all(|value| (value - expected).abs() < 1e-6), "{without:?}, {expected}");
    }
}
