use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::profile::{StepTime, median};
use super::renderer::check;
use super::weights::Weights;
use crate::base::{Arrays, Pool};
use crate::inference::{Encoder, RenderError};
use crate::nets::VaeConfig;
use crate::ops::cpu::blocked::{
    BLOCK, Buffer, EntryConv, Epilogue, Linear, MapShape, Team, Variant, WinogradConv,
};
use crate::ops::cpu::isa::Isa;

/// Height and width of the pictures that the published VAE takes.
const SIZE: usize = VaeConfig::SIZE;

/// Shape of the last map, which the linear layers take.
const LAST: MapShape = MapShape::new(64, 4, 4);

/// Values in it.
const FEATURES: usize = LAST.channels() * LAST.height() * LAST.width();

/// Pictures that one thread takes through the small maps together, so that each of their weights is read once for
/// all of them; the large maps of one picture fill the cache by themselves.
const GROUP: usize = 16;

/// Pictures whose features are kept for one pass through the linear layers, so that their weights are read once
/// for all of them.
const BATCH: usize = 64;

/// A VAE encoder compiled for the processor.
pub struct PlanEncoder {
    config: VaeConfig,
    layers: Layers,
    pool: Pool,
    /// One a thread.
    memories: Vec<Mutex<Memory>>,
    features: Vec<f32>,
    hidden: Vec<f32>,
    posterior: Vec<f32>,
}

/// The packed layers in their order; all but the last end in a rectifier.
struct Layers {
    entry: EntryConv,
    halving: [WinogradConv; 3],
    linears: [Linear; 2],
}

/// What one thread computes in.
struct Memory {
    /// The map after the entry, of one picture.
    first: Buffer,
    /// The maps after each halving, of [`GROUP`] pictures.
    maps: [Buffer; 3],
    shared: Buffer,
    scratch: Buffer,
}

/// Compiles a VAE's encoder, whose weights are named `encoder.layer.0.weight` and so on.
///
/// # Errors
/// When a tensor is missing or has another shape than the configuration says.
pub fn compile_encoder(
    config: &VaeConfig,
    weights: &Arrays,
    pool: &Pool,
) -> Result<PlanEncoder, RenderError> {
    compile_encoder_for(Isa::detect(), config, weights, pool)
}

pub(super) fn compile_encoder_for(
    isa: Isa,
    config: &VaeConfig,
    weights: &Arrays,
    pool: &Pool,
) -> Result<PlanEncoder, RenderError> {
    pool.run(|| build(isa, config, weights, pool))
}

fn build(isa: Isa, config: &VaeConfig, weights: &Arrays, pool: &Pool) -> Result<PlanEncoder, RenderError> {
    let VaeConfig { channels, c_dim } = *config;
    if c_dim == 0 || !matches!(channels, 1 | 3) {
        return Err(RenderError::Weights(format!(
            "no encoder takes {channels} channels to {c_dim} dimensions"
        )));
    }
    let weights = Weights::new(weights, "encoder.");
    let (weight, bias) = weights.layer("layer.0", &[32, channels, 4, 4], 32)?;
    let entry = EntryConv::new(isa, MapShape::new(channels, SIZE, SIZE), 32, weight, bias);
    let halve = |number: usize, pictures, variant, input: MapShape, outputs| {
        let shape = [outputs, input.channels(), 4, 4];
        let (weight, bias) = weights.layer(&format!("layer.{number}"), &shape, outputs)?;
        Ok::<_, RenderError>(WinogradConv::for_pictures(
            pictures, isa, variant, input, outputs, weight, bias, None,
        ))
    };
    let first = halve(2, 1, Variant::Halve4, entry.output(), 32)?;
    let second = halve(4, GROUP, Variant::Halve4, first.output(), 64)?;
    let third = halve(6, GROUP, Variant::Halve4, second.output(), LAST.channels())?;

    // On a 4x4 map a 4x4 convolution is a linear layer; its inputs come in the order of the blocked layout.
    let (weight, bias) = weights.layer("layer.8", &[256, LAST.channels(), 4, 4], 256)?;
    let mut reordered = vec![0.0; weight.len()];
    for (i, value) in weight.iter().enumerate() {
        let (out, channel, pixel) = (i / FEATURES, i % FEATURES / BLOCK, i % BLOCK);
        reordered[out * FEATURES + (channel / BLOCK * BLOCK + pixel) * BLOCK + channel % BLOCK] = *value;
    }
    let features = Linear::to_row(isa, FEATURES, &reordered, bias, 0.0);
    let (weight, bias) = weights.layer("layer.11", &[2 * c_dim, 256], 2 * c_dim)?;
    let posterior = Linear::to_row(isa, 256, weight, bias, 1.0);

    let layers = Layers { entry, halving: [first, second, third], linears: [features, posterior] };
    Ok(PlanEncoder {
        config: *config,
        memories: (0..pool.threads()).map(|_| Mutex::new(layers.memory())).collect(),
        features: vec![0.0; BATCH * FEATURES],
        hidden: vec![0.0; BATCH * layers.linears[0].output_len()],
        posterior: vec![0.0; BATCH * layers.linears[1].output_len()],
        layers,
        pool: pool.clone(),
    })
}

