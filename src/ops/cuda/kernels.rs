//! Launches of the kernels in `kernels.cu`, with their grids.

use candle_core::{Result, Shape, bail};

use super::driver::{Address, Argument, Driver, Memory, Operand, Queue, THREADS};

/// Blocks at most, where each does as much as is left for it: several for each multiprocessor of the largest cards.
const BLOCKS: usize = 2048;

/// What an operation gives: new memory, and the shape of what is in it.
pub(in crate::ops) type Made<D> = Result<(<D as Driver>::Memory, Shape)>;

/// Arguments from whatever they come as.
macro_rules! arguments {
    ($($value:expr),* $(,)?) => { [$($crate::ops::cuda::driver::Argument::from($value)),*] };
}
pub(super) use arguments;

/// Queues a kernel that is one loop over `n` elements and whose last argument is `n`.
pub(super) fn each(queue: &dyn Queue, kernel: &'static str, n: usize, arguments: &[Argument]) -> Result<()> {
    if n == 0 {
        return Ok(());
    }
    let arguments = [arguments, &[Argument::Count(n)]].concat();
    queue.launch(kernel, [n.div_ceil(THREADS).min(BLOCKS), 1, 1], &arguments)
}

/// A kernel's name, and how many values it takes at a time: four where all sizes and addresses allow it.
fn fours(
    single: &'static str,
    four: &'static str,
    sizes: &[usize],
    addresses: &[Address],
) -> (&'static str, usize) {
    let fits = sizes.iter().all(|size| size.is_multiple_of(4))
        && addresses.iter().all(|address| address.is_multiple_of(16));
    if fits { (four, 4) } else { (single, 1) }
}

/// `x` where it is above zero, `slope * x` elsewhere.
pub(in crate::ops) fn leaky_relu<D: Driver>(driver: &D, x: Operand<'_>, slope: f64) -> Made<D> {
    map(driver, "leaky_relu", "leaky_relu_4", x, slope)
}

/// `scale * x`
pub(in crate::ops) fn scaled<D: Driver>(driver: &D, x: Operand<'_>, scale: f64) -> Made<D> {
    map(driver, "scale", "scale_4", x, scale)
}

fn map<D: Driver>(
    driver: &D,
    single: &'static str,
    four: &'static str,
    x: Operand<'_>,
    number: f64,
) -> Made<D> {
    let y = driver.allocate(x.len())?;
    let (kernel, at_once) = fours(single, four, &[x.len()], &[x.address, y.address()]);
    each(driver, kernel, x.len() / at_once, &arguments![x.address, y.address(), number])?;
    Ok((y, x.shape.clone()))
}

/// `upstream` where `at` is above zero, `slope * upstream` elsewhere.
pub(in crate::ops) fn leaky_relu_backward<D: Driver>(
    driver: &D,
    at: Operand<'_>,
    upstream: Operand<'_>,
    slope: f64,
) -> Made<D> {
    zip(driver, "leaky_relu_backward", "leaky_relu_backward_4", at, upstream, slope)
}

/// `base + scale * x`
pub(in crate::ops) fn weighted_sum<D: Driver>(
    driver: &D,
    base: Operand<'_>,
    x: Operand<'_>,
    scale: f64,
) -> Made<D> {
    zip(driver, "weighted_sum", "weighted_sum_4", base, x, scale)
}

fn zip<D: Driver>(
    driver: &D,
    single: &'static str,
    four: &'static str,
    a: Operand<'_>,
    b: Operand<'_>,
    number: f64,
) -> Made<D> {
    let y = driver.allocate(a.len())?;
    let (kernel, at_once) = fours(single, four, &[a.len()], &[a.address, b.address, y.address()]);
    each(driver, kernel, a.len() / at_once, &arguments![a.address, b.address, y.address(), number])?;
    Ok((y, a.shape.clone()))
}

/// `sum += other`, both of `n` values, in place.
pub(in crate::ops) fn add_to(queue: &dyn Queue, sum: Address, other: Address, n: usize) -> Result<()> {
    let (kernel, at_once) = fours("weighted_sum", "weighted_sum_4", &[n], &[sum, other]);
    each(queue, kernel, n / at_once, &arguments![sum, other, sum, 1.0])
}

/// What is done to a result: `shortcut + scale * mask * activation(y + bias)`.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::ops) struct Epilogue {
    /// Added to every value of a channel.
    pub(super) bias: Option<Address>,
    /// The slope of a leaky ReLU.
    pub(super) after: Option<f64>,
    /// Where the derivative of a leaky ReLU was evaluated, and its slope.
    pub(super) mask: Option<(Address, f64)>,
    /// What the result is added to, and its weight in the sum.
    pub(super) shortcut: Option<(Address, f64)>,
}

