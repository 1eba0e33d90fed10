//! Every operation's backward pass against central differences in f64, and the backward passes' own derivatives.

use candle_core::{Device, Result, Tensor, Var};

use super::super::*;
use super::{assert_close, numbers, values};

/// Compares the gradient of `sum(weights * f(arguments))` with central differences in every entry of every
/// argument.
#[track_caller]
fn check(what: &str, arguments: &[Tensor], f: impl Fn(&[Tensor]) -> Result<Tensor>) {
    let loss = |arguments: &[Tensor]| {
        let y = f(arguments)?;
        y.mul(&values(y.dims(), 99))?.sum_all()
    };
    let variables: Vec<Var> = arguments.iter().map(|a| Var::from_tensor(a).expect("copies")).collect();
    let tensors: Vec<Tensor> = variables.iter().map(|v| v.as_tensor().clone()).collect();
    let gradients = loss(&tensors).and_then(|l| l.backward()).expect("runs");
    for (index, argument) in arguments.iter().enumerate() {
        let step = 1e-5;
        let mut slopes = Vec::new();
        for entry in 0..argument.elem_count() {
            let at = |delta: f64| {
                let mut numbers = numbers(argument);
                numbers[entry] += delta;
                let mut moved = arguments.to_vec();
                moved[index] = Tensor::from_vec(numbers, argument.dims(), &Device::Cpu).expect("fits");
                loss(&moved).and_then(|l| l.to_scalar::<f64>()).expect("runs")
            };
            slopes.push((at(step) - at(-step)) / (2.0 * step));
        }
        let slopes = Tensor::from_vec(slopes, argument.dims(), &Device::Cpu).expect("fits");
        let gradient = gradients.get(&tensors[index]).expect("reached");
        assert_close(gradient, &slopes, 1e-8, &format!("{what}, argument {index}"));
    }
}

#[test]
fn convolutions() {
    // (height, width, kernel, stride, padding): among them strides that do not divide exactly.
    for &(h, w, k, s, p) in &[
        (4, 4, 4, 2, 1),
        (5, 4, 3, 1, 1),
        (5, 6, 3, 2, 0),
        (7, 6, 4, 2, 1),
        (2, 3, 1, 1, 0),
        (4, 5, 1, 2, 0),
    ] {
        let name = format!("{h}x{w} kernel {k} stride {s} padding {p}");
        let (x, weight) = (values(&[2, 3, h, w], 1), values(&[2, 3, k, k], 2));
        let y = conv2d(&x, &weight, None, s, p).expect("runs");
        let dy = values(y.dims(), 3);
        check(&format!("conv2d {name}"), &[x.clone(), weight.clone(), values(&[2], 4)], |a| {
            conv2d(&a[0], &a[1], Some(&a[2]), s, p)
        });
        check(&format!("conv2d without bias {name}"), &[x.clone(), weight.clone()], |a| {
            conv2d(&a[0], &a[1], None, s, p)
        });
        check(&format!("conv2d_input_grad {name}"), &[dy.clone(), weight.clone()], |a| {
            conv2d_input_grad(&a[0], &a[1], (h, w), s, p)
        });
        check(&format!("conv_transpose2d {name}"), &[dy.clone(), weight.clone(), values(&[3], 4)], |a| {
            conv_transpose2d(&a[0], &a[1], Some(&a[2]), s, p)
        });
        check(&format!("conv2d_weight_grad {name}"), &[x.clone(), dy.clone()], |a| {
            conv2d_weight_grad(&a[0], &a[1], k, s, p)
        });
        for activation in [Activation::Before(0.2), Activation::After(0.2), Activation::After(0.0)] {
            check(&format!("{activation:?} {name}"), &[x.clone(), weight.clone(), values(&[2], 4)], |a| {
                conv2d_act(&a[0], &a[1], Some(&a[2]), s, p, activation)
            });
            check(
                &format!("{activation:?} transposed {name}"),
                &[dy.clone(), weight.clone(), values(&[3], 4)],
                |a| conv_transpose2d_act(&a[0], &a[1], Some(&a[2]), s, p, activation),
            );
        }
        check(&format!("conv2d_act_input_grad {name}"), &[dy.clone(), weight.clone()], |a| {
            conv2d_act_input_grad(&a[0], &a[1], &x, 0.2, s, p)
        });
    }
}

