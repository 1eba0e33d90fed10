//! One call that measures a model: what the command line, the tables and the window share.

use std::sync::Arc;

use candle_core::Device;

use crate::base::{Cancel, Pool};
use crate::checkpoint::ModelDescription;
use crate::data::{self, DataError, Dataset, OpenOptions};
use crate::explore::{Source, main_block};
use crate::inference::Networks;

use super::alignment::{ALIGNMENT_PICTURES, alignment};
use super::coded::check_pictures;
use super::correlation::{READ_BACK_PICTURES, factor_correlation, read_back_correlation};
use super::divergence::{active_units, kl};
use super::drawn::{Drawing, encoded_block};
use super::fid::{FID_PICTURES, fid};
use super::fvm::{FvmOptions, fvm};
use super::gilbo::{GILBO_STEPS, GilboOptions, gilbo};
use super::mig::{MIG_BINS, mig};
use super::total_correlation::{gaussian_total_correlation, total_correlation};
use super::{
    CodeSample, EncodedPictures, Evaluation, Features, Metric, MetricError, Painter, Progress, Score, Watch,
};

/// Pictures whose codes are looked at when not said (disentanglement_lib's).
pub const CODED_PICTURES: usize = 10_000;

/// What is asked of a model.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to measure.
    pub metrics: Vec<Metric>,
    /// Seed of every random choice; equal seeds give equal results.
    pub seed: u64,
    /// Pictures behind each value; the published number of each metric when left out. The FactorVAE metric counts its
    /// votes in [`FvmOptions`] instead.
    pub samples: Option<usize>,
    /// How the FactorVAE metric is computed.
    pub fvm: FvmOptions,
    /// Bins of the mutual information gap.
    pub mig_bins: usize,
    /// Where the codes of drawn pictures come from, for [`Metric::Fid`]; [`Metric::RId`], [`Metric::ReadBack`] and
    /// [`Metric::Gilbo`] are defined on the posterior (the last on the prior where there is no encoder).
    pub codes: Source,
    /// Which network draws.
    pub painter: Painter,
    /// Steps of training the encoder of [`Metric::Gilbo`].
    pub gilbo_steps: usize,
}

impl Request {
    /// `metrics` as published: the paper's FVM, MIG with 20 bins, codes from the prior, drawn by the generator.
    pub fn new(metrics: Vec<Metric>, seed: u64) -> Self {
        Self {
            metrics,
            seed,
            samples: None,
            fvm: FvmOptions::PAPER,
            mig_bins: MIG_BINS,
            codes: Source::Prior,
            painter: Painter::Generator,
            gilbo_steps: GILBO_STEPS,
        }
    }

