//! A card: one of candle's devices with a stream of its own, and what the driver needs beside it.

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::cuda_backend::cudarc::cublas::{result as blas, sys as blas_sys};
use candle_core::cuda_backend::cudarc::driver::{
    CudaFunction, CudaModule, CudaSlice, CudaStream, DevicePtr, result, sys,
};
use candle_core::cuda_backend::{CudaDevice, WrapErr};
use candle_core::op::BackpropOp;
use candle_core::{CudaStorage, DType, Device, Layout, Result, Shape, Storage, Tensor, bail};

use super::OnCuda;
use super::copies::Copies;
use super::dnn::Dnn;
use super::driver::{
    Address, Argument, Convolution, Driver, Element, Memory, Product, Queue, Recorded, THREADS, Work, to_int,
};
use super::graph;
use super::memory;
use super::staging::{self, Staging};
use super::unserved::Unserved;
use crate::ops::Precision;

/// `kernels.cu`, for cards from compute capability 7.5 on (build.rs).
const KERNELS: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));

/// The lowest compute capability: what nvcc 13 compiles for.
const LOWEST: (i32, i32) = (7, 5);

/// The lowest that multiplies in TF32 and bf16.
const TENSOR_CORES: (i32, i32) = (8, 0);

/// Bytes that cuBLAS may use: what NVIDIA advises for the largest cards.
const BLAS_WORKSPACE: usize = 32 << 20;

/// Blocks of a grid at most, in its second and third dimension.
const GRID: usize = 65_535;

/// The cards that have been opened, which are never closed.
static OPEN: Mutex<Vec<Arc<Card>>> = Mutex::new(Vec::new());

/// What a card's stream is for. What is queued on a stream while its work is recorded is recorded too, whoever queues it:
/// what one thread records must not be on a stream that another one uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Training.
    Training,
    /// Everything else.
    Pictures,
    /// Pictures of one renderer at a time: which of them.
    Renderer(usize),
}

/// A card in one precision.
pub(in crate::ops) struct Card {
    number: usize,
    lane: Lane,
    device: CudaDevice,
    stream: Arc<CudaStream>,
    precision: Precision,
    kernels: Arc<CudaModule>,
    functions: Mutex<HashMap<&'static str, CudaFunction>>,
    /// `None` where there is no cuDNN.
    dnn: Option<Mutex<Dnn>>,
    copies: Copies<Block>,
    unserved: Unserved,
    staging: Mutex<Staging>,
    /// cuBLAS's own memory: what it would ask for at each product, also of one that is recorded.
    _workspace: CudaSlice<u8>,
    /// Whether what is queued is recorded.
    recording: AtomicBool,
    /// Whether somebody has it for himself.
    lent: AtomicBool,
}

/// The NVIDIA card of this number, as a device that computes in `precision`: the same one whenever it is asked for the same,
/// with a stream of its own.
///
/// # Errors
/// When there is no such card, or it is too old; without the feature `cuda`, always.
pub fn open(number: usize, precision: Precision, lane: Lane) -> Result<Device> {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let same = |card: &&Arc<Card>| (card.number, card.precision, card.lane) == (number, precision, lane);
    if let Some(card) = open.iter().find(same) {
        return Ok(Device::Cuda(card.device.clone()));
    }
    let card = Card::new(number, precision, lane)?;
    let device = Device::Cuda(card.device.clone());
    open.push(Arc::new(card));
    Ok(device)
}

/// A device for one user alone.
pub(in crate::ops) struct Lent(Arc<Card>);

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.lent.store(false, Ordering::Release);
    }
}

/// The same card as `device` with a stream that nobody else uses until [`Lent`] is dropped; `None` where `device` is no card.
pub(in crate::ops) fn lend(device: &Device) -> Result<Option<(Device, Lent)>> {
    let Some(like) = device.as_cuda_device().ok().and_then(of) else { return Ok(None) };
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let renders = |card: &&Arc<Card>| {
        (card.number, card.precision) == (like.number, like.precision)
            && matches!(card.lane, Lane::Renderer(_))
    };
    let free = open.iter().filter(renders).find(|card| !card.lent.load(Ordering::Acquire)).cloned();
    let card = match free {
        Some(card) => card,
        None => {
            let lane = Lane::Renderer(open.iter().filter(renders).count());
            let card = Arc::new(Card::new(like.number, like.precision, lane)?);
            open.push(Arc::clone(&card));
            card
        }
    };
    // nobody else looks for one meanwhile
    card.lent.store(true, Ordering::Release);
    Ok(Some((Device::Cuda(card.device.clone()), Lent(card))))
}

