//! Numbers that a step finds, and whether it may go on: read at once where the processor computes, kept on the device where
//! the program runs ahead of it.

use candle_core::{DType, Device, Result, Tensor};

use super::backend::Backend;
use super::{cuda, download, sum_of_squares, sums};

/// Numbers of a step at most: of each part of a batch a handful.
const MOST: usize = 4096;

/// Numbers found one after the other, in turns; a turn ends with the question whether all of them were finite.
#[derive(Debug, Default)]
pub struct Readings {
    /// On the host, all of them; on a device, none.
    values: Vec<f64>,
    /// How many there are.
    count: usize,
    /// Where the turn began.
    turn: usize,
    device: Option<OnDevice>,
}

/// Where they are kept on a device.
#[derive(Debug)]
struct OnDevice {
    values: Tensor,
    /// One value: not zero while all were finite.
    go: Tensor,
}

impl Readings {
    /// Readings of what `device` computes.
    ///
    /// # Errors
    /// When the device fails.
    pub fn new(device: &Device) -> Result<Self> {
        let make = || -> Result<OnDevice> {
            let zeros = |count: usize| Tensor::zeros(count, DType::F32, device);
            Ok(OnDevice { values: zeros(MOST)?, go: zeros(1)? })
        };
        let device = cuda::drives(device).then(make).transpose()?;
        Ok(Self { device, ..Self::default() })
    }

    /// Begins anew.
    pub fn clear(&mut self) {
        self.values.clear();
        (self.count, self.turn) = (0, 0);
    }

    /// Takes every element of `values`, a scalar or a few.
    ///
    /// # Errors
    /// When they are not f32, or the device fails.
    pub fn note(&mut self, values: &Tensor) -> Result<()> {
        match &self.device {
            Some(device) => cuda::optim::note(&device.values, self.count, values)?,
            None => self.values.extend(values.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from)),
        }
        self.count += values.elem_count();
        Ok(())
    }

    /// Takes the sum of the squares of all elements of all `tensors`; NaN or infinite when one is.
    ///
    /// # Errors
    /// When the device fails.
    pub fn note_squares<'a>(&mut self, tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<()> {
        let tensors: Vec<&Tensor> = tensors.into_iter().collect();
        match &self.device {
            Some(device)
                if !tensors.is_empty() && tensors.iter().all(|x| Backend::of(x) == Backend::Cuda) =>
            {
                // the sum, and what f32 cannot hold of it
                let words = sums::in_two_words(&tensors)?;
                cuda::optim::note(&device.values, self.count, &words.narrow(0, 0, 1)?)?;
            }
            Some(device) => {
                let sum = Tensor::new(&[sum_of_squares(tensors)? as f32], device.values.device())?;
                cuda::optim::note(&device.values, self.count, &sum)?;
            }
            None => self.values.push(sum_of_squares(tensors)?),
        }
        self.count += 1;
        Ok(())
    }

    /// Ends a turn: false where the host knows that one of its numbers was not finite, or one of a turn before. A device
    /// finds out by itself, and keeps it for what asks for [`Readings::gate`].
    ///
    /// # Errors
    /// When the device fails.
    pub fn end_turn(&mut self) -> Result<bool> {
        let turn = std::mem::replace(&mut self.turn, self.count)..self.count;
        match &self.device {
            Some(device) => {
                cuda::optim::check_finite(&device.values, turn.clone(), &device.go, turn.start == 0)?;
                Ok(true)
            }
            None => Ok(self.values.iter().all(|value| value.is_finite())),
        }
    }

    /// What on the device says whether a step may be made.
    pub fn gate(&self) -> Option<&Tensor> {
        self.device.as_ref().map(|device| &device.go)
    }

    /// All numbers in order; waits for the device.
    ///
    /// # Errors
    /// When the device fails.
    pub fn read(&self) -> Result<Vec<f64>> {
        match &self.device {
            Some(device) if self.count > 0 => {
                let values = download(&device.values.narrow(0, 0, self.count)?)?;
                Ok(values.into_iter().map(f64::from).collect())
            }
            _ => Ok(self.values.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Precision;
    use crate::ops::cuda::host::On;

    /// A turn's numbers, and those whose squares are summed.
    type Turn<'a> = (&'a [f32], &'a [f32]);

    /// What is read, and whether the gate is open after each turn.
    fn read(turns: &[Turn<'_>]) -> Result<(Vec<f64>, Vec<bool>)> {
        let mut readings = Readings::new(&Device::Cpu)?;
        let mut open = Vec::new();
        // Readings are used for step after step.
        for _ in 0..2 {
            readings.clear();
            open.clear();
            for (scalars, squares) in turns {
                for &scalar in *scalars {
                    readings.note(&Tensor::new(scalar, &Device::Cpu)?)?;
                }
                if scalars.len() > 1 {
                    readings.note(&Tensor::new(*scalars, &Device::Cpu)?)?;
                }
                readings.note_squares(&[Tensor::new(*squares, &Device::Cpu)?])?;
                let goes = readings.end_turn()?;
                open.push(match readings.gate() {
                    Some(gate) => goes && gate.to_vec1::<f32>()?[0] != 0.0,
                    None => goes,
                });
            }
        }
        Ok((readings.read()?, open))
    }

    #[test]
    fn the_device_reads_what_the_host_reads_and_closes_its_gate_with_it() -> Result<()> {
        let nan = f32::NAN;
        let cases: [(&[Turn<'_>], &[bool]); 4] = [
            (&[(&[1.5, -2.0], &[3.0, 4.0]), (&[0.5], &[1.0])], &[true, true]),
            (&[(&[1.5, nan], &[3.0]), (&[0.5], &[1.0])], &[false, false]),
            (&[(&[1.5], &[3.0, f32::INFINITY]), (&[], &[1.0])], &[false, false]),
            (&[(&[1.5], &[3.0]), (&[-f32::INFINITY], &[1.0])], &[true, false]),
        ];
        for (turns, open) in cases {
            let expected = read(turns)?;
            assert_eq!(expected.1, open);
            let Some(_on) = On::new(Precision::F32) else { return Ok(()) };
            let got = read(turns)?;
            assert_eq!(format!("{got:?}"), format!("{expected:?}"));
        }
        Ok(())
    }
}
