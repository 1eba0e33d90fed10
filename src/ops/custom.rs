//! What the custom operations share: reading CPU storage, making results, keeping graphs short.

use std::mem::MaybeUninit;

use candle_core::{CpuStorage, DType, Layout, Result, Shape, Tensor, WithDType, bail};

use super::cpu::{batch_norm::Float, filled_vec::filled_vec};

/// A float of candle's that the kernels compute in.
pub(super) trait Element: WithDType + Float {}
impl Element for f32 {}
impl Element for f64 {}

/// The elements of a contiguous CPU tensor.
pub(super) fn elements<'a, T: WithDType>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&T::cpu_storage_as_slice(storage)?[start..end]),
        None => bail!("this operation needs contiguous elements, got strides {:?}", layout.stride()),
    }
}

/// A new CPU tensor's storage, whose elements `fill` writes.
pub(super) fn filled<T: Element>(
    shape: impl Into<Shape>,
    fill: impl FnOnce(&mut [MaybeUninit<T>]) -> &mut [T],
) -> (CpuStorage, Shape) {
    let shape = shape.into();
    (T::to_cpu_storage_owned(filled_vec(shape.elem_count(), fill)), shape)
}

/// The error for element types the kernels do not take.
pub(super) fn unsupported<R>(name: &'static str, dtype: DType) -> Result<R> {
    Err(candle_core::Error::UnsupportedDTypeForOp(dtype, name).bt())
}

/// Calls `$body` with `$T` bound to the float type of `$storage`.
macro_rules! with_float {
    ($name:expr, $storage:expr, $T:ident => $body:expr) => {
        match candle_core::backend::BackendStorage::dtype($storage) {
            candle_core::DType::F32 => {
                type $T = f32;
                $body
            }
            candle_core::DType::F64 => {
                type $T = f64;
                $body
            }
            other => $crate::ops::custom::unsupported($name, other),
        }
    };
}
pub(super) use with_float;

thread_local! {
    /// Candle's own switch, read the way candle reads it: keep the graph of gradients.
    static KEEP_GRAPH: bool =
        std::env::var("CANDLE_GRAD_DO_NOT_DETACH").is_ok_and(|value| !value.is_empty() && value != "0");
}

/// An argument as a backward pass should use it: cut from the graph, as candle cuts the gradients themselves.
/// Without this every weight gradient would keep the whole forward pass alive.
pub(super) fn constant(tensor: &Tensor) -> Tensor {
    if KEEP_GRAPH.with(|keep| *keep) { tensor.clone() } else { tensor.detach() }
}
