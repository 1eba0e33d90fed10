use crate::data::Range;

use super::check::ConfigError;
use super::gan::GanTraining;
use super::method::Method;
use super::vae::VaeTraining;

/// What a section is checked together with.
#[derive(Clone, Copy, Debug)]
pub(in crate::training) struct Whole {
    /// What is trained and how.
    pub(in crate::training) method: Method,
    /// Picture height and width.
    pub(in crate::training) size: usize,
    /// Pictures a step.
    pub(in crate::training) batch: usize,
    /// Parts that a batch is computed in.
    pub(in crate::training) accumulate: usize,
}

/// What a run asks of its method's section of the configuration, whatever the method.
pub(in crate::training) trait Section {
    /// Picture channels.
    fn channels(&self) -> usize;

    /// The values that pictures have.
    fn range(&self) -> Range {
        Range::Signed
    }

    /// Whether real pictures are mirrored at random.
    fn flips(&self) -> bool {
        false
    }

    /// Whether U(0, 1)/128 is added to real pictures.
    fn dequantises(&self) -> bool {
        false
    }

    /// Checks its values.
    ///
    /// # Errors
    /// A sentence naming the value and what would be accepted.
    fn check(&self, _whole: Whole) -> Result<(), ConfigError> {
        Ok(())
    }

    /// The learning rates that change from step to step, under the names of the log, at `step`, counted from 0.
    fn learning_rates(&self, _step: u64) -> Vec<(&'static str, f64)> {
        Vec::new()
    }
}

impl Section for VaeTraining {
    fn channels(&self) -> usize {
        self.channels
    }

    fn range(&self) -> Range {
        Range::Unit
    }
}

impl Section for GanTraining {
    fn channels(&self) -> usize {
        self.channels
    }

    fn flips(&self) -> bool {
        self.flip
    }

    fn dequantises(&self) -> bool {
        self.dequantise
    }

    fn learning_rates(&self, step: u64) -> Vec<(&'static str, f64)> {
        vec![
            ("rate_generator", self.generator_rate(step)),
            ("rate_discriminator", self.discriminator_rate(step)),
        ]
    }
}
