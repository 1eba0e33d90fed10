//! The transposed convolution towards few channels, such as a picture's one or three, which would leave most lanes
//! of [`super::gather`] idle.
//!
//! Here the lanes are the products of one pixel with every tap of every channel; they are turned, so that each
//! tap is a small picture of its own, and these are added up, each moved to its place. A convolution of stride 1
//! is the same thing with its taps turned round.

use super::elementwise::leaky;
use super::fused::Fused;
use super::isa::Isa;
use super::micro::{LANES, Offsets, Product, ROWS, TILE, accumulate, position, positions};
use super::scratch::with_scratch;
use super::shape::ConvShape;
use super::transpose::{Destination, transpose_into};
use rayon::prelude::*;
use std::mem::MaybeUninit;
use std::ops::Range;

/// Source pixels a thread takes at a time.
const BAND: usize = 1024;

/// The most channels for which this is used.
const FEW: usize = 4;

/// Whether so few `channels` come out that this is the better way.
pub(super) fn fits(shape: &ConvShape, channels: usize) -> bool {
    channels <= FEW && shape.kernel > 1 && shape.out_height * shape.out_width >= 16
}

/// `wide = activation(conv_transpose(narrow, weight) + bias)` for few `in_channels`, in all of `wide`.
pub(super) fn transposed<'r>(
    shape: &ConvShape,
    narrow: &[f32],
    weight: &[f32],
    fused: &Fused<'_>,
    wide: &'r mut [MaybeUninit<f32>],
) -> &'r mut [f32] {
    let lanes = shape.in_channels * shape.kernel * shape.kernel;
    let padded = lanes.next_multiple_of(LANES);
    with_scratch(shape.out_channels * padded, |packed| {
        for (row, packed) in weight.chunks_exact(lanes).zip(packed.chunks_exact_mut(padded)) {
            packed[..lanes].copy_from_slice(row);
            packed[lanes..].fill(0.0);
        }
        run(shape, narrow, packed, fused, wide)
    })
}

/// `narrow = activation(conv(wide, weight) + bias)` for few `out_channels`, stride 1 and less padding than kernel, in
/// all of `narrow`.
pub(super) fn forward<'r>(
    shape: &ConvShape,
    wide: &[f32],
    weight: &[f32],
    fused: &Fused<'_>,
    narrow: &'r mut [MaybeUninit<f32>],
) -> &'r mut [f32] {
    let s = shape;
    let square = s.kernel * s.kernel;
    let padded = (s.out_channels * square).next_multiple_of(LANES);
    // The same sums seen from the other side: the wide map is what is spread, and tap k becomes kernel - 1 - k.
    let mirrored = ConvShape {
        in_channels: s.out_channels,
        in_height: s.out_height,
        in_width: s.out_width,
        out_channels: s.in_channels,
        out_height: s.in_height,
        out_width: s.in_width,
        padding: s.kernel - 1 - s.padding,
        ..*s
    };
    with_scratch(s.in_channels * padded, |packed| {
        packed.fill(0.0);
        for (channel, packed) in packed.chunks_exact_mut(padded).enumerate() {
            for out in 0..s.out_channels {
                let taps = &weight[(out * s.in_channels + channel) * square..][..square];
                for (packed, &tap) in packed[out * square..][..square].iter_mut().zip(taps.iter().rev()) {
                    *packed = tap;
                }
            }
        }
        run(&mirrored, wide, packed, fused, narrow)
    })
}

/// Spreads the narrow side over all of `wide`; `packed` is `(out_channels, lanes rounded up)`.
fn run<'r>(
    s: &ConvShape,
    narrow: &[f32],
    packed: &[f32],
    fused: &Fused<'_>,
    wide: &'r mut [MaybeUninit<f32>],
) -> &'r mut [f32] {
    assert_eq!(wide.len(), s.wide_len());
    let band = (BAND / s.out_width.max(1)).max(4) * s.stride;
    let bands = s.in_height.div_ceil(band);
    let target = Destination::new(wide);
    let isa = Isa::detect();
    (0..s.batch * bands).into_par_iter().for_each(|task| {
        let (image, first) = (task / bands, task % bands * band);
        let rows = first..s.in_height.min(first + band);
        // The narrow rows with a tap in these: o * stride + k - padding = row for some k.
        let low = (rows.start + s.padding).saturating_sub(s.kernel - 1).div_ceil(s.stride);
        let high = ((rows.end - 1 + s.padding) / s.stride + 1).min(s.out_height);
        let sources = low.min(high)..high;
        spread(s, isa, image, rows, sources, narrow, packed, fused, target);
    });
    // SAFETY: the tasks go over all images and bands, a band over its rows and all channels, and a row is written
    // whole; the line at the top has seen that there is nothing else.
    unsafe { wide.assume_init_mut() }
}

