//! Values on their way to a device and back.

use candle_core::{Device, Result, Shape, Tensor, bail};

use super::cuda;

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
    let mut values = vec![0.0; x.elem_count()];
    download_bytes(x, bytemuck::cast_slice_mut(&mut values))?;
    Ok(values)
}

/// The bytes of these values, as many as there are.
///
/// # Errors
/// When there are more or fewer, or the device fails.
pub fn download_bytes(x: &Tensor, bytes: &mut [u8]) -> Result<()> {
    #[cfg(test)]
    cuda::host::check_reading()?;
    if bytes.len() != size_of::<f32>() * x.elem_count() {
        bail!("{} bytes are not those of {:?}", bytes.len(), x.dims());
    }
    let x = x.contiguous()?;
    if !cuda::download(&x, bytes)? {
        bytes.copy_from_slice(bytemuck::cast_slice(&x.flatten_all()?.to_vec1::<f32>()?));
    }
    Ok(())
}

/// What a network's pictures are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureValues {
    /// From -1 to 1.
    Signed,
    /// Their sigmoids are from 0 to 1.
    Logits,
}

/// Puts the bytes of pictures `(N, C, H, W)` of one or three channels, RGBA, into `pixels`, a tensor of `N H W` values of four
/// bytes each, picture by picture and row by row. On CUDA alone.
///
/// # Errors
/// When the shapes do not fit, or the device fails or has no kernel for it.
pub fn rgba(pictures: &Tensor, values: PictureValues, pixels: &Tensor) -> Result<()> {
    let (n, channels, height, width) = pictures.dims4()?;
    if !matches!(channels, 1 | 3) || pixels.elem_count() != n * height * width {
        bail!("pictures {:?} are no {} pixels of bytes", pictures.dims(), pixels.elem_count());
    }
    let pictures = pictures.contiguous()?;
    cuda::change(&[&pictures, pixels], |queue, addresses| {
        let &[pictures, pixels] = addresses else { return Ok(()) };
        let logits = values == PictureValues::Logits;
        cuda::rgba(queue, pictures, pixels, logits, (n, channels, height, width))
    })
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
            let pixels = Tensor::zeros((4, 5, 7), DType::F32, &Device::Cpu)?;
            assert!(rgba(&pictures, kind, &pixels).is_err(), "the CPU has another way");
            let Some(_on) = On::new(Precision::F32) else { return Ok(()) };
            assert!(rgba(&pictures, kind, &pixels.narrow(0, 0, 3)?).is_err(), "too few");
            rgba(&pictures, kind, &pixels)?;
            let mut got = vec![0; 4 * 4 * 5 * 7];
            download_bytes(&pixels, &mut got)?;
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
        assert!(download_bytes(&up, &mut [0; 12]).is_err());
        Ok(())
    }
}
