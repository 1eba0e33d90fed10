//! Direct convolution: every tap of the kernel is a shift of the input.

use std::ops::Range;

use super::super::element::Element;
use super::super::isa::{Isa, Kernel};
use super::super::lanes::Lanes;
use super::super::sizes::product;
use super::gemm::{Pixels, accumulate, weight_at, zeros};
use super::map::{BLOCK, Epilogue, MapShape, Stores};
use super::storage::Buffer;
use super::team::Team;

/// The geometry of a convolution: what its output sees of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Footprint {
    /// 1x1.
    Pointwise,
    /// 3x3, padding 1.
    Same3x3,
    /// 4x4, stride 2, padding 1: halves the map (even sizes only).
    Halve4x4,
    /// Transposed 4x4, stride 2, padding 1: doubles the map.
    Double4x4,
}

/// One of the interleaved grids that a transposed convolution's output consists of; other convolutions have one.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    /// First row and column of the grid in the output.
    pub origin: (usize, usize),
    /// Kernel row and column, and the input pixel that it meets, relative to the output's.
    pub taps: Vec<Tap>,
}

/// One position of the kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tap {
    /// Row and column in the kernel.
    pub kernel: (usize, usize),
    /// Input row and column, relative to the (strided) output position.
    pub shift: (isize, isize),
}

impl Footprint {
    /// Kernel height and width.
    pub(crate) fn kernel(self) -> usize {
        match self {
            Self::Pointwise => 1,
            Self::Same3x3 => 3,
            Self::Halve4x4 | Self::Double4x4 => 4,
        }
    }

    /// Whether its weights are `(in, out, height, width)`, PyTorch's order for a transposed convolution.
    pub(crate) fn is_transposed(self) -> bool {
        self == Self::Double4x4
    }

    /// Input pixels from one output pixel to the next.
    pub(crate) fn stride(self) -> usize {
        if self == Self::Halve4x4 { 2 } else { 1 }
    }

    /// Output pixels from one pixel of a phase to the next.
    pub(crate) fn spread(self) -> usize {
        if self == Self::Double4x4 { 2 } else { 1 }
    }

    /// The output's height or width for the input's.
    pub(crate) fn output_len(self, input: usize) -> usize {
        input / self.stride() * self.spread()
    }

    pub(crate) fn phases(self) -> Vec<Phase> {
        let kernel = self.kernel();
        if !self.is_transposed() {
            let pad = (kernel - 1) / 2;
            let taps = (0..kernel * kernel).map(|i| (i / kernel, i % kernel)).map(|(y, x)| Tap {
                kernel: (y, x),
                shift: (y as isize - pad as isize, x as isize - pad as isize),
            });
            return vec![Phase { origin: (0, 0), taps: taps.collect() }];
        }
        // Output row o = 2 i - 1 + k gets input row i through kernel row k: even rows see k = 1 (shift 0) and
        // k = 3 (shift -1), odd rows k = 2 (shift 0) and k = 0 (shift 1).
        let seen = [[(1, 0), (3, -1)], [(2, 0), (0, 1)]];
        let phase = |py: usize, px: usize| {
            let taps = seen[py].iter().flat_map(|&(ky, sy)| {
                seen[px].iter().map(move |&(kx, sx)| Tap { kernel: (ky, kx), shift: (sy, sx) })
            });
            Phase { origin: (py, px), taps: taps.collect() }
        };
        vec![phase(0, 0), phase(0, 1), phase(1, 0), phase(1, 1)]
    }
}

/// A convolution with its weights packed for direct computation.
pub(crate) struct DirectConv<E> {
    isa: Isa,
    input: MapShape,
    output: MapShape,
    footprint: Footprint,
    phases: Vec<Phase>,
    /// For each phase, what one output pixel reads: values from its first input pixel (may be negative) and how many
    /// channels. One flat list, so that accumulators stay in registers over all of it.
    reads: Vec<Vec<(isize, usize)>>,
    /// Blocks of outputs that are computed together.
    columns: usize,
    /// `[phase][output group][input block][tap][channel][columns * 16]`, channels in steps.
    weights: Buffer<E>,
    bias: Buffer<f32>,
    band_rows: usize,
}

