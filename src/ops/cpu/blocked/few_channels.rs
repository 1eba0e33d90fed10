//! A convolution to one or three channels: the last layer, which makes pixels.
//!
//! Sixteen output lanes for three channels would waste most of the work. Here the lanes are input channels:
//! each output channel of each pixel has an accumulator, whose lanes are added up at the end. In bf16 a register holds
//! the sixteen channels of two neighbouring pixels.

use super::super::element::Element;
use super::super::isa::{Isa, Kernel};
use super::super::lanes::Lanes;
use super::super::sizes::product;
use super::direct::{Footprint, Phase};
use super::map::{BLOCK, MapShape};
use super::pixels::PixelSink;
use super::storage::Buffer;
use super::team::Team;

/// Rows of the output that one piece of work makes.
const BAND_ROWS: usize = 8;

/// A convolution of few output channels that ends in pixels.
pub(crate) struct FewChannelConv<E> {
    isa: Isa,
    input: MapShape,
    output: MapShape,
    footprint: Footprint,
    phases: Vec<Phase>,
    /// `[phase][output][input block][tap][16]`, as many times as a register holds pixels.
    weights: Buffer<E>,
    bias: Vec<f32>,
}

impl<E: Element> FewChannelConv<E> {
    /// Packs `weights` and `bias` as [`super::DirectConv::new`] does; strided footprints are not supported.
    ///
    /// # Panics
    /// When the lengths do not fit.
    pub(crate) fn new(
        isa: Isa,
        footprint: Footprint,
        input: MapShape,
        out_channels: usize,
        weights: &[f32],
        bias: &[f32],
    ) -> Self {
        let kernel = footprint.kernel();
        assert_eq!(footprint.stride(), 1);
        assert_eq!(weights.len(), product([out_channels, input.channels(), kernel, kernel]));
        assert_eq!(bias.len(), out_channels);
        let output = MapShape::new(
            out_channels,
            footprint.output_len(input.height()),
            footprint.output_len(input.width()),
        );
        let phases = footprint.phases();
        let taps: usize = phases.iter().map(|phase| phase.taps.len()).sum();
        let mut packed = Buffer::<E>::zeros(taps * out_channels * input.blocks() * BLOCK * E::STEP);
        let values = packed.values_mut();
        let mut at = 0;
        for phase in &phases {
            for out in 0..out_channels {
                for block in 0..input.blocks() {
                    for tap in &phase.taps {
                        for channel in block * BLOCK..input.channels().min((block + 1) * BLOCK) {
                            let row = if footprint.is_transposed() {
                                channel * out_channels + out
                            } else {
                                out * input.channels() + channel
                            };
                            let (y, x) = tap.kernel;
                            for pixel in 0..E::STEP {
                                values[at + pixel * BLOCK + channel % BLOCK] =
                                    E::of(weights[(row * kernel + y) * kernel + x]);
                            }
                        }
                        at += BLOCK * E::STEP;
                    }
                }
            }
        }
        Self { isa, input, output, footprint, phases, weights: packed, bias: bias.to_vec() }
    }

    /// Channels, height and width of the picture.
    #[cfg(test)]
    pub(crate) fn output(&self) -> MapShape {
        self.output
    }

    /// Values of scratch memory that each worker needs.
    pub(crate) fn worker_scratch(&self) -> usize {
        // One row of every channel, with room for the last tile of sixteen of both phases.
        self.output.channels() * self.scratch_row()
    }

    fn scratch_row(&self) -> usize {
        self.output.width() + 16 * self.footprint.spread()
    }

    /// What it is and on which sizes it works, for people.
    pub(crate) fn describe(&self) -> String {
        format!("pixels {:?} {}", self.footprint, self.input.describe_to(&self.output))
    }

    /// Multiply-adds that it computes.
    pub(crate) fn multiply_adds(&self) -> usize {
        let pixels = self.output.height() * self.output.width();
        pixels * self.phases[0].taps.len() * self.input.channels() * self.output.channels()
    }

