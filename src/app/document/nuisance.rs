//! The nuisance codes that were seen.

use std::hash::DefaultHasher;
use std::hash::{Hash, Hasher};

/// The nuisance seeds a person has seen, to go back and forth through.
#[derive(Clone, Debug)]
pub(crate) struct NuisanceHistory {
    pub(crate) seeds: Vec<Seen>,
    pub(crate) at: usize,
    /// The seed that gives the nuisance code shown, if any that was seen does.
    pub(crate) shown: Option<u64>,
    /// Keeps the nuisance code whatever is drawn or loaded.
    pub(crate) locked: bool,
    /// The seed of the epsilon that was last drawn for the same noise. Those count down, so that none is a sample's own.
    pub(crate) epsilon_seed: u64,
}

/// A seed, and once somebody has asked, a fingerprint of the code that it draws: so that the seed of a code is found
/// without drawing all codes anew.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) seed: u64,
    pub(crate) print: Option<u64>,
}

impl Seen {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, print: None }
    }
}

/// Most seeds that are remembered.
const LENGTH: usize = 1000;

impl Default for NuisanceHistory {
    fn default() -> Self {
        Self { seeds: vec![Seen::new(1)], at: 0, shown: None, locked: false, epsilon_seed: 0 }
    }
}

impl NuisanceHistory {
    /// Forgets the seeds seen; a lock stays.
    pub(crate) fn start_over(&mut self) {
        *self = Self { locked: self.locked, ..Self::default() };
    }

    /// The seed at which the history stands.
    pub(crate) fn seed(&self) -> u64 {
        self.seeds[self.at].seed
    }

    pub(crate) fn can_go_back(&self) -> bool {
        !self.locked && self.at > 0
    }

    pub(crate) fn can_go_forward(&self) -> bool {
        !self.locked && self.at + 1 < self.seeds.len()
    }

    pub(crate) fn back(&mut self) -> u64 {
        self.at = self.at.saturating_sub(1);
        self.seed()
    }

    pub(crate) fn forward(&mut self) -> u64 {
        self.at = (self.at + 1).min(self.seeds.len() - 1);
        self.seed()
    }

    /// A seed not seen before, right after all others.
    pub(crate) fn fresh(&mut self) -> u64 {
        let seed = self.seeds.iter().map(|seen| seen.seed).max().map_or(1, |seed| seed.wrapping_add(1));
        self.visit(seed)
    }

    /// Goes to `seed`, which becomes the newest of the history unless it stands there already.
    pub(crate) fn visit(&mut self, seed: u64) -> u64 {
        if self.seed() != seed {
            if self.seeds.len() == LENGTH {
                self.seeds.remove(0);
            }
            self.seeds.push(Seen::new(seed));
            self.at = self.seeds.len() - 1;
        }
        seed
    }

    /// Stands at the newest seed whose code, as `draw` makes it, is `values`; at none where the history has none.
    /// Each seed is drawn once, however often it is asked about.
    pub(crate) fn find(&mut self, values: &[f32], draw: impl Fn(u64) -> Vec<f32>) -> Option<u64> {
        let wanted = print(values);
        let is_it = |seen: &mut Seen| *seen.print.get_or_insert_with(|| print(&draw(seen.seed))) == wanted;
        if !is_it(&mut self.seeds[self.at]) {
            self.at = self.seeds.iter_mut().rposition(is_it)?;
        }
        Some(self.seed())
    }
}

/// A number that equal codes share, and others practically never.
fn print(values: &[f32]) -> u64 {
    let mut hasher = DefaultHasher::new();
    values.iter().for_each(|value| value.to_bits().hash(&mut hasher));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: u64) -> Vec<f32> {
        vec![seed as f32]
    }

    #[test]
    fn each_seed_is_drawn_once_to_name_codes() {
        let mut history = NuisanceHistory::default();
        for seed in 2..=LENGTH as u64 + 9 {
            history.visit(seed);
        }
        let draws = std::cell::Cell::new(0);
        for frame in 0..50 {
            let found = history.find(&[-1.0 - frame as f32], |seed| {
                draws.set(draws.get() + 1);
                draw(seed)
            });
            assert_eq!(found, None, "codes of no seed, as a blend passes through");
        }
        assert_eq!(draws.get(), LENGTH);
        assert_eq!(history.find(&[12.0], draw), Some(12));
    }

    #[test]
    fn the_history_goes_back_and_forth() {
        let mut history = NuisanceHistory::default();
        assert!(!history.can_go_back() && !history.can_go_forward());
        assert_eq!((history.fresh(), history.visit(40), history.fresh()), (2, 40, 41));
        assert_eq!((history.back(), history.back(), history.back(), history.back()), (40, 2, 1, 1));
        assert_eq!((history.forward(), history.seed()), (2, 2));
        assert_eq!(history.find(&[41.0], draw), Some(41));
        assert_eq!(history.find(&[7.0], draw), None);
        history.locked = true;
        assert!(!history.can_go_back());
    }
}
