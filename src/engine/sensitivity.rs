use crate::base::{Array, Cancel};
use crate::explore::{draw_all, sensitivity};
use crate::inference::Renderer;
use crate::model::ChainId;

use super::Opened;

/// How much each dimension moves the picture: what dimensions are ordered by where nothing is known about the
/// data.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensitivity {
    /// The model it belongs to.
    pub model_id: u64,
    /// Name of the block.
    pub block: String,
    /// Mean absolute change of pixel values in [0, 1] over the dimension's range, one entry a dimension.
    pub moved: Vec<f64>,
}

/// Random codes that are moved.
const CODES: usize = 64;

/// A dimension that moves the picture less than this share of what the strongest does counts as collapsed.
const COLLAPSED: f64 = 0.02;

impl Sensitivity {
    /// Whether dimension `dim` does anything worth mentioning.
    pub fn is_active(&self, dim: usize) -> bool {
        let most = self.moved.iter().copied().fold(0.0, f64::max);
        self.moved.get(dim).is_some_and(|&moved| moved >= COLLAPSED * most)
    }

    /// Measures with `renderer`, which runs `chain`; `None` where that is impossible or was cancelled.
    pub(super) fn measure(
        opened: &Opened,
        chain: ChainId,
        renderer: &mut dyn Renderer,
        cancel: &Cancel,
    ) -> Option<Self> {
        let description = &opened.description;
        let block = description.block(description.encoded()?)?;
        let chain = &description.render_chain(chain)?.name;
        let codes = draw_all(description, CODES, 0, None);
        let bases: Array = codes.input(description, chain).ok()?;
        let before = description.inputs(chain).into_iter().take_while(|input| *input != block.name);
        let first = before.filter_map(|input| Some(description.block(input)?.dims)).sum();
        let moved = sensitivity(renderer, &bases, first, &vec![block.range; block.dims], cancel).ok()??;
        Some(Self { model_id: opened.model_id, block: block.name.clone(), moved })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_that_move_almost_nothing_are_collapsed() {
        let sensed = Sensitivity { model_id: 1, block: "c".into(), moved: vec![0.5, 0.02, 0.005, 0.0] };
        let active: Vec<bool> = (0..5).map(|dim| sensed.is_active(dim)).collect();
        assert_eq!(active, [true, true, false, false, false]);
    }
}
