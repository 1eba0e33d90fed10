use candle_core::{Result, Tensor, bail};

use crate::graph::{Convolution, Operation};
use crate::ops;

use super::compute::{covers, halvings, spread_over_blocks};
use super::step::Step;
use super::{GraphNet, Pass};

impl GraphNet {
    /// The gradient, in what the network took, of its result `index` times `upstream` (of that result's shape): an expression
    /// of differentiable operations, which one ordinary `backward` differentiates in the weights (R1, WGAN-GP). The network
    /// takes one input, and `pass` is of [`GraphNet::forward_by_operations`].
    ///
    /// # Errors
    /// When there is an operation on the way that has no such expression, or the device fails.
    pub fn input_gradient(&self, pass: &Pass, index: usize, upstream: &Tensor) -> Result<Tensor> {
        let Some(result) = self.outputs.get(index) else { bail!("the network gives no result {index}") };
        let mut gradients: Vec<Option<Tensor>> = vec![None; self.values];
        gradients[result.index()] = Some(upstream.clone());
        for step in self.steps.iter().rev() {
            let Some(gradient) = gradients[step.output].take() else { continue };
            if let Operation::Input(_) = step.operation {
                return Ok(gradient);
            }
            let operand = step.inputs[0];
            let own = self.pulled_back(step, pass, &gradient)?;
            let place = &mut gradients[operand.index()];
            *place = Some(match place.take() {
                Some(other) => (other + own)?,
                None => own,
            });
        }
        bail!("the result {index} does not depend on the network's input")
    }

    /// The gradient of what `step` gives times `gradient`, in what it takes.
    fn pulled_back(&self, step: &Step, pass: &Pass, gradient: &Tensor) -> Result<Tensor> {
        let x = pass.result(step.inputs[0])?;
        let gradient = match (step.slope, &pass.results[step.output]) {
            // the result is above zero where its operand is
            (Some(slope), Some(result)) => &ops::leaky_relu_backward(result, gradient, slope)?,
            _ => gradient,
        };
        match &step.operation {
            Operation::Linear(layer) => gradient.matmul(&self.weight(&layer.name, pass)?),
            Operation::Convolution(layer) => self.convolution_pulled_back(layer, pass, x, gradient),
            Operation::BatchNorm { name, epsilon, .. } => {
                let gain = self.weights.get(&format!("{name}.weight"))?;
                ops::batch_norm_input_gradient(gradient, x, &gain, *epsilon)
            }
            Operation::Activation(crate::graph::Activation::LeakyRelu(slope)) => {
                ops::leaky_relu_backward(x, gradient, *slope)
            }
            Operation::AveragePool(pool) if let Some(times) = halvings(pool) => {
                spread_over_blocks(gradient, times)
            }
            Operation::Weighted { name, .. } => gradient.broadcast_mul(&self.weight(name, pass)?),
            Operation::Double => ops::sum_pool_2x2(gradient),
            Operation::Reshape(_) => gradient.reshape(x.dims()),
            other => bail!("the gradient through {other} is not written as an expression"),
        }
    }

    fn convolution_pulled_back(
        &self,
        layer: &Convolution,
        pass: &Pass,
        x: &Tensor,
        gradient: &Tensor,
    ) -> Result<Tensor> {
        let weight = self.dense_weight(layer, pass)?;
        let (_, _, height, width) = x.dims4()?;
        if covers(layer, x)? {
            let rows = weight.reshape((layer.outputs, weight.elem_count() / layer.outputs))?;
            return gradient.flatten_from(1)?.matmul(&rows)?.reshape(x.dims());
        }
        ops::conv2d_input_grad(gradient, &weight, (height, width), layer.stride, layer.padding[0])
    }
}
