//! Sums over whole tensors that leave the graph.

use candle_core::{CpuStorage, DType, Result, Storage, Tensor};

use super::backend::Backend;
use super::cpu::elementwise;
use super::cuda::{self, Driver, Made, OnCuda, Operand};

/// The sum of the squares of all elements of all `tensors`, in f64; NaN or infinite when one is.
///
/// # Errors
/// When the device fails.
pub fn sum_of_squares<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<f64> {
    let tensors: Vec<&Tensor> = tensors.into_iter().collect();
    if !tensors.is_empty() && tensors.iter().all(|x| Backend::of(x) == Backend::Cuda) {
        let words = in_two_words(&tensors)?.to_vec1::<f32>()?;
        return Ok(words.into_iter().map(f64::from).sum());
    }
    tensors.into_iter().map(of_one).sum()
}

/// The same of tensors on CUDA, without waiting for it: two words whose sum it is, the second without meaning where the first
/// is not finite.
pub(super) fn in_two_words(tensors: &[&Tensor]) -> Result<Tensor> {
    cuda::run(&SumOfSquares, tensors)
}

fn of_one(x: &Tensor) -> Result<f64> {
    if Backend::of(x) == Backend::Cpu && x.is_contiguous() {
        let (storage, layout) = x.storage_and_layout();
        if let (Storage::Cpu(CpuStorage::F32(values)), Some((from, to))) =
            (&*storage, layout.contiguous_offsets())
        {
            return Ok(elementwise::sum_of_squares(&values[from..to]));
        }
    }
    x.to_dtype(DType::F64)?.sqr()?.sum_all()?.to_scalar()
}

/// Of any number of tensors, so that one number is read from the device.
struct SumOfSquares;

impl OnCuda for SumOfSquares {
    fn run<D: Driver>(&self, driver: &D, operands: &[Operand<'_>]) -> Made<D> {
        cuda::sum_of_squares(driver, operands)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::values;
    use super::*;
    use crate::ops::Precision;
    use crate::ops::cuda::host::On;

    #[test]
    fn squares_of_many_tensors_are_summed_with_care() -> Result<()> {
        // more than a block's share, an odd number, one, none; numbers that f32 cannot add
        let sizes = [100_000, 257, 1, 0];
        let numbers = |seed| values(&[sizes[seed]], seed as u64 + 1).affine(300.0, 0.0)?.to_dtype(DType::F32);
        let tensors = (0..4).map(numbers).collect::<Result<Vec<_>>>()?;
        let exact = |x: &Tensor| x.to_dtype(DType::F64)?.sqr()?.sum_all()?.to_scalar::<f64>();
        let expected = tensors.iter().map(exact).sum::<Result<f64>>()?;
        assert!((sum_of_squares(&tensors)? / expected - 1.0).abs() < 1e-12);
        assert_eq!(sum_of_squares([])?, 0.0);
        let Some(_on) = On::new(Precision::F32) else { return Ok(()) };
        assert!((sum_of_squares(&tensors)? / expected - 1.0).abs() < 1e-12);
        for bad in [f32::NAN, f32::INFINITY] {
            let bad = Tensor::new(&[1.0, bad], tensors[0].device())?;
            assert!(!sum_of_squares([&tensors[0], &bad])?.is_finite());
        }
        Ok(())
    }
}
