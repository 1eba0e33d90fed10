//! Sizes that kernels compute with.
//!
//! What is read and written without looking is compared with the slices' lengths once, so the numbers that are
//! compared must not have wrapped around.

/// A product of sizes.
///
/// # Panics
/// When it is more than memory has addresses.
#[inline]
pub(crate) fn product<const N: usize>(factors: [usize; N]) -> usize {
    let product = factors.into_iter().try_fold(1, usize::checked_mul);
    assert!(product.is_some(), "{factors:?} are too large to be multiplied");
    product.unwrap_or_default()
}

/// Whether `count` values of `length`, each beginning `stride` after the one before, lie in `available`.
#[inline]
pub(crate) fn fits(count: usize, stride: usize, length: usize, available: usize) -> bool {
    let Some(before) = count.checked_sub(1) else { return true };
    let end = before.checked_mul(stride).and_then(|start| start.checked_add(length));
    end.is_some_and(|end| end <= available)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_wrap_around_are_refused() {
        assert_eq!(product([3, 4, 5]), 60);
        assert_eq!(product([0, 7]), 0);
        assert!(std::panic::catch_unwind(|| product([usize::MAX / 2, 2, 2])).is_err());
        // 2^32 times 2^32 is 0 where numbers wrap around.
        assert!(std::panic::catch_unwind(|| product([1 << (usize::BITS / 2); 2])).is_err());
    }

    #[test]
    fn runs_fit_up_to_their_last_value() {
        assert!(fits(3, 10, 5, 25));
        assert!(!fits(3, 10, 5, 24));
        assert!(fits(0, 10, 5, 0));
        assert!(!fits(3, usize::MAX / 2 + 1, 1, 100), "the third begins at 0 where numbers wrap around");
        assert!(!fits(2, usize::MAX, 1, 100));
    }
}
