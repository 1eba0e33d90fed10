//! Steps that follow one another, run as one operation of candle's graph (see [`ops::composite`]).

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use crate::graph::{Activation, Operation};
use crate::ops::{self, Around, BatchNormPass};

use super::Statistics;
use super::compute::{Parameters, covers, halvings, spread_over_blocks};
use super::step::Step;

/// What steps that follow one another made of one batch, outside the graph, with what their way back needs.
#[derive(Debug)]
pub(super) struct Chain {
    links: Vec<Link>,
    result: Tensor,
}

/// One step.
#[derive(Debug)]
struct Link {
    step: Step,
    /// What it was given.
    x: Tensor,
    /// Its parameters' values.
    parameters: Parameters,
    /// Its way back where it normalises, and what it has seen.
    normalised: Option<(BatchNormPass, Statistics)>,
}

impl Chain {
    /// Whether `step` can be a link, given one input.
    pub(super) fn takes(step: &Step) -> bool {
        match &step.operation {
            Operation::Linear(_)
            | Operation::BatchNorm { .. }
            | Operation::Double
            | Operation::Reshape(_) => true,
            Operation::Convolution(layer) => layer.groups == 1,
            Operation::TransposedConvolution(layer) => layer.output_padding == 0,
            Operation::Activation(activation) => {
                matches!(activation, Activation::LeakyRelu(_) | Activation::Tanh | Activation::Sigmoid)
            }
            Operation::AveragePool(pool) => halvings(pool).is_some(),
            _ => false,
        }
    }

    /// Runs `steps` on what the first of them takes.
    pub(super) fn run(steps: &[Step], parameters: &[Parameters], x: &Tensor) -> Result<Self> {
        let mut result = x.detach();
        let mut links = Vec::with_capacity(steps.len());
        for (step, parameters) in steps.iter().zip(parameters) {
            let (x, parameters) = (result, parameters.fixed());
            let mut normalised = None;
            result = match &step.operation {
                Operation::BatchNorm { name, epsilon, .. } => {
                    let [gain, shift] = parameters.both()?;
                    let (made, pass) = BatchNormPass::run([&x, gain, shift], *epsilon, step.slope)?;
                    normalised = Some((pass, Statistics::of(name, &made, &x)?));
                    made.result
                }
                _ => step.compute(&[&x], &parameters)?.0,
            };
            links.push(Link { step: step.clone(), x, parameters, normalised });
        }
        Ok(Self { links, result })
    }

    /// What its batch normalisations have seen.
    pub(super) fn statistics(&self) -> impl Iterator<Item = Statistics> {
        self.links.iter().filter_map(|link| link.normalised.as_ref()).map(|(_, seen)| seen.clone())
    }

    /// Its result as one operation of the graphs of `x` and of `parameters`, which have the values that it was run with.
    pub(super) fn joined(self: &Arc<Self>, x: &Tensor, parameters: Vec<Parameters>) -> Result<Tensor> {
        let chain = self.clone();
        let all: Vec<Tensor> = parameters.iter().flat_map(Parameters::tensors).cloned().collect();
        ops::composite(x, &all, move |_| {
            let result = chain.result.clone();
            Ok((result, Box::new(move |gradient, wanted| chain.backward(&parameters, gradient, wanted))))
        })
    }

    /// The gradient of what the first step took, where it is wanted, from that of the result; those of `parameters` are handed
    /// over.
    fn backward(&self, parameters: &[Parameters], gradient: &Tensor, wanted: bool) -> Result<Option<Tensor>> {
        let mut gradient = match self.links.last().and_then(Link::slope) {
            Some(slope) => ops::leaky_relu_backward(&self.result, gradient, slope)?,
            None => gradient.clone(),
        };
        for (at, (link, parameters)) in self.links.iter().zip(parameters).enumerate().rev() {
            let result = self.links.get(at + 1).map_or(&self.result, |above| &above.x);
            let below = at.checked_sub(1).and_then(|below| self.links[below].slope());
            match link.backward(parameters, result, &gradient, wanted || at > 0, below)? {
                Some(of_x) => gradient = of_x,
                None => return Ok(None),
            }
        }
        Ok(Some(gradient))
    }
}

