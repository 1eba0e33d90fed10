//! GILBO: how much of the code an encoder trained for nothing else can read back from the drawn pictures (Alemi and
//! Fischer 2018; paper footnote 4).

use candle_core::{Device, Tensor};

use crate::base::{Pool, Stream};
use crate::model::ModelDescription;
use crate::nets::{ConvEncoder, EncoderConfig, Parameters, Posterior, Weights};
use crate::objectives::information_loss;
use crate::ops;
use crate::optim::{Gradients, Optimiser, Rule};

use super::alignment::log_likelihood;
use super::drawing::{Drawing, encoder_pictures};
use super::score::moments;
use super::{MetricError, Score, Watch};

/// Pairs a step (ours).
const BATCH: usize = 64;
/// Adam's step size (ours).
const LEARNING_RATE: f64 = 3e-4;
/// Steps when not said (ours).
pub const GILBO_STEPS: usize = 10_000;
/// Trainings when not said (ours).
pub const GILBO_TRAININGS: usize = 3;

/// How a GILBO is measured.
#[derive(Clone, Copy, Debug)]
pub struct GilboOptions {
    /// Steps of an encoder's training, each of 64 fresh pairs.
    pub steps: usize,
    /// Encoders that are trained, each from weights of its own, at least 1.
    pub trainings: usize,
    /// Fresh pairs that each one's bound is reported on.
    pub pairs: usize,
    /// Seed of the encoders' weights.
    pub seed: u64,
}

/// E[log q(c|G(s,c))] in nats on fresh pairs, where q is an encoder of the VAE's architecture trained on pairs of the
/// drawing; the constant entropy of c is left out. `code` names the block that is read back.
///
/// How well an encoder reads depends on its training more than on the pairs. So the value is the mean over several, which are
/// the parts, and the interval is that of their spread; with a single training it is that of the pairs alone.
///
/// # Errors
/// When the model has no such block, its pictures do not fit a 64x64 encoder, training fails, or the watch stops it.
pub fn gilbo(
    drawing: &mut Drawing<'_>,
    description: &ModelDescription,
    code: &str,
    options: &GilboOptions,
    (device, pool): (&Device, &Pool),
    watch: &mut Watch<'_>,
) -> Result<Score, MetricError> {
    let dims = description
        .block(code)
        .map(|block| block.dims)
        .ok_or_else(|| MetricError::request(format!("this model has no code called {code} to read back")))?;
    let mut pairs = Pairs { drawing, code, dims, device, pictures: Vec::new() };
    let range = [f64::NEG_INFINITY, f64::INFINITY];
    let first = Score::mean(&trained_likelihoods(&mut pairs, 0, options, pool, watch)?, range);
    if options.trainings < 2 {
        return Ok(first);
    }
    let mut bounds = vec![first.value];
    for training in 1..options.trainings {
        let likelihoods = trained_likelihoods(&mut pairs, training, options, pool, watch)?;
        bounds.push(moments(&likelihoods).0);
    }
    let names = (1..=bounds.len()).map(|number| format!("training {number}"));
    Ok(Score::mean_of_few(&bounds, range).with_parts(names, &bounds))
}

