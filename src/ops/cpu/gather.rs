//! Convolution and transposed convolution as one sweep over a grid of pixels.
//!
//! For every pixel of a grid and every output channel, `sum over channels and taps of source * weight`. The
//! convolution has one such grid, its output. The transposed convolution of stride s has s x s interleaved ones
//! (*phases*), each an ordinary convolution of the small map with every s-th tap of the kernel.
//!
//! A thread takes a *strip* of about [`STRIP`] grid pixels, copies the part of the source that it reads with the
//! padding around it, and lets the micro-kernel sum eight pixels x 32 channels at a time straight from that copy.
//! The sums lie pixel by pixel, those of interleaved grids in the order of the output; on the way out they are transposed,
//! and bias and activation applied.

use super::elementwise::leaky;
use super::fused::Fused;
use super::isa::Isa;
use super::micro::{Offsets, Product, ROWS, accumulate_apart, lanes_for, position};
use super::scratch::with_scratch;
use super::shape::ConvShape;
use super::sizes::product;
use super::transpose::{Destination, transpose, transpose_into};
use rayon::prelude::*;
use std::mem::MaybeUninit;
use std::ops::Range;

/// Grid pixels a thread takes at a time.
const STRIP: usize = 128;

/// Steps of the micro-kernel between two visits of a tile: 20 KiB of weights, which stay in the first cache.
const STEPS: usize = 160;

/// One tap of a phase: its position in the padded source, and its index in the kernel.
#[derive(Clone, Copy, Debug)]
struct Tap {
    down: usize,
    along: usize,
    index: usize,
}

/// One of the interleaved grids.
#[derive(Debug)]
struct Phase {
    /// Where the grid's first pixel lies in the output.
    first: (usize, usize),
    taps: Vec<Tap>,
    /// Where its packed weights start.
    weights: usize,
}

/// A sweep, ready to run.
struct Sweep<'a> {
    source: &'a [f32],
    channels: usize,
    height: usize,
    width: usize,
    /// Source pixels per grid pixel.
    step: usize,
    /// Zeros above and to the left of the source.
    before: usize,
    /// Rows and columns of the source that one grid pixel reads.
    extent: usize,
    grid: (usize, usize),
    phases: Vec<Phase>,
    /// Output pixels per grid pixel.
    spread: usize,
    out_channels: usize,
    out_height: usize,
    out_width: usize,
    batch: usize,
    /// Output channels that are computed side by side.
    lanes: usize,
    isa: Isa,
}

/// `narrow = activation(conv(wide, weight) + bias)` in all of `narrow`.
pub(super) fn forward<'r>(
    shape: &ConvShape,
    wide: &[f32],
    weight: &[f32],
    fused: &Fused<'_>,
    narrow: &'r mut [MaybeUninit<f32>],
) -> &'r mut [f32] {
    let s = shape;
    let taps = (0..s.kernel * s.kernel)
        .map(|index| Tap { down: index / s.kernel, along: index % s.kernel, index })
        .collect();
    let sweep = Sweep {
        source: wide,
        channels: s.in_channels,
        height: s.in_height,
        width: s.in_width,
        step: s.stride,
        before: s.padding,
        extent: s.kernel,
        grid: (s.out_height, s.out_width),
        phases: vec![Phase { first: (0, 0), taps, weights: 0 }],
        spread: 1,
        out_channels: s.out_channels,
        out_height: s.out_height,
        out_width: s.out_width,
        batch: s.batch,
        lanes: lanes_for(s.out_channels),
        isa: Isa::detect(),
    };
    let (side, depth) = (sweep.lanes, s.in_channels * s.kernel * s.kernel);
    with_scratch(s.out_channels.div_ceil(side) * depth * side, |packed| {
        packed.par_chunks_mut(depth * side).enumerate().for_each(|(block, packed)| {
            let first = block * side;
            let lanes = side.min(s.out_channels - first);
            if lanes < side {
                packed.fill(0.0);
            }
            transpose_into(sweep.isa, &weight[first * depth..], depth, lanes, depth, packed, |k| k * side);
        });
        sweep.run(packed, fused, narrow)
    })
}

