//! Every kernel against a plain loop in f64, over odd sizes and channel counts and every instruction set.

use super::super::isa::Isa;
use super::team::tests::with_threads;
use super::{
    BLOCK, DirectConv, EntryConv, Epilogue, FewConv, Footprint, Linear, MapShape, PixelSink, Residual, Team,
    Variant, WinogradConv,
};

/// Numbers in [-1, 1) from a small generator (splitmix64).
pub(super) fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(len).collect()
}

fn blocked(chw: &[f32], shape: MapShape) -> Vec<f32> {
    let mut map = vec![0.0; shape.len()];
    for (i, value) in chw.iter().enumerate() {
        let (c, y, x) = coordinates(i, shape);
        map[shape.at(c / BLOCK, y, x) + c % BLOCK] = *value;
    }
    map
}

fn plain(map: &[f32], shape: MapShape) -> Vec<f32> {
    let values = 0..shape.channels() * shape.height() * shape.width();
    values
        .map(|i| coordinates(i, shape))
        .map(|(c, y, x)| map[shape.at(c / BLOCK, y, x) + c % BLOCK])
        .collect()
}

fn coordinates(i: usize, shape: MapShape) -> (usize, usize, usize) {
    let area = shape.height() * shape.width();
    (i / area, i % area / shape.width(), i % shape.width())
}

fn upsampled(chw: &[f32], shape: MapShape) -> (Vec<f32>, MapShape) {
    let big = MapShape::new(shape.channels(), shape.height() * 2, shape.width() * 2);
    let values = 0..big.channels() * big.height() * big.width();
    let pick = |(c, y, x): (usize, usize, usize)| chw[(c * shape.height() + y / 2) * shape.width() + x / 2];
    (values.map(|i| pick(coordinates(i, big))).collect(), big)
}

/// Convolution with padding by definition; a transposed one scatters.
fn reference(
    chw: &[f32],
    shape: MapShape,
    out: usize,
    footprint: Footprint,
    weights: &[f32],
    bias: &[f32],
) -> Vec<f32> {
    let (kernel, stride) = (footprint.kernel(), footprint.stride());
    let (height, width) = (footprint.output_len(shape.height()), footprint.output_len(shape.width()));
    let mut sums: Vec<f64> =
        (0..out * height * width).map(|i| f64::from(bias[i / (height * width)])).collect();
    let pad = if footprint == Footprint::Pointwise { 0 } else { 1 };
    let (rows, columns) =
        if footprint.is_transposed() { (shape.height(), shape.width()) } else { (height, width) };
    for (o, c, y, x) in (0..out * shape.channels() * rows * columns).map(|i| {
        let area = rows * columns;
        (i / (shape.channels() * area), i / area % shape.channels(), i % area / columns, i % columns)
    }) {
        for (ky, kx) in (0..kernel * kernel).map(|k| (k / kernel, k % kernel)) {
            // (y, x) is the position of the strided side, (oy, ox) that of the dense one.
            let step = if footprint.is_transposed() { 2 } else { stride };
            let (dy, dx) = ((y * step + ky).wrapping_sub(pad), (x * step + kx).wrapping_sub(pad));
            let (from, to, weight) = if footprint.is_transposed() {
                if dy >= height || dx >= width {
                    continue;
                }
                let weight = ((c * out + o) * kernel + ky) * kernel + kx;
                ((c * shape.height() + y) * shape.width() + x, (o * height + dy) * width + dx, weight)
            } else {
                if dy >= shape.height() || dx >= shape.width() {
                    continue;
                }
                let weight = ((o * shape.channels() + c) * kernel + ky) * kernel + kx;
                ((c * shape.height() + dy) * shape.width() + dx, (o * height + y) * width + x, weight)
            };
            sums[to] += f64::from(chw[from]) * f64::from(weights[weight]);
        }
    }
    sums.iter().map(|&v| v as f32).collect()
}

