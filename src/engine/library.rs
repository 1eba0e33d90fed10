use std::path::PathBuf;
use std::sync::Arc;

use crate::base::{Pool, Stream};
use crate::checkpoint::{self, CodeBlock, GeneratorPart, Model, ModelDescription, Sources, VaePart};
use crate::inference::{self, Computer, DeviceError, Networks, Place, Purpose};
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
    model: Model,
    warnings: Vec<String>,
    computer: &Computer,
    pools: &Pools,
) -> Result<Loaded, String> {
    let (place, device) = (computer.name(), computer.device.clone());
    let (gan, vae) = split(model);
    let name = place.clone();
    let open = move |model: &Model, pool: &Pool| {
        inference::open(model, &device, pool)
            .map_err(|error| format!("the model cannot be made ready on {name}: {error}"))
    };
    let Networks { generator, .. } = open(&gan, &pools.generator)?;
    let Networks { decoder, .. } = open(&vae, &pools.decoder)?;
    let Networks { encoder, decoder: spare_decoder, .. } = open(&vae, &pools.encoder)?;
    let mut description = gan.description.clone();
    description.vae.clone_from(&vae.description.vae);
    let hash = gan.hash.clone();
    let stats = gan.stats.clone();
    let pools = pools.clone();
    let weights = Arc::new((gan, vae));
    let rebuild = move |role| match role {
        Role::Generator => open(&weights.0, &pools.generator).map(|networks| networks.generator),
        Role::Decoder => open(&weights.1, &pools.decoder).map(|networks| networks.decoder),
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
        let description = ModelDescription {
            format: ModelDescription::FORMAT,
            name: format!("random-{}", self.trunk.size),
            codes: vec![CodeBlock::disentangled(self.c_dim), CodeBlock::nuisance(self.s_dim)],
            generator: Some(GeneratorPart { config: generator, inputs: vec!["s".into(), "c".into()] }),
            discriminator: None,
            vae: Some(VaePart::new(vae, "c")),
            data: None,
            training: Default::default(),
            provenance: Default::default(),
        };
        Model {
            description,
            vae: vae.initialise_uniform(&mut stream),
            generator: generator.initialise_uniform(&mut stream),
            discriminator: Default::default(),
            stats: None,
            hash: String::new(),
        }
    }
}

/// Splits a model into the part with the generator and the part with the VAE, so that each is made ready on
/// threads of its own. The discriminator, which the explorer has no use for, goes.
fn split(mut model: Model) -> (Model, Model) {
    model.discriminator = Default::default();
    let mut vae = Model {
        description: model.description.clone(),
        vae: std::mem::take(&mut model.vae),
        generator: Default::default(),
        discriminator: Default::default(),
        stats: None,
        hash: String::new(),
    };
    vae.description.generator = None;
    model.description.vae = None;
    (model, vae)
}

impl Source {
    fn sources(&self) -> Sources {
        Sources {
            checkpoint: self.model.clone(),
            vae: self.vae.clone(),
            gan: self.gan.clone(),
            c_dim: self.c_dim,
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
