//! What the papers of IB-GAN and OOGAN measure of their models.

use super::bounds::{BOUND_PICTURES, Bounds, Carriers, bounds, carried};
use super::controls::{CONTROL_PICTURES, Set, control_distance};
use super::cosines::cosines;
use super::diversity::{DIVERSITY_PAIRS, diversity};
use super::drawing::Drawing;
use super::request::read_code;
use super::{Evaluation, Features, Metric, MetricError, Request, Subject, Watch};

/// A measurement under way.
struct RelatedEvaluation<'a, 'b, 'c> {
    subject: &'a mut Subject<'b>,
    request: &'a Request,
    watch: &'a mut Watch<'c>,
    result: &'a mut Evaluation,
}

/// Adds to `result` what `request` asks of that; what makes no sense for the model was refused before.
///
/// # Errors
/// When the networks fail, or the watch stops it.
pub(super) fn measure_related(
    subject: &mut Subject<'_>,
    request: &Request,
    features: Option<&mut (dyn Features + '_)>,
    watch: &mut Watch<'_>,
    result: &mut Evaluation,
) -> Result<(), MetricError> {
    let mut job = RelatedEvaluation { subject, request, watch, result };
    job.cosine()?;
    job.bounds()?;
    job.controls()?;
    match features {
        Some(features) => job.diversity(features),
        None => Ok(()),
    }
}

impl RelatedEvaluation<'_, '_, '_> {
    /// The reader's kernels.
    fn cosine(&mut self) -> Result<(), MetricError> {
        if !self.request.has(Metric::Cosine) {
            return Ok(());
        }
        self.watch.begin(Metric::Cosine);
        let score = cosines(self.subject.model)?;
        let rows =
            "mean of all squared cosines between rows, the diagonal too, so that 1 / rows is the least";
        self.result.keep(Metric::Cosine, score, 1, rows);
        Ok(())
    }

    /// Both bounds on the information about noise.
    fn bounds(&mut self) -> Result<(), MetricError> {
        let (request, description) = (self.request, self.subject.description);
        let Some(&first) = Metric::BOUNDS.iter().find(|metric| request.has(**metric)) else { return Ok(()) };
        let chain = request.chain.as_str();
        let (noise, code) = carried(description, chain)?;
        let networks = &mut *self.subject.networks;
        let (emitter, reader) = match (&mut networks.emission, &mut networks.encoder) {
            (Some(emission), _) => (Some(&emission.emitter), Some(emission.reader.as_mut())),
            (None, encoder) => (None, encoder.as_deref_mut()),
        };
        let (Some(reader), Some(renderer)) = (reader, networks.renderers.get_mut(chain)) else {
            return Ok(());
        };
        self.watch.begin(first);
        let count = request.samples.unwrap_or(BOUND_PICTURES);
        let mut drawing = Drawing::new(description, renderer.as_mut(), chain, None, request.seed)?;
        let mut carriers = Carriers { emitter, reader, noise, code };
        let Bounds { lower, upper } = bounds(&mut drawing, &mut carriers, count, self.watch)?;
        if let Some(upper) = upper.as_ref().filter(|upper| lower.low > upper.high) {
            self.result.warnings.push(format!(
                "information of {} lies above its upper bound, {}, by more than the draws explain; no chain of networks can do \
                 that, so the weights or the program are wrong",
                Metric::Information.figure(lower.value),
                Metric::Bottleneck.figure(upper.value)
            ));
        }
        let through = if noise == code { String::new() } else { format!(" through {code}") };
        let setting = format!("{noise} from N(0, I){through}, drawn by {chain}, read with unit variance");
        if request.has(Metric::Information) {
            self.result.keep(Metric::Information, lower, count, setting);
        }
        if let (true, Some(upper)) = (request.has(Metric::Bottleneck), upper) {
            let setting = format!("{code} of {noise} from N(0, I), against N(0, I)");
            self.result.keep(Metric::Bottleneck, upper, count, setting);
        }
        Ok(())
    }

    /// Controls that are set beside what is read of them.
    fn controls(&mut self) -> Result<(), MetricError> {
        let (request, description) = (self.request, self.subject.description);
        for (metric, set) in [(Metric::OneHotL1, Set::OneHot), (Metric::UniformL1, Set::Uniform)] {
            let chain = request.chain.as_str();
            let networks = &mut *self.subject.networks;
            let renderer = networks.renderers.get_mut(chain);
            let (true, Some(renderer), Some(encoder)) =
                (request.has(metric), renderer, &mut networks.encoder)
            else {
                continue;
            };
            let count = request.samples.unwrap_or(CONTROL_PICTURES);
            self.watch.begin(metric);
            let mut drawing = Drawing::new(description, renderer.as_mut(), chain, None, request.seed)?;
            let encoder = encoder.as_mut();
            let score = control_distance(&mut drawing, description, chain, encoder, set, count, self.watch)?;
            self.result.keep(metric, score, count, format!("mean over controls, drawn by {chain}"));
        }
        Ok(())
    }

    /// What exchanging two controls changes to a network that describes pictures.
    fn diversity(&mut self, features: &mut (dyn Features + '_)) -> Result<(), MetricError> {
        let (request, description) = (self.request, self.subject.description);
        let chain = request.chain.as_str();
        let renderer = self.subject.networks.renderers.get_mut(chain);
        let (true, Some(renderer)) = (request.has(Metric::Diversity), renderer) else { return Ok(()) };
        let code = read_code(description, chain)?;
        let pairs = request.samples.unwrap_or(DIVERSITY_PAIRS);
        self.watch.begin(Metric::Diversity);
        let mut drawing = Drawing::new(description, renderer.as_mut(), chain, None, request.seed)?;
        let score = diversity(&mut drawing, description, code, features, pairs, self.watch)?;
        let setting = format!("{}, two dimensions of {code} exchanged, drawn by {chain}", features.name());
        self.result.keep(Metric::Diversity, score, pairs, setting);
        Ok(())
    }
}
