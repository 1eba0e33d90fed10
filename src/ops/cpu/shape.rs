//! The sizes of a convolution.

use super::linear::LinearShape;
use super::sizes::product;

/// The sizes of one convolution, kernel square, `stride` and zero `padding` the same on both axes.
///
/// The *wide* side is the convolution's input `(batch, in_channels, in_height, in_width)`, the *narrow* side its
/// output `(batch, out_channels, out_height, out_width)`; the transposed convolution goes from narrow to wide.
/// Weights are `(out_channels, in_channels, kernel, kernel)` for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    ///
    /// # Panics
    /// When there are more than memory has addresses; so do the next two.
    pub fn wide_len(&self) -> usize {
        product([self.batch, self.in_channels, self.in_height, self.in_width])
    }

    /// Elements of the narrow side.
    pub fn narrow_len(&self) -> usize {
        product([self.batch, self.out_channels, self.out_height, self.out_width])
    }

    /// Elements of the weights.
    pub fn weight_len(&self) -> usize {
        product([self.out_channels, self.in_channels, self.kernel, self.kernel])
    }

    /// Compares the sizes with each other and with the three arrays' lengths. What kernels read and write without
    /// looking rests on this: a product of sizes that is the length of a slice has not wrapped around.
    pub(super) fn check(&self, wide: usize, weight: usize, narrow: usize) {
        assert!(self.stride > 0 && self.kernel > 0, "{self:?} has no kernel");
        let size = |wide| narrow_size(wide, self.kernel, self.stride, self.padding);
        let sizes = (size(self.in_height), size(self.in_width));
        assert!(sizes == (Some(self.out_height), Some(self.out_width)), "{self:?} contradicts itself");
        let lengths = (self.wide_len(), self.weight_len(), self.narrow_len());
        assert!(
            lengths == (wide, weight, narrow),
            "{wide}, {weight} and {narrow} values do not fit {self:?}"
        );
    }

    /// Multiply-adds of each of the three kernels, padding counted.
    pub fn multiply_adds(&self) -> usize {
        self.narrow_len() * self.in_channels * self.kernel * self.kernel
    }

    /// The same products as a fully connected layer, where the kernel covers the whole unpadded input.
    pub(in crate::ops) fn as_linear(&self) -> Option<LinearShape> {
        let whole = self.kernel == self.in_height && self.kernel == self.in_width && self.padding == 0;
        let inputs = self.in_channels * self.kernel * self.kernel;
        whole.then_some(LinearShape { batch: self.batch, inputs, outputs: self.out_channels })
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
    let padded = padding.checked_mul(2)?.checked_add(wide)?;
    Some(padded.checked_sub(kernel)? / stride + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_that_wraps_around_has_no_size() {
        assert_eq!(narrow_size(4, 3, 1, 1), Some(4));
        assert_eq!(narrow_size(1, 4, 2, 1), None);
        assert_eq!(narrow_size(4, 3, 1, usize::MAX / 2 + 1), None);
    }
}
