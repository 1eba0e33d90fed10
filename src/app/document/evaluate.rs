//! What is measured, and what came of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::app::tasks::Task;
use crate::metrics::{Evaluation, Metric};

/// What is measured, and on what.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EvaluateSettings {
    /// Whether a metric is measured.
    pub(crate) chosen: BTreeMap<Metric, bool>,
    /// Data set specification.
    pub(crate) data: String,
    /// Pictures behind each value; 0 for the published number of each metric.
    pub(crate) samples: u32,
    pub(crate) seed: u64,
    /// The file of the network that describes pictures for FID; empty for the program's own.
    pub(crate) network: String,
}

/// Measuring the open model with the metrics of the paper.
#[derive(Default)]
pub(crate) struct EvaluateState {
    pub(crate) settings: EvaluateSettings,
    pub(crate) results: Option<Evaluation>,
    pub(crate) running: Option<Running>,
}

impl Default for EvaluateSettings {
    fn default() -> Self {
        let quick = |metric: Metric| {
            !Self::is_further(metric)
                && !metric.compares_pictures()
                && !metric.is_slow()
                && !matches!(
                    metric,
                    Metric::Tc
                        | Metric::Information
                        | Metric::Bottleneck
                        | Metric::OneHotL1
                        | Metric::UniformL1
                        | Metric::Cosine
                )
        };
        Self {
            chosen: Metric::ALL.into_iter().map(|metric| (metric, quick(metric))).collect(),
            data: String::new(),
            samples: 0,
            seed: 0,
            network: String::new(),
        }
    }
}

/// A measurement that is going on. Dropping it ends it.
pub(crate) struct Running {
    pub(crate) model_id: u64,
    /// What has been told so far.
    pub(crate) news: Arc<Mutex<News>>,
    pub(crate) task: Task<()>,
}

#[derive(Default)]
pub(crate) struct News {
    /// What is being measured, how many were before it, and how many there are.
    pub(crate) at: Option<(Metric, usize, usize)>,
    pub(crate) results: Vec<Evaluation>,
    pub(crate) errors: Vec<String>,
}

impl EvaluateSettings {
    /// Whether a metric stands among the further ones, which are folded away: what other papers report of codes.
    pub(crate) fn is_further(metric: Metric) -> bool {
        use Metric::{Active, Correlation, Fvm, GaussianTc, Kl, Mig, Tc};
        metric.is_of_codes() && !matches!(metric, Fvm | Mig | Correlation | Kl | Active | Tc | GaussianTc)
    }
}

impl EvaluateState {
    /// What is being measured, how many were before it, and how many there are.
    pub(crate) fn progress(&self) -> Option<(Metric, usize, usize)> {
        lock(&self.running.as_ref()?.news).at
    }

    /// Whether something is being measured.
    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Ends the measurement; what is finished stays.
    pub(crate) fn cancel(&self) {
        if let Some(running) = &self.running {
            running.task.cancel();
        }
    }
}

pub(crate) fn lock(news: &Mutex<News>) -> MutexGuard<'_, News> {
    news.lock().unwrap_or_else(PoisonError::into_inner)
}
