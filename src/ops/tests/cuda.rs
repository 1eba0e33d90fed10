//! The whole CUDA path against the CPU's, on the CPU: what is launched on what, with which arguments, in values and in
//! gradients, over shapes that are odd, offset and empty. What this cannot tell is whether cuBLAS and cuDNN are called
//! as they want to be: that needs a card.

use candle_core::{DType, Result, Tensor, Var};

use super::super::cuda::Form;
use super::super::cuda::host::On;
use super::super::*;
use super::{assert_close, strided, values};

/// f32 values on the CPU.
fn floats(shape: &[usize], seed: u64) -> Tensor {
    values(shape, seed).to_dtype(DType::F32).expect("converts")
}

/// How far from f32 a convolution may be.
fn tolerance(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 1e-5,
        Precision::Tf32 => 2e-3,
        Precision::Bf16 => 2e-2,
    }
}

/// The value of `f`, and the gradients of a weighted sum of it in all arguments.
fn derived(arguments: &[Tensor], f: &impl Fn(&[Tensor]) -> Result<Tensor>) -> Result<Vec<Tensor>> {
    let variables: Vec<Var> = arguments.iter().map(Var::from_tensor).collect::<Result<_>>()?;
    let tensors: Vec<Tensor> = variables.iter().map(|v| v.as_tensor().clone()).collect();
    let value = f(&tensors)?;
    let gradients = backward(&value.mul(&floats(value.dims(), 99))?.sum_all()?)?;
    let zero = |tensor: &Tensor| tensor.zeros_like();
    let of =
        |tensor: &Tensor| gradients.get(tensor).map_or_else(|| zero(tensor), |gradient| Ok(gradient.clone()));
    let mut all = vec![value.detach()];
    for tensor in &tensors {
        all.push(of(tensor)?);
    }
    Ok(all)
}

/// Compares `f` on the host driver with the CPU, in values and gradients; false where the host cannot be had.
#[track_caller]
fn same(
    what: &str,
    precision: Precision,
    arguments: &[Tensor],
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
) -> bool {
    let expected = derived(arguments, &f).expect("runs on the CPU");
    let Some(host) = On::new(precision) else { return false };
    let got = derived(arguments, &f).expect("runs on the host driver");
    let asked = host.take_asked();
    drop(host);
    assert!(!asked.is_empty() || arguments[0].elem_count() == 0, "{what}: the driver was not asked");
    let tolerance = tolerance(precision);
    for (index, (got, expected)) in got.iter().zip(&expected).enumerate() {
        assert_close(got, expected, tolerance, &format!("{what} in {precision}, result {index}"));
    }
    true
}

/// (pictures, channels in and out, height, width, kernel, stride, padding)
const CONVOLUTIONS: &[([usize; 5], [usize; 3])] = &[
    ([2, 3, 4, 8, 8], [4, 2, 1]),
    ([2, 8, 16, 5, 7], [3, 1, 1]),
    ([1, 72, 8, 6, 5], [3, 2, 0]),
    ([3, 16, 8, 7, 6], [4, 2, 1]),
    ([2, 8, 24, 6, 7], [1, 1, 0]),
    ([2, 5, 6, 5, 4], [1, 2, 0]),
    ([2, 8, 8, 4, 4], [4, 1, 0]),
    ([1, 16, 136, 9, 9], [3, 1, 1]),
    ([0, 8, 8, 5, 5], [3, 1, 1]),
];

#[test]
fn convolutions() {
    for precision in Precision::ALL {
        for &([n, ci, co, h, w], [k, s, p]) in CONVOLUTIONS {
            let name = format!("{n} of {ci} to {co}, {h}x{w} kernel {k} stride {s} padding {p}");
            let (x, weight, bias) = (floats(&[n, ci, h, w], 1), floats(&[co, ci, k, k], 2), floats(&[co], 3));
            let weight = (weight / (ci * k) as f64).expect("divides");
            let y = conv2d(&x, &weight, None, s, p).expect("runs");
            let (dy, wide_bias) = (floats(y.dims(), 4), floats(&[ci], 5));
            for activation in [Activation::None, Activation::Before(0.2), Activation::After(0.2)] {
                let all = [x.clone(), weight.clone(), bias.clone()];
                let what = format!("conv2d {activation:?} {name}");
                if !same(&what, precision, &all, |a| conv2d_act(&a[0], &a[1], Some(&a[2]), s, p, activation))
                {
                    return;
                }
                let all = [dy.clone(), weight.clone(), wide_bias.clone()];
                same(&format!("transposed {activation:?} {name}"), precision, &all, |a| {
                    conv_transpose2d_act(&a[0], &a[1], Some(&a[2]), s, p, activation)
                });
            }
            same(&format!("input gradient {name}"), precision, &[dy.clone(), weight.clone()], |a| {
                conv2d_input_grad(&a[0], &a[1], (h, w), s, p)
            });
            same(&format!("masked input gradient {name}"), precision, &[dy.clone(), weight.clone()], |a| {
                conv2d_act_input_grad(&a[0], &a[1], &x, 0.2, s, p)
            });
            same(&format!("weight gradient {name}"), precision, &[x.clone(), dy.clone()], |a| {
                conv2d_weight_grad(&a[0], &a[1], k, s, p)
            });
        }
    }
}

