use crate::base::{Array, Stream};
use crate::model::{CodeBlock, Stats};

use super::normal;

/// The aggregated posterior of the disentangled code: the equal mixture of q(c|x) over the pictures that the
/// statistics were measured on.
///
/// Its quantiles are those of the mixture of N(mu, exp(logvar)), mean and width both, so that a range says where
/// codes of real pictures lie; the quantiles of N(0, exp(logvar)) alone, which some tools print, say nothing.
#[derive(Clone, Debug)]
pub struct Posterior {
    /// Posterior means by dimension, then picture.
    means: Vec<Vec<f64>>,
    /// Posterior standard deviations by dimension, then picture.
    deviations: Vec<Vec<f64>>,
    /// Mean KL divergence from the prior in nats, by dimension.
    kl: Vec<f64>,
    /// Variance of a mean from which on a dimension is active.
    least_variance: f64,
}

/// Statistics that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PosteriorError {
    /// Arrays of shapes that do not belong together.
    #[error(
        "the statistics do not belong together (mu {mu:?}, logvar {logvar:?}, kl {kl:?}); measure them again with \
         idgan stats"
    )]
    Shapes {
        /// Shape of the means.
        mu: Vec<usize>,
        /// Shape of the log variances.
        logvar: Vec<usize>,
        /// Shape of the divergences.
        kl: Vec<usize>,
    },
    /// NaN or infinity.
    #[error("the statistics hold values that are not finite numbers; measure them again with idgan stats")]
    NotFinite,
}

impl Posterior {
    /// A dimension is active when the variance of its mean over the data is at least this share of its prior's; the FactorVAE
    /// metric leaves out the others (Kim and Mnih 2018, whose prior has variance 1).
    pub const ACTIVE_VARIANCE: f64 = 0.05;

    /// Prepares statistics of the codes in `block` for questions.
    ///
    /// # Errors
    /// When the arrays do not belong together or hold values that are not finite.
    pub fn new(stats: &Stats, block: &CodeBlock) -> Result<Self, PosteriorError> {
        let (mu, logvar, kl) = (stats.mu.shape(), stats.logvar.shape(), stats.kl.shape());
        let fits = mu.len() == 2 && mu[0] > 0 && mu == logvar && kl == [mu[1]];
        if !fits {
            return Err(PosteriorError::Shapes { mu: mu.into(), logvar: logvar.into(), kl: kl.into() });
        }
        let arrays = [&stats.mu, &stats.logvar, &stats.kl];
        if arrays.iter().any(|array| array.data().iter().any(|value| !value.is_finite())) {
            return Err(PosteriorError::NotFinite);
        }
        let column = |array: &Array, dim: usize, map: fn(f64) -> f64| -> Vec<f64> {
            (0..array.shape()[0]).map(|row| map(f64::from(array.row(row)[dim]))).collect()
        };
        // The clamp keeps a deviation positive and finite; an encoder this sure of itself is a point to us.
        let deviation = |logvar: f64| (0.5 * logvar.clamp(-60.0, 60.0)).exp();
        Ok(Self {
            means: (0..mu[1]).map(|dim| column(&stats.mu, dim, |mean| mean)).collect(),
            deviations: (0..mu[1]).map(|dim| column(&stats.logvar, dim, deviation)).collect(),
            kl: stats.kl.data().iter().map(|&value| f64::from(value)).collect(),
            least_variance: Self::ACTIVE_VARIANCE * block.prior_variance(),
        })
    }

    /// Dimensions of the code.
    pub fn dims(&self) -> usize {
        self.means.len()
    }

    /// Pictures that were measured.
    pub fn pictures(&self) -> usize {
        self.means.first().map_or(0, Vec::len)
    }

    /// The value below which dimension `dim` lies with probability `q`.
    pub fn quantile(&self, dim: usize, q: f64) -> f64 {
        normal::mixture_quantile(&self.means[dim], &self.deviations[dim], q)
    }

    /// Lowest and highest mean of dimension `dim` over the data.
    pub fn data_range(&self, dim: usize) -> [f64; 2] {
        let means = self.means[dim].iter().copied();
        [means.clone().fold(f64::INFINITY, f64::min), means.fold(f64::NEG_INFINITY, f64::max)]
    }

    /// Density of dimension `dim` at `value`.
    pub fn density(&self, dim: usize, value: f64) -> f64 {
        normal::mixture_density(&self.means[dim], &self.deviations[dim], value)
    }

    /// Mean KL divergence of dimension `dim` from the prior, in nats.
    pub fn kl(&self, dim: usize) -> f64 {
        self.kl[dim]
    }

    /// Variance over the data of the mean of dimension `dim`.
    pub fn mean_variance(&self, dim: usize) -> f64 {
        let means = &self.means[dim];
        let mean = means.iter().sum::<f64>() / means.len() as f64;
        means.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / means.len() as f64
    }

    /// Whether dimension `dim` carries information; the others have collapsed onto the prior.
    pub fn is_active(&self, dim: usize) -> bool {
        self.mean_variance(dim) >= self.least_variance
    }

    /// The dimensions from the most informative (largest KL) to the least; ties in index order.
    pub fn order_by_kl(&self) -> Vec<usize> {
        descending(&self.kl)
    }

