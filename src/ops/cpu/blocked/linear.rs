//! A fully connected layer, for one row or for a batch of rows.
//!
//! Rows are f32 always: few of them are read, and a code must not be rounded. In bf16 weights are widened as they are read;
//! reading them takes most of the time.

use super::super::element::Element;
use super::super::isa::{Isa, Kernel};
use super::super::lanes::Lanes;
use super::super::shared::Shared;
use super::super::sizes::{fits, product};
use super::gemm::{Tile, zeros};
use super::map::{BLOCK, MapShape};
use super::storage::Buffer;
use super::team::Team;

/// Blocks of outputs that are computed together.
const COLUMNS: usize = 2;

/// A linear layer whose output is a row of values or a map.
pub(crate) struct Linear<E> {
    isa: Isa,
    inputs: usize,
    outputs: usize,
    /// `[group][input][COLUMNS * 16]`.
    weights: Buffer<E>,
    bias: Buffer<f32>,
    /// Where each block of sixteen outputs goes.
    places: Vec<usize>,
    output_len: usize,
    slope: f32,
}

impl<E: Element> Linear<E> {
    /// Packs `weights` `(outputs, inputs)` and `bias` `(outputs,)`; the output row is padded to whole blocks of
    /// sixteen. `slope` is that of the leaky ReLU that follows (1 for none, 0 for ReLU).
    ///
    /// # Panics
    /// When the lengths do not fit.
    pub(crate) fn to_row(isa: Isa, inputs: usize, weights: &[f32], bias: &[f32], slope: f32) -> Self {
        let rows: Vec<Option<usize>> =
            (0..bias.len().next_multiple_of(BLOCK)).map(|o| (o < bias.len()).then_some(o)).collect();
        let places = (0..rows.len() / BLOCK).map(|block| block * BLOCK).collect();
        Self::pack(isa, inputs, weights, bias, slope, &rows, places, rows.len())
    }

    /// As [`Linear::to_row`], for outputs that are the values `(channels, height, width)` of a map.
    ///
    /// # Panics
    /// When the lengths do not fit.
    pub(crate) fn to_map(
        isa: Isa,
        inputs: usize,
        weights: &[f32],
        bias: &[f32],
        slope: f32,
        shape: MapShape,
    ) -> Self {
        let area = shape.height() * shape.width();
        assert_eq!(bias.len(), shape.channels() * area);
        let mut rows = Vec::new();
        let mut places = Vec::new();
        for (block, pixel) in (0..shape.blocks() * area).map(|i| (i / area, i % area)) {
            places.push(shape.at(block, pixel / shape.width(), pixel % shape.width()));
            rows.extend(
                (block * BLOCK..(block + 1) * BLOCK)
                    .map(|channel| (channel < shape.channels()).then_some(channel * area + pixel)),
            );
        }
        Self::pack(isa, inputs, weights, bias, slope, &rows, places, shape.len())
    }

    fn pack(
        isa: Isa,
        inputs: usize,
        weights: &[f32],
        bias: &[f32],
        slope: f32,
        rows: &[Option<usize>],
        places: Vec<usize>,
        output_len: usize,
    ) -> Self {
        assert_eq!(weights.len(), product([inputs, bias.len()]));
        let groups = places.len().div_ceil(COLUMNS);
        let mut packed = Buffer::<E>::zeros(groups * inputs * COLUMNS * BLOCK);
        let mut padded_bias = Buffer::zeros(groups * COLUMNS * BLOCK);
        for (lane, row) in rows.iter().enumerate() {
            let Some(row) = row else { continue };
            let (group, column) = (lane / (COLUMNS * BLOCK), lane % (COLUMNS * BLOCK));
            padded_bias.values_mut()[lane] = bias[*row];
            for k in 0..inputs {
                packed.values_mut()[(group * inputs + k) * COLUMNS * BLOCK + column] =
                    E::of(weights[row * inputs + k]);
            }
        }
        let outputs = bias.len();
        Self { isa, inputs, outputs, weights: packed, bias: padded_bias, places, output_len, slope }
    }

