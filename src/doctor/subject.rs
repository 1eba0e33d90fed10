//! What is examined: a device, or the processor with one instruction set.

use candle_core::Device;

use crate::base::Pool;
use crate::inference::Computer;
use crate::ops::Precision;
use crate::ops::kernels::Isa;

/// The largest sound difference of a picture that the processor draws in bf16: at an edge that moves a little.
const BF16_PICTURE: f64 = 0.1;

/// The largest differences that are sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tolerance {
    /// Of an operation's result, relative to the result's largest value.
    pub(super) operation: f64,
    /// Of the losses of the first steps, relative. Rounding alone moves them: an optimiser that divides by the gradient's
    /// size turns a gradient of nearly 0 into a whole step one way or the other.
    pub(super) loss: f64,
    /// Of a picture's values in [0, 1].
    pub(super) picture: f64,
}

impl Tolerance {
    /// 32-bit floats throughout, on the processor.
    const PROCESSOR: Self = Self { operation: 1e-5, loss: 1e-5, picture: 2e-5 };

    /// On a GPU, where algorithms are chosen by trial.
    fn of(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self { loss: 1e-3, ..Self::PROCESSOR },
            Precision::Tf32 => Self { operation: 2e-3, loss: 1e-2, picture: 1e-2 },
            Precision::Bf16 => Self { operation: 2e-2, loss: 2e-2, picture: 5e-2 },
        }
    }
}

/// A way to compute.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) device: Device,
    /// What it draws in.
    pub(super) precisions: Vec<Precision>,
    /// What the processor's part runs with.
    pub(super) isa: Isa,
    pub(super) tolerance: Tolerance,
}

impl Subject {
    /// The ways to compute on `computer` that a person may meet: the processor's instruction sets from fast to slow, or the
    /// GPU.
    pub(super) fn all(computer: &Computer) -> Vec<Self> {
        let device = computer.device.clone();
        if !device.is_cpu() {
            let tolerance = Tolerance::of(computer.precision);
            let precisions = vec![computer.precision];
            return vec![Self { name: computer.name(), device, precisions, isa: Isa::detect(), tolerance }];
        }
        Isa::available().into_iter().rev().map(Self::processor).collect()
    }

    /// What training steps and pictures are compared with: for a GPU the processor at its best, for the processor its
    /// plainest instructions.
    pub(super) fn reference(device: &Device) -> Self {
        Self::processor(if device.is_cpu() { Isa::PORTABLE } else { Isa::detect() })
    }

    fn processor(isa: Isa) -> Self {
        Self {
            name: isa.to_string(),
            device: Device::Cpu,
            precisions: vec![Precision::F32, Precision::Bf16],
            isa,
            tolerance: Tolerance::PROCESSOR,
        }
    }

    /// The largest sound difference of a picture's values that is drawn in `precision`.
    pub(super) fn of_pictures(&self, precision: Precision) -> f64 {
        if self.device.is_cpu() && precision == Precision::Bf16 {
            BF16_PICTURE
        } else {
            self.tolerance.picture
        }
    }

    /// Whether `other` computes in the same way.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.device.is_cpu() && other.device.is_cpu() && self.isa == other.isa
    }

    /// Does `work` in this way, on `pool`'s threads.
    pub(super) fn run<R: Send>(&self, pool: &Pool, work: impl FnOnce() -> R + Send) -> R {
        pool.run(|| self.isa.preferred(work))
    }
}
