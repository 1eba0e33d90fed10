use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::base::Array;
use crate::explore::{draw_all, sensitivity};
use crate::inference::Renderer;

use super::handle::Outbox;
use super::{Event, Opened};

/// How much each dimension moves the VAE's picture: what dimensions are ordered by where nothing is known about the
/// data.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensitivity {
    /// The model it belongs to.
    pub epoch: u64,
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

    /// Measures on a thread of its own with a decoder of its own, and tells by event.
    pub(super) fn start(opened: Arc<Opened>, mut decoder: Box<dyn Renderer>, outbox: Outbox) {
        let (epoch, without_thread) = (opened.epoch, outbox.clone());
        let body = move || {
            let measured = catch_unwind(AssertUnwindSafe(|| Self::measure(&opened, decoder.as_mut())));
            // Without it dimensions stay in index order, which is no reason to alarm anybody.
            if let Ok(Some(measured)) = measured {
                outbox.event(Event::Sensed(Arc::new(measured)));
            }
            outbox.event(Event::Described { epoch });
        };
        if let Err(error) = std::thread::Builder::new().name("idgan-sensing".to_owned()).spawn(body) {
            log::warn!("no thread to measure sensitivity with: {error}");
            without_thread.event(Event::Described { epoch });
        }
    }

    fn measure(opened: &Opened, decoder: &mut dyn Renderer) -> Option<Self> {
        let description = &opened.description;
        let block = description.block(&description.vae.as_ref()?.code)?;
        let codes = draw_all(description, CODES, 0, None);
        let bases: Array = codes.decoder_input(description).ok()?;
        let moved = sensitivity(decoder, &bases, 0, &vec![block.range; block.dims]).ok()?;
        Some(Self { epoch: opened.epoch, block: block.name.clone(), moved })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_that_move_almost_nothing_are_collapsed() {
        let sensed = Sensitivity { epoch: 1, block: "c".into(), moved: vec![0.5, 0.02, 0.005, 0.0] };
        let active: Vec<bool> = (0..5).map(|dim| sensed.is_active(dim)).collect();
        assert_eq!(active, [true, true, false, false, false]);
    }
}