/// The card that is `device`, if it was opened here.
pub(super) fn of(device: &CudaDevice) -> Option<Arc<Card>> {
    let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.iter().find(|card| card.device.id() == device.id()).cloned()
}

/// The version of the cuDNN that convolves on `device`; `None` where none does.
pub fn dnn_version(device: &Device) -> Option<String> {
    let card = of(device.as_cuda_device().ok()?)?;
    card.dnn().map(|dnn| dnn.version())
}

/// The result of an operation, from candle's storages.
pub(in crate::ops) fn on_storages(
    operation: &impl OnCuda,
    arguments: &[(&CudaStorage, &Layout)],
) -> Result<(CudaStorage, Shape)> {
    match arguments.first().and_then(|(storage, _)| of(&storage.device)) {
        Some(card) => memory::on_storages(&*card, operation, arguments),
        None => bail!("these tensors lie on a CUDA device that was not opened by ops::open_cuda"),
    }
}

/// A tensor of `values` on `device`, through page-locked memory; `None` where it has none, or not as much.
pub(in crate::ops) fn upload(values: &[f32], shape: &Shape, device: &Device) -> Result<Option<Tensor>> {
    let Some(card) = staged(device, values.len()).filter(|_| shape.elem_count() == values.len()) else {
        return Ok(None);
    };
    let block = card.allocate(values.len())?;
    card.write(values, block.address)?;
    let storage = Storage::Cuda(block.into_storage()?);
    Ok(Some(Tensor::from_storage(storage, shape.clone(), BackpropOp::none(), false)))
}

/// The values of a contiguous f32 tensor, whose bytes are as many as there are; false where [`upload`] gives `None`.
pub(in crate::ops) fn download(x: &Tensor, bytes: &mut [u8]) -> Result<bool> {
    let Some(card) = staged(x.device(), x.elem_count()).filter(|_| x.dtype() == DType::F32) else {
        return Ok(false);
    };
    let (storage, layout) = x.storage_and_layout();
    let Some(storage) = Block::of(&storage) else { return Ok(false) };
    card.not_while_recording("a copy to the host")?;
    card.staging().download(locate(storage, layout)?, bytes)?;
    Ok(true)
}

/// What cuDNN has chosen on `device`, as JSON.
pub(in crate::ops) fn algorithms(device: &Device) -> Option<String> {
    let card = of(device.as_cuda_device().ok()?)?;
    card.dnn()?.choices().to_json()
}

/// Has cuDNN on `device` choose what [`algorithms`] said.
pub(in crate::ops) fn take_algorithms(device: &Device, json: &str) -> Result<()> {
    let Device::Cuda(device) = device else { return Ok(()) };
    let Some(card) = of(device) else { return Ok(()) };
    card.dnn().map_or(Ok(()), |mut dnn| dnn.take_choices(json))
}

/// The card that is `device`, where so many values go through its page-locked memory.
fn staged(device: &Device, length: usize) -> Option<Arc<Card>> {
    let Device::Cuda(device) = device else { return None };
    of(device).filter(|_| (1..=staging::MOST).contains(&length))
}

/// Where the elements of a contiguous f32 tensor begin.
pub(super) fn locate(storage: &CudaStorage, layout: &Layout) -> Result<Address> {
    let Some((start, _)) = layout.contiguous_offsets() else {
        bail!("this operation needs contiguous elements, got strides {:?}", layout.stride())
    };
    let slice = storage.as_cuda_slice::<f32>()?;
    Ok(slice.device_ptr(slice.stream()).0 + 4 * start as Address)
}

