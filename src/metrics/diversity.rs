//! Perceptual diversity: how differently pictures look where two controls change places (Liu et al., AAAI 2020;
//! `percep_diversity_metric.py` of odegeasslbc/OOGAN-pytorch).

use crate::base::Stream;
use crate::explore::CodesError;
use crate::model::{CodeBlock, CodeKind, ModelDescription};

use super::described::Features;
use super::drawing::Drawing;
use super::score::moments;
use super::{MetricError, Score, Watch};

/// Pairs when not said; the published program draws 100,000 (1,000 batches of 100).
pub const DIVERSITY_PAIRS: usize = 10_000;
/// Pairs of a batch, whose scores have the spread that the paper reports.
const BATCH: usize = 100;

/// The mean over `pairs` pairs of pictures, and over all features, of |F(G(z, c1)) - F(G(z, c2))|.
///
/// Both pictures have the same z ~ N(0, I) and c ~ U(l, h) but for two random controls a and b: c1 has a = l and b = h, c2 the
/// reverse. The part is the standard deviation of batches of 100 pairs, which the paper gives beside its means. l and h are
/// the ends of a uniform code's range; the published program has -1 and 1, which its controls, trained on 0..1, never were, and
/// for Gaussian codes so have we. F is whatever describes pictures: the paper's is a VGG16 tuned on CelebA's
/// attributes, of which no weights were published. Compare only values of one F.
///
/// # Errors
/// When the code has a single dimension or is no code of numbers, pictures cannot be drawn or described, or the watch stops it.
pub fn diversity(
    drawing: &mut Drawing<'_>,
    description: &ModelDescription,
    code: &str,
    features: &mut dyn Features,
    pairs: usize,
    watch: &mut Watch<'_>,
) -> Result<Score, MetricError> {
    let block = exchanged(description, code)?;
    let ends = ends(block);
    let (shape, seed) = (drawing.picture_shape(), drawing.seed());
    let at_once = features.batch().min(drawing.batch()).max(1);
    let misfit = |error: CodesError| MetricError::request(error.to_string());
    let mut scores = Vec::with_capacity(pairs);
    let mut pictures = Vec::new();
    while scores.len() < pairs {
        let done = scores.len();
        watch.step(done, pairs)?;
        let rows = done..pairs.min(done + at_once);
        let mut described = Vec::new();
        for side in 0..2 {
            let mut codes = drawing.codes(rows.clone())?;
            for (row, pair) in rows.clone().enumerate() {
                let mut stream = Stream::for_item(seed, "exchanged controls", pair as u64);
                let values = exchanged_pair(block.dims, ends, &mut stream).swap_remove(side);
                codes.set_row(code, row, &values).map_err(misfit)?;
            }
            drawing.draw_these(&codes, &mut pictures, watch.cancel())?;
            described.push(features.extract(&pictures, shape)?);
        }
        let dims = features.dims().max(1);
        let both = described[0].chunks(dims).zip(described[1].chunks(dims));
        scores.extend(
            both.map(|(a, b)| {
                a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / dims as f64
            }),
        );
    }
    let batches: Vec<f64> = scores.chunks(BATCH).map(|batch| moments(batch).0).collect();
    let deviation = moments(&batches).1.sqrt();
    let score = Score::mean(&scores, [0.0, f64::INFINITY]);
    // one batch has no spread
    let parts = (batches.len() > 1).then(|| format!("deviation of batches of {BATCH}"));
    Ok(score.with_parts(parts, &[deviation]))
}

/// The block whose dimensions change places.
///
/// # Errors
/// When it is no code of at least two numbers.
pub(super) fn exchanged<'a>(
    description: &'a ModelDescription,
    code: &str,
) -> Result<&'a CodeBlock, MetricError> {
    let is_one =
        |block: &&CodeBlock| matches!(block.kind, CodeKind::Uniform | CodeKind::Gaussian) && block.dims > 1;
    description.block(code).filter(is_one).ok_or_else(|| {
        MetricError::request(format!(
            "diversity exchanges two dimensions of a code of numbers, and {code} has no two of them"
        ))
    })
}

/// l and h.
fn ends(block: &CodeBlock) -> [f32; 2] {
    if block.kind == CodeKind::Uniform { block.range } else { [-1.0, 1.0] }
}

/// c1 and c2.
fn exchanged_pair(dims: usize, [low, high]: [f32; 2], stream: &mut Stream) -> Vec<Vec<f32>> {
    let c: Vec<f32> = (0..dims).map(|_| low + (high - low) * stream.uniform()).collect();
    let a = stream.below(dims);
    // any but a
    let b = (a + 1 + stream.below(dims - 1)) % dims;
    let with = |of_a, of_b| {
        let mut c = c.clone();
        (c[a], c[b]) = (of_a, of_b);
        c
    };
    vec![with(low, high), with(high, low)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_controls_change_places_and_the_others_stay() {
        let mut stream = Stream::new(3, "pairs");
        for _ in 0..100 {
            let pair = exchanged_pair(4, [0.0, 1.0], &mut stream);
            let changed: Vec<usize> = (0..4).filter(|&dim| pair[0][dim] != pair[1][dim]).collect();
            let [a, b] = changed[..] else { panic!("{pair:?}") };
            assert_eq!(pair[0][a] + pair[0][b], 1.0);
            assert_eq!((pair[0][a], pair[0][b]), (pair[1][b], pair[1][a]));
        }
    }
}
