//! Candle's tensors as a device's memory.

use std::cell::RefCell;

use candle_core::op::BackpropOp;
use candle_core::{CpuStorage, CudaStorage, InplaceOp1, Layout, Result, Shape, Tensor, bail};

use super::OnCuda;
use super::driver::{Address, Driver, Memory, Operand};

/// The result of an operation, from the storages that candle hands to it.
pub(super) fn on_storages<D: Driver>(
    driver: &D,
    operation: &impl OnCuda,
    arguments: &[(&<D::Memory as Memory>::Storage, &Layout)],
) -> Result<(<D::Memory as Memory>::Storage, Shape)> {
    let operands = arguments.iter().map(|(storage, layout)| Operand::stored::<D::Memory>(storage, layout));
    let (memory, shape) = operation.run(driver, &operands.collect::<Result<Vec<_>>>()?)?;
    Ok((memory.into_storage()?, shape))
}

/// The result of an operation outside any graph, from contiguous tensors.
pub(super) fn on_tensors<D: Driver>(
    driver: &D,
    operation: &impl OnCuda,
    tensors: &[Tensor],
) -> Result<Tensor> {
    let storages: Vec<_> = tensors.iter().map(|tensor| tensor.storage_and_layout().0).collect();
    let operands =
        tensors.iter().zip(&storages).map(|(tensor, storage)| Operand::tensor::<D::Memory>(tensor, storage));
    let (memory, shape) = operation.run(driver, &operands.collect::<Result<Vec<_>>>()?)?;
    let storage = D::Memory::into_any(memory.into_storage()?);
    Ok(Tensor::from_storage(storage, shape, BackpropOp::none(), false))
}

/// Calls `then` with where contiguous f32 tensors lie, all of them held so that it may change them.
pub(super) fn holding(tensors: &[&Tensor], then: &mut dyn FnMut(&[Address]) -> Result<()>) -> Result<()> {
    hold(tensors, &mut Vec::new(), then)
}

fn hold(
    tensors: &[&Tensor],
    held: &mut Vec<Address>,
    then: &mut dyn FnMut(&[Address]) -> Result<()>,
) -> Result<()> {
    let Some((first, others)) = tensors.split_first() else { return then(held) };
    // candle lends one storage at a time
    first.inplace_op1(&Held(RefCell::new(|address| {
        held.push(address);
        hold(others, held, then)
    })))
}

/// What happens while a tensor's storage is lent.
struct Held<F>(RefCell<F>);

impl<F: FnMut(Address) -> Result<()>> InplaceOp1 for Held<F> {
    fn name(&self) -> &'static str {
        "change in place"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            bail!("what is changed in place is contiguous f32");
        };
        self.0.borrow_mut()(values[start..end].as_mut_ptr() as Address)
    }

    fn cuda_fwd(&self, storage: &mut CudaStorage, layout: &Layout) -> Result<()> {
        self.0.borrow_mut()(super::locate(storage, layout)?)
    }
}
