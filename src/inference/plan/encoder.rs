use std::sync::{Mutex, PoisonError};

use super::builder::Builder;
use super::executor::{Plan, Ports, Slot, Step, Targets, Workspace};
use super::renderer::check;
use super::weights::Weights;
use crate::base::{Arrays, Cancel, Pool};
use crate::inference::{Encoder, RenderError};
use crate::nets::VaeConfig;
use crate::ops::cpu::blocked::{
    BLOCK, DirectConv, Footprint, Isa, Linear, MapShape, Team, Variant, WinogradConv,
};

/// Height and width of the pictures that the published VAE takes.
const SIZE: usize = 64;

/// Shape of the last map, which the linear layers take.
const LAST: MapShape = MapShape { channels: 64, height: 4, width: 4 };

/// Values in it.
const FEATURES: usize = LAST.channels * LAST.height * LAST.width;

/// Maps from this height on are halved in Winograd's form; smaller ones have too few tiles to fill its matrices.
const WINOGRAD: usize = 16;

/// Pictures whose features are kept for one pass through the linear layers, so that their weights are read once
/// for all of them.
const BATCH: usize = 64;

/// A VAE encoder compiled for the processor.
pub struct PlanEncoder {
    config: VaeConfig,
    /// From a picture to the last map.
    plan: Plan,
    last: Slot,
    /// From the last map to the posterior.
    linears: [Linear; 2],
    pool: Pool,
    /// One a thread.
    workspaces: Vec<Mutex<Workspace>>,
    features: Vec<f32>,
    hidden: Vec<f32>,
    posterior: Vec<f32>,
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
    let mut builder = Builder::new(isa);

    // The first convolution is pointwise on patches, so that one or three channels fill whole blocks.
    let picture = MapShape::new(channels, SIZE, SIZE);
    let mut shape = MapShape::new(channels * BLOCK, SIZE / 2, SIZE / 2);
    let mut map = builder.map(shape);
    builder.push(Step::Patches { shape: picture, output: map });
    let mut inputs = channels;
    for (number, outputs) in [(0, 32), (2, 32), (4, 64), (6, 64)] {
        let (weight, bias) = weights.layer(&format!("layer.{number}"), &[outputs, inputs, 4, 4], outputs)?;
        let active = |output: Slot| Targets { active: Some((output, 0.0)), ..Targets::default() };
        let output;
        if shape.height >= WINOGRAD && number > 0 {
            let conv = WinogradConv::new(isa, Variant::Halve2, shape, outputs, weight, bias, None);
            shape = conv.output();
            output = builder.map(shape);
            builder.push(Step::Winograd { conv, input: map, targets: active(output) });
        } else {
            let footprint = if number == 0 { Footprint::Pointwise } else { Footprint::Halve4x4 };
            let conv = DirectConv::new(isa, footprint, shape, outputs, weight, bias);
            shape = conv.output();
            output = builder.map(shape);
            builder.push(Step::Direct { conv, input: map, targets: active(output) });
        }
        (map, inputs) = (output, outputs);
    }

    // On a 4x4 map a 4x4 convolution is a linear layer; its inputs come in the order of the blocked layout.
    let (weight, bias) = weights.layer("layer.8", &[256, LAST.channels, 4, 4], 256)?;
    let mut reordered = vec![0.0; weight.len()];
    for (i, value) in weight.iter().enumerate() {
        let (out, channel, pixel) = (i / FEATURES, i % FEATURES / BLOCK, i % BLOCK);
        reordered[out * FEATURES + (channel / BLOCK * BLOCK + pixel) * BLOCK + channel % BLOCK] = *value;
    }
    let first = Linear::to_row(isa, FEATURES, &reordered, bias, 0.0);
    let (weight, bias) = weights.layer("layer.11", &[2 * c_dim, 256], 2 * c_dim)?;
    let second = Linear::to_row(isa, 256, weight, bias, 1.0);

    let plan = builder.finish()?;
    let workspaces = (0..pool.threads()).map(|_| Mutex::new(Workspace::new(&plan, 1))).collect();
    Ok(PlanEncoder {
        config: *config,
        plan,
        last: map,
        features: vec![0.0; BATCH * FEATURES],
        hidden: vec![0.0; BATCH * first.output_len()],
        posterior: vec![0.0; BATCH * second.output_len()],
        linears: [first, second],
        pool: pool.clone(),
        workspaces,
    })
}

impl PlanEncoder {
    /// Multiply-adds of one picture as this plan computes it.
    pub fn multiply_adds(&self) -> usize {
        self.plan.steps.iter().map(Step::multiply_adds).sum::<usize>()
            + self.linears.iter().map(Linear::multiply_adds).sum::<usize>()
    }

    /// Encodes up to [`BATCH`] pictures into `posterior`.
    fn encode_batch(&mut self, pictures: &[f32], count: usize) {
        let Self { plan, last, linears, pool, workspaces, features, hidden, posterior, config } = self;
        let picture_len = config.channels * SIZE * SIZE;
        let threads = pool.threads();
        pool.run(|| {
            Team::gather(threads, |team| {
                let rows: Vec<Mutex<&mut [f32]>> =
                    features.chunks_exact_mut(FEATURES).take(count).map(Mutex::new).collect();
                team.for_each(count, |worker, picture| {
                    let mut workspace = workspaces[worker].lock().unwrap_or_else(PoisonError::into_inner);
                    let mut row = rows[picture].lock().unwrap_or_else(PoisonError::into_inner);
                    let input = &pictures[picture * picture_len..(picture + 1) * picture_len];
                    let ports = Ports { input, sink: None, clock: None };
                    workspace.run(plan, &ports, &Cancel::new(), &Team::solo());
                    let map = workspace.values(*last);
                    for (i, line) in row.chunks_exact_mut(LAST.width * BLOCK).enumerate() {
                        let at = LAST.at(i / LAST.height, i % LAST.height, 0);
                        line.copy_from_slice(&map[at..at + LAST.width * BLOCK]);
                    }
                });
                linears[0].run(count, features, FEATURES, hidden, team);
                linears[1].run(count, hidden, linears[0].output_len(), posterior, team);
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
            let stride = self.linears[1].output_len();
            for (i, row) in self.posterior.chunks_exact(stride).take(batch).enumerate() {
                let to = (first + i) * c_dim..(first + i + 1) * c_dim;
                mu[to.clone()].copy_from_slice(&row[..c_dim]);
                logvar[to].copy_from_slice(&row[c_dim..2 * c_dim]);
            }
        }
        Ok(())
    }
}
