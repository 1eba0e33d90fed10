use crate::base::{Arrays, Stream};
use crate::graph::Role;
use crate::nets::Parameters;
use crate::nets::initialise::{initialise, normal};

use super::VaeConfig;

impl VaeConfig {
    /// He initialisation (He et al. 2015): weights N(0, 2 / fan_in), biases zero, and the weights of the encoder's last layer a
    /// tenth of that, so that the code starts near its prior. A transposed convolution's fan_in is its inputs times its taps
    /// over its stride squared.
    pub fn initialise_he(&self, stream: &mut Stream) -> Arrays {
        let encoder = self.encoder_graph().parameters();
        let last =
            encoder.iter().rfind(|parameter| parameter.role == Role::Weight).map(|last| last.name.clone());
        initialise(self.parameters(), |parameter, length| {
            let gain = if last.as_ref() == Some(&parameter.name) { 0.1 } else { 1.0 };
            normal(parameter, gain * (2.0 / parameter.summed.max(1) as f32).sqrt(), length, stream)
        })
    }
}