/// Makes some rows of one picture from the narrow rows that reach them.
fn spread(
    s: &ConvShape,
    isa: Isa,
    image: usize,
    rows: Range<usize>,
    sources: Range<usize>,
    narrow: &[f32],
    packed: &[f32],
    fused: &Fused<'_>,
    out: Destination<'_>,
) {
    let square = s.kernel * s.kernel;
    let lanes = s.in_channels * square;
    let padded = lanes.next_multiple_of(LANES);
    let plane = s.out_height * s.out_width;
    let source = &narrow[image * s.out_channels * plane..][..s.out_channels * plane];
    let pixels = sources.len() * s.out_width;
    let first = sources.start * s.out_width;
    let offsets: Vec<u32> = (0..s.out_channels).map(|c| position(c * plane)).collect();
    let offsets = Offsets::new(&offsets);
    let places = positions(pixels, |pixel| first + pixel);
    // One row of every phase of the output, with room on both sides for taps that fall outside.
    let margin = s.kernel;
    let width = s.in_width.div_ceil(s.stride).max(s.out_width) + 2 * margin;
    with_scratch(lanes * pixels + s.stride * width + s.in_width, |scratch| {
        let (taps, rest) = scratch.split_at_mut(lanes * pixels);
        let (phases, line) = rest.split_at_mut(s.stride * width);
        for (start, &rows) in (0..pixels).step_by(ROWS).zip(&places) {
            let count = ROWS.min(pixels - start);
            for block in 0..padded / LANES {
                let some = LANES.min(lanes - block * LANES);
                let mut tile = [0.0; TILE];
                let vectors = &packed[block * LANES..];
                let product = Product { scalars: source, rows, offsets, vectors, step: padded };
                accumulate(isa, &product, some, true, &mut tile);
                let taps = &mut taps[block * LANES * pixels..];
                transpose_into(isa, &tile, LANES, count, some, taps, |lane| lane * pixels + start);
            }
        }
        for channel in 0..s.in_channels {
            for row in rows.clone() {
                phases.fill(0.0);
                for ky in 0..s.kernel {
                    let Some(at) = (row + s.padding).checked_sub(ky) else { continue };
                    if at % s.stride != 0 || !sources.contains(&(at / s.stride)) {
                        continue;
                    }
                    let y = at / s.stride - sources.start;
                    for kx in 0..s.kernel {
                        // Column x of this tap belongs to output column x * stride + kx - padding, which is
                        // entry x + shift of phase `phase`, counted from `margin`.
                        let along = kx as isize - s.padding as isize;
                        let phase = along.rem_euclid(s.stride as isize) as usize;
                        let shift = along.div_euclid(s.stride as isize);
                        let tap = &taps[(channel * square + ky * s.kernel + kx) * pixels + y * s.out_width..];
                        let start = phase * width + (margin as isize + shift) as usize;
                        for (sum, &tap) in
                            phases[start..start + s.out_width].iter_mut().zip(&tap[..s.out_width])
                        {
                            *sum += tap;
                        }
                    }
                }
                let (bias, slope) =
                    (fused.bias.map_or(0.0, |bias| bias[channel]), fused.after.unwrap_or(1.0));
                for (phase, sums) in phases.chunks_exact(width).enumerate().take(s.in_width) {
                    let values = line[phase..].iter_mut().step_by(s.stride);
                    for (value, &sum) in values.zip(&sums[margin..]) {
                        *value = leaky(sum + bias, slope);
                    }
                }
                let start = ((image * s.in_channels + channel) * s.in_height + row) * s.in_width;
                // SAFETY: every task has rows of its own.
                unsafe { out.write(start, line) };
            }
        }
    });
}
