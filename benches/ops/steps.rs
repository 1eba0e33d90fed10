//! Training steps of the networks' shapes with random weights, written with the operations alone.

use candle_core::{DType, Device, Result, Tensor, Var};
use divan::Bencher;
use idgan::ops::cpu::optim::{self, Adam};
use idgan::ops::{
    avg_pool_3x3_s2, avg_pool_3x3_s2_backward, conv_transpose2d, conv2d, conv2d_input_grad, leaky_relu,
    leaky_relu_backward, linear, sum_pool_2x2, upsample_nearest_2x,
};

/// A parameter and what its optimiser remembers.
struct Parameter {
    value: Var,
    first: Vec<f32>,
    second: Vec<f32>,
}

/// The parameters of a network, in the order in which they are used.
struct Parameters(Vec<Parameter>);

impl Parameters {
    fn new(shapes: &[Vec<usize>]) -> Self {
        let make = |shape: &Vec<usize>| {
            let fan_in: usize = shape[1..].iter().product::<usize>().max(1);
            let value = Tensor::randn(0.0_f32, 1.0, shape.as_slice(), &Device::Cpu)
                .and_then(|t| Var::from_tensor(&(t * (1.0 / (fan_in as f64).sqrt()))?))
                .expect("fits in memory");
            let length = value.elem_count();
            Parameter { value, first: vec![0.0; length], second: vec![0.0; length] }
        };
        Self(shapes.iter().map(make).collect())
    }

    /// The weights as a network uses them while it is trained.
    fn tracked(&self) -> Weights {
        Weights(self.0.iter().map(|p| p.value.as_tensor().clone()).collect())
    }

    /// The weights as constants: no gradient is computed for them.
    fn frozen(&self) -> Weights {
        Weights(self.0.iter().map(|p| p.value.as_tensor().detach()).collect())
    }

    fn step(
        &mut self,
        loss: &Tensor,
        update: impl Fn(&mut [f32], &[f32], &mut [f32], &mut [f32]),
    ) -> Result<()> {
        let gradients = loss.backward()?;
        for p in &mut self.0 {
            let Some(gradient) = gradients.get(&p.value) else { continue };
            let gradient = gradient.flatten_all()?.contiguous()?;
            let (gradient, _) = gradient.storage_and_layout();
            let candle_core::Storage::Cpu(gradient) = &*gradient else { unreachable!("all is on the CPU") };
            p.value.inplace_op1(&Update {
                gradient: gradient.as_slice()?,
                state: std::cell::RefCell::new((&mut p.first, &mut p.second)),
                update: &update,
            })?;
        }
        Ok(())
    }
}

/// The weights of a network, in the order in which they are used.
struct Weights(Vec<Tensor>);

impl Weights {
    fn at(&self, index: usize) -> &Tensor {
        &self.0[index]
    }
}

/// What [`Parameters::step`] does to one parameter, in place.
struct Update<'a, F> {
    gradient: &'a [f32],
    state: std::cell::RefCell<(&'a mut Vec<f32>, &'a mut Vec<f32>)>,
    update: &'a F,
}

impl<F: Fn(&mut [f32], &[f32], &mut [f32], &mut [f32])> candle_core::InplaceOp1 for Update<'_, F> {
    fn name(&self) -> &'static str {
        "optimiser step"
    }

    fn cpu_fwd(&self, storage: &mut candle_core::CpuStorage, _: &candle_core::Layout) -> Result<()> {
        let candle_core::CpuStorage::F32(values) = storage else { unreachable!("weights are f32") };
        let mut state = self.state.borrow_mut();
        let (first, second) = &mut *state;
        (self.update)(values, self.gradient, first, second);
        Ok(())
    }
}

fn encoder_shapes(nc: usize, outputs: usize) -> Vec<Vec<usize>> {
    let mut shapes = Vec::new();
    for (i, o) in [(nc, 32), (32, 32), (32, 64), (64, 64), (64, 256)] {
        shapes.extend([vec![o, i, 4, 4], vec![o]]);
    }
    shapes.extend([vec![outputs, 256], vec![outputs]]);
    shapes
}

fn decoder_shapes(inputs: usize, nc: usize) -> Vec<Vec<usize>> {
    let mut shapes = vec![vec![256, inputs], vec![256]];
    for (i, o) in [(256, 64), (64, 64), (64, 32), (32, 32), (32, nc)] {
        shapes.extend([vec![i, o, 4, 4], vec![o]]);
    }
    shapes
}