    /// Convolves `input` and hands finished rows to `sink`; `scratch` holds `worker_scratch` values for each
    /// worker of the team.
    ///
    /// # Panics
    /// When a slice is too short.
    pub(crate) fn run(&self, input: &[E], sink: &mut PixelSink<'_>, scratch: &mut [f32], team: &Team<'_>) {
        assert!(input.len() >= self.input.len());
        sink.check(&self.output);
        let sink = &*sink;
        let bands = self.output.height().div_ceil(BAND_ROWS);
        team.for_each_with(scratch, self.worker_scratch(), bands, |row, piece| {
            let first = piece * BAND_ROWS;
            for y in first..self.output.height().min(first + BAND_ROWS) {
                E::run(self.isa, Row { conv: self, input, y, row, sink });
            }
        });
    }
}

/// One row of the output.
struct Row<'a, E> {
    conv: &'a FewChannelConv<E>,
    input: &'a [E],
    y: usize,
    row: &'a mut [f32],
    sink: &'a PixelSink<'a>,
}

impl<E: Element> Kernel for Row<'_, E> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let conv = self.conv;
        let spread = conv.footprint.spread();
        let row_len = conv.scratch_row();
        for (index, phase) in conv.phases.iter().enumerate() {
            if phase.origin.0 != self.y % spread {
                continue;
            }
            for out in 0..conv.output.channels() {
                let row = &mut self.row[out * row_len..(out + 1) * row_len];
                for x in (0..conv.output.width() / spread).step_by(16) {
                    let mut sums = [0.0f32; 16];
                    // SAFETY: the caller's promise; `run` checked the input's length, whose slack makes the
                    // pixels of the last tile readable that lie past the row's end; `sums` holds sixteen.
                    unsafe {
                        let values = match (L::TALL, E::STEP) {
                            (16, 1) => tile::<L, E, 16>(conv, self.input, index, out, self.y / spread, x),
                            (16, _) => tile::<L, E, 8>(conv, self.input, index, out, self.y / spread, x),
                            _ => tile::<L, E, 4>(conv, self.input, index, out, self.y / spread, x),
                        };
                        E::pixel_sums(&values).add(L::splat(conv.bias[out])).store(sums.as_mut_ptr());
                    }
                    if spread == 1 {
                        row[x..x + 16].copy_from_slice(&sums);
                    } else {
                        for (i, sum) in sums.iter().enumerate() {
                            row[(x + i) * 2 + phase.origin.1] = *sum;
                        }
                    }
                }
            }
        }
        // SAFETY: the bands that `run` makes of the output have rows of their own, and it has the sink to itself.
        unsafe { self.sink.put_row(self.y, self.row, row_len, &conv.output) };
    }
}

/// Sixteen pixels from (`y`, `x`) on, `GROUP` registers at a time, before their lanes are added up.
///
/// # Safety
/// The processor has the instructions of `L`; sixteen pixels are readable there.
#[inline(always)]
unsafe fn tile<L: Lanes, E: Element, const GROUP: usize>(
    conv: &FewChannelConv<E>,
    input: &[E],
    phase: usize,
    out: usize,
    y: usize,
    x: usize,
) -> [L; 16] {
    let taps = &conv.phases[phase].taps;
    let first = (phase * conv.output.channels() + out) * conv.input.blocks() * taps.len() * BLOCK * E::STEP;
    // SAFETY: the caller's promise; weights are packed in the order in which they are read.
    unsafe {
        let mut values = [L::splat(0.0); 16];
        for group in 0..16 / (GROUP * E::STEP) {
            let mut sums = [L::splat(0.0); GROUP];
            let mut weights = conv.weights.values().as_ptr().add(first);
            for block in 0..conv.input.blocks() {
                let origin = conv.input.at(block, y, x + group * GROUP * E::STEP) as isize;
                for tap in taps {
                    let (dy, dx) = tap.shift;
                    let shift = dy * conv.input.row_len() as isize + dx * BLOCK as isize;
                    let from = input.as_ptr().offset(origin + shift);
                    let weight = E::operands::<L>(weights);
                    for (p, sum) in sums.iter_mut().enumerate() {
                        let pixels = E::operands::<L>(from.add(p * BLOCK * E::STEP));
                        *sum = E::multiply_add(*sum, pixels, weight);
                    }
                    weights = weights.add(BLOCK * E::STEP);
                }
            }
            for (p, sum) in sums.into_iter().enumerate() {
                values[group * GROUP + p] = sum;
            }
        }
        values
    }
}