#[test]
fn convolutions_with_all_that_can_be_around_them() -> Result<()> {
    for precision in Precision::ALL {
        for &([n, ci, co, h, w], [k, s, p]) in CONVOLUTIONS {
            let (x, weight) = (floats(&[n, ci, h, w], 1), (floats(&[co, ci, k, k], 2) / (ci * k) as f64)?);
            let y = conv2d(&x, &weight, None, s, p)?;
            let (dy, bias, wide_bias) = (floats(y.dims(), 3), floats(&[co], 4), floats(&[ci], 5));
            let (mask, shortcut) = (floats(y.dims(), 6), floats(y.dims(), 7));
            let all = |bias, at, shortcut| Around {
                before: Some(0.1),
                bias: Some(bias),
                after: Some(0.2),
                mask: Some((at, 0.3)),
                shortcut: Some((shortcut, 0.4)),
            };
            let compute = || -> Result<[Tensor; 3]> {
                let narrow = all(&bias, &mask, &shortcut);
                let wide = Around { before: None, ..all(&wide_bias, &x, &x) };
                Ok([
                    conv2d_fused(&x, &weight, s, p, &narrow)?,
                    conv2d_input_grad_fused(&dy, &weight, (h, w), s, p, &wide)?,
                    conv2d_act_weight_grad(&x, &dy, Some(0.2), k, s, p)?,
                ])
            };
            let expected = compute()?;
            let Some(_on) = On::new(precision) else { return Ok(()) };
            for (got, expected) in compute()?.iter().zip(&expected) {
                assert_close(
                    got,
                    expected,
                    tolerance(precision),
                    &format!("{n} of {ci} to {co} in {precision}"),
                );
            }
        }
    }
    Ok(())
}

#[test]
fn everything_else() {
    // (pictures, channels, height, width): fours, odd sizes, more than a block of threads, nothing
    for shape in [[2, 3, 6, 4], [3, 5, 7, 5], [2, 4, 64, 66], [1, 1, 1, 1], [0, 3, 4, 4]] {
        let [n, c, h, w] = shape;
        let (x, up) = (floats(&shape, 1), floats(&shape, 2));
        let all = |what: &str, arguments: &[Tensor], f: &dyn Fn(&[Tensor]) -> Result<Tensor>| {
            same(&format!("{what} {shape:?}"), Precision::F32, arguments, f)
        };
        if !all("leaky relu", &[x.clone()], &|a| leaky_relu(&a[0], 0.2)) {
            return;
        }
        all("leaky relu backward", &[up.clone()], &|a| leaky_relu_backward(&x, &a[0], 0.2));
        all("tanh", &[x.clone()], &|a| tanh(&a[0]));
        all("residual", &[x.clone(), up.clone()], &|a| residual(&a[0], &a[1], 0.1));
        all("scaled", &[x.clone()], &|a| scaled(&a[0], 0.3));
        all("channel sum", &[x.clone()], &|a| channel_sum(&a[0]));
        all("pool", &[x.clone()], &|a| avg_pool_3x3_s2(&a[0]));
        let pooled = floats(&[n, c, h.div_ceil(2), w.div_ceil(2)], 3);
        all("pool backward", &[pooled], &|a| avg_pool_3x3_s2_backward(&a[0], h, w));
        all("upsample", &[x.clone()], &|a| upsample_nearest_2x(&a[0]));
        all("sum pool", &[floats(&[n, c, 2 * h, 2 * w], 4)], &|a| sum_pool_2x2(&a[0]));
        all("area", &[floats(&[n, c, 3 * h, 3 * h], 5)], &|a| area_downsample(&a[0], h));
        for size in [1, 3, h, 2 * w].into_iter().filter(|&size| (size, size) != (h, w)) {
            all(&format!("bilinear to {size}"), &[x.clone()], &|a| bilinear_downsample(&a[0], size));
        }
        let logits = x.affine(9.0, 0.0).expect("runs");
        all("cross-entropy", &[logits], &|a| bernoulli_cross_entropy(&a[0], &up));
        let flat = [floats(&[n, c * h], 6), floats(&[w, c * h], 7), floats(&[w], 8)];
        all("linear", &flat, &|a| linear(&a[0], &a[1], Some(&a[2])));
        all("linear without a bias", &flat[..2], &|a| linear(&a[0], &a[1], None));
    }
}

