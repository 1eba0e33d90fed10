//! The gradient of the weights.
//!
//! Threads share out the tiles and have sums of their own, added up in order at the end.

use super::super::fused::Fused;
use super::super::isa::Isa;
use super::super::micro::{LANES, Offsets, Product, ROWS, TILE, accumulate, position, positions};
use super::super::scratch::with_scratch;
use super::super::shape::ConvShape;
use super::super::transpose::{Destination, transpose};
use super::filters::unpack;
use super::patches::{Role, transform};
use super::{BLOCK, POINTS, Tiling, fits};
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// Tiles that are transformed together.
const TILES: usize = 64;

/// The most parts that the tiles are shared out in: each has sums of four times the weights' size.
const PARTS: usize = 8;

/// `sum activation(wide) * narrow` over images and positions, in all of `gradient`.
pub(in super::super) fn weight_gradient<'r>(
    s: &ConvShape,
    wide: &[f32],
    before: Option<f32>,
    narrow: &[f32],
    gradient: &'r mut [MaybeUninit<f32>],
) -> &'r mut [f32] {
    assert!(fits(s, before));
    let isa = Isa::detect();
    let tiling = Tiling::new(s, TILES);
    let parts = rayon::current_num_threads().min(PARTS).min(tiling.chunks.len());
    let length = POINTS * s.in_channels * s.out_channels;
    with_scratch(parts * length, |sums| {
        sums.par_chunks_exact_mut(length).enumerate().for_each(|(part, sums)| {
            let chunks = part * tiling.chunks.len() / parts..(part + 1) * tiling.chunks.len() / parts;
            add(s, isa, &tiling, chunks, (wide, before), narrow, sums);
        });
        let sums: Vec<&[f32]> = sums.chunks_exact(length).collect();
        finish(s, isa, &sums, gradient)
    })
}

/// Sums some chunks, `[point][ROWS inputs][group of LANES outputs][TILE]`.
fn add(
    s: &ConvShape,
    isa: Isa,
    tiling: &Tiling,
    chunks: std::ops::Range<usize>,
    (wide, before): (&[f32], Option<f32>),
    narrow: &[f32],
    sums: &mut [f32],
) {
    let (inputs, outputs) = (s.in_channels, s.out_channels);
    let (in_point, out_point) = (tiling.point_length(inputs), tiling.point_length(outputs));
    let steps: Vec<u32> = (0..tiling.slots).map(|slot| position(slot * BLOCK)).collect();
    let places = positions(inputs, |input| input / BLOCK * tiling.slots * BLOCK + input % BLOCK);
    let groups = outputs / LANES;
    with_scratch(POINTS * (in_point + out_point) + tiling.slots * LANES, |scratch| {
        let (patches, rest) = scratch.split_at_mut(POINTS * in_point);
        let (results, vectors) = rest.split_at_mut(POINTS * out_point);
        for (index, chunk) in tiling.chunks[chunks].iter().enumerate() {
            transform(isa, tiling, chunk, Role::Input(before), wide, inputs, patches);
            transform(isa, tiling, chunk, Role::Result, narrow, outputs, results);
            let count = tiling.count(chunk);
            let offsets = Offsets::new(&steps[..count]);
            for (point, sums) in sums.chunks_exact_mut(inputs * outputs).enumerate() {
                let scalars = &patches[point * in_point..][..in_point];
                let results = &results[point * out_point..][..out_point];
                for group in 0..groups {
                    // The two blocks of a group side by side.
                    let halves: [&[f32]; 2] = std::array::from_fn(|half| {
                        &results[(group * 2 + half) * tiling.slots * BLOCK..][..count * BLOCK]
                    });
                    for (slot, vector) in vectors.chunks_exact_mut(LANES).enumerate().take(count) {
                        vector[..BLOCK].copy_from_slice(&halves[0][slot * BLOCK..][..BLOCK]);
                        vector[BLOCK..].copy_from_slice(&halves[1][slot * BLOCK..][..BLOCK]);
                    }
                    let vectors = &vectors[..count * LANES];
                    for (tile, &rows) in places.iter().enumerate() {
                        let product = Product { scalars, rows, offsets, vectors, step: LANES };
                        let tile = &mut sums.as_chunks_mut::<TILE>().0[tile * groups + group];
                        accumulate(isa, &product, LANES, index == 0, tile);
                    }
                }
            }
        }
    });
}

/// Adds the parts' sums, transforms them back and writes them to their places, which are all of `gradient`.
fn finish<'r>(
    s: &ConvShape,
    isa: Isa,
    sums: &[&[f32]],
    gradient: &'r mut [MaybeUninit<f32>],
) -> &'r mut [f32] {
    assert_eq!(gradient.len(), s.weight_len());
    let (inputs, groups) = (s.in_channels, s.out_channels / LANES);
    let target = Destination::new(gradient);
    (0..inputs / ROWS * groups).into_par_iter().for_each(|task| {
        let (rows, group) = (task / groups, task % groups);
        let mut taps = [0.0; ROWS * 9 * LANES];
        let at = |point: usize, row: usize| point * inputs * groups * LANES + task * TILE + row * LANES;
        unpack(isa, sums, at, ROWS, &mut taps);
        // SAFETY: tasks have disjoint inputs and outputs.
        unsafe {
            transpose(isa, &taps, LANES, ROWS * 9, LANES, &Fused::default(), target, |lane| {
                ((group * LANES + lane) * inputs + rows * ROWS) * 9
            });
        }
    });
    // SAFETY: the tasks are all inputs and all outputs, and each writes the nine taps of its own; the line at the top
    // has seen that there are no others, and `fits` in `weight_gradient` that they are whole tiles and groups.
    unsafe { gradient.assume_init_mut() }
}
