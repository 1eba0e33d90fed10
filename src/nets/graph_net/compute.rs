//! What one step makes of its operands, as differentiable operations.

use candle_core::{Result, Tensor, bail};

use crate::graph::{Activation, Convolution, Operation, Pool};
use crate::ops;

use super::Statistics;
use super::step::Step;

/// The parameters of one step.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters {
    pub(super) weight: Option<Tensor>,
    pub(super) bias: Option<Tensor>,
}

impl Parameters {
    /// The same values, out of reach of gradients.
    pub(super) fn fixed(&self) -> Self {
        Self {
            weight: self.weight.as_ref().map(Tensor::detach),
            bias: self.bias.as_ref().map(Tensor::detach),
        }
    }

    /// All there are.
    pub(super) fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.weight.iter().chain(&self.bias)
    }

    /// The weight of a layer that has one.
    ///
    /// # Errors
    /// When it has none.
    pub(super) fn weight(&self) -> Result<&Tensor> {
        self.weight.as_ref().ok_or_else(|| candle_core::Error::Msg("a layer without a weight".into()))
    }

    /// Weight and bias of a layer that has both.
    ///
    /// # Errors
    /// When it lacks one.
    pub(super) fn both(&self) -> Result<[&Tensor; 2]> {
        match &self.bias {
            Some(bias) => Ok([self.weight()?, bias]),
            None => bail!("a layer without a bias"),
        }
    }

    /// The weight of a convolution that covers its map, as that of a linear layer.
    ///
    /// # Errors
    /// When it has none.
    pub(super) fn rows(&self, outputs: usize) -> Result<Tensor> {
        let weight = self.weight()?;
        weight.reshape((outputs, weight.elem_count() / outputs.max(1)))
    }
}

impl Step {
    /// The result of its operands, and what a batch normalisation has seen.
    pub(super) fn compute(
        &self,
        operands: &[&Tensor],
        parameters: &Parameters,
    ) -> Result<(Tensor, Option<Statistics>)> {
        let Some(&x) = operands.first() else { bail!("an operation without operands") };
        let result = match &self.operation {
            Operation::Linear(_) => ops::linear(x, parameters.weight()?, parameters.bias.as_ref())?,
            Operation::Convolution(layer) => self.convolved(layer, x, parameters)?,
            Operation::TransposedConvolution(layer) => {
                let Some((_, stride, padding)) = layer.geometry() else {
                    bail!("transposed convolution {} has sizes that cannot be trained", layer.name)
                };
                let weight = with_zeros(parameters.weight()?, layer.output_padding)?;
                let bias = parameters.bias.as_ref();
                ops::conv_transpose2d_act(x, &weight, bias, stride, padding, self.activation())?
            }
            Operation::BatchNorm { name, epsilon, .. } => {
                let [gain, shift] = parameters.both()?;
                let made = ops::batch_norm(x, gain, shift, *epsilon, self.slope)?;
                return Ok((made.result.clone(), Some(Statistics::of(name, &made, x)?)));
            }
            Operation::Activation(activation) => activated(x, *activation)?,
            Operation::Weighted { .. } => x.broadcast_mul(parameters.weight()?)?,
            Operation::Add { scale } => match operands {
                [first, second] if first.dims() == second.dims() => ops::residual(first, second, *scale)?,
                [first, second] if are_numbers_of(second, first) => {
                    ops::add_to_maps(first, &ops::scaled(second, *scale)?)?
                }
                [first, second] if is_map_of(second, first) => {
                    ops::add_map_to_maps(first, &ops::scaled(second, *scale)?)?
                }
                [first, second] => first.broadcast_add(&second.affine(*scale, 0.0)?)?,
                _ => bail!("a sum of {} operands", operands.len()),
            },
            Operation::Multiply => match operands {
                [first, second] if are_numbers_of(second, first) => ops::scale_maps(first, second)?,
                [first, second] => first.broadcast_mul(second)?,
                _ => bail!("a product of {} operands", operands.len()),
            },
            Operation::Double => ops::upsample_nearest_2x(x)?,
            Operation::AveragePool(pool) => match halvings(pool) {
                Some(times) => (0..times).try_fold(x.clone(), |x, _| ops::sum_pool_2x2(&x)? * 0.25)?,
                None => bail!("{} of these windows cannot be trained", self.operation),
            },
            Operation::Reshape(to) => x.reshape(to.batched(x.dim(0)?))?,
            Operation::Concat => Tensor::cat(operands, 1)?,
            Operation::Slice { start, length, step: 1 } => x.narrow(1, *start, *length)?.contiguous()?,
            Operation::Softmax => candle_nn::ops::softmax(x, 1)?,
            other => bail!("{other} cannot be trained"),
        };
        Ok((result, None))
    }

    fn convolved(&self, layer: &Convolution, x: &Tensor, parameters: &Parameters) -> Result<Tensor> {
        let bias = parameters.bias.as_ref();
        if covers(layer, x)? {
            let y = ops::linear(&x.flatten_from(1)?, &parameters.rows(layer.outputs)?, bias)?;
            let y = y.reshape((x.dim(0)?, layer.outputs, 1, 1))?;
            return self.slope.map_or(Ok(y.clone()), |slope| ops::leaky_relu(&y, slope));
        }
        ops::conv2d_act(x, parameters.weight()?, bias, layer.stride, layer.padding[0], self.activation())
    }

    fn activation(&self) -> ops::Activation {
        self.slope.map_or(ops::Activation::None, ops::Activation::After)
    }
}

/// Whether `numbers` has one for each of the maps of `maps`.
fn are_numbers_of(numbers: &Tensor, maps: &Tensor) -> bool {
    matches!((numbers.dims(), maps.dims()), (&[a, b, 1, 1], &[n, c, _, _]) if (a, b) == (n, c))
}

/// Whether `map` has one for each of the pictures of `maps`.
fn is_map_of(map: &Tensor, maps: &Tensor) -> bool {
    matches!((map.dims(), maps.dims()), (&[a, 1, y, x], &[n, _, h, w]) if (a, y, x) == (n, h, w))
}

/// A kernel with `more` rows of zeros below and columns to the right: they reach where an output padding was. Those zeros learn
/// nothing.
fn with_zeros(weight: &Tensor, more: usize) -> Result<Tensor> {
    if more == 0 {
        return Ok(weight.clone());
    }
    weight.pad_with_zeros(2, 0, more)?.pad_with_zeros(3, 0, more)?.contiguous()
}

/// Whether a convolution looks at all of its map at once, as a linear layer.
pub(super) fn covers(layer: &Convolution, x: &Tensor) -> Result<bool> {
    let (_, _, height, width) = x.dims4()?;
    Ok(layer.padding == [0, 0] && layer.kernel == [height, width])
}

/// The gradient of what an average of blocks took, `times` halvings, from that of its result.
pub(super) fn spread_over_blocks(gradient: &Tensor, times: u32) -> Result<Tensor> {
    (0..times).try_fold(gradient.clone(), |gradient, _| ops::upsample_nearest_2x(&gradient)? * 0.25)
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
