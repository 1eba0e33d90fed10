//! The transformation of the filters, once.

use std::ops::Range;

use rayon::prelude::*;

use super::super::super::element::Element;
use super::super::gemm::weight_at;
use super::super::map::{BLOCK, MapShape};
use super::super::storage::Buffer;
use super::super::transforms::MOST;
use super::variant::Sizes;

/// `G g G^T` of every filter, in f64, in the order in which the products are computed.
pub(super) fn pack<E: Element>(
    weights: &[f32],
    input: &MapShape,
    output: &MapShape,
    columns: usize,
    sizes: &Sizes,
) -> Buffer<E> {
    let width = columns * BLOCK;
    let depth = input.channels().next_multiple_of(E::STEP);
    let group_len = sizes.points * sizes.phases * depth * width;
    let mut packed = Buffer::<E>::zeros(output.blocks() / columns * group_len);
    packed.values_mut().par_chunks_mut(group_len).enumerate().for_each(|(group, values)| {
        let outputs = group * width..output.channels().min((group + 1) * width);
        pack_group(weights, input.channels(), outputs, width, sizes, values);
    });
    packed
}

/// Packs the filters of the outputs of one group: `[point][phase][input channel][width]`, channels in steps.
fn pack_group<E: Element>(
    weights: &[f32],
    channels: usize,
    outputs: Range<usize>,
    width: usize,
    sizes: &Sizes,
    values: &mut [E],
) {
    let (transform, taps, step) = (sizes.filter, sizes.taps, sizes.phases.isqrt());
    let kernel = taps * step;
    let depth = channels.next_multiple_of(E::STEP);
    for (phase, channel) in (0..sizes.phases * channels).map(|row| (row / channels, row % channels)) {
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
                    let part = (y * transform.len() + x) * sizes.phases + phase;
                    values[part * depth * width + weight_at::<E>(channel, lane, width)] = E::of(value as f32);
                }
            }
        }
    }
}