impl Layers {
    fn memory(&self) -> Memory {
        let most = |need: fn(&WinogradConv) -> usize| self.halving.iter().map(need).max().unwrap_or(0);
        Memory {
            first: Buffer::zeros(self.entry.output().len()),
            maps: std::array::from_fn(|i| Buffer::zeros(GROUP * self.halving[i].output().len())),
            shared: Buffer::zeros(most(WinogradConv::shared_scratch)),
            scratch: Buffer::zeros(most(WinogradConv::worker_scratch).max(self.entry.scratch())),
        }
    }

    /// Takes up to [`GROUP`] `pictures` to their `features`, on the calling thread. `clock` is told the number of each
    /// layer that is done.
    fn features(
        &self,
        pictures: &[f32],
        memory: &mut Memory,
        features: &mut [f32],
        clock: &mut dyn FnMut(usize),
    ) {
        let Memory { first, maps: [one, two, three], shared, scratch } = memory;
        let (shared, scratch) = (shared.values_mut(), scratch.values_mut());
        let [to_one, to_two, to_three] = &self.halving;
        let picture_len = pictures.len() / (features.len() / FEATURES);
        let targets = one.values_mut().chunks_exact_mut(to_one.output().len());
        for (picture, target) in pictures.chunks_exact(picture_len).zip(targets) {
            self.entry.run(picture, scratch, &mut active(first.values_mut()));
            clock(0);
            to_one.run(first.values(), &mut active(target), shared, scratch, &Team::solo());
            clock(1);
        }
        let count = features.len() / FEATURES;
        to_two.run_pictures(
            count,
            one.values(),
            &mut active(two.values_mut()),
            shared,
            scratch,
            &Team::solo(),
        );
        clock(2);
        to_three.run_pictures(
            count,
            two.values(),
            &mut active(three.values_mut()),
            shared,
            scratch,
            &Team::solo(),
        );
        for (row, map) in features.chunks_exact_mut(FEATURES).zip(three.values().chunks_exact(LAST.len())) {
            for (i, line) in row.chunks_exact_mut(LAST.width() * BLOCK).enumerate() {
                let at = LAST.at(i / LAST.height(), i % LAST.height(), 0);
                line.copy_from_slice(&map[at..at + LAST.width() * BLOCK]);
            }
        }
        clock(3);
    }
}

/// Stores through a plain rectifier.
fn active(map: &mut [f32]) -> Epilogue<'_> {
    Epilogue { residual: None, raw: None, active: Some(map), slope: 0.0 }
}

impl PlanEncoder {
    /// Multiply-adds of one picture as this plan computes it.
    pub fn multiply_adds(&self) -> usize {
        self.steps().iter().map(|step| step.multiply_adds).sum()
    }

    /// Every layer, without its time.
    fn steps(&self) -> Vec<StepTime> {
        let Layers { entry, halving, linears } = &self.layers;
        let step = |what: String, multiply_adds| StepTime { what, seconds: 0.0, multiply_adds };
        let mut steps = vec![step(entry.describe(), entry.multiply_adds())];
        steps.extend(halving.iter().map(|conv| step(conv.describe(), conv.multiply_adds())));
        steps.extend(linears.iter().map(|linear| step(linear.describe(), linear.multiply_adds())));
        steps
    }

