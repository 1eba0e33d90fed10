use crate::nets::{IaeConditioning, IaeConfig};
use crate::training::config::{Method, TrainConfig};

use super::config::IaeTraining;

/// The names of the presets of implicit autoencoders, those with the paper's networks first.
pub(in crate::training) const NAMES: &[&str] =
    &["svhn", "celeba", "sprites", "sprites-small", "sprites-clusters-small"];

/// The preset called `name`. Networks and codes are the paper's (tables 2 and 3) where it has them; how they are trained is
/// ours, since it does not say.
pub(in crate::training) fn preset(name: &str) -> Option<TrainConfig> {
    let small = IaeConfig { width: 16, units: 256, channels: 1, ..IaeConfig::svhn(10, 10) };
    Some(match name {
        "svhn" => of("images:svhn", IaeConfig::svhn(75, 1000), 200_000),
        "celeba" => of("celeba:img_align_celeba", IaeConfig::celeba(50, 1000), 200_000),
        "sprites" => of("dsprites", IaeConfig { channels: 1, ..IaeConfig::svhn(10, 100) }, 100_000),
        "sprites-small" => of("dsprites", small, 10_000),
        "sprites-clusters-small" => {
            let clusters = IaeConfig {
                is_categorical: true,
                conditioning: IaeConditioning::ByChannel,
                z_dim: 10,
                ..small
            };
            of("dsprites", clusters, 10_000)
        }
        _ => return None,
    })
}

fn of(data: &str, networks: IaeConfig, steps: u64) -> TrainConfig {
    let values = IaeTraining {
        channels: networks.channels,
        layout: networks.layout,
        kernel: networks.kernel,
        width: networks.width,
        units: networks.units,
        hidden: networks.hidden,
        z_dim: networks.z_dim,
        n_dim: networks.n_dim,
        eps_dim: networks.eps_dim,
        categorical: networks.is_categorical,
        conditioning: networks.conditioning,
        learning_rate: 2e-4,
    };
    TrainConfig { iae: Some(values), ..TrainConfig::new(Method::Iae, data, networks.size, steps, 100) }
}
