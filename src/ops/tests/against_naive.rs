//! Each operation against a reference that spells out its definition, over a table of shapes.

use candle_core::{DType, Device, Tensor, Var};

use super::super::*;
use super::{assert_close, numbers, strided, values};
use crate::ops::cpu::isa::Isa;
use crate::ops::cpu::shape::narrow_size;

/// `(batch, in channels, height, width, out channels, kernel, stride, padding)`
const SHAPES: &[(usize, usize, usize, usize, usize, usize, usize, usize)] = &[
    (1, 1, 1, 1, 1, 1, 1, 0),
    (1, 1, 1, 1, 1, 3, 1, 1),
    (2, 3, 1, 1, 5, 4, 2, 2),
    (2, 1, 4, 4, 2, 4, 2, 1),
    (3, 3, 3, 3, 3, 3, 1, 1),
    (4, 4, 4, 4, 4, 4, 2, 1),
    (2, 10, 5, 7, 3, 3, 1, 1),
    (2, 10, 7, 5, 17, 4, 2, 1),
    (1, 17, 9, 9, 10, 3, 2, 1),
    (1, 17, 8, 11, 10, 1, 1, 0),
    (2, 3, 6, 6, 17, 1, 2, 0),
    (1, 2, 5, 5, 3, 1, 1, 1),
    (5, 64, 4, 4, 70, 4, 1, 0),
    (3, 70, 1, 1, 33, 1, 1, 0),
    (2, 64, 8, 8, 64, 3, 1, 1),
    (2, 32, 16, 16, 64, 4, 2, 1),
    (3, 1, 34, 34, 32, 4, 2, 1),
    (2, 33, 17, 19, 65, 3, 1, 1),
    (1, 64, 3, 40, 16, 3, 1, 1),
    (2, 5, 9, 8, 6, 4, 2, 0),
    (2, 5, 8, 9, 6, 3, 2, 0),
    (1, 3, 33, 33, 4, 3, 1, 0),
];

struct Case {
    name: String,
    x: Tensor,
    w: Tensor,
    dy: Tensor,
    narrow_bias: Tensor,
    wide_bias: Tensor,
    stride: usize,
    padding: usize,
}

fn cases() -> impl Iterator<Item = Case> {
    SHAPES.iter().map(|&(n, ci, h, w, co, k, stride, padding)| {
        let size = |wide| narrow_size(wide, k, stride, padding).expect("fits");
        Case {
            name: format!("{n}x{ci}x{h}x{w} -> {co}, kernel {k} stride {stride} padding {padding}"),
            x: values(&[n, ci, h, w], 1),
            w: values(&[co, ci, k, k], 2),
            dy: values(&[n, co, size(h), size(w)], 3),
            narrow_bias: values(&[co], 4),
            wide_bias: values(&[ci], 5),
            stride,
            padding,
        }
    })
}

/// Walks over every product of the convolution: `visit(wide index, narrow index, weight index)`.
fn products(case: &Case, mut visit: impl FnMut(usize, usize, usize)) {
    let (n, ci, h, w) = case.x.dims4().expect("four axes");
    let (_, co, oh, ow) = case.dy.dims4().expect("four axes");
    let k = case.w.dim(3).expect("four axes");
    let inside = |o: usize, tap: usize, size: usize| {
        (o * case.stride + tap).checked_sub(case.padding).filter(|&i| i < size)
    };
    for image in 0..n {
        for (o, i) in (0..co).flat_map(|o| (0..ci).map(move |i| (o, i))) {
            for (oy, ox) in (0..oh).flat_map(|y| (0..ow).map(move |x| (y, x))) {
                for (ky, kx) in (0..k).flat_map(|y| (0..k).map(move |x| (y, x))) {
                    if let (Some(y), Some(x)) = (inside(oy, ky, h), inside(ox, kx, w)) {
                        visit(
                            ((image * ci + i) * h + y) * w + x,
                            ((image * co + o) * oh + oy) * ow + ox,
                            ((o * ci + i) * k + ky) * k + kx,
                        );
                    }
                }
            }
        }
    }
}

fn naive_narrow(case: &Case) -> Tensor {
    let (x, w) = (numbers(&case.x), numbers(&case.w));
    let mut y = vec![0.0; case.dy.elem_count()];
    products(case, |wide, narrow, weight| y[narrow] += x[wide] * w[weight]);
    Tensor::from_vec(y, case.dy.dims(), &Device::Cpu).expect("fits")
}

fn naive_wide(case: &Case) -> Tensor {
    let (dy, w) = (numbers(&case.dy), numbers(&case.w));
    let mut x = vec![0.0; case.x.elem_count()];
    products(case, |wide, narrow, weight| x[wide] += dy[narrow] * w[weight]);
    Tensor::from_vec(x, case.x.dims(), &Device::Cpu).expect("fits")
}

