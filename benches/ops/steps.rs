//! Whole training steps on random weights and data, as the trainers run them; peak memory is printed at the end of
//! each (resident set above where it was before the first step).

use candle_core::{Device, Tensor};
use divan::Bencher;
use idgan::base::Stream;
use idgan::nets::{DiscriminatorConfig, GeneratorConfig, Parameters, VaeConfig};
use idgan::training::methods::gan::{FrozenEncoder, GanBatch, GanTrainer, GanWeights};
use idgan::training::methods::vae::{VaeBatch, VaeTrainer};
use idgan::training::{Family, preset};

fn normal(shape: &[usize]) -> Tensor {
    Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).expect("draws")
}

/// `VmRSS` or `VmHWM` of this process in MiB; 0 where there is no /proc.
fn memory_mib(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// Times `step` and prints by how much it raised the peak.
fn measure<R>(name: &str, bencher: Bencher<'_, '_>, step: impl FnMut() -> R) {
    // Makes the kernel forget the peak of what ran before.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = memory_mib("VmRSS");
    bencher.bench_local(step);
    eprintln!("{name}: peak memory {:.0} MiB above the start", memory_mib("VmHWM") - before);
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn vae(bencher: Bencher<'_, '_>) {
    let mut stream = Stream::new(1, "bench");
    let config = preset(Family::Vae, "dsprites").expect("is a preset");
    let values = config.vae.expect("is a preset of stage 1");
    let weights = values.network().initialise_normal(&mut stream);
    let mut trainer =
        VaeTrainer::new(config.method, values.clone(), &weights, &Device::Cpu, &mut stream).expect("starts");
    let pictures = normal(&[64, 1, 64, 64]).gt(0.0).and_then(|x| x.to_dtype(candle_core::DType::F32));
    let batch = [VaeBatch {
        pictures: pictures.expect("draws"),
        noise: normal(&[64, values.c_dim]),
        second: None,
        log_weights: None,
    }];
    let mut step = 0;
    measure("vae", bencher, || {
        step += 1;
        trainer.step(&batch, step).expect("runs")
    });
}

fn gan(
    name: &str,
    bencher: Bencher<'_, '_>,
    preset_name: &str,
    batch: usize,
    generator: &GeneratorConfig,
    discriminator: &DiscriminatorConfig,
) {
    let mut stream = Stream::new(1, "bench");
    let values =
        preset(Family::Gan, preset_name).and_then(|config| config.gan).expect("is a preset of stage 2");
    let c_dim = generator.z_dim() - values.s_dim;
    let channels = generator.channels();
    let vae = VaeConfig { channels, c_dim };
    let vae_weights = vae.initialise_normal(&mut stream);
    let encoder = FrozenEncoder::new(vae, &vae_weights, values.downsample, &Device::Cpu).expect("starts");
    let initial = generator.initialise_uniform(&mut stream);
    let weights = GanWeights {
        average: initial.clone(),
        generator: initial,
        discriminator: discriminator.initialise_uniform(&mut stream),
    };
    let s_dim = values.s_dim;
    let mut trainer =
        GanTrainer::new(values, generator, discriminator, &weights, encoder, &Device::Cpu).expect("starts");
    drop(weights);
    let size = generator.size();
    let parts = [GanBatch {
        pictures: normal(&[batch, channels, size, size]),
        noise_c: normal(&[batch, c_dim]),
        s_discriminator: normal(&[batch, s_dim]),
        s_generator: normal(&[batch, s_dim]),
        noise_bottleneck: None,
    }];
    let mut step = 0;
    measure(name, bencher, || {
        step += 1;
        trainer.step(&parts, step).expect("runs")
    });
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn sprites_gan(bencher: Bencher<'_, '_>) {
    let values =
        preset(Family::Gan, "dsprites").and_then(|config| config.gan).expect("is a preset of stage 2");
    gan("sprites_gan", bencher, "dsprites", 64, &values.generator(64, 10), &values.discriminator(64));
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn resnet_gan(bencher: Bencher<'_, '_>) {
    let values =
        preset(Family::Gan, "celeba-64").and_then(|config| config.gan).expect("is a preset of stage 2");
    gan("resnet_gan", bencher, "celeba-64", 8, &values.generator(64, 20), &values.discriminator(64));
}
