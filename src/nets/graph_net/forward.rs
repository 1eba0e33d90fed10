use std::collections::BTreeMap;

use candle_core::{Result, Tensor, bail};

use crate::graph::{Activation, Convolution, Operation, Pool};
use crate::ops;

use super::step::Step;
use super::{GraphNet, Pass, Statistics, spectral};

impl GraphNet {
    /// What the network makes of `inputs`, one for each of its inputs, with the batch as their first axis. Parameters that are
    /// trainable are differentiable, once.
    ///
    /// # Errors
    /// When inputs are missing or have other shapes, there is an operation that cannot be trained, or the device fails.
    pub fn forward(&self, inputs: &[Tensor]) -> Result<Pass> {
        let mut inputs = inputs.iter();
        let mut pass = Pass {
            results: vec![None; self.values],
            outputs: self.outputs.clone(),
            statistics: Vec::new(),
            normalised: self.normalised()?,
        };
        for step in &self.steps {
            let result = match &step.operation {
                Operation::Input(_) => match inputs.next() {
                    Some(input) => input.clone(),
                    None => bail!("the network takes another input"),
                },
                _ => self.compute(step, &mut pass)?,
            };
            pass.results[step.output] = Some(result);
        }
        Ok(pass)
    }

    fn compute(&self, step: &Step, pass: &mut Pass) -> Result<Tensor> {
        let operands = step.inputs.iter().map(|&value| pass.result(value)).collect::<Result<Vec<_>>>()?;
        let Some(&x) = operands.first() else { bail!("an operation without operands") };
        match &step.operation {
            Operation::Linear(layer) => {
                let bias = self.bias(&layer.name, layer.bias)?;
                ops::linear(x, &self.weight(&layer.name, pass)?, bias.as_ref())
            }
            Operation::Convolution(layer) => self.convolved(layer, x, step.slope, pass),
            Operation::TransposedConvolution(layer) => self.transposed(layer, x, step.slope, pass),
            Operation::BatchNorm { name, epsilon, .. } => {
                let [gain, shift] =
                    ["weight", "bias"].map(|part| self.weights.get(&format!("{name}.{part}")));
                let made = ops::batch_norm(x, &gain?, &shift?, *epsilon, step.slope)?;
                let count = x.elem_count() / x.dim(1)?.max(1);
                pass.statistics.push(Statistics::new(name, made.mean, &made.variance, count)?);
                Ok(made.result)
            }
            Operation::Activation(activation) => activated(x, *activation),
            Operation::Weighted { name, .. } => x.broadcast_mul(&self.weight(name, pass)?),
            Operation::Add { scale } => match operands[..] {
                [first, second] if first.dims() == second.dims() => ops::residual(first, second, *scale),
                [first, second] => first.broadcast_add(&second.affine(*scale, 0.0)?),
                _ => bail!("a sum of {} operands", operands.len()),
            },
            Operation::Multiply => match operands[..] {
                [first, second] => first.broadcast_mul(second),
                _ => bail!("a product of {} operands", operands.len()),
            },
            Operation::Double => ops::upsample_nearest_2x(x),
            Operation::AveragePool(pool) => match halvings(pool) {
                Some(times) => (0..times).try_fold(x.clone(), |x, _| ops::sum_pool_2x2(&x)? * 0.25),
                None => bail!("{} of these windows cannot be trained", step.operation),
            },
            Operation::Reshape(to) => x.reshape(to.batched(x.dim(0)?)),
            Operation::Concat => Tensor::cat(&operands, 1),
            Operation::Slice { start, length, step: 1 } => x.narrow(1, *start, *length)?.contiguous(),
            Operation::Softmax => candle_nn::ops::softmax(x, 1),
            other => bail!("{other} cannot be trained"),
        }
    }

    fn convolved(&self, layer: &Convolution, x: &Tensor, slope: Option<f64>, pass: &Pass) -> Result<Tensor> {
        let (weight, bias) = (self.dense_weight(layer, pass)?, self.bias(&layer.name, layer.bias)?);
        let (stride, padding) = (layer.stride, layer.padding[0]);
        if covers(layer, x)? {
            let rows = weight.reshape((layer.outputs, weight.elem_count() / layer.outputs))?;
            let y = ops::linear(&x.flatten_from(1)?, &rows, bias.as_ref())?;
            let y = y.reshape((x.dim(0)?, layer.outputs, 1, 1))?;
            return slope.map_or(Ok(y.clone()), |slope| ops::leaky_relu(&y, slope));
        }
        let activation = slope.map_or(ops::Activation::None, ops::Activation::After);
        ops::conv2d_act(x, &weight, bias.as_ref(), stride, padding, activation)
    }

    fn transposed(&self, layer: &Convolution, x: &Tensor, slope: Option<f64>, pass: &Pass) -> Result<Tensor> {
        let Some((_, stride, padding)) = layer.geometry().filter(|_| layer.output_padding == 0) else {
            bail!("transposed convolution {} has sizes that cannot be trained", layer.name)
        };
        let (weight, bias) = (self.weight(&layer.name, pass)?, self.bias(&layer.name, layer.bias)?);
        let activation = slope.map_or(ops::Activation::None, ops::Activation::After);
        ops::conv_transpose2d_act(x, &weight, bias.as_ref(), stride, padding, activation)
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

    fn bias(&self, name: &str, has_one: bool) -> Result<Option<Tensor>> {
        has_one.then(|| self.weights.get(&format!("{name}.bias"))).transpose()
    }
}

/// Whether a convolution looks at all of its map at once, as a linear layer.
pub(super) fn covers(layer: &Convolution, x: &Tensor) -> Result<bool> {
    let (_, _, height, width) = x.dims4()?;
    Ok(layer.padding == [0, 0] && layer.kernel == [height, width])
}

/// How often a pooling halves its map, where it averages blocks that lie side by side, of 2, 4, 8... pixels each way.
pub(super) fn halvings(pool: &Pool) -> Option<u32> {
    let are_blocks = pool.kernel == pool.stride && pool.padding == 0 && pool.kernel.is_power_of_two();
    are_blocks.then(|| pool.kernel.trailing_zeros())
}

fn activated(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::LeakyRelu(slope) => ops::leaky_relu(x, slope),
        Activation::Tanh => ops::tanh(x),
        Activation::Sigmoid => candle_nn::ops::sigmoid(x),
        other => bail!("{} cannot be trained", Operation::Activation(other)),
    }
}
