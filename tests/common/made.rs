//! Weights, pictures and noise that `scripts/make-parity-references` makes of a name and an index, in the same way; what it
//! keeps of PyTorch's results; and models of such weights.

use std::path::{Path, PathBuf};

use idgan::base::{Array, Arrays};
use idgan::checkpoint::{VAE_FILE, export_torch};
use idgan::model::{CodeBlock, Model, ModelDescription, VAE};
use idgan::nets::{Parameters, VaeConfig};

/// Entries that are kept of a tensor.
const KEPT: usize = 24;

/// `scale * u + shift`, u in [-.5, .5) by a hash of the name and the index.
pub fn made(name: &str, shape: &[usize], scale: f64, shift: f64) -> Array {
    let mut crc = flate2::Crc::new();
    crc.update(name.as_bytes());
    let start = u64::from(crc.sum()) * 40503 + 12345;
    let value = |index: usize| {
        let mut hash = (index as u64 * 2_654_435_761 + start) & 0xffff_ffff;
        hash ^= hash >> 16;
        hash = (hash * 0x045d_9f3b) & 0xffff_ffff;
        hash ^= hash >> 16;
        ((hash as f64 / 4_294_967_296.0 - 0.5) * scale + shift) as f32
    };
    Array::new(shape, (0..shape.iter().product()).map(value).collect()).unwrap()
}

/// What stands for noise from N(0, I): mean 0, variance 1.
pub fn normal(name: &str, shape: &[usize]) -> Array {
    made(name, shape, 12f64.sqrt(), 0.0)
}

/// Every weight so large that signals about keep their size, times `gain`; biases and deviations small.
pub fn weights(prefix: &str, network: &impl Parameters, gain: f64) -> Arrays {
    let filled = |name: String, shape: Vec<usize>| {
        let len: usize = shape.iter().product();
        let mut scale =
            if shape.len() < 2 { 0.2 } else { gain * (24.0 * shape[0] as f64 / len as f64).sqrt() };
        if name == "logstd_fn.weight" {
            scale *= 0.1;
        }
        let array = made(&format!("{prefix}{name}"), &shape, scale, 0.0);
        (name, array)
    };
    network.parameters().into_iter().map(|parameter| filled(parameter.name, parameter.shape)).collect()
}

/// What is kept of a tensor: some entries, then the sum, the sum of magnitudes, the norm and the largest magnitude.
pub struct Brief {
    pub entries: Vec<f64>,
    pub sum: f64,
    pub magnitudes: f64,
    pub norm: f64,
    pub largest: f64,
}

impl Brief {
    pub fn of(values: &[f64]) -> Self {
        let mut places: Vec<usize> = (0..KEPT).map(|k| k * values.len() / KEPT).collect();
        places.dedup();
        Self {
            entries: places.into_iter().map(|place| values[place]).collect(),
            sum: values.iter().sum(),
            magnitudes: values.iter().map(|value| value.abs()).sum(),
            norm: values.iter().map(|value| value * value).sum::<f64>().sqrt(),
            largest: values.iter().fold(0.0, |largest, value| value.abs().max(largest)),
        }
    }

    /// As a reference file has it.
    pub fn read(array: &Array) -> Self {
        let values: Vec<f64> = array.data().iter().map(|&value| f64::from(value)).collect();
        let (entries, &[sum, magnitudes, norm, largest]) = values.split_last_chunk().unwrap();
        Self { entries: entries.into(), sum, magnitudes, norm, largest }
    }

    /// Asserts that the sums agree with `theirs` within `tolerance` of their size.
    pub fn assert_sums(&self, theirs: &Self, tolerance: f64, what: &str) {
        let close = |ours: f64, theirs: f64, size: f64| (ours - theirs).abs() <= tolerance * size;
        assert_eq!(self.entries.len(), theirs.entries.len(), "{what}");
        assert!(
            close(self.sum, theirs.sum, theirs.magnitudes),
            "{what}: sum {} against {}",
            self.sum,
            theirs.sum
        );
        for (name, ours, theirs) in [
            ("magnitudes", self.magnitudes, theirs.magnitudes),
            ("norm", self.norm, theirs.norm),
            ("largest", self.largest, theirs.largest),
        ] {
            assert!(close(ours, theirs, theirs), "{what}: {name} {ours} against {theirs}");
        }
    }
}

/// A VAE of made-up weights.
pub fn vae(config: VaeConfig) -> Model {
    let codes = vec![CodeBlock::disentangled(config.c_dim)];
    let description = ModelDescription { codes, ..ModelDescription::empty("made") }.with_vae(config, "c");
    Model::new(description).with_weights(VAE, weights("vae.", &config, 1.0))
}

/// The same as a published file of PyTorch in `folder`.
pub fn vae_file(folder: &Path, config: VaeConfig) -> PathBuf {
    export_torch(folder, &vae(config)).unwrap();
    folder.join(VAE_FILE)
}
