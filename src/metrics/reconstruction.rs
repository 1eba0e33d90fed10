//! What a model makes of a picture's own code: how near it comes, and how much its noise changes.

use crate::base::Pool;
use crate::data::Dataset;
use crate::explore::CodesError;

use super::drawing::{Drawing, encoder_pictures};
use super::encoded::read_pictures;
use super::score::moments;
use super::{CodeSample, MetricError, Score, Watch};

/// Pictures that are reconstructed when not said (ours).
pub const RECONSTRUCTED_PICTURES: usize = 1000;
/// Codes whose noise is drawn again and again when not said (ours).
pub const SPREAD_CODES: usize = 200;
/// Draws of the noise for each of them.
pub const SPREAD_DRAWS: usize = 16;

/// The mean squared error of pictures drawn from the means of their own codes, with values in [0, 1]: over channels and
/// pixels, and over the first `count` pictures of `sample`. Whatever else the networks take is drawn from its prior. Pictures
/// are compared at the encoder's size.
///
/// `data` holds the pictures that `sample` was encoded from, `code` names its block.
///
/// # Errors
/// When pictures cannot be read or do not fit each other, a network fails, or the watch stops it.
pub fn reconstruction(
    drawing: &mut Drawing<'_>,
    code: &str,
    data: &dyn Dataset,
    sample: &CodeSample,
    count: usize,
    pool: &Pool,
    watch: &mut Watch<'_>,
) -> Result<Score, MetricError> {
    let (shape, batch, wanted) = (drawing.picture_shape(), drawing.batch(), data.picture_shape());
    let (count, values) = (count.min(sample.len()), wanted.iter().product::<usize>());
    let (mut drawn, mut real) = (Vec::new(), Vec::new());
    let mut errors = Vec::with_capacity(count);
    while errors.len() < count {
        let done = errors.len();
        watch.step(done, count)?;
        let rows = done..count.min(done + batch);
        let mut codes = drawing.codes(rows.clone())?;
        for (row, picture) in rows.clone().enumerate() {
            codes.set_row(code, row, sample.mu.row(picture)).map_err(|error| misfit(&error))?;
        }
        drawing.draw_these(&codes, &mut drawn, watch.cancel())?;
        // as they were when they were encoded
        read_pictures(data, &sample.indices[rows], drawing.seed(), pool, &mut real)?;
        let small = encoder_pictures(&drawn, shape, wanted)?;
        let drawn = small.as_deref().unwrap_or(&drawn);
        let error = |(drawn, real): (&[f32], &[f32])| {
            let squares = drawn.iter().zip(real).map(|(a, b)| f64::from(a - b).powi(2));
            squares.sum::<f64>() / values as f64
        };
        errors.extend(drawn.chunks_exact(values).zip(real.chunks_exact(values)).map(error));
    }
    Ok(Score::mean(&errors, [0.0, 1.0]))
}

/// The variance over the noise of pictures of the same code, with values in [0, 1]: of each value over [`SPREAD_DRAWS`] draws of
/// everything but the block `code`, averaged over channels and pixels, and over `count` codes.
///
/// # Errors
/// When a network fails, or the watch stops it.
pub fn spread(
    drawing: &mut Drawing<'_>,
    code: &str,
    count: usize,
    watch: &mut Watch<'_>,
) -> Result<Score, MetricError> {
    let values = drawing.picture_shape().iter().product::<usize>();
    let mut pictures = Vec::new();
    let mut variances = Vec::with_capacity(count);
    for number in 0..count {
        watch.step(number, count)?;
        let mut codes = drawing.codes(number * SPREAD_DRAWS..(number + 1) * SPREAD_DRAWS)?;
        let kept = codes.row(code, 0).map_err(|error| misfit(&error))?.to_vec();
        for row in 1..SPREAD_DRAWS {
            codes.set_row(code, row, &kept).map_err(|error| misfit(&error))?;
        }
        drawing.draw_these(&codes, &mut pictures, watch.cancel())?;
        let variance = |at: usize| {
            let drawn: Vec<f64> =
                pictures.iter().skip(at).step_by(values).map(|&value| f64::from(value)).collect();
            moments(&drawn).1
        };
        variances.push((0..values).map(variance).sum::<f64>() / values as f64);
    }
    Ok(Score::mean(&variances, [0.0, f64::INFINITY]))
}

