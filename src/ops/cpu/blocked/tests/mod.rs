//! Every kernel against a plain loop in f64, over odd sizes and channel counts and every instruction set.

use half::bf16;

use super::super::element::Element;
use super::team::tests::with_threads;
use super::{BLOCK, Footprint, MapShape, Team};

mod ends;
mod maps;
mod refused;

/// An element with what it loses.
trait Rounded: Element {
    /// How far a stored number may be from what it stands for, relative to it.
    const ROUNDING: f32;
}

impl Rounded for f32 {
    const ROUNDING: f32 = 0.0;
}

impl Rounded for bf16 {
    const ROUNDING: f32 = 1.0 / 256.0;
}

/// Numbers that `E` has without rounding.
fn representable<E: Element>(seed: u64, len: usize) -> Vec<f32> {
    numbers(seed, len).into_iter().map(|value| E::of(value).value()).collect()
}

/// Numbers in [-1, 1) from a small generator (splitmix64).
fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(len).collect()
}

fn blocked<E: Element>(chw: &[f32], shape: MapShape) -> Vec<E> {
    let mut map = vec![E::of(0.0); shape.len()];
    for (i, value) in chw.iter().enumerate() {
        let (c, y, x) = coordinates(i, shape);
        map[shape.at(c / BLOCK, y, x) + c % BLOCK] = E::of(*value);
    }
    map
}

fn plain<E: Element>(map: &[E], shape: MapShape) -> Vec<f32> {
    let values = 0..shape.channels() * shape.height() * shape.width();
    values
        .map(|i| coordinates(i, shape))
        .map(|(c, y, x)| map[shape.at(c / BLOCK, y, x) + c % BLOCK].value())
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

/// `actual` may be off by `tolerance`, and by what storing it as `E` loses.
fn assert_close<E: Rounded>(actual: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let off = |(a, e): (&f32, &f32)| (a - e).abs() - E::ROUNDING * e.abs();
    let worst = actual.iter().zip(expected).map(off).fold(0.0, f32::max);
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
