use candle_core::{Result, Tensor};

use crate::graph::{Graph, Linear, Shape};
use crate::ops;

use super::{Parameters, Weights};

/// The name of its layer.
const LAYER: &str = "projection";

/// The sizes of a [`Projection`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectionConfig {
    /// Width of the condition c.
    pub c_dim: usize,
    /// Width of the discriminator's last feature vector.
    pub features: usize,
}

/// What makes a discriminator conditional (cGAN, paper section 5.3): a linear layer without bias from the condition
/// c to the discriminator's last feature vector, whose inner product with it is added to the logit (Miyato and
/// Koyama 2018).
///
/// Its weight is called `projection.weight` and lies beside the discriminator's.
#[derive(Clone, Debug)]
pub struct Projection {
    weight: Tensor,
}

impl Projection {
    /// Name of its one parameter.
    pub const WEIGHT: &'static str = "projection.weight";

    /// Binds `projection.weight` of `weights`, `None` where there is none.
    pub fn find(weights: &Weights) -> Option<Self> {
        weights.find(Self::WEIGHT).map(|weight| Self { weight })
    }

    /// Conditions `(N, c_dim)` to `(N, features)`.
    ///
    /// # Errors
    /// When the shape does not fit.
    pub fn forward(&self, c: &Tensor) -> Result<Tensor> {
        ops::linear(c, &self.weight, None)
    }
}

impl Parameters for ProjectionConfig {
    fn graphs(&self) -> Vec<Graph> {
        let mut graph = Graph::default();
        let condition = graph.input(Shape::Row(self.c_dim));
        let layer = Linear::new(LAYER, self.c_dim, self.features).without_bias();
        let features = graph.linear(condition, layer);
        graph.give(features);
        vec![graph]
    }
}
