use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::executor::{Plan, Ports, Workspace};
use super::profile::{StepTime, step_times};
use super::weights::Weights;
use super::{resnet, transposed};
use crate::base::{Arrays, Cancel, Picture, Pool};
use crate::inference::{Outcome, RenderError, Renderer};
use crate::nets::{GeneratorConfig, VaeConfig};
use crate::ops::cpu::blocked::{PixelSink, Team};
use crate::ops::cpu::isa::Isa;

/// Maps smaller than this (in values) let each thread of a batch have a workspace of its own; larger ones are
/// computed by all threads together, one picture after the other.
const OWN_WORKSPACE: usize = 8 << 20;

/// A generator or decoder compiled for the processor.
pub struct PlanRenderer {
    plan: Plan,
    code_dim: usize,
    shape: [usize; 3],
    /// The picture is `sigmoid(gain * output)`: 1 for logits, 2 for what tanh would be applied to.
    gain: f32,
    pool: Pool,
    /// The first is for all threads together; the others, made when a batch first needs them, for one each.
    workspaces: Vec<Mutex<Workspace>>,
}

/// Compiles a generator. Weights have their state-dict names (`fc.weight`, `resnet.0.conv_0.weight`, or
/// `layer.0.weight` for the small one). The pool is used for nothing else while it renders.
///
/// # Errors
/// When a tensor is missing or has another shape than the configuration says.
pub fn compile_generator(
    config: &GeneratorConfig,
    weights: &Arrays,
    pool: &Pool,
) -> Result<PlanRenderer, RenderError> {
    compile_generator_for(Isa::detect(), config, weights, pool)
}

/// Compiles a VAE's decoder, whose weights are named `decoder.layer.0.weight` and so on.
///
/// # Errors
/// As [`compile_generator`].
pub fn compile_decoder(
    config: &VaeConfig,
    weights: &Arrays,
    pool: &Pool,
) -> Result<PlanRenderer, RenderError> {
    compile_decoder_for(Isa::detect(), config, weights, pool)
}

pub(super) fn compile_generator_for(
    isa: Isa,
    config: &GeneratorConfig,
    weights: &Arrays,
    pool: &Pool,
) -> Result<PlanRenderer, RenderError> {
    let weights = Weights::new(weights, "");
    let plan = pool.run(|| match config {
        GeneratorConfig::Small { z_dim, channels } => transposed::compile(isa, *z_dim, *channels, &weights),
        GeneratorConfig::Resnet { z_dim, trunk } => resnet::compile(isa, *z_dim, trunk, &weights),
    })?;
    let shape = [config.channels(), config.size(), config.size()];
    Ok(PlanRenderer::new(plan, config.z_dim(), shape, 2.0, pool))
}

pub(super) fn compile_decoder_for(
    isa: Isa,
    config: &VaeConfig,
    weights: &Arrays,
    pool: &Pool,
) -> Result<PlanRenderer, RenderError> {
    let plan = transposed::compile(isa, config.c_dim, config.channels, &Weights::new(weights, "decoder."))?;
    Ok(PlanRenderer::new(plan, config.c_dim, [config.channels, VaeConfig::SIZE, VaeConfig::SIZE], 1.0, pool))
}

impl PlanRenderer {
    fn new(plan: Plan, code_dim: usize, shape: [usize; 3], gain: f32, pool: &Pool) -> Self {
        let workspaces = vec![Mutex::new(Workspace::new(&plan, pool.threads()))];
        Self { plan, code_dim, shape, gain, pool: pool.clone(), workspaces }
    }

    /// Multiply-adds of one picture as this plan computes it.
    pub fn multiply_adds(&self) -> usize {
        self.plan.steps.iter().map(super::executor::Step::multiply_adds).sum()
    }

    /// Renders `code` `repeat` times and says how long each step took: the median of its times.
    ///
    /// # Errors
    /// As [`Renderer::render`].
    pub fn profile(&mut self, code: &[f32], repeat: usize) -> Result<Vec<StepTime>, RenderError> {
        check("code", self.code_dim, code.len())?;
        let mut pixels = vec![0; 4 * self.shape[1] * self.shape[2]];
        let mut runs = Vec::with_capacity(repeat);
        for _ in 0..repeat.max(1) {
            let clock = Mutex::new(vec![Instant::now()]);
            let sink = PixelSink::rgba(&mut pixels, self.gain);
            self.render_together(code, &mut [sink], &Cancel::new(), Some(&clock));
            runs.push(clock.into_inner().unwrap_or_default());
        }
        Ok(step_times(&self.plan, &runs))
    }

