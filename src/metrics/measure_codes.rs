//! Everything that looks at codes of the data alone, whoever made them.

use crate::base::{Array, Cancel, Pool};

use super::beta_vae::{BETA_VAE_PAIRS, BETA_VAE_POINTS, beta_vae};
use super::clusters::clustering_error;
use super::correlation::factor_correlation;
use super::dci::dci;
use super::divergence::{active_units, kl};
use super::encoded::{Effort, each_posterior};
use super::explicitness::explicitness;
use super::fvm::{FvmOptions, fvm};
use super::infomec::{info_explicitness, info_modularity_compactness};
use super::irs::irs;
use super::mean_information::mean_information;
use super::mig::mig;
use super::mixture::Mixture;
use super::modularity::modularity;
use super::request::{CODED_PICTURES, check_codes};
use super::sap::sap;
use super::total_correlation::{drawn_codes, gaussian_total_correlation, total_correlation};
use super::wasserstein_correlation::gaussian_wasserstein;
use super::{
    CodeSample, EncodedData, Evaluation, KnownCodes, LabelledCodes, Latents, Metric, MetricError,
    MetricProgress, Request, Score, SplitCodes, Watch,
};

/// Measures codes of any model, as [`super::evaluate`] measures those of an encoder. `spec` says whose they are, and `hash` is
/// that of their file.
///
/// # Errors
/// [`MetricError::Request`] when a question makes no sense for these codes, [`MetricError::Cancelled`] once `cancel` is raised.
pub fn evaluate_codes(
    encoded_data: &mut KnownCodes,
    (spec, hash): (&str, &str),
    request: &Request,
    pool: &Pool,
    progress: &mut dyn FnMut(MetricProgress),
    cancel: &Cancel,
) -> Result<Evaluation, MetricError> {
    check_codes(encoded_data, spec, request)?;
    let mut result = Evaluation {
        model_hash: hash.to_owned(),
        data: spec.to_owned(),
        seed: request.seed,
        ..Evaluation::default()
    };
    let mut watch = Watch::new(cancel, progress);
    let count = request.samples.unwrap_or(CODED_PICTURES);
    let sample = CodeSample::draw(encoded_data, count, request.seed, &mut watch)?;
    measure_codes(encoded_data, &sample, request, pool, &mut watch, &mut result)?;
    Ok(result)
}

/// The most pictures that are all encoded, a minute or two; the sample has to do where there are more.
const MOST_PICTURES: usize = 1 << 20;

/// What the posteriors of all pictures say.
struct Whole {
    /// All codes beside their classes, where a metric looks at them as it does at the sample.
    labelled: Option<LabelledCodes>,
    /// The codes that [`Metric::Tc`] draws, under all posteriors.
    mixture: Option<Mixture>,
    /// All means, for what looks at pictures again and again.
    codes: KnownCodes,
}

/// A measurement of codes under way.
struct CodeEvaluation<'a, 'b> {
    encoded_data: &'a mut dyn EncodedData,
    sample: &'a CodeSample,
    request: &'a Request,
    pool: &'a Pool,
    watch: &'a mut Watch<'b>,
    result: &'a mut Evaluation,
}

/// Adds to `result` what `request` asks of codes: `sample`, and others of `encoded_data`.
pub(super) fn measure_codes(
    encoded_data: &mut dyn EncodedData,
    sample: &CodeSample,
    request: &Request,
    pool: &Pool,
    watch: &mut Watch<'_>,
    result: &mut Evaluation,
) -> Result<(), MetricError> {
    CodeEvaluation { encoded_data, sample, request, pool, watch, result }.run()
}

impl CodeEvaluation<'_, '_> {
    fn run(&mut self) -> Result<(), MetricError> {
        let whole = self.whole()?;
        self.votes(whole.as_ref())?;
        if self.request.metrics.iter().any(|metric| metric.needs_factors()) {
            let codes = LabelledCodes::of(self.sample, self.encoded_data);
            self.information(&codes, whole.as_ref())?;
            self.classifiers(&codes)?;
        }
        self.dependence(whole.as_ref())?;
        self.posteriors(whole)
    }

    /// From here on `metric` is measured, where it is asked for.
    fn begin(&mut self, metric: Metric) -> Result<bool, MetricError> {
        if !self.request.has(metric) {
            return Ok(false);
        }
        self.watch.begin(metric);
        self.watch.step(0, 1)?;
        Ok(true)
    }

    /// Keeps those of `scores` that were asked for.
    fn keep_some<const N: usize>(&mut self, metrics: [Metric; N], scores: [Score; N], setting: &str) {
        for (metric, score) in metrics.into_iter().zip(scores) {
            if self.request.has(metric) {
                self.keep(metric, score, setting);
            }
        }
    }

    fn keep(&mut self, metric: Metric, score: Score, setting: impl Into<String>) {
        self.result.keep(metric, score, self.sample.len(), setting);
    }