fn assert_close(actual: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let worst = actual.iter().zip(expected).map(|(a, e)| (a - e).abs()).fold(0.0, f32::max);
    assert!(worst <= tolerance, "{what}: off by {worst}");
    assert!(actual.iter().all(|v| v.is_finite()), "{what}: not finite");
}

/// Runs `job` with a team of each kind: one thread, threads of a pool, plain threads.
fn with_teams(job: impl Fn(&Team<'_>) + Sync) {
    if !cfg!(miri) {
        job(&Team::solo());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("starts");
        pool.install(|| Team::gather(3, |team| job(team)));
    }
    with_threads(2, job);
}

/// Channels, output channels, height and width; under Miri a single pair of blocks.
const SIZES: &[(usize, usize, usize, usize)] = if cfg!(miri) { &[(17, 18, 1, 2)] } else { &ALL_SIZES };

const ALL_SIZES: [(usize, usize, usize, usize); 9] = [
    (1, 1, 1, 1),
    (3, 5, 4, 4),
    (16, 16, 4, 8),
    (17, 33, 5, 7),
    (20, 32, 9, 20),
    (8, 64, 16, 16),
    (40, 48, 4, 4),
    (32, 32, 2, 40),
    (4, 4, 64, 34),
];

#[test]
fn direct_convolutions_agree_with_the_definition() {
    for (index, &(channels, out, height, width)) in SIZES.iter().enumerate() {
        for footprint in [Footprint::Pointwise, Footprint::Same3x3, Footprint::Halve4x4, Footprint::Double4x4]
        {
            let scale = footprint.stride();
            let shape = MapShape::new(channels, height * scale, width * scale);
            let chw = numbers(index as u64, channels * shape.height() * shape.width());
            let weights = numbers(100 + index as u64, channels * out * footprint.kernel().pow(2));
            let bias = numbers(200 + index as u64, out);
            let expected = reference(&chw, shape, out, footprint, &weights, &bias);
            for isa in Isa::available() {
                let conv = DirectConv::new(isa, footprint, shape, out, &weights, &bias);
                let input = blocked(&chw, shape);
                with_teams(|team| {
                    let mut raw = vec![0.0; conv.output().len()];
                    let mut active = vec![0.0; conv.output().len()];
                    let mut epilogue = Epilogue {
                        residual: None,
                        raw: Some(&mut raw),
                        active: Some(&mut active),
                        slope: 0.2,
                    };
                    conv.run(&input, &mut epilogue, team);
                    let what = format!("{footprint:?} {channels}->{out} {height}x{width} {isa:?}");
                    assert_close(&plain(&raw, conv.output()), &expected, 1e-4, &what);
                    let leaky: Vec<f32> = expected.iter().map(|v| v.max(0.2 * v)).collect();
                    assert_close(&plain(&active, conv.output()), &leaky, 1e-4, &what);
                    let border: f32 = raw[..conv.output().row_len()].iter().sum();
                    assert_eq!(border, 0.0, "{what}: the border stays zero");
                });
            }
        }
    }
}

#[test]
fn winograd_convolutions_agree_with_the_definition() {
    for (index, &(channels, out, height, width)) in SIZES.iter().enumerate() {
        for variant in [Variant::F2, Variant::F4, Variant::Up2, Variant::Halve4] {
            let unit = match variant {
                Variant::F2 => 2,
                Variant::F4 => 4,
                Variant::Halve4 => 8,
                Variant::Up2 => 1,
            };
            let shape = MapShape::new(channels, height * unit, width * unit);
            assert!(variant.fits(shape.height(), shape.width()));
            let chw = numbers(index as u64, channels * shape.height() * shape.width());
            let footprint = match variant {
                Variant::Halve4 => Footprint::Halve4x4,
                _ => Footprint::Same3x3,
            };
            let weights = numbers(300 + index as u64, channels * out * footprint.kernel().pow(2));
            let bias = numbers(400 + index as u64, out);
            let leaky: Vec<f32> = chw.iter().map(|v| v.max(0.2 * v)).collect();
            let (seen, big) = if variant == Variant::Up2 { upsampled(&leaky, shape) } else { (leaky, shape) };
            let mut expected = reference(&seen, big, out, footprint, &weights, &bias);
            let stride = footprint.stride();
            let half = MapShape::new(out, big.height() / stride / 2, big.width() / stride / 2);
            let residual = numbers(500 + index as u64, half.channels() * half.height() * half.width());
            for (value, more) in expected.iter_mut().zip(upsampled(&residual, half).0) {
                *value += more;
            }
            let residual = blocked(&residual, half);
            for isa in Isa::available() {
                let conv = WinogradConv::new(1, isa, variant, shape, out, &weights, &bias, Some(0.2));
                let input = blocked(&chw, shape);
                with_teams(|team| {
                    let mut raw = vec![0.0; conv.output().len()];
                    let mut epilogue = Epilogue {
                        residual: Some(Residual { map: &residual, shape: half, upsampled: true }),
                        raw: Some(&mut raw),
                        active: None,
                        slope: 0.2,
                    };
                    let mut shared = vec![f32::NAN; conv.shared_scratch()];
                    let mut scratch = vec![f32::NAN; conv.worker_scratch() * team.workers()];
                    conv.run(1, &input, &mut epilogue, &mut shared, &mut scratch, team);
                    let what = format!("{variant:?} {channels}->{out} {height}x{width} {isa:?}");
                    assert_close(&plain(&raw, conv.output()), &expected, 5e-4, &what);
                });
            }
        }
    }
}

#[test]
fn pictures_together_are_convolved_as_one_by_one() {
    let variants = [(Variant::F2, 4), (Variant::Halve4, 8), (Variant::Up2, 3)];
    for &(variant, size) in if cfg!(miri) { &variants[2..] } else { &variants[..] } {
        let shape = MapShape::new(20, size, 2 * size);
        let kernel = if size == 8 { 16 } else { 9 };
        let (weights, bias) = (numbers(1, 20 * 33 * kernel), numbers(2, 33));
        let maps: Vec<Vec<f32>> =
            (0..7).map(|i| blocked(&numbers(10 + i, 20 * size * 2 * size), shape)).collect();
        for isa in Isa::available() {
            let one = WinogradConv::new(1, isa, variant, shape, 33, &weights, &bias, None);
            let many = WinogradConv::new(9, isa, variant, shape, 33, &weights, &bias, None);
            let output = one.output();
            let whole = MapShape::new(33, output.height(), output.width());
            let residual = blocked(&numbers(3, 33 * output.height() * output.width()), whole);
            let run = |conv: &WinogradConv, maps: &[Vec<f32>], team: &Team<'_>| {
                let (count, residuals) = (maps.len(), residual.repeat(maps.len()));
                let (mut raw, mut active) =
                    (vec![0.0; count * output.len()], vec![0.0; count * output.len()]);
                let mut epilogue = Epilogue {
                    residual: Some(Residual { map: &residuals, shape: whole, upsampled: false }),
                    raw: Some(&mut raw),
                    active: Some(&mut active),
                    slope: 0.2,
                };
                let mut shared = vec![f32::NAN; conv.shared_scratch()];
                let mut scratch = vec![f32::NAN; conv.worker_scratch() * team.workers()];
                conv.run(count, &maps.concat(), &mut epilogue, &mut shared, &mut scratch, team);
                [raw, active].concat()
            };
            let alone: Vec<Vec<f32>> =
                maps.iter().map(|map| run(&one, std::slice::from_ref(map), &Team::solo())).collect();
            with_teams(|team| {
                let together = run(&many, &maps, team);
                for (i, alone) in alone.iter().enumerate() {
                    let part = |from: usize| &together[from + i * output.len()..][..output.len()];
                    let both = [part(0), part(maps.len() * output.len())].concat();
                    assert!(both == *alone, "{variant:?} {isa:?}: picture {i} differs");
                }
            });
        }
    }
}

