//! A layer in Winograd's form: its sizes, its packed weights and the memory that it needs.

use super::super::super::element::Element;
use super::super::super::isa::Isa;
use super::super::super::sizes::product;
use super::super::map::{BLOCK, MapShape};
use super::super::storage::Buffer;
use super::pack::pack;
use super::variant::Variant;

/// Bytes of transformed patches that one worker holds at a time: half of a second-level cache of 512 KiB.
const PATCH_BYTES: usize = 256 * 1024;

/// The most tiles of a batch.
const BATCH: usize = 64;

/// A 3x3 (or strided 4x4) convolution with padding 1 whose weights are transformed and packed.
pub(crate) struct WinogradConv<E> {
    pub(super) isa: Isa,
    pub(super) variant: Variant,
    pub(super) input: MapShape,
    pub(super) output: MapShape,
    /// Slope of the leaky ReLU that inputs pass on loading; `None` takes them as they are.
    pub(super) input_slope: Option<f32>,
    pub(super) columns: usize,
    /// `[output group][product][phase][input channel][columns * 16]`, channels in steps.
    pub(super) weights: Buffer<E>,
    pub(super) bias: Buffer<f32>,
    /// Tiles that are transformed and multiplied together: a multiple of 16.
    pub(super) batch: usize,
    /// Pictures that are convolved together at most.
    pub(super) pictures: usize,
    /// Whether a layer has so few tiles that workers share the patches and divide the outputs.
    pub(super) shared_patches: bool,
}

impl<E: Element> WinogradConv<E> {
    /// Transforms and packs `weights` `(out, in, 3, 3)`, or `(out, in, 4, 4)` for a strided variant, and `bias`
    /// `(out,)` for inputs of shape `input`, up to `pictures` of them together: small maps have too few tiles to
    /// make good use of each weight that is read.
    ///
    /// # Panics
    /// When the lengths do not fit or the map cannot be cut into the variant's tiles.
    pub(crate) fn new(
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
        let tile_bytes = product([sizes.points, sizes.phases, input.blocks(), BLOCK, size_of::<E>()]);
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
        format!("Winograd {:?} {}", self.variant, self.input.describe_to(&self.output))
    }

    /// Multiply-adds of one picture's matrix products; the transforms only add.
    pub(crate) fn multiply_adds(&self) -> usize {
        let sizes = self.variant.sizes();
        self.tiles() * sizes.points * sizes.phases * self.input.channels() * self.output.channels()
    }

    /// Values of scratch memory that the team needs together.
    pub(crate) fn shared_scratch(&self) -> usize {
        if self.shared_patches {
            product([self.tiles().div_ceil(self.batch), E::words(self.patches_len())])
        } else {
            0
        }
    }

    /// Values of scratch memory that each worker needs.
    pub(crate) fn worker_scratch(&self) -> usize {
        self.products_len() + if self.shared_patches { 0 } else { E::words(self.patches_len()) }
    }

    /// Input channels in whole steps.
    pub(super) fn depth(&self) -> usize {
        self.input.channels().next_multiple_of(E::STEP)
    }

    /// Tiles of one picture.
    pub(super) fn tiles(&self) -> usize {
        let advance = self.variant.sizes().advance;
        (self.input.height() / advance) * (self.input.width() / advance)
    }

    pub(super) fn tiles_across(&self) -> usize {
        self.input.width() / self.variant.sizes().advance
    }

    /// Values from one plane of transformed patches to the next. One cache line more than a plane holds, or
    /// the planes of a tile would all fall into the same few sets of the cache.
    pub(super) fn plane_stride(&self) -> usize {
        product([self.variant.sizes().phases * self.input.blocks() * self.batch + E::STEP, BLOCK])
    }

    pub(super) fn patches_len(&self) -> usize {
        product([self.variant.sizes().points, self.plane_stride()])
    }

    /// The same for products.
    pub(super) fn product_stride(&self) -> usize {
        (self.columns * self.batch + 1) * BLOCK
    }

    pub(super) fn products_len(&self) -> usize {
        self.variant.sizes().points * self.product_stride()
    }
}
