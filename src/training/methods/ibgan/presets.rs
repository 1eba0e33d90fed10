use crate::nets::IbGanForm;
use crate::training::config::{Method, Ramp, TrainConfig};

use super::config::{IbGanInitialisation, IbGanTraining};

/// The names of IB-GAN's presets, the published ones first.
pub(in crate::training) const NAMES: &[&str] =
    &["dsprites", "color-dsprites", "chairs", "celeba", "dsprites-small"];

/// IB-GAN's preset called `name`. Published ones follow the published program where paper and program differ
/// (`solver.py`, `solver2.py`, README).
pub(in crate::training) fn preset(name: &str) -> Option<TrainConfig> {
    Some(match name {
        "dsprites" => sprites("dsprites", 1, 0.141, 150_000, 100_000),
        "color-dsprites" => sprites("color-dsprites", 3, 0.071, 500_000, 400_000),
        "chairs" => photos("chairs:rendered_chairs", 1, [10, 32, 16], 0.325, 700_000),
        "celeba" => photos("celeba:img_align_celeba", 3, [15, 64, 64], 0.35, 1_000_000),
        // the published preset cut short, with its noise in the same proportion
        "dsprites-small" => sprites("dsprites", 1, 0.141, 20_000, 13_333),
        _ => return None,
    })
}

fn sprites(data: &str, channels: usize, beta: f64, steps: u64, noise_over: u64) -> TrainConfig {
    let values = IbGanTraining {
        channels,
        form: IbGanForm::Sprites,
        z_dim: 16,
        r_dim: 10,
        generator_width: 16,
        discriminator_width: 16,
        beta: Ramp::constant(beta),
        lambda: 1.0,
        learning_rate_generator: 5e-5,
        learning_rate_discriminator: 1e-6,
        momentum: 0.9,
        noise: Ramp { from: 1.0, to: 0.0, over: noise_over },
        real_labels: [1.0, 1.0],
        initialisation: IbGanInitialisation::Normal,
    };
    TrainConfig { ibgan: Some(values), ..TrainConfig::new(Method::IbGan, data, 64, steps, 64) }
}

fn photos(data: &str, channels: usize, [r_dim, n, m]: [usize; 3], beta: f64, steps: u64) -> TrainConfig {
    let mut config = sprites(data, channels, beta, steps, steps);
    if let Some(values) = &mut config.ibgan {
        values.form = IbGanForm::Photos;
        (values.z_dim, values.r_dim) = (64, r_dim);
        (values.generator_width, values.discriminator_width) = (n, m);
        values.learning_rate_discriminator = 2e-6;
        values.noise = Ramp { from: 0.5, to: 0.01, over: steps };
        values.real_labels = [0.7, 1.2];
        values.initialisation = IbGanInitialisation::Orthogonal;
    }
    config
}