fn naive_weight(case: &Case) -> Tensor {
    let (dy, x) = (numbers(&case.dy), numbers(&case.x));
    let mut w = vec![0.0; case.w.elem_count()];
    products(case, |wide, narrow, weight| w[weight] += dy[narrow] * x[wide]);
    Tensor::from_vec(w, case.w.dims(), &Device::Cpu).expect("fits")
}

fn with_bias(y: &Tensor, bias: &Tensor) -> Tensor {
    y.broadcast_add(&bias.reshape((1, (), 1, 1)).expect("one axis")).expect("fits")
}

/// Each type, with plain and with strided arguments: `check(tolerance, arrange)`. In f32 once for every instruction set
/// of this CPU: nobody else's CPU need have AVX-512.
fn variants(mut check: impl FnMut(f64, &dyn Fn(&Tensor) -> Tensor)) {
    let mut both = |dtype, tolerance| {
        check(tolerance, &|t| t.to_dtype(dtype).expect("converts"));
        check(tolerance, &|t| strided(&t.to_dtype(dtype).expect("converts")));
    };
    both(DType::F64, 1e-13);
    for isa in Isa::available() {
        isa.preferred(|| both(DType::F32, 4e-6));
    }
}

#[test]
fn convolution() {
    for case in cases() {
        let expected = naive_narrow(&case);
        variants(|tolerance, as_| {
            let y = conv2d(&as_(&case.x), &as_(&case.w), None, case.stride, case.padding).expect("runs");
            assert_close(&y, &expected, tolerance, &case.name);
            let bias = as_(&case.narrow_bias);
            let y = conv2d(&as_(&case.x), &as_(&case.w), Some(&bias), case.stride, case.padding);
            assert_close(&y.expect("runs"), &with_bias(&expected, &case.narrow_bias), tolerance, &case.name);
        });
    }
}

#[test]
fn transposed_convolution() {
    for case in cases() {
        let expected = naive_wide(&case);
        let size = (case.x.dim(2).expect("four axes"), case.x.dim(3).expect("four axes"));
        variants(|tolerance, as_| {
            let x = conv2d_input_grad(&as_(&case.dy), &as_(&case.w), size, case.stride, case.padding);
            assert_close(&x.expect("runs"), &expected, tolerance, &case.name);
            let Ok(x) = conv_transpose2d(
                &as_(&case.dy),
                &as_(&case.w),
                Some(&as_(&case.wide_bias)),
                case.stride,
                case.padding,
            ) else {
                // A picture that the padding eats whole.
                return;
            };
            let (_, _, h, w) = x.dims4().expect("four axes");
            let expected = with_bias(&expected, &case.wide_bias);
            let expected = expected.narrow(2, 0, h).and_then(|t| t.narrow(3, 0, w)).expect("not larger");
            assert_close(&x, &expected, tolerance, &case.name);
        });
    }
}

#[test]
fn weight_gradient() {
    for case in cases() {
        let expected = naive_weight(&case);
        let kernel = case.w.dim(3).expect("four axes");
        variants(|tolerance, as_| {
            let w = conv2d_weight_grad(&as_(&case.x), &as_(&case.dy), kernel, case.stride, case.padding);
            assert_close(&w.expect("runs"), &expected, tolerance, &case.name);
        });
    }
}

/// What is fused with a convolution gives what the operations by themselves give, in values and gradients.
#[test]
fn fused_activations() {
    for isa in Isa::available() {
        isa.preferred(check_fused_activations);
    }
}