impl Epilogue {
    /// The arguments that all kernels with an epilogue have in common.
    pub(super) fn arguments(&self) -> [Argument; 7] {
        let (mask, mask_slope) = self.mask.unwrap_or_default();
        let (shortcut, scale) = self.shortcut.unwrap_or_default();
        arguments![
            self.bias.unwrap_or_default(),
            self.after.is_some(),
            self.after.unwrap_or_default(),
            mask,
            mask_slope,
            shortcut,
            scale,
        ]
    }

    /// Changes a result of `(count, channels, plane)` values in place.
    pub(super) fn apply(&self, queue: &dyn Queue, y: Address, sizes: [usize; 3]) -> Result<()> {
        if self.bias.is_none() && self.after.is_none() && self.mask.is_none() && self.shortcut.is_none() {
            return Ok(());
        }
        let [count, channels, plane] = sizes;
        let [mask, shortcut] = [self.mask, self.shortcut].map(|option| option.unwrap_or_default().0);
        let (kernel, at_once) = fours("epilogue", "epilogue_4", &[plane], &[y, mask, shortcut]);
        let plane = plane / at_once;
        let arguments = [&arguments![y][..], &self.arguments(), &arguments![channels, plane]].concat();
        each(queue, kernel, count * channels * plane, &arguments)
    }
}

