//! The gradient of a convolution's weights with the same micro-kernel: its rows are taps, its steps are pixels.
//!
//! The narrow side is turned once, so that 32 channels of a pixel lie side by side; the wide side is read from a
//! padded copy. Threads share out the taps, so no sum is split and the result does not depend on their number.

use super::filled_vec;
use super::fused::Fused;
use super::gather::Padded;
use super::isa::Isa;
use super::micro::{Offsets, Product, ROWS, accumulate_apart, lanes_for, position};
use super::scratch::with_scratch;
use super::shape::ConvShape;
use super::transpose::{Destination, transpose, transpose_into};
use rayon::prelude::*;
use std::mem::MaybeUninit;
use std::ops::Range;

/// Pixels between two visits of a tile: 32 KiB of the narrow side.
const STEPS: usize = 256;

/// Floats of the narrow side that are turned at a time.
const TURNED: usize = 1 << 22;

/// `sum activation(wide) * narrow` over images and positions, in all of `gradient`.
pub(super) fn weight_gradient<'r>(
    shape: &ConvShape,
    wide: &[f32],
    before: Option<f32>,
    narrow: &[f32],
    gradient: &'r mut [MaybeUninit<f32>],
) -> &'r mut [f32] {
    let s = *shape;
    let plane = s.out_height * s.out_width;
    let side = lanes_for(s.out_channels);
    let blocks = s.out_channels.div_ceil(side);
    let rows = s.in_channels * s.kernel * s.kernel;
    let tiles = rows.div_ceil(ROWS);
    assert_eq!(gradient.len(), s.weight_len());
    if s.batch * plane == 0 {
        return filled_vec::from_fn(gradient, |_| 0.0);
    }
    let tasks = (4 * rayon::current_num_threads())
        .min(tiles.div_ceil(4))
        .max(rayon::current_num_threads().min(tiles));
    let part = |task: usize| task * tiles / tasks..(task + 1) * tiles / tasks;
    let images = (TURNED / (plane * blocks * side)).clamp(1, s.batch);
    let isa = Isa::detect();
    with_scratch(tiles * blocks * ROWS * side, |sums| {
        with_scratch(images * plane * blocks * side, |turned| {
            for first in (0..s.batch).step_by(images) {
                let group = first..s.batch.min(first + images);
                turn(&s, isa, narrow, group.clone(), turned);
                let mut left = &mut *sums;
                let parts: Vec<&mut [f32]> = (0..tasks)
                    .filter_map(|task| left.split_off_mut(..part(task).len() * blocks * ROWS * side))
                    .collect();
                parts.into_par_iter().enumerate().for_each(|(task, sums)| {
                    let (group, fresh) = (group.clone(), first == 0);
                    add(&s, isa, (wide, before), turned, group, part(task), fresh, sums);
                });
            }
        });
        let target = Destination::new(gradient);
        (0..tasks).into_par_iter().for_each(|task| {
            let first = part(task).start * ROWS;
            let count = (part(task).end * ROWS).min(rows) - first;
            let sums = &sums[part(task).start * blocks * ROWS * side..part(task).end * blocks * ROWS * side];
            for (block, sums) in sums.chunks_exact(part(task).len() * ROWS * side).enumerate() {
                let lanes = side.min(s.out_channels - block * side);
                // SAFETY: tasks have disjoint rows, blocks disjoint channels.
                unsafe {
                    transpose(isa, sums, side, count, lanes, &Fused::default(), target, |lane| {
                        (block * side + lane) * rows + first
                    });
                }
            }
        });
    });
    // SAFETY: the tasks' parts are all tiles of rows and the blocks all output channels, so that every weight was
    // written; the line at the top has seen that there are no others.
    unsafe { gradient.assume_init_mut() }
}

/// The narrow side of some images as `[block][image][pixel][lanes]`.
fn turn(s: &ConvShape, isa: Isa, narrow: &[f32], images: Range<usize>, turned: &mut [f32]) {
    let plane = s.out_height * s.out_width;
    let count = images.len();
    let side = lanes_for(s.out_channels);
    let blocks = s.out_channels.div_ceil(side);
    turned[..count * plane * blocks * side].par_chunks_mut(plane * side).enumerate().for_each(
        |(index, turned)| {
            let (block, image) = (index / count, images.start + index % count);
            let first = block * side;
            let lanes = side.min(s.out_channels - first);
            if lanes < side {
                turned.fill(0.0);
            }
            let source = &narrow[(image * s.out_channels + first) * plane..];
            transpose_into(isa, source, plane, lanes, plane, turned, |pixel| pixel * side);
        },
    );
}

