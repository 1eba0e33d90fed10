use serde::{Deserialize, Serialize};

/// A value that moves in a straight line over the first steps and then stays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "RampText", into = "RampText")]
pub struct Ramp {
    /// Value at step 0.
    pub from: f64,
    /// Value from step `over` on.
    pub to: f64,
    /// Steps the way takes.
    pub over: u64,
}

/// A ramp in TOML: a plain number, or `{ from, to, over }`.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number, or { from = A, to = B, over = STEPS }")]
enum RampText {
    Constant(f64),
    Line(Line),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    from: f64,
    to: f64,
    over: u64,
}

impl From<RampText> for Ramp {
    fn from(text: RampText) -> Self {
        match text {
            RampText::Constant(value) => Self::constant(value),
            RampText::Line(Line { to, over: 0, .. }) => Self::constant(to),
            RampText::Line(Line { from, to, over }) => Self { from, to, over },
        }
    }
}

impl From<Ramp> for RampText {
    fn from(ramp: Ramp) -> Self {
        match ramp {
            Ramp { to, over: 0, .. } => Self::Constant(to),
            Ramp { from, to, over } => Self::Line(Line { from, to, over }),
        }
    }
}

impl Ramp {
    /// The same value at every step.
    pub fn constant(value: f64) -> Self {
        Self { from: value, to: value, over: 0 }
    }

    /// The value at `step`, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        if step >= self.over {
            return self.to;
        }
        self.from + (self.to - self.from) * step as f64 / self.over as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_a_line_and_then_a_constant() {
        let ramp = Ramp { from: 30.0, to: 4.0, over: 100 };
        assert_eq!([ramp.at(0), ramp.at(50), ramp.at(100), ramp.at(5000)], [30.0, 17.0, 4.0, 4.0]);
        assert_eq!(Ramp::constant(8.0).at(0), 8.0);
    }

    #[test]
    fn a_ramp_reads_as_a_number_or_as_a_table() {
        #[derive(Deserialize, Serialize, PartialEq, Debug)]
        struct Holder {
            beta: Ramp,
        }
        let read = |text: &str| toml::from_str::<Holder>(text).map(|h| h.beta);
        assert_eq!(read("beta = 8.0").ok(), Some(Ramp::constant(8.0)));
        let line = read("beta = { from = 30.0, to = 4.0, over = 12000 }").ok();
        assert_eq!(line, Some(Ramp { from: 30.0, to: 4.0, over: 12000 }));
        assert_eq!(read("beta = { from = 30.0, to = 4.0, over = 0 }").ok(), Some(Ramp::constant(4.0)));
        assert!(read("beta = { from = 1.0, to = 4.0, over = 1, by = 2 }").is_err());
        let error = read("beta = 'fast'").expect_err("no number").to_string();
        assert!(error.contains("a number, or { from"), "{error}");
        let written = toml::to_string(&Holder { beta: Ramp::constant(2.0) }).ok();
        assert_eq!(written.as_deref(), Some("beta = 2.0\n"));
    }
}
