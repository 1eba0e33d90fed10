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

impl PixelRange {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unit, Self::Signed, Self::Logits];

    /// What the command line and notes in files call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Signed => "signed",
            Self::Logits => "logits",
        }
    }

    /// What it is, for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Unit => "numbers from 0 to 1",
            Self::Signed => "numbers from -1 to 1",
            Self::Logits => "logits",
        }
    }
}
