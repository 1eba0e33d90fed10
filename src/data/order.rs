use serde::{Deserialize, Serialize};

use super::DataError;
use crate::base::Stream;

/// The order in which pictures are visited: epoch after epoch, each a new permutation.
pub(super) struct Order {
    state: BatchesState,
    /// This epoch's order of the set.
    permutation: Vec<u32>,
}

/// Where an endless sequence of visits stands; enough to go on with the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchesState {
    /// The seed that every epoch's permutation derives from.
    pub seed: u64,
    /// Epochs completed.
    pub epoch: u64,
    /// Pictures visited in this epoch.
    pub position: u64,
}

/// One picture's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Visit {
    /// The picture.
    pub(super) index: usize,
    /// The visit's own number, different for every visit of the whole sequence.
    pub(super) draw: u64,
    /// Epochs completed before it.
    pub(super) epoch: u64,
}

impl BatchesState {
    /// The beginning of the next epoch: where to go on when the set is no longer the one that this epoch began with.
    #[must_use]
    pub fn next_epoch(self) -> Self {
        Self { epoch: self.epoch + 1, position: 0, ..self }
    }

    /// The beginning of the sequence with this seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, epoch: 0, position: 0 }
    }
}

impl Order {
    /// Continues the visits of a set of `len` pictures at `state`.
    pub(super) fn resume(len: usize, state: BatchesState) -> Result<Self, DataError> {
        if len == 0 || u32::try_from(len).is_err() {
            return Err(DataError::Spec(format!("a data set of {len} pictures cannot be trained on")));
        }
        if state.position > len as u64 {
            return Err(DataError::Spec(format!(
                "the saved run stands at picture {} of an epoch, but the data set has only {len}; was it changed?",
                state.position
            )));
        }
        Ok(Self { state, permutation: epoch_order(len, state) })
    }

    /// The state after the visits so far.
    pub(super) fn state(&self) -> BatchesState {
        self.state
    }

    /// The next visit.
    pub(super) fn next_visit(&mut self) -> Visit {
        let len = self.permutation.len();
        if self.state.position == len as u64 {
            self.state = self.state.next_epoch();
            self.permutation = epoch_order(len, self.state);
        }
        let BatchesState { seed, epoch, position } = self.state;
        self.state.position += 1;
        let draw = epoch.wrapping_mul(len as u64).wrapping_add(position) ^ seed.rotate_left(32);
        Visit { index: self.permutation[position as usize] as usize, draw, epoch }
    }
}

fn epoch_order(len: usize, state: BatchesState) -> Vec<u32> {
    Stream::for_item(state.seed, "data order", state.epoch).permutation(len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_epoch_visits_every_picture_once_in_a_new_order() {
        let mut order = Order::resume(100, BatchesState::new(5)).expect("starts");
        let visits: Vec<Visit> = (0..300).map(|_| order.next_visit()).collect();
        for (epoch, visits) in visits.chunks(100).enumerate() {
            let seen: HashSet<usize> = visits.iter().map(|visit| visit.index).collect();
            assert_eq!(seen.len(), 100);
            assert!(visits.iter().all(|visit| visit.epoch == epoch as u64));
        }
        let indices = |at: usize| visits[at..at + 100].iter().map(|visit| visit.index).collect::<Vec<_>>();
        assert_ne!(indices(0), indices(100));
        let draws: HashSet<u64> = visits.iter().map(|visit| visit.draw).collect();
        assert_eq!(draws.len(), 300);
    }

    #[test]
    fn an_order_resumed_anywhere_goes_on_as_before() {
        for stop in [0, 1, 57, 99, 100, 101, 250] {
            let mut order = Order::resume(100, BatchesState::new(9)).expect("starts");
            for _ in 0..stop {
                order.next_visit();
            }
            let mut resumed = Order::resume(100, order.state()).expect("resumes");
            for _ in 0..150 {
                assert_eq!(order.next_visit(), resumed.next_visit(), "stopped after {stop}");
            }
        }
    }

    #[test]
    fn a_state_of_another_set_is_refused() {
        let state = BatchesState { seed: 1, epoch: 0, position: 101 };
        assert!(Order::resume(100, state).is_err());
        assert!(Order::resume(0, BatchesState::new(1)).is_err());
    }
}
