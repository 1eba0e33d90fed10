//! Files that the published code of IB-GAN and OOGAN loads.

use std::path::{Path, PathBuf};

use crate::base::{Array, Arrays, Stream};
use crate::graph::{Graph, Parameter, Role};
use crate::model::{DISCRIMINATOR, EMITTER, GENERATOR, Model, READER};
use crate::nets::{IbGanConfig, OoganConfig, OoganKind, OoganPart, Parameters};

use super::CheckpointError;
use super::contents::{DISCRIMINATOR_RATE, GAN_ITERATION, GENERATOR_RATE};
use super::export_parts::{iteration, optimiser, rate, rmsprop_settings, state_dict};
use super::pickle::{Object, write_torch};

/// Codes that a file of IB-GAN keeps to draw the same pictures of again.
const FIXED: usize = 100;
/// The momentum of IB-GAN's optimisers.
const MOMENTUM: f64 = 0.9;
/// Their learning rates on dSprites: of generator, emitter and reader, and of the discriminator.
const RATES: [f64; 2] = [5e-5, 1e-6];

/// Writes an IB-GAN into `folder`, named by its iteration as the published code does. Optimisers are fresh, with the published
/// settings and the learning rates that the description knows; the codes that the file keeps for sample grids are drawn.
///
/// # Errors
/// When it lacks one of the four networks, or the file cannot be written.
pub(super) fn ib_gan(folder: &Path, model: &Model, config: IbGanConfig) -> Result<PathBuf, CheckpointError> {
    require(model, &[EMITTER, GENERATOR, READER, DISCRIMINATOR], "IB-GAN")?;
    let graphs = vec![config.emitter_graph(), config.generator_graph()];
    let critic = vec![config.critic_graph()];
    let generating = state_dict("", &graphs, model.group(GENERATOR))?;
    let judging = state_dict("", &critic, model.group(DISCRIMINATOR))?;
    let [fixed_r, fixed_z] = [("r", config.r_dim), ("z", config.z_dim)].map(|(name, dims)| {
        let mut codes = Array::zeros([FIXED, dims]);
        let values = Stream::new(0, name).normals(FIXED * dims);
        codes.data_mut().copy_from_slice(&values);
        codes
    });
    // The emitter; then the generator and the reader. The discriminator's has what both share.
    let is_readers = |parameter: &Parameter| parameter.name.starts_with("encoder.");
    let learnt = |graphs: &Vec<Graph>| graphs.parameters().into_iter().filter(is_learnt).collect::<Vec<_>>();
    let (emitter, both, judges) = (learnt(&vec![config.emitter_graph()]), learnt(&graphs), learnt(&critic));
    let readers = judges.iter().filter(|parameter| is_readers(parameter)).count();
    let groups = [emitter.len(), both.len() - emitter.len() + readers];
    let settings = |key, published| rmsprop_settings(rate(model, key, published), Object::Float(MOMENTUM));
    let steps = iteration(model, GAN_ITERATION);
    let number = |size: usize| Object::Int(size as i64);
    let object = Object::dict([
        ("iter", Object::Int(steps)),
        ("z_dim", number(config.z_dim)),
        ("r_dim", number(config.r_dim)),
        ("fixed_r", Object::Tensor(&fixed_r)),
        ("fixed_z", Object::Tensor(&fixed_z)),
        ("stat_dict", Object::Dict(Vec::new())),
        ("accurate_stat_dict", Object::Dict(Vec::new())),
        (
            "model_states",
            Object::dict([
                ("nc", number(config.channels)),
                ("ngf", number(config.generator_width)),
                ("ndf", number(config.discriminator_width)),
                ("G", generating),
                ("DR", judging),
            ]),
        ),
        (
            "optim_states",
            Object::dict([
                ("GR_optim", optimiser(&groups, &settings(GENERATOR_RATE, RATES[0]))),
                ("D_optim", optimiser(&[judges.len() - readers], &settings(DISCRIMINATOR_RATE, RATES[1]))),
            ]),
        ),
    ]);
    let path = folder.join(steps.to_string());
    write_torch(&path, &object)?;
    Ok(path)
}

