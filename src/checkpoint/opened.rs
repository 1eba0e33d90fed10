use crate::base::PixelRange;
use crate::model::Model;

/// A model that was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The model.
    pub model: Model,
    /// What its user should know, in sentences.
    pub warnings: Vec<String>,
    /// What the files do not say, and nobody has said either.
    pub unsaid: Unsaid,
}

/// What is open about a model, as its files do not say it and nobody has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsaid {
    /// What was taken for the range of its pictures.
    pub range: Option<RangeGuess>,
    /// Whether nobody knows which data it was trained on; false where nothing reads pictures, for which it would matter.
    pub data: bool,
}

/// A guess at which numbers of a model's pictures stand for black and white.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeGuess {
    /// What was taken.
    pub range: PixelRange,
    /// Why: `a tanh comes last`.
    pub why: String,
    /// What else it may be.
    pub others: Vec<PixelRange>,
}

impl Opened {
    /// What its user should know: the warnings, and what was guessed.
    pub fn said(&self) -> Vec<String> {
        self.warnings.iter().cloned().chain(self.unsaid.range.as_ref().map(RangeGuess::warning)).collect()
    }
}

impl RangeGuess {
    /// That it is a guess, and how to say otherwise.
    pub fn warning(&self) -> String {
        let Self { range, why, .. } = self;
        format!("its pictures are taken for {}, since {why}; say otherwise by --pixels", range.in_words())
    }
}