fn check_fused_activations() {
    let slope = 0.2;
    for case in cases() {
        let (stride, padding) = (case.stride, case.padding);
        let as_ = |t: &Tensor| Var::from_tensor(&t.to_dtype(DType::F32).expect("converts")).expect("copies");
        let (x, w, dy) = (as_(&case.x), as_(&case.w), as_(&case.dy));
        let (narrow_bias, wide_bias) = (as_(&case.narrow_bias), as_(&case.wide_bias));
        let same = |what: &str, got: Tensor, expected: Tensor, arguments: &[&Var]| {
            assert_close(&got, &expected, 4e-6, &format!("{what} {}", case.name));
            let weights = values(got.dims(), 9).to_dtype(DType::F32).expect("converts");
            let backward = |y: &Tensor| y.mul(&weights).and_then(|y| y.sum_all()?.backward()).expect("runs");
            let (got, expected) = (backward(&got), backward(&expected));
            for (index, argument) in arguments.iter().enumerate() {
                let what = format!("{what} {}, gradient {index}", case.name);
                let (got, expected) = (got.get(argument), expected.get(argument));
                assert_close(got.expect("reached"), expected.expect("reached"), 1e-5, &what);
            }
        };
        let conv = |x: &Tensor| conv2d(x, &w, Some(&narrow_bias), stride, padding).expect("runs");
        let fused = |a| conv2d_act(&x, &w, Some(&narrow_bias), stride, padding, a).expect("runs");
        let leaky = |x: &Tensor| leaky_relu(x, slope).expect("runs");
        same("before", fused(Activation::Before(slope)), conv(&leaky(&x)), &[&x, &w, &narrow_bias]);
        same("after", fused(Activation::After(slope)), leaky(&conv(&x)), &[&x, &w, &narrow_bias]);
        let size = (case.x.dim(2).expect("four axes"), case.x.dim(3).expect("four axes"));
        let masked = conv2d_act_input_grad(&dy, &w, &x, slope, stride, padding).expect("runs");
        let plain = conv2d_input_grad(&dy, &w, size, stride, padding).expect("runs");
        same("mask", masked, leaky_relu_backward(&x, &plain, slope).expect("runs"), &[&dy, &w]);
        for activation in [Activation::Before(slope), Activation::After(slope)] {
            let transposed = |x: &Tensor| conv_transpose2d(x, &w, Some(&wide_bias), stride, padding);
            if transposed(&dy).is_err() {
                continue;
            }
            let fused = conv_transpose2d_act(&dy, &w, Some(&wide_bias), stride, padding, activation);
            let expected = activation.around(&dy, transposed).expect("runs");
            same("transposed", fused.expect("runs"), expected, &[&dy, &w, &wide_bias]);
        }
    }
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let x = values(&[2, 3, 4, 4], 1);
    let w = values(&[5, 3, 3, 3], 2);
    assert!(conv2d(&x, &w, None, 0, 1).is_err());
    assert!(conv2d(&x, &values(&[5, 4, 3, 3], 2), None, 1, 1).is_err());
    assert!(conv2d(&x, &values(&[5, 3, 3, 2], 2), None, 1, 1).is_err());
    assert!(conv2d(&x, &values(&[5, 3, 7, 7], 2), None, 1, 1).is_err());
    assert!(conv2d(&x, &w, Some(&values(&[3], 2)), 1, 1).is_err());
    assert!(conv_transpose2d(&x, &w, None, 1, 1).is_err());
    assert!(conv_transpose2d(&values(&[1, 5, 1, 1], 1), &w, None, 1, 2).is_err());
    assert!(conv2d_weight_grad(&x, &values(&[2, 5, 3, 4], 1), 3, 1, 1).is_err());
    assert!(conv2d_weight_grad(&x, &values(&[1, 5, 4, 4], 1), 3, 1, 1).is_err());
    assert!(conv2d_input_grad(&values(&[2, 5, 4, 4], 1), &w, (9, 4), 1, 1).is_err());
    assert!(sum_pool_2x2(&values(&[1, 1, 3, 2], 1)).is_err());
    assert!(area_downsample(&values(&[1, 1, 6, 6], 1), 4).is_err());
    assert!(avg_pool_3x3_s2_backward(&values(&[1, 1, 2, 2], 1), 5, 4).is_err());
}

#[test]
fn activation() {
    for slope in [0.0, 0.2] {
        let x = values(&[2, 3, 5, 7], 1);
        let x = Tensor::cat(&[&x, &x.zeros_like().expect("zeros")], 0).expect("joins");
        let up = values(&[4, 3, 5, 7], 2);
        let leaky = numbers(&x).iter().map(|&x| if x > 0.0 { x } else { slope * x }).collect::<Vec<_>>();
        let back =
            numbers(&x).into_iter().zip(numbers(&up)).map(|(x, u)| if x > 0.0 { u } else { slope * u });
        let leaky = Tensor::from_vec(leaky, x.dims(), &Device::Cpu).expect("fits");
        let back = Tensor::from_vec(back.collect::<Vec<_>>(), x.dims(), &Device::Cpu).expect("fits");
        variants(|tolerance, as_| {
            assert_close(
                &super::super::leaky_relu(&as_(&x), slope).expect("runs"),
                &leaky,
                tolerance,
                "forward",
            );
            let got = leaky_relu_backward(&as_(&x), &as_(&up), slope).expect("runs");
            assert_close(&got, &back, tolerance, "backward");
        });
    }
}

