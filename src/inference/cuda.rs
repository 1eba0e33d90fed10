//! What the CUDA driver says; nothing in a build without CUDA.

use candle_core::Device;

use crate::ops::Precision;

use super::{Computer, DeviceError, Purpose};

/// What a card says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CardFacts {
    /// Its name and compute capability.
    pub(crate) name: String,
    /// Free bytes and all bytes.
    pub(crate) memory: (u64, u64),
    /// The newest CUDA that the driver knows, for instance `13.0`.
    pub(crate) cuda: String,
}

/// Free bytes on the card; `None` elsewhere.
pub(super) fn free_memory(device: &Device) -> Option<u64> {
    memory(device).map(|(free, _)| free)
}

#[cfg(not(feature = "cuda"))]
mod without {
    use super::{CardFacts, Computer, Device, DeviceError, Precision, Purpose};

    /// Opens a card.
    pub(in crate::inference) fn open(
        _: usize,
        _: Purpose,
        _: Option<Precision>,
    ) -> Result<Computer, DeviceError> {
        Err(DeviceError::NotBuilt("cuda"))
    }

    /// Free bytes and all bytes of the card.
    pub(super) fn memory(_: &Device) -> Option<(u64, u64)> {
        None
    }

    /// What the card is; `None` elsewhere.
    pub(crate) fn card_facts(_: &Device) -> Option<CardFacts> {
        None
    }

    /// The most bytes that tensors have taken on the card since [`forget_peak`]; `None` elsewhere.
    pub(crate) fn peak_memory(_: &Device) -> Option<u64> {
        None
    }

    /// Lets [`peak_memory`] count from here on.
    pub(crate) fn forget_peak(_: &Device) {}
}

#[cfg(not(feature = "cuda"))]
use without as driver;

#[cfg(feature = "cuda")]
mod driver {
    use std::ffi::CStr;
    use std::sync::Arc;

    use candle_core::cuda_backend::cudarc::driver::{CudaContext, result, sys};

    use super::{CardFacts, Computer, Device, DeviceError, Precision, Purpose};
    use crate::inference::DeviceChoice;
    use crate::inference::card::{Card, check_driver};
    use crate::inference::computer::in_a_line;
    use crate::ops;

    /// What must be there to compute, newest first, and the package that has it.
    const LIBRARIES: [(&[&CStr], &str); 2] = [
        (&[c"libcublas.so.13", c"libcublas.so.12"], "nvidia-cublas"),
        (&[c"libcurand.so.10"], "nvidia-curand"),
    ];

    /// Opens a card.
    pub(in crate::inference) fn open(
        number: usize,
        purpose: Purpose,
        wanted: Option<Precision>,
    ) -> Result<Computer, DeviceError> {
        let choice = DeviceChoice::Cuda(number);
        let unavailable = |reason| DeviceError::Unavailable { device: choice, reason };
        let refused = |error| unavailable(words(error));
        check_libraries()?;
        check_driver(newest_cuda().map_err(refused)?)?;
        let count = CudaContext::device_count().map_err(refused)? as usize;
        if number >= count {
            return Err(DeviceError::NoCard { number, count });
        }
        let context = CudaContext::new(number).map_err(refused)?;
        let name = context.name().map_err(refused)?;
        let capability = context.compute_capability().map_err(refused)?;
        let precision = Card { name, capability }.precision(purpose, wanted)?;
        let lane = match purpose {
            Purpose::Training => ops::Lane::Training,
            Purpose::Pictures => ops::Lane::Pictures,
        };
        let device =
            ops::open_cuda(number, precision, lane).map_err(|error| unavailable(in_a_line(&error)))?;
        Ok(Computer { device, precision })
    }

    /// The driver's words for an error, or its number's name where it has none.
    fn words(error: result::DriverError) -> String {
        match error.error_string() {
            Ok(text) => text.to_string_lossy().into_owned(),
            Err(_) => format!("{:?}", error.0),
        }
    }

    /// Says what is missing where the system lacks a library, before candle asks for it and gets a number for an answer.
    fn check_libraries() -> Result<(), DeviceError> {
        if !loads(&[c"libcuda.so.1"]) {
            return Err(DeviceError::NoDriver);
        }
        match LIBRARIES.iter().find(|(files, _)| !loads(files)) {
            Some((files, package)) => {
                let file = files[0].to_string_lossy().into_owned();
                Err(DeviceError::NoLibrary { file, package: (*package).to_owned() })
            }
            None => Ok(()),
        }
    }

