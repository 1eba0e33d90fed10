//! One training step of each method of stage 1 beside PyTorch's (`scripts/make-method-references`).

use candle_core::{Device, Tensor};

use idgan::base::{Arrays, Stream};
use idgan::nets::{Mlp, VaeConfig};
use idgan::objectives::{Likelihood, MinibatchSampling};
use idgan::training::methods::vae::{SecondBatch, VaeBatch, VaeTrainer};
use idgan::training::{Initialisation, Method, Ramp, VaeTraining};

use crate::common::made::normal;
use crate::methods::{check, check_losses, reference, tensor, weights};

const ROWS: usize = 6;
const C_DIM: usize = 3;
const VAE: VaeConfig = VaeConfig { channels: 1, c_dim: C_DIM };
/// Pictures of the data set that the batch is one of.
const ALL: usize = 1000;

/// The values of `method` as the script has them.
fn values(method: Method, sampling: MinibatchSampling) -> VaeTraining {
    VaeTraining {
        start: String::new(),
        c_dim: C_DIM,
        channels: 1,
        likelihood: Likelihood::Bernoulli,
        initialisation: Initialisation::Normal,
        learning_rate: 1e-3,
        beta: Ramp::constant(if method == Method::BetaTcVae { 500.0 } else { 4.0 }),
        gamma: 35.0,
        capacity: Ramp::constant(25.0),
        capacity_weight: 100.0,
        sampling,
        lambda_od: 10.0,
        lambda_d_factor: 5.0,
    }
}

/// Pictures of which each is brighter than the one before.
fn pictures(name: &str) -> Tensor {
    let noise = tensor(&normal(name, &[ROWS, 1, 64, 64]));
    let shades: Vec<f32> = (0..ROWS).map(|row| (row + 1) as f32 / ROWS as f32).collect();
    let shades = Tensor::from_vec(shades, (ROWS, 1, 1, 1), &Device::Cpu).unwrap();
    ((noise / 4.0).unwrap() + 0.5).unwrap().clamp(0f32, 1f32).unwrap().broadcast_mul(&shades).unwrap()
}

fn noise(name: &str) -> Tensor {
    tensor(&normal(name, &[ROWS, C_DIM]))
}

/// FactorVAE's second minibatch, in which each dimension is turned by one row more.
fn second() -> SecondBatch {
    let orders: Vec<f32> =
        (0..C_DIM).flat_map(|dim| (0..ROWS).map(move |row| ((row + dim + 1) % ROWS) as f32)).collect();
    let orders = Tensor::from_vec(orders, (C_DIM, ROWS), &Device::Cpu).unwrap();
    SecondBatch { pictures: pictures("others"), noise: noise("more"), orders }
}

/// Puts the script's weights of FactorVAE's discriminator in the place of random ones.
fn with_made_ratio(trainer: &mut VaeTrainer) {
    let mut state = trainer.state().unwrap();
    for (name, array) in weights("ratio.", &Mlp::density_ratio(C_DIM)) {
        state.insert(format!("tc.weights.{name}"), array);
    }
    let vae = trainer.weights().to_arrays().unwrap();
    trainer.restore(&vae, &state).unwrap();
}

fn check_step(name: &str, method: Method, sampling: MinibatchSampling) {
    let start = weights("vae.", &VAE);
    let stream = &mut Stream::new(1, "ratio");
    let mut trainer =
        VaeTrainer::new(method, values(method, sampling), &start, &Device::Cpu, stream).unwrap();
    let is_factor_vae = method == Method::FactorVae;
    if is_factor_vae {
        with_made_ratio(&mut trainer);
    }
    let log_weights = sampling.log_weights(ROWS, ALL);
    let batch = VaeBatch {
        pictures: pictures("pictures"),
        noise: noise("eps"),
        second: is_factor_vae.then(second),
        log_weights: (method == Method::BetaTcVae)
            .then(|| Tensor::from_vec(log_weights, (ROWS, ROWS), &Device::Cpu).unwrap()),
    };
    let report = trainer.step(&[batch], 0).unwrap();
    assert_eq!(report.not_finite, None);
    let expected = reference(name);
    check_losses(name, &expected.losses, |loss| report.get(loss));
    let state = trainer.state().unwrap();
    let square = |optimiser: &str, weight: &str| {
        state.get(&format!("{optimiser}.optimiser.{weight}.exp_avg_sq")).cloned()
    };
    let found = trainer.weights().to_arrays().unwrap();
    check(name, &expected.groups["vae"], &found, |weight| square("vae", weight), 0.001);
    if is_factor_vae {
        let prefix = "tc.weights.";
        let ratio: Arrays = state
            .iter()
            .filter_map(|(name, array)| Some((name.strip_prefix(prefix)?.to_owned(), array.clone())))
            .collect();
        check(name, &expected.groups["ratio"], &ratio, |weight| square("tc", weight), 0.1);
    }
}

#[test]
fn a_step_of_every_method_of_stage_1_is_pytorchs() {
    let weighted = MinibatchSampling::Weighted;
    for (name, method, sampling) in [
        ("vae", Method::Vae, weighted),
        ("beta-vae", Method::BetaVae, weighted),
        ("annealed-vae", Method::AnnealedVae, weighted),
        ("factor-vae", Method::FactorVae, weighted),
        ("beta-tcvae-weighted", Method::BetaTcVae, weighted),
        ("beta-tcvae-stratified", Method::BetaTcVae, MinibatchSampling::Stratified),
        ("dip-vae-i", Method::DipVaeI, weighted),
        ("dip-vae-ii", Method::DipVaeII, weighted),
    ] {
        check_step(name, method, sampling);
    }
}
