use candle_core::{Result, Tensor};

use crate::nets::Weights;
use crate::ops;

use super::MlpConfig;
use super::graph::{SLOPE, layer};

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
        MlpConfig { widths }
    }

    /// Binds `layer.0`, `layer.2`, ... of `weights`; activations count as layers.
    ///
    /// # Errors
    /// When one is missing.
    pub fn new(config: &MlpConfig, weights: &Weights) -> Result<Self> {
        let bind = |i: usize| {
            let name = layer(i);
            Ok((weights.get(&format!("{name}.weight"))?, weights.get(&format!("{name}.bias"))?))
        };
        Ok(Self { layers: (0..config.widths.len().saturating_sub(1)).map(bind).collect::<Result<_>>()? })
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
