//! How far what is read back lies from controls that were set (Liu et al., AAAI 2020, Fig. 10 a, b).

use crate::base::Stream;
use crate::inference::Encoder;
use crate::model::{CodeKind, ModelDescription};

use super::drawing::{Drawing, encoded_block, read_back};
use super::{MetricError, Score, Watch};

/// Pictures when not said (ours; the paper draws curves of training).
pub const CONTROL_PICTURES: usize = 10_000;

/// The controls that are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// One control of each picture is at the upper end of its range, all others at the lower.
    OneHot,
    /// All are uniform over their range.
    Uniform,
}

/// E|c - mu|, where mu is what the encoder reads from G(c, z): the mean over controls and over `count` pictures.
///
/// # Errors
/// When the code that is read back is not uniform, the networks do not fit each other or fail, or the watch stops it.
pub fn control_distance(
    drawing: &mut Drawing<'_>,
    description: &ModelDescription,
    chain: &str,
    encoder: &mut dyn Encoder,
    set: Set,
    count: usize,
    watch: &mut Watch<'_>,
) -> Result<Score, MetricError> {
    let block = controls(description, chain)?;
    let (shape, batch, [low, high]) = (drawing.picture_shape(), drawing.batch(), block.range);
    let misfit = |error: crate::explore::CodesError| MetricError::request(error.to_string());
    let mut pictures = Vec::new();
    let mut distances = Vec::with_capacity(count);
    while distances.len() < count {
        let done = distances.len();
        watch.step(done, count)?;
        let mut codes = drawing.codes(done..count.min(done + batch))?;
        for row in 0..codes.rows() {
            if set == Set::OneHot {
                let mut stream = Stream::for_item(drawing.seed(), "one-hot controls", (done + row) as u64);
                let mut c = vec![low; block.dims];
                c[stream.below(block.dims)] = high;
                codes.set_row(&block.name, row, &c).map_err(misfit)?;
            }
        }
        drawing.draw_these(&codes, &mut pictures, watch.cancel())?;
        let (mu, _) = read_back(encoder, &pictures, shape)?;
        let set = codes.block(&block.name).map_err(misfit)?;
        let rows = set.data().chunks(block.dims).zip(mu.chunks(block.dims));
        distances.extend(rows.map(|(c, mu)| distance(c, mu)));
    }
    Ok(Score::mean(&distances, [0.0, f64::INFINITY]))
}

/// The block of controls that the encoder reads and `chain` takes.
///
/// # Errors
/// When there is none.
pub(super) fn controls<'a>(
    description: &'a ModelDescription,
    chain: &str,
) -> Result<&'a crate::model::CodeBlock, MetricError> {
    let code = encoded_block(description, chain)?;
    let block = description.block(code).filter(|block| block.kind == CodeKind::Uniform);
    block.ok_or_else(|| {
        MetricError::request(format!(
            "one_hot_l1 and uniform_l1 set controls between two ends, as OOGAN's, and this model's {code} has none"
        ))
    })
}

/// The mean of |c - mu| over controls.
fn distance(c: &[f32], mu: &[f32]) -> f64 {
    let sum: f64 = c.iter().zip(mu).map(|(c, mu)| f64::from((c - mu).abs())).sum();
    sum / c.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_is_a_mean_over_controls() {
        assert_eq!(distance(&[1.0, 0.0, 0.0, 0.0], &[0.5, 0.25, -0.25, 0.0]), 0.25);
    }
}
