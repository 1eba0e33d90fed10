//! The pictures of a trained model, as the window draws them.

use std::time::Instant;

use candle_core::Device;

use crate::base::{Arrays, Cancel, Picture, Pool, Stream, percentile};
use crate::checkpoint::{self, BUNDLED, Sources};
use crate::graph::Graph;
use crate::inference::{self, Computer, Networks, RenderError, Renderer, TensorRenderer};
use crate::model::{DECODER, GAN, GENERATOR, Model, VAE};
use crate::ops::Precision;

use super::DoctorError;
use super::finding::Finding;
use super::subject::Subject;

/// Codes whose pictures are compared.
const CODES: usize = 2;
/// Frames that are timed, after as many that are not.
const FRAMES: usize = 5;

/// The best bundled model, with codes and what its pictures should be.
pub(super) struct Pictures {
    model: Model,
    /// Inputs of the generator and of the decoder.
    codes: [Vec<f32>; 2],
    expected: [Vec<f32>; 2],
}

/// What a subject drew.
pub(super) struct RenderedPictures {
    pub(super) findings: Vec<Finding>,
    /// The median time from a code to the generator's 8-bit picture in the first precision, in milliseconds.
    pub(super) milliseconds: f64,
    /// The same in bf16, where that is another.
    pub(super) bf16_milliseconds: Option<f64>,
}

impl Pictures {
    /// The pictures that `reference` draws through candle, which is no compiled plan.
    ///
    /// # Errors
    /// When the bundled model cannot be read or drawn.
    pub(super) fn prepare(reference: &Subject, pool: &Pool) -> Result<Option<Self>, DoctorError> {
        let Some(bundled) = BUNDLED.first() else { return Ok(None) };
        let sources = Sources { checkpoint: Some(bundled.unpack_for_user()?), ..Sources::default() };
        let model = checkpoint::open(&sources)?.model;
        let network = |name: &str| {
            let network = model.description.networks.get(name)?;
            Some((network.picture_graph()?, model.group(&network.weights)))
        };
        let (Some(generator), Some(decoder)) = (network(GENERATOR), network(DECODER)) else {
            return Ok(None);
        };
        let mut stream = Stream::new(0, "doctor");
        let mut draw = |(graph, weights): (Graph, &Arrays)| {
            let mut painter = TensorRenderer::new(&graph, weights, &Device::Cpu, pool)?;
            let codes = stream.normals(CODES * painter.code_dim());
            let pictures = render(&mut painter, &codes)?;
            Ok::<_, RenderError>((codes, pictures))
        };
        let (of_generator, of_decoder) =
            reference.run(pool, || Ok::<_, RenderError>((draw(generator)?, draw(decoder)?)))?;
        let codes = [of_generator.0, of_decoder.0];
        let expected = [of_generator.1, of_decoder.1];
        Ok(Some(Self { model, codes, expected }))
    }

    /// How far the subject's pictures are from those, and how long a frame takes.
    ///
    /// # Errors
    /// When the networks cannot be made ready there.
    pub(super) fn draw(&self, subject: &Subject, pool: &Pool) -> Result<RenderedPictures, RenderError> {
        let mut rendered =
            RenderedPictures { findings: Vec::new(), milliseconds: f64::NAN, bf16_milliseconds: None };
        for (number, &precision) in subject.precisions.iter().enumerate() {
            let milliseconds = self.draw_in(precision, number > 0, subject, pool, &mut rendered.findings)?;
            if number == 0 {
                rendered.milliseconds = milliseconds;
            } else {
                rendered.bf16_milliseconds = Some(milliseconds);
            }
        }
        Ok(rendered)
    }

    /// Compares what the subject draws in `precision`, which is named where it is not the subject's first; returns the time
    /// of a frame in milliseconds.
    fn draw_in(
        &self,
        precision: Precision,
        is_named: bool,
        subject: &Subject,
        pool: &Pool,
        findings: &mut Vec<Finding>,
    ) -> Result<f64, RenderError> {
        let computer = Computer { device: subject.device.clone(), precision };
        // Compiled outside the pool: a plan keeps the instruction set that it was compiled for.
        let Networks { mut renderers, .. } =
            subject.isa.preferred(|| inference::open(&self.model, &computer, pool))?;
        let (Some(mut generator), Some(mut decoder)) = (renderers.remove(GAN), renderers.remove(VAE)) else {
            return Err(RenderError::Weights("the bundled model lacks a network".to_owned()));
        };
        let painters = [("generator's pictures", &mut generator), ("decoder's pictures", &mut decoder)];
        for ((name, painter), (codes, expected)) in
            painters.into_iter().zip(self.codes.iter().zip(&self.expected))
        {
            let found = render(painter.as_mut(), codes).map(|found| farthest(&found, expected));
            let name = if is_named { format!("{name}, {precision}") } else { name.to_owned() };
            findings.push(Finding::new(&name, subject.of_pictures(precision), found));
        }
        frame_time(generator.as_mut(), &self.codes[0])
    }
}

fn render(painter: &mut dyn Renderer, codes: &[f32]) -> Result<Vec<f32>, RenderError> {
    let mut pictures = vec![f32::NAN; CODES * painter.picture_shape().iter().product::<usize>()];
    painter.render(codes, &mut pictures, &Cancel::new())?;
    Ok(pictures)
}

fn frame_time(painter: &mut dyn Renderer, codes: &[f32]) -> Result<f64, RenderError> {
    let code = &codes[..painter.code_dim()];
    let mut picture = Picture::default();
    let mut times = Vec::new();
    for _ in 0..2 * FRAMES {
        let started = Instant::now();
        painter.render_picture(code, &mut picture, &Cancel::new())?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(percentile(&times[FRAMES..], 0.5))
}

/// The largest difference; NaN where a value is none.
fn farthest(found: &[f32], expected: &[f32]) -> f64 {
    let differences = found.iter().zip(expected).map(|(a, b)| f64::from((a - b).abs()));
    differences
        .fold(0.0, |most: f64, next| if next.is_nan() || most.is_nan() { f64::NAN } else { most.max(next) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::Computer;

    #[test]
    fn plans_draw_what_the_trained_networks_draw() {
        let pool = Pool::new("doctor", 2).expect("starts");
        let pictures = Pictures::prepare(&Subject::reference(&Device::Cpu), &pool).expect("prepares");
        let mut pictures = pictures.expect("a model is bundled");
        for subject in Subject::all(&Computer::processor()) {
            let rendered = pictures.draw(&subject, &pool).expect("draws");
            assert_eq!(rendered.findings.len(), 4);
            assert!(
                rendered.findings.iter().all(Finding::is_sound),
                "{}: {:?}",
                subject.name,
                rendered.findings
            );
            assert!(rendered.milliseconds > 0.0 && rendered.bf16_milliseconds.is_some_and(|ms| ms > 0.0));
        }
        pictures.expected[1][7] += 0.5;
        let rendered = pictures.draw(&Subject::reference(&Device::Cpu), &pool).expect("draws");
        assert_eq!(
            rendered.findings.iter().map(Finding::is_sound).collect::<Vec<_>>(),
            [true, false, true, false]
        );
    }

    #[test]
    fn what_is_no_number_is_far() {
        assert!(farthest(&[0.5, f32::NAN, 0.5], &[0.5; 3]).is_nan());
        assert_eq!(farthest(&[0.5, 0.25], &[0.5; 2]), 0.25);
    }
}
