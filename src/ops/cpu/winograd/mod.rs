//! The 3x3 convolution of training in Winograd's form F(4x4, 3x3): 36 products for 4x4 results, where direct
//! computation takes 144 (Lavin and Gray 2015, "Fast Algorithms for Convolutional Neural Networks").
//!
//! Patches of 6x6 pixels that overlap by two, sixteen channels side by side, are transformed to 36 *points*. For
//! each point the patches are multiplied with the transformed weights as matrices, and the products transformed
//! back. The gradient of the input is the same convolution with its kernels turned round. In the gradient of the
//! weights the same patches meet the transformed gradient of the result, summed over all tiles, and the sums are
//! transformed back to 3x3 once.

mod filters;
mod forward;
mod patches;
mod weight_gradient;

use super::micro::{LANES, ROWS};
use super::shape::ConvShape;
use std::ops::Range;

pub(super) use forward::{forward, transposed};
pub(super) use weight_gradient::weight_gradient;

/// Pixels of a tile's edge.
const TILE_EDGE: usize = 4;

/// Entries of a transformed patch.
const POINTS: usize = 36;

/// Channels that are transformed together.
const BLOCK: usize = 16;

/// Tiles in the batch from which on the transformation of the weights pays.
const FEWEST_TILES: usize = 96;

/// Whether these kernels take the convolution, whose input passes a leaky ReLU of slope `before`.
pub(super) fn fits(s: &ConvShape, before: Option<f32>) -> bool {
    let tiles = s.batch * (s.in_height / TILE_EDGE) * (s.in_width / TILE_EDGE);
    (s.kernel, s.stride, s.padding) == (3, 1, 1)
        && s.in_height.is_multiple_of(TILE_EDGE)
        && s.in_width.is_multiple_of(TILE_EDGE)
        && s.in_channels.is_multiple_of(LANES)
        && s.out_channels.is_multiple_of(LANES)
        && tiles >= FEWEST_TILES
        && before.is_none_or(|slope| (0.0..=1.0).contains(&slope))
}

/// Tiles that are worked on together: whole images, or some rows of tiles of one image.
#[derive(Clone, Debug)]
struct Chunk {
    images: Range<usize>,
    /// Rows of tiles.
    rows: Range<usize>,
}

/// The batch cut into tiles and chunks.
#[derive(Clone, Debug)]
struct Tiling {
    height: usize,
    width: usize,
    /// Tiles in a row.
    across: usize,
    chunks: Vec<Chunk>,
    /// Tiles of the largest chunk, rounded up to whole rows of the micro-kernel.
    slots: usize,
}

impl Tiling {
    /// Chunks of about `wanted` tiles.
    fn new(s: &ConvShape, wanted: usize) -> Self {
        let (down, across) = (s.in_height / TILE_EDGE, s.in_width / TILE_EDGE);
        let mut chunks = Vec::new();
        if down * across <= wanted {
            let images = wanted / (down * across);
            for first in (0..s.batch).step_by(images) {
                chunks.push(Chunk { images: first..s.batch.min(first + images), rows: 0..down });
            }
        } else {
            let rows = (wanted / across).max(1);
            for image in 0..s.batch {
                for first in (0..down).step_by(rows) {
                    chunks.push(Chunk { images: image..image + 1, rows: first..down.min(first + rows) });
                }
            }
        }
        let most = chunks.iter().map(|c| c.images.len() * c.rows.len() * across).max().unwrap_or(0);
        let slots = most.next_multiple_of(ROWS);
        Self { height: s.in_height, width: s.in_width, across, chunks, slots }
    }

    /// Tiles of a chunk.
    fn count(&self, chunk: &Chunk) -> usize {
        chunk.images.len() * chunk.rows.len() * self.across
    }

    /// Values from one point to the next of patches of so many channels, `[point][block][slot][BLOCK]`. One cache
    /// line more than a point holds, or the points of a tile would fall into the same few sets of the cache.
    fn point_length(&self, channels: usize) -> usize {
        channels * self.slots + BLOCK
    }
}

#[cfg(test)]
mod tests {
    use super::super::direct;
    use super::super::filled_vec::filled_vec;
    use super::super::fused::Fused;
    use super::super::isa::Isa;
    use super::*;

    fn values(length: usize, seed: usize) -> Vec<f32> {
        (0..length).map(|i| ((i * 7919 + seed * 104_729) % 20_011) as f32 / 10_005.5 - 1.0).collect()
    }

    /// The largest difference, relative to the largest value.
    fn difference(got: &[f32], expected: &[f64]) -> f64 {
        let scale = expected.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        got.iter().zip(expected).map(|(&g, &e)| (f64::from(g) - e).abs()).fold(0.0, f64::max) / scale
    }

    #[test]
    fn all_three_follow_the_definition_on_every_path() {
        for (batch, size, inputs, outputs) in
            [(6, (16, 16), 32, 64), (25, (8, 8), 64, 32), (1, (72, 44), 32, 32)]
        {
            let s = ConvShape {
                batch,
                in_channels: inputs,
                in_height: size.0,
                in_width: size.1,
                out_channels: outputs,
                out_height: size.0,
                out_width: size.1,
                kernel: 3,
                stride: 1,
                padding: 1,
            };
            assert!(fits(&s, Some(0.2)));
            let wide = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
            let (x, w, y) = (values(s.wide_len(), 1), values(s.weight_len(), 2), values(s.narrow_len(), 3));
            let active: Vec<f64> = x.iter().map(|&x| f64::from(if x > 0.0 { x } else { 0.2 * x })).collect();
            let bias = values(outputs, 4);
            let double = wide(&bias);
            let fused = Fused { bias: Some(&double[..]), ..Fused::default() };
            let mut ny = filled_vec(y.len(), |out| direct::forward(&s, &active, &wide(&w), &fused, out));
            ny.iter_mut().zip(&y).for_each(|(n, &y)| *n = f64::from(y) + 0.5 * *n);
            let plain = Fused::default();
            let mut nx = filled_vec(x.len(), |out| direct::transposed(&s, &wide(&y), &wide(&w), &plain, out));
            nx.iter_mut().zip(&x).for_each(|(n, &x)| *n *= if x > 0.0 { 1.0 } else { 0.2 });
            let nw = filled_vec(w.len(), |out| direct::weight_gradient(&s, &active, &wide(&y), out));
            for isa in Isa::available() {
                let [gy, gx, gw] = isa.preferred(|| {
                    let fused = Fused {
                        before: Some(0.2),
                        bias: Some(&bias),
                        shortcut: Some((&y, 0.5)),
                        ..Fused::default()
                    };
                    let gy = filled_vec(y.len(), |out| forward(&s, &x, &w, &fused, out));
                    let fused = Fused { mask: Some((&x, 0.2)), ..Fused::default() };
                    let gx = filled_vec(x.len(), |out| transposed(&s, &y, &w, &fused, out));
                    [gy, gx, filled_vec(w.len(), |out| weight_gradient(&s, &x, Some(0.2), &y, out))]
                });
                for (what, got, expected) in
                    [("forward", &gy, &ny), ("transposed", &gx, &nx), ("weight", &gw, &nw)]
                {
                    let difference = difference(got, expected);
                    assert!(difference < 2e-5, "{isa:?} {what} {s:?}: {difference:e}");
                }
            }
        }
    }
}