impl Card {
    fn new(number: usize, precision: Precision, lane: Lane) -> Result<Self> {
        let device = CudaDevice::new_with_stream(number)?;
        let stream = device.cuda_stream();
        let context = stream.context();
        let (major, minor) = context.compute_capability().w()?;
        if (major, minor) < LOWEST {
            bail!("this card has compute capability {major}.{minor}, and the CUDA build needs 7.5 or above");
        }
        if precision != Precision::F32 && (major, minor) < TENSOR_CORES {
            bail!(
                "this card has compute capability {major}.{minor}, and {precision} needs 8.0 or above; use --precision f32"
            );
        }
        // SAFETY: everything on this device happens on its one stream.
        unsafe { device.disable_event_tracking() };
        keep_memory(context.cu_device())?;
        let kernels = context.load_module(KERNELS.into()).w()?;
        let dnn = match Dnn::open(Arc::clone(&stream)) {
            Ok(dnn) => Some(Mutex::new(dnn)),
            Err(error) => {
                log::warn!("{error}");
                None
            }
        };
        let staging = Mutex::new(Staging::new(Arc::clone(&stream))?);
        let _workspace = blas_workspace(&device, &stream)?;
        Ok(Self {
            number,
            lane,
            device,
            stream,
            precision,
            kernels,
            functions: Mutex::default(),
            dnn,
            copies: Copies::default(),
            unserved: Unserved::default(),
            staging,
            _workspace,
            recording: AtomicBool::new(false),
            lent: AtomicBool::new(false),
        })
    }

    /// Refuses what cannot be recorded.
    fn not_while_recording(&self, what: &str) -> Result<()> {
        if self.recording.load(Ordering::Relaxed) {
            bail!("{what} cannot be recorded");
        }
        Ok(())
    }

    fn dnn(&self) -> Option<MutexGuard<'_, Dnn>> {
        let dnn = self.dnn.as_ref()?;
        Some(dnn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn staging(&self) -> MutexGuard<'_, Staging> {
        self.staging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn function(&self, kernel: &'static str) -> Result<CudaFunction> {
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = functions.get(kernel) {
            return Ok(function.clone());
        }
        let function = self.kernels.load_function(kernel).w()?;
        functions.insert(kernel, function.clone());
        Ok(function)
    }
}

/// Gives cuBLAS memory of its own, which takes part in its choice of algorithms: the same whether work is recorded or not.
fn blas_workspace(device: &CudaDevice, stream: &Arc<CudaStream>) -> Result<CudaSlice<u8>> {
    // SAFETY: cuBLAS needs no values in it.
    let memory = unsafe { stream.alloc::<u8>(BLAS_WORKSPACE) }.w()?;
    let address = memory.device_ptr(stream).0 as *mut c_void;
    // SAFETY: the card keeps the memory as long as the handle.
    let status =
        unsafe { blas_sys::cublasSetWorkspace_v2(*device.cublas_handle().handle(), address, BLAS_WORKSPACE) };
    status.result().w()?;
    Ok(memory)
}

/// Has the device's pool keep what is freed: else each synchronisation gives all of it back to the system.
fn keep_memory(device: sys::CUdevice) -> Result<()> {
    let mut all = u64::MAX;
    // SAFETY: the device is open, and the attribute is a number of 64 bits.
    unsafe {
        let pool = result::device::get_default_mem_pool(device).w()?;
        let threshold = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        result::mem_pool::set_attribute(pool, threshold, (&raw mut all).cast()).w()
    }
}

impl Queue for Card {
    fn launch(&self, kernel: &'static str, blocks: [usize; 3], arguments: &[Argument]) -> Result<()> {
        let function = self.function(kernel)?;
        if blocks[1..].iter().any(|&count| count > GRID) {
            bail!("{kernel} of {blocks:?} blocks is more than CUDA can launch; use a smaller batch");
        }
        let mut words = arguments.iter().map(|argument| argument.word()).collect::<Result<Vec<_>>>()?;
        let mut pointers: Vec<*mut c_void> =
            words.iter_mut().map(|word| std::ptr::from_mut(word).cast()).collect();
        let [x, y, z] = blocks.map(|count| count as u32);
        self.stream.context().bind_to_thread().w()?;
        let stream = self.stream.cu_stream();
        // SAFETY: the host driver's tests compare the kinds of all arguments with the kernel's.
        unsafe {
            result::launch_kernel(
                function.cu_function(),
                (x, y, z),
                (THREADS as u32, 1, 1),
                0,
                stream,
                &mut pointers,
            )
        }
        .w()
    }
}

impl Driver for Card {
    type Memory = Block;

    fn precision(&self) -> Precision {
        self.precision
    }

    fn allocate(&self, length: usize) -> Result<Block> {
        // SAFETY: written before it is read, as the trait says; CUDA has no memory of no length.
        let slice = unsafe { self.device.alloc::<f32>(length.max(1))? };
        let address = slice.device_ptr(&self.stream).0;
        Ok(Block { slice, address, device: self.device.clone() })
    }

