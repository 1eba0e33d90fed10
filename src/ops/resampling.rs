//! Nearest up-sampling, and down-sampling by areas or by bilinear samples, each with its adjoint.

use candle_core::{CpuStorage, Result, Shape, Tensor, WithDType, bail};

use super::backend::Backend;
use super::cpu::resample;
use super::cuda::{self, Driver, Made, OnCuda, Operand, Resample};
use super::custom::{filled, with_float};
use super::operation::{Argument, Operation, apply, slice};
use super::portable;

/// Every pixel becomes 2x2 equal ones: `(N, C, H, W)` to `(N, C, 2H, 2W)`.
///
/// # Errors
/// When `x` is not `(N, C, H, W)` of f32 or f64.
pub fn upsample_nearest_2x(x: &Tensor) -> Result<Tensor> {
    block_fill(x, 2, 1.0)
}

/// The sum of every 2x2 block, the adjoint of [`upsample_nearest_2x`]: `(N, C, H, W)` to `(N, C, H/2, W/2)`.
///
/// # Errors
/// When the size is odd, or `x` is not `(N, C, H, W)` of f32 or f64.
pub fn sum_pool_2x2(x: &Tensor) -> Result<Tensor> {
    block_sum(x, 2, 1.0)
}

/// Averages square blocks down to `size x size`, as `F.adaptive_avg_pool2d` does for whole factors; `x` itself
/// when it already has that size.
///
/// # Errors
/// When `x` is not square or its edge not a multiple of `size`.
pub fn area_downsample(x: &Tensor, size: usize) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    if height != width || size == 0 || height % size != 0 {
        bail!("area_downsample: {height}x{width} does not divide into {size}x{size} equal areas");
    }
    let factor = height / size;
    if factor == 1 { Ok(x.clone()) } else { block_sum(x, factor, 1.0 / (factor * factor) as f64) }
}

/// Bilinear samples at `size x size` positions, as `F.interpolate(mode="bilinear", align_corners=False)` without
/// antialiasing; `x` itself when it already has that size.
///
/// # Errors
/// When `x` is not `(N, C, H, W)` of f32 or f64, or has no pixels.
pub fn bilinear_downsample(x: &Tensor, size: usize) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    if height == 0 || width == 0 || size == 0 {
        bail!("bilinear_downsample: cannot sample {height}x{width} at {size}x{size} positions");
    }
    if (height, width) == (size, size) {
        return Ok(x.clone());
    }
    if Backend::of(x) == Backend::Composed {
        return portable::bilinear(x, size);
    }
    apply(Bilinear { from: (height, width), to: (size, size), adjoint: false }, &[x])
}

fn block_sum(x: &Tensor, factor: usize, scale: f64) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    if height % factor != 0 || width % factor != 0 {
        bail!("{height}x{width} does not divide into {factor}x{factor} blocks");
    }
    if Backend::of(x) == Backend::Composed {
        return portable::block_sum(x, factor, scale);
    }
    apply(Blocks { kind: BlockKind::Sum, factor, scale }, &[x])
}

fn block_fill(x: &Tensor, factor: usize, scale: f64) -> Result<Tensor> {
    x.dims4()?;
    if Backend::of(x) == Backend::Composed {
        return portable::block_fill(x, factor, scale);
    }
    apply(Blocks { kind: BlockKind::Fill, factor, scale }, &[x])
}

enum BlockKind {
    Sum,
    Fill,
}

/// Sums of blocks, or blocks filled with a value: each the adjoint of the other.
struct Blocks {
    kind: BlockKind,
    factor: usize,
    scale: f64,
}

impl Operation for Blocks {
    const NAME: &'static str = "block sum or fill";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        let (storage, layout) = arguments[0];
        let (n, c, h, w) = layout.shape().dims4()?;
        let f = self.factor;
        with_float!(Self::NAME, storage, T => {
            let x = slice::<T>(arguments[0])?;
            let scale = <T as WithDType>::from_f64(self.scale);
            Ok(match self.kind {
                BlockKind::Sum => filled((n, c, h / f, w / f), |out| resample::block_sum(x, h, w, f, scale, out)),
                BlockKind::Fill => filled((n, c, h * f, w * f), |out| resample::block_fill(x, h, w, f, scale, out)),
            })
        })
    }

    fn backward(&self, _: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(match self.kind {
            BlockKind::Sum => block_fill(gradient, self.factor, self.scale)?,
            BlockKind::Fill => block_sum(gradient, self.factor, self.scale)?,
        })])
    }
}

impl OnCuda for Blocks {
    fn run<D: Driver>(&self, driver: &D, x: &[Operand<'_>]) -> Made<D> {
        match self.kind {
            BlockKind::Sum => cuda::block_sum(driver, x[0], self.factor, self.scale),
            BlockKind::Fill => cuda::block_fill(driver, x[0], self.factor, self.scale),
        }
    }
}

/// Bilinear sampling, or its adjoint.
struct Bilinear {
    from: (usize, usize),
    to: (usize, usize),
    adjoint: bool,
}

impl Operation for Bilinear {
    const NAME: &'static str = "bilinear sampling";

    fn cpu(&self, arguments: &[Argument<'_>]) -> Result<(CpuStorage, Shape)> {
        let (storage, layout) = arguments[0];
        let (n, c, ..) = layout.shape().dims4()?;
        let (from, to) = (self.from, self.to);
        with_float!(Self::NAME, storage, T => {
            let x = slice::<T>(arguments[0])?;
            Ok(if self.adjoint {
                filled((n, c, from.0, from.1), |out| resample::bilinear_backward(x, from, to, out))
            } else {
                filled((n, c, to.0, to.1), |out| resample::bilinear(x, from, to, out))
            })
        })
    }

    fn backward(&self, _: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Result<Vec<Option<Tensor>>> {
        let other = Self { from: self.from, to: self.to, adjoint: !self.adjoint };
        Ok(vec![Some(apply(other, &[gradient])?)])
    }
}

impl OnCuda for Bilinear {
    fn run<D: Driver>(&self, driver: &D, x: &[Operand<'_>]) -> Made<D> {
        let size = if self.adjoint { self.from } else { self.to };
        cuda::resample(driver, Resample::Bilinear, x[0], size, self.adjoint)
    }
}
