//! What the PyTorch files of every method are made of: state dicts, and optimisers that have not moved yet.

use serde_json::Value as Json;

use crate::base::Arrays;
use crate::model::Model;
use crate::nets::Parameters;

use super::CheckpointError;
use super::pickle::Object;

/// The state dict of a network, in the order in which PyTorch lists its parameters.
pub(super) fn state_dict<'a>(
    prefix: &str,
    network: &impl Parameters,
    arrays: &'a Arrays,
) -> Result<Object<'a>, CheckpointError> {
    let entry = |name: String| match arrays.get(&name) {
        Some(array) => Ok((Object::text(format!("{prefix}{name}")), Object::Tensor(array))),
        None => Err(CheckpointError::Request(format!("the model has no tensor `{name}`"))),
    };
    let entries = network.parameters().into_iter().map(|parameter| entry(parameter.name));
    Ok(Object::Ordered(entries.collect::<Result<_, _>>()?))
}

/// What the trainer or the imported file said about its progress, 0 where it said nothing.
pub(super) fn iteration(model: &Model, key: &str) -> i64 {
    model.description.training.get(key).and_then(Json::as_i64).unwrap_or(0)
}

/// The learning rate that an optimiser had last, the published one where nobody said.
pub(super) fn rate(model: &Model, key: &str, published: f64) -> f64 {
    model.description.training.get(key).and_then(Json::as_f64).unwrap_or(published)
}

/// The VAE's published settings of Adam.
pub(super) fn adam_settings(rate: f64) -> Vec<(&'static str, Object<'static>)> {
    vec![
        ("lr", Object::Float(rate)),
        ("betas", Object::Tuple(vec![Object::Float(0.9), Object::Float(0.999)])),
        ("eps", Object::Float(1e-8)),
        ("weight_decay", Object::Int(0)),
        ("amsgrad", Object::Bool(false)),
    ]
}

/// The published settings of RMSprop, which GANs are trained with.
pub(super) fn rmsprop_settings(rate: f64, momentum: Object<'static>) -> Vec<(&'static str, Object<'static>)> {
    vec![
        ("lr", Object::Float(rate)),
        ("momentum", momentum),
        ("alpha", Object::Float(0.99)),
        ("eps", Object::Float(1e-8)),
        ("centered", Object::Bool(false)),
        ("weight_decay", Object::Int(0)),
    ]
}

/// A fresh optimiser over groups of so many parameters, with the same settings for all.
pub(super) fn optimiser(groups: &[usize], settings: &[(&'static str, Object<'static>)]) -> Object<'static> {
    let mut next = 0;
    let group = |&parameters: &usize| {
        let numbers = (next..next + parameters).map(|number| Object::Int(number as i64)).collect();
        next += parameters;
        Object::dict(settings.iter().cloned().chain([("params", Object::List(numbers))]))
    };
    let groups = Object::List(groups.iter().map(group).collect());
    Object::dict([("state", Object::Dict(Vec::new())), ("param_groups", groups)])
}