/// The activations after each layer, the output last.
fn encoder(p: &Weights, x: &Tensor) -> Result<Vec<Tensor>> {
    let mut kept: Vec<Tensor> = Vec::new();
    for layer in 0..5 {
        let (stride, padding) = if layer < 4 { (2, 1) } else { (1, 0) };
        let x = kept.last().unwrap_or(x);
        let y = conv2d(x, p.at(2 * layer), Some(p.at(2 * layer + 1)), stride, padding)?;
        kept.push(leaky_relu(&y, 0.0)?);
    }
    let last = kept[4].flatten_from(1)?;
    kept.push(linear(&last, p.at(10), Some(p.at(11)))?);
    Ok(kept)
}

/// The gradient of an encoder's single output in its input.
fn encoder_input_gradient(p: &Weights, kept: &[Tensor]) -> Result<Tensor> {
    let batch = kept[0].dim(0)?;
    let mut g = p.at(10).broadcast_as((batch, 256))?.reshape((batch, 256, 1, 1))?;
    for layer in (0..5).rev() {
        let (stride, padding) = if layer < 4 { (2, 1) } else { (1, 0) };
        g = leaky_relu_backward(&kept[layer], &g, 0.0)?;
        g = conv_transpose2d(&g, p.at(2 * layer), None, stride, padding)?;
    }
    Ok(g)
}

fn decoder(p: &Weights, c: &Tensor) -> Result<Tensor> {
    let mut x = leaky_relu(&linear(c, p.at(0), Some(p.at(1)))?, 0.0)?.reshape(((), 256, 1, 1))?;
    for layer in 0..5 {
        let (stride, padding) = if layer == 0 { (1, 0) } else { (2, 1) };
        x = conv_transpose2d(&x, p.at(2 * layer + 2), Some(p.at(2 * layer + 3)), stride, padding)?;
        if layer < 4 {
            x = leaky_relu(&x, 0.0)?;
        }
    }
    Ok(x)
}

fn normal(shape: impl Into<candle_core::Shape>) -> Result<Tensor> {
    Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu)
}

fn softplus(x: &Tensor) -> Result<Tensor> {
    (x.exp()? + 1.0)?.log()
}

