//! The convolution, and the gradient of its input.

use super::super::blocked::transforms::{F4, MOST, Transform};
use super::super::fused::Fused;
use super::super::isa::{Isa, Kernel};
use super::super::lanes::Lanes;
use super::super::micro::{LANES, Offsets, Product, ROWS, TILE, accumulate, position, positions};
use super::super::scratch::with_scratch;
use super::super::shape::ConvShape;
use super::super::sizes::{fits, product};
use super::super::transpose::{Destination, transpose};
use super::filters::{straight, turned, with_packed};
use super::patches::{Role, transform};
use super::{BLOCK, Chunk, POINTS, TILE_EDGE, Tiling};
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// Tiles that a thread takes at a time.
const TILES: usize = 32;

/// `narrow = conv(wide, weight)`, and what is fused with it, in all of `narrow`.
pub(in super::super) fn forward<'r>(
    s: &ConvShape,
    wide: &[f32],
    weight: &[f32],
    fused: &Fused<'_>,
    narrow: &'r mut [MaybeUninit<f32>],
) -> &'r mut [f32] {
    let isa = Isa::detect();
    with_packed(isa, s.out_channels, s.in_channels, straight(isa, weight, s.in_channels), |packed| {
        convolve(s, isa, wide, s.in_channels, packed, s.out_channels, fused, narrow)
    })
}

/// `wide = conv_transpose(narrow, weight)`, and what is fused with it, in all of `wide`.
pub(in super::super) fn transposed<'r>(
    s: &ConvShape,
    narrow: &[f32],
    weight: &[f32],
    fused: &Fused<'_>,
    wide: &'r mut [MaybeUninit<f32>],
) -> &'r mut [f32] {
    let isa = Isa::detect();
    with_packed(isa, s.in_channels, s.out_channels, turned(isa, weight, s.in_channels), |packed| {
        convolve(s, isa, narrow, s.out_channels, packed, s.in_channels, fused, wide)
    })
}

fn convolve<'r>(
    s: &ConvShape,
    isa: Isa,
    source: &[f32],
    inputs: usize,
    packed: &[f32],
    outputs: usize,
    fused: &Fused<'_>,
    out: &'r mut [MaybeUninit<f32>],
) -> &'r mut [f32] {
    assert!(super::fits(s, fused.before));
    assert_eq!(out.len(), product([s.batch, outputs, s.in_height, s.in_width]));
    let all = s.batch * (s.in_height / TILE_EDGE) * (s.in_width / TILE_EDGE);
    let wanted = (all / (4 * rayon::current_num_threads())).clamp(ROWS, TILES);
    let tiling = Tiling::new(s, wanted);
    let slots = tiling.slots;
    // Where each channel lies behind its tile's first.
    let channels: Vec<u32> = (0..inputs).map(|c| position(c / BLOCK * slots * BLOCK + c % BLOCK)).collect();
    let (channels, target) = (Offsets::new(&channels), Destination::new(out));
    let point = tiling.point_length(inputs);
    tiling.chunks.par_iter().for_each(|chunk| {
        with_scratch(POINTS * point, |patches| {
            transform(isa, &tiling, chunk, Role::Input(fused.before), source, inputs, patches);
            // Products `[point][slot][LANES]`, a cache line more a point as in the patches; results
            // `[image][row][column][LANES]`.
            let product_length = slots * LANES + BLOCK;
            let pixels = chunk.rows.len() * TILE_EDGE * tiling.width;
            with_scratch(POINTS * product_length + chunk.images.len() * pixels * LANES, |scratch| {
                let (products, results) = scratch.split_at_mut(POINTS * product_length);
                let count = tiling.count(chunk);
                let places = positions(count, |slot| slot * BLOCK);
                for group in 0..outputs / LANES {
                    for (index, products) in products.chunks_exact_mut(product_length).enumerate() {
                        let vectors = &packed[(group * POINTS + index) * inputs * LANES..][..inputs * LANES];
                        let scalars = &patches[index * point..][..point];
                        for (&rows, tile) in places.iter().zip(products.as_chunks_mut::<TILE>().0) {
                            let product = Product { scalars, rows, offsets: channels, vectors, step: LANES };
                            accumulate(isa, &product, LANES, true, tile);
                        }
                    }
                    isa.run(Results {
                        products,
                        product_length,
                        across: tiling.across,
                        width: tiling.width,
                        count,
                        results,
                    });
                    let bias = fused.bias.map(|bias| &bias[group * LANES..]);
                    let fused = Fused { bias, ..*fused };
                    write(isa, &tiling, chunk, group, outputs, results, &fused, target);
                }
            });
        });
    });
    // SAFETY: the chunks are all rows of tiles of all images and the groups all channels, so that every pixel was
    // written; the lines at the top have seen that tiles and groups are whole ones, and that there are no other pixels.
    unsafe { out.assume_init_mut() }
}

/// Writes `[image][pixel][LANES]` of one group to its place.
fn write(
    isa: Isa,
    tiling: &Tiling,
    chunk: &Chunk,
    group: usize,
    outputs: usize,
    results: &[f32],
    fused: &Fused<'_>,
    target: Destination<'_>,
) {
    let plane = tiling.height * tiling.width;
    let pixels = chunk.rows.len() * TILE_EDGE * tiling.width;
    let first = chunk.rows.start * TILE_EDGE * tiling.width;
    for (image, results) in chunk.images.clone().zip(results.chunks_exact(pixels * LANES)) {
        let start = (image * outputs + group * LANES) * plane + first;
        // SAFETY: chunks and groups have disjoint pixels and channels.
        unsafe { transpose(isa, results, LANES, pixels, LANES, fused, target, |lane| start + lane * plane) };
    }
}

/// The products of a chunk's tiles, transformed back.
struct Results<'a> {
    products: &'a [f32],
    product_length: usize,
    /// Tiles in a row.
    across: usize,
    width: usize,
    /// Tiles.
    count: usize,
    results: &'a mut [f32],
}

impl Kernel for Results<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        assert!(fits(POINTS, self.product_length, product([self.count, LANES]), self.products.len()));
        // Whole rows of tiles, as wide as the results' rows.
        assert!(self.width == self.across * TILE_EDGE && self.count.is_multiple_of(self.across));
        assert!(self.results.len() >= product([self.count, TILE_EDGE, TILE_EDGE, LANES]));
        for tile in 0..self.count {
            // Rows of tiles follow each other without a gap, also from one image to the next.
            let (ty, tx) = (tile / self.across, tile % self.across);
            for half in (0..LANES).step_by(BLOCK) {
                // SAFETY: the caller's promise; the lengths were compared above with what the tiles read and write.
                unsafe {
                    let from = self.products.as_ptr().add(tile * LANES + half);
                    let mut rows = [[L::splat(0.0); MOST]; MOST];
                    for x in 0..MOST {
                        let mut column = [L::splat(0.0); MOST];
                        for (y, value) in column.iter_mut().enumerate() {
                            *value = L::load(from.add((y * MOST + x) * self.product_length));
                        }
                        let column = F4::output(column);
                        for y in 0..TILE_EDGE {
                            rows[y][x] = column[y];
                        }
                    }
                    let first = (ty * TILE_EDGE * self.width + tx * TILE_EDGE) * LANES + half;
                    let to = self.results.as_mut_ptr().add(first);
                    for (y, row) in rows.into_iter().enumerate().take(TILE_EDGE) {
                        for (x, value) in F4::output(row).into_iter().enumerate().take(TILE_EDGE) {
                            value.store(to.add((y * self.width + x) * LANES));
                        }
                    }
                }
            }
        }
    }
}
