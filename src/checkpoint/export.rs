//! The way back: files that the published PyTorch code loads.

use std::path::{Path, PathBuf};

use crate::base::FileError;
use crate::model::{DISCRIMINATOR, GENERATOR, Model, VAE};
use crate::nets::Parameters;

use super::CheckpointError;
use super::bundle::check_networks;
use super::contents::{DISCRIMINATOR_RATE, GAN_ITERATION, GENERATOR_RATE, VAE_ITERATION, VAE_RATE};
use super::export_methods;
use super::export_parts::{adam_settings, iteration, optimiser, rate, rmsprop_settings, state_dict};
use super::pickle::{Object, write_torch};

/// Name of the VAE's file, as the published script names its newest one.
pub const VAE_FILE: &str = "last";
/// Name of the GAN's file.
pub const GAN_FILE: &str = "model.pt";

/// The learning rate of ID-GAN's optimisers, as it is published.
const PUBLISHED_RATE: f64 = 1e-4;

/// Writes the networks of `model` into `folder` (made if need be) as the published code saves them: ID-GAN's VAE as `last`, its
/// generator and discriminator as `model.pt`, an IB-GAN as its iteration and an OOGAN as its iteration with `.pth`. Returns the
/// files written.
///
/// A bundle keeps one generator, the moving average; it is written as `generator` and as `generator_test`.
/// Optimisers are written fresh: with the published settings and the learning rates that the description knows, without
/// state. An encoder without a decoder is no VAE
/// that the published code knows, and is left out.
///
/// # Errors
/// When the model has no network or contradicts its description, or a file cannot be written.
pub fn export_torch(folder: &Path, model: &Model) -> Result<Vec<PathBuf>, CheckpointError> {
    let description = &model.description;
    let of_method = description.ibgan_config().is_some() || description.oogan_config().is_some();
    let vae = description.decoder().filter(|config| description.encoder() == Some(*config));
    if vae.is_none()
        && description.generator().is_none()
        && description.discriminator().is_none()
        && !of_method
    {
        return Err(CheckpointError::Request(
            "the model has no network that published code loads; bundles and ONNX files hold any".into(),
        ));
    }
    check_networks(model).map_err(CheckpointError::Request)?;
    std::fs::create_dir_all(folder).map_err(|error| FileError::new(error, folder))?;
    if let Some(config) = description.ibgan_config() {
        return Ok(vec![export_methods::ib_gan(folder, model, config)?]);
    }
    if let Some(config) = description.oogan_config() {
        return Ok(vec![export_methods::oogan(folder, model, config)?]);
    }
    let mut written = Vec::new();
    if let Some(config) = vae {
        let (c_dim, channels) = (config.c_dim as i64, config.channels as i64);
        let net = state_dict("", &config, model.group(VAE))?;
        let object = Object::dict([
            ("iter", Object::Int(iteration(model, VAE_ITERATION))),
            (
                "model_states",
                Object::dict([("net", net), ("c_dim", Object::Int(c_dim)), ("nc", Object::Int(channels))]),
            ),
            (
                "optim_states",
                Object::dict([(
                    "optim",
                    optimiser(
                        &[config.parameters().len()],
                        &adam_settings(rate(model, VAE_RATE, PUBLISHED_RATE)),
                    ),
                )]),
            ),
        ]);
        written.push(folder.join(VAE_FILE));
        write_torch(&folder.join(VAE_FILE), &object)?;
    }
    let mut entries = vec![("it", Object::Int(iteration(model, GAN_ITERATION)))];
    if let Some(config) = description.generator() {
        let state = state_dict("module.", &config, model.group(GENERATOR))?;
        entries.push(("generator", state.clone()));
        entries.push(("generator_test", state));
        let settings = rmsprop_settings(rate(model, GENERATOR_RATE, PUBLISHED_RATE), Object::Int(0));
        entries.push(("g_optimizer", optimiser(&[config.parameters().len()], &settings)));
    }
    if let Some(config) = description.discriminator() {
        let state = state_dict("module.", &config, model.group(DISCRIMINATOR))?;
        entries.push(("discriminator", state));
        let settings = rmsprop_settings(rate(model, DISCRIMINATOR_RATE, PUBLISHED_RATE), Object::Int(0));
        entries.push(("d_optimizer", optimiser(&[config.parameters().len()], &settings)));
    }
    if entries.len() > 1 {
        written.push(folder.join(GAN_FILE));
        write_torch(&folder.join(GAN_FILE), &Object::dict(entries))?;
    }
    Ok(written)
}
