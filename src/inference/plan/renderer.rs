use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::executor::{Ports, Workspace};
use super::lower::lower;
use super::profile::{StepTime, step_times};
use super::steps::{Outputs, Plan};
use crate::base::{Arrays, Cancel, Picture, Pool};
use crate::graph::Graph;
use crate::inference::tensors::renderer_ends;
use crate::inference::{Outcome, RenderError, Renderer};
use crate::ops::cpu::blocked::{PixelSink, Team};
use crate::ops::cpu::element::Element;
use crate::ops::cpu::isa::Isa;

/// Maps smaller than this (in f32) let each thread of a batch have a workspace of its own; larger ones are
/// computed by all threads together, one picture after the other.
const OWN_WORKSPACE: usize = 8 << 20;

/// A network from codes to pictures compiled for the processor, with maps and weights of `E`: f32 or bf16.
pub struct PlanRenderer<E> {
    plan: Plan<E>,
    code_dim: usize,
    shape: [usize; 3],
    /// The picture is `sigmoid(gain * output)`: 1 for logits, 2 for what tanh would be applied to.
    gain: f32,
    pool: Pool,
    /// The first is for all threads together; the others, made when a batch first needs them, for one each.
    workspaces: Vec<Mutex<Workspace>>,
}

#[allow(private_bounds, reason = "f32 and bf16 are all that there are")]
impl<E: Element> PlanRenderer<E> {
    /// Compiles a network from one code to a picture that ends in [`crate::graph::Operation::ToPixels`]; other weights may
    /// lie beside its own. The pool is used for nothing else while it renders.
    ///
    /// # Errors
    /// [`RenderError::Unsupported`] where there is no kernel for the network, and when it does not draw a picture of a code,
    /// cannot be computed, or its weights do not fit.
    pub fn compile(graph: &Graph, weights: &Arrays, pool: &Pool) -> Result<Self, RenderError> {
        Self::compile_for(Isa::detect(), graph, weights, pool)
    }

    pub(super) fn compile_for(
        isa: Isa,
        graph: &Graph,
        weights: &Arrays,
        pool: &Pool,
    ) -> Result<Self, RenderError> {
        let (code_dim, shape) = renderer_ends(graph)?;
        let plan = pool.run(|| lower(isa, graph, weights))?;
        let Outputs::Picture { gain } = plan.result else {
            return Err(RenderError::Unsupported("a picture without a sigmoid or tanh at its end".into()));
        };
        let workspaces = vec![Mutex::new(Workspace::new(&plan, pool.threads()))];
        Ok(Self { plan, code_dim, shape, gain, pool: pool.clone(), workspaces })
    }

    /// Multiply-adds of one picture as this plan computes it.
    pub fn multiply_adds(&self) -> usize {
        self.plan.multiply_adds()
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
                    let mut ports = Ports { input: code, sink: Some(sink), clock };
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
                    let mut ports = Ports { input: code, sink: Some(&mut *sink), clock: None };
                    let mut workspace =
                        this.workspaces[worker].lock().unwrap_or_else(PoisonError::into_inner);
                    workspace.run(&this.plan, &mut ports, cancel, &Team::solo());
                });
            });
        });
        if cancel.is_cancelled() { Outcome::Cancelled } else { Outcome::Done }
    }
}

impl<E: Element> Renderer for PlanRenderer<E> {
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
