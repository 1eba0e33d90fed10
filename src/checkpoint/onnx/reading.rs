use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::{PixelRange, option_words};

/// What files do not say about their pictures and codes: of ONNX files all of it, of VAEs of others the data, and of some the
/// range.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// The encoder's file.
    pub encoder: Option<PathBuf>,
    /// Which numbers stand for black and white; guessed from the decoder's last operation where it is left out.
    pub range: Option<PixelRange>,
    /// The encoder's result that is the mean.
    pub mean: Option<String>,
    /// The one that is the log variance.
    pub logvar: Option<String>,
    /// How a result of twice the code's width holds both.
    pub halves: Option<Halves>,
    /// The data set that the model was trained on; empty where somebody was asked and does not know.
    pub data: Option<String>,
}

impl Reading {
    /// The command line's words that say it.
    pub fn arguments(&self) -> Vec<String> {
        let halves = self.halves.map(|halves| match halves {
            Halves::Behind => "halves",
            Halves::Interleaved => "interleaved",
        });
        let words = [
            ("--encoder", self.encoder.as_ref().map(|path| path.display().to_string())),
            ("--pixels", self.range.map(|range| range.name().to_owned())),
            ("--mean", self.mean.clone()),
            ("--logvar", self.logvar.clone()),
            ("--posterior", halves.map(str::to_owned)),
            ("--trained-on", self.data.clone().filter(|data| !data.is_empty())),
        ];
        words.into_iter().filter_map(|(name, value)| Some(option_words(name, value?))).flatten().collect()
    }

    /// Whether it says something that only ONNX files leave open.
    pub(in crate::checkpoint) fn is_for_onnx(&self) -> bool {
        !Self { range: None, data: None, ..self.clone() }.is_silent()
    }

    /// Whether it says nothing.
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

/// How one row holds means and log variances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Halves {
    /// All means, then all log variances.
    Behind,
    /// A mean, its log variance, the next mean.
    Interleaved,
}

/// Whether the file at `path` is taken for an ONNX file: by its name, since the format has no mark at its start.
pub fn is_onnx(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"))
}
