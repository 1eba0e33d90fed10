use std::time::Instant;

use super::steps::Plan;
use crate::ops::cpu::element::Element;

/// How long one step of a plan takes.
#[derive(Clone, Debug)]
pub struct StepTime {
    /// The step and its sizes.
    pub what: String,
    /// Its time.
    pub seconds: f64,
    /// Multiply-adds as it computes them.
    pub multiply_adds: usize,
}

/// The median time of each step over `runs`: the moments before the first step and after each.
pub(super) fn step_times<E: Element>(plan: &Plan<E>, runs: &[Vec<Instant>]) -> Vec<StepTime> {
    let steps = plan.steps.iter().enumerate();
    steps
        .map(|(i, step)| {
            let of = |run: &Vec<Instant>| Some((*run.get(i + 1)? - *run.get(i)?).as_secs_f64());
            let seconds = median(runs.iter().filter_map(of).collect());
            StepTime { what: step.describe(), seconds, multiply_adds: step.multiply_adds() }
        })
        .collect()
}

/// The median; 0 of nothing.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
