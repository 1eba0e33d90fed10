use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::executor::Workspace;
use super::lower::lower;
use super::profile::{StepTime, median};
use super::renderer::check;
use super::steps::{GROUP, Outputs, Plan, RowPart, Slot, Step};
use crate::base::{Arrays, Pool};
use crate::graph::Graph;
use crate::inference::tensors::{EncoderEnds, encoder_ends};
use crate::inference::{Encoder, RenderError};
use crate::ops::cpu::blocked::Team;
use crate::ops::cpu::element::Element;
use crate::ops::cpu::isa::Isa;

/// Pictures whose features are kept for one pass through the linear layers at the end, so that their weights are read once
/// for all of them.
const BATCH: usize = 64;

/// A network from pictures to the posterior of a code compiled for the processor, with maps and weights of `E`: f32 or bf16.
pub struct PlanEncoder<E> {
    plan: Plan<E>,
    ends: EncoderEnds,
    /// Where the mean is.
    mu: RowPart,
    /// Where the log variance is, unless it is always the same.
    logvar: Option<RowPart>,
    pool: Pool,
    /// One a thread.
    workspaces: Vec<Mutex<Workspace>>,
    head: Head,
}

/// The linear layers at the end, which all threads run together.
struct Head {
    /// What the first one takes.
    features: Slot,
    /// The rows of up to [`BATCH`] pictures, by buffer; empty for those that are not the head's.
    rows: Vec<Vec<f32>>,
}

#[allow(private_bounds, reason = "f32 and bf16 are all that there are")]
impl<E: Element> PlanEncoder<E> {
    /// Compiles a network from one picture to the mean of a code and, where it knows it, the log variance; other weights may
    /// lie beside its own.
    ///
    /// # Errors
    /// [`RenderError::Unsupported`] where there is no kernel for the network, and when it does not give a posterior, cannot be
    /// computed, or its weights do not fit.
    pub fn compile(graph: &Graph, weights: &Arrays, pool: &Pool) -> Result<Self, RenderError> {
        Self::compile_for(Isa::detect(), graph, weights, pool)
    }

    pub(super) fn compile_for(
        isa: Isa,
        graph: &Graph,
        weights: &Arrays,
        pool: &Pool,
    ) -> Result<Self, RenderError> {
        let (ends, graph) = encoder_ends(graph)?;
        let plan = pool.run(|| lower(isa, &graph, weights))?;
        let (Outputs::Rows(parts), Some(Step::Linear { input, .. })) = (&plan.result, plan.head().first())
        else {
            return Err(RenderError::Unsupported("a posterior that no linear layer gives".into()));
        };
        let (mu, logvar) = match parts[..] {
            [mu] => (mu, None),
            [mu, logvar] => (mu, Some(logvar)),
            _ => return Err(RenderError::Unsupported("other rows than mean and log variance".into())),
        };
        let head = Head::new(&plan, *input);
        if parts.iter().any(|part| head.rows[part.slot].is_empty()) {
            return Err(RenderError::Unsupported(
                "a posterior that other layers than the last ones give".into(),
            ));
        }
        Ok(Self {
            ends,
            mu,
            logvar,
            head,
            workspaces: (0..pool.threads()).map(|_| Mutex::new(Workspace::new(&plan, 1))).collect(),
            plan,
            pool: pool.clone(),
        })
    }

    /// Multiply-adds of one picture as this plan computes it.
    pub fn multiply_adds(&self) -> usize {
        self.plan.multiply_adds()
    }