impl<E: Element> DirectConv<E> {
    /// Packs `weights` `(out, in, k, k)`, or `(in, out, k, k)` for a transposed convolution, and `bias` `(out,)`
    /// for inputs of shape `input`.
    ///
    /// # Panics
    /// When the lengths do not fit, or the map's size is odd where it must be halved.
    pub(crate) fn new(
        isa: Isa,
        footprint: Footprint,
        input: MapShape,
        out_channels: usize,
        weights: &[f32],
        bias: &[f32],
    ) -> Self {
        let (kernel, stride) = (footprint.kernel(), footprint.stride());
        assert!(input.height().is_multiple_of(stride) && input.width().is_multiple_of(stride));
        assert_eq!(weights.len(), product([out_channels, input.channels(), kernel, kernel]));
        assert_eq!(bias.len(), out_channels);
        let output = MapShape::new(
            out_channels,
            footprint.output_len(input.height()),
            footprint.output_len(input.width()),
        );
        let phases = footprint.phases();
        // A map of few pixels is bound by reading its weights: one tile holds all pixels, so each is read once.
        let columns = if output.height() * output.width() <= 16 { 1 } else { isa.columns(output.blocks()) };
        let width = columns * BLOCK;
        let group_len: usize = input.channels().next_multiple_of(E::STEP) * width;
        let taps: usize = phases.iter().map(|phase| phase.taps.len()).sum();
        let mut packed = Buffer::<E>::zeros(output.blocks() / columns * group_len * taps);
        let mut at = 0;
        let values = packed.values_mut();
        for phase in &phases {
            for group in 0..output.blocks() / columns {
                for block in 0..input.blocks() {
                    for tap in &phase.taps {
                        let depth = (input.channels() - block * BLOCK).min(BLOCK);
                        for k in 0..depth {
                            let channel = block * BLOCK + k;
                            for lane in 0..width {
                                let out = group * width + lane;
                                if out < out_channels {
                                    let row = if footprint.is_transposed() {
                                        channel * out_channels + out
                                    } else {
                                        out * input.channels() + channel
                                    };
                                    let (y, x) = tap.kernel;
                                    values[at + weight_at::<E>(k, lane, width)] =
                                        E::of(weights[(row * kernel + y) * kernel + x]);
                                }
                            }
                        }
                        at += depth.next_multiple_of(E::STEP) * width;
                    }
                }
            }
        }
        let mut padded_bias = Buffer::zeros(output.blocks() * BLOCK);
        padded_bias.values_mut()[..out_channels].copy_from_slice(bias);
        let reads = phases.iter().map(|phase| reads(&input, phase, E::STEP)).collect();
        // Rows of about 128 KiB of input at a time stay in the cache while all outputs are computed from them.
        let row_bytes = input.blocks() * input.row_len() * stride * size_of::<E>();
        let band_rows = (128 * 1024 / row_bytes).next_multiple_of(4).clamp(4, 64);
        Self {
            isa,
            input,
            output,
            footprint,
            phases,
            reads,
            columns,
            weights: packed,
            bias: padded_bias,
            band_rows,
        }
    }

    /// Shape of the output.
    pub(crate) fn output(&self) -> MapShape {
        self.output
    }

    /// What it is and on which sizes it works, for people.
    pub(crate) fn describe(&self) -> String {
        format!("direct {:?} {}", self.footprint, self.input.describe_to(&self.output))
    }

    /// Multiply-adds that it computes.
    pub(crate) fn multiply_adds(&self) -> usize {
        let taps: usize = self.phases.iter().map(|phase| phase.taps.len()).sum();
        let spread = self.footprint.spread();
        self.output.height() * self.output.width() / (spread * spread)
            * taps
            * self.input.channels()
            * self.output.channels()
    }

    /// Convolves `input` into the epilogue's maps.
    ///
    /// # Panics
    /// When a map is too short.
    pub(crate) fn run(&self, input: &[E], epilogue: &mut Epilogue<'_, E>, team: &Team<'_>) {
        assert!(input.len() >= self.input.len());
        let stores = &epilogue.stores(&self.output, 1);
        let rows = self.output.height() / self.footprint.spread();
        let groups = self.output.blocks() / self.columns;
        let inner = self.phases.len() * groups;
        team.for_each(rows.div_ceil(self.band_rows) * inner, |_, piece| {
            let first = piece / inner * self.band_rows;
            let piece = Piece {
                conv: self,
                input,
                stores,
                phase: piece % inner / groups,
                group: piece % groups,
                rows: first..rows.min(first + self.band_rows),
            };
            E::run(self.isa, piece);
        });
    }
}

/// The offsets and depths (in whole steps) of a phase's reads, block by block and tap by tap.
fn reads(input: &MapShape, phase: &Phase, step: usize) -> Vec<(isize, usize)> {
    let blocks = 0..input.blocks();
    let all = blocks.flat_map(|block| phase.taps.iter().map(move |tap| (block, tap)));
    all.map(|(block, tap)| {
        let shift = tap.shift.0 * input.row_len() as isize + tap.shift.1 * BLOCK as isize;
        let depth = (input.channels() - block * BLOCK).min(BLOCK).next_multiple_of(step);
        ((block * input.plane_len()) as isize + shift, depth)
    })
    .collect()
}

