//! One call that measures a model: what the command line, the tables and the window share.

use crate::base::Cancel;
use crate::data::DrawingVersion;
use crate::explore::Source;

use super::alignment::{ALIGNMENT_PICTURES, alignment};
use super::coded::{each_posterior, widen};
use super::correlation::{READ_BACK_PICTURES, factor_correlation, read_back_correlation};
use super::divergence::{active_units, kl};
use super::drawn::Drawing;
use super::fid::{FID_PICTURES, fid};
use super::fvm::{FvmOptions, fvm};
use super::gilbo::{GilboOptions, gilbo};
use super::mig::mig;
use super::mixture::Mixture;
use super::request::{CODED_PICTURES, check, read_code};
use super::sliced_wasserstein::{SWD_PICTURES, sliced_wasserstein};
use super::total_correlation::{drawn_codes, gaussian_total_correlation, total_correlation};
use super::{
    CodeSample, CodedData as _, EncodedPictures, Evaluation, Features, Metric, MetricError, Pictures,
    Progress, Request, Score, Subject, Watch,
};

/// Measures everything that `request` asks, or nothing: what makes no sense is found before anything is computed.
///
/// `features` describe pictures for [`Metric::Fid`].
///
/// # Errors
/// [`MetricError::Request`] when a question makes no sense for this model and data, [`MetricError::Cancelled`] once
/// `cancel` is raised, and whatever reading or computing reports.
pub fn evaluate(
    subject: &mut Subject<'_>,
    pictures: &Pictures,
    request: &Request,
    features: Option<&mut (dyn Features + '_)>,
    progress: &mut dyn FnMut(Progress),
    cancel: &Cancel,
) -> Result<Evaluation, MetricError> {
    check(subject, pictures, request, features.as_deref().map(|features| features.dims()))?;
    let precision = subject.precision;
    let mut job = Job {
        subject,
        pictures,
        request,
        watch: Watch::new(cancel, progress),
        result: Evaluation {
            model_hash: String::new(),
            data: pictures.spec.clone(),
            drawing: DrawingVersion::of(&pictures.spec),
            background: pictures.background,
            precision,
            seed: request.seed,
            ..Evaluation::default()
        },
    };
    job.result.model_hash = job.subject.hash.to_owned();
    let sample = job.sample()?;
    if let Some(sample) = &sample {
        job.representation(sample)?;
    }
    job.pictures(sample.as_ref(), features)?;
    Ok(job.result)
}

/// The most pictures that are all looked at, a minute or two; the sample has to do where there are more.
const MOST_PICTURES: usize = 1 << 20;

/// What the posteriors of all pictures say.
struct Whole {
    /// The least and the greatest mean of each dimension.
    ends: Vec<[f32; 2]>,
    /// The codes that [`Metric::Tc`] draws, under all posteriors.
    mixture: Option<Mixture>,
}

/// A measurement under way.
struct Job<'a, 'b, 'c> {
    subject: &'a mut Subject<'b>,
    pictures: &'a Pictures,
    request: &'a Request,
    watch: Watch<'c>,
    result: Evaluation,
}

