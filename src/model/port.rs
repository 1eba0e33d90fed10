use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::PixelRange;

/// One thing that a network takes or gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "port", rename_all = "kebab-case")]
pub enum Port {
    /// A code block, `(N, dims)`.
    Code {
        /// Its name among the model's code blocks.
        block: String,
        /// What of the block it is.
        #[serde(rename = "is", default)]
        value: CodeValue,
    },
    /// A picture, `(N, channels, height, width)`.
    Picture {
        /// Channels (1 or 3), height and width.
        shape: [usize; 3],
        /// Which numbers stand for black and white.
        range: PixelRange,
    },
    /// Numbers without a meaning of their own, from one network to another: a trunk's features, a discriminator's
    /// logit.
    Features {
        /// How many a picture.
        width: usize,
    },
}

/// What of a code block a port carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodeValue {
    /// The code itself.
    #[default]
    Value,
    /// The mean of its posterior, which stands for the code where a network takes it.
    Mean,
    /// The log variance of its posterior.
    Logvar,
    /// Logits of a one-hot block.
    Logits,
}

impl CodeValue {
    /// The log variance of a code that is given without one: that of a standard deviation of about 1e-4.
    pub const CERTAIN: f32 = -18.0;

    /// What whoever works with such a code should know.
    pub const CERTAIN_WARNING: &str = "its encoder gives no log variance and is taken to be certain: KL divergences and samples of posteriors mean nothing";
}

impl Port {
    /// The code block `block` itself.
    pub fn code(block: impl Into<String>) -> Self {
        Self::Code { block: block.into(), value: CodeValue::Value }
    }

    /// Mean and log variance of `block`, as an encoder gives them.
    pub fn posterior(block: &str) -> Vec<Self> {
        [CodeValue::Mean, CodeValue::Logvar].map(|value| Self::Code { block: block.to_owned(), value }).into()
    }

    /// The block it carries so that a network can take it as a code: the value or the mean.
    pub fn carried_code(&self) -> Option<&str> {
        match self {
            Self::Code { block, value: CodeValue::Value | CodeValue::Mean } => Some(block),
            _ => None,
        }
    }

    /// The block that it is of, if it is one.
    pub fn block(&self) -> Option<&str> {
        match self {
            Self::Code { block, .. } => Some(block),
            _ => None,
        }
    }

    /// Channels, height and width, if it is a picture.
    pub fn picture_shape(&self) -> Option<[usize; 3]> {
        match self {
            Self::Picture { shape, .. } => Some(*shape),
            _ => None,
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { block, value: CodeValue::Value } => write!(f, "the code {block}"),
            Self::Code { block, value: CodeValue::Mean } => write!(f, "the mean of {block}"),
            Self::Code { block, value: CodeValue::Logvar } => write!(f, "the log variance of {block}"),
            Self::Code { block, value: CodeValue::Logits } => write!(f, "the logits of {block}"),
            Self::Picture { shape: [channels, height, width], .. } => {
                write!(f, "a picture of {width}x{height} pixels and {channels} channel(s)")
            }
            Self::Features { width } => write!(f, "{width} features"),
        }
    }
}