/// A band of rows of one group of outputs.
struct Piece<'a, E> {
    conv: &'a DirectConv<E>,
    input: &'a [E],
    stores: &'a Stores<'a, E>,
    phase: usize,
    group: usize,
    rows: Range<usize>,
}

impl<E: Element> Kernel for Piece<'_, E> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        // SAFETY: the caller's promise is passed on. Only AVX-512 has two columns (see Isa::columns).
        unsafe {
            match (L::TALL == 16 && self.conv.columns == 2, self.conv.footprint.stride()) {
                (true, 1) => self.tiles::<L, 2, 1>(),
                (true, _) => self.tiles::<L, 2, 2>(),
                (false, 1) => self.tiles::<L, 1, 1>(),
                (false, _) => self.tiles::<L, 1, 2>(),
            }
        }
    }
}

impl<E: Element> Piece<'_, E> {
    /// Covers the rows with tiles, the largest that fit.
    ///
    /// # Safety
    /// The processor has the instructions of `L`; `COLUMNS` and `STRIDE` are the convolution's.
    #[inline(always)]
    unsafe fn tiles<L: Lanes, const COLUMNS: usize, const STRIDE: usize>(&self) {
        let width = self.conv.output.width() / self.conv.footprint.spread();
        let mut y = self.rows.start;
        // SAFETY: the caller's promise; every tile lies within the rows and the width.
        unsafe {
            while y < self.rows.end {
                if L::TALL == 16 && width == 4 {
                    if COLUMNS == 1 && y + 4 <= self.rows.end {
                        self.tile::<L, 16, 4, COLUMNS, STRIDE>(y, 0);
                        y += 4;
                        continue;
                    }
                    if y + 2 <= self.rows.end {
                        self.tile::<L, 8, 4, COLUMNS, STRIDE>(y, 0);
                        y += 2;
                        continue;
                    }
                }
                let mut x = 0;
                while x < width {
                    let left = width - x;
                    if L::TALL == 16 && COLUMNS == 1 && left >= 16 {
                        self.tile::<L, 16, 16, COLUMNS, STRIDE>(y, x);
                        x += 16;
                    } else if L::TALL == 16 && left >= 8 {
                        self.tile::<L, 8, 8, COLUMNS, STRIDE>(y, x);
                        x += 8;
                    } else if left >= 4 {
                        self.tile::<L, 4, 4, COLUMNS, STRIDE>(y, x);
                        x += 4;
                    } else {
                        self.tile::<L, 1, 1, COLUMNS, STRIDE>(y, x);
                        x += 1;
                    }
                }
                y += 1;
            }
        }
    }

    /// Computes and stores one tile with its first pixel at (`y`, `x`) of the phase.
    ///
    /// # Safety
    /// As for `tiles`; the tile lies in the phase.
    #[inline(always)]
    unsafe fn tile<
        L: Lanes,
        const PIXELS: usize,
        const WIDTH: usize,
        const COLUMNS: usize,
        const STRIDE: usize,
    >(
        &self,
        y: usize,
        x: usize,
    ) {
        let conv = self.conv;
        let phase = &conv.phases[self.phase];
        let pixels = Pixels { stride: STRIDE * BLOCK, row_stride: STRIDE * conv.input.row_len() };
        // All phases have as many taps as the first.
        let taps = phase.taps.len();
        let group_len = conv.input.channels().next_multiple_of(E::STEP) * taps * COLUMNS * BLOCK;
        let groups = conv.output.blocks() / COLUMNS;
        // SAFETY: `run` compared the input's length with its shape, and taps reach at most the border. The
        // weights were packed in the order in which they are read here.
        unsafe {
            let mut weights =
                conv.weights.values().as_ptr().add((self.phase * groups + self.group) * group_len);
            let mut tile = zeros::<L, PIXELS, COLUMNS>();
            let origin = self.input.as_ptr().add(conv.input.at(0, y * STRIDE, x * STRIDE));
            for &(offset, depth) in &conv.reads[self.phase] {
                let from = origin.offset(offset);
                tile = accumulate::<L, E, PIXELS, WIDTH, COLUMNS>(tile, from, pixels, weights, depth);
                weights = weights.add(depth * COLUMNS * BLOCK);
            }
            let spread = conv.footprint.spread();
            for p in 0..PIXELS {
                let (row, column) = (y + p / WIDTH, x + p % WIDTH);
                let (row, column) = (row * spread + phase.origin.0, column * spread + phase.origin.1);
                for (q, value) in tile[p].iter().enumerate() {
                    let block = self.group * COLUMNS + q;
                    let bias = L::load(conv.bias.values().as_ptr().add(block * BLOCK));
                    self.stores.store(block, row, column, value.add(bias));
                }
            }
        }
    }
}
