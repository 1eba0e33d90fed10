use serde::{Deserialize, Serialize};

use crate::base::PixelRange;
use crate::graph::{Graph, Shape};

use super::NetworkConfig;

/// Any network, operation by operation: what comes from other programs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnyGraph {
    /// What it computes.
    pub graph: Graph,
    /// Which numbers of the picture that it takes or gives stand for black and white.
    pub range: PixelRange,
}

impl NetworkConfig for AnyGraph {
    fn graph(&self) -> Graph {
        self.graph.clone()
    }

    fn range(&self) -> PixelRange {
        self.range
    }

    fn check(&self) -> Result<(), String> {
        let given = self.graph.output_shapes().map_err(|error| format!("cannot be computed: {error}"))?;
        let inputs = self.graph.inputs().count();
        let pictures = given.iter().filter(|shape| matches!(shape, Shape::Map(_))).count();
        match (inputs, pictures) {
            (1, 0 | 1) => Ok(()),
            _ => Err(format!("has {inputs} inputs and gives {pictures} pictures")),
        }
    }
}
