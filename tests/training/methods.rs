//! One training step of each method beside PyTorch's (`scripts/make-method-references`): losses, gradients, moved weights and
//! running statistics.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use serde::Deserialize;

use idgan::base::{Array, Arrays};
use idgan::graph::{Parameter, Role};
use idgan::nets::{IbGanForm, Parameters};
use idgan::training::methods::ibgan::{IbGanBatch, IbGanInitialisation, IbGanTrainer, IbGanTraining};
use idgan::training::{Method, Ramp};

use crate::common::made::{made, normal};

/// Difference to PyTorch's numbers, relative to the largest of a tensor.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Step {
    losses: BTreeMap<String, f64>,
    #[serde(flatten)]
    groups: BTreeMap<String, BTreeMap<String, Moved>>,
}

/// What a step has done to a tensor.
#[derive(Deserialize)]
#[serde(untagged)]
enum Moved {
    Parameter { norm: f64, place: usize, gradient: f64, weight: f64 },
    Buffer { sum: f64, first: f64 },
}

fn reference(name: &str) -> Step {
    let path = format!("{}/tests/files/methods/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Weights by their names, as the script makes them.
fn weights(prefix: &str, networks: &impl Parameters) -> Arrays {
    let filled = |Parameter { name, shape, role, .. }: Parameter| {
        let length: usize = shape.iter().product();
        let (scale, shift) = match role {
            Role::RunningVariance | Role::Gain => (1.0, 1.0),
            Role::Weight => ((24.0 * shape[0] as f64 / length as f64).sqrt(), 0.0),
            Role::Bias | Role::Shift | Role::RunningMean => (0.2, 0.0),
        };
        let array = made(&format!("{prefix}{name}"), &shape, scale, shift);
        (name, array)
    };
    networks.parameters().into_iter().map(filled).collect()
}

fn tensor(array: &Array) -> Tensor {
    Tensor::from_slice(array.data(), array.shape(), &Device::Cpu).unwrap()
}

/// Compares a group of weights after the step, and what the optimiser `square` (running means of the squared gradient, from
/// zero, of which each step takes `share`) says of their gradients.
fn check(
    what: &str,
    expected: &BTreeMap<String, Moved>,
    found: &Arrays,
    square: impl Fn(&str) -> Option<Array>,
    share: f64,
) {
    for (name, moved) in expected {
        let near = |found: f64, expected: f64, scale: f64, of: &str| {
            let allowed = TOLERANCE * scale.abs().max(0.05);
            assert!((found - expected).abs() <= allowed, "{what} {name}, {of}: {found} for {expected}");
        };
        let values = found[name].data();
        match *moved {
            Moved::Buffer { sum, first } => {
                let magnitude: f64 = values.iter().map(|value| f64::from(value.abs())).sum();
                near(values.iter().map(|&value| f64::from(value)).sum(), sum, magnitude, "sum");
                near(f64::from(values[0]), first, magnitude / values.len() as f64, "first");
            }
            Moved::Parameter { norm, place, gradient, weight } => {
                let square = square(name).unwrap_or_else(|| panic!("{what}: no optimiser moves {name}"));
                let total: f64 = square.data().iter().map(|&square| f64::from(square) / share).sum();
                near(total.sqrt(), norm, norm, "norm of its gradient");
                let at_place = (f64::from(square.data()[place]) / share).sqrt();
                near(at_place, gradient.abs(), norm, "largest gradient");
                // of a bias in front of a normalisation the gradient is rounding alone, and RMSprop moves by its sign
                if norm > 1e-5 {
                    near(f64::from(values[place]), weight, 1.0, "weight");
                }
            }
        }
    }
}

fn check_losses(what: &str, expected: &BTreeMap<String, f64>, found: impl Fn(&str) -> Option<f64>) {
    for (name, expected) in expected {
        let found = found(name).unwrap_or_else(|| panic!("{what}: no loss {name}"));
        let allowed = TOLERANCE * expected.abs().max(1.0);
        assert!((found - expected).abs() < allowed, "{what} {name}: {found} for {expected}");
    }
}

#[test]
fn a_step_of_ib_gan_is_pytorchs() {
    let values = IbGanTraining {
        channels: 1,
        form: IbGanForm::Sprites,
        z_dim: 5,
        r_dim: 3,
        generator_width: 2,
        discriminator_width: 2,
        beta: Ramp::constant(0.141),
        lambda: 1.0,
        learning_rate_generator: 1e-3,
        learning_rate_discriminator: 1e-3,
        momentum: 0.9,
        noise: Ramp::constant(0.3),
        real_labels: [0.7, 1.2],
        initialisation: IbGanInitialisation::Normal,
    };
    let networks = values.networks(Method::IbGan);
    let generator = weights("generator.", &vec![networks.emitter_graph(), networks.generator_graph()]);
    let discriminator = weights("discriminator.", &vec![networks.critic_graph()]);
    let mut trainer =
        IbGanTrainer::new(values, Method::IbGan, &generator, &discriminator, &Device::Cpu).unwrap();
    let rows = 6;
    let maps = [rows, 1, 64, 64];
    let noisy = |name: &str| (tensor(&normal(name, &maps)) * 0.3).unwrap();
    let batch = IbGanBatch {
        pictures: (tensor(&normal("pictures", &maps)) / 2.0).unwrap().clamp(-1f32, 1f32).unwrap(),
        z: tensor(&normal("z", &[rows, 5])),
        noise_r: tensor(&normal("r", &[rows, 3])),
        noise_generated: noisy("generated"),
        noise_real: noisy("real"),
        real_labels: tensor(&made("labels", &[rows], 0.5, 0.95)),
    };
    let report = trainer.step(batch, 0).unwrap();
    assert_eq!(report.not_finite, None);
    let expected = reference("ib-gan");
    check_losses("IB-GAN", &expected.losses, |name| report.get(name));
    let state = trainer.state().unwrap();
    let square = |optimisers: &[&str], name: &str| {
        let find = |optimiser: &&str| state.get(&format!("{optimiser}_optimiser.{name}.square_avg")).cloned();
        optimisers.iter().find_map(find)
    };
    let found = trainer.generator().to_arrays().unwrap();
    check("IB-GAN", &expected.groups["generator"], &found, |name| square(&["generator"], name), 0.01);
    let found = trainer.discriminator().to_arrays().unwrap();
    let both = ["discriminator", "reader"];
    check("IB-GAN", &expected.groups["discriminator"], &found, |name| square(&both, name), 0.01);
}
