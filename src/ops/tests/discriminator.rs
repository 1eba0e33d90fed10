//! R1 on a toy discriminator: its input gradient written as an expression of the operations, and one ordinary
//! backward through it, against finite differences of finite differences.

use candle_core::{DType, Device, Result, Tensor, Var};

use super::super::*;
use super::{assert_close, numbers, values};

const SLOPE: f64 = 0.2;
const SIZE: (usize, usize) = (7, 6);

/// A convolution of stride 2, a residual block, a pooling and a linear layer: what both discriminators are made of.
struct Toy {
    down: Tensor,
    down_bias: Tensor,
    block: Tensor,
    block_bias: Tensor,
    last: Tensor,
}

impl Toy {
    fn new() -> Vec<Tensor> {
        // Down-sampling 7x6 gives 3x3; pooling 2x2.
        vec![
            values(&[3, 2, 4, 4], 11),
            values(&[3], 12),
            values(&[3, 3, 3, 3], 13),
            values(&[3], 14),
            values(&[1, 12], 15),
        ]
    }

    fn from(t: &[Tensor]) -> Self {
        let [down, down_bias, block, block_bias, last] = [0, 1, 2, 3, 4].map(|i| t[i].clone());
        Self { down, down_bias, block, block_bias, last }
    }

    /// The activations before each non-linearity, and the logits `(N, 1)`.
    fn forward(&self, x: &Tensor) -> Result<(Tensor, Tensor, Tensor)> {
        let h = conv2d(x, &self.down, Some(&self.down_bias), 2, 1)?;
        let dx = conv2d(&leaky_relu(&h, SLOPE)?, &self.block, Some(&self.block_bias), 1, 1)?;
        let r = (&h + dx.affine(0.1, 0.0)?)?;
        let pooled = avg_pool_3x3_s2(&leaky_relu(&r, SLOPE)?)?;
        let logits = linear(&pooled.flatten_from(1)?, &self.last, None)?;
        Ok((h, r, logits))
    }

    /// The gradient of the summed logits in `x`.
    fn input_gradient(&self, h: &Tensor, r: &Tensor) -> Result<Tensor> {
        let (n, c, height, width) = r.dims4()?;
        let pooled = self.last.broadcast_as((n, self.last.dim(1)?))?.reshape((n, c, 2, 2))?;
        let dr = leaky_relu_backward(r, &avg_pool_3x3_s2_backward(&pooled, height, width)?, SLOPE)?;
        let through = conv2d_input_grad(&dr.affine(0.1, 0.0)?, &self.block, (height, width), 1, 1)?;
        let dh = (&dr + leaky_relu_backward(h, &through, SLOPE)?)?;
        conv2d_input_grad(&dh, &self.down, SIZE, 2, 1)
    }

    /// R1: `mean_n ||grad_x D(x_n)||^2`.
    fn penalty(&self, x: &Tensor) -> Result<Tensor> {
        let (h, r, _) = self.forward(x)?;
        self.input_gradient(&h, &r)?.sqr()?.sum((1, 2, 3))?.mean_all()
    }
}

fn picture() -> Tensor {
    values(&[2, 2, SIZE.0, SIZE.1], 21)
}

fn moved(t: &Tensor, entry: usize, delta: f64) -> Tensor {
    let mut numbers = numbers(t);
    numbers[entry] += delta;
    Tensor::from_vec(numbers, t.dims(), &Device::Cpu).expect("fits")
}

#[test]
fn the_written_input_gradient_is_the_gradient() {
    let (toy, x) = (Toy::from(&Toy::new()), picture());
    let (h, r, _) = toy.forward(&x).expect("runs");
    let written = toy.input_gradient(&h, &r).expect("runs");
    let sum = |x: &Tensor| {
        toy.forward(x).and_then(|(_, _, logits)| logits.sum_all()?.to_scalar::<f64>()).expect("runs")
    };
    let slopes: Vec<f64> = (0..x.elem_count())
        .map(|entry| (sum(&moved(&x, entry, 1e-6)) - sum(&moved(&x, entry, -1e-6))) / 2e-6)
        .collect();
    let slopes = Tensor::from_vec(slopes, x.dims(), &Device::Cpu).expect("fits");
    assert_close(&written, &slopes, 1e-8, "written gradient");

    let variable = Var::from_tensor(&x).expect("copies");
    let (_, _, logits) = toy.forward(&variable).expect("runs");
    let gradients = logits.sum_all().and_then(|l| l.backward()).expect("runs");
    assert_close(&written, gradients.get(&variable).expect("reached"), 1e-13, "candle's backward");
}

#[test]
fn one_backward_gives_the_gradient_of_r1() {
    let (weights, x) = (Toy::new(), picture());
    for (dtype, tolerance) in [(DType::F64, 1e-7), (DType::F32, 1e-5)] {
        let variables: Vec<Var> = weights
            .iter()
            .map(|w| w.to_dtype(dtype).and_then(|w| Var::from_tensor(&w)).expect("copies"))
            .collect();
        let tensors: Vec<Tensor> = variables.iter().map(|v| v.as_tensor().clone()).collect();
        let penalty = Toy::from(&tensors).penalty(&x.to_dtype(dtype).expect("converts")).expect("runs");
        let gradients = backward(&penalty).expect("runs");
        let of_candle = penalty.backward().expect("runs");
        for tensor in &tensors {
            if let Some(expected) = of_candle.get(tensor) {
                assert_close(gradients.get(tensor).expect("reached too"), expected, 1e-6, "ops::backward");
            }
        }
        for (index, weight) in weights.iter().enumerate() {
            let at = |entry: usize, delta: f64| {
                let mut weights = weights.clone();
                weights[index] = moved(weight, entry, delta);
                Toy::from(&weights).penalty(&x).and_then(|p| p.to_scalar::<f64>()).expect("runs")
            };
            let slopes: Vec<f64> =
                (0..weight.elem_count()).map(|e| (at(e, 1e-6) - at(e, -1e-6)) / 2e-6).collect();
            let slopes = Tensor::from_vec(slopes, weight.dims(), &Device::Cpu).expect("fits");
            match gradients.get(&tensors[index]) {
                Some(gradient) => assert_close(gradient, &slopes, tolerance, &format!("weight {index}")),
                // The penalty does not depend on a bias except through masks, whose derivative is zero.
                None => assert!(numbers(&slopes).iter().all(|s| s.abs() < 1e-9), "weight {index}"),
            }
        }
    }
}