    /// Leaves out what [`evaluate`] would refuse for this model and these pictures.
    ///
    /// # Errors
    /// The first refusal, when nothing remains.
    pub fn retain_sensible(
        &mut self,
        subject: &Subject<'_>,
        pictures: &Pictures,
        features: Option<usize>,
    ) -> Result<(), MetricError> {
        let mut sensible = Vec::new();
        let mut refusal = None;
        for metric in std::mem::take(&mut self.metrics) {
            self.metrics = vec![metric];
            match check(subject, pictures, self, features) {
                Ok(()) => sensible.push(metric),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        self.metrics = sensible;
        match refusal {
            Some(error) if self.metrics.is_empty() => Err(error),
            _ => Ok(()),
        }
    }

    fn has(&self, metric: Metric) -> bool {
        self.metrics.contains(&metric)
    }

    /// Whether the aggregated posterior is drawn from, of a model that has an encoder or not.
    fn needs_posterior(&self, has_encoder: bool) -> bool {
        let by_choice = self.has(Metric::Fid) && self.codes == Source::Posterior;
        let by_definition = self.has(Metric::RId) || self.has(Metric::ReadBack);
        by_definition || by_choice || (has_encoder && self.has(Metric::Gilbo))
    }

    /// Whether pictures of the data are encoded.
    fn needs_coded(&self, has_encoder: bool) -> bool {
        self.needs_posterior(has_encoder) || self.metrics.iter().any(|metric| metric.needs_encoder())
    }
}

/// The model that is measured.
pub struct Subject<'a> {
    /// What it is.
    pub description: &'a ModelDescription,
    /// SHA-256 of its files.
    pub hash: &'a str,
    /// Its networks.
    pub networks: &'a mut Networks,
    /// Threads for reading pictures and for features.
    pub pool: &'a Pool,
    /// Where the encoder of [`Metric::Gilbo`] is trained.
    pub device: &'a Device,
}

/// The pictures that a model is measured on, at the sizes that its networks want.
#[derive(Clone, Default)]
pub struct Pictures {
    /// The data set's specification.
    pub spec: String,
    /// At the encoder's size, where they are encoded.
    pub coded: Option<Arc<dyn Dataset>>,
    /// At the painter's size, where drawn pictures are compared with them.
    pub drawn: Option<Arc<dyn Dataset>>,
}

impl Pictures {
    /// Opens `spec` at the sizes that `request` needs of these networks.
    ///
    /// # Errors
    /// When the data set cannot be opened, or not at these sizes.
    pub fn open(
        spec: &str,
        networks: &Networks,
        request: &Request,
        options: &OpenOptions,
    ) -> Result<Self, DataError> {
        let open = |[_, height, _]: [usize; 3]| data::open(spec, Some(height), options);
        let encoder = networks.encoder.as_deref().map(|encoder| encoder.picture_shape());
        let painter = painter(networks, request.painter);
        let coded = encoder.filter(|_| request.needs_coded(true)).map(open).transpose()?;
        let drawn = match (painter, &coded) {
            (Some(shape), _) if request.has(Metric::Fid) => match &coded {
                Some(coded) if coded.picture_shape() == shape => Some(Arc::clone(coded)),
                _ => Some(open(shape)?),
            },
            _ => None,
        };
        Ok(Self { spec: spec.to_owned(), coded, drawn })
    }
}

/// The shape of a painter's pictures; `None` when the model lacks it.
fn painter(networks: &Networks, painter: Painter) -> Option<[usize; 3]> {
    let renderer = painter.choose(networks.generator.as_deref(), networks.decoder.as_deref());
    renderer.map(|renderer| renderer.picture_shape())
}

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
    let mut job = Job {
        subject,
        pictures,
        request,
        watch: Watch::new(cancel, progress),
        result: Evaluation {
            model_hash: String::new(),
            data: pictures.spec.clone(),
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

/// Refuses what makes no sense.
fn check(
    subject: &Subject<'_>,
    pictures: &Pictures,
    request: &Request,
    features: Option<usize>,
) -> Result<(), MetricError> {
    let refuse = |sentence: String| Err(MetricError::Request(sentence));
    if request.metrics.is_empty() {
        return refuse("no metric is named".into());
    }
    if request.samples.is_some_and(|samples| samples < 2) || request.fvm.votes == 0 || request.mig_bins < 2 {
        return refuse("there must be at least two pictures, one vote and two bins".into());
    }
    for &metric in &request.metrics {
        if metric.needs_encoder() && subject.networks.encoder.is_none() {
            return refuse(format!(
                "{metric} asks the encoder, and this model has none, because it has no VAE; give its file with --vae, \
                 beside --gan"
            ));
        }
        if metric.needs_drawing() && painter(subject.networks, request.painter).is_none() {
            return refuse(match request.painter {
                Painter::Generator => {
                    format!(
                        "{metric} looks at drawn pictures, and this model has no generator; draw with its VAE"
                    )
                }
                Painter::Decoder => {
                    format!("{metric} was to look at pictures of the VAE, and this model has none")
                }
            });
        }
    }
    let has_encoder = subject.networks.encoder.is_some();
    if request.needs_posterior(has_encoder) {
        if subject.networks.encoder.is_none() {
            return refuse("codes from the posterior need an encoder, and this model has none".into());
        }
        encoded_block(subject.description, request.painter)?;
    }
    if request.has(Metric::Gilbo) {
        read_code(subject.description, request.painter)?;
    }
    let spec = &pictures.spec;
    if let (Some(data), Some(encoder)) = (&pictures.coded, &subject.networks.encoder) {
        check_pictures(data.as_ref(), encoder.picture_shape(), "the encoder takes")?;
        for metric in request.metrics.iter().filter(|metric| metric.needs_factors()) {
            if data.factors().iter().all(|factor| factor.values.len() < 2) {
                return refuse(format!(
                    "{metric} compares codes with the true factors, and those of {spec} are not known; measure on \
                     dsprites or scenes, or leave {metric} out"
                ));
            }
        }
    } else if request.needs_coded(has_encoder) {
        return refuse(format!("the pictures of {spec} were not opened at the encoder's size"));
    }
    if request.has(Metric::Fid) {
        let Some(shape) = painter(subject.networks, request.painter) else { return Ok(()) };
        let Some(data) = &pictures.drawn else {
            return refuse(format!("the pictures of {spec} were not opened at the size of the drawn ones"));
        };
        check_pictures(data.as_ref(), shape, "the model draws")?;
        if features.is_none() {
            return refuse(lacks_features(spec));
        }
    }
    Ok(())
}

/// What to do where nothing describes the pictures of `spec` for [`Metric::Fid`].
pub fn lacks_features(spec: &str) -> String {
    format!(
        "fid on {spec} needs a network that describes pictures; name the Inception weights with --inception FILE, or train \
         one on data with known factors with idgan train features and name it with --features FILE"
    )
}

/// The code that [`Metric::Gilbo`] reads back: the VAE's, or without one the block that matters most.
fn read_code(description: &ModelDescription, painter: Painter) -> Result<&str, MetricError> {
    if description.vae.is_some() {
        return encoded_block(description, painter);
    }
    main_block(description)
        .ok_or_else(|| MetricError::request("this model has no code to read back, only noise"))
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
            let score = mig(sample, data.factors(), request.mig_bins, seed)?;
            self.keep(
                Metric::Mig,
                score,
                rows,
                format!("{} equal-width bins of the means", request.mig_bins),
            );
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
            let score = total_correlation(sample, seed, &mut self.watch)?;
            self.keep(Metric::Tc, score, rows, "mixture of the pictures' posteriors, 1000 codes");
        }
        if request.has(Metric::GaussianTc) {
            self.watch.begin(Metric::GaussianTc);
            self.watch.step(0, 1)?;
            let score = gaussian_total_correlation(sample, seed);
            self.keep(Metric::GaussianTc, score, rows, "Gaussian of the means' covariance");
        }
        Ok(())
    }

    /// Everything that looks at drawn pictures.
    fn pictures(
        &mut self,
        sample: Option<&CodeSample>,
        features: Option<&mut (dyn Features + '_)>,
    ) -> Result<(), MetricError> {
        let request = self.request;
        let networks = &mut *self.subject.networks;
        let renderer = request.painter.choose(&mut networks.generator, &mut networks.decoder);
        let Some(renderer) = renderer else { return Ok(()) };
        let (description, painter) = (self.subject.description, request.painter);
        if request.has(Metric::RId)
            && let Some(encoder) = &mut networks.encoder
        {
            let count = self.request.samples.unwrap_or(ALIGNMENT_PICTURES);
            self.watch.begin(Metric::RId);
            let mut drawing = Drawing::new(description, renderer.as_mut(), painter, sample, request.seed)?;
            let score =
                alignment(&mut drawing, description, painter, encoder.as_mut(), count, &mut self.watch)?;
            self.keep(Metric::RId, score, count, format!("drawn by {painter}, codes from the posterior"));
        }
        self.read_back(sample)?;
        let networks = &mut *self.subject.networks;
        let renderer = request.painter.choose(&mut networks.generator, &mut networks.decoder);
        let Some(renderer) = renderer else { return Ok(()) };
        let posterior = sample.filter(|_| request.codes == Source::Posterior);
        if let (true, Some(data), Some(features)) = (request.has(Metric::Fid), &self.pictures.drawn, features)
        {
            let count = self.request.samples.unwrap_or(FID_PICTURES);
            self.watch.begin(Metric::Fid);
            let mut drawing = Drawing::new(description, renderer.as_mut(), painter, posterior, request.seed)?;
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
                "{}, {real} real pictures, drawn by {painter}, codes from the {}",
                features.name(),
                request.codes
            );
            self.keep(Metric::Fid, score, count, setting);
            self.result.warnings.extend(few_pictures(count.min(real), features.dims()));
        }
        self.gilbo(sample)
    }

    fn read_back(&mut self, sample: Option<&CodeSample>) -> Result<(), MetricError> {
        let request = self.request;
        let painter = request.painter;
        let networks = &mut *self.subject.networks;
        let renderer = painter.choose(&mut networks.generator, &mut networks.decoder);
        let (true, Some(renderer), Some(encoder), Some(sample)) =
            (request.has(Metric::ReadBack), renderer, &mut networks.encoder, sample)
        else {
            return Ok(());
        };
        let (description, count) = (self.subject.description, request.samples.unwrap_or(READ_BACK_PICTURES));
        self.watch.begin(Metric::ReadBack);
        let mut drawing = Drawing::new(description, renderer.as_mut(), painter, Some(sample), request.seed)?;
        let pair = (&mut drawing, painter);
        match read_back_correlation(pair, description, encoder.as_mut(), sample, count, &mut self.watch)? {
            Some(score) => {
                self.keep(
                    Metric::ReadBack,
                    score,
                    count,
                    format!("drawn by {painter}, codes from the posterior"),
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
        let painter = request.painter;
        let networks = &mut *self.subject.networks;
        let renderer = painter.choose(&mut networks.generator, &mut networks.decoder);
        let (true, Some(renderer)) = (request.has(Metric::Gilbo), renderer) else { return Ok(()) };
        let description = self.subject.description;
        let code = read_code(description, painter)?;
        self.watch.begin(Metric::Gilbo);
        let mut drawing = Drawing::new(description, renderer.as_mut(), painter, sample, request.seed)?;
        let pairs = request.samples.unwrap_or(ALIGNMENT_PICTURES);
        let options = GilboOptions { steps: request.gilbo_steps, pairs, seed: request.seed };
        let machine = (self.subject.device, self.subject.pool);
        let score = gilbo(&mut drawing, description, code, &options, machine, &mut self.watch)?;
        let setting = format!(
            "encoder trained for {} steps, drawn by {painter}, codes from the {}",
            request.gilbo_steps,
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
