use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor, Var};

use crate::base::{Array, Arrays};
use crate::graph::{Parameter, check_weights};

/// One network's parameters on a device, by name; either fixed or trainable.
///
/// Networks hold clones of the tensors, which share storage with the variables: an optimiser that updates a
/// variable in place updates every network built on it.
#[derive(Clone, Debug)]
pub struct Weights {
    tensors: BTreeMap<String, Tensor>,
    vars: BTreeMap<String, Var>,
    /// What a network keeps beside its parameters; no optimiser moves them.
    buffers: BTreeMap<String, Var>,
}

impl Weights {
    /// Parameters that no gradient reaches.
    ///
    /// # Errors
    /// When the device cannot hold them.
    pub fn frozen(arrays: &Arrays, device: &Device) -> Result<Self> {
        let mut tensors = BTreeMap::new();
        for (name, array) in arrays {
            tensors.insert(name.clone(), tensor(array, device)?);
        }
        Ok(Self { tensors, vars: BTreeMap::new(), buffers: BTreeMap::new() })
    }

    /// Parameters to train; those that [`is_buffer`] tells by their names are buffers.
    ///
    /// # Errors
    /// When the device cannot hold them.
    pub fn trainable(arrays: &Arrays, device: &Device) -> Result<Self> {
        let mut weights = Self { tensors: BTreeMap::new(), vars: BTreeMap::new(), buffers: BTreeMap::new() };
        for (name, array) in arrays {
            let var = Var::from_tensor(&tensor(array, device)?)?;
            if is_buffer(name) {
                weights.tensors.insert(name.clone(), var.as_detached_tensor());
                weights.buffers.insert(name.clone(), var);
            } else {
                weights.tensors.insert(name.clone(), var.as_tensor().clone());
                weights.vars.insert(name.clone(), var);
            }
        }
        Ok(weights)
    }

    /// The same parameters, sharing storage, but out of reach of gradients: a network built on them follows the
    /// training of these and costs no backward pass of its own. Buffers are the same ones.
    pub fn frozen_view(&self) -> Self {
        let detach = |(name, tensor): (&String, &Tensor)| (name.clone(), tensor.detach());
        Self {
            tensors: self.tensors.iter().map(detach).collect(),
            vars: BTreeMap::new(),
            buffers: self.buffers.clone(),
        }
    }

    /// Those of these whose names `keep` takes: the same variables and buffers.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        let mut some = self.clone();
        some.tensors.retain(|name, _| keep(name));
        some.vars.retain(|name, _| keep(name));
        some.buffers.retain(|name, _| keep(name));
        some
    }

    /// These and `others`, which have other names.
    #[must_use]
    pub fn joined(&self, others: &Self) -> Self {
        let mut all = self.clone();
        all.tensors.extend(others.tensors.clone());
        all.vars.extend(others.vars.clone());
        all.buffers.extend(others.buffers.clone());
        all
    }

    /// Overwrites the values of every trainable parameter and of every buffer.
    ///
    /// # Errors
    /// When `arrays` lacks one or has another shape for it.
    pub fn assign(&self, arrays: &Arrays) -> Result<()> {
        for (name, var) in self.vars.iter().chain(&self.buffers) {
            match arrays.get(name) {
                Some(array) if array.shape() == var.dims() => var.set(&tensor(array, var.device())?)?,
                Some(array) => {
                    candle_core::bail!("{name} has shape {:?}, expected {:?}", array.shape(), var.dims())
                }
                None => candle_core::bail!("{name} is missing"),
            }
        }
        Ok(())
    }

    /// The parameter called `name`.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, name: &str) -> Result<Tensor> {
        self.tensors
            .get(name)
            .cloned()
            .ok_or_else(|| candle_core::Error::Msg(format!("the network has no parameter called {name}")))
    }

    /// The parameter called `name`, if there is one.
    pub fn find(&self, name: &str) -> Option<Tensor> {
        self.tensors.get(name).cloned()
    }

    /// The trainable parameters in name order.
    pub fn vars(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.vars.iter().map(|(name, var)| (name.as_str(), var))
    }

    /// The buffers in name order.
    pub fn buffers(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.buffers.iter().map(|(name, var)| (name.as_str(), var))
    }

    /// The buffer called `name`.
    ///
    /// # Errors
    /// When there is none.
    pub fn buffer(&self, name: &str) -> Result<&Var> {
        let found = self.buffers.get(name);
        found.ok_or_else(|| candle_core::Error::Msg(format!("the network has no buffer called {name}")))
    }

    /// A copy of the values.
    ///
    /// # Errors
    /// When the device fails.
    pub fn to_arrays(&self) -> Result<Arrays> {
        let mut arrays = Arrays::new();
        for (name, tensor) in &self.tensors {
            let data = tensor.flatten_all()?.to_vec1::<f32>()?;
            let array = Array::new(tensor.dims(), data).ok_or_else(|| {
                candle_core::Error::Msg(format!("{name} changed its size while it was read"))
            })?;
            arrays.insert(name.clone(), array);
        }
        Ok(arrays)
    }
}

