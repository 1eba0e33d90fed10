//! The transformation of the filters, once.

use std::ops::Range;

use rayon::prelude::*;

use super::super::map::{BLOCK, MapShape};
use super::super::storage::Buffer;
use super::super::transforms::MOST;
use super::variant::Sizes;

/// `G g G^T` of every filter, in f64, in the order in which the products are computed.
pub(super) fn pack(
    weights: &[f32],
    input: &MapShape,
    output: &MapShape,
    columns: usize,
    sizes: &Sizes,
) -> Buffer {
    let width = columns * BLOCK;
    let group_len = sizes.points * sizes.phases * input.channels() * width;
    let mut packed = Buffer::zeros(output.blocks() / columns * group_len);
    packed.values_mut().par_chunks_mut(group_len).enumerate().for_each(|(group, values)| {
        let outputs = group * width..output.channels().min((group + 1) * width);
        pack_group(weights, input.channels(), outputs, width, sizes, values);
    });
    packed
}

/// Packs the filters of the outputs of one group: `[point][phase][input channel][width]`.
fn pack_group(
    weights: &[f32],
    channels: usize,
    outputs: Range<usize>,
    width: usize,
    sizes: &Sizes,
    values: &mut [f32],
) {
    let (transform, taps, step) = (sizes.filter, sizes.taps, sizes.phases.isqrt());
    let kernel = taps * step;
    let depth = sizes.phases * channels;
    for row in 0..depth {
        let (phase, channel) = (row / channels, row % channels);
        for (lane, out) in outputs.clone().enumerate() {
            let filter = &weights[(out * channels + channel) * kernel * kernel..][..kernel * kernel];
            let tap = |y: usize, x: usize| {
                f64::from(filter[(y * step + phase / step) * kernel + x * step + phase % step])
            };
            let mut columns = [[0.0; MOST]; 3];
            for (x, column) in columns[..taps].iter_mut().enumerate() {
                for (point, factors) in column.iter_mut().zip(transform) {
                    *point = (0..taps).map(|y| factors[y] * tap(y, x)).sum();
                }
            }
            for y in 0..transform.len() {
                for (x, factors) in transform.iter().enumerate() {
                    let value: f64 = (0..taps).map(|t| columns[t][y] * factors[t]).sum();
                    values[((y * transform.len() + x) * depth + row) * width + lane] = value as f32;
                }
            }
        }
    }
}