    /// Renders pictures one after the other, each by all threads.
    fn render_together(
        &mut self,
        codes: &[f32],
        sinks: &mut [PixelSink<'_>],
        cancel: &Cancel,
        clock: Option<&Mutex<Vec<Instant>>>,
    ) -> Outcome {
        // A panic in an earlier render leaves nothing that the next one reads.
        let workspace = self.workspaces[0].get_mut().unwrap_or_else(PoisonError::into_inner);
        let (plan, code_dim) = (&self.plan, self.code_dim);
        let threads = self.pool.threads();
        self.pool.run(|| {
            Team::gather(threads, |team| {
                for (code, sink) in codes.chunks_exact(code_dim).zip(sinks) {
                    let mut ports = Ports { input: code, sink, clock };
                    if workspace.run(plan, &mut ports, cancel, team) == Outcome::Cancelled {
                        return Outcome::Cancelled;
                    }
                }
                Outcome::Done
            })
        })
    }

    /// Renders pictures side by side, each by one thread.
    fn render_apart(&mut self, codes: &[f32], sinks: Vec<PixelSink<'_>>, cancel: &Cancel) -> Outcome {
        let threads = self.pool.threads();
        while self.workspaces.len() < threads {
            self.workspaces.push(Mutex::new(Workspace::new(&self.plan, 1)));
        }
        let this = &*self;
        let sinks: Vec<_> = sinks.into_iter().map(Mutex::new).collect();
        this.pool.run(|| {
            Team::gather(threads, |team| {
                team.for_each(sinks.len(), |worker, picture| {
                    let code = &codes[picture * this.code_dim..(picture + 1) * this.code_dim];
                    let mut sink = sinks[picture].lock().unwrap_or_else(PoisonError::into_inner);
                    let mut ports = Ports { input: code, sink: &mut sink, clock: None };
                    let mut workspace =
                        this.workspaces[worker].lock().unwrap_or_else(PoisonError::into_inner);
                    workspace.run(&this.plan, &mut ports, cancel, &Team::solo());
                });
            });
        });
        if cancel.is_cancelled() { Outcome::Cancelled } else { Outcome::Done }
    }
}

impl Renderer for PlanRenderer {
    fn code_dim(&self) -> usize {
        self.code_dim
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.shape
    }

    fn render(
        &mut self,
        codes: &[f32],
        pictures: &mut [f32],
        cancel: &Cancel,
    ) -> Result<Outcome, RenderError> {
        let count = codes.len() / self.code_dim;
        let picture_len: usize = self.shape.iter().product();
        check("codes", count * self.code_dim, codes.len())?;
        check("pictures", count * picture_len, pictures.len())?;
        let gain = self.gain;
        let mut sinks: Vec<PixelSink<'_>> =
            pictures.chunks_exact_mut(picture_len).map(|picture| PixelSink::planes(picture, gain)).collect();
        let own = self.plan.slots.iter().sum::<usize>() <= OWN_WORKSPACE;
        Ok(if own && count >= self.pool.threads() && count > 1 {
            self.render_apart(codes, sinks, cancel)
        } else {
            self.render_together(codes, &mut sinks, cancel, None)
        })
    }

    fn render_picture(
        &mut self,
        code: &[f32],
        picture: &mut Picture,
        cancel: &Cancel,
    ) -> Result<Outcome, RenderError> {
        check("code", self.code_dim, code.len())?;
        let [_, height, width] = self.shape;
        if (picture.width(), picture.height()) != (width, height) {
            *picture = Picture::filled(width, height, [0, 0, 0, 255]);
        }
        let sink = PixelSink::rgba(picture.rgba_mut(), self.gain);
        Ok(self.render_together(code, &mut [sink], cancel, None))
    }
}

pub(super) fn check(what: &'static str, expected: usize, actual: usize) -> Result<(), RenderError> {
    if expected == actual { Ok(()) } else { Err(RenderError::Length { what, expected, actual }) }
}
