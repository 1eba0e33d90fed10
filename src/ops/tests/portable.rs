//! The composition of candle's operations, as it runs on CUDA and Metal, against the CPU kernels: values and
//! gradients.

use candle_core::{DType, Result, Tensor, Var};

use super::super::{self as ops, portable};
use super::{assert_close, values};

/// Compares two ways to compute one thing, in values and in the gradients of all arguments.
#[track_caller]
fn same(
    what: &str,
    arguments: &[Tensor],
    kernels: impl Fn(&[Tensor]) -> Result<Tensor>,
    composed: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    let variables: Vec<Var> = arguments
        .iter()
        .map(|a| a.to_dtype(DType::F32).and_then(|a| Var::from_tensor(&a)).expect("copies"))
        .collect();
    let tensors: Vec<Tensor> = variables.iter().map(|v| v.as_tensor().clone()).collect();
    let (a, b) = (kernels(&tensors).expect("runs"), composed(&tensors).expect("runs"));
    assert_close(&b, &a, 1e-5, what);
    let weights = values(a.dims(), 77).to_dtype(DType::F32).expect("converts");
    let backward = |y: &Tensor| y.mul(&weights).and_then(|y| y.sum_all()?.backward()).expect("runs");
    let (from_kernels, from_composed) = (backward(&a), backward(&b));
    for (index, tensor) in tensors.iter().enumerate() {
        let (a, b) = (from_kernels.get(tensor), from_composed.get(tensor));
        assert_close(b.expect("reached"), a.expect("reached"), 1e-5, &format!("{what}, gradient {index}"));
    }
}

#[test]
fn convolutions() {
    for &(size, k, s, p) in &[
        (8, 4, 2, 1),
        (5, 3, 1, 1),
        (6, 3, 2, 0),
        (7, 4, 2, 1),
        (4, 1, 1, 0),
        (5, 1, 2, 0),
        (8, 3, 3, 1),
        (9, 2, 3, 0),
        (3, 2, 1, 2),
        (4, 4, 1, 0),
    ] {
        let name = format!("{size} kernel {k} stride {s} padding {p}");
        let (x, w) = (values(&[2, 3, size, size], 1), values(&[4, 3, k, k], 2));
        let dy = ops::conv2d(&x, &w, None, s, p).expect("runs");
        same(
            &format!("conv2d {name}"),
            &[x.clone(), w.clone(), values(&[4], 3)],
            |a| ops::conv2d(&a[0], &a[1], Some(&a[2]), s, p),
            |a| portable::conv2d(&a[0], &a[1], Some(&a[2]), s, p),
        );
        same(
            &format!("transposed {name}"),
            &[dy.clone(), w],
            |a| ops::conv2d_input_grad(&a[0], &a[1], (size, size), s, p),
            |a| portable::conv_transpose2d(&a[0], &a[1], None, (size, size), s, p),
        );
        same(
            &format!("weight gradient {name}"),
            &[x, dy],
            |a| ops::conv2d_weight_grad(&a[0], &a[1], k, s, p),
            |a| portable::conv2d_weight_grad(&a[0], &a[1], k, s, p),
        );
    }
}

/// By finite differences in f64, of pictures that are wider than high: in both arguments, and of the gradient in the input
/// once more.
#[test]
fn convolutions_have_the_slopes_that_differences_show() -> Result<()> {
    for &((h, w), k, s, p) in &[((7, 8), 4, 2, 1), ((5, 9), 3, 1, 1), ((6, 7), 3, 2, 0), ((5, 4), 1, 2, 0)] {
        let (x, weight) = (values(&[2, 3, h, w], 1), values(&[4, 3, k, k], 2));
        let up = values(portable::conv2d(&x, &weight, None, s, p)?.dims(), 3);
        let loss = |x: &Tensor, weight: &Tensor| -> Result<Tensor> {
            let y = portable::conv2d(x, weight, None, s, p)?;
            let dx = portable::conv_transpose2d(&y.sqr()?, weight, None, (h, w), s, p)?;
            y.mul(&up)?.sum_all()? + dx.sqr()?.sum_all()?
        };
        let variables = [Var::from_tensor(&x)?, Var::from_tensor(&weight)?];
        let gradients = loss(&variables[0], &variables[1])?.backward()?;
        for (index, variable) in variables.iter().enumerate() {
            let direction = values(variable.dims(), 9);
            let gradient = gradients.get(variable).expect("is reached");
            let slope = gradient.mul(&direction)?.sum_all()?.to_scalar::<f64>()?;
            let at = |by: f64| -> Result<f64> {
                let moved = (variable.as_tensor() + (&direction * by)?)?;
                let (x, weight) = if index == 0 { (&moved, &weight) } else { (&x, &moved) };
                loss(x, weight)?.to_scalar()
            };
            let numeric = (at(1e-6)? - at(-1e-6)?) / 2e-6;
            let name = format!("{h}x{w} kernel {k} stride {s} padding {p}, argument {index}");
            assert!((slope - numeric).abs() < 1e-6 * numeric.abs().max(1.0), "{name}: {slope}, {numeric}");
        }
    }
    Ok(())
}

#[test]
fn everything_else() {
    let x = values(&[2, 3, 6, 6], 1);
    let up = values(&[2, 3, 6, 6], 2);
    same("leaky", &[x.clone()], |a| ops::leaky_relu(&a[0], 0.2), |a| portable::leaky_relu(&a[0], 0.2));
    let mask = x.to_dtype(DType::F32).expect("converts");
    same(
        "leaky backward",
        &[up],
        |a| ops::leaky_relu_backward(&mask, &a[0], 0.2),
        |a| portable::leaky_relu_backward(&mask, &a[0], 0.2),
    );
    let pictures = mask.affine(0.5, 0.5).expect("runs");
    same(
        "cross-entropy",
        &[x.affine(20.0, 0.0).expect("runs")],
        |a| ops::bernoulli_cross_entropy(&a[0], &pictures),
        |a| portable::bernoulli_cross_entropy(&a[0], &pictures),
    );
    same(
        "linear",
        &[values(&[9, 40], 1), values(&[20, 40], 2), values(&[20], 3)],
        |a| ops::linear(&a[0], &a[1], Some(&a[2])),
        |a| a[0].matmul(&a[1].t()?)?.broadcast_add(&a[2]),
    );
    for size in [6, 7] {
        let x = values(&[2, 3, size, size], 1);
        let y = ops::avg_pool_3x3_s2(&x).expect("runs");
        same("pool", &[x], |a| ops::avg_pool_3x3_s2(&a[0]), |a| portable::avg_pool_3x3_s2(&a[0]));
        same(
            "pool backward",
            &[y],
            |a| ops::avg_pool_3x3_s2_backward(&a[0], size, size),
            |a| portable::avg_pool_3x3_s2_backward(&a[0], size, size),
        );
    }
    same(
        "upsample",
        &[x.clone()],
        |a| ops::upsample_nearest_2x(&a[0]),
        |a| portable::block_fill(&a[0], 2, 1.0),
    );
    same("sum pool", &[x.clone()], |a| ops::sum_pool_2x2(&a[0]), |a| portable::block_sum(&a[0], 2, 1.0));
    same(
        "area",
        &[x.clone()],
        |a| ops::area_downsample(&a[0], 2),
        |a| portable::block_sum(&a[0], 3, 1.0 / 9.0),
    );
    same("bilinear", &[x], |a| ops::bilinear_downsample(&a[0], 4), |a| portable::bilinear(&a[0], 4));
}
