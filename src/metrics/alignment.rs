//! R_ID: whether the encoder reads the code back from what the generator drew of it (paper Eq. 4 and Table 3).

use crate::inference::Encoder;

use super::drawing::{Drawing, encoded_block, read_back};
use super::{MetricError, Score, Watch};
use crate::model::ModelDescription;

/// Keeps the published implementation's division from blowing up.
const EPSILON: f64 = 1e-8;

/// Pictures when not said (ours; the paper gives none).
pub const ALIGNMENT_PICTURES: usize = 10_000;

/// log q(c|x) in nats of N(mu, exp(logvar)), as the distillation's loss has it.
pub fn log_likelihood(c: &[f32], mu: &[f32], logvar: &[f32]) -> f64 {
    let term = |((&c, &mu), &logvar): ((&f32, &f32), &f32)| {
        let (c, mu, logvar) = (f64::from(c), f64::from(mu), f64::from(logvar));
        -0.5 * (std::f64::consts::TAU.ln() + logvar + (c - mu).powi(2) / (logvar.exp() + EPSILON))
    };
    c.iter().zip(mu).zip(logvar).map(term).sum()
}

/// E[log q(c|G(s,c))] over `count` drawn pictures, without the constant entropy of c.
///
/// The drawing's codes should come from the aggregated posterior.
///
/// # Errors
/// When the networks do not fit each other or fail, or the watch stops it.
pub fn alignment(
    drawing: &mut Drawing<'_>,
    description: &ModelDescription,
    chain: &str,
    encoder: &mut dyn Encoder,
    count: usize,
    watch: &mut Watch<'_>,
) -> Result<Score, MetricError> {
    let code = encoded_block(description, chain)?;
    let (shape, batch, dims) = (drawing.picture_shape(), drawing.batch(), encoder.code_dim());
    let mut pictures = Vec::new();
    let mut likelihoods = Vec::with_capacity(count);
    while likelihoods.len() < count {
        let done = likelihoods.len();
        watch.step(done, count)?;
        let codes = drawing.draw(done..count.min(done + batch), &mut pictures, watch.cancel())?;
        let (mu, logvar) = read_back(encoder, &pictures, shape)?;
        for (row, (mu, logvar)) in mu.chunks_exact(dims).zip(logvar.chunks_exact(dims)).enumerate() {
            let c = codes.row(code, row).map_err(|error| MetricError::request(error.to_string()))?;
            likelihoods.push(log_likelihood(c, mu, logvar));
        }
    }
    Ok(Score::mean(&likelihoods, [f64::NEG_INFINITY, f64::INFINITY]))
}
