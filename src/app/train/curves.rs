use crate::training::StepReport;

/// Losses over steps, thinned so that however long a run is, little is kept and drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Curves {
    curves: Vec<Curve>,
}

/// One value over the steps.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curve {
    pub(crate) name: String,
    /// Step and value, each the mean of `every` neighbours.
    pub(crate) points: Vec<[f64; 2]>,
    every: u32,
    /// Sums of what will be the next point.
    open: [f64; 2],
    count: u32,
    /// The newest value.
    pub(crate) last: f64,
}

/// Most points of a curve; when they are there, neighbours are merged.
const MOST: usize = 512;

impl Curves {
    /// Adds the values of a step; those that are not finite leave a gap.
    pub(crate) fn add(&mut self, step: u64, report: &StepReport) {
        for (name, value) in report.values() {
            self.add_value(step, name, *value);
        }
    }

    /// Adds one value.
    pub(crate) fn add_value(&mut self, step: u64, name: &str, value: f64) {
        if !value.is_finite() {
            return;
        }
        let at = self.curves.iter().position(|curve| curve.name == name);
        let at = at.unwrap_or_else(|| {
            self.curves.push(Curve::new(name));
            self.curves.len() - 1
        });
        self.curves[at].add(step as f64, value);
    }

    /// Reads the log of a run folder, up to `step`.
    pub(crate) fn from_log(text: &str) -> Self {
        // Written beside the losses, but not by a step.
        const OTHERS: [&str; 6] =
            ["step", "pictures_per_second", "seconds", "dropped", "rate_generator", "rate_discriminator"];
        let mut curves = Self::default();
        for line in text.lines() {
            let Ok(line) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(line) else {
                continue;
            };
            let Some(step) = line.get("step").and_then(serde_json::Value::as_u64) else { continue };
            for (name, value) in &line {
                if let Some(value) = value.as_f64().filter(|_| !OTHERS.contains(&name.as_str())) {
                    curves.add_value(step, name, value);
                }
            }
        }
        curves
    }

    /// The curves, in the order in which their names came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Curve> {
        self.curves.iter()
    }
}

impl Curve {
    fn new(name: &str) -> Self {
        let name = name.to_owned();
        Self { name, points: Vec::new(), every: 1, open: [0.0; 2], count: 0, last: 0.0 }
    }

    fn add(&mut self, step: f64, value: f64) {
        self.last = value;
        self.open = [self.open[0] + step, self.open[1] + value];
        self.count += 1;
        if self.count < self.every {
            return;
        }
        let count = f64::from(self.count);
        self.points.push(self.open.map(|sum| sum / count));
        (self.open, self.count) = ([0.0; 2], 0);
        if self.points.len() == MOST {
            let merged = self.points.chunks(2).map(|pair| {
                let count = pair.len() as f64;
                [0, 1].map(|k| pair.iter().map(|point| point[k]).sum::<f64>() / count)
            });
            self.points = merged.collect();
            self.every *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_keeps_its_shape_in_few_points() {
        let mut curves = Curves::default();
        for step in 1..=100_000u64 {
            curves.add_value(step, "loss", step as f64 * 2.0);
        }
        curves.add_value(1, "other", f64::NAN);
        let all: Vec<&Curve> = curves.iter().collect();
        assert_eq!(all.len(), 1, "nothing finite, no curve");
        let points = &all[0].points;
        assert!((MOST / 2..MOST).contains(&points.len()), "{}", points.len());
        assert!(points.iter().all(|point| (point[1] - 2.0 * point[0]).abs() < 1e-6));
        assert!(points.windows(2).all(|pair| pair[0][0] < pair[1][0]));
        assert_eq!(all[0].last, 200_000.0);
    }

    #[test]
    fn a_log_is_read_and_what_is_cut_short_is_left_out() {
        let log = "{\"step\":20,\"kl\":1.5,\"seconds\":3.0}\n{\"step\":40,\"kl\":2.5}\n{\"st";
        let curves = Curves::from_log(log);
        let all: Vec<&Curve> = curves.iter().collect();
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].name.as_str(), &all[0].points[..]), ("kl", &[[20.0, 1.5], [40.0, 2.5]][..]));
    }
}