fn misfit(error: &CodesError) -> MetricError {
    MetricError::request(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Array, Cancel, Picture, Stream};
    use crate::data::{DataError, Factor};
    use crate::explore::Codes;
    use crate::inference::{Outcome, RenderError, Renderer};
    use crate::metrics::MetricProgress;
    use crate::model::{CodeBlock, ModelDescription};
    use crate::nets::IaeConfig;

    /// Draws 2x2 pictures of one level: the code, and a share of the noise.
    struct Level {
        noise: f32,
    }

    impl Renderer for Level {
        fn code_dim(&self) -> usize {
            2
        }

        fn picture_shape(&self) -> [usize; 3] {
            [1, 2, 2]
        }

        fn render(&mut self, codes: &[f32], out: &mut [f32], _: &Cancel) -> Result<Outcome, RenderError> {
            for (code, picture) in codes.chunks_exact(2).zip(out.chunks_exact_mut(4)) {
                picture.fill(code[0] + self.noise * code[1]);
            }
            Ok(Outcome::Done)
        }

        fn render_picture(&mut self, _: &[f32], _: &mut Picture, _: &Cancel) -> Result<Outcome, RenderError> {
            Ok(Outcome::Cancelled)
        }
    }

    /// Pictures of 2x2 pixels, a hundredth of their number bright.
    struct Levels(Vec<Factor>);

    impl Dataset for Levels {
        fn spec(&self) -> &str {
            "levels"
        }

        fn len(&self) -> usize {
            100
        }

        fn picture_shape(&self) -> [usize; 3] {
            [1, 2, 2]
        }

        fn factors(&self) -> &[Factor] {
            &self.0
        }

        fn read(&self, index: usize, _: u64, out: &mut [f32]) -> Result<(), DataError> {
            out.fill(index as f32 / 100.0);
            Ok(())
        }
    }

    fn description() -> ModelDescription {
        let description = ModelDescription::iae("", IaeConfig::mnist(1, 1));
        assert_eq!(
            description.codes.iter().map(|block: &CodeBlock| block.name.as_str()).collect::<Vec<_>>(),
            ["z", "n"]
        );
        description
    }

    /// Codes that are off by `off`, of every other picture.
    fn sample(off: f32) -> CodeSample {
        let indices: Vec<usize> = (0..50).map(|row| 2 * row).collect();
        let mu = indices.iter().map(|&index| index as f32 / 100.0 + off).collect();
        let logvar = Array::new([50, 1], vec![-30.0; 50]).expect("fits");
        CodeSample { indices, mu: Array::new([50, 1], mu).expect("fits"), logvar }
    }

    fn measured<T>(
        noise: f32,
        off: f32,
        measure: impl FnOnce(&mut Drawing<'_>, &CodeSample, &mut Watch<'_>) -> T,
    ) -> T {
        let (description, mut renderer, sample) = (description(), Level { noise }, sample(off));
        let (cancel, mut progress) = (Cancel::new(), |_: MetricProgress| ());
        let mut drawing =
            Drawing::new(&description, &mut renderer, "decoder", Some(&sample), 3).expect("fits");
        measure(&mut drawing, &sample, &mut Watch::new(&cancel, &mut progress))
    }

    #[test]
    fn an_error_is_squared_and_averaged() {
        let pool = Pool::new("test", 1).expect("threads");
        let error = |noise, off| {
            measured(noise, off, |drawing, sample, watch| {
                reconstruction(drawing, "z", &Levels(Vec::new()), sample, 1000, &pool, watch).expect("draws")
            })
        };
        assert!(error(0.0, 0.0).value < 1e-12);
        let off = error(0.0, 0.3);
        assert!((off.value - 0.09).abs() < 1e-6 && off.high - off.low < 1e-6, "{off:?}");
        // noise of deviation .2 adds its variance
        let noisy = error(0.2, 0.3);
        assert!(noisy.low < 0.13 && noisy.high > 0.13 && (noisy.value - 0.13).abs() < 0.06, "{noisy:?}");
    }

    #[test]
    fn the_spread_is_the_variance_of_the_noise_alone() {
        let spread = |noise| {
            measured(noise, 0.0, |drawing, _, watch| spread(drawing, "z", 100, watch).expect("draws"))
        };
        assert_eq!(spread(0.0).value, 0.0, "codes differ, pictures of one code do not");
        let half = spread(0.5);
        assert!(half.low < 0.25 && half.high > 0.25 && half.high - half.low < 0.06, "{half:?}");
    }

    #[test]
    fn every_code_is_the_one_that_is_kept() {
        let mut seen = Vec::new();
        measured(0.0, 0.0, |drawing, _, _| {
            let codes: Codes = drawing.codes(0..4).expect("draws");
            seen.extend((0..4).map(|row| codes.row("z", row).expect("there")[0]));
        });
        let mut stream = Stream::for_item(3, "aggregated posterior", 2);
        let row = stream.below(50);
        assert!((seen[2] - row as f32 / 50.0).abs() < 1e-4, "{seen:?}");
    }
}
