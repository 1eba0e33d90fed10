//! Every method's gradients against finite differences of the losses it reports, along the gradient itself: the
//! reported terms are put together here once more, from the formulas of the paper.

use candle_core::{Device, Result, Tensor};

use super::methods::end_to_end::EndToEndTrainer;
use super::methods::gan::{GanBatch, GanTrainer, GanWeights, Guide, LearnedEncoder};
use super::methods::vae_gan::{VaeGanBatch, VaeGanTrainer};
use super::steps::FrozenEncoder;
use super::{Family, GanTraining, Gradients, Ledger, Method, Ramp, StepReport, VaeTraining, preset};
use crate::base::{Array, Arrays, Stream};
use crate::nets::{Parameters, Projection, ProjectionConfig, VaeConfig, Weights};

const ROWS: usize = 2;
const C_DIM: usize = 3;
const S_DIM: usize = 2;
const VAE: VaeConfig = VaeConfig { channels: 1, c_dim: C_DIM };

/// The values of `method`, with weights large enough that every term counts.
fn values(method: Method) -> (GanTraining, VaeTraining) {
    let config = preset(Family::Gan, "dsprites").expect("exists").with_method(method);
    let vae = preset(Family::Vae, "dsprites-small").and_then(|c| c.vae).expect("exists");
    let mut gan = config.gan.expect("a GAN");
    if gan.w_info > 0.0 {
        gan.w_info = 0.5;
    }
    // R1 jumps where a mask flips, which differences cannot follow; its input gradient is tested beside the networks
    gan.reg_param = 0.0;
    gan.s_dim = if method == Method::VaeGan { 0 } else { S_DIM };
    (gan, VaeTraining { c_dim: C_DIM, beta: Ramp::constant(2.0), ..vae })
}

pub(super) fn normals(stream: &mut Stream, shape: &[usize]) -> Result<Tensor> {
    Tensor::from_vec(stream.normals(shape.iter().product()), shape, &Device::Cpu)
}

/// Smooth pictures in [-1, 1] that differ from each other.
fn pictures() -> Result<Tensor> {
    let value = |i: usize| ((i % 64) as f32 * 0.1 + (i / 4096) as f32).sin() * 0.9;
    Tensor::from_vec((0..ROWS * 4096).map(value).collect(), (ROWS, 1, 64, 64), &Device::Cpu)
}

fn batch(stream: &mut Stream) -> Result<GanBatch> {
    Ok(GanBatch {
        pictures: pictures()?,
        noise_c: normals(stream, &[ROWS, C_DIM])?,
        s_discriminator: normals(stream, &[ROWS, S_DIM])?,
        s_generator: normals(stream, &[ROWS, S_DIM])?,
        noise_bottleneck: None,
    })
}

/// Initial weights, doubled so that signals do not fade from layer to layer: differences need derivatives that count.
pub(super) fn initial(network: &impl Parameters, stream: &mut Stream) -> Arrays {
    let mut arrays = network.initialise_uniform(stream);
    arrays.values_mut().flat_map(Array::data_mut).for_each(|value| *value *= 2.0);
    arrays
}

fn gan_weights(values: &GanTraining, c_dim: usize, stream: &mut Stream) -> GanWeights {
    let generator = initial(&values.generator(64, c_dim), stream);
    let discriminator = initial(&values.discriminator(64), stream);
    GanWeights { average: generator.clone(), generator, discriminator }
}

/// A trainer of `method` and one batch with its codes.
fn trainer(method: Method) -> Result<(GanTrainer, [GanBatch; 1], [Tensor; 1])> {
    let mut stream = Stream::new(5, "methods");
    let (values, _) = values(method);
    let c_dim = if method == Method::Gan { 0 } else { C_DIM };
    let mut weights = gan_weights(&values, c_dim, &mut stream);
    let encoder = initial(&VAE, &mut stream);
    let guide = match method {
        Method::Gan => Guide::None,
        Method::Infogan => {
            Guide::Learned(Box::new(LearnedEncoder::new(VAE, &encoder, &values, &Device::Cpu)?))
        }
        _ => Guide::Frozen(FrozenEncoder::new(VAE, &encoder, values.downsample, &Device::Cpu)?),
    };
    if method == Method::Cgan {
        let features = values.discriminator(64).features();
        let projection = ProjectionConfig { c_dim, features };
        weights.discriminator.extend(initial(&projection, &mut stream));
    }
    let (generator, discriminator) = (values.generator(64, c_dim), values.discriminator(64));
    let trainer = GanTrainer::new(values, &generator, &discriminator, &weights, guide, &Device::Cpu)?;
    let batch = batch(&mut stream)?;
    let codes = trainer.codes(&batch)?;
    Ok((trainer, [batch], [codes]))
}