/// Cross-entropy with logits, summed.
fn cross_entropy(logits: &Tensor, x: &Tensor) -> Result<Tensor> {
    // max(l, 0) - l x + log(1 + exp(-|l|))
    let tail = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
    ((logits.relu()? - (logits * x)?)? + tail)?.sum_all()
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn vae(bencher: Bencher<'_, '_>) {
    let mut e = Parameters::new(&encoder_shapes(1, 20));
    let mut d = Parameters::new(&decoder_shapes(10, 1));
    let x = normal((64, 1, 64, 64)).and_then(|x| x.gt(0.0)?.to_dtype(DType::F32)).expect("draws");
    let adam = Adam { learning_rate: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    let mut count = 0;
    let mut step = || -> Result<f32> {
        count += 1;
        let stats = encoder(&e.tracked(), &x)?.swap_remove(5);
        let (mu, logvar) = (stats.narrow(1, 0, 10)?, stats.narrow(1, 10, 10)?);
        let c = (&mu + (logvar.affine(0.5, 0.0)?.exp()? * normal((64, 10))?)?)?;
        let reconstruction = cross_entropy(&decoder(&d.tracked(), &c)?, &x)?;
        let kl = (((logvar.exp()? + mu.sqr()?)? - &logvar)? - 1.0)?.sum_all()?;
        let loss = (reconstruction / 64.0)?.add(&(kl * (4.0 / 64.0))?)?;
        let mut both = Parameters(e.0.drain(..).chain(d.0.drain(..)).collect());
        both.step(&loss, |w, g, m, v| optim::adam_step(w, g, m, v, &adam, count))?;
        d.0 = both.0.split_off(12);
        e.0 = both.0;
        loss.to_scalar()
    };
    bencher.bench_local(|| step().expect("runs"));
}

fn rmsprop(w: &mut [f32], g: &[f32], v: &mut [f32], _: &mut [f32]) {
    optim::rmsprop_step(w, g, v, 1e-4, 0.99, 1e-8);
}

/// One iteration of stage 2: D with R1, G with distillation through a frozen encoder, moving average.
fn gan_iteration(
    g: &mut Parameters,
    d: &mut Parameters,
    average: &mut [Vec<f32>],
    e: &Weights,
    x: &Tensor,
    s_dim: usize,
    generator: impl Fn(&Weights, &Tensor) -> Result<Tensor>,
    discriminator: impl Fn(&Weights, &Tensor) -> Result<(Tensor, Vec<Tensor>)>,
    input_gradient: impl Fn(&Weights, &[Tensor]) -> Result<Tensor>,
) -> Result<f32> {
    let batch = x.dim(0)?;
    let encode = |x: &Tensor| -> Result<(Tensor, Tensor)> {
        let stats = encoder(e, &x.affine(0.5, 0.5)?)?.swap_remove(5);
        let half = stats.dim(1)? / 2;
        Ok((stats.narrow(1, 0, half)?, stats.narrow(1, half, half)?))
    };
    let code =
        |c: &Tensor| if s_dim == 0 { Ok(c.clone()) } else { Tensor::cat(&[&normal((batch, s_dim))?, c], 1) };
    let (mu, logvar) = encode(x)?;
    let c = (&mu + (logvar.affine(0.5, 0.0)?.exp()? * normal(mu.dims())?)?)?.detach();

    let fake = generator(&g.frozen(), &code(&c)?)?;
    let weights = d.tracked();
    let (real_logit, kept) = discriminator(&weights, x)?;
    let penalty = input_gradient(&weights, &kept)?.sqr()?.sum_all()?;
    let (fake_logit, _) = discriminator(&weights, &fake)?;
    let loss = (softplus(&real_logit.neg()?)?.mean_all()? + softplus(&fake_logit)?.mean_all()?)?;
    let loss = (loss + (penalty * (10.0 / batch as f64))?)?;
    d.step(&loss, rmsprop)?;

    let fake = generator(&g.tracked(), &code(&c)?)?;
    let (mu, logvar) = encode(&fake)?;
    let information = (((&c - mu)?.sqr()? / (logvar.exp()? + 1e-8)?)? + &logvar)?.sum_all()?;
    let (logit, _) = discriminator(&d.frozen(), &fake)?;
    let loss = (softplus(&logit.neg()?)?.mean_all()? + (information * (5e-4 / batch as f64))?)?;
    g.step(&loss, rmsprop)?;
    for (average, p) in average.iter_mut().zip(&g.0) {
        let (storage, _) = p.value.storage_and_layout();
        let candle_core::Storage::Cpu(storage) = &*storage else { unreachable!("all is on the CPU") };
        optim::ema_step(average, storage.as_slice()?, 0.999);
    }
    loss.to_scalar()
}

fn averages(g: &Parameters) -> Vec<Vec<f32>> {
    g.0.iter().map(|p| vec![0.0; p.value.elem_count()]).collect()
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn sprites_gan(bencher: Bencher<'_, '_>) {
    let mut g = Parameters::new(&decoder_shapes(10, 1));
    let mut d = Parameters::new(&encoder_shapes(1, 1));
    let e = Parameters::new(&encoder_shapes(1, 20)).frozen();
    let mut average = averages(&g);
    let x = normal((64, 1, 64, 64)).expect("draws");
    bencher.bench_local(|| {
        gan_iteration(
            &mut g,
            &mut d,
            &mut average,
            &e,
            &x,
            0,
            |p, z| decoder(p, z)?.tanh(),
            |p, x| {
                let kept = encoder(p, x)?;
                Ok((kept[5].clone(), kept))
            },
            encoder_input_gradient,
        )
        .expect("runs")
    });
}

const CHANNELS: [usize; 5] = [512, 512, 256, 128, 64];
const SLOPE: f64 = 0.2;

fn block_shapes(i: usize, o: usize) -> Vec<Vec<usize>> {
    let hidden = i.min(o);
    vec![vec![hidden, i, 3, 3], vec![hidden], vec![o, hidden, 3, 3], vec![o], vec![o, i, 1, 1]]
}

/// `shortcut(x) + 0.1 * conv(act(conv(act(x))))`, the middle activation kept.
fn block(p: &Weights, first: usize, x: &Tensor) -> Result<(Tensor, Tensor)> {
    let h = conv2d(&leaky_relu(x, SLOPE)?, p.at(first), Some(p.at(first + 1)), 1, 1)?;
    let dx = conv2d(&leaky_relu(&h, SLOPE)?, p.at(first + 2), Some(p.at(first + 3)), 1, 1)?;
    let shortcut = if p.at(first + 4).dim(0)? == p.at(first + 4).dim(1)? {
        x.clone()
    } else {
        conv2d(x, p.at(first + 4), None, 1, 0)?
    };
    Ok(((shortcut + dx.affine(0.1, 0.0)?)?, h))
}

fn block_input_gradient(p: &Weights, first: usize, x: &Tensor, h: &Tensor, g: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    let size = (height, width);
    let dh = conv2d_input_grad(&g.affine(0.1, 0.0)?, p.at(first + 2), size, 1, 1)?;
    let dx = conv2d_input_grad(&leaky_relu_backward(h, &dh, SLOPE)?, p.at(first), size, 1, 1)?;
    let shortcut = if p.at(first + 4).dim(0)? == p.at(first + 4).dim(1)? {
        g.clone()
    } else {
        conv2d_input_grad(g, p.at(first + 4), size, 1, 0)?
    };
    shortcut + leaky_relu_backward(x, &dx, SLOPE)?
}

fn resnet_generator_shapes(z: usize) -> Vec<Vec<usize>> {
    let mut shapes = vec![vec![CHANNELS[0] * 16, z], vec![CHANNELS[0] * 16]];
    for level in 0..5 {
        shapes.extend(block_shapes(CHANNELS[level], CHANNELS[(level + 1).min(4)]));
    }
    shapes.extend([vec![3, 64, 3, 3], vec![3]]);
    shapes
}

fn resnet_generator(p: &Weights, z: &Tensor) -> Result<Tensor> {
    let mut x = linear(z, p.at(0), Some(p.at(1)))?.reshape(((), CHANNELS[0], 4, 4))?;
    for level in 0..5 {
        x = block(p, 2 + 5 * level, &x)?.0;
        if level < 4 {
            x = upsample_nearest_2x(&x)?;
        }
    }
    conv2d(&leaky_relu(&x, SLOPE)?, p.at(27), Some(p.at(28)), 1, 1)?.tanh()
}

fn resnet_discriminator_shapes() -> Vec<Vec<usize>> {
    let mut shapes = vec![vec![64, 3, 3, 3], vec![64]];
    shapes.extend(block_shapes(64, 64));
    for level in (0..4).rev() {
        shapes.extend(block_shapes(CHANNELS[level + 1], CHANNELS[level]));
    }
    shapes.extend([vec![1, CHANNELS[0] * 16], vec![1]]);
    shapes
}

/// The logits, and every block's input and middle activation, the last output at the end.
fn resnet_discriminator(p: &Weights, x: &Tensor) -> Result<(Tensor, Vec<Tensor>)> {
    let mut kept = Vec::new();
    let mut x = conv2d(x, p.at(0), Some(p.at(1)), 1, 1)?;
    for level in 0..5 {
        if level > 0 {
            x = avg_pool_3x3_s2(&x)?;
        }
        let (y, h) = block(p, 2 + 5 * level, &x)?;
        kept.extend([x, h]);
        x = y;
    }
    let logit = linear(&leaky_relu(&x, SLOPE)?.flatten_from(1)?, p.at(27), Some(p.at(28)))?;
    kept.push(x);
    Ok((logit, kept))
}

fn resnet_input_gradient(p: &Weights, kept: &[Tensor]) -> Result<Tensor> {
    let last = &kept[10];
    let g = p.at(27).broadcast_as((last.dim(0)?, CHANNELS[0] * 16))?.reshape(last.dims())?;
    let mut g = leaky_relu_backward(last, &g, SLOPE)?;
    for level in (0..5).rev() {
        g = block_input_gradient(p, 2 + 5 * level, &kept[2 * level], &kept[2 * level + 1], &g)?;
        if level > 0 {
            let size = 2 * g.dim(2)?;
            g = avg_pool_3x3_s2_backward(&g, size, size)?;
        }
    }
    conv2d_input_grad(&g, p.at(0), (64, 64), 1, 1)
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn resnet_gan(bencher: Bencher<'_, '_>) {
    let mut g = Parameters::new(&resnet_generator_shapes(276));
    let mut d = Parameters::new(&resnet_discriminator_shapes());
    let e = Parameters::new(&encoder_shapes(3, 40)).frozen();
    let mut average = averages(&g);
    let x = normal((8, 3, 64, 64)).expect("draws");
    bencher.bench_local(|| {
        gan_iteration(
            &mut g,
            &mut d,
            &mut average,
            &e,
            &x,
            256,
            resnet_generator,
            resnet_discriminator,
            resnet_input_gradient,
        )
        .expect("runs")
    });
}

/// The adjoint pair alone, so that a change of one shows beside the other.
#[divan::bench(args = [4, 16, 64])]
fn upsample_and_back(bencher: Bencher<'_, '_>, size: usize) {
    let x = normal((8, 64, size, size)).expect("draws");
    bencher.bench_local(|| upsample_nearest_2x(&x).and_then(|y| sum_pool_2x2(&y)).expect("runs"));
}
