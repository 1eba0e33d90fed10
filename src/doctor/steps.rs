//! The losses of the first training steps: forward and backward passes, R1, the optimisers.

use std::time::Instant;

use crate::base::{Pool, percentile};
use crate::ops;
use crate::training::{BenchRun, Family, TrainConfig, TrainError, preset};

use super::finding::Finding;
use super::subject::Subject;

/// Steps whose losses are compared.
const STEPS: usize = 6;
/// Steps until both ways to make one, with R1 and without, are recorded where the device can, and replayed.
const RECORDED: usize = 10;
/// Pictures a step: enough to see a mistake, few enough for a processor without fast instructions.
const BATCH: usize = 4;

/// The losses of a step by name.
type Losses = Vec<(String, f64)>;

/// What the first steps on a subject gave.
pub(super) struct Steps {
    losses: Vec<Losses>,
    /// The median time of a step in milliseconds, the first ones not counted.
    pub(super) milliseconds: f64,
    /// Where steps can be recorded: whether they were, and how far the losses of those steps are from the same ones queued one
    /// by one.
    pub(super) recorded: Option<(bool, f64)>,
}

/// The GAN of `scenes-small`: residual networks of 64 px that distil an encoder, with R1 in every second step.
fn config() -> Option<TrainConfig> {
    preset(Family::Gan, "scenes-small").map(|config| TrainConfig { batch: BATCH, ..config })
}

/// Makes the first steps.
///
/// # Errors
/// When the device fails.
pub(super) fn make(subject: &Subject, pool: &Pool) -> Result<Steps, TrainError> {
    let Some(config) = config() else {
        return Ok(Steps { losses: Vec::new(), milliseconds: f64::NAN, recorded: None });
    };
    subject.run(pool, || {
        if !ops::records(&subject.device) {
            let (losses, milliseconds, _) = run_steps(&config, subject, STEPS)?;
            return Ok(Steps { losses, milliseconds, recorded: None });
        }
        let (losses, milliseconds, has_recorded) = run_steps(&config, subject, RECORDED)?;
        let (queued, ..) = ops::eagerly(|| run_steps(&config, subject, RECORDED))?;
        let differences = losses.iter().zip(&queued).map(|(found, expected)| relative(found, expected));
        let difference =
            differences.fold(0.0, |most: f64, next| if next.is_nan() { next } else { most.max(next) });
        Ok(Steps { losses, milliseconds, recorded: Some((has_recorded, difference)) })
    })
}

/// The losses of some steps, the time of one in milliseconds, and whether they were recorded.
fn run_steps(
    config: &TrainConfig,
    subject: &Subject,
    steps: usize,
) -> Result<(Vec<Losses>, f64, bool), TrainError> {
    let mut bench_run = BenchRun::new(config, &subject.device)?;
    let (mut losses, mut times) = (Vec::new(), Vec::new());
    for _ in 0..steps {
        let started = Instant::now();
        losses.push(bench_run.step()?.values().to_vec());
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let warm = if steps > STEPS { steps - 3 } else { 1 };
    Ok((losses, percentile(&times[warm..], 0.5), bench_run.has_recorded()))
}

impl Steps {
    /// How far these losses are from the reference's, step by step.
    pub(super) fn compare(&self, reference: &Self, at_most: f64) -> Vec<Finding> {
        let finding = |(step, (found, expected)): (usize, (&Losses, &Losses))| {
            let difference = Ok::<f64, TrainError>(relative(found, expected));
            Finding::new(&format!("losses of GAN step {}", step + 1), at_most, difference)
        };
        let mut findings: Vec<Finding> =
            self.losses.iter().take(STEPS).zip(&reference.losses).enumerate().map(finding).collect();
        if let Some((_, difference)) = self.recorded {
            let difference = Ok::<f64, TrainError>(difference);
            findings.push(Finding::new("GAN steps as CUDA graphs", at_most, difference));
        }
        findings
    }
}

/// The largest relative difference of losses of one name; NaN where they are not the same ones or no numbers.
fn relative(found: &[(String, f64)], expected: &[(String, f64)]) -> f64 {
    if !found.iter().map(|(name, _)| name).eq(expected.iter().map(|(name, _)| name)) {
        return f64::NAN;
    }
    let differences = found.iter().zip(expected).map(|((_, a), (_, b))| (a - b).abs() / b.abs().max(1e-3));
    differences.fold(0.0, |most: f64, next| if next.is_nan() { next } else { most.max(next) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::Computer;
    use crate::ops::Precision;
    use crate::ops::cuda::host::On;
    use candle_core::Device;

    #[test]
    fn the_losses_of_two_ways_agree_and_others_are_told_apart() {
        let pool = Pool::new("doctor", 2).expect("starts");
        let reference = make(&Subject::reference(&Device::Cpu), &pool).expect("steps");
        assert_eq!(reference.losses.len(), STEPS);
        assert!(reference.milliseconds > 0.0);
        for subject in Subject::all(&Computer::processor()) {
            let steps = make(&subject, &pool).expect("steps");
            let findings = steps.compare(&reference, subject.tolerance.loss);
            assert!(findings.len() == STEPS && findings.iter().all(Finding::is_sound), "{findings:?}");
        }
        let mut wrong = make(&Subject::reference(&Device::Cpu), &pool).expect("steps");
        wrong.losses[3][0].1 *= 1.01;
        let findings = wrong.compare(&reference, 1e-3);
        assert_eq!(
            findings.iter().map(Finding::is_sound).collect::<Vec<_>>(),
            [true, true, true, false, true, true]
        );
    }

    #[test]
    fn recorded_steps_are_compared_with_queued_ones() {
        let pool = Pool::new("doctor", 1).expect("starts");
        // the host driver serves the thread that switched it on, and the steps are made on one of the pool's
        let steps = pool.run(|| {
            let _on = On::new(Precision::F32)?;
            let subject = Subject::reference(&Device::Cpu);
            Some(make(&subject, &pool).expect("steps"))
        });
        let Some(steps) = steps else { return };
        assert_eq!((steps.losses.len(), steps.recorded), (RECORDED, Some((true, 0.0))));
        let findings = steps.compare(&steps, 1e-3);
        assert_eq!(findings.len(), STEPS + 1);
        assert!(findings.iter().all(Finding::is_sound));
    }

    #[test]
    fn losses_that_are_no_numbers_are_no_match() {
        let of = |name: &str, value| vec![(name.to_owned(), value)];
        assert!(relative(&of("a", f64::NAN), &of("a", 1.0)).is_nan());
        assert!(relative(&of("a", 1.0), &of("b", 1.0)).is_nan());
        assert!((relative(&of("a", 1.1), &of("a", 1.0)) - 0.1).abs() < 1e-9);
    }
}