    /// Values of one output, padding included.
    pub(crate) fn output_len(&self) -> usize {
        self.output_len
    }

    /// What it is and on which sizes it works, for people.
    pub(crate) fn describe(&self) -> String {
        format!("linear {} -> {}", self.inputs, self.outputs)
    }

    /// Multiply-adds for one row.
    pub(crate) fn multiply_adds(&self) -> usize {
        self.inputs * self.outputs
    }

    /// Computes `rows` outputs of `output_len` values each from inputs that begin every `input_stride` values.
    ///
    /// # Panics
    /// When a slice is too short.
    pub(crate) fn run<O: Element>(
        &self,
        rows: usize,
        input: &[f32],
        input_stride: usize,
        output: &mut [O],
        team: &Team<'_>,
    ) {
        if rows == 0 {
            return;
        }
        assert!(fits(rows, input_stride, self.inputs, input.len()));
        assert!(output.len() >= product([rows, self.output_len]));
        let output = Shared::new(output);
        team.for_each(self.places.len().div_ceil(COLUMNS), |_, group| {
            E::run(self.isa, Group { linear: self, rows, input, input_stride, output, group });
        });
    }
}

/// One group of outputs for all rows.
struct Group<'a, E, O> {
    linear: &'a Linear<E>,
    rows: usize,
    input: &'a [f32],
    input_stride: usize,
    output: Shared<'a, O>,
    group: usize,
}

impl<E: Element, O: Element> Kernel for Group<'_, E, O> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let mut row = 0;
        // SAFETY: the caller's promise; the rows of every tile exist.
        unsafe {
            while row < self.rows {
                let left = self.rows - row;
                if L::TALL == 16 && left >= 8 {
                    self.tile::<L, 8>(row);
                    row += 8;
                } else if left >= 2 {
                    self.tile::<L, 2>(row);
                    row += 2;
                } else {
                    self.tile::<L, 1>(row);
                    row += 1;
                }
            }
        }
    }
}

impl<E: Element, O: Element> Group<'_, E, O> {
    /// Computes `ROWS` rows from `row` on.
    ///
    /// # Safety
    /// The processor has the instructions of `L`; the rows exist.
    #[inline(always)]
    unsafe fn tile<L: Lanes, const ROWS: usize>(&self, row: usize) {
        let linear = self.linear;
        let weights = &linear.weights.values()[self.group * linear.inputs * COLUMNS * BLOCK..];
        // SAFETY: `run` checked the input's and the output's length; pieces write to places of their own.
        unsafe {
            let input = self.input.as_ptr().add(row * self.input_stride);
            let mut tile: Tile<L, ROWS, COLUMNS> = zeros();
            for k in 0..linear.inputs {
                let weights = weights.as_ptr().add(k * COLUMNS * BLOCK);
                let columns: [L; COLUMNS] = std::array::from_fn(|q| E::load(weights.add(q * BLOCK)));
                for r in 0..ROWS {
                    let value = L::splat(*input.add(r * self.input_stride + k));
                    for q in 0..COLUMNS {
                        tile[r][q] = value.mul_add(columns[q], tile[r][q]);
                    }
                }
            }
            for (r, values) in tile.iter().enumerate() {
                for (q, value) in values.iter().enumerate() {
                    let block = self.group * COLUMNS + q;
                    let Some(&place) = linear.places.get(block) else { continue };
                    let bias = L::load(linear.bias.values().as_ptr().add(block * BLOCK));
                    let at = (row + r) * linear.output_len + place;
                    let target = self.output.part(at..at + BLOCK);
                    O::store(value.add(bias).leaky(L::splat(linear.slope)), target.as_mut_ptr());
                }
            }
        }
    }
}