/// `x + weights[n] * activation(change)`, `x` and `change` of `(N, C, H, W)`.
pub(in crate::ops) fn add_per_picture<D: Driver>(
    driver: &D,
    [x, change, weights]: [Operand<'_>; 3],
    slope: f64,
) -> Made<D> {
    let y = driver.allocate(x.len())?;
    let picture = x.len() / weights.len().max(1);
    let (kernel, at_once) =
        fours("add_per_picture", "add_per_picture_4", &[picture], &[x.address, change.address, y.address()]);
    let arguments =
        arguments![x.address, change.address, weights.address, y.address(), slope, picture / at_once];
    each(driver, kernel, x.len() / at_once, &arguments)?;
    Ok((y, x.shape.clone()))
}

/// The sum of `x (N, C, H, W)` over everything but the channels, each picture times its weight where there are any.
pub(in crate::ops) fn channel_sum<D: Driver>(
    driver: &D,
    x: Operand<'_>,
    weights: Option<Operand<'_>>,
) -> Made<D> {
    let (pictures, channels, height, width) = x.shape.dims4()?;
    let plane = height * width;
    // enough blocks to fill a card, each with enough to do
    let shares = (pictures * plane).div_ceil(16 * THREADS).clamp(1, 64).min(BLOCKS.div_ceil(channels.max(1)));
    let (partial, sums) = (driver.allocate(channels * shares)?, driver.allocate(channels)?);
    let weights = weights.map_or(0, |weights| weights.address);
    if channels > 0 {
        let arguments = arguments![x.address, weights, partial.address(), pictures, channels, plane];
        driver.launch("channel_sum", [channels, shares, 1], &arguments)?;
    }
    each(driver, "sum_of_shares", channels, &arguments![partial.address(), sums.address(), shares])?;
    Ok((sums, channels.into()))
}

/// The sum of the squares of all values of all operands, as two words whose sum it is.
pub(in crate::ops) fn sum_of_squares<D: Driver>(driver: &D, operands: &[Operand<'_>]) -> Made<D> {
    let shares = |x: &Operand<'_>| x.len().div_ceil(16 * THREADS).clamp(1, 64);
    let count = operands.iter().map(shares).sum::<usize>();
    // f64, two words each
    let (partial, sum) = (driver.allocate(2 * count)?, driver.allocate(2)?);
    let mut at = partial.address();
    for x in operands {
        driver.launch("sum_of_squares", [shares(x), 1, 1], &arguments![x.address, at, x.len()])?;
        at += 8 * shares(x) as Address;
    }
    driver.launch("sum_in_two_words", [1, 1, 1], &arguments![partial.address(), sum.address(), count])?;
    Ok((sum, 2.into()))
}

/// The cross-entropy of pictures with logits, a scalar.
pub(in crate::ops) fn cross_entropy<D: Driver>(driver: &D, logits: Operand<'_>, x: Operand<'_>) -> Made<D> {
    let shares = logits.len().div_ceil(4 * THREADS).clamp(1, 256);
    let (partial, sum) = (driver.allocate(shares)?, driver.allocate(1)?);
    let arguments = arguments![logits.address, x.address, partial.address(), logits.len()];
    driver.launch("cross_entropy", [shares, 1, 1], &arguments)?;
    each(driver, "sum_of_shares", 1, &arguments![partial.address(), sum.address(), shares])?;
    Ok((sum, ().into()))
}

/// Its gradient in the logits, times `scale`, a scalar.
pub(in crate::ops) fn cross_entropy_backward<D: Driver>(
    driver: &D,
    [logits, x, scale]: [Operand<'_>; 3],
) -> Made<D> {
    let y = driver.allocate(logits.len())?;
    let arguments = arguments![logits.address, x.address, scale.address, y.address()];
    each(driver, "cross_entropy_backward", logits.len(), &arguments)?;
    Ok((y, logits.shape.clone()))
}

/// The hyperbolic tangent.
pub(in crate::ops) fn tanh<D: Driver>(driver: &D, x: Operand<'_>) -> Made<D> {
    let y = driver.allocate(x.len())?;
    each(driver, "hyperbolic_tangent", x.len(), &arguments![x.address, y.address()])?;
    Ok((y, x.shape.clone()))
}

/// Its backward pass, from its result `y`.
pub(in crate::ops) fn tanh_backward<D: Driver>(driver: &D, y: Operand<'_>, upstream: Operand<'_>) -> Made<D> {
    let x = driver.allocate(y.len())?;
    let arguments = arguments![y.address, upstream.address, x.address()];
    each(driver, "hyperbolic_tangent_backward", y.len(), &arguments)?;
    Ok((x, y.shape.clone()))
}

/// Something that goes from planes of one size to planes of another.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) enum Resample {
    /// 3x3 windows of stride 2.
    AveragePool,
    /// Samples at other positions.
    Bilinear,
}

/// `x (N, C, H, W)` at another size; `(height, width)` is that of the finer side, and `backward` goes there.
pub(in crate::ops) fn resample<D: Driver>(
    driver: &D,
    kind: Resample,
    x: Operand<'_>,
    size: (usize, usize),
    backward: bool,
) -> Made<D> {
    let (n, c, h, w) = x.shape.dims4()?;
    let ((height, width), (low, narrow)) = if backward { (size, (h, w)) } else { ((h, w), size) };
    let y = driver.allocate(n * c * size.0 * size.1)?;
    let kernel = match (kind, backward) {
        (Resample::AveragePool, false) => "average_pool",
        (Resample::AveragePool, true) => "average_pool_backward",
        (Resample::Bilinear, false) => "bilinear",
        (Resample::Bilinear, true) => "bilinear_backward",
    };
    let arguments = arguments![x.address, y.address(), height, width, low, narrow];
    each(driver, kernel, n * c * size.0 * size.1, &arguments)?;
    Ok((y, (n, c, size.0, size.1).into()))
}

/// Each value of `x (N, C, H, W)` times `scale` as a block of `factor x factor`.
pub(in crate::ops) fn block_fill<D: Driver>(
    driver: &D,
    x: Operand<'_>,
    factor: usize,
    scale: f64,
) -> Made<D> {
    let (n, c, h, w) = x.shape.dims4()?;
    let length = x.len() * factor * factor;
    let y = driver.allocate(length)?;
    if factor == 2 && w.is_multiple_of(2) && x.address.is_multiple_of(8) && y.address().is_multiple_of(16) {
        each(driver, "block_fill_2", length / 4, &arguments![x.address, y.address(), scale, w / 2])?;
    } else {
        each(driver, "block_fill", length, &arguments![x.address, y.address(), scale, w, factor])?;
    }
    Ok((y, (n, c, h * factor, w * factor).into()))
}

/// The sum of each block of `factor x factor` of `x (N, C, H, W)`, times `scale`.
pub(in crate::ops) fn block_sum<D: Driver>(driver: &D, x: Operand<'_>, factor: usize, scale: f64) -> Made<D> {
    let (n, c, height, width) = x.shape.dims4()?;
    if factor == 0 {
        bail!("blocks of no pixels");
    }
    let (h, w) = (height / factor, width / factor);
    let length = n * c * h * w;
    let y = driver.allocate(length)?;
    if factor == 2 && w.is_multiple_of(2) && x.address.is_multiple_of(16) && y.address().is_multiple_of(8) {
        each(driver, "block_sum_2", length / 2, &arguments![x.address, y.address(), scale, w / 2])?;
    } else {
        each(driver, "block_sum", length, &arguments![x.address, y.address(), scale, w, factor])?;
    }
    Ok((y, (n, c, h, w).into()))
}

/// The bytes of pictures `(N, C, H, W)` of one or three channels, RGBA, at `pixels`, four bytes each; they are from -1 to 1, or
/// `logits`.
pub(in crate::ops) fn rgba(
    queue: &dyn Queue,
    pictures: Address,
    pixels: Address,
    logits: bool,
    (n, channels, height, width): (usize, usize, usize, usize),
) -> Result<()> {
    let plane = height * width;
    each(queue, "rgba", n * plane, &arguments![pictures, pixels, logits, channels, plane])
}
