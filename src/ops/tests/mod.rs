//! Tests of the operations as tensors: against naive references, against finite differences in f64, and the
//! CPU kernels against the composition of candle's operations.
#![allow(
    clippy::cloned_ref_to_slice_refs,
    clippy::new_ret_no_self,
    clippy::type_complexity,
    reason = "tables of closures read better in place"
)]

mod against_naive;
mod cuda;
mod derivatives;
mod discriminator;
mod portable;
mod repeatable;

use candle_core::{DType, Device, Tensor};

/// Values in -1..1 from a fixed sequence, as a tensor of f64.
pub(super) fn values(shape: &[usize], seed: u64) -> Tensor {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    let values: Vec<f64> = std::iter::repeat_with(next).take(shape.iter().product()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).expect("fits")
}

/// The same values laid out so that the tensor is offset and strided.
pub(super) fn strided(tensor: &Tensor) -> Tensor {
    let last = tensor.rank() - 1;
    let padded = tensor.transpose(0, last).and_then(|t| t.contiguous()).expect("transposes");
    let padded = padded.pad_with_zeros(0, 1, 2).expect("pads");
    let length = padded.dim(0).expect("has axes") - 3;
    let result = padded.narrow(0, 1, length).and_then(|t| t.transpose(0, last)).expect("cuts");
    assert!(
        !result.is_contiguous()
            || result.elem_count() <= 1
            || result.dims().iter().filter(|&&d| d > 1).count() < 2
    );
    result
}

pub(super) fn numbers(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.to_dtype(DType::F64).expect("converts");
    tensor.flatten_all().and_then(|t| t.to_vec1()).expect("is on the CPU")
}

/// The largest difference, relative to the largest entry of `expected` (at least 1).
pub(super) fn difference(got: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(got.dims(), expected.dims());
    let (got, expected) = (numbers(got), numbers(expected));
    let scale = expected.iter().fold(1.0_f64, |a, b| a.max(b.abs()));
    got.iter()
        .zip(&expected)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |a, b| if b.is_nan() { b } else { f64::max(a, b) })
        / scale
}

#[track_caller]
pub(super) fn assert_close(got: &Tensor, expected: &Tensor, tolerance: f64, what: &str) {
    let difference = difference(got, expected);
    assert!(difference <= tolerance, "{what}: differs by {difference:e}");
}
