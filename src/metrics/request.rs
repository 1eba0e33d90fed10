//! What is asked of a model, on which pictures, and whether the question makes sense.

use std::collections::BTreeSet;
use std::sync::Arc;

use candle_core::Device;

use crate::base::{Background, Pool};
use crate::data::{self, DataError, Dataset, OpenOptions};
use crate::explore::{CodeSource, Posterior, main_block};
use crate::inference::Networks;
use crate::model::{CodeKind, Model, ModelDescription};
use crate::ops::Precision;

use super::bounds::{carried, check_noise_is_carried};
use super::clusters::classes_by_name;
use super::controls::controls;
use super::cosines::cosines;
use super::diversity::exchanged;
use super::drawing::{check_read_back, encoded_block};
use super::encoded::check_pictures;
use super::fvm::FvmOptions;
use super::gilbo::{GILBO_STEPS, GILBO_TRAININGS};
use super::mig::MIG_BINS;
use super::{EncodedData as _, KnownCodes, Latents, Metric, MetricError};

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
    /// Variance of a mean from which on a dimension counts as active.
    pub active_variance: f64,
    /// Bins of a dimension in which mutual information is counted.
    pub mig_bins: usize,
    /// What kind of numbers the codes are, for [`Metric::InfoM`], [`Metric::InfoE`] and [`Metric::InfoC`].
    pub latents: Latents,
    /// Where the codes of drawn pictures come from, for what compares these with real ones; [`Metric::RId`], [`Metric::ReadBack`] and
    /// [`Metric::Gilbo`] are defined on the posterior (the last on the prior where there is no encoder).
    pub codes: CodeSource,
    /// The render chain that draws.
    pub chain: String,
    /// Steps of training an encoder of [`Metric::Gilbo`].
    pub gilbo_steps: usize,
    /// Encoders that are trained for [`Metric::Gilbo`].
    pub gilbo_trainings: usize,
}

impl Request {
    /// `metrics` as published: the paper's FVM, MIG with 20 bins, codes from the prior; drawn by `chain`.
    pub fn new(metrics: Vec<Metric>, chain: impl Into<String>, seed: u64) -> Self {
        Self {
            metrics,
            seed,
            samples: None,
            fvm: FvmOptions::PAPER,
            active_variance: Posterior::ACTIVE_VARIANCE,
            mig_bins: MIG_BINS,
            latents: Latents::Continuous,
            codes: CodeSource::Prior,
            chain: chain.into(),
            gilbo_steps: GILBO_STEPS,
            gilbo_trainings: GILBO_TRAININGS,
        }
    }

    /// Leaves out what [`super::evaluate`] would refuse for this model and these pictures, but not what is `named`.
    ///
    /// # Errors
    /// The first refusal, when nothing remains.
    pub fn retain_sensible(
        &mut self,
        subject: &Subject<'_>,
        pictures: &Pictures,
        features: Option<usize>,
        named: &BTreeSet<Metric>,
    ) -> Result<(), MetricError> {
        self.retain(named, |request| check(subject, pictures, request, features))
    }

    /// Leaves out what [`super::evaluate_codes`] would refuse for these codes, but not what is `named`.
    ///
    /// # Errors
    /// The first refusal, when nothing remains.
    pub fn retain_sensible_for_codes(
        &mut self,
        codes: &KnownCodes,
        spec: &str,
        named: &BTreeSet<Metric>,
    ) -> Result<(), MetricError> {
        self.retain(named, |request| check_codes(codes, spec, request))
    }