/// Moves `weights` along the gradient to both sides: the loss must change by the gradient's norm.
pub(super) fn assert_directional_derivative(
    weights: &Weights,
    gradients: &Gradients,
    loss: impl Fn() -> Result<f64>,
) -> Result<()> {
    let norm = gradients.norm()?;
    assert!(norm > 1e-6, "the loss does not reach these weights");
    let before = weights.to_arrays()?;
    let at = |by: f64| {
        let mut moved = Arrays::new();
        for (name, array) in &before {
            let mut values = array.data().to_vec();
            if let Some(gradient) = gradients.get(name) {
                for (value, derivative) in values.iter_mut().zip(gradient.flatten_all()?.to_vec1::<f32>()?) {
                    *value += (by / norm) as f32 * derivative;
                }
            }
            moved.insert(name.clone(), Array::new(array.shape(), values).expect("the same size"));
        }
        weights.assign(&moved)?;
        loss()
    };
    // steep losses bend early, shallow ones drown in rounding
    let distance = 2e-3 / (norm / 100.0).max(1.0);
    let numeric = (at(distance)? - at(-distance)?) / (2.0 * distance);
    weights.assign(&before)?;
    assert!((numeric - norm).abs() < 0.02 * norm, "{numeric} by differences, {norm} by backward");
    Ok(())
}

/// The sum of reported values with weights.
pub(super) fn sum(report: &StepReport, terms: &[(&str, f64)]) -> f64 {
    terms.iter().map(|(name, weight)| weight * report.get(name).expect("is reported")).sum()
}

#[test]
fn generators_descend_the_losses_of_their_method() -> Result<()> {
    for (method, terms) in [
        (Method::Gan, &[("g_loss", 1.0)][..]),
        (Method::IdganNoDistill, &[("g_loss", 1.0)]),
        (Method::Cgan, &[("g_loss", 1.0)]),
        (Method::Idgan, &[("g_loss", 1.0), ("info", 0.5)]),
        (Method::Infogan, &[("g_loss", 1.0), ("info", 0.5)]),
    ] {
        let (trainer, parts, codes) = trainer(method)?;
        let gradients = trainer.generator_gradients(&parts, &codes, &mut Ledger::default())?;
        assert_directional_derivative(trainer.generator(), &gradients, || {
            let mut ledger = Ledger::default();
            trainer.generator_gradients(&parts, &codes, &mut ledger)?;
            let report = ledger.read()?.0;
            assert_eq!(report.get("info").is_some(), method != Method::Gan, "told even where not learnt");
            Ok(sum(&report, terms))
        })?;
    }
    Ok(())
}

#[test]
fn infogans_encoder_learns_from_generated_pictures_what_their_code_was() -> Result<()> {
    let (trainer, parts, codes) = trainer(Method::Infogan)?;
    assert_eq!(codes[0].to_vec2::<f32>()?, parts[0].noise_c.to_vec2::<f32>()?, "c is from the prior");
    let gradients = trainer.encoder_gradients(&parts, &codes)?.expect("an encoder");
    assert_directional_derivative(trainer.learned_encoder().expect("an encoder"), &gradients, || {
        let mut ledger = Ledger::default();
        trainer.generator_gradients(&parts, &codes, &mut ledger)?;
        let report = ledger.read()?.0;
        Ok(sum(&report, &[("info", 0.5)]))
    })
}

#[test]
fn the_conditional_discriminator_and_its_projection_descend_their_loss() -> Result<()> {
    let (trainer, parts, codes) = trainer(Method::Cgan)?;
    let gradients = trainer.discriminator_gradients(&parts, &codes, true, &mut Ledger::default())?;
    assert!(gradients.get(Projection::WEIGHT).is_some(), "the projection is trained");
    assert_directional_derivative(trainer.discriminator(), &gradients, || {
        let mut ledger = Ledger::default();
        trainer.discriminator_gradients(&parts, &codes, true, &mut ledger)?;
        let report = ledger.read()?.0;
        Ok(sum(&report, &[("d_loss", 1.0)]))
    })
}

