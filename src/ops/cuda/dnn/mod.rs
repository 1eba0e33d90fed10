//! The few functions of cuDNN 9 that convolutions need, found when a card is opened.
//!
//! For every pass, form and shape the algorithm is chosen once: for batches by trying all, for single pictures by
//! cuDNN's own rules, which are the better guide to a kernel of microseconds. Algorithms whose sums come in any order are
//! taken where nothing else serves. Descriptors live as long as the program, as cards do.

mod library;

use std::collections::HashMap;
use std::ffi::c_int;
use std::ptr::null_mut;
use std::sync::Arc;

use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaStream, DevicePtr, result};
use candle_core::{Result, bail};

use super::choices::Choices;
use super::driver::{Address, Convolution, Element, Form, to_int};
use crate::ops::Precision;
use crate::ops::cpu::shape::ConvShape;
use crate::ops::pass::Pass;
use library::{Api, Create, DETERMINISTIC, Handle, SetFour, Told, check};

/// Memory that an algorithm may use, bytes; less leaves out those that are fastest for large pictures.
const WORKSPACE: usize = 2 << 30;

/// Algorithms that cuDNN may tell about.
const TOLD: usize = 10;

/// How one convolution is computed.
struct ConvolutionPlan {
    /// Descriptors in the order of cuDNN's arguments.
    a: Handle,
    b: Handle,
    out: Handle,
    convolution: Handle,
    algorithm: c_int,
    workspace: usize,
}

/// cuDNN on one stream.
pub(super) struct Dnn {
    api: Api,
    handle: Handle,
    /// `None` where nothing serves.
    plans: HashMap<(Pass, Form, ConvShape), Option<ConvolutionPlan>>,
    choices: Choices,
    stream: Arc<CudaStream>,
    workspace: Option<CudaSlice<u8>>,
}

// SAFETY: cuDNN's handles may be used by any thread, one at a time; the card keeps them behind a mutex.
unsafe impl Send for Dnn {}

impl Dnn {
    /// Looks for the library.
    pub(super) fn open(stream: Arc<CudaStream>) -> Result<Self> {
        let api = Api::open()?;
        let mut handle = null_mut();
        // SAFETY: as documented.
        unsafe {
            check("cudnnCreate", (api.create)(&raw mut handle))?;
            check("cudnnSetStream", (api.set_stream)(handle, stream.cu_stream().cast()))?;
        }
        let choices = Choices::new(stream.context().name().w()?, api.version());
        Ok(Self { api, handle, plans: HashMap::new(), choices, stream, workspace: None })
    }

    /// What has been chosen.
    pub(super) fn choices(&self) -> &Choices {
        &self.choices
    }

    /// Takes over what a run has chosen, as [`Choices::take`].
    pub(super) fn take_choices(&mut self, json: &str) -> Result<()> {
        self.choices.take(json)?;
        self.plans.clear();
        Ok(())
    }

    /// Its version, for instance `9.13.0`.
    pub(super) fn version(&self) -> String {
        self.api.version()
    }

    /// Queues the convolution; false where nothing serves. While it is recorded nothing can be chosen, and no memory asked for
    /// that is kept.
    pub(super) fn run(&mut self, call: &Convolution, recording: bool) -> Result<bool> {
        let key = (call.pass, call.form, call.shape);
        if !self.plans.contains_key(&key) {
            if recording {
                bail!("the choice of a convolution's algorithm cannot be recorded");
            }
            let plan = self.plan(call, WORKSPACE)?;
            self.plans.insert(key, plan);
        }
        if let Some(Some(plan)) = self.plans.get(&key)
            && !recording
            && space(&mut self.workspace, &self.stream, plan.workspace).is_err()
        {
            // Memory is short: what nobody uses is given back, or else the plan has to do without.
            give_back(&self.stream)?;
            if space(&mut self.workspace, &self.stream, plan.workspace).is_err() {
                let plan = self.plan(call, 0)?;
                self.plans.insert(key, plan);
            }
        }
        let Some(Some(plan)) = self.plans.get(&key) else { return Ok(false) };
        let has = self.workspace.as_ref().map_or(0, |workspace| workspace.len());
        if recording && has < plan.workspace {
            bail!("a new workspace for cuDNN cannot be recorded");
        }
        let space = space(&mut self.workspace, &self.stream, plan.workspace)?;
        let (one, zero) = (1_f32, 0_f32);
        let [a, b] = operands(call);
        // SAFETY: descriptors and memory are those of the plan's shape.
        check("cudnnConvolution", unsafe {
            (self.api.of(call.pass).convolve)(
                self.handle,
                &raw const one,
                plan.a,
                a,
                plan.b,
                b,
                plan.convolution,
                plan.algorithm,
                space,
                plan.workspace,
                &raw const zero,
                plan.out,
                call.out,
            )
        })?;
        Ok(true)
    }

