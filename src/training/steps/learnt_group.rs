use candle_core::{Device, Result, Tensor};

use crate::base::Arrays;
use crate::nets::Weights;
use crate::ops;
use crate::optim::{Gradients, Optimiser, Rule};

use super::ledger::Ledger;
use super::saved::{extend, part_of};

/// Weights that one optimiser moves.
pub(in crate::training) struct LearntGroup {
    pub(in crate::training) weights: Weights,
    optimiser: Optimiser,
}

impl LearntGroup {
    pub(in crate::training) fn new(weights: &Arrays, rule: Rule, device: &Device) -> Result<Self> {
        Self::over(Weights::trainable(weights, device)?, rule)
    }

    /// One that moves `weights`, which others may move as well.
    pub(in crate::training) fn over(weights: Weights, rule: Rule) -> Result<Self> {
        let optimiser = Optimiser::new(rule, &weights)?;
        Ok(Self { weights, optimiser })
    }

    /// The gradients of `loss` in these weights.
    pub(in crate::training) fn backward(&self, loss: &Tensor) -> Result<Gradients> {
        Ok(Gradients::take(&mut ops::backward(loss)?, &self.weights))
    }

    /// Makes the next step ready, at a learning rate that holds from here on where there is one.
    pub(in crate::training) fn prepare(&mut self, rate: Option<f64>) -> Result<()> {
        if let Some(rate) = rate {
            self.optimiser.set_learning_rate(rate);
        }
        self.optimiser.prepare()
    }

    /// Moves the weights, if the turn was finite.
    pub(in crate::training) fn apply(&mut self, gradients: &Gradients, ledger: &Ledger) -> Result<()> {
        self.optimiser.apply(gradients, ledger.gate())
    }

    /// A whole step, whatever else the turn finds.
    pub(in crate::training) fn step(&mut self, gradients: &Gradients) -> Result<()> {
        self.optimiser.step(gradients)
    }

    /// Notes that they have moved.
    pub(in crate::training) fn count(&mut self) {
        self.optimiser.count();
    }

    /// Whether the batch normalisation `name` keeps its running statistics here.
    pub(in crate::training) fn has_statistics(&self, name: &str) -> bool {
        self.weights.buffer(&format!("{name}.running_mean")).is_ok()
    }

    /// Adds the optimiser's running means to `state` as `{name}_optimiser.*`.
    pub(in crate::training) fn save_optimiser(&self, name: &str, state: &mut Arrays) -> Result<()> {
        extend(state, &format!("{name}_optimiser."), self.optimiser.state()?);
        Ok(())
    }

    /// Continues from what [`LearntGroup::save_optimiser`] added.
    pub(in crate::training) fn restore_optimiser(&mut self, name: &str, state: &Arrays) -> Result<()> {
        self.optimiser.restore(&part_of(state, &format!("{name}_optimiser.")))
    }
}
