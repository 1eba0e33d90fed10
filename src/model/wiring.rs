//! How the networks of a chain are connected, which follows from their ports.

use super::{Chain, ModelDescription, Network, Port};

/// Where an input of a network comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// [`Wiring::takes`] with this number.
    Outside(usize),
    /// Output number `output` of an earlier step.
    Step {
        /// The step, from 0.
        step: usize,
        /// Which of its outputs.
        output: usize,
    },
}

/// A chain whose ports have found each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Wiring<'a> {
    /// The networks, in order, each with where its inputs come from.
    pub steps: Vec<(&'a Network, Vec<Feed>)>,
    /// What the chain takes from outside, in the order in which its networks ask for it: codes and at most one picture.
    pub takes: Vec<&'a Port>,
}

impl<'a> Wiring<'a> {
    /// What the last network gives.
    pub fn gives(&self) -> &'a [Port] {
        self.steps.last().map_or(&[], |(network, _)| network.outputs.as_slice())
    }

    /// The blocks taken from outside, in order.
    pub fn codes(&self) -> Vec<&'a str> {
        self.takes.iter().filter_map(|port| port.carried_code()).collect()
    }

    /// Channels, height and width of the picture that it makes, if it makes one.
    pub fn picture_given(&self) -> Option<[usize; 3]> {
        self.gives().iter().find_map(Port::picture_shape)
    }

    /// Channels, height and width of the picture that it takes, if it takes one.
    pub fn picture_taken(&self) -> Option<[usize; 3]> {
        self.takes.iter().find_map(|port| port.picture_shape())
    }

    /// The first block that it infers, if it infers one.
    pub fn code_given(&self) -> Option<&'a str> {
        self.gives().iter().find_map(Port::block)
    }
}

impl ModelDescription {
    /// Connects the networks of `chain`: a code comes from the nearest step before that gives its value or mean, a
    /// picture and features from the step right before, and what no step gives comes from outside.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn wiring(&self, chain: &Chain) -> Result<Wiring<'_>, String> {
        let name = &chain.name;
        let mut wiring = Wiring { steps: Vec::new(), takes: Vec::new() };
        for (i, step) in chain.steps.iter().enumerate() {
            let (step, network) = self
                .networks
                .get_key_value(step)
                .ok_or_else(|| format!("its chain {name} runs a network `{step}` that it does not have"))?;
            let feeds = network.inputs.iter().map(|port| match wiring.find(port) {
                Some(found) => fits(found.1, port)
                    .then_some(found.0)
                    .ok_or_else(|| format!("in its chain {name}, {step} takes {port} after {}", found.1)),
                None if matches!(port, Port::Features { .. })
                    || (i > 0 && port.picture_shape().is_some()) =>
                {
                    Err(format!("in its chain {name}, {step} takes {port}, which nothing before it gives"))
                }
                None => Ok(wiring.outside(port)),
            });
            let feeds = feeds.collect::<Result<Vec<_>, String>>()?;
            if i > 0 && !feeds.iter().any(|feed| matches!(feed, Feed::Step { .. })) {
                return Err(format!("in its chain {name}, {step} takes nothing of what comes before it"));
            }
            wiring.steps.push((network, feeds));
        }
        match wiring.steps.is_empty() {
            true => Err(format!("its chain {name} has no steps")),
            false => Ok(wiring),
        }
    }
}

/// Whether what `given` carries can be taken as `port`; the numbers of a picture are brought into the range asked for.
fn fits(given: &Port, port: &Port) -> bool {
    match (given, port) {
        (Port::Picture { shape: given, .. }, Port::Picture { shape, .. }) => given == shape,
        (Port::Features { width: given }, Port::Features { width }) => given == width,
        _ => given.carried_code().is_some() && given.carried_code() == port.carried_code(),
    }
}

impl<'a> Wiring<'a> {
    /// The output of an earlier step that `port` is connected with.
    fn find(&self, port: &Port) -> Option<(Feed, &'a Port)> {
        let nearest = self.steps.iter().enumerate().rev();
        let (reach, is_same): (usize, fn(&Port, &Port) -> bool) = match port {
            Port::Code { .. } => (usize::MAX, |given, port| given.carried_code() == port.carried_code()),
            Port::Picture { .. } => (1, |given, _| given.picture_shape().is_some()),
            Port::Features { .. } => (1, |given, _| matches!(given, Port::Features { .. })),
        };
        nearest.take(reach).find_map(|(step, (network, _))| {
            let mut outputs = network.outputs.iter().enumerate();
            let (output, given) = outputs.find(|(_, given)| is_same(given, port))?;
            Some((Feed::Step { step, output }, given))
        })
    }

    /// The number of `port` among what comes from outside, where it is put if it is not there.
    fn outside(&mut self, port: &'a Port) -> Feed {
        let there = self.takes.iter().position(|other| fits(other, port));
        Feed::Outside(there.unwrap_or_else(|| {
            self.takes.push(port);
            self.takes.len() - 1
        }))
    }
}
