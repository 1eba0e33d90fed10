//! How far a run has come, whoever trains it.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::formats::from_toml;
use crate::training::{Logged, RunFolder};

/// What there is to know of a run from its folder.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RunFacts {
    /// Steps trained, as far as they are logged.
    pub(crate) step: u64,
    /// Steps in all; 0 where nobody knows.
    pub(crate) steps: u64,
    pub(crate) pictures_per_second: f64,
    /// At this rate; `None` where nobody knows.
    pub(crate) seconds_left: Option<f64>,
    /// Whether a process trains it at this moment.
    pub(crate) is_running: bool,
    /// The steps after which sample grids were drawn, first ones first.
    pub(crate) sampled: Vec<u64>,
}

/// The part of a configuration that says how long a run is, whatever its method and the version that wrote it.
#[derive(Deserialize)]
struct Length {
    steps: u64,
    batch: u64,
}

impl RunFacts {
    /// Of the run in `folder`, which has logged `logged`.
    pub(super) fn of(folder: &Path, logged: &Logged) -> Self {
        let config = std::fs::read_to_string(folder.join("config.toml")).ok();
        let length: Option<Length> = config.and_then(|text| from_toml(&text).ok());
        let step = logged.steps.last().map_or(0, |step| *step as u64);
        let pictures_per_second = logged.last("pictures_per_second").unwrap_or_default();
        let seconds_left = length.as_ref().filter(|_| pictures_per_second > 0.0).map(|length| {
            let pictures = length.steps.saturating_sub(step).saturating_mul(length.batch);
            pictures as f64 / pictures_per_second
        });
        Self {
            step,
            steps: length.map_or(0, |length| length.steps),
            pictures_per_second,
            seconds_left,
            is_running: RunFolder::is_in_use(folder),
            sampled: RunFolder::sampled_steps(folder),
        }
    }

    /// The same for people, in a line.
    pub(crate) fn words(&self) -> String {
        let step = match self.steps {
            0 => format!("step {}", self.step),
            steps => format!("step {} of {steps}", self.step),
        };
        match self.seconds_left.filter(|_| self.is_running) {
            Some(left) => {
                format!("{step}, {:.0} pictures/s, {} left", self.pictures_per_second, duration(left))
            }
            None => step,
        }
    }
}

/// A time for people: `3 h 20 min`, `12 min`, `40 s`.
pub(crate) fn duration(seconds: f64) -> String {
    let seconds = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, _) => format!("{m} min"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short_and_never_fail() {
        assert_eq!(duration(40.2), "40 s");
        assert_eq!(duration(725.0), "12 min");
        assert_eq!(duration(12_000.0), "3 h 20 min");
        assert!(!duration(f64::INFINITY).is_empty() && !duration(f64::NAN).is_empty());
    }

    #[test]
    fn a_run_says_what_is_known_of_it() {
        let mut facts = RunFacts { step: 40, steps: 100, pictures_per_second: 48.4, ..RunFacts::default() };
        (facts.seconds_left, facts.is_running) = (Some(725.0), true);
        assert_eq!(facts.words(), "step 40 of 100, 48 pictures/s, 12 min left");
        facts.is_running = false;
        assert_eq!(facts.words(), "step 40 of 100");
        assert_eq!(RunFacts { step: 7, ..RunFacts::default() }.words(), "step 7");
    }

    #[test]
    fn the_time_left_follows_from_speed_and_configuration() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut logged = Logged { steps: vec![20.0, 40.0], ..Logged::default() };
        assert_eq!(RunFacts::of(folder.path(), &logged).seconds_left, None);
        let config = "steps = 100\nbatch = 8\n[of-another-version]\nx = 1\n";
        std::fs::write(folder.path().join("config.toml"), config).expect("writes");
        logged.numbers = vec![("pictures_per_second".into(), vec![1.0, 48.0])];
        let grid = RunFolder::samples_at(folder.path(), 20);
        std::fs::create_dir(grid.parent().expect("a folder")).expect("makes");
        std::fs::write(grid, b"").expect("writes");
        let facts = RunFacts::of(folder.path(), &logged);
        assert_eq!((facts.step, facts.steps, facts.seconds_left), (40, 100, Some(10.0)));
        assert!(!facts.is_running && facts.sampled == [20]);
    }
}
