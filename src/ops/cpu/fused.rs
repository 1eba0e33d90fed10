//! What is done to a result on its way out of a kernel.

use super::elementwise::{self, Real, gate, leaky};

/// What is done on the way into and out of a kernel:
/// `shortcut + scale * mask * activation(conv(activation(x)) + bias)`.
#[derive(Clone, Copy, Debug)]
pub struct Fused<'a, T = f32> {
    /// The slope of a leaky ReLU on the input.
    pub before: Option<T>,
    /// Added to every value of a channel.
    pub bias: Option<&'a [T]>,
    /// The slope of a leaky ReLU on the result.
    pub after: Option<T>,
    /// The derivative of a leaky ReLU, multiplied with the result: where it was evaluated, and its slope.
    pub mask: Option<(&'a [T], T)>,
    /// What the result is added to, and the result's weight in the sum.
    pub shortcut: Option<(&'a [T], T)>,
}

impl<T> Default for Fused<'_, T> {
    fn default() -> Self {
        Self { before: None, bias: None, after: None, mask: None, shortcut: None }
    }
}

impl<T: Real> Fused<'_, T> {
    /// Compares the arrays' lengths with those of a result of `channels` and of `length` values.
    pub(super) fn check(&self, channels: usize, length: usize) {
        assert!(self.bias.is_none_or(|bias| bias.len() == channels), "the bias has another size");
        for (array, _) in [self.mask, self.shortcut].into_iter().flatten() {
            assert_eq!(array.len(), length, "what is fused has another size");
        }
    }

    /// Bias and activation of one value.
    pub fn finish(&self, channel: usize, value: T) -> T {
        let value = self.bias.map_or(value, |bias| value + bias[channel]);
        self.after.map_or(value, |slope| leaky(value, slope))
    }

    /// What comes after bias and activation, of one value at `place` of the result.
    #[inline(always)]
    pub fn combine(&self, place: usize, value: T) -> T {
        let value = self.mask.map_or(value, |(at, slope)| gate(at[place], slope) * value);
        self.shortcut.map_or(value, |(shortcut, scale)| shortcut[place] + scale * value)
    }

    /// [`Fused::combine`] of a whole result, which it returns.
    pub(super) fn combine_all<'r>(&self, out: &'r mut [T]) -> &'r mut [T] {
        if let Some((at, slope)) = self.mask {
            elementwise::update(at, out, move |at, value| gate(at, slope) * value);
        }
        if let Some((shortcut, scale)) = self.shortcut {
            elementwise::update(shortcut, out, move |shortcut, value| shortcut + scale * value);
        }
        out
    }
}
