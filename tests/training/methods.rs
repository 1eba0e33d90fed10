//! One training step of each method beside PyTorch's (`scripts/make-method-references`): losses, gradients, moved weights and
//! running statistics.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use serde::Deserialize;

use idgan::base::{Array, Arrays};
use idgan::graph::{Graph, Parameter, Role};
use idgan::nets::{IaeConditioning, IaeConfig, IaePart, IbGanForm, OoganKind, OoganPart, Parameters};
use idgan::training::methods::iae::{IaeBatch, IaeGraphs, IaeLabelled, IaeTrainer, IaeWeights};
use idgan::training::methods::ibgan::{IbGanBatch, IbGanInitialisation, IbGanTrainer, IbGanTraining};
use idgan::training::methods::oogan::{OoganBatch, OoganCodes, OoganTrainer, OoganTraining, OoganWeights};
use idgan::training::{Method, Ramp, StepReport};

use crate::common::made::{made, normal};

/// Difference to PyTorch's numbers, relative to the largest of a tensor.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
pub struct Step {
    pub losses: BTreeMap<String, f64>,
    #[serde(flatten)]
    pub groups: BTreeMap<String, BTreeMap<String, Moved>>,
}

/// What a step has done to a tensor.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Moved {
    Parameter { norm: f64, place: usize, gradient: f64, weight: f64 },
    Buffer { sum: f64, first: f64 },
}