/// Writes an OOGAN into `folder`, named by its iteration as the published code does: one state dict. What that keeps and never
/// uses is zero, and weights that it normalises spectrally are kept such that nothing is left to normalise.
///
/// # Errors
/// When it lacks one of the three networks, or the file cannot be written.
pub(super) fn oogan(folder: &Path, model: &Model, config: OoganConfig) -> Result<PathBuf, CheckpointError> {
    require(model, &[GENERATOR, READER, DISCRIMINATOR], "OOGAN")?;
    let mut entries: Vec<(String, Array)> = Vec::new();
    if let (OoganKind::Oogan, Some([small, large])) = (config.input, config.first_maps()) {
        entries.push(("generator.init_block.init_noise".into(), Array::zeros([1, small, 4, 4])));
        if config.z_dim > 0 {
            let name = "generator.init_block.attn_from_c.instance_attention";
            entries.push((name.into(), Array::zeros([1, large, 64])));
        }
    }
    for (group, graph, parts) in [
        (GENERATOR, config.generator_graph(), &[OoganPart::Generator][..]),
        (DISCRIMINATOR, config.critic_graph(), &[OoganPart::Discriminator, OoganPart::Reader]),
    ] {
        let split: Vec<String> = parts.iter().flat_map(|&part| config.spectral_layers(part)).collect();
        for Parameter { name, .. } in vec![graph].parameters() {
            let array = found(model.group(group), &name)?;
            match name.strip_suffix(".weight").filter(|layer| split.iter().any(|other| other == layer)) {
                Some(_) => {
                    let [u, v] = directions(array);
                    let part = |ending: &str, array| (format!("{group}.{name}{ending}"), array);
                    entries.extend([part("_orig", array.clone()), part("_u", u), part("_v", v)]);
                }
                None => entries.push((format!("{group}.{name}"), array.clone())),
            }
        }
    }
    let object = entries.iter().map(|(name, array)| (Object::text(name), Object::Tensor(array))).collect();
    let path = folder.join(format!("{}.pth", iteration(model, GAN_ITERATION)));
    write_torch(&path, &Object::Ordered(object))?;
    Ok(path)
}

/// Checks that the model has all that a published file has.
fn require(model: &Model, networks: &[&str], method: &str) -> Result<(), CheckpointError> {
    match networks.iter().find(|name| !model.description.networks.contains_key(**name)) {
        Some(missing) => Err(CheckpointError::Request(format!(
            "the published code of {method} loads all of its networks at once, and this model has no {missing}; bundles hold any"
        ))),
        None => Ok(()),
    }
}

fn found<'a>(arrays: &'a Arrays, name: &str) -> Result<&'a Array, CheckpointError> {
    arrays.get(name).ok_or_else(|| CheckpointError::Request(format!("the model has no tensor `{name}`")))
}

fn is_learnt(parameter: &Parameter) -> bool {
    !matches!(parameter.role, Role::RunningMean | Role::RunningVariance)
}

/// `u` and `v` such that `u . W v` is 1: the directions in which the matrix `W`, of as many rows as the weight has outputs, is
/// largest, after a few power steps, `u` divided by how large it is.
fn directions(weight: &Array) -> [Array; 2] {
    const STEPS: usize = 50;
    let rows = weight.shape().first().copied().unwrap_or(1).max(1);
    let columns = weight.len() / rows;
    let at = |row: usize, column: usize| f64::from(weight.data()[row * columns + column]);
    let mut u = vec![1.0 / (rows as f64).sqrt(); rows];
    let mut v = vec![0.0; columns];
    for _ in 0..STEPS {
        v = (0..columns).map(|column| (0..rows).map(|row| at(row, column) * u[row]).sum()).collect();
        normalise(&mut v);
        u = (0..rows).map(|row| (0..columns).map(|column| at(row, column) * v[column]).sum()).collect();
        normalise(&mut u);
    }
    let sigma: f64 = (0..rows)
        .map(|row| u[row] * (0..columns).map(|column| at(row, column) * v[column]).sum::<f64>())
        .sum();
    u.iter_mut().for_each(|value| *value /= if sigma > 0.0 { sigma } else { 1.0 });
    [u, v].map(|values| {
        let mut array = Array::zeros([values.len()]);
        array.data_mut().iter_mut().zip(values).for_each(|(place, value)| *place = value as f32);
        array
    })
}

fn normalise(values: &mut [f64]) {
    let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    if norm > 0.0 {
        values.iter_mut().for_each(|value| *value /= norm);
    }
}
