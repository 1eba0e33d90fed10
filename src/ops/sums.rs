//! Sums over whole tensors that leave the graph.

use candle_core::{CpuStorage, DType, Result, Storage, Tensor};

use super::backend::Backend;
use super::cpu::elementwise;

/// The sum of the squares of all elements, in f64; NaN or infinite when one is.
///
/// # Errors
/// When the device fails.
pub fn sum_of_squares(x: &Tensor) -> Result<f64> {
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
