//! What a layer with weights computes.

/// Which of three a layer computes, and what its arguments are; wide is the layer's input, narrow its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pass {
    /// wide, weight -> narrow
    Forward,
    /// narrow, weight -> wide
    Transposed,
    /// wide, narrow -> weight
    WeightGradient,
}
