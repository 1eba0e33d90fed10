use crate::base::Cancel;

use super::{Metric, MetricError};

/// How far a measurement has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricProgress {
    /// What is being measured.
    pub metric: Metric,
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
}

/// Who follows a measurement and may stop it.
pub struct Watch<'a> {
    metric: Metric,
    cancel: &'a Cancel,
    progress: &'a mut dyn FnMut(MetricProgress),
}

impl<'a> Watch<'a> {
    /// Reports to `progress` until `cancel` is raised.
    pub fn new(cancel: &'a Cancel, progress: &'a mut dyn FnMut(MetricProgress)) -> Self {
        Self { metric: Metric::Fvm, cancel, progress }
    }

    /// From here on `metric` is measured.
    pub fn begin(&mut self, metric: Metric) {
        self.metric = metric;
    }

    /// What is measured.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// Reports `done` steps of `total`.
    ///
    /// # Errors
    /// [`MetricError::Cancelled`] once the flag is up.
    pub fn step(&mut self, done: usize, total: usize) -> Result<(), MetricError> {
        if self.cancel.is_cancelled() {
            return Err(MetricError::Cancelled);
        }
        (self.progress)(MetricProgress { metric: self.metric, done, total });
        Ok(())
    }

    /// The flag itself, for work that looks at it on its own.
    pub fn cancel(&self) -> &Cancel {
        self.cancel
    }
}