    /// The share of the posterior's mass in each of `bins` equal parts of `range`, for dimension `dim`. What lies
    /// outside is in no bin, so the sum may be below 1.
    pub fn histogram(&self, dim: usize, range: [f64; 2], bins: usize) -> Vec<f64> {
        let edge = |k: usize| range[0] + (range[1] - range[0]) * k as f64 / bins as f64;
        let below = |k| normal::mixture_cumulative(&self.means[dim], &self.deviations[dim], edge(k));
        let edges: Vec<f64> = (0..=bins).map(below).collect();
        edges.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// A draw from the aggregated posterior: c = mu + exp(logvar / 2) * eps of one random picture.
    pub fn draw(&self, stream: &mut Stream) -> Vec<f32> {
        let picture = stream.below(self.pictures());
        let draw =
            |dim: usize, eps: f32| self.means[dim][picture] + self.deviations[dim][picture] * f64::from(eps);
        (0..self.dims()).map(|dim| draw(dim, stream.normal()) as f32).collect()
    }
}

/// Indices from the largest value to the smallest; ties in index order.
pub(super) fn descending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CodeKind;

    /// Two pictures, two dimensions: one informative around 4, one collapsed.
    fn stats() -> Stats {
        let array = |shape: &[usize], data: &[f32]| Array::new(shape, data.to_vec()).expect("fits");
        Stats {
            mu: array(&[2, 2], &[3.0, 0.0, 5.0, 0.0]),
            logvar: array(&[2, 2], &[-4.0, 0.0, -4.0, 0.0]),
            kl: array(&[2], &[9.5, 0.0]),
        }
    }

    fn block() -> CodeBlock {
        CodeBlock::disentangled(2)
    }

    #[test]
    fn quantiles_include_the_mean() {
        let posterior = Posterior::new(&stats(), &block()).expect("valid");
        // Two narrow parts at 3 and 5: the quartiles of the mixture are the medians of the parts.
        assert!((posterior.quantile(0, 0.25) - 3.0).abs() < 1e-6);
        assert!((posterior.quantile(0, 0.75) - 5.0).abs() < 1e-6);
        assert!((posterior.quantile(1, 0.975) - 1.959_963_984_540_054).abs() < 1e-9);
        assert_eq!(posterior.data_range(0), [3.0, 5.0]);
    }

    #[test]
    fn information_decides_order_and_activity() {
        let mut stats = stats();
        let posterior = Posterior::new(&stats, &block()).expect("valid");
        assert_eq!(posterior.order_by_kl(), [0, 1]);
        assert_eq!((posterior.is_active(0), posterior.is_active(1)), (true, false));
        assert_eq!(posterior.mean_variance(0), 1.0);
        // A mean that reaches a fifth of the way from 0 to 1 is one of the numbers that matter there, not of those from -3 to 3.
        let mut narrow = stats.clone();
        narrow.mu.data_mut().copy_from_slice(&[0.4, 0.5, 0.6, 0.5]);
        let uniform = CodeBlock { kind: CodeKind::Uniform, range: [0.0, 1.0], ..block() };
        let active = |block: &CodeBlock| Posterior::new(&narrow, block).expect("valid").is_active(0);
        assert_eq!((active(&uniform), active(&block())), (true, false));
        stats.kl.data_mut().copy_from_slice(&[0.1, 0.2]);
        assert_eq!(Posterior::new(&stats, &block()).expect("valid").order_by_kl(), [1, 0]);
    }

    #[test]
    fn a_histogram_over_everything_holds_all_mass() {
        let posterior = Posterior::new(&stats(), &block()).expect("valid");
        let bins = posterior.histogram(0, [0.0, 8.0], 4);
        assert_eq!(bins.len(), 4);
        assert!((bins.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!((bins[1] - 0.5).abs() < 1e-9 && (bins[2] - 0.5).abs() < 1e-9, "{bins:?}");
        let normal = posterior.histogram(1, [-1.0, 1.0], 1);
        assert!((normal[0] - 0.682_689_492_137_086).abs() < 1e-12);
    }

    #[test]
    fn draws_follow_the_mixture() {
        let posterior = Posterior::new(&stats(), &block()).expect("valid");
        let mut stream = Stream::new(1, "test");
        let draws: Vec<Vec<f32>> = (0..4000).map(|_| posterior.draw(&mut stream)).collect();
        let mean = draws.iter().map(|c| f64::from(c[0])).sum::<f64>() / 4000.0;
        let low = draws.iter().filter(|c| c[0] < 4.0).count();
        let variance = draws.iter().map(|c| f64::from(c[1]).powi(2)).sum::<f64>() / 4000.0;
        assert!((mean - 4.0).abs() < 0.08 && (low as f64 / 4000.0 - 0.5).abs() < 0.04, "{mean} {low}");
        assert!((variance - 1.0).abs() < 0.1, "{variance}");
        assert!(draws.iter().all(|c| (c[0] - 4.0).abs() < 1.0 + 6.0 * 0.136));
    }

    #[test]
    fn statistics_that_do_not_belong_together_are_refused() {
        let mut wrong = stats();
        wrong.kl = Array::zeros([3]);
        assert!(matches!(Posterior::new(&wrong, &block()), Err(PosteriorError::Shapes { .. })));
        let mut wrong = stats();
        wrong.mu.data_mut()[1] = f32::NAN;
        assert_eq!(Posterior::new(&wrong, &block()).err(), Some(PosteriorError::NotFinite));
    }
}