#[test]
fn pooling_and_resampling() {
    for &(n, c, h, w) in
        &[(1, 1, 1, 1), (2, 3, 4, 4), (4, 4, 4, 4), (1, 5, 7, 10), (2, 17, 9, 6), (1, 2, 1, 8)]
    {
        let name = format!("{n}x{c}x{h}x{w}");
        let x = values(&[n, c, h, w], 1);
        let plane = |f: &dyn Fn(&dyn Fn(isize, isize) -> f64, usize, usize) -> f64, oh: usize, ow: usize| {
            let numbers = numbers(&x);
            let mut out = Vec::new();
            for plane in numbers.chunks(h * w) {
                let at = |r: isize, c: isize| {
                    let inside = r >= 0 && c >= 0 && r < h as isize && c < w as isize;
                    if inside { plane[r as usize * w + c as usize] } else { 0.0 }
                };
                out.extend((0..oh).flat_map(|r| (0..ow).map(move |c| (r, c))).map(|(r, c)| f(&at, r, c)));
            }
            Tensor::from_vec(out, (n, c, oh, ow), &Device::Cpu).expect("fits")
        };
        let pooled = plane(
            &|at, r, c| {
                let window = (-1..=1).flat_map(|dr| (-1..=1).map(move |dc| (dr, dc)));
                window.map(|(dr, dc)| at(2 * r as isize + dr, 2 * c as isize + dc)).sum::<f64>() / 9.0
            },
            h.div_ceil(2),
            w.div_ceil(2),
        );
        let doubled = plane(&|at, r, c| at(r as isize / 2, c as isize / 2), 2 * h, 2 * w);
        variants(|tolerance, as_| {
            assert_close(&avg_pool_3x3_s2(&as_(&x)).expect("runs"), &pooled, tolerance, &name);
            assert_close(&upsample_nearest_2x(&as_(&x)).expect("runs"), &doubled, tolerance, &name);
            if h % 2 == 0 && w % 2 == 0 {
                let sums = plane(
                    &|at, r, c| {
                        let (r, c) = (2 * r as isize, 2 * c as isize);
                        at(r, c) + at(r + 1, c) + at(r, c + 1) + at(r + 1, c + 1)
                    },
                    h / 2,
                    w / 2,
                );
                assert_close(&sum_pool_2x2(&as_(&x)).expect("runs"), &sums, tolerance, &name);
            }
        });
    }
}

#[test]
fn downsampling_follows_pytorch() {
    // F.adaptive_avg_pool2d(x, 2) and F.interpolate(x, 2, mode="bilinear") of 0..36 as a 6x6 picture.
    let x = Tensor::arange(0.0_f64, 36.0, &Device::Cpu).and_then(|t| t.reshape((1, 1, 6, 6))).expect("fits");
    let area = Tensor::new(&[7.0_f64, 10.0, 25.0, 28.0], &Device::Cpu).and_then(|t| t.reshape((1, 1, 2, 2)));
    variants(|tolerance, as_| {
        assert_close(
            &area_downsample(&as_(&x), 2).expect("runs"),
            area.as_ref().expect("fits"),
            tolerance,
            "area",
        );
        // Half-pixel centres of factor 3 fall on pixels 1 and 4.
        assert_close(
            &bilinear_downsample(&as_(&x), 2).expect("runs"),
            area.as_ref().expect("fits"),
            tolerance,
            "3x",
        );
        // Of factor 2 they fall between pixels: the mean of the four neighbours.
        let four = area_downsample(&as_(&x), 3).expect("runs");
        assert_close(&bilinear_downsample(&as_(&x), 3).expect("runs"), &four, tolerance, "2x");
        assert_close(&area_downsample(&as_(&x), 6).expect("runs"), &x, tolerance, "same size");
        // 6 -> 4, factor 1.5: positions 0.25, 1.75, 3.25, 4.75.
        let at = [0.25, 1.75, 3.25, 4.75];
        let mixed: Vec<f64> = at.iter().flat_map(|r| at.iter().map(move |c| 6.0 * r + c)).collect();
        let mixed = Tensor::from_vec(mixed, (1, 1, 4, 4), &Device::Cpu).expect("fits");
        assert_close(&bilinear_downsample(&as_(&x), 4).expect("runs"), &mixed, tolerance, "1.5x");
    });
}

#[test]
fn fully_connected() {
    for &(n, i, o) in &[(1, 1, 1), (3, 10, 17), (64, 256, 20), (5, 276, 64)] {
        let (x, w, b) = (values(&[n, i], 1), values(&[o, i], 2), values(&[o], 3));
        let (xs, ws, bs) = (numbers(&x), numbers(&w), numbers(&b));
        let y = (0..n).flat_map(|n| (0..o).map(move |o| (n, o)));
        let y = y.map(|(n, o)| bs[o] + (0..i).map(|k| xs[n * i + k] * ws[o * i + k]).sum::<f64>());
        let y = Tensor::from_vec(y.collect::<Vec<_>>(), (n, o), &Device::Cpu).expect("fits");
        variants(|tolerance, as_| {
            assert_close(&linear(&as_(&x), &as_(&w), Some(&as_(&b))).expect("runs"), &y, tolerance, "linear");
        });
    }
}
