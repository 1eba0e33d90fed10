use serde::{Deserialize, Serialize};

/// Which numbers of a picture stand for black and white.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PixelRange {
    /// 0 is black, 1 is white.
    Unit,
    /// -1 is black, 1 is white, as tanh gives.
    Signed,
    /// The sigmoid of them is in [0, 1].
    Logits,
}
