//! `idgan bench render`: how fast this build renders, on any model or on random weights of any size.

use std::time::Instant;

use anyhow::{Context, bail};
use serde::Serialize;

use crate::base::{Arrays, Cancel, Picture, Pool, Stream};
use crate::checkpoint::open;
use crate::inference::plan::{compile_decoder, compile_encoder, compile_generator};
use crate::inference::{Encoder, Renderer};
use crate::nets::{GeneratorConfig, Parameters, ResnetTrunk, VaeConfig};

use super::{ModelArgs, threads};

/// What to render, and how often.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    idgan bench render --checkpoint sprites.safetensors\n  \
    idgan bench render --arch resnet:1024:16:512 --json\n  \
    idgan bench render --arch vae-encoder --batch 64 --repeat 50 --threads 1\n  \
    idgan bench render --arch resnet:256:64:512 --profile")]
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
    /// Print the time of every step of one picture's plan as well
    #[arg(long, conflicts_with = "json", requires = "arch")]
    pub profile: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// One measurement.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Median time in milliseconds.
    pub median_ms: f64,
    /// 5th percentile.
    pub p5_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// Multiply-adds of the work by definition (direct convolutions of full maps), in thousand millions.
    pub gmacs: f64,
    /// Two operations for each of those, by the median time, in thousand millions a second: can exceed the
    /// machine's peak where fewer multiplications were needed.
    pub gflops: f64,
    /// Most memory that the process has held, in MiB.
    pub peak_mib: f64,
    /// Threads used.
    pub threads: usize,
}

/// Runs the measurement and prints it.
///
/// # Errors
/// When the architecture is not known or the model cannot be compiled.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let render = args;
    let report = measure(render, threads())?;
    if render.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!(
            "median {:.2} ms (5 % {:.2}, 95 % {:.2}), {:.2} G multiply-adds, {:.0} GFLOP/s, peak {:.0} MiB, \
             {} threads",
            report.median_ms,
            report.p5_ms,
            report.p95_ms,
            report.gmacs,
            report.gflops,
            report.peak_mib,
            report.threads
        );
    }
    if render.profile {
        print_profile(render)?;
    }
    Ok(())
}

/// One line for each step: its share, its time, its multiplications' rate, what it is.
fn print_profile(args: &Args) -> anyhow::Result<()> {
    let pool = Pool::new("bench", threads()).context("cannot start the threads")?;
    let mut stream = Stream::new(1, "bench");
    let config = parse_arch(args.arch.as_deref().unwrap_or_default())?;
    let weights = config.initialise_uniform(&mut stream);
    let mut renderer = compile_generator(&config, &weights, &pool)?;
    let code = stream.normals(config.z_dim());
    let profile = renderer.profile(&code, args.repeat as usize)?;
    let total: f64 = profile.iter().map(|step| step.seconds).sum();
    for step in profile {
        println!(
            "{:5.1} % {:8.3} ms {:6.0} GFLOP/s  {}",
            100.0 * step.seconds / total,
            step.seconds * 1e3,
            2e-9 * step.multiply_adds as f64 / step.seconds,
            step.what
        );
    }
    Ok(())
}

/// Something to time.
type Job = Box<dyn FnMut() -> anyhow::Result<()>>;

