use crate::nets::OoganKind;
use crate::training::config::{Method, Ramp, TrainConfig};

use super::config::OoganTraining;

/// The names of OOGAN's presets, the published ones first.
pub(in crate::training) const NAMES: &[&str] =
    &["dsprites", "template", "chairs", "celeba", "dsprites-small"];

/// OOGAN's preset called `name`. Published ones follow the published program (`config.py`).
pub(in crate::training) fn preset(name: &str) -> Option<TrainConfig> {
    Some(match name {
        "dsprites" => sprites(64, 50_000),
        "template" => make("dsprites", [64, 1], [6, 10], 10, 100_000),
        "chairs" => make("chairs:rendered_chairs", [64, 3], [10, 50], 20, 50_000),
        "celeba" => make("celeba:img_align_celeba", [256, 3], [16, 100], 8, 50_000),
        // a quarter of the published width, a fifth of its steps
        "dsprites-small" => sprites(16, 10_000),
        _ => return None,
    })
}

/// Sprites of 32 pixels, which the published program gives InfoGAN's input, with noise over the first tenth.
fn sprites(width: usize, steps: u64) -> TrainConfig {
    let mut config = make("dsprites", [32, 1], [6, 10], 64, steps);
    if let Some(values) = &mut config.oogan {
        values.width = width;
        values.input = OoganKind::InfoGan;
        values.noise = Ramp { from: 1.0, to: 0.0, over: steps / 10 };
    }
    config
}

fn make(
    data: &str,
    [size, channels]: [usize; 2],
    [c_dim, z_dim]: [usize; 2],
    batch: usize,
    steps: u64,
) -> TrainConfig {
    let values = OoganTraining {
        channels,
        c_dim,
        z_dim,
        width: 64,
        input: OoganKind::Oogan,
        reader: OoganKind::Oogan,
        is_certain: false,
        one_hot: true,
        orthogonal: true,
        lambda: 1.0,
        gamma: 1.0,
        learning_rate_generator: 1e-4,
        learning_rate_discriminator: 1e-4,
        learning_rate_information: 1e-4,
        learning_rate_kernels: 1e-5,
        learning_rate_product: 1e-4,
        noise: Ramp::constant(0.0),
        ema_decay: 0.999,
        flip: channels == 3,
    };
    TrainConfig { oogan: Some(values), ..TrainConfig::new(Method::Oogan, data, size, steps, batch) }
}
