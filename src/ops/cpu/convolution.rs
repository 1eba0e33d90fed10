//! What the three convolution kernels share: the sizes.

/// The sizes of one convolution, kernel square, `stride` and zero `padding` the same on both axes.
///
/// The *wide* side is the convolution's input `(batch, in_channels, in_height, in_width)`, the *narrow* side its
/// output `(batch, out_channels, out_height, out_width)`; the transposed convolution goes from narrow to wide.
/// Weights are `(out_channels, in_channels, kernel, kernel)` for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// Images.
    pub batch: usize,
    /// Channels of the wide side.
    pub in_channels: usize,
    /// Rows of the wide side.
    pub in_height: usize,
    /// Columns of the wide side.
    pub in_width: usize,
    /// Channels of the narrow side.
    pub out_channels: usize,
    /// Rows of the narrow side.
    pub out_height: usize,
    /// Columns of the narrow side.
    pub out_width: usize,
    /// Edge of the kernel.
    pub kernel: usize,
    /// Step between kernel positions on the wide side.
    pub stride: usize,
    /// Zeros around the wide side.
    pub padding: usize,
}

impl ConvShape {
    /// Elements of the wide side.
    pub fn wide_len(&self) -> usize {
        self.batch * self.in_channels * self.in_height * self.in_width
    }

    /// Elements of the narrow side.
    pub fn narrow_len(&self) -> usize {
        self.batch * self.out_channels * self.out_height * self.out_width
    }

    /// Elements of the weights.
    pub fn weight_len(&self) -> usize {
        self.out_channels * self.in_channels * self.kernel * self.kernel
    }

    /// Multiply-adds of each of the three kernels, padding counted.
    pub fn multiply_adds(&self) -> usize {
        self.narrow_len() * self.in_channels * self.kernel * self.kernel
    }

    /// The narrow positions `o` along an axis of `narrow` positions whose tap `k` falls inside the `wide` ones,
    /// that is `0 <= o * stride + k - padding < wide`.
    pub fn inside(&self, k: usize, narrow: usize, wide: usize) -> std::ops::Range<usize> {
        let first = self.padding.saturating_sub(k).div_ceil(self.stride);
        let end = (wide + self.padding).saturating_sub(k).div_ceil(self.stride).min(narrow);
        first.min(end)..end
    }
}

/// The narrow size of an axis of `wide` positions, or `None` where the padded axis is shorter than the kernel.
pub fn narrow_size(wide: usize, kernel: usize, stride: usize, padding: usize) -> Option<usize> {
    let room = (wide + 2 * padding).checked_sub(kernel)?;
    Some(room / stride + 1)
}
