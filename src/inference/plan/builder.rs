use super::steps::{Outputs, Plan, Slot, Step};
use crate::inference::RenderError;
use crate::ops::cpu::blocked::MapShape;
use crate::ops::cpu::element::Element;
use crate::ops::cpu::isa::Isa;

/// The most memory that a plan's maps may take: a 4096 px generator of 16 feature maps fits.
const MAX_VALUES: usize = 3 << 30;
/// Rows of a map from which on its pictures are taken one by one.
const LARGE: usize = 32;

/// A plan in the making.
pub(super) struct Builder<E> {
    pub(super) isa: Isa,
    /// Whether pictures come in, of which many are run at a time; otherwise codes.
    takes_pictures: bool,
    steps: Vec<Step<E>>,
    slots: Vec<usize>,
    /// The steps that are run picture by picture, once it is known.
    single: Option<usize>,
}

impl<E: Element> Builder<E> {
    pub(super) fn new(isa: Isa, takes_pictures: bool) -> Self {
        Self { isa, takes_pictures, steps: Vec::new(), slots: Vec::new(), single: None }
    }

    /// A new buffer of `len` values.
    pub(super) fn row(&mut self, len: usize) -> Slot {
        self.slots.push(len);
        self.slots.len() - 1
    }

    /// A new buffer for a map.
    pub(super) fn map(&mut self, shape: MapShape) -> Slot {
        self.row(E::words(shape.len()))
    }

    /// Whether the next step, on maps of `input`, is run for a group of pictures: from the first small map on.
    pub(super) fn is_grouped(&mut self, input: MapShape) -> bool {
        if input.height() < LARGE {
            self.begin_groups();
        }
        self.single.is_some()
    }

    /// Runs all further steps for a group of pictures, where pictures come in.
    pub(super) fn begin_groups(&mut self) {
        if self.takes_pictures && self.single.is_none() {
            self.single = Some(self.steps.len());
        }
    }

    pub(super) fn push(&mut self, step: Step<E>) {
        self.steps.push(step);
    }

    /// Whether a step makes pixels.
    pub(super) fn draws(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Pixels { .. }))
    }

    /// The finished plan, whose memory can now be allocated.
    pub(super) fn finish(self, result: Outputs) -> Result<Plan<E>, RenderError> {
        let Self { isa, takes_pictures, steps, slots, single } = self;
        let linear = steps.iter().rev().take_while(|step| matches!(step, Step::Linear { .. })).count();
        let head = if takes_pictures { linear } else { 0 };
        let single = single.unwrap_or(steps.len() - head).min(steps.len() - head);
        let grouped = steps.len() - head - single;
        let plan = Plan { isa, steps, slots, single, grouped, result };
        match plan.values() {
            Some(values) if values <= MAX_VALUES => Ok(plan),
            values => {
                let (need, most) = (values.unwrap_or(usize::MAX) >> 28, MAX_VALUES >> 28);
                Err(RenderError::Weights(format!(
                    "its maps take {need} GiB, more than the {most} GiB that a plan may take"
                )))
            }
        }
    }
}