    /// Whether the interval of a metric is that of the value on all pictures, where these can be looked at.
    fn is_of_all(metric: Metric) -> bool {
        use Metric::{GaussianWc, InfoC, InfoE, InfoM, Irs, MeanMi, Mig, Modularity};
        matches!(metric, Mig | Modularity | Irs | InfoM | InfoE | InfoC | GaussianWc | MeanMi)
    }

    /// What such an interval is of, in words.
    fn interval(&self, all: Option<&LabelledCodes>) -> String {
        match all {
            Some(all) => format!("interval of the value on all {} pictures", all.rows()),
            None => "interval of the value on as many others".to_owned(),
        }
    }

    /// Looks at the posteriors of all pictures, where a metric gains by it and it does not take too long.
    fn whole(&mut self) -> Result<Option<Whole>, MetricError> {
        let request = self.request;
        let gains =
            |metric: &Metric| matches!(metric, Metric::BetaVae | Metric::Tc) || Self::is_of_all(*metric);
        let Some(&metric) = request.metrics.iter().find(|metric| gains(metric)) else { return Ok(None) };
        let len = self.encoded_data.len();
        let is_quick = match self.encoded_data.effort() {
            Effort::None => true,
            Effort::Encoding => request.samples.is_none() && len <= MOST_PICTURES,
            Effort::Rendering => false,
        };
        if !is_quick {
            return Ok(None);
        }
        self.watch.begin(metric);
        let dims = self.encoded_data.code_dim();
        let mut mixture = request.has(Metric::Tc).then(|| drawn_codes(self.sample, request.seed));
        let mut means = Vec::with_capacity(len * dims);
        let all: Vec<usize> = (0..len).collect();
        let pool = self.pool;
        each_posterior(self.encoded_data, &all, request.seed, self.watch, |indices, mu, logvar| {
            means.extend_from_slice(mu);
            if let Some(mixture) = &mut mixture {
                pool.run(|| mixture.add(indices, mu, logvar));
            }
        })?;
        let codes = Array::new([len, dims], means).map(|means| KnownCodes::of_all(means, self.encoded_data));
        let is_looked_at = request.metrics.iter().any(|metric| Self::is_of_all(*metric));
        Ok(codes.map(|codes| {
            let labelled = is_looked_at.then(|| LabelledCodes::of_all(&codes));
            Whole { labelled, mixture, codes }
        }))
    }

    /// What asks which of the dimensions stand still with a factor.
    fn votes(&mut self, whole: Option<&Whole>) -> Result<(), MetricError> {
        if self.begin(Metric::Fvm)? {
            let FvmOptions { votes, evaluation_votes, pictures, least_variance } = self.request.fvm;
            let variances = self.sample.variances();
            let score = fvm(self.encoded_data, &variances, &self.request.fvm, self.request.seed, self.watch)?;
            let accuracy = match evaluation_votes {
                0 => "accuracy on these votes".to_owned(),
                others => format!("accuracy on {others} others"),
            };
            let setting = format!(
                "{votes} votes of {pictures} pictures, {accuracy}, dimensions of a variance of at least {least_variance} \
                 over {} pictures",
                self.sample.len()
            );
            self.result.keep(Metric::Fvm, score, votes, setting);
        }
        if self.begin(Metric::BetaVae)? {
            let of_sample;
            let codes = match whole {
                Some(whole) => &whole.codes,
                None => {
                    of_sample = KnownCodes::of_sample(self.sample, self.encoded_data);
                    &of_sample
                }
            };
            let points = self.request.samples.unwrap_or(BETA_VAE_POINTS);
            let score = beta_vae(codes, points, self.request.seed, self.pool, self.watch)?;
            let setting = format!(
                "logistic regression, C 1, trained on {points} points of {BETA_VAE_PAIRS} pairs among {} pictures, asked \
                 about half as many others",
                codes.len()
            );
            self.result.keep(Metric::BetaVae, score, points, setting);
        }
        Ok(())
    }

    /// What counts how much dimensions know of factors.
    fn information(&mut self, codes: &LabelledCodes, whole: Option<&Whole>) -> Result<(), MetricError> {
        let (bins, seed, latents) = (self.request.mig_bins, self.request.seed, self.request.latents);
        let all = whole.and_then(|whole| whole.labelled.as_ref());
        let interval = self.interval(all);
        let setting = format!("{bins} equal-width bins of the means, {interval}");
        if self.begin(Metric::Mig)? {
            self.keep(Metric::Mig, mig(codes, bins, all, seed)?, &*setting);
        }
        if self.begin(Metric::Modularity)? {
            self.keep(Metric::Modularity, modularity(codes, bins, all, seed)?, &*setting);
        }
        if self.begin(Metric::Irs)? {
            let setting = format!("quantile 0.99, classes in 20 bins, {interval}");
            self.keep(Metric::Irs, irs(codes, all, seed)?, setting);
        }
        if self.begin(Metric::InfoM)? || self.begin(Metric::InfoC)? {
            let scores = info_modularity_compactness(codes, latents, all, seed, self.pool, self.watch)?;
            let how = match latents {
                Latents::Continuous => {
                    "by 10 nearest neighbours, dimensions that reach a twentieth of the widest"
                }
                Latents::Discrete => "counted, dimensions that vary",
            };
            self.keep_some(Metric::INFO_MC, scores, &format!("{how}, {interval}"));
        }
        if self.begin(Metric::InfoE)? {
            let score = info_explicitness(codes, latents, all, seed, self.pool, self.watch)?;
            let seen = if latents == Latents::Discrete { " of which value a dimension has" } else { "" };
            let how = format!(
                "logistic regression{seen} without penalty, classes weigh the same, 100 steps, {interval}"
            );
            self.keep(Metric::InfoE, score, how);
        }
        if self.begin(Metric::Correlation)? {
            let score = factor_correlation(codes, seed)?;
            self.keep(Metric::Correlation, score, "class numbers with the means");
        }
        if self.begin(Metric::ClusteringError)? {
            let score = clustering_error(codes, seed)?;
            self.keep(Metric::ClusteringError, score, "each half judged by the majorities of the other");
        }
        Ok(())
    }

