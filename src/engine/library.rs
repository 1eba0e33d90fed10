use std::path::PathBuf;
use std::sync::Arc;

use crate::base::{Pool, Stream};
use crate::checkpoint::{self, Sources};
use crate::inference::{self, Computer, DeviceError, Encoder, Place, Purpose, RenderError, Renderer};
use crate::model::{CodeBlock, DISCRIMINATOR, GENERATOR, Model, ModelDescription, VAE};
use crate::nets::{GeneratorConfig, Parameters, ResnetTrunk, VaeConfig};

use super::{Library, Loaded, Pools, Role, Source};

/// Models in files.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileLibrary;

impl Library for FileLibrary {
    fn open(&self, source: &Source, pools: &Pools) -> Result<Loaded, String> {
        let place: Place = source.device.parse().map_err(|error: DeviceError| error.to_string())?;
        let computer = place.open(Purpose::Pictures).map_err(|error| error.to_string())?;
        check_memory(source)?;
        let opened = checkpoint::open(&source.sources()).map_err(|error| error.to_string())?;
        make_ready(opened.model, opened.warnings, &computer, pools)
    }
}

/// Refuses files that would not fit into memory with their packed copies, before the system runs out of it.
fn check_memory(source: &Source) -> Result<(), String> {
    let len = |path: &Option<PathBuf>| {
        let metadata = path.as_ref().and_then(|path| std::fs::metadata(path).ok());
        metadata.filter(std::fs::Metadata::is_file).map_or(0, |metadata| metadata.len())
    };
    let needed = 3 * (len(&source.model) + len(&source.vae) + len(&source.gan));
    match available_memory() {
        Some(available) if needed > available => Err(format!(
            "this model needs about {:.1} GiB of memory and {:.1} GiB are free; close other programs or models: {}",
            needed as f64 / f64::from(1 << 30),
            available as f64 / f64::from(1 << 30),
            source.path().display()
        )),
        _ => Ok(()),
    }
}

/// Bytes that programs may still take, where the system says so.
fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Makes the networks of `model` ready on `computer`, each on threads of its own.
fn make_ready(
    mut model: Model,
    warnings: Vec<String>,
    computer: &Computer,
    pools: &Pools,
) -> Result<Loaded, String> {
    let (place, device) = (computer.name(), computer.device.clone());
    // The explorer has no use for it.
    model.weights.remove(DISCRIMINATOR);
    let (description, stats, hash) = (model.description.clone(), model.stats.clone(), model.hash.clone());
    let name = place.clone();
    let explain = move |error: RenderError| format!("the model cannot be made ready on {name}: {error}");
    let model = Arc::new(model);
    let open = {
        let (model, device, explain) = (Arc::clone(&model), device.clone(), explain.clone());
        move |role: Role, pool: &Pool| -> Result<Option<Box<dyn Renderer>>, String> {
            let Ok(chain) = model.description.chain(role.chain()) else { return Ok(None) };
            inference::open_chain(&model, chain, &device, pool).map(Some).map_err(&explain)
        }
    };
    let generator = open(Role::Generator, &pools.generator)?;
    let decoder = open(Role::Decoder, &pools.decoder)?;
    let spare_decoder = open(Role::Decoder, &pools.encoder)?;
    let encoder: Option<Box<dyn Encoder>> =
        inference::open_encoder(&model, &device, &pools.encoder).map_err(explain)?;
    let pools = pools.clone();
    let rebuild = move |role| match role {
        Role::Generator => open(role, &pools.generator),
        Role::Decoder => open(role, &pools.decoder),
    };
    Ok(Loaded {
        description,
        stats,
        hash,
        device: place,
        warnings,
        generator,
        decoder,
        encoder,
        spare_decoder,
        rebuild: Box::new(rebuild),
    })
}

/// One model with random weights, whatever is asked for: to measure with, where only the sizes matter.
#[derive(Clone, Copy, Debug)]
pub struct RandomLibrary {
    /// The residual generator's sizes.
    pub trunk: ResnetTrunk,
    /// Dimensions of c.
    pub c_dim: usize,
    /// Dimensions of s.
    pub s_dim: usize,
}

impl Library for RandomLibrary {
    fn open(&self, _source: &Source, pools: &Pools) -> Result<Loaded, String> {
        make_ready(self.model(), Vec::new(), &Computer::processor(), pools)
    }
}

impl RandomLibrary {
    /// The paper's widths for pictures of `size`: 64 feature maps up to 256 px and 16 at 1024 px, 32 between; c of 20
    /// dimensions, s of 256.
    pub fn published(size: usize) -> Self {
        let nfilter = (16 * 1024 / size.max(1)).clamp(16, 64);
        Self { trunk: ResnetTrunk { size, nfilter, nfilter_max: 512, channels: 3 }, c_dim: 20, s_dim: 256 }
    }

    /// The model: PyTorch's default initialisation, the same every time.
    pub fn model(&self) -> Model {
        let generator = GeneratorConfig::Resnet { z_dim: self.s_dim + self.c_dim, trunk: self.trunk };
        let vae = VaeConfig { channels: self.trunk.channels, c_dim: self.c_dim };
        let mut stream = Stream::new(1, "random model");
        let codes = vec![CodeBlock::disentangled(self.c_dim), CodeBlock::nuisance(self.s_dim)];
        let name = format!("random-{}", self.trunk.size);
        let description = ModelDescription { codes, ..ModelDescription::empty(name) }
            .with_generator(generator, ["s", "c"])
            .with_vae(vae, "c");
        Model::new(description)
            .with_weights(VAE, vae.initialise_uniform(&mut stream))
            .with_weights(GENERATOR, generator.initialise_uniform(&mut stream))
    }
}

impl Source {
    fn sources(&self) -> Sources {
        Sources {
            checkpoint: self.model.clone(),
            vae: self.vae.clone(),
            gan: self.gan.clone(),
            c_dim: self.c_dim,
            reading: self.reading.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_larger_than_memory_is_refused_before_it_is_read() {
        let Some(available) = available_memory() else { return };
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("huge.safetensors");
        // A sparse file takes no room on the disk.
        std::fs::File::create(&path).and_then(|file| file.set_len(available)).expect("makes a sparse file");
        let message = check_memory(&Source::file(&path)).expect_err("does not fit");
        assert!(message.contains("GiB") && message.contains("huge.safetensors"), "{message}");
        assert_eq!(check_memory(&Source::file(folder.path())), Ok(()));
    }
}
