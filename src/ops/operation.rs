//! What every operation of ours is to candle: kernels for the CPU and for CUDA, and a backward pass.

use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp2, CustomOp3, Error, Layout, Result, Shape, Tensor,
    WithDType, bail,
};

use super::cuda::{self, OnCuda};
use super::custom::elements;

/// An argument on the CPU, contiguous.
pub(super) type Argument<'a> = (&'a CpuStorage, &'a Layout);

/// An argument's elements.
pub(super) fn slice<'a, T: WithDType>((storage, layout): Argument<'a>) -> Result<&'a [T]> {
    elements(storage, layout)
}

/// An operation of one to three tensors.
pub(super) trait Operation: OnCuda + Send + Sync + 'static {
    /// What messages call it.
    const NAME: &'static str;

    /// The result on the CPU.
    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)>;

    /// The gradients in the arguments, where they are wanted, from the result and its gradient.
    fn backward(
        &self,
        _arguments: &[&Tensor],
        _result: &Tensor,
        _gradient: &Tensor,
    ) -> Result<Vec<Option<Tensor>>> {
        Err(Error::BackwardNotSupported { op: Self::NAME })
    }
}

/// The operation as a node of the arguments' graph.
pub(super) fn apply(operation: impl Operation, arguments: &[&Tensor]) -> Result<Tensor> {
    let contiguous = arguments.iter().map(|argument| argument.contiguous()).collect::<Result<Vec<_>>>()?;
    let node = Node(operation);
    match contiguous.as_slice() {
        [a] => a.apply_op1(node),
        [a, b] => a.apply_op2(b, node),
        [a, b, c] => a.apply_op3(b, c, node),
        other => bail!("an operation of {} tensors", other.len()),
    }
}

/// The operation's result, outside any graph.
pub(super) fn run(operation: impl Operation, arguments: &[&Tensor]) -> Result<Tensor> {
    let contiguous = arguments.iter().map(|argument| argument.contiguous()).collect::<Result<Vec<_>>>()?;
    let node = Node(operation);
    match contiguous.as_slice() {
        [a] => a.apply_op1_no_bwd(&node),
        [a, b] => a.apply_op2_no_bwd(b, &node),
        [a, b, c] => a.apply_op3_no_bwd(b, c, &node),
        other => bail!("an operation of {} tensors", other.len()),
    }
}

/// An operation in candle's traits.
struct Node<O>(O);

impl<O: Operation> Node<O> {
    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        #[cfg(test)]
        if let Some(result) = cuda::host::on_storages(&self.0, arguments) {
            return result;
        }
        self.0.cpu(arguments)
    }
}

impl<O: Operation> CustomOp1 for Node<O> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        self.cpu(&[(s, l)])
    }

    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        cuda::on_storages(&self.0, &[(s, l)])
    }

    fn bwd(&self, a: &Tensor, result: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(self.0.backward(&[a], result, gradient)?.into_iter().next().flatten())
    }
}

impl<O: Operation> CustomOp2 for Node<O> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.cpu(&[(s1, l1), (s2, l2)])
    }

    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        cuda::on_storages(&self.0, &[(s1, l1), (s2, l2)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let mut gradients = self.0.backward(&[a, b], result, gradient)?.into_iter();
        Ok((gradients.next().flatten(), gradients.next().flatten()))
    }
}

impl<O: Operation> CustomOp3 for Node<O> {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.cpu(&[(s1, l1), (s2, l2), (s3, l3)])
    }

    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
        s3: &CudaStorage,
        l3: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        cuda::on_storages(&self.0, &[(s1, l1), (s2, l2), (s3, l3)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let mut gradients = self.0.backward(&[a, b, c], result, gradient)?.into_iter();
        Ok((gradients.next().flatten(), gradients.next().flatten(), gradients.next().flatten()))
    }
}
