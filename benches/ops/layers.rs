//! The convolution kernels on the shapes of the networks; items are floating-point operations.

use std::mem::MaybeUninit;

use divan::Bencher;
use divan::counter::ItemsCount;
use idgan::ops::kernels::{ConvShape, Convolve, Fused, narrow_size};

/// `(batch, in channels, size, out channels, kernel, stride, padding)`
type Layer = (usize, usize, usize, usize, usize, usize, usize);

const LAYERS: &[Layer] = &[
    (64, 1, 64, 32, 4, 2, 1),
    (64, 32, 32, 32, 4, 2, 1),
    (64, 32, 16, 64, 4, 2, 1),
    (64, 64, 8, 64, 4, 2, 1),
    (64, 64, 4, 256, 4, 1, 0),
    (8, 512, 4, 512, 3, 1, 1),
    (8, 512, 8, 512, 3, 1, 1),
    (8, 256, 16, 256, 3, 1, 1),
    (8, 128, 32, 128, 3, 1, 1),
    (8, 64, 64, 64, 3, 1, 1),
    (8, 64, 64, 128, 1, 1, 0),
    (8, 64, 64, 3, 3, 1, 1),
    (8, 3, 64, 64, 3, 1, 1),
    (1, 16, 512, 16, 3, 1, 1),
];

fn shape((batch, in_channels, size, out_channels, kernel, stride, padding): Layer) -> ConvShape {
    let out = narrow_size(size, kernel, stride, padding).expect("the table's layers fit");
    ConvShape {
        batch,
        in_channels,
        in_height: size,
        in_width: size,
        out_channels,
        out_height: out,
        out_width: out,
        kernel,
        stride,
        padding,
    }
}

fn values(length: usize) -> Vec<f32> {
    (0..length).map(|i| ((i * 7919) % 1009) as f32 / 504.5 - 1.0).collect()
}

/// Where a result goes.
fn room(length: usize) -> Vec<MaybeUninit<f32>> {
    vec![MaybeUninit::new(0.0); length]
}

fn operations(shape: &ConvShape) -> ItemsCount {
    ItemsCount::new(2 * shape.multiply_adds())
}

#[divan::bench(args = LAYERS)]
fn forward(bencher: Bencher<'_, '_>, layer: Layer) {
    let shape = shape(layer);
    let (x, w) = (values(shape.wide_len()), values(shape.weight_len()));
    let mut y = room(shape.narrow_len());
    let fused = Fused { after: Some(0.2), ..Fused::default() };
    bencher.counter(operations(&shape)).bench_local(|| {
        f32::forward(&shape, &x, &w, &fused, &mut y);
    });
}

#[divan::bench(args = LAYERS)]
fn transposed(bencher: Bencher<'_, '_>, layer: Layer) {
    let shape = shape(layer);
    let (y, w) = (values(shape.narrow_len()), values(shape.weight_len()));
    let mut x = room(shape.wide_len());
    let fused = Fused::default();
    bencher.counter(operations(&shape)).bench_local(|| {
        f32::transposed(&shape, &y, &w, &fused, &mut x);
    });
}

#[divan::bench(args = LAYERS)]
fn weight_gradient(bencher: Bencher<'_, '_>, layer: Layer) {
    let shape = shape(layer);
    let (x, y) = (values(shape.wide_len()), values(shape.narrow_len()));
    let mut w = room(shape.weight_len());
    bencher.counter(operations(&shape)).bench_local(|| {
        f32::weight_gradient(&shape, &x, None, &y, &mut w);
    });
}
