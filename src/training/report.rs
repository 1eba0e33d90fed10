/// What one training step found, in the order in which it is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepReport {
    values: Vec<(String, f64)>,
    per_dimension: Vec<(String, Vec<f64>)>,
    /// The first loss or gradient that was not a finite number; the step then changed nothing.
    pub not_finite: Option<String>,
}

impl StepReport {
    /// Adds `value` under `name`; values of one name are summed, so that parts of a batch add up.
    pub fn add(&mut self, name: &str, value: f64) {
        match self.values.iter_mut().find(|(own, _)| own == name) {
            Some((_, sum)) => *sum += value,
            None => self.values.push((name.to_owned(), value)),
        }
    }

    /// Adds `values`, one for each dimension of a code, under `name`; those of one name are summed, so that parts of a batch
    /// add up.
    pub fn add_each(&mut self, name: &str, values: impl IntoIterator<Item = f64>) {
        match self.per_dimension.iter_mut().find(|(own, _)| own == name) {
            Some((_, sums)) => sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value),
            None => self.per_dimension.push((name.to_owned(), values.into_iter().collect())),
        }
    }

    /// The value called `name`.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(own, _)| own == name).map(|(_, value)| *value)
    }

    /// Every value in order.
    pub fn values(&self) -> &[(String, f64)] {
        &self.values
    }

    /// What there is a value of for each dimension of a code, in order.
    pub fn per_dimension(&self) -> &[(String, Vec<f64>)] {
        &self.per_dimension
    }

    /// Notes `name` as the first thing that is not finite, if `value` is not.
    pub(crate) fn check(&mut self, name: &str, value: f64) {
        if !value.is_finite() && self.not_finite.is_none() {
            self.not_finite = Some(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_and_the_first_bad_value_is_named() {
        let mut report = StepReport::default();
        report.add("loss", 1.0);
        report.add("loss", 2.0);
        report.add_each("kl", [1.0, 0.5]);
        report.add_each("kl", [1.0, 0.25]);
        assert_eq!(report.per_dimension(), [("kl".to_owned(), vec![2.0, 0.75])]);
        report.check("loss", 3.0);
        assert_eq!((report.get("loss"), report.not_finite.clone()), (Some(3.0), None));
        report.check("first", f64::NAN);
        report.check("second", f64::INFINITY);
        assert_eq!(report.not_finite.as_deref(), Some("first"));
    }
}
