//! A training step on made-up pictures, as often as one likes: what a benchmark times.

use candle_core::{Device, Tensor};

use crate::base::Stream;
use crate::data::Range;

use super::config::Section;
use super::methods::{Inputs, Normals, Second, TrainMethod, bench_method};
use super::steps::{Feed, Recorder};
use super::{Family, StepReport, TrainConfig, TrainError, preset, preset_names};

/// Dimensions of the paper's code for photographs; data sets that a stage-1 preset knows have that preset's.
const PHOTO_C_DIM: usize = 20;

/// As many pictures as the batch stands for: those of dSprites.
const PICTURES: usize = 737_280;

/// A run without data, folder or log: the whole step of either stage, on one batch that lies in memory.
pub struct BenchRun {
    job: Box<dyn TrainMethod>,
    feed: Feed,
    pictures: Vec<Tensor>,
    noise: Stream,
    step: u64,
}

impl BenchRun {
    /// Fresh weights and a random batch for `config`. Stage 2 needs no trained VAE: the encoder that it distils
    /// gets random weights too.
    ///
    /// # Errors
    /// When the configuration makes no sense or the device cannot hold the networks.
    pub fn new(config: &TrainConfig, device: &Device) -> Result<Self, TrainError> {
        config.validate()?;
        let job = bench_method(config, c_dim(config), device)?;
        let mut stream = Stream::new(config.seed, "rehearsal");
        let section = config.section();
        let channels = section.map_or(1, Section::channels);
        let low = if section.is_some_and(|section| section.range() == Range::Unit) { 0.0 } else { -1.0 };
        let rows = config.batch / config.accumulate;
        let shape = (rows, channels, config.size, config.size);
        let mut pictures = Vec::new();
        for _ in 0..config.accumulate {
            let values = (0..rows * channels * config.size * config.size)
                .map(|_| low + (1.0 - low) * stream.uniform())
                .collect::<Vec<f32>>();
            pictures.push(Tensor::from_vec(values, shape, device)?);
        }
        let noise = Stream::new(config.seed, "noise");
        Ok(Self { job, feed: Feed::new(device), pictures, noise, step: 0 })
    }

    /// Whether its steps are replayed from a recording: a CUDA graph.
    pub fn has_recorded(&self) -> bool {
        self.job.recorder().is_some_and(Recorder::has_recorded)
    }

    /// Its weights and all that only training needs, and its pictures.
    #[cfg(test)]
    pub(super) fn parts(&self) -> (&dyn TrainMethod, &[Tensor]) {
        (&*self.job, &self.pictures)
    }

    /// Makes the next step, with fresh noise, on the same pictures.
    ///
    /// # Errors
    /// When the device fails.
    pub fn step(&mut self) -> Result<StepReport, TrainError> {
        let (second, labels) = match self.job.second() {
            Second::None => (None, None),
            Second::Again => (Some(self.pictures.clone()), None),
            Second::Other { channels, .. } => {
                let own = self.pictures[0].dim(1)?;
                let other = (0..channels).map(|channel| self.pictures[0].narrow(1, channel % own, 1));
                let other = Tensor::cat(&other.collect::<candle_core::Result<Vec<_>>>()?, 1)?;
                (Some(vec![other]), None)
            }
            Second::Labelled { classes, .. } => {
                let rows = self.pictures[0].dim(0)?;
                let label = |at: usize| f32::from(u8::from(at / classes % classes == at % classes));
                let labels: Vec<f32> = (0..rows * classes).map(label).collect();
                let labels = Tensor::from_vec(labels, (rows, classes), self.pictures[0].device())?;
                (Some(self.pictures.clone()), Some(labels))
            }
        };
        let inputs = Inputs { pictures: self.pictures.clone(), second, labels, all: PICTURES };
        let report = {
            self.feed.begin();
            let mut normals = Normals { stream: &mut self.noise, feed: &mut self.feed };
            self.job.step(inputs, self.step, &mut normals)?
        };
        self.step += 1;
        Ok(report)
    }
}

/// Dimensions of the code that stage 1 learns on the same data.
fn c_dim(config: &TrainConfig) -> usize {
    let known = preset_names(Family::Vae).iter().filter_map(|name| preset(Family::Vae, name));
    let same = known.filter(|vae| vae.data == config.data);
    same.filter_map(|vae| vae.vae).map(|vae| vae.c_dim).next().unwrap_or(PHOTO_C_DIM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Precision;
    use crate::ops::cuda::host::On;
    use crate::training::GanTraining;

    #[test]
    fn both_stages_make_real_steps() {
        for (family, loss) in [(Family::Vae, "loss"), (Family::Gan, "d_loss")] {
            let config = preset(family, "dsprites-small").expect("is a preset");
            let config = TrainConfig { batch: 4, accumulate: 2, ..config };
            let mut bench_run = BenchRun::new(&config, &Device::Cpu).expect("starts");
            let values: Vec<f64> = (0..3)
                .map(|_| bench_run.step().expect("steps"))
                .map(|report| {
                    assert_eq!(report.not_finite, None);
                    report.get(loss).expect("is reported")
                })
                .collect();
            assert!(values[0] != values[1] && values[1] != values[2], "the weights move: {values:?}");
        }
    }

    /// The values that three steps report.
    fn three_steps(config: &TrainConfig) -> Result<Vec<Vec<(String, f64)>>, TrainError> {
        let mut bench_run = BenchRun::new(config, &Device::Cpu)?;
        (0..3).map(|_| Ok(bench_run.step()?.values().to_vec())).collect()
    }

    /// Forward and backward passes, R1, optimisers and moving averages: all that a step asks of CUDA.
    #[test]
    fn whole_steps_on_cuda_report_what_those_on_the_cpu_report() {
        let narrow = |gan: &mut GanTraining| (gan.nfilter, gan.nfilter_max) = (8, 16);
        let methods = [
            (Family::Vae, "dsprites-small"),
            (Family::Vae, "scenes-small"),
            (Family::Gan, "dsprites-small"),
            (Family::Gan, "scenes-64"),
        ];
        for (family, name) in methods {
            let mut config =
                TrainConfig { batch: 4, accumulate: 2, ..preset(family, name).expect("is a preset") };
            config.gan.iter_mut().for_each(narrow);
            let expected = three_steps(&config).expect("steps on the CPU");
            for (precision, tolerance) in
                [(Precision::F32, 1e-4), (Precision::Tf32, 1e-2), (Precision::Bf16, 2e-2)]
            {
                let Some(host) = On::new(precision) else { return };
                let got = three_steps(&config).expect("steps on the host driver");
                let asked = host.take_asked();
                for part in ["Forward ", "Transposed ", "WeightGradient ", "product", "sum_of_squares"] {
                    assert!(asked.iter().any(|asked| asked.starts_with(part)), "no {part}");
                }
                for ((name, expected), (_, got)) in expected.iter().flatten().zip(got.iter().flatten()) {
                    let scale = expected.abs().max(0.1);
                    assert!(
                        (got - expected).abs() <= tolerance * scale,
                        "{family:?} {name} in {precision}: {got}, {expected} on the CPU"
                    );
                }
            }
        }
    }

    #[test]
    fn codes_are_as_wide_as_the_first_stage_makes_them() {
        let of = |name| c_dim(&preset(Family::Gan, name).expect("is a preset"));
        assert_eq!(["dsprites", "celeba-128", "celeba-hq", "scenes-64"].map(of), [10, 20, 20, 10]);
    }
}
