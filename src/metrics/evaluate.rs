//! One call that measures a model: what the command line, the tables and the window share.

use crate::base::Cancel;
use crate::data::DrawingVersion;
use crate::explore::CodeSource;
use crate::model::{CodeBlock, CodeKind, ModelDescription};

use super::alignment::{ALIGNMENT_PICTURES, alignment};
use super::clusters::classification_error;
use super::compare_pictures::compare_pictures;
use super::correlation::{READ_BACK_PICTURES, read_back_correlation};
use super::drawing::{Drawing, encoded_block};
use super::fvm::fvm;
use super::gilbo::{GilboOptions, gilbo};
use super::measure_codes::measure_codes;
use super::measure_related::measure_related;
use super::reconstruction::{RECONSTRUCTED_PICTURES, SPREAD_CODES, SPREAD_DRAWS, reconstruction, spread};
use super::request::{CODED_PICTURES, check, named_choices, read_code};
use super::sliced_wasserstein::{SWD_PICTURES, sliced_wasserstein};
use super::{
    CodeSample, EncodedPictures, Evaluation, Features, LabelledCodes, Metric, MetricError, MetricProgress,
    Pictures, Request, Subject, Watch,
};

/// Measures everything that `request` asks, or nothing: what makes no sense is found before anything is computed.
///
/// `features` describe pictures for the metrics that ask for that ([`Metric::needs_features`]).
///
/// # Errors
/// [`MetricError::Request`] when a question makes no sense for this model and data, [`MetricError::Cancelled`] once
/// `cancel` is raised, and whatever reading or computing reports.
pub fn evaluate(
    subject: &mut Subject<'_>,
    pictures: &Pictures,
    request: &Request,
    features: Option<&mut (dyn Features + '_)>,
    progress: &mut dyn FnMut(MetricProgress),
    cancel: &Cancel,
) -> Result<Evaluation, MetricError> {
    check(subject, pictures, request, features.as_deref().map(|features| features.dims()))?;
    let precision = subject.precision;
    let mut job = ModelEvaluation {
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
        job.codes(sample)?;
    }
    job.pictures(sample.as_ref(), features)?;
    Ok(job.result)
}

/// A measurement under way.
struct ModelEvaluation<'a, 'b, 'c> {
    subject: &'a mut Subject<'b>,
    pictures: &'a Pictures,
    request: &'a Request,
    watch: Watch<'c>,
    result: Evaluation,
}

