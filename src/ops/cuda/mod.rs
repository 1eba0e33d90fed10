//! The operations on CUDA: our own kernels (`kernels.cu`) for all that is not a product, cuBLAS and cuDNN for the rest.
//!
//! Everything is written against a [`Driver`]: a queue of kernels, products and convolutions, and memory. One driver is a
//! card (`card`, in builds with the feature `cuda`); the other is the host (`host`, in tests), which runs the kernels' own
//! text as C++ and answers for cuBLAS and cuDNN with the kernels of [`cpu`](super::cpu), so that all that is decided here
//! is tested where there is no GPU.

#[cfg_attr(not(feature = "cuda"), path = "absent.rs")]
mod card;
mod choices;
mod convolution;
mod copies;
#[cfg(feature = "cuda")]
mod dnn;
mod driver;
#[cfg(feature = "cuda")]
mod graph;
#[cfg(test)]
pub(crate) mod host;
mod kernels;
mod linear;
mod memory;
pub(crate) mod optim;
#[cfg(feature = "cuda")]
mod staging;
mod unserved;

use candle_core::{Device, Result, Tensor, bail};

use super::cpu::shape::ConvShape;
use super::pass::Pass;
use card::locate;
pub use card::{Lane, dnn_version, open};
pub(super) use card::{Lent, algorithms, download, lend, on_storages, take_algorithms, upload};
pub(super) use convolution::Convolution;
#[cfg(test)]
pub(super) use driver::Form;
pub(super) use driver::{Address, Driver, Operand, Queue, Recorded, Work};
pub(super) use kernels::{
    Made, Resample, add_per_picture, block_fill, block_sum, channel_sum, cross_entropy,
    cross_entropy_backward, leaky_relu, leaky_relu_backward, resample, rgba, scaled, sum_of_squares, tanh,
    tanh_backward, weighted_sum,
};
pub(super) use linear::Linear;

/// What a driver can compute.
pub(super) trait OnCuda {
    /// The result, of contiguous f32 operands.
    fn run<D: Driver>(&self, driver: &D, operands: &[Operand<'_>]) -> Made<D>;
}

/// `$body` with `$driver` bound to the driver of `$device`, or else `$otherwise`.
macro_rules! with_driver {
    ($device:expr, $driver:ident => $body:expr, else $otherwise:expr) => {
        match $device {
            #[cfg(feature = "cuda")]
            Device::Cuda(device) if let Some($driver) = card::of(device) => $body,
            #[cfg(test)]
            Device::Cpu if let Some($driver) = host::active() => $body,
            _ => $otherwise,
        }
    };
}

/// Whether a driver computes with `x`.
pub(super) fn serves(x: &Tensor) -> bool {
    x.dtype() == candle_core::DType::F32 && with_driver!(x.device(), _driver => true, else false)
}

/// Whether a driver convolves `x` in this way, too, as far as it knows.
pub(super) fn convolves(x: &Tensor, pass: Pass, shape: &ConvShape) -> bool {
    with_driver!(
        x.device(),
        driver => driver.convolves() && !driver.unserved().contains(pass, shape),
        else false
    )
}

/// Whether a driver computes on `device`.
pub(super) fn drives(device: &Device) -> bool {
    with_driver!(device, _driver => true, else false)
}

/// Queues a copy of `values` into a contiguous f32 tensor of as many; false where no driver has it.
pub(super) fn write(x: &Tensor, values: &[f32]) -> Result<bool> {
    if x.elem_count() != values.len() {
        bail!("{} values do not fit into {:?}", values.len(), x.dims());
    }
    with_driver!(
        x.device(),
        driver => {
            // candle lends no storage of no elements
            if !values.is_empty() {
                let mut put = |at: &[Address]| at.iter().try_for_each(|&at| driver.write(values, at));
                memory::holding(&[x], &mut put)?;
            }
            Ok(true)
        },
        else Ok(false)
    )
}

/// As [`Driver::rehearse`]; elsewhere the work alone.
pub(super) fn rehearse(device: &Device, work: &mut Work<'_>) -> Result<()> {
    with_driver!(device, driver => driver.rehearse(work), else work())
}

/// As [`Driver::record`].
pub(super) fn record(device: &Device, work: &mut Work<'_>) -> Result<Box<dyn Recorded>> {
    with_driver!(device, driver => driver.record(work), else bail!("no CUDA driver serves this device"))
}

/// The result of an operation outside any graph, of as many tensors as it takes.
pub(super) fn run(operation: &impl OnCuda, tensors: &[&Tensor]) -> Result<Tensor> {
    let Some(first) = tensors.first() else { bail!("an operation of no tensors") };
    let contiguous = tensors.iter().map(|tensor| tensor.contiguous()).collect::<Result<Vec<_>>>()?;
    with_driver!(
        first.device(),
        driver => memory::on_tensors(&*driver, operation, &contiguous),
        else bail!("no CUDA driver serves these tensors")
    )
}

/// Queues what changes contiguous f32 tensors of one device in place: `launch` gets their addresses, in their order.
pub(super) fn change(
    tensors: &[&Tensor],
    launch: impl Fn(&dyn Queue, &[Address]) -> Result<()>,
) -> Result<()> {
    let Some(first) = tensors.first() else { return Ok(()) };
    with_driver!(
        first.device(),
        driver => memory::holding(tensors, &mut |addresses| launch(&*driver, addresses)),
        else bail!("no CUDA driver serves these tensors")
    )
}
