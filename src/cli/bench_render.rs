//! `idgan bench render`: how fast this build renders, on any model or on random weights of any size.

use anyhow::{Context, bail};
use half::bf16;

use crate::base::{Arrays, Cancel, Picture, PixelRange, Pool, Stream};
use crate::checkpoint::open;
use crate::graph::Graph;
use crate::inference::plan::{PlanEncoder, PlanRenderer, StepTime};
use crate::inference::{Computer, Encoder, Purpose, RenderError, Renderer, TensorEncoder, TensorRenderer};
use crate::nets::{GeneratorConfig, Parameters, ResnetTrunk, VaeConfig};
use crate::ops::Precision;
use crate::ops::kernels::Element;

use super::bench_report::{MemoryWatch, Report, peak_mib, time};
use super::{DeviceArgs, ModelArgs, print, threads};

/// Runs that are not counted: the first ones touch memory for the first time.
const WARM_UP: u32 = 3;
/// The same where a picture is recorded as a CUDA graph: it is before.
const WARM_UP_RECORDED: u32 = 5;

/// What to render, and how often.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    idgan bench render --checkpoint sprites.safetensors\n  \
    idgan bench render --arch resnet:1024:16:512 --json\n  \
    idgan bench render --arch vae-encoder --batch 64 --repeat 50 --threads 1\n  \
    idgan bench render --arch resnet:256:64:512 --profile\n  \
    idgan bench render --arch resnet:256:64:512 --device cpu --precision bf16\n  \
    idgan bench render --arch resnet:256:64:512 --device cuda --precision tf32")]
