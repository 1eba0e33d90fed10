//! What the integration tests share.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "test code, used in parts by each test binary"
)]

pub mod made;
pub mod skip;

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use idgan::base::{Array, Arrays, Pool};
use idgan::data::OpenOptions;
use idgan::inference::Computer;
use idgan::training::Machine;
use skip::skipped;

/// A file of the reference numbers beside the checkout, `None` (said and counted) where there are none.
pub fn official(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/parity").join(name);
    if !path.exists() {
        skipped("official", &format!("the reference files are not beside this checkout: {}", path.display()));
        return None;
    }
    Some(path)
}

/// The numbers called `name` that `scripts/make-parity-references` wrote, `None` (said and counted) where they are missing.
pub fn parity(name: &str) -> Option<Arrays> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/files/parity/{name}.safetensors"));
    if !path.exists() {
        skipped("parity", &format!("the reference numbers are missing: {}", path.display()));
        return None;
    }
    Some(read_arrays(&path))
}

/// Two threads of the CPU and the usual cache: what a run of the tests computes with.
pub fn machine() -> Machine {
    Machine {
        computer: Computer::processor(),
        pool: Pool::new("test", 2).unwrap(),
        data: OpenOptions::default(),
    }
}

/// Every f32 tensor of a safetensors file.
pub fn read_arrays(path: &Path) -> Arrays {
    let bytes = std::fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut arrays = Arrays::new();
    for (name, view) in file.iter() {
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        arrays.insert(name.to_owned(), Array::new(view.shape(), values).unwrap());
    }
    arrays
}

/// The arrays whose names start with `prefix`, without it.
pub fn group(arrays: &Arrays, prefix: &str) -> Arrays {
    let strip =
        |(name, array): (&String, &Array)| Some((name.strip_prefix(prefix)?.to_owned(), array.clone()));
    arrays.iter().filter_map(strip).collect()
}

/// `name` as a CPU tensor.
pub fn tensor(arrays: &Arrays, name: &str) -> Tensor {
    let array = arrays.get(name).unwrap_or_else(|| panic!("{name} is in the reference file"));
    Tensor::from_slice(array.data(), array.shape(), &Device::Cpu).unwrap()
}

/// `name` as a number.
pub fn number(arrays: &Arrays, name: &str) -> f64 {
    f64::from(arrays[name].data()[0])
}

/// The largest difference between `ours` and `theirs`.
pub fn largest_difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter()
        .zip(theirs)
        .fold(0.0, |m, (a, b)| if (a - b).abs() > m || a.is_nan() { (a - b).abs() } else { m })
}

/// Asserts that two numbers agree within `tolerance` relative to the second.
pub fn assert_relative(ours: f64, theirs: f64, tolerance: f64, what: &str) {
    let error = (ours - theirs).abs() / theirs.abs().max(1e-12);
    assert!(error <= tolerance, "{what}: {ours} against {theirs}, relative error {error:.2e}");
}