    /// Encodes up to 64 of `pictures` on one thread `repeat` times and says how long each step took for all of them.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn profile(&mut self, pictures: &[f32], repeat: usize) -> Result<Vec<StepTime>, RenderError> {
        let picture_len = self.picture_len();
        let count = pictures.len() / picture_len;
        check("pictures", count * picture_len, pictures.len())?;
        let count = count.min(BATCH);
        let Self { plan, workspaces, head, .. } = self;
        let workspace = workspaces[0].get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut runs = vec![Vec::new(); plan.steps.len()];
        for _ in 0..repeat.max(1) {
            let mut seconds = vec![0.0; plan.steps.len()];
            let mut last = Instant::now();
            let mut clock = |step: usize| {
                seconds[step] += last.elapsed().as_secs_f64();
                last = Instant::now();
            };
            let groups = pictures[..count * picture_len].chunks(GROUP * picture_len);
            let rows = head.rows[head.features].chunks_mut(GROUP * plan.slots[head.features]);
            for (pictures, rows) in groups.zip(rows) {
                workspace.run_group(plan, pictures, picture_len, &mut clock);
                let rows_len = pictures.len() / picture_len * plan.slots[head.features];
                rows[..rows_len].copy_from_slice(&workspace.row(head.features)[..rows_len]);
            }
            head.run(plan, count, &Team::solo(), &mut clock);
            runs.iter_mut().zip(seconds).for_each(|(runs, seconds)| runs.push(seconds));
        }
        let steps = plan.steps.iter().zip(runs);
        let time = |(step, seconds): (&Step<E>, Vec<f64>)| StepTime {
            what: step.describe(),
            seconds: median(seconds),
            multiply_adds: count * step.multiply_adds(),
        };
        Ok(steps.map(time).collect())
    }

    fn picture_len(&self) -> usize {
        self.ends.picture_shape.iter().product()
    }

    /// Encodes up to [`BATCH`] pictures, whose posteriors are then in the head's rows.
    fn encode_batch(&mut self, pictures: &[f32], count: usize) {
        let picture_len = self.picture_len();
        let Self { plan, pool, workspaces, head, .. } = self;
        let threads = pool.threads();
        // As many groups as there are threads, or a multiple where that would be more pictures than a group takes.
        let group = count.div_ceil(threads * count.div_ceil(threads * GROUP));
        let features = plan.slots[head.features];
        pool.run(|| {
            Team::gather(threads, |team| {
                let rows = head.rows[head.features][..count * features].chunks_mut(group * features);
                let rows: Vec<Mutex<&mut [f32]>> = rows.map(Mutex::new).collect();
                team.for_each(rows.len(), |worker, number| {
                    let mut workspace = workspaces[worker].lock().unwrap_or_else(PoisonError::into_inner);
                    let mut rows = rows[number].lock().unwrap_or_else(PoisonError::into_inner);
                    let pictures = &pictures[number * group * picture_len..];
                    let length = rows.len();
                    let pictures = &pictures[..length / features * picture_len];
                    workspace.run_group(plan, pictures, picture_len, &mut |_| ());
                    rows.copy_from_slice(&workspace.row(head.features)[..length]);
                });
                drop(rows);
                head.run(plan, count, team, &mut |_| ());
            });
        });
    }
}

impl Head {
    fn new<E: Element>(plan: &Plan<E>, features: Slot) -> Self {
        let mut rows = vec![Vec::new(); plan.slots.len()];
        for slot in plan.head().iter().flat_map(Step::slots) {
            rows[slot] = vec![0.0; BATCH * plan.slots[slot]];
        }
        Self { features, rows }
    }

    /// Runs the layers for the first `count` rows. `done` is told the number of each step.
    fn run<E: Element>(
        &mut self,
        plan: &Plan<E>,
        count: usize,
        team: &Team<'_>,
        done: &mut dyn FnMut(usize),
    ) {
        let first = plan.single + plan.grouped;
        for (number, step) in plan.steps.iter().enumerate().skip(first) {
            if let Step::Linear { layer, input, output } = step {
                let mut out = std::mem::take(&mut self.rows[*output]);
                layer.run(count, &self.rows[*input], plan.slots[*input], &mut out, team);
                self.rows[*output] = out;
            }
            done(number);
        }
    }
}

impl<E: Element> Encoder for PlanEncoder<E> {
    fn code_dim(&self) -> usize {
        self.ends.code_dim
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.ends.picture_shape
    }

    fn encode(&mut self, pictures: &[f32], mu: &mut [f32], logvar: &mut [f32]) -> Result<(), RenderError> {
        let (c_dim, picture_len) = (self.code_dim(), self.picture_len());
        let count = pictures.len() / picture_len;
        check("pictures", count * picture_len, pictures.len())?;
        check("mu", count * c_dim, mu.len())?;
        check("logvar", count * c_dim, logvar.len())?;
        if let Some(always) = self.ends.logvar {
            logvar.fill(always);
        }
        for first in (0..count).step_by(BATCH) {
            let batch = BATCH.min(count - first);
            self.encode_batch(&pictures[first * picture_len..(first + batch) * picture_len], batch);
            let targets = [(&mut *mu, Some(self.mu)), (&mut *logvar, self.logvar)];
            for (target, part) in targets.into_iter().filter_map(|(target, part)| Some((target, part?))) {
                let rows = self.head.rows[part.slot].chunks_exact(self.plan.slots[part.slot]);
                let targets = target[first * c_dim..(first + batch) * c_dim].chunks_exact_mut(c_dim);
                for (target, row) in targets.zip(rows) {
                    let values = row[part.start..].iter().step_by(part.step).take(part.length);
                    target.iter_mut().zip(values).for_each(|(target, value)| *target = *value);
                }
            }
        }
        Ok(())
    }
}