impl Link {
    /// The slope of the activation behind it, where it leaves the way back through that to the link above.
    fn slope(&self) -> Option<f64> {
        self.step.slope.filter(|_| self.normalised.is_none())
    }

    /// Hands over the gradients of `parameters`, from that of the `result` before the activation, and gives that of what it
    /// took, where it is `wanted`, before an activation of slope `below` there.
    fn backward(
        &self,
        parameters: &Parameters,
        result: &Tensor,
        gradient: &Tensor,
        wanted: bool,
        below: Option<f64>,
    ) -> Result<Option<Tensor>> {
        let x = &self.x;
        // the activation's result is above zero where what it was given is
        let around = Around { mask: below.map(|slope| (x, slope)), ..Around::default() };
        let of_x = match &self.step.operation {
            Operation::Convolution(layer) if !covers(layer, x)? => {
                let (stride, padding) = (layer.stride, layer.padding[0]);
                learn(parameters.weight.as_ref(), || {
                    ops::conv2d_weight_grad(x, gradient, layer.kernel[0], stride, padding)
                })?;
                learn(parameters.bias.as_ref(), || ops::channel_sum(gradient))?;
                let size = (x.dim(2)?, x.dim(3)?);
                let weight = self.parameters.weight()?;
                return wanted
                    .then(|| ops::conv2d_input_grad_fused(gradient, weight, size, stride, padding, &around))
                    .transpose();
            }
            Operation::TransposedConvolution(layer) => {
                let (stride, padding) = (layer.stride, layer.padding[0]);
                learn(parameters.weight.as_ref(), || {
                    ops::conv2d_weight_grad(gradient, x, layer.kernel[0], stride, padding)
                })?;
                learn(parameters.bias.as_ref(), || ops::channel_sum(gradient))?;
                let weight = self.parameters.weight()?;
                return wanted
                    .then(|| ops::conv2d_fused(gradient, weight, stride, padding, &around))
                    .transpose();
            }
            Operation::Convolution(_) | Operation::Linear(_) => {
                let gradient = gradient.flatten_from(1)?;
                learn(parameters.weight.as_ref(), || {
                    let product = ops::linear_weight_grad(&x.flatten_from(1)?, &gradient)?;
                    product.reshape(self.parameters.weight()?.shape())
                })?;
                learn(parameters.bias.as_ref(), || ops::row_sum(&gradient))?;
                if !wanted {
                    return Ok(None);
                }
                ops::linear_input_grad(&gradient, &self.parameters.rows(gradient.dim(1)?)?)?
                    .reshape(x.shape())?
            }
            Operation::BatchNorm { .. } => {
                let Some((pass, _)) = &self.normalised else {
                    bail!("a batch normalisation that was not run")
                };
                let [of_x, of_gain, of_shift] = pass.gradients(gradient)?;
                learn(parameters.weight.as_ref(), || Ok(of_gain))?;
                learn(parameters.bias.as_ref(), || Ok(of_shift))?;
                of_x
            }
            Operation::Activation(Activation::LeakyRelu(slope)) => {
                ops::leaky_relu_backward(x, gradient, *slope)?
            }
            Operation::Activation(Activation::Tanh) => ops::tanh_backward(result, gradient)?,
            Operation::Activation(Activation::Sigmoid) => (gradient * (result - result.sqr()?)?)?,
            Operation::Double => ops::sum_pool_2x2(gradient)?,
            Operation::AveragePool(pool) if let Some(times) = halvings(pool) => {
                spread_over_blocks(gradient, times)?
            }
            Operation::Reshape(_) => gradient.reshape(x.shape())?,
            other => bail!("{other} is no link of a chain"),
        };
        match below {
            Some(slope) => ops::leaky_relu_backward(x, &of_x, slope).map(Some),
            None => Ok(Some(of_x)),
        }
    }
}

/// Hands over the gradient of `parameter`, where there is one.
fn learn(parameter: Option<&Tensor>, gradient: impl FnOnce() -> Result<Tensor>) -> Result<()> {
    parameter.map_or(Ok(()), |parameter| ops::accumulate_gradient(parameter, gradient))
}
