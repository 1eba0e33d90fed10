//! Compiles the CUDA kernels, in builds with the feature `cuda`, to PTX, which the driver compiles for its card.

use std::path::PathBuf;
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
