//! Maps with a number each or with one map for all of a picture, and pictures with noise on them.

use std::mem::MaybeUninit;

use candle_core::{DType, Device, Result, Tensor, bail};

use super::backend::Backend;
use super::composite::{composite, pair};
use super::convolution::channel_sum;
use super::cpu::elementwise::{self, Real};
use super::cpu::filled_vec::filled_vec;
use super::custom::{Element, constant, unsupported};
use super::fused::reading;

/// `x + shift`: one number added to every value of a map. `x` is `(N, C, H, W)`, `shift` is `(N, C, 1, 1)`. Differentiable
/// once.
///
/// # Errors
/// When shapes or types do not fit.
pub fn add_to_maps(x: &Tensor, shift: &Tensor) -> Result<Tensor> {
    let maps = maps_of("add_to_maps", x, shift)?;
    if Backend::of(x) != Backend::Cpu {
        return x.broadcast_add(shift);
    }
    let sum = Each::Sum.run("add_to_maps", &constant(x), &constant(shift))?;
    let wanted = [x, shift].map(Tensor::track_op);
    let backward = move |gradient: &Tensor| {
        let of_shift = wanted[1].then(|| map_sums(gradient, maps)).transpose()?;
        Ok([wanted[0].then(|| gradient.clone()), of_shift])
    };
    pair(x, shift, sum, Box::new(backward))
}

/// `x + map`: one map added to all maps of a picture. `x` is `(N, C, H, W)`, `map` is `(N, 1, H, W)`. Differentiable once.
///
/// # Errors
/// When shapes or types do not fit.
pub fn add_map_to_maps(x: &Tensor, map: &Tensor) -> Result<Tensor> {
    const NAME: &str = "add_map_to_maps";
    let (pictures, _, height, width) = x.dims4()?;
    if map.dims() != [pictures, 1, height, width] {
        bail!("{NAME}: {:?} to maps of {:?}", map.dims(), x.dims());
    }
    if Backend::of(x) != Backend::Cpu {
        return x.broadcast_add(map);
    }
    let (plane, size) = (height * width, [pictures, 1, height, width]);
    let sum = match x.dtype() {
        DType::F32 => with_map::<f32>(x, map, plane),
        DType::F64 => with_map::<f64>(x, map, plane),
        other => unsupported(NAME, other),
    }?;
    let wanted = [x, map].map(Tensor::track_op);
    let backward = move |gradient: &Tensor| {
        let of_map = || match gradient.dtype() {
            DType::F32 => sum_of_maps::<f32>(gradient, &size),
            DType::F64 => sum_of_maps::<f64>(gradient, &size),
            other => unsupported(NAME, other),
        };
        Ok([wanted[0].then(|| gradient.clone()), wanted[1].then(of_map).transpose()?])
    };
    pair(x, map, sum, Box::new(backward))
}

/// `factor * x`: every value of a map times one number. `x` is `(N, C, H, W)`, `factor` is `(N, C, 1, 1)`. Differentiable once.
///
/// # Errors
/// When shapes or types do not fit.
pub fn scale_maps(x: &Tensor, factor: &Tensor) -> Result<Tensor> {
    let maps = maps_of("scale_maps", x, factor)?;
    if Backend::of(x) != Backend::Cpu {
        return x.broadcast_mul(factor);
    }
    let wanted = [x, factor].map(Tensor::track_op);
    let (x_value, factor_value) = (constant(x), constant(factor));
    let product = Each::Product.run("scale_maps", &x_value, &factor_value)?;
    let backward = move |gradient: &Tensor| {
        let of_x = || Each::Product.run("scale_maps", gradient, &factor_value);
        let of_factor = || map_sums(&Each::Product.run("scale_maps", gradient, &x_value)?, maps);
        Ok([wanted[0].then(of_x).transpose()?, wanted[1].then(of_factor).transpose()?])
    };
    pair(x, factor, product, Box::new(backward))
}