impl Job<'_, '_, '_> {
    /// Keeps a value that is one. A NaN anywhere in a model shows here, and would be no JSON either.
    fn keep(&mut self, metric: Metric, score: Score, samples: usize, setting: impl Into<String>) {
        if !score.is_finite() {
            let reason = format!(
                "{metric} is left out: it came out as {}, so the model's codes or pictures hold what are no finite \
                 numbers",
                score.value
            );
            self.result.left_out.insert(metric, reason);
            return;
        }
        self.result.metrics.insert(metric, score);
        self.result.samples.insert(metric, samples);
        self.result.settings.insert(metric, setting.into());
    }

    fn count(&self, published: usize) -> usize {
        self.request.samples.unwrap_or(published)
    }

    /// The codes of the data's pictures, where anything needs them.
    fn sample(&mut self) -> Result<Option<CodeSample>, MetricError> {
        let count = self.count(CODED_PICTURES);
        let (Some(data), Some(encoder)) = (&self.pictures.coded, &mut self.subject.networks.encoder) else {
            return Ok(None);
        };
        let first = self.request.metrics.iter().copied().find(|metric| metric.needs_encoder());
        self.watch.begin(first.unwrap_or(Metric::Fid));
        let mut coded = EncodedPictures::new(data.as_ref(), encoder.as_mut(), self.subject.pool)?;
        CodeSample::draw(&mut coded, count, self.request.seed, &mut self.watch).map(Some)
    }

    /// Everything that looks at codes of the data alone.
    fn representation(&mut self, sample: &CodeSample) -> Result<(), MetricError> {
        let (request, seed) = (self.request, self.request.seed);
        let whole = self.whole(sample)?;
        let (Some(data), Some(encoder)) = (&self.pictures.coded, &mut self.subject.networks.encoder) else {
            return Ok(());
        };
        let rows = sample.len();
        if request.has(Metric::Fvm) {
            self.watch.begin(Metric::Fvm);
            let mut coded = EncodedPictures::new(data.as_ref(), encoder.as_mut(), self.subject.pool)?;
            let score = fvm(&mut coded, &sample.variances(), &request.fvm, seed, &mut self.watch)?;
            let FvmOptions { votes, evaluation_votes, pictures, least_variance } = request.fvm;
            let accuracy = match evaluation_votes {
                0 => "accuracy on these votes".to_owned(),
                others => format!("accuracy on {others} others"),
            };
            let setting = format!(
                "{votes} votes of {pictures} pictures, {accuracy}, dimensions of a variance of at least {least_variance} \
                 over {rows} pictures"
            );
            self.keep(Metric::Fvm, score, votes, setting);
        }
        if request.has(Metric::Mig) {
            self.watch.begin(Metric::Mig);
            self.watch.step(0, 1)?;
            let ends = whole.as_ref().map(|whole| whole.ends.as_slice());
            let score = mig(sample, data.factors(), request.mig_bins, ends, seed)?;
            let interval = match ends {
                Some(_) => format!("the value on all {} pictures", data.len()),
                None => "the value on as many others".to_owned(),
            };
            let setting =
                format!("{} equal-width bins of the means, interval of {interval}", request.mig_bins);
            self.keep(Metric::Mig, score, rows, setting);
        }
        if request.has(Metric::Correlation) {
            self.watch.begin(Metric::Correlation);
            self.watch.step(0, 1)?;
            let score = factor_correlation(sample, data.factors(), seed)?;
            self.keep(Metric::Correlation, score, rows, "class numbers with the means");
        }
        if request.has(Metric::Kl) {
            self.keep(Metric::Kl, kl(sample), rows, "mean over pictures, summed over dimensions");
        }
        if request.has(Metric::Active) {
            let setting = "dimensions whose mean has a variance of at least 0.05";
            self.keep(Metric::Active, active_units(sample, seed), rows, setting);
        }
        if request.has(Metric::Tc) {
            self.watch.begin(Metric::Tc);
            self.watch.step(0, 1)?;
            self.total_correlation(sample, data.len(), whole.and_then(|whole| whole.mixture));
        }
        if request.has(Metric::GaussianTc) {
            self.watch.begin(Metric::GaussianTc);
            self.watch.step(0, 1)?;
            let score = gaussian_total_correlation(sample, seed);
            self.keep(Metric::GaussianTc, score, rows, "Gaussian of the means' covariance");
        }
        Ok(())
    }

    /// Looks at the posteriors of all pictures, where a metric gains by it and it does not take too long.
    fn whole(&mut self, sample: &CodeSample) -> Result<Option<Whole>, MetricError> {
        let (request, pool) = (self.request, self.subject.pool);
        let gains = |&metric: &Metric| matches!(metric, Metric::Mig | Metric::Tc);
        let (Some(&metric), None, Some(data), Some(encoder)) = (
            request.metrics.iter().find(|metric| gains(metric)),
            request.samples,
            &self.pictures.coded,
            &mut self.subject.networks.encoder,
        ) else {
            return Ok(None);
        };
        // Rendering all of a set would take longer than everything else together.
        if data.is_costly() || data.len() > MOST_PICTURES {
            return Ok(None);
        }
        self.watch.begin(metric);
        let mut coded = EncodedPictures::new(data.as_ref(), encoder.as_mut(), pool)?;
        let mut ends = vec![[f32::INFINITY, f32::NEG_INFINITY]; coded.code_dim()];
        let mut mixture = request.has(Metric::Tc).then(|| drawn_codes(sample, request.seed));
        let all: Vec<usize> = (0..data.len()).collect();
        each_posterior(&mut coded, &all, request.seed, &mut self.watch, |indices, mu, logvar| {
            widen(&mut ends, mu);
            if let Some(mixture) = &mut mixture {
                pool.run(|| mixture.add(indices, mu, logvar));
            }
        })?;
        Ok(Some(Whole { ends, mixture }))
    }

    fn total_correlation(&mut self, sample: &CodeSample, len: usize, mixture: Option<Mixture>) {
        let (seed, pool) = (self.request.seed, self.subject.pool);
        let mixture = mixture.unwrap_or_else(|| {
            let mut mixture = drawn_codes(sample, seed);
            pool.run(|| mixture.add(&sample.indices, sample.mu.data(), sample.logvar.data()));
            mixture
        });
        let found = total_correlation(&mixture, sample, len);
        let posteriors = found.posteriors;
        let setting = match found.is_whole {
            true => format!("1000 codes, mixture of all {posteriors} posteriors"),
            false => format!("1000 codes, mixture of {posteriors} of {len} posteriors: biased upward"),
        };
        self.keep(Metric::Tc, found.score, posteriors, setting);
        self.result.warnings.extend(found.warning);
    }

    /// Everything that looks at drawn pictures.
    fn pictures(
        &mut self,
        sample: Option<&CodeSample>,
        features: Option<&mut (dyn Features + '_)>,
    ) -> Result<(), MetricError> {
        let request = self.request;
        let networks = &mut *self.subject.networks;
        let renderer = networks.renderers.get_mut(&request.chain);
        let Some(renderer) = renderer else { return Ok(()) };
        let (description, chain) = (self.subject.description, request.chain.as_str());
        if request.has(Metric::RId)
            && let Some(encoder) = &mut networks.encoder
        {
            let count = self.request.samples.unwrap_or(ALIGNMENT_PICTURES);
            self.watch.begin(Metric::RId);
            let mut drawing = Drawing::new(description, renderer.as_mut(), chain, sample, request.seed)?;
            let score =
                alignment(&mut drawing, description, chain, encoder.as_mut(), count, &mut self.watch)?;
            self.keep(Metric::RId, score, count, format!("drawn by {chain}, codes from the posterior"));
        }
        self.read_back(sample)?;
        let networks = &mut *self.subject.networks;
        let renderer = networks.renderers.get_mut(&request.chain);
        let Some(renderer) = renderer else { return Ok(()) };
        let posterior = sample.filter(|_| request.codes == Source::Posterior);
        if let (true, Some(data), Some(features)) = (request.has(Metric::Fid), &self.pictures.drawn, features)
        {
            let count = self.request.samples.unwrap_or(FID_PICTURES);
            self.watch.begin(Metric::Fid);
            let mut drawing = Drawing::new(description, renderer.as_mut(), chain, posterior, request.seed)?;
            let (score, real) = fid(
                data.as_ref(),
                &mut drawing,
                features,
                count,
                request.seed,
                self.subject.pool,
                &mut self.watch,
            )?;
            let setting = format!(
                "{}, {real} real pictures, drawn by {chain}, codes from the {}",
                features.name(),
                request.codes
            );
            self.keep(Metric::Fid, score, count, setting);
            self.result.warnings.extend(few_pictures(count.min(real), features.dims()));
        }
        self.sliced_wasserstein(posterior)?;
        self.gilbo(sample)
    }

    fn sliced_wasserstein(&mut self, posterior: Option<&CodeSample>) -> Result<(), MetricError> {
        let request = self.request;
        let chain = request.chain.as_str();
        let networks = &mut *self.subject.networks;
        let renderer = networks.renderers.get_mut(chain);
        let (true, Some(renderer), Some(data)) = (request.has(Metric::Swd), renderer, &self.pictures.drawn)
        else {
            return Ok(());
        };
        let (description, count) = (self.subject.description, request.samples.unwrap_or(SWD_PICTURES));
        self.watch.begin(Metric::Swd);
        let mut drawing = Drawing::new(description, renderer.as_mut(), chain, posterior, request.seed)?;
        let pool = self.subject.pool;
        let (score, count) =
            sliced_wasserstein(data.as_ref(), &mut drawing, count, request.seed, pool, &mut self.watch)?;
        let setting = format!(
            "patches of 7x7 of a Laplacian pyramid, {count} real and {count} drawn pictures, drawn by {chain}, codes \
             from the {}",
            request.codes
        );
        self.keep(Metric::Swd, score, count, setting);
        Ok(())
    }

    fn read_back(&mut self, sample: Option<&CodeSample>) -> Result<(), MetricError> {
        let request = self.request;
        let chain = request.chain.as_str();
        let networks = &mut *self.subject.networks;
        let renderer = networks.renderers.get_mut(chain);
        let (true, Some(renderer), Some(encoder), Some(sample)) =
            (request.has(Metric::ReadBack), renderer, &mut networks.encoder, sample)
        else {
            return Ok(());
        };
        let (description, count) = (self.subject.description, request.samples.unwrap_or(READ_BACK_PICTURES));
        self.watch.begin(Metric::ReadBack);
        let mut drawing = Drawing::new(description, renderer.as_mut(), chain, Some(sample), request.seed)?;
        let pair = (&mut drawing, chain);
        match read_back_correlation(pair, description, encoder.as_mut(), sample, count, &mut self.watch)? {
            Some(score) => {
                self.keep(
                    Metric::ReadBack,
                    score,
                    count,
                    format!("drawn by {chain}, codes from the posterior"),
                );
            }
            None => {
                let reason = "read_back is left out: no dimension of the code is active, so there is nothing to read back";
                self.result.left_out.insert(Metric::ReadBack, reason.to_owned());
            }
        }
        Ok(())
    }

    fn gilbo(&mut self, sample: Option<&CodeSample>) -> Result<(), MetricError> {
        let request = self.request;
        let chain = request.chain.as_str();
        let networks = &mut *self.subject.networks;
        let renderer = networks.renderers.get_mut(chain);
        let (true, Some(renderer)) = (request.has(Metric::Gilbo), renderer) else { return Ok(()) };
        let description = self.subject.description;
        let code = read_code(description, chain)?;
        self.watch.begin(Metric::Gilbo);
        let mut drawing = Drawing::new(description, renderer.as_mut(), chain, sample, request.seed)?;
        let pairs = request.samples.unwrap_or(ALIGNMENT_PICTURES);
        let (steps, trainings) = (request.gilbo_steps, request.gilbo_trainings);
        let options = GilboOptions { steps, trainings, pairs, seed: request.seed };
        let machine = (self.subject.device, self.subject.pool);
        let score = gilbo(&mut drawing, description, code, &options, machine, &mut self.watch)?;
        let interval = match trainings {
            1 => "one encoder, whose training the interval leaves out,".to_owned(),
            many => format!("{many} encoders, each"),
        };
        let setting = format!(
            "{interval} trained for {steps} steps, drawn by {chain}, codes from the {}",
            if sample.is_some() { Source::Posterior } else { Source::Prior }
        );
        self.keep(Metric::Gilbo, score, pairs, setting);
        Ok(())
    }
}

/// What to know about an FID of few pictures.
fn few_pictures(pictures: usize, features: usize) -> Option<String> {
    (pictures <= features).then(|| {
        format!(
            "fid of {pictures} pictures, not more than the {features} features: both covariances are singular and the \
             value is biased upwards; compare it only with values of equally many pictures, or raise --samples"
        )
    })
}
