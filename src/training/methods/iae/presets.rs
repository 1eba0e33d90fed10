use crate::nets::{IaeConditioning, IaeConfig};
use crate::training::config::{Method, TrainConfig};
use crate::training::methods::cycle::presets::{FACES, SHOES, SPRITES};

use super::config::IaeTraining;

/// Where MNIST's and SVHN's files are looked for.
const MNIST: &str = "mnist:mnist";
const SVHN: &str = "svhn:train_32x32.mat";

/// The names of the presets of implicit autoencoders, those with the paper's networks first.
pub(in crate::training) const NAMES: &[&str] = &[
    "mnist",
    "mnist-clusters",
    "mnist-labels",
    "svhn",
    "svhn-labels",
    "celeba",
    "sprites",
    SHOES,
    FACES,
    // the first small one is what the window proposes, and needs no files
    "sprites-small",
    "sprites-clusters-small",
    "mnist-small",
    "mnist-clusters-small",
    "mnist-labels-small",
    SPRITES,
];

/// The preset called `name`. Networks and codes are the paper's (tables 2 and 3) where it has them; how they are trained is
/// ours, since it does not say.
pub(in crate::training) fn preset(name: &str) -> Option<TrainConfig> {
    let clusters = |networks: IaeConfig, z_dim, n_dim| IaeConfig {
        is_categorical: true,
        conditioning: IaeConditioning::ByChannel,
        z_dim,
        n_dim,
        ..networks
    };
    let digits = IaeConfig::mnist(10, 100);
    let few_digits = IaeConfig { width: 16, units: 400, hidden: 256, n_dim: 10, ..digits };
    let small = IaeConfig { width: 16, units: 256, channels: 1, ..IaeConfig::svhn(10, 10) };
    Some(match name {
        "mnist" => of(MNIST, digits, 200_000),
        "mnist-clusters" => of(MNIST, clusters(digits, 30, 10), 200_000),
        "mnist-labels" => taught(of(MNIST, clusters(digits, 10, 10), 200_000), 100),
        "mnist-small" => of(MNIST, few_digits, 10_000),
        "mnist-clusters-small" => of(MNIST, clusters(few_digits, 30, 10), 10_000),
        "mnist-labels-small" => taught(of(MNIST, clusters(few_digits, 10, 10), 10_000), 100),
        "svhn" => of(SVHN, IaeConfig::svhn(75, 1000), 200_000),
        "svhn-labels" => taught(of(SVHN, clusters(IaeConfig::svhn(75, 1000), 10, 1000), 200_000), 1000),
        "celeba" => of("celeba:img_align_celeba", IaeConfig::celeba(50, 1000), 200_000),
        "sprites" => of("dsprites", IaeConfig { channels: 1, ..IaeConfig::svhn(10, 100) }, 100_000),
        "sprites-small" => of("dsprites", small, 10_000),
        "sprites-clusters-small" => of("dsprites", clusters(small, 10, 10), 10_000),
        _ => return None,
    })
}

/// The same with so many labelled pictures.
fn taught(mut config: TrainConfig, labelled: usize) -> TrainConfig {
    config.iae.iter_mut().for_each(|values| values.labelled = labelled);
    config
}

/// The section beside a preset of CycleIAE, whose pictures have so many channels.
pub(in crate::training) fn beside(channels: usize) -> IaeTraining {
    values(IaeConfig { channels, ..IaeConfig::svhn(10, 100) })
}

fn of(data: &str, networks: IaeConfig, steps: u64) -> TrainConfig {
    let config = TrainConfig::new(Method::Iae, data, networks.size, steps, 100);
    TrainConfig { iae: Some(values(networks)), ..config }
}

fn values(networks: IaeConfig) -> IaeTraining {
    IaeTraining {
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
        labelled: 0,
        learning_rate: 2e-4,
    }
}