pub struct Args {
    /// The model to measure.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Instead of a model, random weights of this architecture: resnet:SIZE:NFILTER:NFILTER_MAX, small, vae-decoder, vae-encoder
    #[arg(long, value_name = "ARCH", conflicts_with_all = ["model", "checkpoint", "vae", "gan"])]
    pub arch: Option<String>,
    /// Pictures at a time: 1 renders to 8-bit pixels as the window does, more to floating-point planes
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub batch: u32,
    /// Timed runs, after a few that are not counted
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub repeat: u32,
    /// Print the time of every step of the plan as well (of one picture; of an encoder on one thread)
    #[arg(long, conflicts_with = "json")]
    pub profile: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// Runs the measurement and prints it.
///
/// # Errors
/// When the architecture is not known or the model cannot be compiled.
pub fn run(args: &Args) -> anyhow::Result<()> {
    measure(args, threads())?.report.print(args.json)?;
    if args.profile { print_profile(args) } else { Ok(()) }
}

/// One line for each step: its share, its time, its multiplications' rate, what it is.
fn print_profile(args: &Args) -> anyhow::Result<()> {
    let pool = Pool::new("bench", threads()).context("cannot start the threads")?;
    let computer = args.device.open(Purpose::Pictures)?;
    let profile =
        prepare(args, &computer, &pool)?.network.profile(args.batch as usize, args.repeat as usize)?;
    let total: f64 = profile.iter().map(|step| step.seconds).sum();
    let line = |step: &StepTime| {
        format!(
            "{:5.1} % {:8.3} ms {:6.0} GFLOP/s  {}",
            100.0 * step.seconds / total,
            step.seconds * 1e3,
            2e-9 * step.multiply_adds as f64 / step.seconds,
            step.what
        )
    };
    print(profile.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// A measurement and what the machine can be judged by.
pub(super) struct Measured {
    pub(super) report: Report,
    /// Multiply-adds that the plan really makes, in thousand millions: fewer than by definition.
    pub(super) planned_gmacs: f64,
}

/// Times the work of `args` on `threads` threads.
pub(super) fn measure(args: &Args, threads: usize) -> anyhow::Result<Measured> {
    let pool = Pool::new("bench", threads).context("cannot start the threads")?;
    let computer = args.device.open(Purpose::Pictures)?;
    let device = &computer.device;
    let memory = MemoryWatch::begin(device);
    let subject = prepare(args, &computer, &pool)?;
    let gmacs = |one: usize| one as f64 * f64::from(args.batch) / 1e9;
    let planned = subject.network.planned_multiply_adds().unwrap_or(subject.multiply_adds);
    let (direct, planned_gmacs) = (gmacs(subject.multiply_adds), gmacs(planned));
    let mut job = subject.network.job(args.batch as usize);
    let warm_up = if crate::ops::records(device) { WARM_UP_RECORDED } else { WARM_UP.min(args.repeat) };
    time(warm_up, &mut job)?;
    let times = time(args.repeat, &mut job)?;
    let peak = if device.is_cpu() { peak_mib() } else { memory.peak_mib() };
    Ok(Measured { report: Report::new(&times, direct, peak, pool.threads()), planned_gmacs })
}

/// Something to time.
type Timed = Box<dyn FnMut() -> anyhow::Result<()>>;

/// A network that is ready: compiled for the processor, or run by candle.
trait Network {
    /// What a plan really multiplies for one picture.
    fn planned_multiply_adds(&self) -> Option<usize> {
        None
    }

    /// The work on `batch` pictures at a time.
    fn job(self: Box<Self>, batch: usize) -> Timed;

    /// The time of each step of the plan.
    fn profile(self: Box<Self>, _batch: usize, _repeat: usize) -> anyhow::Result<Vec<StepTime>> {
        bail!("steps are timed on the processor alone; leave --profile out, or use --device cpu")
    }
}

impl<E: Element> Network for PlanRenderer<E> {
    fn planned_multiply_adds(&self) -> Option<usize> {
        Some(self.multiply_adds())
    }

    fn job(self: Box<Self>, batch: usize) -> Timed {
        rendering(self, batch)
    }

    fn profile(mut self: Box<Self>, _: usize, repeat: usize) -> anyhow::Result<Vec<StepTime>> {
        let code = Stream::new(2, "bench").normals(self.code_dim());
        Ok(PlanRenderer::profile(&mut self, &code, repeat)?)
    }
}

impl<E: Element> Network for PlanEncoder<E> {
    fn planned_multiply_adds(&self) -> Option<usize> {
        Some(self.multiply_adds())
    }

    fn job(self: Box<Self>, batch: usize) -> Timed {
        encoding(self, batch)
    }

    fn profile(mut self: Box<Self>, batch: usize, repeat: usize) -> anyhow::Result<Vec<StepTime>> {
        let pictures = random_pictures(batch * self.picture_shape().iter().product::<usize>());
        Ok(PlanEncoder::profile(&mut self, &pictures, repeat)?)
    }
}

impl Network for TensorRenderer {
    fn job(self: Box<Self>, batch: usize) -> Timed {
        rendering(self, batch)
    }
}

impl Network for TensorEncoder {
    fn job(self: Box<Self>, batch: usize) -> Timed {
        encoding(self, batch)
    }
}

/// What is measured.
struct Subject {
    network: Box<dyn Network>,
    /// Multiply-adds of one picture by definition.
    multiply_adds: usize,
}

impl Subject {
    /// A network that draws, from a code to pixels.
    fn renderer(graph: &Graph, weights: &Arrays, computer: &Computer, pool: &Pool) -> anyhow::Result<Self> {
        let network = match (computer.device.is_cpu(), computer.precision) {
            (true, Precision::Bf16) => boxed(PlanRenderer::<bf16>::compile(graph, weights, pool))?,
            (true, _) => boxed(PlanRenderer::<f32>::compile(graph, weights, pool))?,
            (false, _) => boxed(TensorRenderer::new(graph, weights, &computer.device, pool))?,
        };
        Ok(Self { network, multiply_adds: graph.multiply_adds()? })
    }

    /// A network that encodes.
    fn encoder(graph: &Graph, weights: &Arrays, computer: &Computer, pool: &Pool) -> anyhow::Result<Self> {
        let network = match (computer.device.is_cpu(), computer.precision) {
            (true, Precision::Bf16) => boxed(PlanEncoder::<bf16>::compile(graph, weights, pool))?,
            (true, _) => boxed(PlanEncoder::<f32>::compile(graph, weights, pool))?,
            (false, _) => boxed(TensorEncoder::new(graph, weights, &computer.device, pool))?,
        };
        Ok(Self { network, multiply_adds: graph.multiply_adds()? })
    }
}

fn boxed(network: Result<impl Network + 'static, RenderError>) -> Result<Box<dyn Network>, RenderError> {
    Ok(Box::new(network?))
}

fn prepare(args: &Args, computer: &Computer, pool: &Pool) -> anyhow::Result<Subject> {
    match &args.arch {
        Some(arch) => of_architecture(arch, computer, pool),
        None => of_model(&args.model, computer, pool),
    }
}

/// The network that draws the main picture of a model's.
fn of_model(model: &ModelArgs, computer: &Computer, pool: &Pool) -> anyhow::Result<Subject> {
    let model = open(&model.sources()?)?.model;
    let last = model.description.render.first().and_then(|chain| chain.steps.last());
    let network = last.and_then(|step| model.description.networks.get(step));
    let drawing = network.and_then(|network| Some((network.picture_graph()?, model.group(&network.weights))));
    match drawing {
        Some((graph, weights)) => Subject::renderer(&graph, weights, computer, pool),
        None => bail!("the model has neither a generator nor a VAE; nothing can be rendered"),
    }
}

/// Random weights of an architecture.
fn of_architecture(arch: &str, computer: &Computer, pool: &Pool) -> anyhow::Result<Subject> {
    let mut stream = Stream::new(1, "bench");
    let vae = VaeConfig { channels: 1, c_dim: 10 };
    match arch {
        "vae-encoder" => {
            Subject::encoder(&vae.encoder_graph(), &vae.initialise_uniform(&mut stream), computer, pool)
        }
        "vae-decoder" => {
            let graph = vae.decoder_graph().to_pixels(PixelRange::Logits);
            Subject::renderer(&graph, &vae.initialise_uniform(&mut stream), computer, pool)
        }
        _ => {
            let config = parse_arch(arch)?;
            let graph = config.graph().to_pixels(PixelRange::Signed);
            Subject::renderer(&graph, &config.initialise_uniform(&mut stream), computer, pool)
        }
    }
}

fn random_pictures(len: usize) -> Vec<f32> {
    let mut stream = Stream::new(3, "bench");
    (0..len).map(|_| stream.uniform()).collect()
}

fn encoding(mut encoder: Box<impl Encoder + 'static>, batch: usize) -> Timed {
    let pictures = random_pictures(batch * encoder.picture_shape().iter().product::<usize>());
    let c_dim = encoder.code_dim();
    let (mut mu, mut logvar) = (vec![0.0; batch * c_dim], vec![0.0; batch * c_dim]);
    Box::new(move || Ok(encoder.encode(&pictures, &mut mu, &mut logvar)?))
}

fn rendering(mut renderer: Box<impl Renderer + 'static>, batch: usize) -> Timed {
    let codes = Stream::new(2, "bench").normals(batch * renderer.code_dim());
    if batch == 1 {
        let mut picture = Picture::default();
        return Box::new(move || {
            renderer.render_picture(&codes, &mut picture, &Cancel::new())?;
            Ok(())
        });
    }
    let mut pictures = vec![0.0; batch * renderer.picture_shape().iter().product::<usize>()];
    Box::new(move || {
        renderer.render(&codes, &mut pictures, &Cancel::new())?;
        Ok(())
    })
}

/// `small` or `resnet:SIZE:NFILTER:NFILTER_MAX`.
fn parse_arch(arch: &str) -> anyhow::Result<GeneratorConfig> {
    if arch == "small" {
        return Ok(GeneratorConfig::Small { z_dim: 10, channels: 1 });
    }
    let sizes: Option<Vec<usize>> =
        arch.strip_prefix("resnet:").and_then(|rest| rest.split(':').map(|part| part.parse().ok()).collect());
    let Some(&[size, nfilter, nfilter_max]) = sizes.as_deref() else {
        bail!(
            "no architecture is called {arch:?}: use resnet:SIZE:NFILTER:NFILTER_MAX (for instance \
             resnet:1024:16:512), small, vae-decoder or vae-encoder"
        );
    };
    Ok(GeneratorConfig::Resnet { z_dim: 276, trunk: ResnetTrunk { size, nfilter, nfilter_max, channels: 3 } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::DeviceChoice;

    fn render(arch: &str, batch: u32) -> Args {
        Args {
            model: ModelArgs::default(),
            arch: Some(arch.into()),
            batch,
            repeat: 2,
            profile: false,
            json: true,
            device: DeviceArgs::default(),
        }
    }

    #[test]
    fn every_architecture_can_be_measured() {
        for (arch, batch) in [("resnet:16:4:8", 1), ("small", 2), ("vae-decoder", 1), ("vae-encoder", 3)] {
            let Measured { report, planned_gmacs } = measure(&render(arch, batch), 1).expect("measures");
            assert!(planned_gmacs > 0.0 && planned_gmacs <= report.gmacs, "{arch}");
            assert!(report.median_ms > 0.0 && report.p5_ms <= report.median_ms, "{arch}");
            assert!(report.gmacs > 0.0 && report.gflops > 0.0 && report.threads == 1, "{arch}");
            let mut half = render(arch, batch);
            half.device = DeviceArgs { device: DeviceChoice::Cpu, precision: Some(Precision::Bf16) };
            assert!(measure(&half, 1).expect("measures").report.median_ms > 0.0, "{arch}");
        }
    }

    #[test]
    fn an_unknown_architecture_is_named_with_what_would_do() {
        let message = measure(&render("resnet:64", 1), 1).err().expect("unknown").to_string();
        assert!(message.contains("resnet:SIZE:NFILTER:NFILTER_MAX"), "{message}");
    }
}