    /// The best algorithm within `most` bytes of workspace, with its descriptors; `None` where there is none.
    fn plan(&mut self, call: &Convolution, most: usize) -> Result<Option<ConvolutionPlan>> {
        let s = &call.shape;
        let wide = self.tensor(call.form, [s.batch, s.in_channels, s.in_height, s.in_width])?;
        let narrow = self.tensor(call.form, [s.batch, s.out_channels, s.out_height, s.out_width])?;
        let weight = self.filter(call.form, [s.out_channels, s.in_channels, s.kernel, s.kernel])?;
        let convolution = self.convolution(call.form, s)?;
        let (a, b, out) = match call.pass {
            Pass::Forward => (wide, weight, narrow),
            Pass::Transposed => (weight, narrow, wide),
            Pass::WeightGradient => (wide, narrow, weight),
        };
        let mut plan = ConvolutionPlan { a, b, out, convolution, algorithm: 0, workspace: 0 };
        let choice = match self.choices.get(call).filter(|_| most == WORKSPACE) {
            Some(choice) => choice,
            None => match self.choose(call, &plan, most)? {
                Some(choice) => choice,
                None => return Ok(None),
            },
        };
        let [algorithm, math] = choice;
        plan.algorithm = algorithm;
        // SAFETY: as documented.
        unsafe {
            check("cudnnSetConvolutionMathType", (self.api.set_math)(convolution, math))?;
            let size = self.api.of(call.pass).size;
            let status = size(self.handle, a, b, convolution, out, algorithm, &raw mut plan.workspace);
            check("cudnnGetConvolutionWorkspaceSize", status)?;
        }
        self.choices.insert(call, choice);
        Ok(Some(plan))
    }

    /// The best algorithm and its kind of multiplication, `None` where nothing serves.
    fn choose(
        &mut self,
        call: &Convolution,
        plan: &ConvolutionPlan,
        most: usize,
    ) -> Result<Option<[c_int; 2]>> {
        let tries = call.shape.batch > 1 && most == WORKSPACE;
        let mut all = if tries { self.tried(call, plan)? } else { Vec::new() };
        if all.is_empty() {
            all = self.guessed(call, plan)?;
        }
        all.retain(|told| told.workspace <= most);
        let best = all.iter().find(|told| told.determinism == DETERMINISTIC).or(all.first());
        Ok(best.map(|told| [told.algorithm, told.math]))
    }

    /// What can be run, fastest first, by trying; the result's memory is overwritten.
    fn tried(&mut self, call: &Convolution, plan: &ConvolutionPlan) -> Result<Vec<Told>> {
        let (mut told, mut count) = ([Told::default(); TOLD], 0);
        self.workspace = None;
        let mut workspace = WORKSPACE;
        let memory = loop {
            // SAFETY: cuDNN needs no values in it.
            match unsafe { self.stream.alloc::<u8>(workspace) } {
                Ok(memory) => break memory,
                Err(_) if workspace > 1 << 20 => workspace /= 2,
                Err(error) => return Err(error).w(),
            }
        };
        let [a, b] = operands(call);
        // SAFETY: as documented; the memory is that of the plan's shape.
        let status = unsafe {
            (self.api.of(call.pass).try_all)(
                self.handle,
                plan.a,
                a,
                plan.b,
                b,
                plan.convolution,
                plan.out,
                call.out,
                TOLD as c_int,
                &raw mut count,
                told.as_mut_ptr(),
                memory.device_ptr(&self.stream).0,
                workspace,
            )
        };
        drop(memory);
        give_back(&self.stream)?;
        Ok(possible(status, &told, count))
    }