    /// What asks classifiers that learn from codes.
    fn classifiers(&mut self, codes: &LabelledCodes) -> Result<(), MetricError> {
        if !self.request.metrics.iter().any(|metric| metric.needs_test_codes()) {
            return Ok(());
        }
        let (seed, pool) = (self.request.seed, self.pool);
        let split = SplitCodes::draw(codes, self.sample, self.encoded_data, seed, self.watch)?;
        let [train, test] = split.rows();
        let on = format!("trained on {train} pictures, asked about {test} others");
        if self.begin(Metric::Sap)? {
            let score = sap(&split, seed, pool, self.watch)?;
            self.result.keep(
                Metric::Sap,
                score,
                train,
                format!("linear support vectors, C 0.01, balanced, {on}"),
            );
        }
        if self.begin(Metric::Explicitness)? {
            let score = explicitness(&split, seed, pool, self.watch)?;
            self.result.keep(Metric::Explicitness, score, train, format!("logistic regression, C 1, {on}"));
        }
        let [d, c, i] = Metric::DCI;
        if self.begin(d)? || self.begin(c)? || self.begin(i)? {
            let scores = dci(&split, seed, pool, self.watch)?;
            let setting = format!("100 rounds of trees of depth 3, rate 0.1, {on}");
            for (metric, score) in Metric::DCI.into_iter().zip(scores) {
                if self.request.has(metric) {
                    self.result.keep(metric, score, train, &*setting);
                }
            }
        }
        Ok(())
    }

    /// What asks how the dimensions depend on one another.
    fn dependence(&mut self, whole: Option<&Whole>) -> Result<(), MetricError> {
        let (sample, seed, bins) = (self.sample, self.request.seed, self.request.mig_bins);
        if self.begin(Metric::GaussianTc)? {
            let score = gaussian_total_correlation(sample, seed);
            self.keep(Metric::GaussianTc, score, "Gaussian of the means' covariance");
        }
        let labelled = whole.and_then(|whole| whole.labelled.as_ref());
        let (all, interval) = (labelled.map(|all| all.dims.as_slice()), self.interval(labelled));
        if self.begin(Metric::GaussianWc)? {
            let score = gaussian_wasserstein(sample, all, seed);
            let setting = format!("Gaussian of the means' covariance, by their variance, {interval}");
            self.keep(Metric::GaussianWc, score, setting);
        }
        if self.begin(Metric::MeanMi)? {
            let score = mean_information(sample, bins, all, seed);
            let setting = format!("{bins} equal-width bins of the means, mean over pairs, {interval}");
            self.keep(Metric::MeanMi, score, setting);
        }
        Ok(())
    }

    /// What looks at posteriors, whatever they are about.
    fn posteriors(&mut self, whole: Option<Whole>) -> Result<(), MetricError> {
        let (sample, seed) = (self.sample, self.request.seed);
        if self.begin(Metric::Kl)? {
            self.keep(Metric::Kl, kl(sample), "mean over pictures, summed over dimensions");
        }
        if self.begin(Metric::Active)? {
            let least = self.request.active_variance;
            let setting = format!("dimensions whose mean has a variance of at least {least}");
            self.keep(Metric::Active, active_units(sample, least, seed), setting);
        }
        if self.begin(Metric::Tc)? {
            self.total_correlation(whole.and_then(|whole| whole.mixture));
        }
        Ok(())
    }

    fn total_correlation(&mut self, mixture: Option<Mixture>) {
        let (sample, seed, len) = (self.sample, self.request.seed, self.encoded_data.len());
        let mixture = mixture.unwrap_or_else(|| {
            let mut mixture = drawn_codes(sample, seed);
            self.pool.run(|| mixture.add(&sample.indices, sample.mu.data(), sample.logvar.data()));
            mixture
        });
        let found = total_correlation(&mixture, sample, len);
        let posteriors = found.posteriors;
        let setting = match found.is_whole {
            true => format!("1000 codes, mixture of all {posteriors} posteriors"),
            false => format!("1000 codes, mixture of {posteriors} of {len} posteriors: biased upward"),
        };
        self.result.keep(Metric::Tc, found.score, posteriors, setting);
        self.result.warnings.extend(found.warning);
    }
}
