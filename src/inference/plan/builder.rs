use super::executor::{Plan, Slot, Step};
use crate::inference::RenderError;
use crate::ops::cpu::blocked::MapShape;
use crate::ops::cpu::isa::Isa;

/// The most memory that a plan's maps may take: a 4096 px generator of 16 feature maps fits.
const MAX_VALUES: usize = 3 << 30;

/// A plan in the making.
pub(super) struct Builder {
    pub(super) isa: Isa,
    plan: Plan,
}

impl Builder {
    pub(super) fn new(isa: Isa) -> Self {
        Self { isa, plan: Plan { steps: Vec::new(), slots: Vec::new() } }
    }

    /// A new buffer of `len` values.
    pub(super) fn row(&mut self, len: usize) -> Slot {
        self.plan.slots.push(len);
        self.plan.slots.len() - 1
    }

    /// A new buffer for a map.
    pub(super) fn map(&mut self, shape: MapShape) -> Slot {
        self.row(shape.len())
    }

    pub(super) fn push(&mut self, step: Step) {
        self.plan.steps.push(step);
    }

    /// The finished plan, whose memory can now be allocated.
    pub(super) fn finish(self) -> Result<Plan, RenderError> {
        let values = self.plan.slots.iter().fold(0usize, |sum, &len| sum.saturating_add(len));
        if values > MAX_VALUES {
            let (need, most) = (values >> 28, MAX_VALUES >> 28);
            return Err(RenderError::Weights(format!(
                "its maps take {need} GiB, more than the {most} GiB that a plan may take"
            )));
        }
        Ok(self.plan)
    }
}
