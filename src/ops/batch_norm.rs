//! Batch normalisation by the statistics of the batch (Ioffe and Szegedy 2015), with a second derivative.

use candle_core::{D, DType, Result, Storage, Tensor, bail};

use super::activation::{leaky_relu, leaky_relu_backward};
use super::backend::Backend;
use super::backward::gradient_for;
use super::composite::triple;
use super::cpu::batch_norm::{Layer, Sizes, Statistics, backward_of_backward};
use super::custom::{Element, constant, elements, unsupported};

const NAME: &str = "batch normalisation";

/// What a batch is by its own statistics, and these.
#[derive(Clone, Debug)]
pub struct Normalised {
    /// `activation(weight * (x - mean) / sqrt(variance + epsilon) + bias)`, of the shape of x.
    pub result: Tensor,
    /// The mean of each channel, `(C,)`, without a graph.
    pub mean: Tensor,
    /// The variance of each channel over the number of its values, `(C,)`, without a graph.
    pub variance: Tensor,
}

/// Normalises `x`, `(N, C)` or `(N, C, H, W)`, channel by channel, with `weight` and `bias` of each, `(C,)`; `slope` is that of
/// a leaky ReLU on the result (0 or more; `None` for none). The same as `torch.nn.functional.batch_norm` in training.
///
/// # Errors
/// When shapes or types do not fit.
pub fn batch_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epsilon: f64,
    slope: Option<f64>,
) -> Result<Normalised> {
    if Backend::of(x) != Backend::Cpu {
        sizes(x, &[weight, bias])?;
        return composed([x, weight, bias], epsilon, slope);
    }
    let (made, pass) = BatchNormPass::run([x, weight, bias], epsilon, slope)?;
    let own = [weight, bias].map(Tensor::clone);
    let backward = move |_: &Tensor, gradient: &Tensor| {
        let [dx, dweight, dbias] = pass.gradients(gradient)?;
        Ok([Some(dx), gradient_for(&own[0], || Ok(dweight))?, gradient_for(&own[1], || Ok(dbias))?])
    };
    let result = triple([x, weight, bias], made.result, Box::new(backward))?;
    Ok(Normalised { result, ..made })
}

/// [`batch_norm`] outside any graph, for composites: what its backward pass needs.
#[derive(Debug)]
pub struct BatchNormPass {
    sizes: Sizes,
    /// x, weight and bias.
    arguments: [Tensor; 3],
    epsilon: f64,
    slope: Option<f64>,
    /// Of every channel, where the kernels have measured them.
    statistics: Vec<Statistics>,
}

impl BatchNormPass {
    /// Normalises x with weight and bias as [`batch_norm`] does.
    ///
    /// # Errors
    /// As there.
    pub fn run(arguments: [&Tensor; 3], epsilon: f64, slope: Option<f64>) -> Result<(Normalised, Self)> {
        let [x, weight, bias] = arguments.map(constant);
        let sizes = sizes(&x, &[&weight, &bias])?;
        let mut pass = Self { sizes, arguments: [x, weight, bias], epsilon, slope, statistics: Vec::new() };
        let made = match (Backend::of(&pass.arguments[0]), pass.arguments[0].dtype()) {
            (Backend::Cpu, DType::F32) => pass.on_cpu::<f32>()?,
            (Backend::Cpu, DType::F64) => pass.on_cpu::<f64>()?,
            (Backend::Cpu, other) => return unsupported(NAME, other),
            _ => composed(pass.arguments.each_ref(), epsilon, slope)?,
        };
        Ok((made, pass))
    }

    fn on_cpu<T: Element>(&mut self) -> Result<Normalised> {
        let (values, statistics) =
            self.with_layer::<T, _, 0>([], |layer, _| layer.forward(self.sizes, self.epsilon))?;
        let x = &self.arguments[0];
        let vector = |value: fn(&Statistics) -> f64| {
            let values: Vec<f64> = statistics.iter().map(value).collect();
            Tensor::from_vec(values, self.sizes.channels, x.device())?.to_dtype(T::DTYPE)
        };
        let (mean, variance) = (vector(|channel| channel.mean)?, vector(|channel| channel.variance)?);
        let result = Tensor::from_vec(values, x.dims(), x.device())?;
        self.statistics = statistics;
        Ok(Normalised { result, mean, variance })
    }