/// `wide = activation(conv_transpose(narrow, weight) + bias)`, stride 1 or 2, in all of `wide`.
pub(super) fn transposed<'r>(
    shape: &ConvShape,
    narrow: &[f32],
    weight: &[f32],
    fused: &Fused<'_>,
    wide: &'r mut [MaybeUninit<f32>],
) -> &'r mut [f32] {
    let s = shape;
    assert!(s.stride <= 2);
    let side = lanes_for(s.in_channels);
    let blocks = s.in_channels.div_ceil(side);
    let square = s.kernel * s.kernel;
    // Output position y of phase p is y = i * stride + p, and y + padding = o * stride + k: so the taps of a phase
    // are k = r + j * stride with r = (p + padding) mod stride, and they read o = i + (p + padding) / stride - j.
    let axis = |p: usize| -> Vec<(isize, usize)> {
        let (r, q) = ((p + s.padding) % s.stride, (p + s.padding) / s.stride);
        (r..s.kernel).step_by(s.stride).enumerate().map(|(j, k)| (q as isize - j as isize, k)).collect()
    };
    let reach = (0..s.stride).flat_map(axis).map(|(o, _)| o);
    let (lowest, highest) = reach.fold((0, 0), |(low, high), o| (low.min(o), high.max(o)));
    let mut phases = Vec::new();
    let mut end = 0;
    for (down, along) in (0..s.stride).flat_map(|y| (0..s.stride).map(move |x| (y, x))) {
        let mut taps = Vec::new();
        for (oy, ky) in axis(down) {
            for (ox, kx) in axis(along) {
                let (down, along) = ((oy - lowest) as usize, (ox - lowest) as usize);
                taps.push(Tap { down, along, index: ky * s.kernel + kx });
            }
        }
        let depth = s.out_channels * taps.len();
        phases.push(Phase { first: (down, along), taps, weights: end });
        end += blocks * depth * side;
    }
    // Where tap `index` of narrow channel 0 and lane block 0 goes, and the distances to the next of each.
    let mut places = vec![(0, 0, 0); square];
    for phase in &phases {
        let count = phase.taps.len();
        for (i, tap) in phase.taps.iter().enumerate() {
            places[tap.index] = (phase.weights + i * side, count * side, s.out_channels * count * side);
        }
    }
    let sweep = Sweep {
        source: narrow,
        channels: s.out_channels,
        height: s.out_height,
        width: s.out_width,
        step: 1,
        before: lowest.unsigned_abs(),
        extent: (highest - lowest) as usize + 1,
        grid: (s.in_height.div_ceil(s.stride), s.in_width.div_ceil(s.stride)),
        phases,
        spread: s.stride,
        out_channels: s.in_channels,
        out_height: s.in_height,
        out_width: s.in_width,
        batch: s.batch,
        lanes: side,
        isa: Isa::detect(),
    };
    with_scratch(end, |packed| {
        if !s.in_channels.is_multiple_of(side) {
            packed.fill(0.0);
        }
        let target = Destination::over(packed);
        (0..s.out_channels).into_par_iter().for_each(|channel| {
            for block in 0..blocks {
                let first = block * side;
                let lanes = side.min(s.in_channels - first);
                let source = &weight[(channel * s.in_channels + first) * square..];
                // SAFETY: every channel has places of its own.
                unsafe {
                    transpose(sweep.isa, source, square, lanes, square, &Fused::default(), target, |index| {
                        let (start, per_channel, per_block) = places[index];
                        start + channel * per_channel + block * per_block
                    });
                }
            }
        });
        sweep.run(packed, fused, wide)
    })
}

/// Part of a map with zeros around it.
pub(super) struct Padded {
    /// Rows and columns of the part.
    pub(super) size: (usize, usize),
    /// Columns to the left of the map.
    pub(super) before: usize,
    /// The map's row that the part begins with; below zero where it begins above.
    pub(super) top: isize,
}