    /// Whether the system can load one of these libraries; it stays loaded, as it is needed in a moment.
    #[cfg(target_os = "linux")]
    fn loads(files: &[&CStr]) -> bool {
        // SAFETY: the names end in 0, and NVIDIA's libraries may be loaded at any time by any thread.
        let load = |file: &CStr| unsafe { libc::dlopen(file.as_ptr(), libc::RTLD_LAZY | libc::RTLD_LOCAL) };
        files.iter().any(|file| !load(file).is_null())
    }

    /// Elsewhere the program is linked with them and would not have started.
    #[cfg(not(target_os = "linux"))]
    fn loads(_: &[&CStr]) -> bool {
        true
    }

    fn context(device: &Device) -> Option<Arc<CudaContext>> {
        Some(Arc::clone(device.as_cuda_device().ok()?.cuda_stream().context()))
    }

    /// Free bytes and all bytes of the card.
    pub(super) fn memory(device: &Device) -> Option<(u64, u64)> {
        let (free, total) = context(device)?.mem_get_info().ok()?;
        Some((free as u64, total as u64))
    }

    /// What the card is; `None` elsewhere.
    pub(crate) fn card_facts(device: &Device) -> Option<CardFacts> {
        let context = context(device)?;
        let (major, minor) = context.compute_capability().ok()?;
        let version = newest_cuda().ok()?;
        Some(CardFacts {
            name: format!("{}, compute capability {major}.{minor}", context.name().ok()?),
            memory: memory(device)?,
            cuda: format!("{}.{}", version / 1000, version % 1000 / 10),
        })
    }

    /// The newest CUDA that the driver knows, for instance 13000.
    fn newest_cuda() -> Result<i32, result::DriverError> {
        let mut version = 0;
        // SAFETY: the driver writes one number.
        unsafe { sys::cuDriverGetVersion(&mut version) }.result()?;
        Ok(version)
    }

    /// The pool that candle's tensors come from.
    fn pool(device: &Device) -> Option<sys::CUmemoryPool> {
        let context = context(device)?;
        context.bind_to_thread().ok()?;
        let mut pool = std::ptr::null_mut();
        // SAFETY: the driver writes the handle of a pool that lives as long as the card's context.
        unsafe { sys::cuDeviceGetDefaultMemPool(&mut pool, context.cu_device()) }.result().ok()?;
        Some(pool)
    }

    /// The most bytes that tensors have taken on the card since [`forget_peak`]; `None` elsewhere.
    pub(crate) fn peak_memory(device: &Device) -> Option<u64> {
        let pool = pool(device)?;
        let what = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_HIGH;
        let mut bytes = 0_u64;
        // SAFETY: this attribute is an unsigned number of 64 bits.
        unsafe { sys::cuMemPoolGetAttribute(pool, what, (&raw mut bytes).cast()) }.result().ok()?;
        Some(bytes + graph_memory(device).unwrap_or(0))
    }

    /// The most bytes that CUDA graphs have taken for tensors within them, which are none of the pool's.
    fn graph_memory(device: &Device) -> Option<u64> {
        let what = sys::CUgraphMem_attribute::CU_GRAPH_MEM_ATTR_USED_MEM_HIGH;
        let mut bytes = 0_u64;
        let number = context(device)?.cu_device();
        // SAFETY: this attribute is an unsigned number of 64 bits.
        unsafe { sys::cuDeviceGetGraphMemAttribute(number, what, (&raw mut bytes).cast()) }.result().ok()?;
        Some(bytes)
    }

    /// Lets [`peak_memory`] count from here on.
    pub(crate) fn forget_peak(device: &Device) {
        let what = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_HIGH;
        if let Some(pool) = pool(device) {
            let mut bytes = 0_u64;
            // SAFETY: this attribute is an unsigned number of 64 bits, and 0 is what it may be set to. Where it cannot be set,
            // the peak stays that of the process's whole life.
            let _ = unsafe { sys::cuMemPoolSetAttribute(pool, what, (&raw mut bytes).cast()) };
        }
        let what = sys::CUgraphMem_attribute::CU_GRAPH_MEM_ATTR_USED_MEM_HIGH;
        if let Some(context) = context(device) {
            let mut bytes = 0_u64;
            // SAFETY: as above.
            let _ = unsafe {
                sys::cuDeviceSetGraphMemAttribute(context.cu_device(), what, (&raw mut bytes).cast())
            };
        }
    }
}

use driver::memory;
pub(super) use driver::open;
pub(crate) use driver::{card_facts, forget_peak, peak_memory};
