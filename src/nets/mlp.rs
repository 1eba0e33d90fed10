use candle_core::{Result, Tensor};

use crate::ops;

use super::{Parameter, Parameters, Weights};

/// Slope of the leaky ReLU between layers.
const SLOPE: f64 = 0.2;

/// Widths of a stack of linear layers, inputs first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MlpConfig(pub Vec<usize>);

/// Linear layers with leaky ReLUs between them: FactorVAE's discriminator (paper Table A.2).
#[derive(Clone, Debug)]
pub struct Mlp {
    layers: Vec<(Tensor, Tensor)>,
}

impl Mlp {
    /// FactorVAE's discriminator of codes `(N, c_dim)`: six hidden layers of 1000 units, two logits.
    pub fn density_ratio(c_dim: usize) -> MlpConfig {
        let mut widths = vec![c_dim];
        widths.extend([1000; 6]);
        widths.push(2);
        MlpConfig(widths)
    }

    /// Binds `layer.0`, `layer.2`, ... of `weights`; activations count as layers.
    ///
    /// # Errors
    /// When one is missing.
    pub fn new(config: &MlpConfig, weights: &Weights) -> Result<Self> {
        let layer = |i: usize| {
            Ok((
                weights.get(&format!("layer.{}.weight", 2 * i))?,
                weights.get(&format!("layer.{}.bias", 2 * i))?,
            ))
        };
        Ok(Self { layers: (0..config.0.len().saturating_sub(1)).map(layer).collect::<Result<_>>()? })
    }

    /// `(N, inputs)` to `(N, outputs)`.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for (i, (weight, bias)) in self.layers.iter().enumerate() {
            if i > 0 {
                x = ops::leaky_relu(&x, SLOPE)?;
            }
            x = ops::linear(&x, weight, Some(bias))?;
        }
        Ok(x)
    }
}

impl Parameters for MlpConfig {
    fn parameters(&self) -> Vec<Parameter> {
        let mut all = Vec::new();
        for (i, pair) in self.0.windows(2).enumerate() {
            let (fan_in, outputs) = (pair[0], pair[1]);
            all.push(Parameter {
                name: format!("layer.{}.weight", 2 * i),
                shape: vec![outputs, fan_in],
                fan_in,
            });
            all.push(Parameter { name: format!("layer.{}.bias", 2 * i), shape: vec![outputs], fan_in });
        }
        all
    }
}