impl Padded {
    /// The part of `source`, a map of so many `columns`, through a leaky ReLU of slope `before` if there is one.
    pub(super) fn copy(&self, source: &[f32], columns: usize, before: Option<f32>, out: &mut [f32]) {
        let (height, width) = self.size;
        let left = self.before.min(width);
        let inside = columns.min(width - left);
        // One call for all zeros: two for each row's ends took longer than the rows.
        out.fill(0.0);
        let rows = source.chunks_exact(columns.max(1)).skip(self.top.max(0).unsigned_abs());
        let first = self.top.min(0).unsigned_abs().min(height);
        for (row, out) in rows.zip(out[first * width..].chunks_exact_mut(width.max(1))) {
            let (row, out) = (&row[..inside], &mut out[left..left + inside]);
            match before {
                Some(slope) => out.iter_mut().zip(row).for_each(|(o, &x)| *o = leaky(x, slope)),
                None => out.copy_from_slice(row),
            }
        }
    }
}

/// A strip: some grid rows of one image, or some whole images.
struct Strip {
    images: Range<usize>,
    rows: Range<usize>,
}

impl Sweep<'_> {
    fn run<'r>(&self, packed: &[f32], fused: &Fused<'_>, out: &'r mut [MaybeUninit<f32>]) -> &'r mut [f32] {
        assert_eq!(out.len(), product([self.batch, self.out_channels, self.out_height, self.out_width]));
        let strips = self.strips();
        let blocks = self.out_channels.div_ceil(self.lanes);
        let threads = rayon::current_num_threads();
        // Too few strips for the threads: they share out the channels as well.
        let groups =
            if threads == 1 { 1 } else { (2 * threads).div_ceil(strips.len().max(1)).clamp(1, blocks) };
        let target = Destination::new(out);
        (0..strips.len() * groups).into_par_iter().for_each(|task| {
            let (strip, group) = (&strips[task / groups], task % groups);
            let blocks = group * blocks / groups..(group + 1) * blocks / groups;
            self.run_strip(strip, blocks, packed, fused, target);
        });
        // SAFETY: the strips are all grid pixels of all images and the groups all channels; the grids of all phases, one
        // or two by two, together are the output, and `write` leaves no pixel of a strip out. The line at the top has
        // seen that the output is nothing else.
        unsafe { out.assume_init_mut() }
    }

    /// A split that depends on the shapes and the number of threads alone.
    fn strips(&self) -> Vec<Strip> {
        let (rows, columns) = self.grid;
        let (plane, threads) = (rows * columns, rayon::current_num_threads());
        let pixels = self.batch * plane;
        if pixels == 0 {
            return Vec::new();
        }
        let wanted = STRIP.min(pixels.div_ceil(threads)).max(4 * ROWS);
        if plane <= wanted {
            let images = (wanted / plane).max(1);
            let starts = (0..self.batch).step_by(images);
            starts.map(|i| Strip { images: i..self.batch.min(i + images), rows: 0..rows }).collect()
        } else {
            let height = (wanted / columns).max(1);
            let starts = (0..self.batch).flat_map(|i| (0..rows).step_by(height).map(move |r| (i, r)));
            starts.map(|(i, r)| Strip { images: i..i + 1, rows: r..rows.min(r + height) }).collect()
        }
    }

    fn run_strip(
        &self,
        strip: &Strip,
        blocks: Range<usize>,
        packed: &[f32],
        fused: &Fused<'_>,
        out: Destination<'_>,
    ) {
        let columns = self.grid.1;
        let height = (strip.rows.len() - 1) * self.step + self.extent;
        let width = (columns - 1) * self.step + self.extent;
        let image = self.channels * height * width;
        let pixels = strip.images.len() * strip.rows.len() * columns;
        let tiles = pixels.div_ceil(ROWS);
        // The position of each grid pixel in the padded copy; the last one repeats to fill its tile.
        let mut places: Vec<u32> = Vec::with_capacity(tiles * ROWS);
        for i in 0..strip.images.len() {
            for row in 0..strip.rows.len() {
                let start = i * image + row * self.step * width;
                places.extend((0..columns).map(|column| position(start + column * self.step)));
            }
        }
        places.resize(tiles * ROWS, places.last().copied().unwrap_or(0));
        let offsets: Vec<Vec<u32>> = self
            .phases
            .iter()
            .map(|phase| {
                let taps =
                    |c| phase.taps.iter().map(move |t| position((c * height + t.down) * width + t.along));
                (0..self.channels).flat_map(taps).collect()
            })
            .collect();
        let side = self.lanes;
        // The sums of one output row of every grid row: those of the interleaved grids take turns.
        let (between, per_row) = (self.spread * side, tiles * ROWS * self.spread * side);
        with_scratch(strip.images.len() * image, |source| {
            self.copy_padded(strip, height, width, fused.before, source);
            with_scratch(self.spread * per_row, |sums| {
                for block in blocks {
                    let lanes = side.min(self.out_channels - block * side);
                    for (phase, offsets) in self.phases.iter().zip(&offsets) {
                        let sums = &mut sums[phase.first.0 * per_row..][..per_row];
                        let depth = offsets.len();
                        let vectors = &packed[phase.weights + block * depth * side..][..depth * side];
                        if depth == 0 {
                            let own = phase.first.1 * side..(phase.first.1 + 1) * side;
                            sums.chunks_exact_mut(between).for_each(|sums| sums[own.clone()].fill(0.0));
                        }
                        for (part, (offsets, vectors)) in
                            offsets.chunks(STEPS).zip(vectors.chunks(STEPS * side)).enumerate()
                        {
                            let offsets = Offsets::new(offsets);
                            for (rows, tile) in
                                places.as_chunks::<ROWS>().0.iter().zip(sums.chunks_exact_mut(ROWS * between))
                            {
                                let product =
                                    Product { scalars: source, rows: *rows, offsets, vectors, step: side };
                                let tile = &mut tile[phase.first.1 * side..];
                                accumulate_apart(self.isa, &product, lanes, part == 0, (tile, between));
                            }
                        }
                    }
                    let bias = fused.bias.map(|bias| &bias[block * side..]);
                    self.write(strip, block, lanes, sums, per_row, &Fused { bias, ..*fused }, out);
                }
            });
        });
    }

    /// The source rows that a strip reads, `[image][channel][height][width]`, zeros where there is no source.
    fn copy_padded(&self, strip: &Strip, height: usize, width: usize, before: Option<f32>, out: &mut [f32]) {
        let padded = Padded {
            size: (height, width),
            before: self.before,
            top: (strip.rows.start * self.step) as isize - self.before as isize,
        };
        let plane = self.height * self.width;
        let planes = strip.images.start * self.channels..strip.images.end * self.channels;
        for (index, out) in planes.zip(out.chunks_exact_mut(height * width)) {
            padded.copy(&self.source[index * plane..][..plane], self.width, before, out);
        }
    }

    /// Writes the sums of one lane block, `[output row of a grid row][pixel][interleaved grid][lanes]`, to their places.
    fn write(
        &self,
        strip: &Strip,
        block: usize,
        lanes: usize,
        sums: &[f32],
        per_row: usize,
        fused: &Fused<'_>,
        out: Destination<'_>,
    ) {
        let plane = self.out_height * self.out_width;
        let columns = self.grid.1;
        // Rows of the output that follow one another are one run.
        let (runs, length) = match self.spread {
            1 => (1, strip.rows.len() * columns),
            spread => (strip.rows.len(), (spread * columns).min(self.out_width)),
        };
        for (i, image) in strip.images.clone().enumerate() {
            let base = (image * self.out_channels + block * self.lanes) * plane;
            for (run, first) in (0..runs).flat_map(|run| (0..self.spread).map(move |first| (run, first))) {
                let row = self.spread * (strip.rows.start + run) + first;
                if row >= self.out_height {
                    continue;
                }
                let pixel = (i * strip.rows.len() + run) * columns;
                let source =
                    &sums[first * per_row + pixel * self.spread * self.lanes..][..length * self.lanes];
                let start = base + row * self.out_width;
                // SAFETY: strips and lane blocks have disjoint pixels and channels.
                unsafe {
                    transpose(self.isa, source, self.lanes, length, lanes, fused, out, |lane| {
                        start + lane * plane
                    });
                }
            }
        }
    }
}