    fn product(&self, p: &Product) -> Result<()> {
        use blas_sys::cublasComputeType_t as Compute;
        let kind = match p.element {
            Element::F32 => blas_sys::cudaDataType::CUDA_R_32F,
            Element::Bf16 => blas_sys::cudaDataType::CUDA_R_16BF,
        };
        let compute = match (p.element, p.precision) {
            (Element::Bf16, _) | (_, Precision::F32) => Compute::CUBLAS_COMPUTE_32F,
            (_, Precision::Tf32) => Compute::CUBLAS_COMPUTE_32F_FAST_TF32,
            (_, Precision::Bf16) => Compute::CUBLAS_COMPUTE_32F_FAST_16BF,
        };
        let operation = |transposed| match transposed {
            true => blas_sys::cublasOperation_t::CUBLAS_OP_T,
            false => blas_sys::cublasOperation_t::CUBLAS_OP_N,
        };
        let (rows, inner, columns) = (to_int(p.rows)?, to_int(p.inner)?, to_int(p.columns)?);
        let (one, zero) = (1_f32, 0_f32);
        // cuBLAS counts columns first: it computes the transpose, out^T = right^T left^T.
        let leading = |transposed, otherwise| if transposed { inner } else { otherwise };
        self.stream.context().bind_to_thread().w()?;
        // SAFETY: operands and result have these sizes.
        unsafe {
            blas::gemm_ex(
                *self.device.cublas_handle().handle(),
                operation(p.right.1),
                operation(p.left.1),
                columns,
                rows,
                inner,
                (&raw const one).cast(),
                p.right.0 as *const c_void,
                kind,
                leading(p.right.1, columns),
                p.left.0 as *const c_void,
                kind,
                if p.left.1 { rows } else { inner },
                (&raw const zero).cast(),
                p.out as *mut c_void,
                kind,
                columns as c_int,
                compute,
                blas_sys::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
            )
        }
        .w()
    }

    fn convolves(&self) -> bool {
        self.dnn.is_some()
    }

    fn unserved(&self) -> &Unserved {
        &self.unserved
    }

    fn convolve(&self, call: &Convolution) -> Result<bool> {
        let Some(mut dnn) = self.dnn() else { bail!("a convolution without cuDNN") };
        self.stream.context().bind_to_thread().w()?;
        dnn.run(call, self.recording.load(Ordering::Relaxed))
    }

    fn copies(&self) -> &Copies<Block> {
        &self.copies
    }

    fn write(&self, values: &[f32], to: Address) -> Result<()> {
        self.not_while_recording("a copy from the host")?;
        let mut staging = self.staging();
        for (index, values) in values.chunks(staging::MOST).enumerate() {
            staging.upload(values, to + (4 * staging::MOST * index) as Address)?;
        }
        Ok(())
    }

    fn rehearse(&self, work: &mut Work<'_>) -> Result<()> {
        // candle tells a device the strides of tensors, which a recording cannot: it keeps those it has told.
        let _kept = self.device.enable_cuda_graph_htod_cache();
        work()
    }

    fn record(&self, work: &mut Work<'_>) -> Result<Box<dyn Recorded>> {
        self.copies.clear();
        let _kept = self.device.enable_cuda_graph_htod_cache();
        graph::record(&self.stream, || {
            self.recording.store(true, Ordering::Relaxed);
            let done = work();
            // What was converted in the recording is memory of the recording.
            self.copies.clear();
            self.recording.store(false, Ordering::Relaxed);
            done
        })
    }
}

/// A piece of a card's memory; freed on its stream, after all that is queued.
pub(in crate::ops) struct Block {
    slice: CudaSlice<f32>,
    address: Address,
    device: CudaDevice,
}

impl Memory for Block {
    type Storage = CudaStorage;

    fn address(&self) -> Address {
        self.address
    }

    fn into_storage(self) -> Result<CudaStorage> {
        Ok(CudaStorage::wrap_cuda_slice(self.slice, self.device))
    }

    fn into_any(storage: CudaStorage) -> Storage {
        Storage::Cuda(storage)
    }

    fn of(storage: &Storage) -> Option<&CudaStorage> {
        if let Storage::Cuda(storage) = storage { Some(storage) } else { None }
    }

    fn locate(storage: &CudaStorage, layout: &Layout) -> Result<Address> {
        locate(storage, layout)
    }
}
