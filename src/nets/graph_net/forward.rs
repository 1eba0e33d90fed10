use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use crate::graph::{Convolution, Operation};

use super::chain::Chain;
use super::compute::Parameters;
use super::step::Step;
use super::{GraphNet, Pass, spectral};

impl GraphNet {
    /// What the network makes of `inputs`, one for each of its inputs, with the batch as their first axis. Parameters that are
    /// trainable are differentiable, once, by [`ops::backward`].
    ///
    /// # Errors
    /// When inputs are missing or have other shapes, there is an operation that cannot be trained, or the device fails.
    pub fn forward(&self, inputs: &[Tensor]) -> Result<Pass> {
        self.pass(inputs, None)
    }

    /// The same of inputs of which `earlier` was computed, by a network of the same graph with the same values of its weights,
    /// but for which of them are trainable. What was computed then is not computed again.
    ///
    /// # Errors
    /// As [`GraphNet::forward`].
    pub fn forward_again(&self, inputs: &[Tensor], earlier: &Pass) -> Result<Pass> {
        self.pass(inputs, Some(earlier))
    }

    /// The same as [`GraphNet::forward`] with every operation by itself, as [`GraphNet::input_gradient`] needs it.
    ///
    /// # Errors
    /// As [`GraphNet::forward`].
    pub fn forward_by_operations(&self, inputs: &[Tensor]) -> Result<Pass> {
        let mut pass = self.empty_pass()?;
        let mut inputs = inputs.iter();
        for step in &self.steps {
            self.take(step, &mut inputs, &mut pass)?;
        }
        Ok(pass)
    }

    fn empty_pass(&self) -> Result<Pass> {
        Ok(Pass {
            results: vec![None; self.values],
            outputs: self.outputs.clone(),
            statistics: Vec::new(),
            normalised: self.normalised()?,
            chains: Vec::new(),
        })
    }

    /// Runs every part; chains are those of `earlier` where it is given.
    fn pass(&self, inputs: &[Tensor], earlier: Option<&Pass>) -> Result<Pass> {
        let mut pass = self.empty_pass()?;
        let mut inputs = inputs.iter();
        for part in &self.parts {
            match &part[..] {
                [step] => self.take(step, &mut inputs, &mut pass)?,
                [first, .., last] => {
                    let parameters: Vec<Parameters> =
                        part.iter().map(|step| self.parameters(step, &pass)).collect::<Result<_>>()?;
                    let x = pass.result(first.inputs[0])?.clone();
                    let chain = match earlier.map(|earlier| earlier.chains.get(pass.chains.len())) {
                        Some(Some(chain)) => chain.clone(),
                        Some(None) => bail!("the pass was not of this network"),
                        None => Arc::new(Chain::run(part, &parameters, &x)?),
                    };
                    pass.results[last.output] = Some(chain.joined(&x, parameters)?);
                    pass.statistics.extend(chain.statistics());
                    pass.chains.push(chain);
                }
                [] => {}
            }
        }
        Ok(pass)
    }

    /// Computes one step.
    fn take<'a>(
        &self,
        step: &Step,
        inputs: &mut impl Iterator<Item = &'a Tensor>,
        pass: &mut Pass,
    ) -> Result<()> {
        let result = match (&step.operation, inputs) {
            (Operation::Input(_), inputs) => match inputs.next() {
                Some(input) => input.clone(),
                None => bail!("the network takes another input"),
            },
            _ => {
                let operands =
                    step.inputs.iter().map(|&value| pass.result(value)).collect::<Result<Vec<_>>>()?;
                let made = step.compute(&operands, &self.parameters(step, pass)?)?;
                pass.statistics.extend(made.1);
                made.0
            }
        };
        pass.results[step.output] = Some(result);
        Ok(())
    }

    /// The parameters of `step` as they are in `pass`.
    fn parameters(&self, step: &Step, pass: &Pass) -> Result<Parameters> {
        let Some(name) = step.operation.name() else { return Ok(Parameters::default()) };
        let weight = match &step.operation {
            Operation::Convolution(layer) => self.dense_weight(layer, pass)?,
            _ => self.weight(name, pass)?,
        };
        let bias =
            step.operation.has_bias().then(|| self.weights.get(&format!("{name}.bias"))).transpose()?;
        Ok(Parameters { weight: Some(weight), bias })
    }

    /// The weights of layers that are spectrally normalised, as they are in this pass.
    fn normalised(&self) -> Result<BTreeMap<String, Tensor>> {
        let names = self.steps.iter().filter_map(|step| step.operation.name());
        let is_plain = |name: &str| self.weights.find(&format!("{name}.weight")).is_some();
        names
            .filter(|name| !is_plain(name))
            .map(|name| Ok((name.to_owned(), spectral::weight(&self.weights, name)?)))
            .collect()
    }

    /// The weight of a layer as it is in `pass`.
    pub(super) fn weight(&self, name: &str, pass: &Pass) -> Result<Tensor> {
        match pass.normalised.get(name) {
            Some(weight) => Ok(weight.clone()),
            None => self.weights.get(&format!("{name}.weight")),
        }
    }

    /// The weight of a convolution of square kernels. One of each channel by itself is that of a convolution without groups
    /// whose other weights are zero.
    pub(super) fn dense_weight(&self, layer: &Convolution, pass: &Pass) -> Result<Tensor> {
        let weight = self.weight(&layer.name, pass)?;
        let is_square = layer.kernel[0] == layer.kernel[1] && layer.padding[0] == layer.padding[1];
        match layer.groups {
            1 if is_square => Ok(weight),
            groups if is_square && groups == layer.inputs && groups == layer.outputs => {
                let own = Tensor::eye(groups, weight.dtype(), weight.device())?;
                weight.broadcast_mul(&own.reshape((groups, groups, 1, 1))?)
            }
            _ => bail!("convolution {} has sizes that cannot be trained", layer.name),
        }
    }
}
