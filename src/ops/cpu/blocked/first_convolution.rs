//! The first layer of an encoder: straight from a picture of few channels, which would leave the blocks of the
//! layout almost empty.

use super::super::element::Element;
use super::super::isa::{Isa, Kernel};
use super::super::lanes::Lanes;
use super::super::sizes::product;
use super::gemm::Tile;
use super::map::{BLOCK, Epilogue, MapShape, Stores};
use super::storage::Buffer;

/// Height, width and stride of the kernel.
const KERNEL: usize = 4;
const STRIDE: usize = 2;

/// A 4x4 convolution of stride 2 and padding 1 from a picture `(channels, height, width)` to a map of half the size.
///
/// The picture's values are read as they are, from a copy with a border of zeros; weights and products are f32 whatever the
/// map is made of, as there are few of them.
pub(crate) struct FirstConv {
    isa: Isa,
    input: MapShape,
    output: MapShape,
    columns: usize,
    /// From a tile's first pixel to the value that each weight meets, in the order of the weights: one flat list, so
    /// that sums stay in registers over all of it.
    reads: Vec<usize>,
    /// `[output group][channel][kernel row][kernel column][columns * 16]`.
    weights: Buffer<f32>,
    bias: Buffer<f32>,
}

impl FirstConv {
    /// Packs `weights` `(out, channels, 4, 4)` and `bias` `(out,)` for pictures of shape `input`.
    ///
    /// # Panics
    /// When the lengths do not fit or a size is odd.
    pub(crate) fn new(isa: Isa, input: MapShape, out_channels: usize, weights: &[f32], bias: &[f32]) -> Self {
        assert!(input.height().is_multiple_of(STRIDE) && input.width().is_multiple_of(STRIDE));
        let taps = product([input.channels(), KERNEL, KERNEL]);
        assert_eq!(weights.len(), product([out_channels, taps]));
        assert_eq!(bias.len(), out_channels);
        let output = MapShape::new(out_channels, input.height() / STRIDE, input.width() / STRIDE);
        let columns = isa.columns(output.blocks());
        let mut packed = Buffer::zeros(output.blocks() * BLOCK * taps);
        for (out, filter) in weights.chunks_exact(taps).enumerate() {
            let (group, lane) = (out / (columns * BLOCK), out % (columns * BLOCK));
            for (tap, weight) in filter.iter().enumerate() {
                packed.values_mut()[(group * taps + tap) * columns * BLOCK + lane] = *weight;
            }
        }
        let mut padded_bias = Buffer::zeros(output.blocks() * BLOCK);
        padded_bias.values_mut()[..out_channels].copy_from_slice(bias);
        let row = input.width() + 2;
        let offset = |tap: usize| tap / KERNEL * row + tap % KERNEL;
        let plane = (input.height() + 2) * row;
        let area = KERNEL * KERNEL;
        let reads = (0..taps).map(|tap| tap / area * plane + offset(tap % area)).collect();
        Self { isa, input, output, columns, reads, weights: packed, bias: padded_bias }
    }

    /// Shape of the output.
    pub(crate) fn output(&self) -> MapShape {
        self.output
    }

    /// What it is and on which sizes it works, for people.
    pub(crate) fn describe(&self) -> String {
        format!("from pixels {}", self.input.describe_to(&self.output))
    }

    /// Multiply-adds that it computes.
    pub(crate) fn multiply_adds(&self) -> usize {
        let pixels = self.output.height() * self.output.width();
        self.output.channels() * pixels * self.input.channels() * KERNEL * KERNEL
    }

    /// Values of scratch memory that it needs: the picture with its border.
    pub(crate) fn scratch(&self) -> usize {
        self.input.channels() * self.padded_plane()
    }

    fn padded_row(&self) -> usize {
        self.input.width() + 2
    }

    fn padded_plane(&self) -> usize {
        (self.input.height() + 2) * self.padded_row()
    }