#[test]
fn convolutions_from_pixels_agree_with_the_definition() {
    let sizes =
        [(1, 1, 2, 2), (3, 33, 2, 10), (1, 32, 32, 32), (3, 16, 6, 34), (3, 33, 10, 14), (2, 64, 4, 24)];
    let sizes = if cfg!(miri) { &sizes[..2] } else { &sizes[..] };
    for (index, &(channels, out, height, width)) in sizes.iter().enumerate() {
        let shape = MapShape::new(channels, height, width);
        let chw = numbers(index as u64, channels * height * width);
        let (weights, bias) = (numbers(800, channels * out * 16), numbers(900, out));
        let expected = reference(&chw, shape, out, Footprint::Halve4x4, &weights, &bias);
        for isa in Isa::available() {
            let conv = EntryConv::new(isa, shape, out, &weights, &bias);
            let mut raw = vec![0.0; conv.output().len()];
            let mut epilogue = Epilogue { residual: None, raw: Some(&mut raw), active: None, slope: 1.0 };
            conv.run(&chw, &mut vec![f32::NAN; conv.scratch()], &mut epilogue);
            let what = format!("{channels}->{out} {height}x{width} {isa:?}");
            assert_close(&plain(&raw, conv.output()), &expected, 1e-4, &what);
            let border: f32 = raw[..conv.output().row_len()].iter().sum();
            assert_eq!(border, 0.0, "{what}: the border stays zero");
        }
    }
}

