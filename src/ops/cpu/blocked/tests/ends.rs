//! From pixels and rows, and to them.

use half::bf16;

use super::super::super::isa::Isa;
use super::super::{Epilogue, FewChannelConv, FirstConv, Footprint, Linear, MapShape, PixelSink};
use super::{Rounded, SIZES, assert_close, blocked, numbers, plain, reference, representable, with_teams};

#[test]
fn convolutions_from_pixels_agree_with_the_definition() {
    from_pixels_in::<f32>();
    from_pixels_in::<bf16>();
}

fn from_pixels_in<E: Rounded>() {
    let sizes =
        [(1, 1, 2, 2), (3, 33, 2, 10), (1, 32, 32, 32), (3, 16, 6, 34), (3, 33, 10, 14), (2, 64, 4, 24)];
    let sizes = if cfg!(miri) { &sizes[..2] } else { &sizes[..] };
    for (index, &(channels, out, height, width)) in sizes.iter().enumerate() {
        let shape = MapShape::new(channels, height, width);
        let chw = numbers(index as u64, channels * height * width);
        let (weights, bias) = (numbers(800, channels * out * 16), numbers(900, out));
        let expected = reference(&chw, shape, out, Footprint::Halve4x4, &weights, &bias);
        for isa in Isa::available() {
            let conv = FirstConv::new(isa, shape, out, &weights, &bias);
            let mut raw = vec![E::of(0.0); conv.output().len()];
            let mut epilogue = Epilogue { residual: None, raw: Some(&mut raw), active: None, slope: 1.0 };
            conv.run(&chw, &mut vec![f32::NAN; conv.scratch()], &mut epilogue);
            let what = format!("{channels}->{out} {height}x{width} {isa:?}");
            assert_close::<E>(&plain(&raw, conv.output()), &expected, 1e-4, &what);
            let border: f32 = raw[..conv.output().row_len()].iter().map(|value| value.value()).sum();
            assert_eq!(border, 0.0, "{what}: the border stays zero");
        }
    }
}

#[test]
fn convolutions_to_pixels_agree_with_the_definition() {
    to_pixels_in::<f32>();
    to_pixels_in::<bf16>();
}

fn to_pixels_in<E: Rounded>() {
    for (index, &(channels, _, height, width)) in SIZES.iter().enumerate() {
        for (footprint, out) in
            [(Footprint::Same3x3, 3), (Footprint::Double4x4, 1), (Footprint::Double4x4, 3)]
        {
            let shape = MapShape::new(channels, height, width);
            let chw = representable::<E>(index as u64, channels * height * width);
            let weights = representable::<E>(600 + index as u64, channels * out * footprint.kernel().pow(2));
            let bias = numbers(700 + index as u64, out);
            let logits = reference(&chw, shape, out, footprint, &weights, &bias);
            let expected: Vec<f32> = logits.iter().map(|v| (v.tanh() + 1.0) / 2.0).collect();
            for isa in Isa::available() {
                let conv = FewChannelConv::<E>::new(isa, footprint, shape, out, &weights, &bias);
                let input = blocked::<E>(&chw, shape);
                with_teams(|team| {
                    let what = format!("{footprint:?} {channels}->{out} {height}x{width} {isa:?}");
                    let output = conv.output();
                    let mut picture = vec![f32::NAN; expected.len()];
                    let mut scratch = vec![f32::NAN; conv.worker_scratch() * team.workers()];
                    conv.run(&input, &mut PixelSink::planes(&mut picture, 2.0), &mut scratch, team);
                    assert_close::<f32>(&picture, &expected, 2e-5, &what);
                    let mut pixels = vec![9; output.height() * output.width() * 4];
                    conv.run(&input, &mut PixelSink::rgba(&mut pixels, 2.0), &mut scratch, team);
                    for (i, pixel) in pixels.chunks_exact(4).enumerate() {
                        let value = |channel: usize| picture[channel % out * pixels.len() / 4 + i];
                        let byte = |channel: usize| (value(channel) * 255.0 + 0.5) as u8;
                        assert_eq!(pixel, [byte(0), byte(1), byte(2), 255], "{what}");
                    }
                });
            }
        }
    }
}

#[test]
fn linear_layers_agree_with_the_definition() {
    linear_in::<f32>();
    linear_in::<bf16>();
}

fn linear_in<E: Rounded>() {
    let layers = [
        (1, MapShape::new(1, 1, 1), 1),
        (5, MapShape::new(17, 2, 1), 3),
        (276, MapShape::new(33, 4, 4), 1),
        (20, MapShape::new(256, 1, 1), 5),
        (100, MapShape::new(40, 1, 1), 19),
    ];
    for &(inputs, shape, rows) in if cfg!(miri) { &layers[..2] } else { &layers[..] } {
        let outputs = shape.channels() * shape.height() * shape.width();
        let (x, weights, bias) =
            (numbers(1, rows * (inputs + 3)), representable::<E>(2, inputs * outputs), numbers(3, outputs));
        let expected = |row: usize, o: usize| {
            let products = (0..inputs)
                .map(|k| f64::from(x[row * (inputs + 3) + k]) * f64::from(weights[o * inputs + k]));
            let sum = (products.sum::<f64>() + f64::from(bias[o])) as f32;
            sum.max(0.2 * sum)
        };
        let wanted: Vec<Vec<f32>> =
            (0..rows).map(|row| (0..outputs).map(|o| expected(row, o)).collect()).collect();
        for isa in Isa::available() {
            with_teams(|team| {
                let what = format!("{inputs}->{shape:?} {isa:?}");
                if shape.height() == 1 {
                    let linear = Linear::<E>::to_row(isa, inputs, &weights, &bias, 0.2);
                    let mut out = vec![0.0f32; rows * linear.output_len()];
                    linear.run(rows, &x, inputs + 3, &mut out, team);
                    for (row, wanted) in out.chunks_exact(linear.output_len()).zip(&wanted) {
                        assert_close::<f32>(&row[..outputs], wanted, 1e-4, &what);
                    }
                } else {
                    let linear = Linear::<E>::to_map(isa, inputs, &weights, &bias, 0.2, shape);
                    let mut out = vec![E::of(0.0); rows * linear.output_len()];
                    linear.run(rows, &x, inputs + 3, &mut out, team);
                    for (row, wanted) in out.chunks_exact(linear.output_len()).zip(&wanted) {
                        assert_close::<E>(&plain(row, shape), wanted, 1e-4, &what);
                    }
                }
            });
        }
    }
}