/// Whether `name` is that of a buffer: the statistics that batch normalisation has seen, the vectors of spectral
/// normalisation.
pub fn is_buffer(name: &str) -> bool {
    ["running_mean", "running_var", "weight_u", "weight_v"]
        .iter()
        .any(|ending| name.strip_suffix(ending).is_some_and(|start| start.is_empty() || start.ends_with('.')))
}

fn tensor(array: &Array, device: &Device) -> Result<Tensor> {
    Tensor::from_slice(array.data(), array.shape(), device)
}

/// Checks that `arrays` are exactly the `parameters` of a network.
///
/// # Errors
/// A sentence naming the first parameter that is missing, has another shape (both are given) or is unknown.
pub fn check_parameters(arrays: &Arrays, parameters: &[Parameter]) -> std::result::Result<(), String> {
    check_weights(arrays, parameters).map_err(|error| error.to_string())?;
    match arrays.keys().find(|name| parameters.iter().all(|p| p.name != **name)) {
        Some(extra) => Err(format!("{extra} does not belong to this architecture")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Stream;
    use crate::nets::{Parameters, VaeConfig};

    #[test]
    fn missing_misshapen_and_unknown_parameters_are_named() {
        let config = VaeConfig { channels: 1, c_dim: 2 };
        let good = config.initialise_uniform(&mut Stream::new(1, "weights"));
        let check = |arrays: &Arrays| check_parameters(arrays, &config.parameters());
        assert_eq!(check(&good), Ok(()));

        let mut missing = good.clone();
        missing.remove("encoder.layer.2.bias");
        assert!(check(&missing).is_err_and(|e| e.contains("encoder.layer.2.bias is missing")));

        let mut misshapen = good.clone();
        misshapen.insert("decoder.layer.0.weight".into(), Array::zeros([2, 256]));
        assert!(check(&misshapen).is_err_and(|e| e.contains("[2, 256], expected [256, 2]")));

        let mut extra = good;
        extra.insert("encoder.layer.99.weight".into(), Array::zeros([1]));
        assert!(check(&extra).is_err_and(|e| e.starts_with("encoder.layer.99.weight")));
    }

    #[test]
    fn buffers_are_kept_beside_the_parameters() -> Result<()> {
        let array = |value: f32| Array::new([1], vec![value]).expect("fits");
        let arrays = Arrays::from([
            ("bn.weight".to_string(), array(1.0)),
            ("bn.running_mean".to_string(), array(2.0)),
        ]);
        let weights = Weights::trainable(&arrays, &Device::Cpu)?;
        assert_eq!(weights.vars().map(|(name, _)| name).collect::<Vec<_>>(), ["bn.weight"]);
        let view = weights.frozen_view();
        view.buffer("bn.running_mean")?.set(&Tensor::new(&[5f32], &Device::Cpu)?)?;
        assert_eq!(weights.to_arrays()?["bn.running_mean"].data(), [5.0]);
        weights.assign(&arrays)?;
        assert_eq!(view.get("bn.running_mean")?.to_vec1::<f32>()?, [2.0]);
        assert!(weights.buffer("bn.weight").is_err() && !is_buffer("weight_unit"));
        let some = weights.only(|name| name.ends_with("mean"));
        some.buffer("bn.running_mean")?.set(&Tensor::new(&[7f32], &Device::Cpu)?)?;
        assert_eq!(view.get("bn.running_mean")?.to_vec1::<f32>()?, [7.0]);
        assert!(some.vars().next().is_none() && some.find("bn.weight").is_none());
        Ok(())
    }

    #[test]
    fn updating_a_variable_updates_the_tensor_that_networks_hold() -> Result<()> {
        let arrays = Arrays::from([("w".to_string(), Array::zeros([2]))]);
        let weights = Weights::trainable(&arrays, &Device::Cpu)?;
        let held = weights.get("w")?;
        for (_, var) in weights.vars() {
            var.set(&Tensor::new(&[1f32, 2.0], &Device::Cpu)?)?;
        }
        assert_eq!(held.to_vec1::<f32>()?, [1.0, 2.0]);
        Ok(())
    }
}
