//! One folder a method, behind one trait for the session: its step, its noise, its model and its state.

pub mod cycle;
pub mod end_to_end;
pub mod gan;
pub mod iae;
pub mod ibgan;
mod method;
pub mod oogan;
mod shared;
mod start;
pub mod vae;
pub mod vae_gan;

use candle_core::Device;

use crate::model::{Model, Stats};
use crate::training::state::{RunProgress, State};
use crate::training::{Family, Method, TrainConfig, TrainError, note_training};

pub(in crate::training) use method::{Inputs, Normals, Second, TrainMethod};

/// Fresh weights for `config`; methods that distil a VAE open it.
pub(in crate::training) fn new_method(
    config: &TrainConfig,
    data: &str,
    device: &Device,
) -> Result<Box<dyn TrainMethod>, TrainError> {
    Ok(match (config.method.family(), config.method) {
        (Family::Vae, _) => Box::new(vae::VaeMethod::start(config, data, device)?),
        (Family::Gan, Method::IdganEndToEnd) => {
            Box::new(end_to_end::EndToEndMethod::start(config, data, device)?)
        }
        (Family::Gan, Method::VaeGan) => Box::new(vae_gan::VaeGanMethod::start(config, data, device)?),
        (Family::Gan, _) => Box::new(gan::GanMethod::start(config, data, device)?),
        (Family::Ibgan, _) => Box::new(ibgan::IbGanMethod::start(config, data, device)?),
        (Family::Oogan, _) => Box::new(oogan::OoganMethod::start(config, data, device)?),
        (Family::Iae, Method::CycleIae) => Box::new(cycle::CycleMethod::start(config, data, device)?),
        (Family::Iae, _) => Box::new(iae::IaeMethod::start(config, data, device)?),
    })
}

/// Fresh weights for `config`, which need not name a VAE: a method that distils one gets one of `c_dim` dimensions
/// with random weights. For measuring, not for training.
pub(in crate::training) fn bench_method(
    config: &TrainConfig,
    c_dim: usize,
    device: &Device,
) -> Result<Box<dyn TrainMethod>, TrainError> {
    match config.method.takes_a_vae() {
        true => Ok(Box::new(gan::GanMethod::bench(config, c_dim, device)?)),
        false => new_method(config, &config.data, device),
    }
}

/// The method that goes on from `state`, which must hold the networks that `config` describes.
pub(in crate::training) fn restored_method(
    config: &TrainConfig,
    data: &str,
    state: &State,
    device: &Device,
) -> Result<Box<dyn TrainMethod>, TrainError> {
    let method: Box<dyn TrainMethod> = match (config.method.family(), config.method) {
        (Family::Vae, _) => Box::new(vae::VaeMethod::restore(config, data, state, device)?),
        (Family::Gan, Method::IdganEndToEnd) => {
            Box::new(end_to_end::EndToEndMethod::restore(config, data, state, device)?)
        }
        (Family::Gan, Method::VaeGan) => {
            Box::new(vae_gan::VaeGanMethod::restore(config, data, state, device)?)
        }
        (Family::Gan, _) => Box::new(gan::GanMethod::restore(config, data, state, device)?),
        (Family::Ibgan, _) => Box::new(ibgan::IbGanMethod::restore(config, data, state, device)?),
        (Family::Oogan, _) => Box::new(oogan::OoganMethod::restore(config, data, state, device)?),
        (Family::Iae, Method::CycleIae) => {
            Box::new(cycle::CycleMethod::restore(config, data, state, device)?)
        }
        (Family::Iae, _) => Box::new(iae::IaeMethod::restore(config, data, state, device)?),
    };
    let (wanted, saved) = (method.model(None)?.description, &state.model.description);
    if wanted.networks != saved.networks {
        return Err(TrainError::Mismatch(
            "its networks are not those of config.toml; put back the values it was started with, or start a new run"
                .into(),
        ));
    }
    Ok(method)
}

/// The model of a method as it stands, with where it comes from.
pub(in crate::training) fn model_of(
    method: &dyn TrainMethod,
    config: &TrainConfig,
    progress: &RunProgress,
    stats: Option<Stats>,
) -> Result<Model, TrainError> {
    let mut model = method.model(stats)?;
    let description = &mut model.description;
    let text = |value: &str| serde_json::Value::String(value.to_owned());
    description.name = if config.preset.is_empty() { "untitled".into() } else { config.preset.clone() };
    description.training.insert("steps".into(), progress.step.into());
    description.training.insert("seconds".into(), progress.seconds.round().into());
    description.training.insert("dropped_steps".into(), progress.dropped.into());
    description.provenance.insert("program".into(), text(concat!("idgan ", env!("CARGO_PKG_VERSION"))));
    if !progress.drawing.is_first() {
        let drawing = serde_json::to_value(progress.drawing).unwrap_or_default();
        description.provenance.insert("drawing".into(), drawing);
    }
    let effective = serde_json::to_value(config).unwrap_or_default();
    description.provenance.insert("config".into(), effective);
    note_training(description);
    Ok(model)
}
