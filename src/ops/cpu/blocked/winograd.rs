//! Convolution in Winograd's form: transform patches, multiply as matrices, transform back.

use std::ops::Range;

use rayon::prelude::*;

use super::super::isa::{Isa, Kernel};
use super::super::lanes::Lanes;
use super::super::shared::Shared;
use super::super::sizes::product;
use super::gemm::{Pixels, accumulate, zeros};
use super::map::{BLOCK, Epilogue, MapShape, Stores};
use super::storage::Buffer;
use super::team::Team;
use super::transforms::{F2, F4, Halve4, MOST, Transform, Up2};

/// Bytes of transformed patches that one worker holds at a time: half of a second-level cache of 512 KiB.
const PATCH_BYTES: usize = 256 * 1024;

/// The most tiles of a batch.
const BATCH: usize = 64;

/// Which of the equivalent forms is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// F(2x2, 3x3): the map's height and width must be even.
    F2,
    /// F(4x4, 3x3): they must be multiples of four.
    F4,
    /// F(2x2, 3x3) of the map after nearest x2 upsampling, which is never made.
    Up2,
    /// F(4x4, 2x2) of the even and the odd pixels for a 4x4 kernel of stride 2; the map's height and width must be
    /// multiples of eight.
    Halve4,
}

/// The sizes of a [`Transform`].
#[derive(Clone, Copy)]
struct Sizes {
    points: usize,
    phases: usize,
    taps: usize,
    tile: usize,
    advance: usize,
    filter: &'static [[f64; 3]],
}

fn sizes<T: Transform>() -> Sizes {
    Sizes {
        points: T::POINTS * T::POINTS,
        phases: T::PHASES * T::PHASES,
        taps: T::TAPS,
        tile: T::TILE,
        advance: T::ADVANCE,
        filter: T::FILTER,
    }
}

impl Variant {
    fn sizes(self) -> Sizes {
        match self {
            Self::F2 => sizes::<F2>(),
            Self::F4 => sizes::<F4>(),
            Self::Up2 => sizes::<Up2>(),
            Self::Halve4 => sizes::<Halve4>(),
        }
    }

    /// Whether a map of `height` times `width` can be cut into this variant's tiles.
    pub(crate) fn fits(self, height: usize, width: usize) -> bool {
        let advance = self.sizes().advance;
        height > 0 && width > 0 && height.is_multiple_of(advance) && width.is_multiple_of(advance)
    }
}

/// A 3x3 (or strided 4x4) convolution with padding 1 whose weights are transformed and packed.
pub(crate) struct WinogradConv {
    isa: Isa,
    variant: Variant,
    input: MapShape,
    output: MapShape,
    /// Slope of the leaky rectifier that inputs pass on loading; `None` takes them as they are.
    input_slope: Option<f32>,
    columns: usize,
    /// `[output group][product][phase][input channel][columns * 16]`.
    weights: Buffer,
    bias: Buffer,
    /// Tiles that are transformed and multiplied together: a multiple of 16.
    batch: usize,
    /// Pictures that are convolved together at most.
    pictures: usize,
    /// Whether a layer has so few tiles that workers share the patches and divide the outputs.
    shared_patches: bool,
}

impl WinogradConv {
    /// A convolution of one picture at a time: [`WinogradConv::for_pictures`] of one.
    ///
    /// # Panics
    /// As there.
    pub(crate) fn new(
        isa: Isa,
        variant: Variant,
        input: MapShape,
        out_channels: usize,
        weights: &[f32],
        bias: &[f32],
        input_slope: Option<f32>,
    ) -> Self {
        Self::for_pictures(1, isa, variant, input, out_channels, weights, bias, input_slope)
    }