    /// Encodes up to 64 of `pictures` on one thread `repeat` times and says how long each step took for all of them.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn profile(&mut self, pictures: &[f32], repeat: usize) -> Result<Vec<StepTime>, RenderError> {
        let picture_len = self.config.channels * SIZE * SIZE;
        let count = pictures.len() / picture_len;
        check("pictures", count * picture_len, pictures.len())?;
        let count = count.min(BATCH);
        let mut steps = self.steps();
        let mut runs = vec![Vec::new(); steps.len()];
        let Self { layers, memories, features, hidden, posterior, .. } = self;
        let memory = memories[0].get_mut().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..repeat.max(1) {
            let mut seconds = vec![0.0; steps.len()];
            let mut last = Instant::now();
            let mut clock = |layer: usize| {
                seconds[layer] += last.elapsed().as_secs_f64();
                last = Instant::now();
            };
            let groups = pictures[..count * picture_len].chunks(GROUP * picture_len);
            for (pictures, features) in groups.zip(features.chunks_mut(GROUP * FEATURES)) {
                let features = &mut features[..pictures.len() / picture_len * FEATURES];
                layers.features(pictures, memory, features, &mut clock);
            }
            layers.linears[0].run(count, features, FEATURES, hidden, &Team::solo());
            clock(4);
            layers.linears[1].run(count, hidden, layers.linears[0].output_len(), posterior, &Team::solo());
            clock(5);
            runs.iter_mut().zip(seconds).for_each(|(runs, seconds)| runs.push(seconds));
        }
        for (step, seconds) in steps.iter_mut().zip(runs) {
            step.seconds = median(seconds);
            step.multiply_adds *= count;
        }
        Ok(steps)
    }

    /// Encodes up to [`BATCH`] pictures into `posterior`.
    fn encode_batch(&mut self, pictures: &[f32], count: usize) {
        let Self { layers, pool, memories, features, hidden, posterior, config } = self;
        let picture_len = config.channels * SIZE * SIZE;
        let threads = pool.threads();
        // As many groups as there are threads, or a multiple where that would be more pictures than a group takes.
        let group = count.div_ceil(threads * count.div_ceil(threads * GROUP));
        pool.run(|| {
            Team::gather(threads, |team| {
                let rows: Vec<Mutex<&mut [f32]>> =
                    features[..count * FEATURES].chunks_mut(group * FEATURES).map(Mutex::new).collect();
                team.for_each(rows.len(), |worker, number| {
                    let mut memory = memories[worker].lock().unwrap_or_else(PoisonError::into_inner);
                    let mut rows = rows[number].lock().unwrap_or_else(PoisonError::into_inner);
                    let pictures = &pictures[number * group * picture_len..];
                    let pictures = &pictures[..rows.len() / FEATURES * picture_len];
                    layers.features(pictures, &mut memory, &mut rows, &mut |_| ());
                });
                layers.linears[0].run(count, features, FEATURES, hidden, team);
                layers.linears[1].run(count, hidden, layers.linears[0].output_len(), posterior, team);
            });
        });
    }
}

impl Encoder for PlanEncoder {
    fn code_dim(&self) -> usize {
        self.config.c_dim
    }

    fn picture_shape(&self) -> [usize; 3] {
        [self.config.channels, SIZE, SIZE]
    }

    fn encode(&mut self, pictures: &[f32], mu: &mut [f32], logvar: &mut [f32]) -> Result<(), RenderError> {
        let (c_dim, picture_len) = (self.config.c_dim, self.config.channels * SIZE * SIZE);
        let count = pictures.len() / picture_len;
        check("pictures", count * picture_len, pictures.len())?;
        check("mu", count * c_dim, mu.len())?;
        check("logvar", count * c_dim, logvar.len())?;
        for first in (0..count).step_by(BATCH) {
            let batch = BATCH.min(count - first);
            self.encode_batch(&pictures[first * picture_len..(first + batch) * picture_len], batch);
            let stride = self.layers.linears[1].output_len();
            for (i, row) in self.posterior.chunks_exact(stride).take(batch).enumerate() {
                let to = (first + i) * c_dim..(first + i + 1) * c_dim;
                mu[to.clone()].copy_from_slice(&row[..c_dim]);
                logvar[to].copy_from_slice(&row[c_dim..2 * c_dim]);
            }
        }
        Ok(())
    }
}