/// `x + noise`, cut off below `low` and above `high`; the gradient in `x` is that of the sum where it lies between them or on
/// them, else zero, as `torch.clamp` has it, and there is none in `noise`.
///
/// # Errors
/// When the shapes differ or the type is not f32 or f64.
pub fn with_noise(x: &Tensor, noise: &Tensor, [low, high]: [f64; 2]) -> Result<Tensor> {
    if x.dims() != noise.dims() {
        bail!("with_noise: {:?} with noise of {:?}", x.dims(), noise.dims());
    }
    let limits = [low, high];
    let (x_value, noise) = (constant(x), constant(noise));
    let sum = match Backend::of(x) {
        Backend::Cpu => Each::Limited(limits).run("with_noise", &x_value, &noise)?,
        _ => (&x_value + &noise)?.clamp(low, high)?,
    };
    composite(x, [], |_| {
        let backward = move |gradient: &Tensor, _| {
            let sum = (&x_value + &noise)?;
            Ok(Some(match Backend::of(gradient) {
                Backend::Cpu => Each::Within(limits).run("with_noise", &sum, gradient)?,
                _ => (gradient * (sum.ge(low)? * sum.le(high)?)?.to_dtype(gradient.dtype())?)?,
            }))
        };
        Ok((sum, Box::new(backward)))
    })
}

/// The number of pictures and of maps in each, of which `numbers` has one each.
fn maps_of(name: &str, x: &Tensor, numbers: &Tensor) -> Result<[usize; 2]> {
    let (pictures, channels, _, _) = x.dims4()?;
    if numbers.dims() != [pictures, channels, 1, 1] {
        bail!("{name}: {:?} numbers for maps of {:?}", numbers.dims(), x.dims());
    }
    Ok([pictures, channels])
}

/// The sum over each map, `(N, C, 1, 1)`.
fn map_sums(x: &Tensor, [pictures, channels]: [usize; 2]) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    let sums = channel_sum(&x.contiguous()?.reshape((1, pictures * channels, height, width))?)?;
    sums.reshape((pictures, channels, 1, 1))
}

/// What is made of two numbers.
#[derive(Clone, Copy, Debug)]
enum Each {
    Sum,
    Product,
    /// Their sum between two limits.
    Limited([f64; 2]),
    /// The second where the first lies between two limits or on them, else zero.
    Within([f64; 2]),
}

impl Each {
    fn of<T: Real>(self) -> impl Fn(T, T) -> T + Send + Sync + Copy {
        let [low, high] = match self {
            Self::Limited(limits) | Self::Within(limits) => limits,
            _ => [0.0; 2],
        }
        .map(T::from_f64);
        let limited = move |value: T| {
            let value = if value < low { low } else { value };
            if value > high { high } else { value }
        };
        move |a, b| match self {
            Self::Sum => a + b,
            Self::Product => a * b,
            Self::Limited(_) => limited(a + b),
            Self::Within(_) if a >= low && a <= high => b,
            Self::Within(_) => T::ZERO,
        }
    }

    /// Of every value of `a` and what stands at its place in `b`; where `b` is shorter, each of its numbers is for a run of `a`.
    fn run(self, name: &'static str, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        match a.dtype() {
            DType::F32 => self.run_as::<f32>(a, b),
            DType::F64 => self.run_as::<f64>(a, b),
            other => unsupported(name, other),
        }
    }

    fn run_as<T: Element>(self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let size = a.dims();
        let (a, b) = (a.contiguous()?, b.contiguous()?);
        let (a, b) = (reading(&a), reading(&b));
        let (a, b) = (a.elements::<T>()?, b.elements::<T>()?);
        made(size, |room| match a.len() == b.len() {
            true => elementwise::zip(a, b, room, self.of::<T>()),
            false => elementwise::zip_runs(a, b, room, self.of::<T>()),
        })
    }
}

