//! The gradients of every method of stage 1 against finite differences of the losses it reports.

use candle_core::{Device, Result, Tensor};

use super::method_tests::{assert_directional_derivative, initial, normals, sum};
use super::methods::vae::{SecondBatch, VaeBatch, VaeTrainer};
use super::{Family, Ledger, Method, Ramp, VaeTraining, preset};
use crate::base::Stream;
use crate::nets::VaeConfig;
use crate::objectives::MinibatchSampling;

const ROWS: usize = 4;
const C_DIM: usize = 3;

/// Smooth pictures that differ from each other.
fn pictures() -> Result<Tensor> {
    let value = |i: usize| 0.5 + 0.5 * ((i % 64) as f32 * 0.1 + (i / 4096) as f32).sin();
    Tensor::from_vec((0..ROWS * 4096).map(value).collect(), (ROWS, 1, 64, 64), &Device::Cpu)
}

fn batch(stream: &mut Stream, sampling: MinibatchSampling) -> Result<VaeBatch> {
    let log_weights = Tensor::from_vec(sampling.log_weights(ROWS, 100), (ROWS, ROWS), &Device::Cpu)?;
    let orders = (0..C_DIM).flat_map(|dim| (0..ROWS).map(move |row| ((row + dim) % ROWS) as f32)).collect();
    Ok(VaeBatch {
        pictures: pictures()?,
        noise: normals(stream, &[ROWS, C_DIM])?,
        second: Some(SecondBatch {
            pictures: pictures()?,
            noise: normals(stream, &[ROWS, C_DIM])?,
            orders: Tensor::from_vec(orders, (C_DIM, ROWS), &Device::Cpu)?,
        }),
        log_weights: Some(log_weights),
    })
}

#[test]
fn every_method_of_stage_1_descends_the_terms_that_it_reports() -> Result<()> {
    let (weighted, stratified) = (MinibatchSampling::Weighted, MinibatchSampling::Stratified);
    for (method, sampling, terms) in [
        (Method::Vae, weighted, &[("reconstruction", 1.0), ("kl", 1.0)][..]),
        (Method::BetaVae, weighted, &[("reconstruction", 1.0), ("kl", 300.0)]),
        (Method::FactorVae, weighted, &[("reconstruction", 1.0), ("kl", 1.0), ("tc", 3000.0)]),
        (Method::BetaTcVae, weighted, &[("reconstruction", 1.0), ("kl", 1.0), ("tc", 299.0)]),
        (Method::BetaTcVae, stratified, &[("reconstruction", 1.0), ("kl", 1.0), ("tc", 299.0)]),
        (Method::DipVaeI, weighted, &[("reconstruction", 1.0), ("kl", 1.0), ("dip", 1.0)]),
        (Method::DipVaeII, weighted, &[("reconstruction", 1.0), ("kl", 1.0), ("dip", 1.0)]),
    ] {
        let mut stream = Stream::new(5, "stage 1");
        let base = preset(Family::Vae, "dsprites-small").and_then(|config| config.vae).expect("a VAE");
        // weights that make the penalties count beside the reconstruction
        let values = VaeTraining {
            c_dim: C_DIM,
            beta: Ramp::constant(300.0),
            gamma: 3000.0,
            lambda_od: 300.0,
            ..base
        };
        let vae = initial(&VaeConfig { channels: 1, c_dim: C_DIM }, &mut stream);
        let trainer = VaeTrainer::new(method, values, &vae, &Device::Cpu, &mut stream)?;
        let parts = [batch(&mut stream, sampling)?];
        let gradients = trainer.gradients(&parts, &mut Ledger::default())?;
        assert_directional_derivative(trainer.weights(), &gradients, || {
            let mut ledger = Ledger::default();
            trainer.gradients(&parts, &mut ledger)?;
            let report = ledger.read()?.0;
            let (whole, parts) = (report.get("loss").expect("is reported"), sum(&report, terms));
            assert!((whole - parts).abs() < 1e-4 * whole.abs(), "{method:?}: {whole} of {parts}");
            Ok(parts)
        })?;
    }
    Ok(())
}
