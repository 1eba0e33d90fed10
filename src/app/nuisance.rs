use super::state::State;
use crate::checkpoint::CodeBlock;
use crate::explore::{blend, draw_prior};

/// The nuisance seeds a person has seen, to go back and forth through.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    seeds: Vec<u64>,
    at: usize,
    /// Keeps the nuisance code whatever is drawn or loaded.
    pub(crate) locked: bool,
}

/// Most seeds that are remembered.
const LENGTH: usize = 1000;

impl Default for Trail {
    fn default() -> Self {
        Self { seeds: vec![1], at: 0, locked: false }
    }
}

impl Trail {
    /// Forgets the seeds seen; a lock stays.
    pub(crate) fn start_over(&mut self) {
        *self = Self { locked: self.locked, ..Self::default() };
    }

    /// The seed at which the trail stands.
    pub(crate) fn seed(&self) -> u64 {
        self.seeds[self.at]
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
        let seed = self.seeds.iter().max().map_or(1, |seed| seed.wrapping_add(1));
        self.visit(seed)
    }

    /// Goes to `seed`, which becomes the newest of the trail unless it stands there already.
    pub(crate) fn visit(&mut self, seed: u64) -> u64 {
        if self.seed() != seed {
            if self.seeds.len() == LENGTH {
                self.seeds.remove(0);
            }
            self.seeds.push(seed);
            self.at = self.seeds.len() - 1;
        }
        seed
    }

    /// Stands at `seed` if the trail has it.
    pub(crate) fn find(&mut self, matches: impl Fn(u64) -> bool) -> Option<u64> {
        if !matches(self.seed()) {
            self.at = self.seeds.iter().rposition(|&seed| matches(seed))?;
        }
        Some(self.seed())
    }
}

impl State {
    /// Fills every nuisance block from `seed`.
    pub(crate) fn set_nuisance_seed(&mut self, seed: u64) {
        self.set_nuisance(|block| draw_prior(block, seed, 0));
    }

    /// Sets every nuisance value to 0.
    pub(crate) fn set_nuisance_neutral(&mut self) {
        self.set_nuisance(|block| vec![block.neutral; block.dims]);
    }

    /// Sets the nuisance code between those of two seeds: 0 is the first, 1 the second.
    pub(crate) fn blend_nuisance(&mut self, from: u64, to: u64, at: f32) {
        self.set_nuisance(|block| {
            let (start, end) = (draw_prior(block, from, 0), draw_prior(block, to, 0));
            blend(block.kind, &start, &end, at)
        });
    }

    /// Whether [`State::blend_nuisance`] would change nothing.
    pub(crate) fn is_nuisance_blend(&self, from: u64, to: u64, at: f32) -> bool {
        let Some((model, latent)) = self.model.as_ref().zip(self.latent.as_ref()) else { return false };
        model.noise_blocks().all(|block| {
            let (start, end) = (draw_prior(block, from, 0), draw_prior(block, to, 0));
            blend(block.kind, &start, &end, at) == latent.values(&block.name)
        })
    }

    fn set_nuisance(&mut self, values: impl Fn(&CodeBlock) -> Vec<f32>) {
        let Some(model) = &self.model else { return };
        if self.nuisance.locked {
            return;
        }
        let new: Vec<_> = model.noise_blocks().map(|block| (block.name.clone(), values(block))).collect();
        self.edit(|latent| {
            for (name, values) in &new {
                let fits = latent.set_block(name, values);
                debug_assert!(fits.is_ok(), "{fits:?}");
            }
        });
    }

    /// The seed that gives the nuisance code shown, if any that was seen does.
    pub(crate) fn nuisance_seed(&mut self) -> Option<u64> {
        let (model, latent) = self.model.as_ref().zip(self.latent.as_ref())?;
        let block = model.noise_blocks().next()?;
        let values = latent.values(&block.name);
        self.nuisance.find(|seed| draw_prior(block, seed, 0) == values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trail_goes_back_and_forth() {
        let mut trail = Trail::default();
        assert!(!trail.can_go_back() && !trail.can_go_forward());
        assert_eq!((trail.fresh(), trail.visit(40), trail.fresh()), (2, 40, 41));
        assert_eq!((trail.back(), trail.back(), trail.back(), trail.back()), (40, 2, 1, 1));
        assert_eq!((trail.forward(), trail.seed()), (2, 2));
        assert_eq!(trail.find(|seed| seed == 41), Some(41));
        assert_eq!(trail.find(|seed| seed == 7), None);
        trail.locked = true;
        assert!(!trail.can_go_back());
    }
}