fn measure(args: &Args, threads: usize) -> anyhow::Result<Report> {
    let pool = Pool::new("bench", threads).context("cannot start the threads")?;
    let batch = args.batch as usize;
    let (mut job, multiply_adds) = match &args.arch {
        Some(arch) => prepare(arch, batch, &pool)?,
        None => prepare_model(&args.model, batch, &pool)?,
    };
    for _ in 0..3.min(args.repeat) {
        job()?;
    }
    let mut times = Vec::with_capacity(args.repeat as usize);
    for _ in 0..args.repeat {
        let start = Instant::now();
        job()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    let gmacs = multiply_adds as f64 * f64::from(args.batch) / 1e9;
    Ok(Report {
        median_ms: at(0.5),
        p5_ms: at(0.05),
        p95_ms: at(0.95),
        gmacs,
        gflops: 2.0 * gmacs / (at(0.5) / 1e3),
        peak_mib: peak_mib(),
        threads: pool.threads(),
    })
}

/// The same for a model of a file: its generator, or the decoder of a VAE alone.
fn prepare_model(model: &ModelArgs, batch: usize, pool: &Pool) -> anyhow::Result<(Job, usize)> {
    let model = open(&model.sources()?)?.model;
    let mut stream = Stream::new(1, "bench");
    let (renderer, multiply_adds) = match (&model.description.generator, &model.description.vae) {
        (Some(part), _) => {
            let renderer = compile_generator(&part.config, &model.generator, pool)?;
            let direct = match part.config {
                GeneratorConfig::Small { .. } => renderer.multiply_adds(),
                GeneratorConfig::Resnet { trunk, .. } => resnet_multiply_adds(&trunk, &model.generator),
            };
            (renderer, direct)
        }
        (None, Some(part)) => {
            let renderer = compile_decoder(&part.config, &model.vae, pool)?;
            let direct = renderer.multiply_adds();
            (renderer, direct)
        }
        (None, None) => bail!("the model has neither a generator nor a VAE; nothing can be rendered"),
    };
    Ok((rendering(Box::new(renderer), batch, &mut stream), multiply_adds))
}

/// The job of rendering `batch` pictures, and the multiply-adds of one by definition.
fn prepare(arch: &str, batch: usize, pool: &Pool) -> anyhow::Result<(Job, usize)> {
    let mut stream = Stream::new(1, "bench");
    let vae = VaeConfig { channels: 1, c_dim: 10 };
    if arch == "vae-encoder" {
        let weights = vae.initialise_uniform(&mut stream);
        let mut encoder = compile_encoder(&vae, &weights, pool)?;
        let pictures: Vec<f32> = (0..batch * 64 * 64).map(|_| stream.uniform()).collect();
        let (mut mu, mut logvar) = (vec![0.0; batch * vae.c_dim], vec![0.0; batch * vae.c_dim]);
        let multiply_adds = vae_multiply_adds("encoder.", &weights);
        let job = move || Ok(encoder.encode(&pictures, &mut mu, &mut logvar)?);
        return Ok((Box::new(job), multiply_adds));
    }
    if arch == "vae-decoder" {
        let weights = vae.initialise_uniform(&mut stream);
        let decoder = compile_decoder(&vae, &weights, pool)?;
        let multiply_adds = vae_multiply_adds("decoder.", &weights);
        return Ok((rendering(Box::new(decoder), batch, &mut stream), multiply_adds));
    }
    let config = parse_arch(arch)?;
    let weights = config.initialise_uniform(&mut stream);
    let renderer = compile_generator(&config, &weights, pool)?;
    let multiply_adds = match config {
        GeneratorConfig::Small { .. } => vae_multiply_adds("", &weights),
        GeneratorConfig::Resnet { trunk, .. } => resnet_multiply_adds(&trunk, &weights),
    };
    Ok((rendering(Box::new(renderer), batch, &mut stream), multiply_adds))
}

fn rendering(mut renderer: Box<dyn Renderer>, batch: usize, stream: &mut Stream) -> Job {
    let codes = stream.normals(batch * renderer.code_dim());
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

/// Every weight of the network meets every pixel of its layer's map once.
fn resnet_multiply_adds(trunk: &ResnetTrunk, weights: &Arrays) -> usize {
    let pixels = |name: &str| {
        let block = name.strip_prefix("resnet.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
        match block {
            Some(block) => (4usize << (block / 2)).pow(2),
            None if name.starts_with("conv_img") => trunk.size * trunk.size,
            None => 1,
        }
    };
    weights.iter().filter(|(name, _)| name.ends_with(".weight")).map(|(name, w)| w.len() * pixels(name)).sum()
}

/// The same for the 64x64 VAE, half of whose layers are in `prefix`; transposed layers by the map they read.
fn vae_multiply_adds(prefix: &str, weights: &Arrays) -> usize {
    let layers: [(usize, usize); 5] = match prefix {
        "encoder." => [(0, 1024), (2, 256), (4, 64), (6, 16), (8, 1)],
        _ => [(3, 1), (5, 16), (7, 64), (9, 256), (11, 1024)],
    };
    let pixels = |name: &str| layers.iter().find(|(n, _)| name == format!("{prefix}layer.{n}.weight"));
    let mine = weights.iter().filter(|(name, _)| name.starts_with(prefix) && name.ends_with(".weight"));
    mine.map(|(name, weight)| weight.len() * pixels(name).map_or(1, |&(_, pixels)| pixels)).sum()
}

/// Peak resident set of this process in MiB, from the kernel; 0 where it does not say.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(arch: &str, batch: u32) -> Args {
        Args {
            model: ModelArgs::default(),
            arch: Some(arch.into()),
            batch,
            repeat: 2,
            profile: false,
            json: true,
        }
    }

    #[test]
    fn every_architecture_can_be_measured() {
        for (arch, batch) in [("resnet:16:4:8", 1), ("small", 2), ("vae-decoder", 1), ("vae-encoder", 3)] {
            let report = measure(&render(arch, batch), 1).expect("measures");
            assert!(report.median_ms > 0.0 && report.p5_ms <= report.median_ms, "{arch}");
            assert!(report.gmacs > 0.0 && report.gflops > 0.0 && report.threads == 1, "{arch}");
        }
    }

    #[test]
    fn an_unknown_architecture_is_named_with_what_would_do() {
        let message = measure(&render("resnet:64", 1), 1).expect_err("unknown").to_string();
        assert!(message.contains("resnet:SIZE:NFILTER:NFILTER_MAX"), "{message}");
    }

    #[test]
    fn the_published_sizes_cost_what_they_cost() {
        let trunk = ResnetTrunk { size: 1024, nfilter: 16, nfilter_max: 512, channels: 3 };
        let config = GeneratorConfig::Resnet { z_dim: 276, trunk };
        let zeros = |p: crate::nets::Parameter| (p.name, crate::base::Array::zeros(p.shape));
        let weights = config.parameters().into_iter().map(zeros).collect();
        let gmacs = resnet_multiply_adds(&trunk, &weights) as f64 / 1e9;
        assert!((16.0..17.0).contains(&gmacs), "{gmacs}");
        let weights = VaeConfig { channels: 1, c_dim: 10 }.initialise_uniform(&mut Stream::new(1, "weights"));
        assert_eq!(vae_multiply_adds("encoder.", &weights), 8_131_584);
        assert_eq!(vae_multiply_adds("decoder.", &weights), 8_129_024);
    }
}