#[test]
fn batch_normalisation_and_its_gradient() {
    for shape in [&[5, 3][..], &[3, 2, 3, 5]] {
        let x = values(shape, 1).affine(2.0, 0.3).expect("runs");
        let (weight, bias) = (values(&shape[1..2], 2), values(&shape[1..2], 3));
        for slope in [None, Some(0.2), Some(0.0)] {
            check(&format!("batch_norm {slope:?}"), &[x.clone(), weight.clone(), bias.clone()], |a| {
                Ok(batch_norm(&a[0], &a[1], &a[2], 1e-5, slope)?.result)
            });
        }
        check("its input gradient", &[values(shape, 4), x.clone(), weight.clone()], |a| {
            batch_norm_input_gradient(&a[0], &a[1], &a[2], 1e-2)
        });
    }
}

#[test]
fn everything_else() {
    let x = values(&[2, 3, 4, 6], 1);
    check("channel_sum", &[x.clone()], |a| channel_sum(&a[0]));
    for slope in [0.0, 0.2] {
        check("leaky_relu", &[x.clone()], |a| leaky_relu(&a[0], slope));
        check("leaky_relu_backward", &[values(&[2, 3, 4, 6], 2)], |a| leaky_relu_backward(&x, &a[0], slope));
    }
    for (h, w) in [(4, 6), (5, 3), (1, 1)] {
        let x = values(&[1, 2, h, w], 1);
        let y = avg_pool_3x3_s2(&x).expect("runs");
        check("avg_pool", &[x], |a| avg_pool_3x3_s2(&a[0]));
        check("avg_pool_backward", &[y], |a| avg_pool_3x3_s2_backward(&a[0], h, w));
    }
    let numbers = values(&[2, 3, 1, 1], 4);
    check("add_to_maps", &[x.clone(), numbers.clone()], |a| add_to_maps(&a[0], &a[1]));
    check("scale_maps", &[x.clone(), numbers], |a| scale_maps(&a[0], &a[1]));
    check("add_map_to_maps", &[x.clone(), values(&[2, 1, 4, 6], 5)], |a| add_map_to_maps(&a[0], &a[1]));
    check("residual", &[x.clone(), values(&[2, 3, 4, 6], 2)], |a| residual(&a[0], &a[1], 0.1));
    let pictures = values(&[2, 3, 4, 6], 3).affine(0.5, 0.5).expect("runs");
    check("cross-entropy", &[x.affine(9.0, 0.0).expect("runs")], |a| {
        bernoulli_cross_entropy(&a[0], &pictures)
    });
    check("upsample", &[x.clone()], |a| upsample_nearest_2x(&a[0]));
    check("upsample twice", &[x.clone()], |a| upsample_nearest_2x(&a[0])?.add(&upsample_nearest_2x(&a[0])?));
    check("sum_pool", &[x], |a| sum_pool_2x2(&a[0]));
    let x = values(&[1, 2, 6, 6], 1);
    check("area", &[x.clone()], |a| area_downsample(&a[0], 2));
    for size in [2, 3, 4] {
        check("bilinear", &[x.clone()], |a| bilinear_downsample(&a[0], size));
    }
    check("linear", &[values(&[3, 5], 1), values(&[4, 5], 2), values(&[4], 3)], |a| {
        linear(&a[0], &a[1], Some(&a[2]))
    });
}

#[test]
fn gradient_at_zero_is_the_slope() {
    let x = Var::zeros((1, 1, 1, 2), candle_core::DType::F32, &Device::Cpu).expect("zeros");
    for slope in [0.0, 0.2] {
        let gradients = leaky_relu(&x, slope).and_then(|y| y.sum_all()?.backward()).expect("runs");
        let gradient = numbers(gradients.get(&x).expect("reached"));
        assert!(gradient.iter().all(|g| (g - slope).abs() < 1e-7), "{gradient:?}");
    }
}
