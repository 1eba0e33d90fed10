use crate::graph::{Graph, Linear, Operation, Shape, Value};

use super::graph::fully;
use super::{IaeConditioning, IaeConfig, IaeLayout};

impl IaeConfig {
    /// From a picture and z to a logit: whether they belong together.
    pub fn pair_discriminator_graph(&self) -> Graph {
        let mut graph = Graph::default();
        let picture = graph.input(Shape::Map(self.picture_shape()));
        let z = graph.input(Shape::Row(self.z_dim));
        let added = match self.conditioning {
            IaeConditioning::ByChannel => {
                let row = graph.linear(z, Linear::new("condition", self.z_dim, self.width));
                graph.reshape(row, Shape::Map([self.width, 1, 1]))
            }
            IaeConditioning::ByPlace => {
                let (units, side) = (self.units / 2, self.size / 2);
                let mut row = graph.linear(z, Linear::new("condition.0", self.z_dim, units));
                row = graph.relu(row);
                row = graph.linear(row, Linear::new("condition.1", units, side * side));
                graph.reshape(row, Shape::Map([1, side, side]))
            }
        };
        self.judged(graph, picture, Some(added))
    }

    /// From a picture to a logit.
    pub fn picture_discriminator_graph(&self) -> Graph {
        let mut graph = Graph::default();
        let picture = graph.input(Shape::Map(self.picture_shape()));
        self.judged(graph, picture, None)
    }

    /// From z to a logit.
    pub fn code_discriminator_graph(&self) -> Graph {
        let mut graph = Graph::default();
        let mut row = graph.input(Shape::Row(self.z_dim));
        let mut length = self.z_dim;
        for number in 0..2 {
            row = graph.linear(row, Linear::new(format!("fc.{number}"), length, self.units));
            row = graph.relu(row);
            length = self.units;
        }
        let logit = graph.linear(row, Linear::new("logit", length, 1));
        graph.give(logit);
        graph
    }

    fn judged(&self, mut graph: Graph, picture: Value, added: Option<Value>) -> Graph {
        let (x, mut length) = self.halved(&mut graph, picture, added);
        let mut row = graph.apply(Operation::Reshape(Shape::Row(length)), &[x]);
        if self.layout == IaeLayout::Linear {
            row = fully(&mut graph, row, "fc.0", length, self.hidden);
            length = self.hidden;
        }
        let logit = graph.linear(row, Linear::new("logit", length, 1));
        graph.give(logit);
        graph
    }
}
