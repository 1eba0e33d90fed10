//! `kernels.cu` as a shared library for this machine's processor.

use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::process::Command;
use std::sync::OnceLock;

use candle_core::{Result, bail};

use super::super::driver::Argument;

/// The kernels, compiled.
pub(super) struct Library {
    library: libloading::Library,
    /// Where it lies, for as long as it is open.
    _folder: tempfile::TempDir,
}

/// `launch_NAME` of shim.h.
type Launch = unsafe extern "C" fn(*const c_char, *const c_uint, *const *mut c_void) -> c_int;

impl Library {
    /// The library, compiled when first asked for, or why it cannot be.
    pub(super) fn get() -> std::result::Result<&'static Self, &'static str> {
        static LIBRARY: OnceLock<std::result::Result<Library, String>> = OnceLock::new();
        LIBRARY.get_or_init(Self::compile).as_ref().map_err(String::as_str)
    }

    fn compile() -> std::result::Result<Self, String> {
        let text = concat!(include_str!("shim.h"), include_str!("../kernels.cu"));
        let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
        let (source, library) = (folder.path().join("kernels.cpp"), folder.path().join("kernels.so"));
        std::fs::write(&source, text).map_err(|error| format!("the kernels cannot be written: {error}"))?;
        let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
        // Vectors of four alias floats, and a fused multiply-add is written where it is meant.
        let options =
            ["-std=c++17", "-O1", "-fno-strict-aliasing", "-ffp-contract=off", "-shared", "-fPIC", "-o"];
        let output = Command::new(compiler).args(options).arg(&library).arg(&source).output();
        let output = output.map_err(|error| format!("no C++ compiler: {error}"))?;
        // a compiler that refuses the kernels is no reason to skip
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // SAFETY: the library has no initialisers.
        let library = unsafe { libloading::Library::new(&library) };
        let library = library.map_err(|error| format!("the kernels cannot be loaded: {error}"))?;
        Ok(Self { library, _folder: folder })
    }

    /// Runs a kernel.
    pub(super) fn launch(&self, kernel: &str, sizes: [usize; 4], arguments: &[Argument]) -> Result<()> {
        let name = format!("launch_{kernel}");
        // SAFETY: every function of that name has this type.
        let Ok(launch) = (unsafe { self.library.get::<Launch>(name.as_bytes()) }) else {
            bail!("kernels.cu has no kernel {kernel}");
        };
        let letters: String = arguments.iter().map(letter).collect();
        let terminated = CString::new(letters.as_str()).map_err(candle_core::Error::wrap)?;
        let words = arguments.iter().map(|argument| argument.word()).collect::<Result<Vec<_>>>()?;
        let pointers: Vec<*mut c_void> =
            words.iter().map(|word| std::ptr::from_ref(word) as *mut c_void).collect();
        let sizes = sizes.map(|size| size as c_uint);
        // SAFETY: the function compares the arguments' kinds with the kernel's before it reads them.
        let ran = unsafe { launch(terminated.as_ptr(), sizes.as_ptr(), pointers.as_ptr()) };
        if ran == 0 {
            bail!("the kernel {kernel} does not take arguments of the kinds {letters}");
        }
        Ok(())
    }
}

/// The letter of an argument's kind in shim.h.
fn letter(argument: &Argument) -> char {
    match argument {
        Argument::Address(_) => 'a',
        Argument::Float(_) => 'f',
        Argument::Count(_) => 'c',
    }
}