#[test]
fn end_to_end_training_sends_the_gradients_of_both_halves_to_the_encoder() -> Result<()> {
    let mut stream = Stream::new(5, "methods");
    let (mut values, vae_values) = values(Method::IdganEndToEnd);
    // heavy enough that the encoder's share of the distillation loss shows beside the reconstruction
    values.w_info = 100.0;
    let weights = gan_weights(&values, C_DIM, &mut stream);
    let vae = initial(&VAE, &mut stream);
    let trainer = EndToEndTrainer::new(vae_values, values, 64, &vae, &weights, &Device::Cpu)?;
    let parts = [batch(&mut stream)?];
    let loss = || {
        let mut ledger = Ledger::default();
        trainer.joint_gradients(&parts, &mut ledger)?;
        let report = ledger.read()?.0;
        let terms = [("reconstruction", 1.0), ("code_kl", 2.0), ("g_loss", 1.0), ("info", 100.0)];
        Ok(sum(&report, &terms))
    };
    let (vae, generator) = trainer.joint_gradients(&parts, &mut Ledger::default())?;
    assert_directional_derivative(trainer.vae(), &vae, loss)?;
    assert_directional_derivative(trainer.generator(), &generator, loss)
}

#[test]
fn vae_gan_descends_the_bound_and_the_adversarial_loss_of_its_decoder() -> Result<()> {
    let mut stream = Stream::new(5, "methods");
    let (mut values, vae_values) = values(Method::VaeGan);
    values.w_adv = Some(50.0);
    let vae = initial(&VAE, &mut stream);
    let discriminator = initial(&values.discriminator(64), &mut stream);
    let trainer = VaeGanTrainer::new(vae_values, &values, &vae, &discriminator, &Device::Cpu)?;
    let parts = [VaeGanBatch {
        pictures: pictures()?,
        noise_c: normals(&mut stream, &[ROWS, C_DIM])?,
        prior_discriminator: normals(&mut stream, &[ROWS, C_DIM])?,
        prior_vae: normals(&mut stream, &[ROWS, C_DIM])?,
    }];
    let gradients = trainer.vae_gradients(&parts, &mut Ledger::default())?;
    assert_directional_derivative(trainer.vae(), &gradients, || {
        let mut ledger = Ledger::default();
        trainer.vae_gradients(&parts, &mut ledger)?;
        let report = ledger.read()?.0;
        Ok(sum(&report, &[("reconstruction", 1.0), ("code_kl", 2.0), ("g_loss", 50.0)]))
    })
}

/// Rows `from..from + 1` of a batch.
fn one_row(batch: &GanBatch, from: usize) -> Result<GanBatch> {
    let row = |tensor: &Tensor| tensor.narrow(0, from, 1)?.contiguous();
    Ok(GanBatch {
        pictures: row(&batch.pictures)?,
        noise_c: row(&batch.noise_c)?,
        s_discriminator: row(&batch.s_discriminator)?,
        s_generator: row(&batch.s_generator)?,
        noise_bottleneck: None,
    })
}

#[test]
fn parts_of_a_batch_add_up_to_the_whole_end_to_end() -> Result<()> {
    let mut stream = Stream::new(5, "methods");
    let (values, vae_values) = values(Method::IdganEndToEnd);
    let weights = gan_weights(&values, C_DIM, &mut stream);
    let vae = initial(&VAE, &mut stream);
    let whole = batch(&mut stream)?;
    let parts = [one_row(&whole, 0)?, one_row(&whole, 1)?];
    let step = |batch: &[GanBatch]| {
        let (vae_values, values) = (vae_values.clone(), values.clone());
        EndToEndTrainer::new(vae_values, values, 64, &vae, &weights, &Device::Cpu)?.step(batch, 0)
    };
    let (at_once, in_parts) = (step(&[whole])?, step(&parts)?);
    assert_eq!(at_once.values().len(), 7);
    for (name, value) in at_once.values() {
        let other = in_parts.get(name).expect("is reported");
        assert!((value - other).abs() < 1e-3 * value.abs().max(1e-3), "{name}: {value} against {other}");
    }
    Ok(())
}
