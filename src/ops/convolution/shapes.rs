//! Whether shapes fit together.

use candle_core::{Result, Tensor, bail};

use super::super::cpu::shape::{ConvShape, narrow_size};

pub(in super::super) fn wide_shape(
    name: &'static str,
    wide: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: usize,
) -> Result<ConvShape> {
    let (batch, in_channels, in_height, in_width) = wide.dims4()?;
    let (out_channels, kernel) = check_weight(name, weight, Some(in_channels), None)?;
    let size = |wide: usize| narrow_size(wide, kernel, stride.max(1), padding).unwrap_or(0);
    let shape = ConvShape {
        batch,
        in_channels,
        in_height,
        in_width,
        out_channels,
        out_height: size(in_height),
        out_width: size(in_width),
        kernel,
        stride,
        padding,
    };
    check_sizes(name, &shape)?;
    Ok(shape)
}

pub(in super::super) fn narrow_shape(
    name: &'static str,
    narrow: &Tensor,
    weight: &Tensor,
    (in_height, in_width): (usize, usize),
    stride: usize,
    padding: usize,
) -> Result<ConvShape> {
    let (batch, out_channels, out_height, out_width) = narrow.dims4()?;
    let (_, kernel) = check_weight(name, weight, None, Some(out_channels))?;
    let shape = ConvShape {
        batch,
        in_channels: weight.dim(1)?,
        in_height,
        in_width,
        out_channels,
        out_height,
        out_width,
        kernel,
        stride,
        padding,
    };
    check_sizes(name, &shape)?;
    Ok(shape)
}

/// The first axis and the kernel of a weight whose channels must be those given.
fn check_weight(
    name: &'static str,
    weight: &Tensor,
    second: Option<usize>,
    first: Option<usize>,
) -> Result<(usize, usize)> {
    let (a, b, kernel, columns) = weight.dims4()?;
    if kernel != columns {
        bail!("{name}: the kernel must be square, got {kernel}x{columns}");
    }
    if first.is_some_and(|channels| channels != a) || second.is_some_and(|channels| channels != b) {
        let channels = first.or(second).unwrap_or_default();
        bail!("{name}: an input of {channels} channels does not fit a weight of shape {:?}", weight.dims());
    }
    Ok((a, kernel))
}

pub(super) fn check_bias(name: &'static str, bias: Option<&Tensor>, channels: usize) -> Result<()> {
    match bias {
        Some(bias) if bias.dims() != [channels] => {
            bail!("{name}: the bias must have shape [{channels}], got {:?}", bias.dims())
        }
        _ => Ok(()),
    }
}

/// Checks that the narrow side is what the convolution of the wide side gives.
pub(super) fn check_sizes(name: &'static str, s: &ConvShape) -> Result<()> {
    if s.stride == 0 || s.kernel == 0 {
        bail!("{name}: stride and kernel must be at least 1, got {} and {}", s.stride, s.kernel);
    }
    let expected = (
        narrow_size(s.in_height, s.kernel, s.stride, s.padding),
        narrow_size(s.in_width, s.kernel, s.stride, s.padding),
    );
    if expected != (Some(s.out_height), Some(s.out_width)) {
        bail!(
            "{name}: kernel {} with stride {} and padding {} does not lead from {}x{} to {}x{}",
            s.kernel,
            s.stride,
            s.padding,
            s.in_height,
            s.in_width,
            s.out_height,
            s.out_width
        );
    }
    Ok(())
}