/// Trains encoder number `training`, and gives log q(c|G(s,c)) of pairs that it has not seen.
fn trained_likelihoods(
    pairs: &mut Pairs<'_, '_>,
    training: usize,
    options: &GilboOptions,
    pool: &Pool,
    watch: &mut Watch<'_>,
) -> Result<Vec<f64>, MetricError> {
    let dims = pairs.dims;
    let network = pairs.network();
    let mut stream = Stream::for_item(options.seed, "gilbo weights", training as u64);
    let weights = Weights::trainable(&network.initialise_uniform(&mut stream), pairs.device)?;
    let encoder = ConvEncoder::new(&weights, "")?;
    let mut optimiser = Optimiser::new(Rule::adam(LEARNING_RATE, 0.9, 0.999), &weights)?;
    let steps = options.steps + options.pairs.div_ceil(BATCH);
    let (begun, total) = (training * steps, options.trainings.max(1) * steps);
    // Every training sees pairs of its own.
    let first = training * (options.steps * BATCH + options.pairs);
    for step in 0..options.steps {
        watch.step(begun + step, total)?;
        let rows = first + step * BATCH..first + (step + 1) * BATCH;
        let (codes, pictures) = pairs.draw(rows, watch)?;
        let loss = pool.run(|| -> candle_core::Result<f32> {
            let loss = information_loss(&codes, &posterior(&encoder, &pictures, dims)?)?;
            let gradients = Gradients::take(&mut ops::backward(&loss)?, &weights);
            optimiser.step(&gradients)?;
            loss.to_scalar::<f32>()
        })?;
        if !loss.is_finite() {
            return Err(MetricError::request(format!(
                "the encoder of gilbo failed at step {step}: its loss is not a finite number"
            )));
        }
    }
    let mut likelihoods = Vec::with_capacity(options.pairs);
    let first = first + options.steps * BATCH;
    while likelihoods.len() < options.pairs {
        let done = likelihoods.len();
        watch.step(begun + options.steps + done / BATCH, total)?;
        let rows = first + done..first + options.pairs.min(done + BATCH);
        let (codes, pictures) = pairs.draw(rows, watch)?;
        let (mu, logvar) = pool.run(|| -> candle_core::Result<_> {
            let read = posterior(&encoder, &pictures, dims)?;
            Ok((read.mu.to_vec2::<f32>()?, read.logvar.to_vec2::<f32>()?))
        })?;
        let codes = codes.to_vec2::<f32>()?;
        let rows = codes.iter().zip(&mu).zip(&logvar);
        likelihoods.extend(rows.map(|((c, mu), logvar)| log_likelihood(c, mu, logvar)));
    }
    Ok(likelihoods)
}

/// Means and log variances are the first and the second half of the encoder's outputs, as in the VAE.
fn posterior(encoder: &ConvEncoder, pictures: &Tensor, dims: usize) -> candle_core::Result<Posterior> {
    let outputs = encoder.forward(pictures)?;
    Ok(Posterior { mu: outputs.narrow(1, 0, dims)?, logvar: outputs.narrow(1, dims, dims)? })
}

/// Codes with their pictures at the encoder's size, on the device.
struct Pairs<'a, 'b> {
    drawing: &'a mut Drawing<'b>,
    code: &'a str,
    dims: usize,
    device: &'a Device,
    pictures: Vec<f32>,
}

impl Pairs<'_, '_> {
    /// The encoder that is trained on them.
    fn network(&self) -> EncoderConfig {
        EncoderConfig { channels: self.drawing.picture_shape()[0], outputs: 2 * self.dims }
    }

    fn draw(
        &mut self,
        rows: std::ops::Range<usize>,
        watch: &Watch<'_>,
    ) -> Result<(Tensor, Tensor), MetricError> {
        let count = rows.len();
        let (shape, taken) = (self.drawing.picture_shape(), self.network().picture_shape());
        let (mut codes, mut pictures) = (Vec::new(), Vec::new());
        // Large pictures are drawn few at a time, and only their small copies are kept.
        let mut start = rows.start;
        while start < rows.end {
            let end = rows.end.min(start + self.drawing.batch());
            let drawing = self.drawing.draw(start..end, &mut self.pictures, watch.cancel())?;
            let block = drawing.block(self.code).map_err(|error| MetricError::request(error.to_string()))?;
            codes.extend_from_slice(block.data());
            match encoder_pictures(&self.pictures, shape, taken)? {
                Some(small) => pictures.extend(small),
                None => pictures.extend_from_slice(&self.pictures),
            }
            start = end;
        }
        let codes = Tensor::from_vec(codes, (count, self.dims), self.device)?;
        let [channels, height, width] = taken;
        Ok((codes, Tensor::from_vec(pictures, (count, channels, height, width), self.device)?))
    }
}
