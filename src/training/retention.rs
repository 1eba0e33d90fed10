/// A saved training state, as far as keeping it is concerned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SavedState {
    /// Steps trained.
    pub(super) step: u64,
    /// The loss that judges it, lower is better; NaN when unknown.
    pub(super) score: f64,
}

/// Which states to delete, so that the newest `keep_last`, the best, and those whose step is a multiple of
/// `keep_every` (0: none) remain.
pub(super) fn superfluous(states: &[SavedState], keep_last: usize, keep_every: u64) -> Vec<u64> {
    let mut steps: Vec<u64> = states.iter().map(|s| s.step).collect();
    steps.sort_unstable();
    let newest = &steps[steps.len().saturating_sub(keep_last)..];
    let best = states.iter().filter(|s| !s.score.is_nan()).min_by(|a, b| a.score.total_cmp(&b.score));
    let is_kept = |step: u64| {
        newest.contains(&step)
            || best.is_some_and(|best| best.step == step)
            || (keep_every > 0 && step.is_multiple_of(keep_every))
    };
    steps.iter().copied().filter(|&step| !is_kept(step)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(scores: &[(u64, f64)]) -> Vec<SavedState> {
        scores.iter().map(|&(step, score)| SavedState { step, score }).collect()
    }

    #[test]
    fn the_newest_the_best_and_every_nth_stay() {
        let states = states(&[(100, 5.0), (200, 1.0), (300, 2.0), (400, 3.0), (500, f64::NAN)]);
        assert_eq!(superfluous(&states, 2, 0), [100, 300]);
        assert_eq!(superfluous(&states, 1, 300), [100, 400]);
        assert_eq!(superfluous(&states, 9, 0), [0u64; 0]);
        assert_eq!(superfluous(&[], 2, 0), [0u64; 0]);
    }
}