pub fn reference(name: &str) -> Step {
    let path = format!("{}/tests/files/methods/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Weights by their names, as the script makes them.
pub fn weights(prefix: &str, networks: &impl Parameters) -> Arrays {
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

pub fn tensor(array: &Array) -> Tensor {
    Tensor::from_slice(array.data(), array.shape(), &Device::Cpu).unwrap()
}

/// Compares a group of weights after the step, and what the optimiser `square` (running means of the squared gradient, from
/// zero, of which each step takes `share`) says of their gradients.
pub fn check(
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

pub fn check_losses(what: &str, expected: &BTreeMap<String, f64>, found: impl Fn(&str) -> Option<f64>) {
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

/// Weights of which those of `layers` are kept in the three parts of spectral normalisation.
fn weights_in_parts(prefix: &str, graph: Graph, layers: Vec<String>) -> Arrays {
    let mut arrays = weights(prefix, &vec![graph]);
    for layer in layers {
        let shape = arrays.remove(&format!("{layer}.weight")).unwrap().shape().to_vec();
        let length: usize = shape.iter().product();
        for (part, length) in [("weight_u", shape[0]), ("weight_v", length / shape[0])] {
            let name = format!("{layer}.{part}");
            let mut array = made(&format!("{prefix}{name}"), &[length], 1.0, 0.0);
            let size = array.data().iter().map(|value| value * value).sum::<f32>().sqrt();
            array.data_mut().iter_mut().for_each(|value| *value /= size);
            arrays.insert(name, array);
        }
        let name = format!("{layer}.weight_orig");
        let scale = (24.0 * shape[0] as f64 / length as f64).sqrt();
        let array = made(&format!("{prefix}{name}"), &shape, scale, 0.0);
        arrays.insert(name, array);
    }
    arrays
}

#[test]
fn a_step_of_oogan_is_pytorchs() {
    let values = OoganTraining {
        channels: 1,
        c_dim: 3,
        z_dim: 4,
        width: 2,
        input: OoganKind::Oogan,
        reader: OoganKind::Oogan,
        is_certain: false,
        one_hot: true,
        orthogonal: true,
        lambda: 1.0,
        gamma: 1.0,
        learning_rate_generator: 1e-3,
        learning_rate_discriminator: 1e-3,
        learning_rate_information: 1e-3,
        learning_rate_kernels: 1e-3,
        learning_rate_product: 2e-3,
        noise: Ramp::constant(0.0),
        ema_decay: 0.9,
        flip: false,
    };
    let networks = values.networks(32);
    let layers = |part| networks.spectral_layers(part);
    let generator = weights_in_parts("generator.", networks.generator_graph(), layers(OoganPart::Generator));
    let discriminator =
        weights_in_parts("discriminator.", networks.critic_graph(), layers(OoganPart::Discriminator));
    let start = OoganWeights { average: generator.clone(), generator, discriminator };
    let mut trainer = OoganTrainer::new(values, 32, &start, &Device::Cpu).unwrap();
    let rows = 6;
    let codes = |name: &str| {
        let chosen: Vec<f32> = (0..rows * 3).map(|at| if at / 3 % 3 == at % 3 { 1.0 } else { 0.0 }).collect();
        let chosen = Tensor::from_vec(chosen, (rows, 3), &Device::Cpu).unwrap();
        OoganCodes { c: chosen.clone(), chosen, z: Some(tensor(&normal(name, &[rows, 4]))) }
    };
    let batch = OoganBatch {
        pictures: (tensor(&normal("pictures", &[rows, 1, 32, 32])) / 2.0)
            .unwrap()
            .clamp(-1f32, 1f32)
            .unwrap(),
        codes: codes("judged"),
        read: codes("read"),
        share: tensor(&made("share", &[rows, 1, 1, 1], 1.0, 0.5)),
    };
    // one of those that draw one-hot controls
    let report = trainer.step(batch, 2).unwrap();
    assert_eq!(report.not_finite, None);
    let expected = reference("oogan");
    check_losses("OOGAN", &expected.losses, |name| report.get(name));
    let state = trainer.state().unwrap();
    let square =
        |optimiser: &str, name: &str| state.get(&format!("{optimiser}_optimiser.{name}.exp_avg_sq")).cloned();
    let found = trainer.generator().to_arrays().unwrap();
    check("OOGAN", &expected.groups["generator"], &found, |name| square("generator", name), 0.01);
    let average = trainer.averaged().unwrap();
    for (name, array) in &average {
        let is_buffer =
            ["running_mean", "running_var", "weight_u", "weight_v"].iter().any(|part| name.ends_with(part));
        for ((average, now), before) in
            array.data().iter().zip(found[name].data()).zip(start.generator[name].data())
        {
            let expected = if is_buffer { *now } else { 0.9 * before + 0.1 * now };
            assert!((average - expected).abs() < 1e-6, "{name}: {average} for {expected}");
        }
    }
    let found = trainer.discriminator().to_arrays().unwrap();
    let of_turn = |name: &str| if name.starts_with("pred_c.") { "information" } else { "discriminator" };
    check("OOGAN", &expected.groups["discriminator"], &found, |name| square(of_turn(name), name), 0.01);
}

/// An implicit autoencoder that starts from the recorded step's weights.
fn iae_trainer(config: &IaeConfig) -> IaeTrainer {
    let of = |prefix: &str, part| weights(prefix, &config.part(part));
    let start = IaeWeights {
        encoder: of("encoder.", IaePart::Encoder),
        decoder: of("decoder.", IaePart::Decoder),
        pairs: of("pairs.", IaePart::PairDiscriminator),
        single: of("single.", IaePart::CodeDiscriminator),
    };
    let graphs = IaeGraphs::of(config, Method::Iae);
    IaeTrainer::new(&graphs, Method::Iae, 1e-3, &start, &Device::Cpu).unwrap()
}

#[test]
fn a_step_of_an_implicit_autoencoder_is_pytorchs() {
    let config = IaeConfig {
        size: 16,
        channels: 1,
        width: 4,
        units: 8,
        eps_dim: 2,
        conditioning: IaeConditioning::ByPlace,
        ..IaeConfig::svhn(3, 2)
    };
    let mut trainer = iae_trainer(&config);
    let rows = 6;
    let pictures = tensor(&normal("pictures", &[rows, 1, 16, 16]));
    let batch = IaeBatch {
        pictures: (pictures / 2.0).unwrap().clamp(-1f32, 1f32).unwrap(),
        z: tensor(&normal("z", &[rows, 3])),
        n: tensor(&normal("n", &[rows, 2])),
        eps: tensor(&normal("eps", &[rows, 2])),
        labelled: None,
        noise: None,
    };
    let report = trainer.step(batch, 0).unwrap();
    assert_eq!(report.not_finite, None);
    check_iae("iae", &report, &trainer);
}

/// Compares what a step of an implicit autoencoder has found and moved.
pub fn check_iae(expected: &str, report: &StepReport, trainer: &IaeTrainer) {
    let expected = reference(expected);
    check_losses("IAE", &expected.losses, |name| report.get(name));
    let state = trainer.state().unwrap();
    for (name, weights) in ["encoder", "decoder", "pairs", "single"].into_iter().zip(trainer.weights()) {
        let square = |tensor: &str| state.get(&format!("{name}_optimiser.{tensor}.exp_avg_sq")).cloned();
        check(name, &expected.groups[name], &weights.to_arrays().unwrap(), square, 0.001);
    }
}

#[test]
fn a_step_of_a_semi_supervised_autoencoder_is_pytorchs() {
    let config = IaeConfig {
        size: 8,
        width: 4,
        units: 8,
        hidden: 6,
        is_categorical: true,
        conditioning: IaeConditioning::ByChannel,
        ..IaeConfig::mnist(3, 2)
    };
    let mut trainer = iae_trainer(&config);
    let rows = 6;
    let one_hot = || {
        let values: Vec<f32> = (0..rows * 3).map(|at| if at / 3 % 3 == at % 3 { 1.0 } else { 0.0 }).collect();
        Tensor::from_vec(values, (rows, 3), &Device::Cpu).unwrap()
    };
    let pictures = |name: &str| tensor(&made(name, &[rows, 1, 8, 8], 1.0, 0.5));
    let none = || Tensor::zeros((rows, 0), candle_core::DType::F32, &Device::Cpu).unwrap();
    let batch = IaeBatch {
        pictures: pictures("pictures"),
        z: one_hot(),
        n: tensor(&normal("n", &[rows, 2])),
        eps: none(),
        labelled: Some(IaeLabelled { pictures: pictures("labelled"), labels: one_hot(), eps: none() }),
        noise: None,
    };
    let report = trainer.step(batch, 0).unwrap();
    assert_eq!(report.not_finite, None);
    check_iae("iae-labelled", &report, &trainer);
}