    /// Calls `f` with the layer and the values of `others`, on the CPU.
    fn with_layer<T: Element, R, const N: usize>(
        &self,
        others: [&Tensor; N],
        f: impl FnOnce(&Layer<'_, T>, [&[T]; N]) -> R,
    ) -> Result<R> {
        let slope = self.slope.unwrap_or(1.0);
        with_values::<T, _, 3>(self.arguments.each_ref(), |[x, gain, shift]| {
            with_values::<T, _, N>(others, |others| f(&Layer { x, gain, shift, slope }, others))
        })?
    }

    /// The gradients in x, weight and bias, from that of the result; without a graph.
    ///
    /// # Errors
    /// When shapes or types do not fit.
    pub fn gradients(&self, gradient: &Tensor) -> Result<[Tensor; 3]> {
        let x = &self.arguments[0];
        if gradient.dims() != x.dims() {
            bail!("{NAME}: a gradient of {:?} for {:?}", gradient.dims(), x.dims());
        }
        match (Backend::of(x), x.dtype()) {
            (Backend::Cpu, DType::F32) => self.gradients_on_cpu::<f32>(gradient),
            (Backend::Cpu, _) => self.gradients_on_cpu::<f64>(gradient),
            _ => self.composed_gradients(gradient),
        }
    }

    fn gradients_on_cpu<T: Element>(&self, gradient: &Tensor) -> Result<[Tensor; 3]> {
        let [dx, dweight, dbias] = self.with_layer::<T, _, 1>([gradient], |layer, [gradient]| {
            layer.backward(self.sizes, &self.statistics, gradient)
        })?;
        let x = &self.arguments[0];
        let vector = |values: Vec<T>| Tensor::from_vec(values, self.sizes.channels, x.device());
        Ok([Tensor::from_vec(dx, x.dims(), x.device())?, vector(dweight)?, vector(dbias)?])
    }

    fn composed_gradients(&self, gradient: &Tensor) -> Result<[Tensor; 3]> {
        let [x, weight, bias] = &self.arguments;
        let [normalised, ..] = composed_parts(x, self.epsilon)?;
        let gradient = match self.slope {
            Some(slope) => {
                let scaled = normalised.broadcast_mul(&by_channel(weight, x)?)?;
                leaky_relu_backward(&scaled.broadcast_add(&by_channel(bias, x)?)?, gradient, slope)?
            }
            None => gradient.clone(),
        };
        let total = |values: &Tensor| channel_mean(values)?.flatten_all()? * self.sizes.count() as f64;
        let of_weight = total(&(&gradient * &normalised)?)?;
        Ok([composed_gradient([&gradient, x, weight], self.epsilon)?, of_weight, total(&gradient)?])
    }
}

/// The gradient of [`batch_norm`] without an activation in `x`, from the `gradient` of its result: an expression that can be
/// differentiated in all three arguments, once.
///
/// # Errors
/// When shapes or types do not fit.
pub fn batch_norm_input_gradient(
    gradient: &Tensor,
    x: &Tensor,
    weight: &Tensor,
    epsilon: f64,
) -> Result<Tensor> {
    let sizes = sizes(x, &[weight])?;
    if gradient.dims() != x.dims() {
        bail!("{NAME}: a gradient of {:?} for {:?}", gradient.dims(), x.dims());
    }
    match (Backend::of(x), x.dtype()) {
        (Backend::Cpu, DType::F32) => gradient_on_cpu::<f32>(sizes, [gradient, x, weight], epsilon),
        (Backend::Cpu, DType::F64) => gradient_on_cpu::<f64>(sizes, [gradient, x, weight], epsilon),
        (Backend::Cpu, other) => unsupported(NAME, other),
        _ => composed_gradient([gradient, x, weight], epsilon),
    }
}

/// The sizes of `x`, whose channels `parameters` must have.
fn sizes(x: &Tensor, parameters: &[&Tensor]) -> Result<Sizes> {
    let (batch, channels, plane) = match x.dims() {
        &[batch, channels] => (batch, channels, 1),
        &[batch, channels, height, width] => (batch, channels, height * width),
        other => bail!("{NAME} of {other:?}"),
    };
    match parameters.iter().find(|parameter| parameter.dims() != [channels]) {
        Some(parameter) => bail!("{NAME}: parameters {:?} for {:?}", parameter.dims(), x.dims()),
        None => Ok(Sizes { batch, channels, plane }),
    }
}

/// Calls `f` with the values of `tensors`, contiguous ones on the CPU.
fn with_values<T: Element, R, const N: usize>(
    tensors: [&Tensor; N],
    f: impl FnOnce([&[T]; N]) -> R,
) -> Result<R> {
    let tensors = tensors.map(Tensor::contiguous);
    let mut guards = Vec::with_capacity(N);
    for tensor in &tensors {
        match tensor {
            Ok(tensor) => guards.push(tensor.storage_and_layout()),
            Err(error) => bail!("{error}"),
        }
    }
    let mut slices: [&[T]; N] = [&[]; N];
    for (slice, (storage, layout)) in slices.iter_mut().zip(&guards) {
        let Storage::Cpu(storage) = &**storage else { bail!("{NAME} on the CPU of values elsewhere") };
        *slice = elements(storage, layout)?;
    }
    Ok(f(slices))
}

fn gradient_on_cpu<T: Element>(
    sizes: Sizes,
    [gradient, x, weight]: [&Tensor; 3],
    epsilon: f64,
) -> Result<Tensor> {
    let (dx, statistics) = with_values::<T, _, 3>([gradient, x, weight], |[gradient, x, weight]| {
        let statistics = Statistics::of(sizes, x, epsilon);
        // without an activation it does not matter what is added
        let layer = Layer { x, gain: weight, shift: weight, slope: 1.0 };
        let [dx, ..] = layer.backward(sizes, &statistics, gradient);
        (dx, statistics)
    })?;
    let result = Tensor::from_vec(dx, x.dims(), x.device())?;
    let kept = [gradient, x, weight].map(constant);
    let own_weight = weight.clone();
    let backward = move |_: &Tensor, upstream: &Tensor| {
        let [gradient, x, weight] = &kept;
        let made =
            with_values::<T, _, 4>([x, weight, gradient, upstream], |[x, weight, gradient, upstream]| {
                backward_of_backward(sizes, x, &statistics, weight, gradient, upstream)
            })?;
        let [dgradient, dx, dweight] = made;
        let map = |values| Tensor::from_vec(values, x.dims(), x.device());
        Ok([
            Some(map(dgradient)?),
            Some(map(dx)?),
            gradient_for(&own_weight, || Tensor::from_vec(dweight, sizes.channels, x.device()))?,
        ])
    };
    triple([gradient, x, weight], result, Box::new(backward))
}

/// The mean over everything but the channels, with these axes kept.
fn channel_mean(x: &Tensor) -> Result<Tensor> {
    match x.rank() {
        2 => x.mean_keepdim(0),
        _ => x.mean_keepdim(D::Minus1)?.mean_keepdim(D::Minus2)?.mean_keepdim(0),
    }
}

/// A value of each channel in the shape that goes with `x`.
fn by_channel(values: &Tensor, x: &Tensor) -> Result<Tensor> {
    match x.rank() {
        2 => values.unsqueeze(0),
        _ => values.reshape((1, values.elem_count(), 1, 1)),
    }
}

/// The normalised x, mean, variance and the inverse of its root.
fn composed_parts(x: &Tensor, epsilon: f64) -> Result<[Tensor; 4]> {
    let mean = channel_mean(x)?;
    let centred = x.broadcast_sub(&mean)?;
    let variance = channel_mean(&centred.sqr()?)?;
    let inverse = (&variance + epsilon)?.sqrt()?.recip()?;
    Ok([centred.broadcast_mul(&inverse)?, mean, variance, inverse])
}

fn composed([x, weight, bias]: [&Tensor; 3], epsilon: f64, slope: Option<f64>) -> Result<Normalised> {
    let [normalised, mean, variance, _] = composed_parts(x, epsilon)?;
    let scaled = normalised.broadcast_mul(&by_channel(weight, x)?)?;
    let result = scaled.broadcast_add(&by_channel(bias, x)?)?;
    let result = match slope {
        Some(slope) => leaky_relu(&result, slope)?,
        None => result,
    };
    let vector = |values: &Tensor| Ok::<_, candle_core::Error>(values.flatten_all()?.detach());
    Ok(Normalised { result, mean: vector(&mean)?, variance: vector(&variance)? })
}

fn composed_gradient([gradient, x, weight]: [&Tensor; 3], epsilon: f64) -> Result<Tensor> {
    let [normalised, _, _, inverse] = composed_parts(x, epsilon)?;
    let along = channel_mean(&(gradient * &normalised)?)?;
    let rest = gradient.broadcast_sub(&channel_mean(gradient)?)?;
    let rest = (rest - normalised.broadcast_mul(&along)?)?;
    rest.broadcast_mul(&(by_channel(weight, x)? * inverse)?)
}

#[cfg(test)]
mod tests {
    use super::super::cpu::isa::Isa;
    use super::super::tests::{assert_close, values};
    use super::*;