/// Adds some images to the tiles of some rows, `sums [block][tile][row][lanes]`.
fn add(
    s: &ConvShape,
    isa: Isa,
    wide: (&[f32], Option<f32>),
    turned: &[f32],
    images: Range<usize>,
    tiles: Range<usize>,
    fresh: bool,
    sums: &mut [f32],
) {
    let (square, side) = (s.kernel * s.kernel, lanes_for(s.out_channels));
    let plane = s.out_height * s.out_width;
    let rows = s.in_channels * square;
    let channels = tiles.start * ROWS / square..((tiles.end * ROWS).min(rows) - 1) / square + 1;
    let count = images.len();
    // A chunk is some images, or some rows of one image.
    let (chunk_images, chunk_rows) = if plane <= STEPS {
        ((STEPS / plane).min(count), s.out_height)
    } else {
        (1, (STEPS / s.out_width).max(1).min(s.out_height))
    };
    let height = (chunk_rows - 1) * s.stride + s.kernel;
    let width = (s.out_width - 1) * s.stride + s.kernel;
    let image_length = channels.len() * height * width;
    let mut places: Vec<u32> = (tiles.start * ROWS..tiles.end * ROWS)
        .map(|row| {
            let row = row.min(rows - 1);
            let (channel, tap) = (row / square - channels.start, row % square);
            position((channel * height + tap / s.kernel) * width + tap % s.kernel)
        })
        .collect();
    places.truncate(tiles.len() * ROWS);
    let mut offsets = Vec::with_capacity(chunk_images * chunk_rows * s.out_width);
    for image in 0..chunk_images {
        for row in 0..chunk_rows {
            let start = image * image_length + row * s.stride * width;
            offsets.extend((0..s.out_width).map(|column| position(start + column * s.stride)));
        }
    }
    with_scratch(chunk_images * image_length, |padded| {
        let mut fresh = fresh;
        for first in (0..count).step_by(chunk_images) {
            let chunk = first..count.min(first + chunk_images);
            for row in (0..s.out_height).step_by(chunk_rows) {
                let chunk_rows = chunk_rows.min(s.out_height - row);
                let wide_images = images.start + chunk.start..images.start + chunk.end;
                copy_padded(s, wide, wide_images, channels.clone(), row, (height, width), padded);
                let pixels = chunk.len() * chunk_rows * s.out_width;
                let offsets = Offsets::new(&offsets[..pixels]);
                for (block, sums) in sums.chunks_exact_mut(tiles.len() * ROWS * side).enumerate() {
                    let lanes = side.min(s.out_channels - block * side);
                    let start = (block * count + chunk.start) * plane + row * s.out_width;
                    let vectors = &turned[start * side..][..pixels * side];
                    for (rows, tile) in
                        places.as_chunks::<ROWS>().0.iter().zip(sums.chunks_exact_mut(ROWS * side))
                    {
                        let product = Product { scalars: padded, rows: *rows, offsets, vectors, step: side };
                        accumulate_apart(isa, &product, lanes, fresh, (tile, side));
                    }
                }
                fresh = false;
            }
        }
    });
}

/// Some channels of some images around the narrow rows from `row` on, `[image][channel][height][width]`, zeros
/// where there is no picture.
fn copy_padded(
    s: &ConvShape,
    (wide, before): (&[f32], Option<f32>),
    images: Range<usize>,
    channels: Range<usize>,
    row: usize,
    (height, width): (usize, usize),
    out: &mut [f32],
) {
    let plane = s.in_height * s.in_width;
    let padded = Padded {
        size: (height, width),
        before: s.padding,
        top: (row * s.stride) as isize - s.padding as isize,
    };
    let planes = images.flat_map(|i| channels.clone().map(move |c| i * s.in_channels + c));
    for (index, out) in planes.zip(out.chunks_exact_mut(height * width)) {
        padded.copy(&wide[index * plane..][..plane], s.in_width, before, out);
    }
}