impl ModelEvaluation<'_, '_, '_> {
    /// The codes of the data's pictures, where anything needs them.
    fn sample(&mut self) -> Result<Option<CodeSample>, MetricError> {
        let count = self.request.samples.unwrap_or(CODED_PICTURES);
        let (Some(data), Some(encoder)) =
            (&self.pictures.at_encoder_size, &mut self.subject.networks.encoder)
        else {
            return Ok(None);
        };
        let first = self.request.metrics.iter().copied().find(|metric| metric.needs_coded_data());
        self.watch.begin(first.unwrap_or(Metric::Fid));
        let mut at_encoder_size = EncodedPictures::new(data.as_ref(), encoder.as_mut(), self.subject.pool)?;
        CodeSample::draw(&mut at_encoder_size, count, self.request.seed, &mut self.watch).map(Some)
    }

    /// Everything that looks at codes of the data alone.
    fn codes(&mut self, sample: &CodeSample) -> Result<(), MetricError> {
        let (Some(data), Some(encoder)) =
            (&self.pictures.at_encoder_size, &mut self.subject.networks.encoder)
        else {
            return Ok(());
        };
        let mut at_encoder_size = EncodedPictures::new(data.as_ref(), encoder.as_mut(), self.subject.pool)?;
        let pool = self.subject.pool;
        let code = read_block(self.subject.description);
        let mut request = self.request.clone();
        let prior_variance = code.map_or(1.0, CodeBlock::prior_variance);
        request.fvm.least_variance *= prior_variance;
        request.active_variance *= prior_variance;
        measure_codes(&mut at_encoder_size, sample, &request, pool, &mut self.watch, &mut self.result)?;
        let uniform = code.filter(|block| block.kind == CodeKind::Uniform);
        if let (Some(block), true) = (uniform, request.has(Metric::Fvm)) {
            self.watch.begin(Metric::Fvm);
            let (published, seed) = (&self.request.fvm, self.request.seed);
            let as_it_is =
                fvm(&mut at_encoder_size, &sample.variances(), published, seed, &mut self.watch)?.value;
            self.result.explain_uniform_fvm(as_it_is, f64::from(block.range[1] - block.range[0]));
        }
        let class_of = named_choices(self.subject.description, data.as_ref());
        if let (true, Some(class_of)) = (request.has(Metric::ClassificationError), class_of) {
            self.watch.begin(Metric::ClassificationError);
            let score = classification_error(&LabelledCodes::of(sample, &at_encoder_size), &class_of)?;
            let setting = "the largest value of the code, by the model's names of its dimensions";
            self.result.keep(Metric::ClassificationError, score, sample.len(), setting);
        }
        Ok(())
    }

    /// Everything that looks at drawn pictures.
    fn pictures(
        &mut self,
        sample: Option<&CodeSample>,
        mut features: Option<&mut (dyn Features + '_)>,
    ) -> Result<(), MetricError> {
        // a borrow of its own that ends before the next
        let lent = features.as_mut().map(|features| &mut **features as &mut dyn Features);
        measure_related(self.subject, self.request, lent, &mut self.watch, &mut self.result)?;
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
            self.result.keep(
                Metric::RId,
                score,
                count,
                format!("drawn by {chain}, codes from the posterior"),
            );
        }
        self.read_back(sample)?;
        self.own_codes(sample)?;
        let networks = &mut *self.subject.networks;
        let renderer = networks.renderers.get_mut(&request.chain);
        let Some(renderer) = renderer else { return Ok(()) };
        let posterior = sample.filter(|_| request.codes == CodeSource::Posterior);
        if let (true, Some(data), Some(features)) = (
            Metric::OF_FEATURES.iter().any(|metric| request.has(*metric)),
            &self.pictures.at_picture_size,
            features,
        ) {
            let mut drawing = Drawing::new(description, renderer.as_mut(), chain, posterior, request.seed)?;
            let pool = self.subject.pool;
            let (watch, result) = (&mut self.watch, &mut self.result);
            compare_pictures(data.as_ref(), &mut drawing, features, request, pool, watch, result)?;
        }
        self.sliced_wasserstein(posterior)?;
        self.gilbo(sample)
    }

    fn sliced_wasserstein(&mut self, posterior: Option<&CodeSample>) -> Result<(), MetricError> {
        let request = self.request;
        let chain = request.chain.as_str();
        let networks = &mut *self.subject.networks;
        let renderer = networks.renderers.get_mut(chain);
        let (true, Some(renderer), Some(data)) =
            (request.has(Metric::Swd), renderer, &self.pictures.at_picture_size)
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
        self.result.keep(Metric::Swd, score, count, setting);
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
        let least = request.active_variance * read_block(description).map_or(1.0, CodeBlock::prior_variance);
        let sample = (sample, least);
        match read_back_correlation(pair, description, encoder.as_mut(), sample, count, &mut self.watch)? {
            Some(score) => {
                self.result.keep(
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

    /// What is drawn of the codes that the encoder finds, beside the pictures themselves and one another.
    fn own_codes(&mut self, sample: Option<&CodeSample>) -> Result<(), MetricError> {
        let request = self.request;
        let chain = request.chain.as_str();
        let (description, pool) = (self.subject.description, self.subject.pool);
        let networks = &mut *self.subject.networks;
        let Some(renderer) = networks.renderers.get_mut(chain) else { return Ok(()) };
        if let (true, Some(sample), Some(data)) =
            (request.has(Metric::Reconstruction), sample, &self.pictures.at_encoder_size)
        {
            let code = encoded_block(description, chain)?;
            let count = request.samples.unwrap_or(RECONSTRUCTED_PICTURES).min(sample.len());
            self.watch.begin(Metric::Reconstruction);
            let mut drawing = Drawing::new(description, renderer.as_mut(), chain, None, request.seed)?;
            let watch = &mut self.watch;
            let score = reconstruction(&mut drawing, code, data.as_ref(), sample, count, pool, watch)?;
            let setting = format!("mean squared error of values in [0, 1], drawn by {chain} of mean codes");
            self.result.keep(Metric::Reconstruction, score, count, setting);
        }
        if request.has(Metric::Spread) {
            let code = read_code(description, chain)?;
            let count = request.samples.unwrap_or(SPREAD_CODES);
            self.watch.begin(Metric::Spread);
            let mut drawing = Drawing::new(description, renderer.as_mut(), chain, sample, request.seed)?;
            let score = spread(&mut drawing, code, count, &mut self.watch)?;
            let from = if sample.is_some() { CodeSource::Posterior } else { CodeSource::Prior };
            let setting = format!(
                "variance of values in [0, 1] over {SPREAD_DRAWS} draws, by {chain}, codes from the {from}"
            );
            self.result.keep(Metric::Spread, score, count, setting);
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
            if sample.is_some() { CodeSource::Posterior } else { CodeSource::Prior }
        );
        self.result.keep(Metric::Gilbo, score, pairs, setting);
        Ok(())
    }
}

/// The code that the encoder reads. A dimension is judged used by its variance against that of its prior: of OOGAN's controls, from 0
/// to 1, 0.05 would leave out dimensions that are used. A bound multiplied by the prior's variance is the same as means divided by
/// its deviation first (ours).
fn read_block(description: &ModelDescription) -> Option<&CodeBlock> {
    description.block(description.encoded()?)
}