    /// Shapes with rows, planes that no vector divides, single pictures and more channels than a thread takes of rows.
    const SHAPES: [&[usize]; 5] = [&[5, 3], &[7, 130], &[3, 2, 5, 4], &[2, 3, 1, 1], &[4, 5, 9, 33]];

    fn arguments(shape: &[usize]) -> [Tensor; 3] {
        [values(shape, 1), values(&shape[1..2], 2), values(&shape[1..2], 3)]
    }

    #[test]
    fn kernels_and_composition_agree() -> Result<()> {
        for (shape, slope) in SHAPES.into_iter().zip([None, Some(0.2), Some(0.0), None, Some(0.01)]) {
            for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 2e-5)] {
                let [x, weight, bias] =
                    arguments(shape).map(|tensor| tensor.to_dtype(dtype).expect("a float"));
                let found = batch_norm(&x, &weight, &bias, 1e-5, slope)?;
                let expected = composed([&x, &weight, &bias], 1e-5, slope)?;
                for (found, expected, what) in [
                    (&found.result, &expected.result, "result"),
                    (&found.mean, &expected.mean, "mean"),
                    (&found.variance, &expected.variance, "variance"),
                ] {
                    assert_close(found, expected, tolerance, &format!("{what} {shape:?} {dtype:?}"));
                }
                let gradient = values(shape, 4).to_dtype(dtype)?;
                let (_, pass) = BatchNormPass::run([&x, &weight, &bias], 1e-5, slope)?;
                let expected = pass.composed_gradients(&gradient)?;
                for (found, expected) in pass.gradients(&gradient)?.iter().zip(&expected) {
                    assert_close(found, expected, 4.0 * tolerance, &format!("gradients {shape:?} {dtype:?}"));
                }
                let found = batch_norm_input_gradient(&gradient, &x, &weight, 1e-3)?;
                let expected = composed_gradient([&gradient, &x, &weight], 1e-3)?;
                assert_close(&found, &expected, tolerance, &format!("gradient {shape:?} {dtype:?}"));
            }
        }
        Ok(())
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() -> Result<()> {
        for (shape, slope) in SHAPES.into_iter().zip([None, Some(0.2), Some(0.0), None, Some(0.01)]) {
            let [x, weight, bias] =
                arguments(shape).map(|tensor| tensor.to_dtype(DType::F32).expect("a float"));
            let gradient = values(shape, 4).to_dtype(DType::F32)?;
            let all = |isa: Isa| -> Result<Vec<Vec<f32>>> {
                isa.preferred(|| {
                    let (made, pass) = BatchNormPass::run([&x, &weight, &bias], 1e-5, slope)?;
                    let [dx, dweight, dbias] = pass.gradients(&gradient)?;
                    let of_x = batch_norm_input_gradient(&gradient, &x, &weight, 1e-3)?;
                    let tensors = [made.result, made.variance, dx, dweight, dbias, of_x];
                    tensors.iter().map(|tensor| tensor.flatten_all()?.to_vec1()).collect()
                })
            };
            let expected = all(Isa::PORTABLE)?;
            for isa in Isa::available() {
                assert_eq!(all(isa)?, expected, "{shape:?} with {isa:?}");
            }
        }
        Ok(())
    }

    #[test]
    fn every_channel_has_mean_bias_and_deviation_weight() -> Result<()> {
        let [x, ..] = arguments(&[6, 4, 5, 7]);
        let (weight, bias) = (Tensor::new(&[1.0, 2.0, -3.0, 0.5], x.device())?, values(&[4], 5));
        let made = batch_norm(&x.affine(100.0, 1e3)?, &weight, &bias, 0.0, None)?.result;
        let again = batch_norm(&made, &weight.ones_like()?, &bias, 0.0, None)?;
        assert_close(&again.mean, &bias, 1e-12, "mean");
        assert_close(&again.variance, &weight.sqr()?, 1e-12, "variance");
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let [x, weight, bias] = arguments(&[3, 2, 5, 4]);
        assert!(batch_norm(&x, &bias, &values(&[3], 1), 1e-5, None).is_err());
        assert!(batch_norm(&values(&[3, 2, 5], 1), &weight, &bias, 1e-5, None).is_err());
        assert!(batch_norm_input_gradient(&values(&[3, 2, 4, 5], 1), &x, &weight, 1e-5).is_err());
    }
}
