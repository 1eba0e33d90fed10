use std::fmt;

use crate::formats::shorten;

/// What has to be said before an encoder can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncoderQuestion {
    /// Which of its results, by these names, is the mean, and which the log variance.
    Results(Vec<String>),
    /// How one row of this many numbers holds both.
    Halves(usize),
}

/// Names that are spoken of; files may have any number.
pub(super) const SPOKEN_OF: usize = 8;

impl fmt::Display for EncoderQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Results(names) => {
                let given = names.iter().map(|name| format!("`{}`", shorten(name)));
                let given = given.collect::<Vec<_>>().join(", ");
                write!(
                    f,
                    "it gives {given}; say which is the mean and which the log variance, by --mean and --logvar"
                )
            }
            Self::Halves(count) => write!(
                f,
                "it gives one row of {count} numbers, twice the code's: say by --posterior whether they are all means and then \
                 all log variances (halves), or one after the other (interleaved)"
            ),
        }
    }
}
