/// An axis of a chart; its range follows from the points.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures, with its unit.
    pub label: String,
    /// Whether equal steps are equal factors.
    pub logarithmic: bool,
}

/// From values to pixels along one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    logarithmic: bool,
    low: f64,
    high: f64,
    from: f32,
    to: f32,
}

impl Scale {
    /// An axis over `values` from pixel `from` to `to`, with some space at both ends.
    pub(super) fn new(axis: &Axis, values: impl Iterator<Item = f64>, from: f32, to: f32) -> Self {
        let own = |value: f64| if axis.logarithmic { value.max(f64::MIN_POSITIVE).log10() } else { value };
        let usable = values.filter(|value| value.is_finite() && (!axis.logarithmic || *value > 0.0)).map(own);
        let (low, high) = usable.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let space = if high > low { 0.06 * (high - low) } else { 0.5 };
        Self { logarithmic: axis.logarithmic, low: low - space, high: high + space, from, to }
    }

    pub(super) fn at(&self, value: f64) -> f32 {
        let own = if self.logarithmic { value.max(f64::MIN_POSITIVE).log10() } else { value };
        self.from + ((own - self.low) / (self.high - self.low)) as f32 * (self.to - self.from)
    }

    /// Values with round names inside the range.
    pub(super) fn ticks(&self) -> Vec<f64> {
        if self.logarithmic {
            let decades = self.low.floor() as i32..=self.high.ceil() as i32;
            let few = self.high - self.low < 2.0;
            let factors: &[f64] = if few { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let all = decades.flat_map(|decade| factors.iter().map(move |f| f * 10f64.powi(decade)));
            return all.filter(|tick| (self.low..=self.high).contains(&tick.log10())).collect();
        }
        let rough = (self.high - self.low) / 5.0;
        let decade = 10f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].map(|f| f * decade).into_iter().find(|s| *s >= rough).unwrap_or(rough);
        let first = (self.low / step).ceil() as i64;
        (first..).map(|i| i as f64 * step).take_while(|tick| *tick <= self.high).collect()
    }
}

/// A tick's name without digits that say nothing.
pub(super) fn short(value: f64) -> String {
    let rounded = format!("{value:.4}");
    let text = rounded.trim_end_matches('0').trim_end_matches('.');
    if text.trim_start_matches('-') == "0" && value != 0.0 {
        format!("{value:e}")
    } else {
        text.replace('-', "\u{2212}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let axis = |logarithmic| Axis { label: String::new(), logarithmic };
        let linear = Scale::new(&axis(false), [0.0, 1.0].into_iter(), 0.0, 1.0);
        assert_eq!(linear.ticks().iter().map(|t| short(*t)).collect::<Vec<_>>(), ["0", "0.5", "1"]);
        let wide = Scale::new(&axis(true), [0.001, 1.0].into_iter(), 0.0, 1.0);
        assert_eq!(wide.ticks().iter().map(|t| short(*t)).collect::<Vec<_>>(), ["0.001", "0.01", "0.1", "1"]);
        let empty = Scale::new(&axis(true), std::iter::empty(), 0.0, 1.0);
        assert!(empty.at(1.0).is_finite());
    }
}
