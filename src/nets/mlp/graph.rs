use crate::graph::{Graph, Linear, Shape};
use crate::nets::Parameters;

use super::MlpConfig;

/// Slope of the leaky ReLU between layers.
pub(super) const SLOPE: f64 = 0.2;

/// The name of layer `i`, counted from 0; in the published sequential activations count as layers.
pub(super) fn layer(i: usize) -> String {
    format!("layer.{}", 2 * i)
}

impl MlpConfig {
    /// From the first width's numbers to the last one's.
    pub fn graph(&self) -> Graph {
        let mut graph = Graph::default();
        let mut x = graph.input(Shape::Row(self.0.first().copied().unwrap_or(0)));
        for (i, pair) in self.0.windows(2).enumerate() {
            if i > 0 {
                x = graph.leaky_relu(x, SLOPE);
            }
            x = graph.linear(x, Linear::new(layer(i), pair[0], pair[1]));
        }
        graph.give(x);
        graph
    }
}

impl Parameters for MlpConfig {
    fn graphs(&self) -> Vec<Graph> {
        vec![self.graph()]
    }
}
