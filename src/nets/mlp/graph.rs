use crate::base::PixelRange;
use crate::graph::{Graph, Linear, Shape};
use crate::nets::{NetworkConfig, Parameters};

use super::MlpConfig;

/// Slope of the leaky ReLU between layers.
pub(super) const SLOPE: f64 = 0.2;

/// Most units of a layer.
const MOST_WIDTH: usize = 1 << 16;
/// Most linear layers.
const MOST_LAYERS: usize = 64;

/// The name of layer `i`, counted from 0; in the published sequential activations count as layers.
pub(super) fn layer(i: usize) -> String {
    format!("layer.{}", 2 * i)
}

impl MlpConfig {
    /// From the first width's numbers to the last one's.
    pub fn graph(&self) -> Graph {
        let mut graph = Graph::default();
        let mut x = graph.input(Shape::Row(self.widths.first().copied().unwrap_or(0)));
        for (i, pair) in self.widths.windows(2).enumerate() {
            if i > 0 {
                x = graph.leaky_relu(x, SLOPE);
            }
            x = graph.linear(x, Linear::new(layer(i), pair[0], pair[1]));
        }
        graph.give(x);
        graph
    }
}

impl NetworkConfig for MlpConfig {
    fn graph(&self) -> Graph {
        self.graph()
    }

    fn range(&self) -> PixelRange {
        PixelRange::Unit
    }

    fn check(&self) -> Result<(), String> {
        let is_sound = (2..=MOST_LAYERS).contains(&self.widths.len())
            && self.widths.iter().all(|width| (1..=MOST_WIDTH).contains(width));
        if is_sound { Ok(()) } else { Err("has impossible widths".into()) }
    }
}

impl Parameters for MlpConfig {
    fn graphs(&self) -> Vec<Graph> {
        vec![self.graph()]
    }
}
