use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::app::log::Severity;
use crate::app::tasks::{Task, Tasks};
use crate::app::words::in_window;
use crate::base::Cancel;
use crate::data::OpenOptions;
use crate::engine::Training;
use crate::inference::Place;
use crate::training::{Control, End, Session, TrainConfig, TrainEvent};

/// A run, and what is shown of it. Dropping it stops the run after its step and saves, and waits for neither.
pub(crate) struct Run {
    pub(crate) folder: PathBuf,
    control: Arc<Control>,
    preparation: Cancel,
    news: Arc<Mutex<News>>,
    /// Steps between two sample grids.
    pub(crate) sample_every: u64,
    task: Task<()>,
}

/// What a run has told so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    pub(crate) step: u64,
    pub(crate) steps: u64,
    pub(crate) pictures_per_second: f64,
    pub(crate) seconds_left: f64,
    /// What the newest step has found, under its names.
    pub(crate) values: Vec<(String, f64)>,
    /// What is being prepared before the first step.
    pub(crate) preparing: String,
    /// Step of the newest checkpoint.
    pub(crate) saved: Option<u64>,
    /// How it ended, once it has.
    pub(crate) end: Option<Result<End, String>>,
    told: Vec<(Severity, String)>,
}

/// The window is told of news at most this often.
const REPAINT: Duration = Duration::from_millis(100);

/// Most messages that wait to be read.
const TOLD: usize = 64;

impl Run {
    /// Starts a run with `config` in `folder`, or goes on with the one there when there is no `config`, on so many threads and
    /// where it is said.
    pub(crate) fn start(
        folder: &Path,
        config: Option<TrainConfig>,
        (threads, place): (usize, Place),
        tasks: &mut Tasks,
        ctx: &egui::Context,
    ) -> Result<Self, String> {
        let news = Arc::new(Mutex::new(News::default()));
        let preparation = Cancel::new();
        let sample_every = config.as_ref().map_or(1000, |config| config.sample_every);
        let told = Arc::clone(&news);
        let progress = move |progress: crate::data::PreparationProgress<'_>| {
            let text = format!("{} {} of {}", progress.what, progress.done, progress.total);
            lock(&told).preparing = text;
        };
        let data = OpenOptions {
            threads,
            progress: Some(Arc::new(progress)),
            cancel: preparation.clone(),
            ..OpenOptions::default()
        };
        let path = folder.to_owned();
        let training = Training::spawn_behind(threads, place, data, move |machine| match config {
            Some(config) => Session::start(&path, config, machine),
            None => Session::resume(&path, None, machine),
        })
        .map_err(|error| error.to_string())?;
        let control = Arc::clone(training.control());
        let follower = Follower { news: Arc::clone(&news), ctx: ctx.clone(), shown: Instant::now() };
        let task = tasks.start("idgan-run", ctx, move |_| follower.follow(training))?;
        Ok(Self { folder: folder.to_owned(), control, preparation, news, sample_every, task })
    }

    /// What can be asked of the run.
    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    /// What the run has told so far.
    pub(crate) fn news(&self) -> News {
        lock(&self.news).clone()
    }

    /// Finishes the step, saves and ends.
    pub(crate) fn stop(&self) {
        self.preparation.cancel();
        self.control.set_paused(false);
        self.control.stop();
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&self) -> bool {
        lock(&self.news).end.is_some()
    }

    /// Whether there is something to open.
    pub(crate) fn has_checkpoint(&self) -> bool {
        lock(&self.news).saved.is_some()
    }

    /// What a person should read of what has happened since.
    pub(crate) fn receive(&mut self) -> Vec<(Severity, String)> {
        if let Some(Err(panic)) = self.task.take().filter(|_| !self.is_over()) {
            // Nobody follows the run any more, so it must not go on unseen.
            self.stop();
            let text = format!("the run is followed no more, by a fault of the program ({panic}); resume it");
            let mut news = lock(&self.news);
            news.told.push((Severity::Error, text.clone()));
            news.end = Some(Err(text));
        }
        std::mem::take(&mut lock(&self.news).told)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Folds what a run tells into what is shown, whether or not the window is being drawn. Curves and sample grids are read from
/// the run's folder, as those of any other run.
struct Follower {
    news: Arc<Mutex<News>>,
    ctx: egui::Context,
    /// When the window was drawn anew last.
    shown: Instant,
}

impl Follower {
    fn follow(mut self, training: Training) {
        for event in training.events() {
            self.take(event);
            if self.shown.elapsed() > REPAINT {
                self.ctx.request_repaint();
                self.shown = Instant::now();
            }
        }
        let end = training.join().map_err(|error| in_window(&error.to_string()));
        let text = match &end {
            Ok(End::Finished) => (Severity::Info, "Training has finished".to_owned()),
            Ok(End::Stopped) => (Severity::Info, "Training was stopped and saved".to_owned()),
            Err(message) => (Severity::Error, message.clone()),
        };
        let mut news = lock(&self.news);
        news.told.push(text);
        news.end = Some(end);
        drop(news);
        self.ctx.request_repaint();
    }

    fn take(&mut self, event: TrainEvent) {
        let mut news = lock(&self.news);
        match event {
            TrainEvent::Started { step, steps } => {
                (news.step, news.steps) = (step, steps);
                // A resumed run can be explored as it was left.
                news.saved = (step > 0).then_some(step);
                news.preparing.clear();
            }
            TrainEvent::Step { step, report, pictures_per_second, seconds_left } => {
                news.step = step;
                news.pictures_per_second = pictures_per_second;
                news.seconds_left = seconds_left;
                report.values().clone_into(&mut news.values);
            }
            TrainEvent::Saved { step, .. } => news.saved = Some(step),
            TrainEvent::Sampled { .. } => {}
            TrainEvent::Warning(text) => {
                if news.told.len() < TOLD {
                    news.told.push((Severity::Warning, text));
                }
            }
        }
    }
}

/// Locks `news` whatever became of its last holder: it is only ever shown.
fn lock(news: &Mutex<News>) -> MutexGuard<'_, News> {
    news.lock().unwrap_or_else(PoisonError::into_inner)
}