#[test]
fn convolutions_to_pixels_agree_with_the_definition() {
    for (index, &(channels, _, height, width)) in SIZES.iter().enumerate() {
        for (footprint, out) in
            [(Footprint::Same3x3, 3), (Footprint::Double4x4, 1), (Footprint::Double4x4, 3)]
        {
            let shape = MapShape::new(channels, height, width);
            let chw = numbers(index as u64, channels * height * width);
            let weights = numbers(600 + index as u64, channels * out * footprint.kernel().pow(2));
            let bias = numbers(700 + index as u64, out);
            let logits = reference(&chw, shape, out, footprint, &weights, &bias);
            let expected: Vec<f32> = logits.iter().map(|v| (v.tanh() + 1.0) / 2.0).collect();
            for isa in Isa::available() {
                let conv = FewConv::new(isa, footprint, shape, out, &weights, &bias);
                let input = blocked(&chw, shape);
                with_teams(|team| {
                    let what = format!("{footprint:?} {channels}->{out} {height}x{width} {isa:?}");
                    let output = conv.output();
                    let mut picture = vec![f32::NAN; expected.len()];
                    let mut scratch = vec![f32::NAN; conv.worker_scratch() * team.workers()];
                    conv.run(&input, &mut PixelSink::planes(&mut picture, 2.0), &mut scratch, team);
                    assert_close(&picture, &expected, 2e-5, &what);
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
            (numbers(1, rows * (inputs + 3)), numbers(2, inputs * outputs), numbers(3, outputs));
        let expected = |row: usize, o: usize| {
            let products = (0..inputs)
                .map(|k| f64::from(x[row * (inputs + 3) + k]) * f64::from(weights[o * inputs + k]));
            let sum = (products.sum::<f64>() + f64::from(bias[o])) as f32;
            sum.max(0.2 * sum)
        };
        for isa in Isa::available() {
            with_teams(|team| {
                let linear = if shape.height() == 1 {
                    Linear::to_row(isa, inputs, &weights, &bias, 0.2)
                } else {
                    Linear::to_map(isa, inputs, &weights, &bias, 0.2, shape)
                };
                let mut out = vec![0.0; rows * linear.output_len()];
                linear.run(rows, &x, inputs + 3, &mut out, team);
                for row in 0..rows {
                    let row_out = &out[row * linear.output_len()..(row + 1) * linear.output_len()];
                    let actual =
                        if shape.height() == 1 { row_out[..outputs].to_vec() } else { plain(row_out, shape) };
                    let wanted: Vec<f32> = (0..outputs).map(|o| expected(row, o)).collect();
                    assert_close(&actual, &wanted, 1e-4, &format!("{inputs}->{shape:?} {isa:?}"));
                }
            });
        }
    }
}

/// So many that 64 times as many are none where numbers wrap around.
const MANY: usize = 1 << (usize::BITS - 6);

/// Whether `run` panics.
fn is_refused(run: impl FnOnce()) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err()
}

#[test]
fn slices_that_are_too_short_are_refused() {
    let (isa, team, shape) = (Isa::detect(), Team::solo(), MapShape::new(16, 4, 4));
    let (weights, bias) = (vec![0.0; 16 * 16 * 9], [0.0; 16]);
    let short = shape.len() - 1;

    let conv = DirectConv::new(isa, Footprint::Same3x3, shape, 16, &weights, &bias);
    let direct = |input: usize, output: usize| {
        let mut output = vec![0.0; output];
        let mut epilogue = Epilogue { residual: None, raw: Some(&mut output), active: None, slope: 1.0 };
        is_refused(|| conv.run(&vec![0.0; input], &mut epilogue, &team))
    };
    assert!(!direct(shape.len(), shape.len()));
    assert!(direct(short, shape.len()) && direct(shape.len(), short));

    let conv = WinogradConv::new(MANY, isa, Variant::F4, shape, 16, &weights, &bias, None);
    let winograd = |count: usize, input: usize, scratch: usize| {
        let (mut output, mut scratch) = (vec![0.0; shape.len()], vec![0.0; scratch]);
        let mut epilogue = Epilogue { residual: None, raw: Some(&mut output), active: None, slope: 1.0 };
        let input = vec![0.0; input];
        is_refused(|| conv.run(count, &input, &mut epilogue, &mut [], &mut scratch, &team))
    };
    let scratch = conv.worker_scratch();
    assert!(!winograd(1, shape.len(), scratch));
    assert!(winograd(1, short, scratch) && winograd(1, shape.len(), scratch - 1));
    // A map has 832 = 13 * 2^6 values: those of so many are none where numbers wrap around.
    assert!(winograd(MANY, 0, scratch));

    let linear = Linear::to_row(isa, 1, &[0.0; 16], &[0.0; 16], 1.0);
    let rows = |rows: usize, input: usize, stride: usize, output: usize| {
        is_refused(|| linear.run(rows, &vec![0.0; input], stride, &mut vec![0.0; output], &team))
    };
    assert!(!rows(3, 5, 2, 48));
    assert!(rows(3, 4, 2, 48) && rows(3, 5, 2, 47));
    assert!(rows(3, 5, usize::MAX / 2 + 1, 48), "the third row begins at 0 where numbers wrap around");
    assert!(rows(MANY, 1, 0, 0), "so many rows of 16 are none where numbers wrap around");

    let conv = FewConv::new(isa, Footprint::Same3x3, shape, 3, &weights[..3 * 16 * 9], &bias[..3]);
    let pixels = |input: usize, pixels: usize, scratch: usize| {
        let mut pixels = vec![0; pixels];
        let mut sink = PixelSink::rgba(&mut pixels, 1.0);
        is_refused(|| conv.run(&vec![0.0; input], &mut sink, &mut vec![0.0; scratch], &team))
    };
    let scratch = conv.worker_scratch();
    assert!(!pixels(shape.len(), 64, scratch));
    assert!(
        pixels(short, 64, scratch)
            && pixels(shape.len(), 63, scratch)
            && pixels(shape.len(), 64, scratch - 1)
    );

    let picture = MapShape::new(1, 4, 4);
    let conv = EntryConv::new(isa, picture, 16, &weights[..256], &bias);
    let entry = |input: usize, output: usize, scratch: usize| {
        let mut output = vec![0.0; output];
        let mut epilogue = Epilogue { residual: None, raw: Some(&mut output), active: None, slope: 1.0 };
        is_refused(|| conv.run(&vec![0.0; input], &mut vec![0.0; scratch], &mut epilogue))
    };
    let (output, scratch) = (conv.output().len(), conv.scratch());
    assert!(!entry(16, output, scratch));
    assert!(entry(15, output, scratch) && entry(16, output - 1, scratch) && entry(16, output, scratch - 1));
}