    /// Transforms and packs `weights` `(out, in, 3, 3)`, or `(out, in, 4, 4)` for a strided variant, and `bias`
    /// `(out,)` for inputs of shape `input`, up to `pictures` of them together: small maps have too few tiles to
    /// make good use of each weight that is read.
    ///
    /// # Panics
    /// When the lengths do not fit or the map cannot be cut into the variant's tiles.
    pub(crate) fn for_pictures(
        pictures: usize,
        isa: Isa,
        variant: Variant,
        input: MapShape,
        out_channels: usize,
        weights: &[f32],
        bias: &[f32],
        input_slope: Option<f32>,
    ) -> Self {
        assert!(variant.fits(input.height(), input.width()));
        let sizes = variant.sizes();
        let kernel = [sizes.taps, sizes.taps, sizes.phases];
        assert_eq!(weights.len(), product([out_channels, input.channels(), product(kernel)]));
        assert_eq!(bias.len(), out_channels);
        let scaled = |len: usize| len / sizes.advance * sizes.tile;
        let output = MapShape::new(out_channels, scaled(input.height()), scaled(input.width()));
        let columns = isa.columns(output.blocks());
        let packed = pack(weights, &input, &output, columns, &sizes);
        let mut padded_bias = Buffer::zeros(output.blocks() * BLOCK);
        padded_bias.values_mut()[..out_channels].copy_from_slice(bias);
        let tiles = product([pictures, input.height() / sizes.advance, input.width() / sizes.advance]);
        let tile_bytes = product([sizes.points, sizes.phases, input.blocks(), BLOCK, size_of::<f32>()]);
        let fitting = (PATCH_BYTES / tile_bytes / BLOCK * BLOCK).clamp(BLOCK, BATCH);
        // Fewer than four batches could not be divided among workers; their outputs can.
        let shared_patches = pictures == 1 && tiles < 4 * fitting;
        let batch = if shared_patches { tiles.next_multiple_of(BLOCK).min(BATCH) } else { fitting };
        Self {
            isa,
            variant,
            input,
            output,
            input_slope,
            columns,
            weights: packed,
            bias: padded_bias,
            batch,
            pictures,
            shared_patches,
        }
    }

    /// Shape of the output.
    pub(crate) fn output(&self) -> MapShape {
        self.output
    }

    /// What it is and on which sizes it works, for people.
    pub(crate) fn describe(&self) -> String {
        let (from, to) = (self.input, self.output);
        format!(
            "Winograd {:?} {}x{} {} -> {}",
            self.variant,
            to.height(),
            to.width(),
            from.channels(),
            to.channels()
        )
    }

    /// Multiply-adds of one picture's matrix products; the transforms only add.
    pub(crate) fn multiply_adds(&self) -> usize {
        let sizes = self.variant.sizes();
        self.tiles() * sizes.points * sizes.phases * self.input.channels() * self.output.channels()
    }

    /// Values of scratch memory that the team needs together.
    pub(crate) fn shared_scratch(&self) -> usize {
        if self.shared_patches { product([self.tiles().div_ceil(self.batch), self.patches_len()]) } else { 0 }
    }

    /// Values of scratch memory that each worker needs.
    pub(crate) fn worker_scratch(&self) -> usize {
        self.products_len() + if self.shared_patches { 0 } else { self.patches_len() }
    }

    /// Tiles of one picture.
    fn tiles(&self) -> usize {
        let advance = self.variant.sizes().advance;
        (self.input.height() / advance) * (self.input.width() / advance)
    }

    fn tiles_across(&self) -> usize {
        self.input.width() / self.variant.sizes().advance
    }

    /// Values from one plane of transformed patches to the next. One cache line more than a plane holds, or
    /// the planes of a tile would all fall into the same few sets of the cache.
    fn plane_stride(&self) -> usize {
        product([self.variant.sizes().phases * self.input.blocks() * self.batch + 1, BLOCK])
    }

    fn patches_len(&self) -> usize {
        product([self.variant.sizes().points, self.plane_stride()])
    }

    /// The same for products.
    fn product_stride(&self) -> usize {
        (self.columns * self.batch + 1) * BLOCK
    }

    fn products_len(&self) -> usize {
        self.variant.sizes().points * self.product_stride()
    }

    /// Convolves one picture's `input`: [`WinogradConv::run_pictures`] of one.
    ///
    /// # Panics
    /// As there.
    pub(crate) fn run(
        &self,
        input: &[f32],
        epilogue: &mut Epilogue<'_>,
        shared: &mut [f32],
        scratch: &mut [f32],
        team: &Team<'_>,
    ) {
        self.run_pictures(1, input, epilogue, shared, scratch, team);
    }

