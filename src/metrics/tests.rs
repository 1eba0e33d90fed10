//! Codes whose scores are known.

use super::*;
use crate::base::{Cancel, Stream};
use crate::data::{Factor, classes_of, combinations};

/// Five factors of sizes 3 to 8, and a code of their classes.
struct Known {
    factors: Vec<Factor>,
    dims: usize,
    code: fn(&[usize], &mut Stream, &mut [f32]),
}

impl Known {
    fn new(dims: usize, code: fn(&[usize], &mut Stream, &mut [f32])) -> Self {
        Self::of_sizes([3, 6, 8, 8, 8], dims, code)
    }

    fn of_sizes(sizes: [usize; 5], dims: usize, code: fn(&[usize], &mut Stream, &mut [f32])) -> Self {
        let factor = |(i, count): (usize, usize)| Factor {
            name: format!("factor {i}"),
            values: (0..count).map(|value| value as f64).collect(),
        };
        Self { factors: sizes.into_iter().enumerate().map(factor).collect(), dims, code }
    }

    fn sample(&mut self) -> CodeSample {
        CodeSample::draw(self, 5000, 1, &mut watch()).expect("encodes")
    }

    fn fvm(&mut self, options: &FvmOptions) -> Score {
        let variances = self.sample().variances();
        fvm(self, &variances, options, 1, &mut watch()).expect("measures")
    }

    fn mig(&mut self) -> Score {
        mig(&self.sample(), &self.factors, MIG_BINS, 1).expect("measures")
    }
}

impl CodedData for Known {
    fn len(&self) -> usize {
        combinations(&self.factors)
    }

    fn factors(&self) -> &[Factor] {
        &self.factors
    }

    fn code_dim(&self) -> usize {
        self.dims
    }

    fn encode(
        &mut self,
        indices: &[usize],
        draw: u64,
        mu: &mut [f32],
        logvar: &mut [f32],
    ) -> Result<(), MetricError> {
        logvar.fill(-4.0);
        for (&index, mu) in indices.iter().zip(mu.chunks_mut(self.dims)) {
            let mut stream = Stream::for_item(draw, "noise", index as u64);
            (self.code)(&classes_of(&self.factors, index), &mut stream, mu);
        }
        Ok(())
    }
}

fn watch() -> Watch<'static> {
    Watch::new(Box::leak(Box::new(Cancel::new())), Box::leak(Box::new(|_: Progress| {})))
}

fn identity() -> Known {
    Known::new(5, |classes, _, mu| {
        for (value, &class) in mu.iter_mut().zip(classes) {
            *value = class as f32;
        }
    })
}

#[test]
fn the_factors_themselves_score_one() {
    for options in [
        FvmOptions::PAPER,
        FvmOptions { votes: 500, evaluation_votes: 500, ..FvmOptions::DISENTANGLEMENT_LIB },
    ] {
        let score = identity().fvm(&options);
        assert!(score.value > 0.99 && score.low > 0.98, "{score:?}");
    }
    let score = identity().mig();
    assert!(score.value > 0.99, "{score:?}");
    assert_eq!(score.parts.len(), 5);
    assert!(score.parts.iter().all(|part| part.value > 0.99));
}

#[test]
fn the_variant_of_disentanglement_lib_gives_its_values() {
    // Dimensions 2, 5 and 7 correlate with x, y and scale by .95, the others have a standard deviation of .0316.
    let mut partial = Known::of_sizes([3, 6, 40, 32, 32], 10, |classes, stream, mu| {
        mu.fill_with(|| 0.001f32.sqrt() * stream.normal());
        for (dim, class, size) in [(2, classes[3], 32.0f32), (5, classes[4], 32.0), (7, classes[1], 6.0)] {
            let unit = (class as f32 - (size - 1.0) / 2.0) / ((size * size - 1.0) / 12.0).sqrt();
            mu[dim] = 0.95 * unit + (1.0 - 0.95f32 * 0.95).sqrt() * stream.normal();
        }
    });
    // disentanglement_lib's compute_factor_vae on such codes: means over five seeds, deviations .005 and .006.
    let published = FvmOptions::DISENTANGLEMENT_LIB;
    for (least_variance, expected) in [(published.least_variance, 0.601), (0.0, 0.766)] {
        let score = partial.fvm(&FvmOptions { least_variance, ..published });
        assert!((score.value - expected).abs() < 0.02, "{least_variance}: {score:?}, not {expected}");
    }
}

#[test]
fn a_constant_code_scores_nothing() {
    let mut constant = Known::new(4, |_, _, mu| mu.fill(0.5));
    assert_eq!(constant.fvm(&FvmOptions::PAPER).value, 0.0);
    assert_eq!(constant.mig().value, 0.0);
    assert_eq!(active_units(&constant.sample(), 1).value, 0.0);
    assert_eq!(gaussian_total_correlation(&constant.sample(), 1).value, 0.0);
}

#[test]
fn a_code_that_holds_everything_twice_has_no_gap() {
    let mut twice = Known::new(10, |classes, _, mu| {
        for (i, value) in mu.iter_mut().enumerate() {
            *value = classes[i % 5] as f32;
        }
    });
    assert!(twice.mig().value < 0.1);
    // Its Gaussian is singular; each of five pairs counts as nearly log(1e6) nats.
    assert!(gaussian_total_correlation(&twice.sample(), 1).value > 50.0);
}

#[test]
fn independent_dimensions_have_no_total_correlation_and_a_rotation_gives_them_one() {
    let independent = identity().sample();
    assert!(gaussian_total_correlation(&independent, 1).value < 0.01);
    let mixture = total_correlation(&independent, 1, &mut watch()).expect("measures");
    let mut rotated = Known::new(5, |classes, _, mu| {
        let sum: usize = classes.iter().sum();
        for (value, &class) in mu.iter_mut().zip(classes) {
            *value = class as f32 + 0.5 * sum as f32;
        }
    });
    assert!(gaussian_total_correlation(&rotated.sample(), 1).value > 0.5);
    let tied = total_correlation(&rotated.sample(), 1, &mut watch()).expect("measures");
    assert!(tied.value > mixture.value + 0.5, "{tied:?} against {mixture:?}");
}

#[test]
fn equal_seeds_give_equal_results_and_others_do_not() {
    let noisy = || {
        Known::new(5, |classes, stream, mu| {
            for (value, &class) in mu.iter_mut().zip(classes) {
                *value = class as f32 + 3.0 * stream.normal();
            }
        })
    };
    assert_eq!(noisy().mig(), noisy().mig());
    assert_eq!(noisy().fvm(&FvmOptions::PAPER), noisy().fvm(&FvmOptions::PAPER));
    let other = CodeSample::draw(&mut noisy(), 5000, 2, &mut watch()).expect("encodes");
    assert_ne!(mig(&other, &noisy().factors, MIG_BINS, 2).expect("measures").value, noisy().mig().value);
}

#[test]
fn a_raised_flag_stops_the_measurement() {
    let cancel = Cancel::new();
    let mut steps = 0;
    let mut count = |progress: Progress| {
        steps += 1;
        assert_eq!(progress.metric, Metric::Fvm);
        if progress.done == 3 {
            cancel.cancel();
        }
    };
    let mut known = identity();
    let result = fvm(&mut known, &[1.0; 5], &FvmOptions::PAPER, 1, &mut Watch::new(&cancel, &mut count));
    assert!(matches!(result, Err(MetricError::Cancelled)));
    assert_eq!(steps, 4);
}
