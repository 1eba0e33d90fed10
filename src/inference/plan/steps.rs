use std::ops::Range;

use crate::ops::cpu::blocked::{DirectConv, FewChannelConv, FirstConv, Linear, MapShape, WinogradConv};
use crate::ops::cpu::element::Element;
use crate::ops::cpu::isa::Isa;

/// Which buffer of the workspace.
pub(super) type Slot = usize;

/// Pictures that one thread takes through small maps together, so that each of their weights is read once for all of them;
/// the large maps of one picture fill the cache by themselves.
pub(super) const GROUP: usize = 16;

/// A compiled network: what to compute, in order, on numbered buffers. It never changes, so that several
/// workspaces can run it at the same time. Maps and weights are `E`, rows are f32.
pub(super) struct Plan<E> {
    pub(super) isa: Isa,
    pub(super) steps: Vec<Step<E>>,
    /// How many f32 one picture takes in each buffer, or takes the place of.
    pub(super) slots: Vec<usize>,
    /// The first steps, which are run picture by picture.
    pub(super) single: usize,
    /// Behind them, the steps that are run for up to [`GROUP`] pictures at a time. The last ones are linear layers that
    /// are run for all pictures of a batch.
    pub(super) grouped: usize,
    pub(super) result: Outputs,
}

/// What a plan makes.
pub(super) enum Outputs {
    /// A picture, `sigmoid(gain * values)` of the last step's: 1 for logits, 2 for what tanh would be applied to.
    Picture { gain: f32 },
    /// Parts of rows.
    Rows(Vec<RowPart>),
}

/// Some numbers of a row.
#[derive(Clone, Copy)]
pub(super) struct RowPart {
    pub(super) slot: Slot,
    pub(super) start: usize,
    pub(super) length: usize,
    /// How far it is from one to the next.
    pub(super) step: usize,
}

/// Where a convolution's result goes.
#[derive(Clone, Copy, Default)]
pub(super) struct Targets {
    /// The map to add before storing, its shape, and whether it is upsampled on the way.
    pub(super) residual: Option<(Slot, MapShape, bool)>,
    /// The result as it is.
    pub(super) raw: Option<Slot>,
    /// The result after the leaky ReLU of this slope.
    pub(super) active: Option<(Slot, f32)>,
}

/// One step of a plan.
pub(super) enum Step<E> {
    /// From the picture that comes in to a map.
    FirstConv { conv: FirstConv, targets: Targets },
    /// One row of values to another.
    Linear { layer: Linear<E>, input: Slot, output: Slot },
    /// One row of values to a map.
    Spread { layer: Linear<E>, input: Slot, output: Slot },
    /// The values of a map, block by block, as a row.
    Flatten { shape: MapShape, input: Slot, output: Slot },
    /// Leaky ReLU of a whole buffer.
    LeakyRelu { slope: f32, input: Slot, output: Slot },
    /// Direct convolution.
    Direct { conv: DirectConv<E>, input: Slot, targets: Targets },
    /// Winograd's convolution.
    Winograd { conv: WinogradConv<E>, input: Slot, targets: Targets },
    /// The last layer, which ends in pixels.
    Pixels { conv: FewChannelConv<E>, input: Slot },
}

impl<E: Element> Step<E> {
    /// What it is and on which sizes it works, for people.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::FirstConv { conv, .. } => conv.describe(),
            Self::Linear { layer, .. } | Self::Spread { layer, .. } => layer.describe(),
            Self::Direct { conv, .. } => conv.describe(),
            Self::Winograd { conv, .. } => conv.describe(),
            Self::Pixels { conv, .. } => conv.describe(),
            Self::Flatten { .. } => "flatten".into(),
            Self::LeakyRelu { .. } => "leaky relu".into(),
        }
    }

    /// Multiply-adds for one picture.
    pub(super) fn multiply_adds(&self) -> usize {
        match self {
            Self::FirstConv { conv, .. } => conv.multiply_adds(),
            Self::Linear { layer, .. } | Self::Spread { layer, .. } => layer.multiply_adds(),
            Self::Direct { conv, .. } => conv.multiply_adds(),
            Self::Winograd { conv, .. } => conv.multiply_adds(),
            Self::Pixels { conv, .. } => conv.multiply_adds(),
            Self::Flatten { .. } | Self::LeakyRelu { .. } => 0,
        }
    }

    /// The buffers that it reads and writes.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> {
        let (input, targets, output) = match self {
            Self::FirstConv { targets, .. } => (None, *targets, None),
            Self::Linear { input, output, .. }
            | Self::Spread { input, output, .. }
            | Self::Flatten { input, output, .. }
            | Self::LeakyRelu { input, output, .. } => (Some(*input), Targets::default(), Some(*output)),
            Self::Direct { input, targets, .. } | Self::Winograd { input, targets, .. } => {
                (Some(*input), *targets, None)
            }
            Self::Pixels { input, .. } => (Some(*input), Targets::default(), None),
        };
        let Targets { residual, raw, active } = targets;
        let added = residual.map(|(slot, ..)| slot);
        [input, output, added, raw, active.map(|(slot, _)| slot)].into_iter().flatten()
    }
}

impl<E: Element> Plan<E> {
    /// Multiply-adds of one picture as it computes it.
    pub(super) fn multiply_adds(&self) -> usize {
        self.steps.iter().map(Step::multiply_adds).sum()
    }

    /// The linear layers at the end.
    pub(super) fn head(&self) -> &[Step<E>] {
        &self.steps[self.single + self.grouped..]
    }

    /// How many pictures each buffer holds.
    pub(super) fn pictures(&self) -> Vec<usize> {
        let mut pictures = vec![1; self.slots.len()];
        for slot in self.steps[self.single..self.single + self.grouped].iter().flat_map(Step::slots) {
            pictures[slot] = GROUP;
        }
        pictures
    }

    /// How many f32 all buffers take; `None` where they cannot be counted.
    pub(super) fn values(&self) -> Option<usize> {
        self.slots
            .iter()
            .zip(self.pictures())
            .try_fold(0usize, |sum, (&length, pictures)| sum.checked_add(length.checked_mul(pictures)?))
    }

    /// The part of a buffer that some of its pictures are in.
    pub(super) fn part(&self, slot: Slot, pictures: &Range<usize>) -> Range<usize> {
        pictures.start * self.slots[slot]..pictures.end * self.slots[slot]
    }
}
