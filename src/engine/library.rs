use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::{Pool, Stream};
use crate::checkpoint::{self, Unsaid};
use crate::inference::{self, Computer, DeviceError, Place, Purpose, RenderError, Renderer};
use crate::model::{ChainId, CodeBlock, GENERATOR, Model, ModelDescription, VAE};
use crate::nets::{GeneratorConfig, Parameters, ResnetTrunk, VaeConfig};

use super::{Library, Load, Loaded, LoadedChain, ModelSource, OpenError, Pools, Spare};

/// Models in files.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileLibrary;

impl Library for FileLibrary {
    fn open(&self, source: &ModelSource, pools: &Pools) -> Result<Loaded, OpenError> {
        let place: Place = source.device.parse().map_err(|error: DeviceError| error.to_string())?;
        let computer = place.open(Purpose::Pictures).map_err(|error| error.to_string())?;
        check_memory(source)?;
        let opened = checkpoint::open(&source.sources())?;
        let loaded = make_ready(opened.model, opened.warnings, &computer, pools)?;
        Ok(Loaded { unsaid: opened.unsaid, ..loaded })
    }
}

/// Refuses files that would not fit into memory with their packed copies, before the system runs out of it.
fn check_memory(source: &ModelSource) -> Result<(), String> {
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

/// Makes the networks of `model` ready on `computer`, each on threads of its own. What cannot be run here is left out with
/// a warning, as long as anything is left.
fn make_ready(
    mut model: Model,
    mut warnings: Vec<String>,
    computer: &Computer,
    pools: &Pools,
) -> Result<Loaded, String> {
    let place = computer.name();
    let (description, stats, hash) = (model.description.clone(), model.stats.clone(), model.hash.clone());
    // The explorer has no use for them.
    model.forget_discriminators();
    let name = place.clone();
    let explain = move |error: RenderError| format!("the model cannot be made ready on {name}: {error}");
    let model = Arc::new(model);
    let open = {
        let (model, computer) = (Arc::clone(&model), computer.clone());
        move |id: ChainId, pool: &Pool| -> Result<Box<dyn Renderer>, RenderError> {
            let chain = model.description.render_chain(id);
            let chain = chain.ok_or_else(|| RenderError::Chain("the model has no such chain".to_owned()))?;
            inference::open_chain(&model, chain, &computer, pool)
        }
    };
    let mut chains = Vec::new();
    for (id, chain) in description.chain_ids().zip(&description.render) {
        let load = Load::of(inference::multiply_adds(&description, chain));
        match open(id, pools.of(load)) {
            Ok(renderer) => chains.push(LoadedChain { id, load, renderer }),
            Err(RenderError::Chain(message)) => warnings.push(message),
            Err(error) => return Err(explain(error)),
        }
    }
    let mut encoders = BTreeMap::new();
    for chain in &description.encode {
        let block = description.wiring(chain).ok().and_then(|wiring| wiring.code_given());
        match inference::open_encoder(&model, chain, computer, &pools.encoder) {
            Ok(encoder) => {
                warnings.extend(description.certain(chain).map(str::to_owned));
                encoders.entry(block.unwrap_or_default().to_owned()).or_insert(encoder);
            }
            Err(RenderError::Chain(message)) => warnings.push(message),
            Err(error) => return Err(explain(error)),
        }
    }
    let emitter = match inference::open_emitter(&model, pools.of(Load::Light)) {
        Ok(emitter) => emitter,
        Err(RenderError::Chain(message)) => {
            warnings.push(message);
            None
        }
        Err(error) => return Err(explain(error)),
    };
    if chains.is_empty() && encoders.is_empty() && !warnings.is_empty() {
        return Err(warnings.swap_remove(0));
    }
    let light = chains.iter().filter(|chain| chain.load == Load::Light).map(|chain| chain.id);
    let spare = match cheapest_of_code(&description, light) {
        Some(chain) => Some(Spare { chain, renderer: open(chain, &pools.encoder).map_err(explain.clone())? }),
        None => None,
    };
    let loads: BTreeMap<ChainId, Load> = chains.iter().map(|chain| (chain.id, chain.load)).collect();
    let pools = pools.clone();
    let rebuild = move |id| {
        let load = loads.get(&id).copied().unwrap_or(Load::Heavy);
        open(id, pools.of(load)).map_err(&explain)
    };
    Ok(Loaded {
        description,
        stats,
        hash,
        device: place,
        unsaid: Unsaid::default(),
        warnings,
        chains,
        encoders,
        emitter,
        spare,
        rebuild: Box::new(rebuild),
    })
}

/// The cheapest of these chains that takes the code that is read from pictures.
fn cheapest_of_code(
    description: &ModelDescription,
    chains: impl Iterator<Item = ChainId>,
) -> Option<ChainId> {
    let code = description.encoded()?;
    let cost = |id: ChainId| {
        let chain = description.render_chain(id)?;
        let takes = description.inputs(&chain.name).contains(&code);
        takes.then(|| inference::multiply_adds(description, chain)).flatten().map(|cost| (cost, id))
    };
    chains.filter_map(cost).min().map(|(_, id)| id)
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
    fn open(&self, _source: &ModelSource, pools: &Pools) -> Result<Loaded, OpenError> {
        Ok(make_ready(self.model(), Vec::new(), &Computer::processor(), pools)?)
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
        let message = check_memory(&ModelSource::file(&path)).expect_err("does not fit");
        assert!(message.contains("GiB") && message.contains("huge.safetensors"), "{message}");
        assert_eq!(check_memory(&ModelSource::file(folder.path())), Ok(()));
    }
}
