//! From transformed patches to results.

use std::ops::Range;

use super::super::super::element::Element;
use super::super::super::isa::Kernel;
use super::super::super::lanes::Lanes;
use super::super::gemm::{Pixels, accumulate, zeros};
use super::super::map::{BLOCK, Stores};
use super::super::transforms::{F2, F4, Halve4, MOST, Transform, Up2};
use super::layer::WinogradConv;
use super::tile::Tile;
use super::variant::Variant;

/// Multiplies patches with one group's weights, transforms back and stores.
pub(super) struct Multiply<'a, E> {
    pub(super) conv: &'a WinogradConv<E>,
    pub(super) tiles: Range<usize>,
    pub(super) group: usize,
    pub(super) patches: &'a [E],
    pub(super) products: &'a mut [f32],
    pub(super) stores: &'a Stores<'a, E>,
}

impl<E: Element> Kernel for Multiply<'_, E> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(mut self) {
        // SAFETY: the caller's promise; the transform is the variant's.
        unsafe {
            match self.conv.variant {
                Variant::F2 => self.group::<L, F2>(),
                Variant::F4 => self.group::<L, F4>(),
                Variant::Up2 => self.group::<L, Up2>(),
                Variant::Halve4 => self.group::<L, Halve4>(),
            }
        }
    }
}

impl<E: Element> Multiply<'_, E> {
    /// # Safety
    /// The processor has the instructions of `L`; `T` is the variant's transform.
    #[inline(always)]
    unsafe fn group<L: Lanes, T: Transform>(&mut self) {
        // SAFETY: the caller's promise. Only AVX-512 has two columns (see Isa::columns).
        unsafe {
            if L::TALL == 16 && self.conv.columns == 2 {
                self.multiply::<L, T, 8, 2>();
                self.scatter::<L, T>(2);
            } else if L::TALL == 16 {
                self.multiply::<L, T, 16, 1>();
                self.scatter::<L, T>(1);
            } else {
                self.multiply::<L, T, 4, 1>();
                self.scatter::<L, T>(1);
            }
        }
    }

    /// The matrix products: `[product][column][tile][16]`.
    ///
    /// # Safety
    /// As for `group`; `COLUMNS` is the convolution's.
    #[inline(always)]
    unsafe fn multiply<L: Lanes, T: Transform, const PIXELS: usize, const COLUMNS: usize>(&mut self) {
        let conv = self.conv;
        let (channels, batch) = (conv.depth(), conv.batch);
        let count = T::POINTS * T::POINTS;
        assert!(self.patches.len() >= conv.patches_len() && self.products.len() >= conv.products_len());
        let panel = T::PHASES * T::PHASES * channels * COLUMNS * BLOCK;
        let weights = &conv.weights.values()[self.group * count * panel..][..count * panel];
        let pixels = Pixels { stride: BLOCK, row_stride: 0 };
        let (plane_stride, product_stride) = (conv.plane_stride(), conv.product_stride());
        for product in 0..count {
            // SAFETY: the lengths were compared above; the batch is a multiple of every PIXELS, so the last
            // tile of pixels, which may compute old values that nobody reads, stays within it.
            unsafe {
                let plane = self.patches.as_ptr().add(product * plane_stride);
                let to = self.products.as_mut_ptr().add(product * product_stride);
                for first in (0..self.tiles.len()).step_by(PIXELS) {
                    let mut tile = zeros::<L, PIXELS, COLUMNS>();
                    let mut panel = weights.as_ptr().add(product * panel);
                    let mut left = channels;
                    for place in 0..T::PHASES * T::PHASES * conv.input.blocks() {
                        let depth = left.min(BLOCK);
                        left = if left > BLOCK { left - BLOCK } else { channels };
                        let from = plane.add((place * batch + first) * BLOCK);
                        tile = accumulate::<L, E, PIXELS, PIXELS, COLUMNS>(tile, from, pixels, panel, depth);
                        panel = panel.add(depth * COLUMNS * BLOCK);
                    }
                    for p in 0..PIXELS {
                        for q in 0..COLUMNS {
                            tile[p][q].store(to.add((q * batch + first + p) * BLOCK));
                        }
                    }
                }
            }
        }
    }

    /// The transform back, and the epilogue.
    ///
    /// # Safety
    /// As for `group`.
    #[inline(always)]
    unsafe fn scatter<L: Lanes, T: Transform>(&self, columns: usize) {
        let conv = self.conv;
        let stride = conv.product_stride();
        for q in 0..columns {
            let block = self.group * columns + q;
            let mut tile = Tile::new(conv, self.tiles.start);
            let mut stores = self.stores.of_picture(tile.picture);
            let mut picture = tile.picture;
            for slot in 0..self.tiles.len() {
                if tile.picture != picture {
                    picture = tile.picture;
                    stores = self.stores.of_picture(picture);
                }
                // SAFETY: `multiply` compared the lengths; the tile lies within its picture's output, and tiles do
                // not overlap.
                unsafe {
                    let bias = L::load(conv.bias.values().as_ptr().add(block * BLOCK));
                    let from = self.products.as_ptr().add((q * conv.batch + slot) * BLOCK);
                    let mut rows = [[L::splat(0.0); MOST]; MOST];
                    for x in 0..T::POINTS {
                        let mut column = [L::splat(0.0); MOST];
                        for y in 0..T::POINTS {
                            column[y] = L::load(from.add((y * T::POINTS + x) * stride));
                        }
                        let column = T::output(column);
                        for y in 0..T::TILE {
                            rows[y][x] = column[y];
                        }
                    }
                    for y in 0..T::TILE {
                        let row = T::output(rows[y]);
                        for x in 0..T::TILE {
                            let (oy, ox) = (tile.y * T::TILE + y, tile.x * T::TILE + x);
                            stores.store(block, oy, ox, row[x].add(bias));
                        }
                    }
                }
                tile.advance(conv);
            }
        }
    }
}
