use crate::base::PixelRange;
use crate::graph::{Graph, Operation};
use crate::nets::{NetworkConfig, Parameters, conv};

use super::{EncoderConfig, VaeConfig, VaeDecoderConfig, VaeEncoderConfig};

/// What the names of the encoder's layers begin with.
pub(super) const ENCODER: &str = "encoder.";
/// The same of the decoder's.
pub(super) const DECODER: &str = "decoder.";

impl VaeConfig {
    /// From a picture in [0, 1] to mean and log variance of c.
    pub fn encoder_graph(&self) -> Graph {
        let (mut graph, posterior) = conv::encoder(ENCODER, self.channels, 2 * self.c_dim);
        for start in [0, self.c_dim] {
            let half = graph.apply(Operation::slice(start, self.c_dim), &[posterior]);
            graph.give(half);
        }
        graph
    }

    /// From c to the logits of a picture.
    pub fn decoder_graph(&self) -> Graph {
        conv::decoder(DECODER, self.c_dim, self.channels)
    }
}

impl Parameters for VaeConfig {
    fn graphs(&self) -> Vec<Graph> {
        vec![self.encoder_graph(), self.decoder_graph()]
    }
}

impl NetworkConfig for VaeDecoderConfig {
    fn graph(&self) -> Graph {
        self.0.decoder_graph()
    }

    fn range(&self) -> PixelRange {
        PixelRange::Logits
    }
}

impl NetworkConfig for VaeEncoderConfig {
    fn graph(&self) -> Graph {
        self.0.encoder_graph()
    }

    fn range(&self) -> PixelRange {
        PixelRange::Unit
    }
}

impl EncoderConfig {
    /// From a picture to the last layer's outputs.
    pub fn graph(&self) -> Graph {
        let (mut graph, outputs) = conv::encoder("", self.channels, self.outputs);
        graph.give(outputs);
        graph
    }
}

impl Parameters for EncoderConfig {
    fn graphs(&self) -> Vec<Graph> {
        vec![self.graph()]
    }
}