#[test]
fn arguments_may_be_strided_and_offset() {
    let whole = floats(&[3, 4, 6, 8], 1);
    for x in [strided(&whole), whole.narrow(0, 1, 2).expect("cuts"), whole.narrow(3, 1, 5).expect("cuts")] {
        same("offset", Precision::F32, &[floats(&[1], 2)], |a| leaky_relu(&x, 0.2)?.broadcast_add(&a[0]));
        let c = x.dim(1).expect("has channels");
        same("offset in a convolution", Precision::F32, &[floats(&[8, c, 3, 3], 3)], |a| {
            conv2d(&x, &a[0], None, 1, 1)
        });
    }
    // one value into memory: not where a float4 may begin
    let flat = floats(&[257], 4);
    let x = flat.narrow(0, 1, 256).expect("cuts").reshape((1, 4, 8, 8)).expect("fits");
    let expected = upsample_nearest_2x(&x).and_then(|y| sum_pool_2x2(&residual(&y, &y, 0.5)?)).expect("runs");
    let Some(_on) = On::new(Precision::F32) else { return };
    let got = upsample_nearest_2x(&x).and_then(|y| sum_pool_2x2(&residual(&y, &y, 0.5)?)).expect("runs");
    assert_close(&got, &expected, 1e-6, "offset by one value");
}

#[test]
fn a_layer_is_one_convolution_and_one_pass_around_it() -> Result<()> {
    let (x, weight, bias) = (floats(&[2, 8, 6, 6], 1), floats(&[8, 8, 3, 3], 2), floats(&[8], 3));
    let around = Around {
        before: Some(0.2),
        bias: Some(&bias),
        after: Some(0.2),
        mask: None,
        shortcut: Some((&x, 0.1)),
    };
    let asked = |precision| -> Result<Option<Vec<String>>> {
        let Some(host) = On::new(precision) else { return Ok(None) };
        conv2d_fused(&x, &weight, 1, 1, &around)?;
        Ok(Some(host.take_asked()))
    };
    let Some(planes) = asked(Precision::F32)? else { return Ok(()) };
    assert_eq!(planes, ["leaky_relu_4", "Forward Planes(F32)", "epilogue_4"]);
    let last =
        ["to_channels_last", "weight_to_channels_last", "Forward ChannelsLast(Tf32)", "from_channels_last"];
    assert_eq!(asked(Precision::Tf32)?.as_deref(), Some(&last.map(str::to_owned)[..]));
    Ok(())
}

#[test]
fn a_gradient_is_converted_once_for_both_of_its_uses() -> Result<()> {
    let (x, dy, weight) = (floats(&[2, 8, 6, 6], 1), floats(&[2, 16, 6, 6], 2), floats(&[16, 8, 3, 3], 3));
    let Some(host) = On::new(Precision::Bf16) else { return Ok(()) };
    conv2d_input_grad_fused(&dy, &weight, (6, 6), 1, 1, &Around::default())?;
    conv2d_act_weight_grad(&x, &dy, None, 3, 1, 1)?;
    let conversions = host.take_asked().iter().filter(|asked| *asked == "to_channels_last_bf16").count();
    assert_eq!(conversions, 2, "one of x, one of its gradient");
    // A parameter changes in place and is converted anew.
    let variable = Var::from_tensor(&x)?;
    let before = conv2d_fused(&variable, &weight, 1, 1, &Around::default())?;
    variable.set(&(&x * 2.0)?)?;
    let after = conv2d_fused(&variable, &weight, 1, 1, &Around::default())?;
    assert_close(&after, &(before * 2.0)?, 1e-6, "after a change");
    Ok(())
}

