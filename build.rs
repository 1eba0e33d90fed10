//! Compiles the CUDA kernels, in builds with the feature `cuda`, to PTX, which the driver compiles for its card.

use std::path::{Path, PathBuf};
use std::process::Command;

const KERNELS: &str = "src/ops/cuda/kernels.cu";

fn main() {
    println!("cargo::rerun-if-changed={KERNELS}");
    println!("cargo::rerun-if-env-changed=CUDA_HOME");
    if std::env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return;
    }
    let Some(folder) = std::env::var_os("OUT_DIR").map(PathBuf::from) else { return };
    // as candle's kernels, from the toolkit that CUDA_HOME names, else from the one on the path
    let nvcc = std::env::var_os("CUDA_HOME").map(|home| PathBuf::from(home).join("bin/nvcc"));
    let nvcc = nvcc.filter(|nvcc| nvcc.exists()).unwrap_or_else(|| "nvcc".into());
    if let Some(release) = release(&nvcc) {
        // no older driver reads PTX of this release
        println!("cargo::rustc-env=IDGAN_CUDA_RELEASE={release}");
    }
    let options = ["-std=c++17", "-O3", "-ptx", "-arch=compute_75", "-o"];
    let status = Command::new(&nvcc).args(options).arg(folder.join("kernels.ptx")).arg(KERNELS).status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => println!("cargo::error={} does not compile {KERNELS}: {status}", nvcc.display()),
        Err(error) => println!(
            "cargo::error={} cannot be run ({error}); install the CUDA toolkit, or set CUDA_HOME",
            nvcc.display()
        ),
    }
}

/// The toolkit's release, for instance `13.0`; `None` where the compiler does not say it as it used to.
fn release(nvcc: &Path) -> Option<String> {
    let output = Command::new(nvcc).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.split("release ").nth(1)?.split(',').next()?.to_owned())
}