    /// Convolves `count` pictures, one after the other in `input`, into the epilogue's maps. `shared` holds
    /// `shared_scratch` values, `scratch` `worker_scratch` values for each worker of the team.
    ///
    /// # Panics
    /// When a slice is too short, or `count` is more than the convolution was made for.
    pub(crate) fn run_pictures(
        &self,
        count: usize,
        input: &[f32],
        epilogue: &mut Epilogue<'_>,
        shared: &mut [f32],
        scratch: &mut [f32],
        team: &Team<'_>,
    ) {
        if count == 0 {
            return;
        }
        assert!(count <= self.pictures);
        assert!(input.len() >= product([count, self.input.len()]));
        let stores = &epilogue.stores(&self.output, count);
        let tiles = count * self.tiles();
        let batches = tiles.div_ceil(self.batch);
        let groups = self.output.blocks() / self.columns;
        let tiles_of = |batch: usize| batch * self.batch..tiles.min((batch + 1) * self.batch);
        let (patches_len, worker_len) = (self.patches_len(), self.worker_scratch());
        if !self.shared_patches {
            team.for_each_with(scratch, worker_len, batches, |part, batch| {
                let (patches, products) = part.split_at_mut(patches_len);
                let tiles = tiles_of(batch);
                let blocks = 0..self.input.blocks();
                let gather =
                    Gather { conv: self, input, tiles: tiles.clone(), blocks, patches: Shared::new(patches) };
                self.isa.run(gather);
                for group in 0..groups {
                    let tiles = tiles.clone();
                    self.isa.run(Multiply { conv: self, tiles, group, patches, products, stores });
                }
            });
            return;
        }
        let blocks = self.input.blocks();
        let shared = &mut shared[..product([batches, patches_len])];
        let patches = Shared::new(shared);
        team.for_each(batches * blocks, |_, piece| {
            let (batch, block) = (piece / blocks, piece % blocks);
            let patches = patches.narrow(batch * patches_len..(batch + 1) * patches_len);
            let blocks = block..block + 1;
            self.isa.run(Gather { conv: self, input, tiles: tiles_of(batch), blocks, patches });
        });
        let patches = &*shared;
        team.for_each_with(scratch, worker_len, groups * batches, |products, piece| {
            let (group, batch) = (piece / batches, piece % batches);
            let patches = &patches[batch * patches_len..(batch + 1) * patches_len];
            self.isa.run(Multiply { conv: self, tiles: tiles_of(batch), group, patches, products, stores });
        });
    }
}

/// `G g G^T` of every filter, in f64, in the order in which the products are computed.
fn pack(weights: &[f32], input: &MapShape, output: &MapShape, columns: usize, sizes: &Sizes) -> Buffer {
    let width = columns * BLOCK;
    let group_len = sizes.points * sizes.phases * input.channels() * width;
    let mut packed = Buffer::zeros(output.blocks() / columns * group_len);
    packed.values_mut().par_chunks_mut(group_len).enumerate().for_each(|(group, values)| {
        let outputs = group * width..output.channels().min((group + 1) * width);
        pack_group(weights, input.channels(), outputs, width, sizes, values);
    });
    packed
}

/// Packs the filters of the outputs of one group: `[point][phase][input channel][width]`.
fn pack_group(
    weights: &[f32],
    channels: usize,
    outputs: Range<usize>,
    width: usize,
    sizes: &Sizes,
    values: &mut [f32],
) {
    let (transform, taps, step) = (sizes.filter, sizes.taps, sizes.phases.isqrt());
    let kernel = taps * step;
    let depth = sizes.phases * channels;
    for row in 0..depth {
        let (phase, channel) = (row / channels, row % channels);
        for (lane, out) in outputs.clone().enumerate() {
            let filter = &weights[(out * channels + channel) * kernel * kernel..][..kernel * kernel];
            let tap = |y: usize, x: usize| {
                f64::from(filter[(y * step + phase / step) * kernel + x * step + phase % step])
            };
            let mut columns = [[0.0; MOST]; 3];
            for (x, column) in columns[..taps].iter_mut().enumerate() {
                for (point, factors) in column.iter_mut().zip(transform) {
                    *point = (0..taps).map(|y| factors[y] * tap(y, x)).sum();
                }
            }
            for y in 0..transform.len() {
                for (x, factors) in transform.iter().enumerate() {
                    let value: f64 = (0..taps).map(|t| columns[t][y] * factors[t]).sum();
                    values[((y * transform.len() + x) * depth + row) * width + lane] = value as f32;
                }
            }
        }
    }
}

/// Transforms patches: `[plane][phase][input block][tile][16]`.
struct Gather<'a> {
    conv: &'a WinogradConv,
    input: &'a [f32],
    tiles: Range<usize>,
    blocks: Range<usize>,
    patches: Shared<'a, f32>,
}

impl Kernel for Gather<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        // SAFETY: the caller's promise; the transform is the variant's.
        unsafe {
            match self.conv.variant {
                Variant::F2 => self.transform::<L, F2>(),
                Variant::F4 => self.transform::<L, F4>(),
                Variant::Up2 => self.transform::<L, Up2>(),
                Variant::Halve4 => self.transform::<L, Halve4>(),
            }
        }
    }
}

