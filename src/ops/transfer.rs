//! Values on their way to a device and back.

use candle_core::{Device, Result, Shape, Tensor, bail};

use super::backend::Backend;
use super::cuda::{self, Driver, Made, OnCuda, Operand};

/// A tensor of `values` on `device`; on CUDA through page-locked memory.
///
/// # Errors
/// When the shape does not have as many values, or the device fails.
pub fn upload(values: &[f32], shape: impl Into<Shape>, device: &Device) -> Result<Tensor> {
    let shape = shape.into();
    match cuda::upload(values, &shape, device)? {
        Some(tensor) => Ok(tensor),
        None => Tensor::from_slice(values, shape, device),
    }
}

/// Puts `values` into a contiguous f32 tensor of as many, where it lies; on CUDA through page-locked memory, and the program
/// goes on meanwhile.
///
/// # Errors
/// When the numbers of values differ, or the device fails or has no such way.
pub fn write(x: &Tensor, values: &[f32]) -> Result<()> {
    match cuda::write(x, values)? {
        true => Ok(()),
        false => bail!("values can be put into tensors on CUDA alone"),
    }
}

/// The values of an f32 tensor, row by row; from CUDA through page-locked memory.
///
/// # Errors
/// When the device fails.
pub fn download(x: &Tensor) -> Result<Vec<f32>> {
    #[cfg(test)]
    cuda::host::check_reading()?;
    let x = x.contiguous()?;
    match cuda::download(&x)? {
        Some(values) => Ok(values),
        None => x.flatten_all()?.to_vec1(),
    }
}

/// What a network's pictures are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureValues {
    /// From -1 to 1.
    Signed,
    /// Their sigmoids are from 0 to 1.
    Logits,
}

/// Pictures `(N, C, H, W)` of one or three channels as bytes, RGBA, picture by picture and row by row; `None` where the
/// device has no kernel for it.
///
/// # Errors
/// When the device fails.
pub fn rgba(pictures: &Tensor, values: PictureValues) -> Result<Option<Vec<u8>>> {
    let channels = pictures.dims4()?.1;
    if Backend::of(pictures) != Backend::Cuda || !matches!(channels, 1 | 3) {
        return Ok(None);
    }
    let pixels = download(&cuda::run(&Rgba { values }, &[pictures])?)?;
    Ok(Some(bytemuck::cast_slice(&pixels).to_vec()))
}

/// Bytes of pixels, four in each of the tensor's values.
struct Rgba {
    values: PictureValues,
}

impl OnCuda for Rgba {
    fn run<D: Driver>(&self, driver: &D, pictures: &[Operand<'_>]) -> Made<D> {
        cuda::rgba(driver, pictures[0], self.values == PictureValues::Logits)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Precision;
    use super::super::cuda::host::On;
    use super::super::tests::values;
    use super::*;
    use crate::base::Picture;
    use candle_core::DType;

    #[test]
    fn bytes_of_pictures_are_those_of_their_values() -> Result<()> {
        for (channels, kind) in [(3, PictureValues::Signed), (1, PictureValues::Logits)] {
            let pictures = values(&[2, channels, 5, 7], 1).affine(1.2, 0.0)?.to_dtype(DType::F32)?;
            let pictures = Tensor::cat(&[&pictures, &pictures.affine(f64::NAN, 0.0)?], 0)?;
            assert_eq!(rgba(&pictures, kind)?, None, "the CPU has another way");
            let Some(_on) = On::new(Precision::F32) else { return Ok(()) };
            let got = rgba(&pictures, kind)?.expect("is drawn");
            let pictures = pictures.flatten_from(1)?.to_vec2::<f32>()?;
            for (picture, got) in pictures.iter().zip(got.chunks_exact(4 * 5 * 7)) {
                let unit = |v: &f32| match kind {
                    PictureValues::Signed => (v + 1.0) * 0.5,
                    PictureValues::Logits => 1.0 / (1.0 + (-v).exp()),
                };
                let chw: Vec<f32> = picture.iter().map(unit).collect();
                let expected = Picture::from_chw(&chw, channels, 5, 7).expect("fits");
                assert_eq!(expected.rgba(), got);
            }
        }
        Ok(())
    }

    #[test]
    fn what_goes_up_comes_down() -> Result<()> {
        let up = upload(&[1.0, 2.0, 3.0, 4.0], (2, 2), &Device::Cpu)?;
        assert_eq!(download(&up.t()?)?, [1.0, 3.0, 2.0, 4.0]);
        assert!(upload(&[1.0; 3], (2, 2), &Device::Cpu).is_err());
        Ok(())
    }
}
