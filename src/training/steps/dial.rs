//! Numbers that change from step to step and that losses are computed with.

use candle_core::{DType, Device, Result, Tensor};

use crate::ops;

/// Such a number. Where the program runs ahead of its device it lies there, so that a recorded step reads what is set.
#[derive(Debug)]
pub(in crate::training) struct Dial {
    value: f64,
    on_device: Option<Tensor>,
}

impl Dial {
    /// A dial that stands at `value`.
    pub(in crate::training) fn new(value: f64, device: &Device) -> Result<Self> {
        let on_device = ops::runs_ahead(device).then(|| Tensor::zeros((), DType::F32, device)).transpose()?;
        let mut dial = Self { value, on_device };
        dial.set(value)?;
        Ok(dial)
    }

    /// Turns it.
    pub(in crate::training) fn set(&mut self, value: f64) -> Result<()> {
        self.value = value;
        match &self.on_device {
            Some(tensor) => ops::write(tensor, &[value as f32]),
            None => Ok(()),
        }
    }

    /// `x`, a scalar, times the number.
    pub(in crate::training) fn times(&self, x: &Tensor) -> Result<Tensor> {
        match &self.on_device {
            Some(number) => x * number,
            None => x * self.value,
        }
    }

    /// `x`, a scalar, less the number.
    pub(in crate::training) fn below(&self, x: &Tensor) -> Result<Tensor> {
        match &self.on_device {
            Some(number) => x - number,
            None => x - self.value,
        }
    }
}
