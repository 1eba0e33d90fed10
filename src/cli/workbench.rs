//! Models and their networks, as the command line names them.

use crate::checkpoint;
use crate::figures::Workbench;
use crate::inference::Purpose;
use crate::model::Model;

use super::{DeviceArgs, ModelArgs, threads, warn};

/// Opens the model that `args` name and prints its warnings.
pub(super) fn open_model(args: &ModelArgs) -> anyhow::Result<Model> {
    let opened = checkpoint::open(&args.sources()?)?;
    opened.said().iter().for_each(warn);
    Ok(opened.model)
}

/// Opens the model that `model` names, ready to run on `device`.
pub(super) fn open_workbench(model: &ModelArgs, device: &DeviceArgs) -> anyhow::Result<Workbench> {
    workbench_of(open_model(model)?, device)
}

/// Makes `model` ready to run on `device` and prints what cannot be run there.
pub(super) fn workbench_of(model: Model, device: &DeviceArgs) -> anyhow::Result<Workbench> {
    let bench = Workbench::new(model, device.open(Purpose::Pictures)?, threads())?;
    bench.networks.warnings.iter().for_each(warn);
    Ok(bench)
}

/// The command that was typed.
pub(super) fn typed_command() -> Vec<String> {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    std::iter::once("idgan".to_owned()).chain(words).collect()
}