impl Gather<'_> {
    /// # Safety
    /// The processor has the instructions of `L`; `T` is the variant's transform.
    #[inline(always)]
    unsafe fn transform<L: Lanes, T: Transform>(&self) {
        // SAFETY: the caller's promise.
        unsafe {
            match self.conv.input_slope {
                Some(slope) => self.patches::<L, T, true>(slope),
                None => self.patches::<L, T, false>(0.0),
            }
        }
    }

    /// # Safety
    /// As for `transform`.
    #[inline(always)]
    unsafe fn patches<L: Lanes, T: Transform, const RECTIFY: bool>(&self, slope: f32) {
        let conv = self.conv;
        let row_len = conv.input.row_len();
        let stride = conv.plane_stride();
        assert!(self.patches.len() >= conv.patches_len());
        for (block, phase) in
            self.blocks.clone().flat_map(|b| (0..T::PHASES * T::PHASES).map(move |p| (b, p)))
        {
            let mut tile = Tile::new(conv, self.tiles.start);
            let (py, px) = (phase / T::PHASES, phase % T::PHASES);
            let place = phase * conv.input.blocks() + block;
            for slot in 0..self.tiles.len() {
                // SAFETY: `run` checked the input's length; patches begin one pixel before the tile, in the
                // border at the edges, and end at most in the border. `slot` < batch, so every plane's entry
                // lies within the patches; no other piece writes entries of this block and these tiles.
                unsafe {
                    let slope = L::splat(slope);
                    let first = conv.input.at(block, tile.y * T::ADVANCE + py, tile.x * T::ADVANCE + px);
                    let first = tile.picture * conv.input.len() + first - row_len - BLOCK;
                    let from = self.input.as_ptr().add(first);
                    let mut rows = [[L::splat(0.0); MOST]; MOST];
                    for x in 0..T::PATCH {
                        let mut column = [L::splat(0.0); MOST];
                        for y in 0..T::PATCH {
                            let value = L::load(from.add(T::PHASES * (y * row_len + x * BLOCK)));
                            column[y] = if RECTIFY { value.leaky(slope) } else { value };
                        }
                        let column = T::input(column);
                        for y in 0..T::POINTS {
                            rows[y][x] = column[y];
                        }
                    }
                    let to = self.patches.start().add((place * conv.batch + slot) * BLOCK);
                    for y in 0..T::POINTS {
                        let row = T::input(rows[y]);
                        for x in 0..T::POINTS {
                            row[x].store(to.add((y * T::POINTS + x) * stride));
                        }
                    }
                }
                tile.advance(conv);
            }
        }
    }
}

/// Where a tile lies.
struct Tile {
    picture: usize,
    /// Row and column among the picture's tiles.
    y: usize,
    x: usize,
}

impl Tile {
    #[inline(always)]
    fn new(conv: &WinogradConv, number: usize) -> Self {
        let (tiles, across) = (conv.tiles(), conv.tiles_across());
        Self { picture: number / tiles, y: number % tiles / across, x: number % across }
    }

    /// To the next in the row, then the next row, then the next picture.
    #[inline(always)]
    fn advance(&mut self, conv: &WinogradConv) {
        self.x += 1;
        if self.x == conv.tiles_across() {
            (self.y, self.x) = (self.y + 1, 0);
            if self.y * conv.variant.sizes().advance == conv.input.height() {
                (self.picture, self.y) = (self.picture + 1, 0);
            }
        }
    }
}

/// Multiplies patches with one group's weights, transforms back and stores.
struct Multiply<'a> {
    conv: &'a WinogradConv,
    tiles: Range<usize>,
    group: usize,
    patches: &'a [f32],
    products: &'a mut [f32],
    stores: &'a Stores<'a>,
}

impl Kernel for Multiply<'_> {
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

impl Multiply<'_> {
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
        let (channels, batch) = (conv.input.channels(), conv.batch);
        let count = T::POINTS * T::POINTS;
        assert!(self.patches.len() >= conv.patches_len() && self.products.len() >= conv.products_len());
        let panel = T::PHASES * T::PHASES * channels * COLUMNS * BLOCK;
        let weights = &conv.weights.values()[self.group * count * panel..][..count * panel];
        let pixels = Pixels { stride: BLOCK, row_stride: 0 };
        for product in 0..count {
            // SAFETY: the lengths were compared above; the batch is a multiple of every PIXELS, so the last
            // tile of pixels, which may compute old values that nobody reads, stays within it.
            unsafe {
                let plane = self.patches.as_ptr().add(product * conv.plane_stride());
                let to = self.products.as_mut_ptr().add(product * conv.product_stride());
                for first in (0..self.tiles.len()).step_by(PIXELS) {
                    let mut tile = zeros::<L, PIXELS, COLUMNS>();
                    let mut panel = weights.as_ptr().add(product * panel);
                    let mut left = channels;
                    for place in 0..T::PHASES * T::PHASES * conv.input.blocks() {
                        let depth = left.min(BLOCK);
                        left = if left > BLOCK { left - BLOCK } else { channels };
                        let from = plane.add((place * batch + first) * BLOCK);
                        tile = accumulate::<L, PIXELS, PIXELS, COLUMNS>(tile, from, pixels, panel, depth);
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