/// [`add_map_to_maps`] outside any graph.
fn with_map<T: Element>(x: &Tensor, map: &Tensor, plane: usize) -> Result<Tensor> {
    let size = x.dims();
    let (x, map) = (x.contiguous()?, map.contiguous()?);
    let (x, map) = (reading(&x), reading(&map));
    let (x, map) = (x.elements::<T>()?, map.elements::<T>()?);
    made(size, |room| elementwise::add_planes(x, map, plane, room))
}

/// The sum of the maps of each picture, of the size `(N, 1, H, W)`.
fn sum_of_maps<T: Element>(x: &Tensor, size: &[usize; 4]) -> Result<Tensor> {
    let (maps, plane) = (x.dim(1)?, size[2] * size[3]);
    let x = x.contiguous()?;
    let x = reading(&x);
    let x = x.elements::<T>()?;
    made(size, |room| elementwise::plane_sum(x, maps, plane, room))
}

/// A tensor on the CPU whose elements `fill` writes.
fn made<T: Element>(size: &[usize], fill: impl FnOnce(&mut [MaybeUninit<T>]) -> &mut [T]) -> Result<Tensor> {
    Tensor::from_vec(filled_vec(size.iter().product(), fill), size, &Device::Cpu)
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::super::backward;
    use super::super::tests::{assert_close, values};
    use super::*;

    #[test]
    fn every_map_has_its_number() -> Result<()> {
        for shape in [[3, 2, 5, 4], [2, 3, 1, 1], [0, 2, 3, 3], [2, 9, 65, 63]] {
            for (dtype, tolerance) in [(DType::F64, 1e-14), (DType::F32, 1e-6)] {
                let x = values(&shape, 1).to_dtype(dtype)?;
                let numbers = values(&[shape[0], shape[1], 1, 1], 2).to_dtype(dtype)?;
                let named = format!("{shape:?} {dtype:?}");
                assert_close(&add_to_maps(&x, &numbers)?, &x.broadcast_add(&numbers)?, tolerance, &named);
                assert_close(&scale_maps(&x, &numbers)?, &x.broadcast_mul(&numbers)?, tolerance, &named);
                let map = values(&[shape[0], 1, shape[2], shape[3]], 3).to_dtype(dtype)?;
                assert_close(&add_map_to_maps(&x, &map)?, &x.broadcast_add(&map)?, tolerance, &named);
            }
        }
        let x = values(&[2, 3, 4, 4], 1);
        assert!(add_to_maps(&x, &values(&[2, 3], 2)).is_err());
        assert!(scale_maps(&x, &values(&[3, 2, 1, 1], 2)).is_err());
        assert!(add_map_to_maps(&x, &values(&[2, 1, 4, 1], 2)).is_err());
        assert!(with_noise(&x, &values(&[2, 3, 4, 5], 2), [-1.0, 1.0]).is_err());
        Ok(())
    }

    #[test]
    fn noise_is_cut_off_and_what_is_cut_off_learns_nothing() -> Result<()> {
        let x = Var::new(&[-2.0_f32, -1.0, -0.25, 0.5, 1.0, 0.75], &Device::Cpu)?;
        let noise = Tensor::new(&[0.0_f32, 0.0, 0.5, 0.25, 0.0, 0.5], &Device::Cpu)?;
        let made = with_noise(&x, &noise, [-1.0, 1.0])?;
        assert_eq!(made.to_vec1::<f32>()?, [-1.0, -1.0, 0.25, 0.75, 1.0, 1.0]);
        let store = backward(&(made.sum_all()? * 3.0)?)?;
        let gradient = store.get(&x).map(Tensor::to_vec1::<f32>).transpose()?;
        // torch.clamp lets the gradient through where the value is a limit itself
        assert_eq!(gradient, Some(vec![0.0, 3.0, 3.0, 3.0, 3.0, 0.0]));
        Ok(())
    }
}
