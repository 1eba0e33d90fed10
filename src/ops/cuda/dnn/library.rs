//! cuDNN 9 as a library that is found when it is needed: the types of `cudnn.h`, and the functions.

use std::ffi::{c_int, c_void};

use candle_core::{Result, bail};
use libloading::Library;

use super::super::driver::Address;
use crate::ops::pass::Pass;

/// `CUDNN_DETERMINISTIC`
pub(super) const DETERMINISTIC: c_int = 1;

/// `cudnnHandle_t`, or one of cuDNN's descriptors.
pub(super) type Handle = *mut c_void;
pub(super) type Create = unsafe extern "C" fn(*mut Handle) -> c_int;
/// Of two codes and four sizes.
pub(super) type SetFour = unsafe extern "C" fn(Handle, c_int, c_int, c_int, c_int, c_int, c_int) -> c_int;
type SetConvolution =
    unsafe extern "C" fn(Handle, c_int, c_int, c_int, c_int, c_int, c_int, c_int, c_int) -> c_int;
type TryAll = unsafe extern "C" fn(
    Handle,
    Handle,
    Address,
    Handle,
    Address,
    Handle,
    Handle,
    Address,
    c_int,
    *mut c_int,
    *mut Told,
    Address,
    usize,
) -> c_int;
type Guess =
    unsafe extern "C" fn(Handle, Handle, Handle, Handle, Handle, c_int, *mut c_int, *mut Told) -> c_int;
type Size = unsafe extern "C" fn(Handle, Handle, Handle, Handle, Handle, c_int, *mut usize) -> c_int;
type Convolve = unsafe extern "C" fn(
    Handle,
    *const f32,
    Handle,
    Address,
    Handle,
    Address,
    Handle,
    c_int,
    Address,
    usize,
    *const f32,
    Handle,
    Address,
) -> c_int;

/// What cuDNN tells about an algorithm (`cudnnConvolutionFwdAlgoPerf_t` and its like).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) algorithm: c_int,
    pub(super) status: c_int,
    milliseconds: f32,
    pub(super) workspace: usize,
    pub(super) determinism: c_int,
    pub(super) math: c_int,
    reserved: [c_int; 3],
}

/// The functions of a pass.
pub(super) struct Functions {
    pub(super) try_all: TryAll,
    pub(super) guess: Guess,
    pub(super) size: Size,
    pub(super) convolve: Convolve,
}

/// The functions that convolutions need.
pub(super) struct Api {
    pub(super) create: Create,
    version: unsafe extern "C" fn() -> usize,
    pub(super) set_stream: unsafe extern "C" fn(Handle, *mut c_void) -> c_int,
    pub(super) create_tensor: Create,
    pub(super) set_tensor: SetFour,
    pub(super) create_filter: Create,
    pub(super) set_filter: SetFour,
    pub(super) create_convolution: Create,
    pub(super) set_convolution: SetConvolution,
    pub(super) set_math: unsafe extern "C" fn(Handle, c_int) -> c_int,
    forward: Functions,
    transposed: Functions,
    weight_gradient: Functions,
    _library: Library,
}

impl Api {
    /// Looks for the library.
    pub(super) fn open() -> Result<Self> {
        let names = ["libcudnn.so.9", "libcudnn.so", "cudnn64_9.dll"];
        // SAFETY: loading cuDNN runs nothing but its own initialisers.
        let Some(library) = names.iter().find_map(|name| unsafe { Library::new(*name) }.ok()) else {
            bail!(
                "cuDNN 9 was not found, and convolutions without it take several times as long; install it, for \
                 example with apt-get install cudnn9-cuda-13, or with pip install nvidia-cudnn-cu13 and its folder in \
                 LD_LIBRARY_PATH"
            );
        };
        // SAFETY: the types are those of cudnn.h, version 9.
        unsafe {
            Ok(Self {
                create: find(&library, "cudnnCreate")?,
                version: find(&library, "cudnnGetVersion")?,
                set_stream: find(&library, "cudnnSetStream")?,
                create_tensor: find(&library, "cudnnCreateTensorDescriptor")?,
                set_tensor: find(&library, "cudnnSetTensor4dDescriptor")?,
                create_filter: find(&library, "cudnnCreateFilterDescriptor")?,
                set_filter: find(&library, "cudnnSetFilter4dDescriptor")?,
                create_convolution: find(&library, "cudnnCreateConvolutionDescriptor")?,
                set_convolution: find(&library, "cudnnSetConvolution2dDescriptor")?,
                set_math: find(&library, "cudnnSetConvolutionMathType")?,
                forward: functions(&library, "Forward")?,
                transposed: functions(&library, "BackwardData")?,
                weight_gradient: functions(&library, "BackwardFilter")?,
                _library: library,
            })
        }
    }

    /// The version, for instance `9.13.0`.
    pub(super) fn version(&self) -> String {
        // SAFETY: a function without arguments that returns a constant.
        let number = unsafe { (self.version)() };
        format!("{}.{}.{}", number / 10_000, number / 100 % 100, number % 100)
    }

    /// The functions of `pass`.
    pub(super) fn of(&self, pass: Pass) -> &Functions {
        match pass {
            Pass::Forward => &self.forward,
            Pass::Transposed => &self.transposed,
            Pass::WeightGradient => &self.weight_gradient,
        }
    }
}

/// The functions of the pass that cuDNN calls `name`.
///
/// # Safety
/// As [`find`].
unsafe fn functions(library: &Library, name: &str) -> Result<Functions> {
    // SAFETY: as the caller says.
    unsafe {
        Ok(Functions {
            try_all: find(library, &format!("cudnnFindConvolution{name}AlgorithmEx"))?,
            guess: find(library, &format!("cudnnGetConvolution{name}Algorithm_v7"))?,
            size: find(library, &format!("cudnnGetConvolution{name}WorkspaceSize"))?,
            convolve: find(library, &format!("cudnnConvolution{name}"))?,
        })
    }
}

/// A function, which must not be called when the library has been closed.
///
/// # Safety
/// `F` must be its type.
unsafe fn find<F: Copy>(library: &Library, name: &str) -> Result<F> {
    // SAFETY: as the caller says.
    match unsafe { library.get::<F>(name.as_bytes()) } {
        Ok(symbol) => Ok(*symbol),
        Err(error) => bail!("this cuDNN cannot be used ({error}); install version 9"),
    }
}

/// An error where cuDNN has not done what was asked.
pub(super) fn check(what: &str, status: c_int) -> Result<()> {
    if status == 0 { Ok(()) } else { bail!("cuDNN refuses {what} with status {status}") }
}
