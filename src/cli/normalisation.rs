//! Statistics of batch normalisation, gathered anew.

use anyhow::Context;

use crate::base::{Arrays, Cancel, Pool};
use crate::explore::draw_all;
use crate::graph::{Graph, Operation};
use crate::inference::{Purpose, gather_normalisation};
use crate::model::Model;

use super::{DeviceArgs, TerminalProgress, threads};

/// Batches that statistics are averaged over.
const BATCHES: usize = 100;
/// Codes in each.
const BATCH: usize = 64;

/// Replaces the running statistics of the network that draws the main picture by those on codes drawn from their distributions;
/// says how many layers they are of.
pub(super) fn gather_anew(model: &mut Model, seed: u64, device: &DeviceArgs) -> anyhow::Result<usize> {
    let description = &model.description;
    let chain = description.render.first().context("this model draws nothing")?;
    let steps: Vec<_> = chain.steps.iter().filter_map(|step| description.networks.get(step)).collect();
    let [network] = steps[..] else {
        anyhow::bail!(
            "its main picture is drawn by {} networks, one after the other; only one's statistics can be gathered",
            steps.len()
        );
    };
    let graph = network.architecture.graph().context("this idgan does not know the network that draws")?;
    let layers = normalisations(&graph);
    if layers == 0 {
        anyhow::bail!(
            "the network that draws has no batch normalisation, so there are no statistics to gather"
        );
    }
    let (group, name) = (network.weights.clone(), chain.name.clone());
    let codes = draw_all(description, BATCHES * BATCH, seed, None).input(description, &name)?;
    let width = codes.len() / (BATCHES * BATCH);
    let bar = TerminalProgress::new("batches", BATCHES);
    let batches = codes.data().chunks(BATCH * width).map(|batch| {
        bar.add(1);
        batch.to_vec()
    });
    let pool = Pool::new("stats", threads()).context("cannot start threads")?;
    let computer = device.open(Purpose::Pictures)?;
    // Ctrl+C ends the program; nothing has been written yet.
    let gathered =
        gather_normalisation(&graph, model.group(&group), batches, &computer, &pool, &Cancel::new())?;
    replace(model, &group, gathered.unwrap_or_default());
    Ok(layers)
}

fn normalisations(graph: &Graph) -> usize {
    graph.nodes().iter().filter(|node| matches!(node.operation, Operation::BatchNorm { .. })).count()
}

/// Puts arrays in place of those of a group with the same names.
fn replace(model: &mut Model, group: &str, arrays: Arrays) {
    if let Some(weights) = model.weights.get_mut(group) {
        weights.extend(arrays);
    }
}