#[test]
fn what_cudnn_refuses_is_tried_in_planes_and_what_it_lacks_is_composed() -> Result<()> {
    let (x, weight) = (floats(&[2, 8, 6, 6], 1), floats(&[8, 8, 3, 3], 2));
    let expected = conv2d(&x, &weight, None, 1, 1)?;
    let Some(host) = On::new(Precision::Bf16) else { return Ok(()) };
    host.refuse(Form::ChannelsLast(Precision::Bf16));
    assert_close(&conv2d(&x, &weight, None, 1, 1)?, &expected, tolerance(Precision::Tf32), "in planes");
    assert_eq!(host.take_asked().last().map(String::as_str), Some("Forward Planes(Tf32)"));
    host.refuse(Form::Planes(Precision::Tf32));
    // It is asked once, and then known.
    for forms in [2, 0] {
        host.take_asked();
        assert_close(&conv2d(&x, &weight, None, 1, 1)?, &expected, 1e-5, "composed for this shape");
        let asked = host.take_asked();
        let converted = asked.iter().filter(|asked| asked.contains("channels_last")).count();
        assert_eq!((converted, asked.len()), (forms, forms), "{asked:?}");
    }
    let other = floats(&[2, 3, 6, 6], 3);
    host.take_asked();
    let around = Around { after: Some(0.2), ..Around::default() };
    conv2d_fused(&other, &floats(&[4, 3, 6, 6], 4), 1, 0, &around)?;
    assert_eq!(host.take_asked()[0], "product", "what needs no cuDNN goes as before");
    host.without_convolutions();
    assert_close(&conv2d(&x, &weight, None, 1, 1)?, &expected, 1e-5, "composed");
    assert!(host.take_asked().iter().all(|asked| !asked.contains("Forward")));
    Ok(())
}

/// Every pass, and what surrounds it, where cuDNN has no algorithm for anything.
#[test]
fn what_cudnn_lacks_has_the_same_gradients() {
    for &([n, ci, co, h, w], [k, s, p]) in CONVOLUTIONS {
        let name = format!("{n} of {ci} to {co}, {h}x{w} kernel {k} stride {s} padding {p}");
        if n == 0 {
            continue;
        }
        let (x, bias) = (floats(&[n, ci, h, w], 1), floats(&[co], 3));
        let weight = (floats(&[co, ci, k, k], 2) / (ci * k) as f64).expect("divides");
        let y = conv2d(&x, &weight, None, s, p).expect("runs");
        let dy = floats(y.dims(), 4);
        let around = |bias, shortcut| Around {
            before: Some(0.1),
            bias: Some(bias),
            after: Some(0.2),
            mask: None,
            shortcut: Some((shortcut, 0.4)),
        };
        let compute = || -> Result<Vec<Tensor>> {
            let after = Activation::After(0.2);
            let all = [x.clone(), weight.clone(), bias.clone()];
            let mut found = derived(&all, &|a| conv2d_act(&a[0], &a[1], Some(&a[2]), s, p, after))?;
            let narrow = [dy.clone(), weight.clone()];
            found.extend(derived(&narrow, &|a| conv2d_input_grad(&a[0], &a[1], (h, w), s, p))?);
            found.extend(derived(&narrow, &|a| conv2d_act_input_grad(&a[0], &a[1], &x, 0.2, s, p))?);
            found.push(conv2d_act_weight_grad(&x, &dy, Some(0.2), k, s, p)?);
            found.push(conv2d_fused(&x, &weight, s, p, &around(&bias, &y))?);
            Ok(found)
        };
        let expected = compute().expect("runs on the CPU");
        let Some(host) = On::new(Precision::Tf32) else { return };
        host.refuse(Form::ChannelsLast(Precision::Tf32));
        host.refuse(Form::Planes(Precision::Tf32));
        let got = compute().expect("is composed");
        let asked = host.take_asked();
        drop(host);
        assert!(asked.iter().all(|asked| !asked.contains("Forward") && !asked.contains("Transposed")));
        for (index, (got, expected)) in got.iter().zip(&expected).enumerate() {
            // products are tf32's all the same
            assert_close(got, expected, 2e-3, &format!("{name}, result {index}"));
        }
    }
}

/// Converted copies, scratch memory and recordings; that all tests end with nothing left is seen to where the host is switched
/// off.
#[test]
fn what_the_driver_hands_out_is_handed_back() -> Result<()> {
    let Some(host) = On::new(Precision::Bf16) else { return Ok(()) };
    let (x, dy, weight) = (floats(&[2, 8, 6, 6], 1), floats(&[2, 16, 6, 6], 2), floats(&[16, 8, 3, 3], 3));
    let out = Tensor::zeros(16 * 8 * 9, DType::F32, x.device())?;
    let mut work = || {
        conv2d_input_grad_fused(&dy, &weight, (6, 6), 1, 1, &Around::default())?;
        let dw = conv2d_act_weight_grad(&x, &dy, None, 3, 1, 1)?;
        super::super::cuda::optim::note(&out, 0, &dw.flatten_all()?)
    };
    work()?;
    assert_eq!(host.out(), 2, "the copies of x and of its gradient are kept");
    let mut replay = Replay::new(x.device());
    for _ in 0..5 {
        replay.run(x.device(), &mut work)?;
    }
    assert!(replay.is_recorded());
    assert_eq!(host.out(), 1, "a recording keeps no copies, and none are left over from before");
    drop(replay);
    assert_eq!(host.out(), 0);
    Ok(())
}