    /// What can be run, in the order in which cuDNN recommends it.
    fn guessed(&self, call: &Convolution, plan: &ConvolutionPlan) -> Result<Vec<Told>> {
        let (mut told, mut count) = ([Told::default(); TOLD], 0);
        // SAFETY: as documented.
        let status = unsafe {
            (self.api.of(call.pass).guess)(
                self.handle,
                plan.a,
                plan.b,
                plan.convolution,
                plan.out,
                TOLD as c_int,
                &raw mut count,
                told.as_mut_ptr(),
            )
        };
        Ok(possible(status, &told, count))
    }

    fn tensor(&self, form: Form, sizes: [usize; 4]) -> Result<Handle> {
        let (layout, element) = codes(form);
        four(self.api.create_tensor, self.api.set_tensor, [layout, element], sizes)
    }

    fn filter(&self, form: Form, sizes: [usize; 4]) -> Result<Handle> {
        let (layout, element) = codes(form);
        four(self.api.create_filter, self.api.set_filter, [element, layout], sizes)
    }

    fn convolution(&self, form: Form, s: &ConvShape) -> Result<Handle> {
        let (padding, stride) = (to_int(s.padding)?, to_int(s.stride)?);
        // CUDNN_FMA_MATH: even the default rounds f32 to TF32; CUDNN_TENSOR_OP_MATH; CUDNN_DEFAULT_MATH
        let math = match form.precision() {
            Precision::F32 => 3,
            Precision::Bf16 => 1,
            Precision::Tf32 => 0,
        };
        let mut descriptor = null_mut();
        // SAFETY: as documented; CUDNN_CROSS_CORRELATION is 1, CUDNN_DATA_FLOAT 0.
        unsafe {
            check("a descriptor", (self.api.create_convolution)(&raw mut descriptor))?;
            let set = self.api.set_convolution;
            check("a descriptor", set(descriptor, padding, padding, stride, stride, 1, 1, 1, 0))?;
            check("cudnnSetConvolutionMathType", (self.api.set_math)(descriptor, math))?;
        }
        Ok(descriptor)
    }
}

/// A descriptor of two codes and four sizes.
fn four(create: Create, set: SetFour, codes: [c_int; 2], sizes: [usize; 4]) -> Result<Handle> {
    let [n, c, h, w] = sizes;
    let (n, c, h, w) = (to_int(n)?, to_int(c)?, to_int(h)?, to_int(w)?);
    let mut descriptor = null_mut();
    // SAFETY: as documented.
    unsafe {
        check("a descriptor", create(&raw mut descriptor))?;
        check("a descriptor", set(descriptor, codes[0], codes[1], n, c, h, w))?;
    }
    Ok(descriptor)
}

/// The operands in the order of cuDNN's arguments: `cudnnConvolutionBackwardData` takes the weight first.
fn operands(call: &Convolution) -> [Address; 2] {
    if call.pass == Pass::Transposed { [call.b, call.a] } else { [call.a, call.b] }
}

/// `cudnnTensorFormat_t` and `cudnnDataType_t`.
fn codes(form: Form) -> (c_int, c_int) {
    let layout = c_int::from(matches!(form, Form::ChannelsLast(_)));
    (layout, if form.element() == Element::Bf16 { 9 } else { 0 })
}

/// Those that succeeded within the workspace.
fn possible(status: c_int, told: &[Told], count: c_int) -> Vec<Told> {
    let count = if status == 0 { usize::try_from(count).unwrap_or(0) } else { 0 };
    told.iter().take(count).filter(|told| told.status == 0 && told.workspace <= WORKSPACE).copied().collect()
}

/// Gives what the pool holds and nobody uses back to the system: no plan takes as much as a trial.
pub(super) fn give_back(stream: &Arc<CudaStream>) -> Result<()> {
    stream.synchronize().w()?;
    // SAFETY: the device is open.
    unsafe {
        let pool = result::device::get_default_mem_pool(stream.context().cu_device()).w()?;
        result::mem_pool::trim_to(pool, 0).w()
    }
}

/// A workspace of at least `bytes`.
fn space(workspace: &mut Option<CudaSlice<u8>>, stream: &Arc<CudaStream>, bytes: usize) -> Result<Address> {
    if bytes == 0 {
        return Ok(0);
    }
    if workspace.as_ref().is_none_or(|workspace| workspace.len() < bytes) {
        *workspace = None;
        // SAFETY: cuDNN needs no values in it.
        *workspace = Some(unsafe { stream.alloc::<u8>(bytes) }.w()?);
    }
    Ok(workspace.as_ref().map_or(0, |workspace| workspace.device_ptr(stream).0))
}
