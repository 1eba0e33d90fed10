use std::collections::BTreeMap;

use crate::graph::{Graph, Operation, Value};

/// An operation, with the leaky ReLU on its result where that is computed along with it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) operation: Operation,
    pub(super) inputs: Vec<Value>,
    /// The activation's slope, not negative.
    pub(super) slope: Option<f64>,
    /// The operation whose result it makes: the activation, where there is one.
    pub(super) output: usize,
}

impl Step {
    /// The operations of a graph in their order.
    pub(super) fn list(graph: &Graph) -> Vec<Self> {
        let mut uses = vec![0_usize; graph.nodes().len()];
        for value in graph.nodes().iter().flat_map(|node| &node.inputs).chain(graph.outputs()) {
            uses[value.index()] += 1;
        }
        let mut steps: Vec<Self> = Vec::with_capacity(graph.nodes().len());
        for (output, node) in graph.nodes().iter().enumerate() {
            let slope = node.operation.leaky_slope().filter(|slope| *slope >= 0.0);
            if let (Some(slope), [operand]) = (slope, &node.inputs[..])
                && uses[operand.index()] == 1
                && let Some(before) = steps.iter_mut().find(|step| step.output == operand.index())
                && before.takes_an_activation()
            {
                (before.slope, before.output) = (Some(slope), output);
                continue;
            }
            let (operation, inputs) = (node.operation.clone(), node.inputs.clone());
            steps.push(Self { operation, inputs, slope: None, output });
        }
        steps
    }

    /// Steps in parts: each takes only what the one before it gives, which nothing else takes. `is_link` says which can lie so.
    /// Every part comes behind those that it takes from.
    pub(super) fn parts(
        steps: &[Self],
        outputs: &[Value],
        is_link: impl Fn(&Self) -> bool,
    ) -> Vec<Vec<Self>> {
        let mut uses = BTreeMap::<usize, usize>::new();
        for value in steps.iter().flat_map(|step| &step.inputs).chain(outputs) {
            *uses.entry(value.index()).or_default() += 1;
        }
        let mut parts: Vec<Vec<Self>> = Vec::new();
        for step in steps {
            let before = match &step.inputs[..] {
                [value] if is_link(step) && uses[&value.index()] == 1 => parts.iter_mut().find(|part| {
                    part.last().is_some_and(|last| last.output == value.index() && is_link(last))
                }),
                _ => None,
            };
            match before {
                Some(part) => part.push(step.clone()),
                None => parts.push(vec![step.clone()]),
            }
        }
        parts
    }

    /// Whether its kernels can apply an activation to their result.
    fn takes_an_activation(&self) -> bool {
        let is_one = match &self.operation {
            Operation::Convolution(conv) | Operation::TransposedConvolution(conv) => {
                conv.geometry().is_some()
            }
            Operation::BatchNorm { .. } => true,
            _ => false,
        };
        is_one && self.slope.is_none()
    }
}