    /// Leaves out each metric that `check` refuses alone, but not what is `named`.
    fn retain(
        &mut self,
        named: &BTreeSet<Metric>,
        check: impl Fn(&Self) -> Result<(), MetricError>,
    ) -> Result<(), MetricError> {
        let mut sensible = Vec::new();
        let mut refusal = None;
        for metric in std::mem::take(&mut self.metrics) {
            self.metrics = vec![metric];
            match check(self) {
                Ok(()) => sensible.push(metric),
                Err(_) if named.contains(&metric) => sensible.push(metric),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        self.metrics = sensible;
        match refusal {
            Some(error) if self.metrics.is_empty() => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) fn has(&self, metric: Metric) -> bool {
        self.metrics.contains(&metric)
    }

    fn compares_pictures(&self) -> bool {
        self.metrics.iter().any(|metric| metric.compares_pictures())
    }

    /// Whether the aggregated posterior is drawn from, of a model that has an encoder or not.
    fn needs_posterior(&self, has_encoder: bool) -> bool {
        let by_choice = self.compares_pictures() && self.codes == CodeSource::Posterior;
        let by_definition = [Metric::RId, Metric::ReadBack, Metric::Reconstruction];
        let where_there_is_one = has_encoder && (self.has(Metric::Gilbo) || self.has(Metric::Spread));
        by_choice || where_there_is_one || by_definition.into_iter().any(|metric| self.has(metric))
    }

    /// Whether pictures of the data are encoded.
    fn needs_coded(&self, has_encoder: bool) -> bool {
        self.needs_posterior(has_encoder) || self.metrics.iter().any(|metric| metric.needs_coded_data())
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
    /// Its weights, where they are known beside its networks.
    pub model: &'a Model,
    /// Threads for reading pictures and for features.
    pub pool: &'a Pool,
    /// Where the encoder of [`Metric::Gilbo`] is trained.
    pub device: &'a Device,
    /// In what everything is multiplied.
    pub precision: Precision,
}

/// The pictures that a model is measured on, at the sizes that its networks want.
#[derive(Clone, Default)]
pub struct Pictures {
    /// The data set's specification.
    pub spec: String,
    /// What shows through where they are transparent.
    pub background: Background,
    /// At the encoder's size, where they are encoded.
    pub at_encoder_size: Option<Arc<dyn Dataset>>,
    /// At the size of drawn pictures, where drawn pictures are compared with them.
    pub at_picture_size: Option<Arc<dyn Dataset>>,
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
        let shape = networks.renderers.get(&request.chain).map(|renderer| renderer.picture_shape());
        let at_encoder_size = encoder.filter(|_| request.needs_coded(true)).map(open).transpose()?;
        let at_picture_size = match (shape, &at_encoder_size) {
            (Some(shape), _) if request.compares_pictures() => match &at_encoder_size {
                Some(at_encoder_size) if at_encoder_size.picture_shape() == shape => {
                    Some(Arc::clone(at_encoder_size))
                }
                _ => Some(open(shape)?),
            },
            _ => None,
        };
        Ok(Self { spec: spec.to_owned(), background: options.background, at_encoder_size, at_picture_size })
    }
}

/// Refuses what makes no sense.
pub(super) fn check(
    subject: &Subject<'_>,
    pictures: &Pictures,
    request: &Request,
    features: Option<usize>,
) -> Result<(), MetricError> {
    let refuse = |sentence: String| Err(MetricError::Request(sentence));
    check_numbers(request)?;
    for &metric in &request.metrics {
        if metric.needs_encoder() && subject.networks.encoder.is_none() {
            return refuse(format!("{metric} asks the encoder, and {}", subject.description.lacks_encoder()));
        }
        if metric.needs_drawing() && !subject.networks.renderers.contains_key(&request.chain) {
            let lacking = subject.description.chain(&request.chain).err();
            let lacking =
                lacking.map_or_else(|| "this model draws none".to_owned(), |error| error.to_string());
            return refuse(format!("{metric} looks at drawn pictures, and {lacking}"));
        }
    }
    let has_encoder = subject.networks.encoder.is_some();
    if request.needs_posterior(has_encoder) {
        if subject.networks.encoder.is_none() {
            return refuse("codes from the posterior need an encoder, and this model has none".into());
        }
        encoded_block(subject.description, &request.chain)?;
    }
    if request.has(Metric::Gilbo) || request.has(Metric::Spread) {
        read_code(subject.description, &request.chain)?;
    }
    check_choices(subject.description, request)?;
    check_related(subject, request, features, &pictures.spec)?;
    check_noise(subject.description, request)?;
    let spec = &pictures.spec;
    if let (Some(data), Some(encoder)) = (&pictures.at_encoder_size, &subject.networks.encoder) {
        check_pictures(data.as_ref(), encoder.picture_shape(), "the encoder takes")?;
        for metric in request.metrics.iter().filter(|metric| metric.needs_factors()) {
            if data.factors().iter().all(|factor| factor.values.len() < 2) {
                return refuse(format!(
                    "{metric} compares codes with the true factors, and those of {spec} are not known; measure on \
                     dsprites or scenes, or data with labels, or leave {metric} out"
                ));
            }
        }
        if request.has(Metric::ClassificationError)
            && named_choices(subject.description, data.as_ref()).is_none()
        {
            return refuse(format!(
                "classification_error compares what the choices of a code are called with labels, and this model's are not \
                 called as those of {spec}; train with iae.labelled, or measure clustering_error"
            ));
        }
        let drawn = subject.networks.renderers.get(&request.chain).map(|renderer| renderer.picture_shape());
        if let (true, Some(drawn)) = (request.has(Metric::Reconstruction), drawn) {
            check_read_back(drawn, encoder.picture_shape())?;
        }
    } else if request.needs_coded(has_encoder) {
        return refuse(format!("the pictures of {spec} were not opened at the encoder's size"));
    }
    if request.compares_pictures() {
        let Some(renderer) = subject.networks.renderers.get(&request.chain) else { return Ok(()) };
        let shape = renderer.picture_shape();
        let Some(data) = &pictures.at_picture_size else {
            return refuse(format!("the pictures of {spec} were not opened at the size of the drawn ones"));
        };
        check_pictures(data.as_ref(), shape, "the model draws")?;
        let count = request.samples.unwrap_or(usize::MAX).min(data.len());
        let of_pictures = request.metrics.iter().filter(|metric| metric.compares_pictures());
        if let Some(metric) = of_pictures.into_iter().find(|metric| count < metric.least_pictures()) {
            let least = metric.least_pictures();
            return refuse(format!(
                "{metric} needs {least} real and {least} drawn pictures at least, and would have {count}; measure on more, or leave \
                 {metric} out: {spec}"
            ));
        }
        let by_features = request.metrics.iter().find(|metric| metric.needs_features());
        if let (Some(metric), None) = (by_features, features) {
            return refuse(lacks_features(*metric, spec));
        }
    }
    Ok(())
}

/// Refuses what a model of another method cannot be asked.
fn check_related(
    subject: &Subject<'_>,
    request: &Request,
    features: Option<usize>,
    spec: &str,
) -> Result<(), MetricError> {
    let (description, chain) = (subject.description, request.chain.as_str());
    if request.has(Metric::Cosine) {
        cosines(subject.model)?;
    }
    for metric in Metric::BOUNDS.into_iter().filter(|metric| request.has(*metric)) {
        check_noise_is_carried(description, metric)?;
        carried(description, chain)?;
    }
    if request.has(Metric::OneHotL1) || request.has(Metric::UniformL1) {
        controls(description, chain)?;
    }
    if request.has(Metric::Diversity) {
        exchanged(description, read_code(description, chain)?)?;
        if features.is_none() {
            return Err(MetricError::Request(lacks_features(Metric::Diversity, spec)));
        }
    }
    Ok(())
}

/// Refuses to count errors of choices where the code is none.
fn check_choices(description: &ModelDescription, request: &Request) -> Result<(), MetricError> {
    let is_choice = || {
        let block = description.encoded().and_then(|code| description.block(code));
        block.is_some_and(|block| block.kind == CodeKind::OneHot)
    };
    let about_choices = [Metric::ClusteringError, Metric::ClassificationError];
    match about_choices.into_iter().find(|&metric| request.has(metric)) {
        Some(metric) if !is_choice() => Err(MetricError::Request(format!(
            "{metric} needs a code that chooses one of several clusters, as those of `idgan train iae` with \
             iae.categorical do"
        ))),
        _ => Ok(()),
    }
}

/// Refuses to vary noise where there is none.
fn check_noise(description: &ModelDescription, request: &Request) -> Result<(), MetricError> {
    match request.has(Metric::Spread) && description.inputs(&request.chain).len() < 2 {
        true => {
            let chain = &request.chain;
            Err(MetricError::Request(format!(
                "spread varies what {chain} takes beside the code, and it takes nothing else"
            )))
        }
        false => Ok(()),
    }
}

/// The class of `data`'s labels that each choice of the encoded code stands for by its name, where the model names them all.
pub(super) fn named_choices(
    description: &ModelDescription,
    data: &dyn Dataset,
) -> Option<Vec<Option<usize>>> {
    let block = description.block(description.encoded()?)?;
    classes_by_name(&block.labels, &data.labels()?.factor().names)
}

/// Refuses a request for nothing, or of nothing.
fn check_numbers(request: &Request) -> Result<(), MetricError> {
    if request.metrics.is_empty() {
        return Err(MetricError::request("no metric is named"));
    }
    if request.samples.is_some_and(|samples| samples < 2) || request.fvm.votes == 0 || request.mig_bins < 2 {
        return Err(MetricError::request("there must be at least two pictures, one vote and two bins"));
    }
    Ok(())
}

/// Refuses what makes no sense for the codes called `spec`.
pub(super) fn check_codes(codes: &KnownCodes, spec: &str, request: &Request) -> Result<(), MetricError> {
    check_numbers(request)?;
    let has_factors = codes.factors().iter().any(|factor| factor.values.len() > 1);
    for &metric in &request.metrics {
        let lacking = if !metric.is_of_codes() {
            "needs a model with its networks, and these are codes alone"
        } else if metric.needs_factors() && !has_factors {
            "compares codes with the true factors, and these have no array factors with values that vary"
        } else if metric.needs_variances() && !codes.has_variances() {
            "needs the variances of the codes, and these have no array logvar"
        } else if metric == Metric::ClusteringError && !codes.are_choices() {
            "needs codes that choose: rows that are not negative and sum to 1"
        } else {
            continue;
        };
        return Err(MetricError::request(format!(
            "{metric} {lacking}; leave it out, or add what it needs: {spec}"
        )));
    }
    Ok(())
}

/// What to do where nothing describes the pictures of `spec` for `metric`.
pub fn lacks_features(metric: Metric, spec: &str) -> String {
    format!(
        "{metric} on {spec} needs a network that describes pictures; name the Inception weights with --inception FILE or those of a DINOv2 with --dinov2 FILE, or train \
         one on data with known factors with idgan train features and name it with --features FILE"
    )
}

/// The code that [`Metric::Gilbo`] reads back: the VAE's, or without one the block that matters most.
pub(super) fn read_code<'a>(description: &'a ModelDescription, chain: &str) -> Result<&'a str, MetricError> {
    if description.encoded().is_some() {
        return encoded_block(description, chain);
    }
    main_block(description)
        .ok_or_else(|| MetricError::request("this model has no code to read back, only noise"))
}