    /// Convolves `picture` into the epilogue's maps, on the calling thread.
    ///
    /// # Panics
    /// When a slice is too short.
    pub(crate) fn run<E: Element>(
        &self,
        picture: &[f32],
        scratch: &mut [f32],
        epilogue: &mut Epilogue<'_, E>,
    ) {
        let (height, width) = (self.input.height(), self.input.width());
        assert!(picture.len() >= self.input.channels() * height * width);
        let stores = &epilogue.stores(&self.output, 1);
        let (row, plane) = (self.padded_row(), self.padded_plane());
        let padded = &mut scratch[..self.scratch()];
        for (plane, values) in padded.chunks_exact_mut(plane).zip(picture.chunks_exact(height * width)) {
            let (first, rest) = plane.split_at_mut(row);
            let (rows, last) = rest.split_at_mut(height * row);
            first.fill(0.0);
            last.fill(0.0);
            for (line, values) in rows.chunks_exact_mut(row).zip(values.chunks_exact(width)) {
                (line[0], line[width + 1]) = (0.0, 0.0);
                line[1..=width].copy_from_slice(values);
            }
        }
        E::run(self.isa, Whole { conv: self, padded, stores });
    }
}

/// The whole picture.
struct Whole<'a, E> {
    conv: &'a FirstConv,
    padded: &'a [f32],
    stores: &'a Stores<'a, E>,
}

impl<E: Element> Kernel for Whole<'_, E> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let (height, width) = (self.conv.output.height(), self.conv.output.width());
        let groups = self.conv.output.blocks() / self.conv.columns;
        for (y, group) in (0..height * groups).map(|i| (i / groups, i % groups)) {
            let mut x = 0;
            while x < width {
                let left = width - x;
                // SAFETY: the caller's promise; the tile lies in the row. Only AVX-512 has two columns (see
                // Isa::columns).
                x += unsafe {
                    match (L::TALL == 16, self.conv.columns) {
                        (true, 2) if left >= 8 => self.tile::<L, 8, 2>(group, y, x),
                        (true, 2) => self.tile::<L, 1, 2>(group, y, x),
                        (true, _) if left >= 16 => self.tile::<L, 16, 1>(group, y, x),
                        _ if left >= 4 => self.tile::<L, 4, 1>(group, y, x),
                        _ => self.tile::<L, 1, 1>(group, y, x),
                    }
                };
            }
        }
    }
}

impl<E: Element> Whole<'_, E> {
    /// Computes and stores the `PIXELS` pixels from (`y`, `x`) on; returns their number.
    ///
    /// # Safety
    /// The processor has the instructions of `L`; the pixels lie in the output; `COLUMNS` is the convolution's.
    #[inline(always)]
    unsafe fn tile<L: Lanes, const PIXELS: usize, const COLUMNS: usize>(
        &self,
        group: usize,
        y: usize,
        x: usize,
    ) -> usize {
        let conv = self.conv;
        let row = conv.padded_row();
        // SAFETY: `padded` holds `scratch` values; the last pixel of the last row reads up to column `width + 1`
        // and row `height + 1` of the border. The weights were packed in the order in which they are read.
        unsafe {
            let first = group * COLUMNS * BLOCK;
            let bias = conv.bias.values().as_ptr().add(first);
            let bias: [L; COLUMNS] = std::array::from_fn(|q| L::load(bias.add(q * BLOCK)));
            let mut weights = conv.weights.values().as_ptr().add(first * conv.reads.len());
            let origin = self.padded.as_ptr().add(y * STRIDE * row + x * STRIDE);
            let mut tile = [bias; PIXELS];
            for read in &conv.reads {
                let from = origin.add(*read);
                let columns: [L; COLUMNS] = std::array::from_fn(|q| L::load(weights.add(q * BLOCK)));
                for p in 0..PIXELS {
                    let value = L::splat(*from.add(p * STRIDE));
                    for q in 0..COLUMNS {
                        tile[p][q] = value.mul_add(columns[q], tile[p][q]);
                    }
                }
                weights = weights.add(COLUMNS * BLOCK);
            }
            self.store(tile, group, y, x);
        }
        PIXELS
    }

    /// # Safety
    /// As for `tile`.
    #[inline(always)]
    unsafe fn store<L: Lanes, const PIXELS: usize, const COLUMNS: usize>(
        &self,
        tile: Tile<L, PIXELS, COLUMNS>,
        group: usize,
        y: usize,
        x: usize,
    ) {
        for q in 0..COLUMNS {
            for (p, values) in tile.iter().enumerate() {
                // SAFETY: the caller's promise; the whole picture is computed on one thread.
                unsafe { self.stores.store(group * COLUMNS + q, y, x + p, values[q]) };
            }
        }
    }
}
