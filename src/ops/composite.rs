//! Many layers as one operation of candle's graph.
//!
//! Between two operations candle allocates a gradient of zeros and adds to it, three passes over memory for every
//! map of a network, which cost a third of a small GAN's step. A composite computes its maps outside the graph and
//! brings its own backward pass, so that candle sees its input, its output and one parameter.

use std::sync::Mutex;

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp2, CustomOp3, Layout, MetalStorage, Result, Shape, Storage,
    Tensor, bail,
};

use super::custom::constant;

/// The backward pass of a composite: from the gradient of its result, and whether that of its input is wanted, to the
/// latter. The parameters' gradients go to [`deliver_gradient`](super::deliver_gradient).
pub type CompositeBackward = Box<dyn Fn(&Tensor, bool) -> Result<Option<Tensor>> + Send + Sync>;

/// What `run` makes of `x`, as one operation that depends on `x` and on `parameters`.
///
/// `run` gets `x` cut from its graph, must use parameters cut from theirs, and returns the result with its backward
/// pass, which holds whatever maps it needs. It is differentiable once, by [`backward`](super::backward) alone.
///
/// # Errors
/// Those of `run`.
pub fn composite<'a>(
    x: &Tensor,
    parameters: impl IntoIterator<Item = &'a Tensor>,
    run: impl FnOnce(&Tensor) -> Result<(Tensor, CompositeBackward)>,
) -> Result<Tensor> {
    let (result, backward) = run(&constant(x))?;
    let anchor = parameters.into_iter().find(|parameter| parameter.track_op());
    if anchor.is_none() && !x.track_op() {
        return Ok(result);
    }
    match anchor {
        Some(anchor) => {
            let is_wanted = x.track_op();
            pair(x, anchor, result, Box::new(move |gradient| Ok([backward(gradient, is_wanted)?, None])))
        }
        None => x.apply_op1(Composite { result: Made(Mutex::new(Some(result))), backward }),
    }
}

/// The backward pass of a [`pair`]: from the gradient of its result to those of both arguments.
pub(super) type PairBackward = Box<dyn Fn(&Tensor) -> Result<[Option<Tensor>; 2]> + Send + Sync>;

/// `result`, which was made of `a` and `b` outside their graph, as one operation of both that brings its backward pass.
pub(super) fn pair(a: &Tensor, b: &Tensor, result: Tensor, backward: PairBackward) -> Result<Tensor> {
    if !a.track_op() && !b.track_op() {
        return Ok(result);
    }
    a.apply_op2(b, Pair { result: Made(Mutex::new(Some(result))), backward })
}

/// The backward pass of a [`triple`]: from its result and the gradient of that to those of its arguments.
pub(super) type TripleBackward = Box<dyn Fn(&Tensor, &Tensor) -> Result<[Option<Tensor>; 3]> + Send + Sync>;

/// The same as [`pair`] of three arguments.
pub(super) fn triple([a, b, c]: [&Tensor; 3], result: Tensor, backward: TripleBackward) -> Result<Tensor> {
    if [a, b, c].iter().all(|argument| !argument.track_op()) {
        return Ok(result);
    }
    a.apply_op3(b, c, Triple { result: Made(Mutex::new(Some(result))), backward })
}

struct Triple {
    result: Made,
    backward: TripleBackward,
}

struct Pair {
    result: Made,
    backward: PairBackward,
}

struct Composite {
    result: Made,
    backward: CompositeBackward,
}

/// A result that was made before it is asked for, and taken by the forward pass.
struct Made(Mutex<Option<Tensor>>);

impl Made {
    /// The result's storage on the device that `read` expects.
    fn storage<S: BackendStorage>(&self, read: impl Fn(&Storage) -> Option<&S>) -> Result<(S, Shape)> {
        let result = self.0.lock().ok().and_then(|mut result| result.take());
        let Some(result) = result else { bail!("a composite runs once") };
        let result = result.contiguous()?;
        let (storage, layout) = result.storage_and_layout();
        match read(&storage) {
            Some(storage) => Ok((storage.try_clone(layout)?, layout.shape().clone())),
            None => bail!("a composite's result lies on another device than its input"),
        }
    }

    fn cpu(&self) -> Result<(CpuStorage, Shape)> {
        self.storage(|storage| if let Storage::Cpu(storage) = storage { Some(storage) } else { None })
    }

    fn cuda(&self) -> Result<(CudaStorage, Shape)> {
        self.storage(|storage| if let Storage::Cuda(storage) = storage { Some(storage) } else { None })
    }

    fn metal(&self) -> Result<(MetalStorage, Shape)> {
        self.storage(|storage| if let Storage::Metal(storage) = storage { Some(storage) } else { None })
    }
}

impl CustomOp1 for Composite {
    fn name(&self) -> &'static str {
        "composite"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.result.cpu()
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        self.result.cuda()
    }

    fn metal_fwd(&self, _: &MetalStorage, _: &Layout) -> Result<(MetalStorage, Shape)> {
        self.result.metal()
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        (self.backward)(gradient, true)
    }
}

impl CustomOp2 for Pair {
    fn name(&self) -> &'static str {
        "composition"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.result.cpu()
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        self.result.cuda()
    }

    fn metal_fwd(
        &self,
        _: &MetalStorage,
        _: &Layout,
        _: &MetalStorage,
        _: &Layout,
    ) -> Result<(MetalStorage, Shape)> {
        self.result.metal()
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        (self.backward)(gradient).map(|[a, b]| (a, b))
    }
}

impl CustomOp3 for Triple {
    fn name(&self) -> &'static str {
        "composition"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.result.cpu()
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        (self.backward)(result, gradient).map(|[a, b, c]| (a, b, c))
    }
}
