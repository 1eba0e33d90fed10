use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::log::About;
use super::tasks::{Task, Tasks};
use crate::base::Cancel;
use crate::figures::Observer;

/// Work at somebody's wish whose end is told in a sentence, such as writing files. What has begun is finished, also
/// when the window closes meanwhile; only long jobs can be stopped, and stop then.
#[derive(Default)]
pub(crate) struct Jobs {
    running: Vec<Job>,
}

/// Work that goes on.
pub(crate) struct Job {
    name: String,
    about: About,
    task: Task<Result<String, String>>,
    /// How far it is, where it can be stopped.
    progress: Option<JobProgress>,
}

/// How far a long job is. Clones share it.
#[derive(Clone)]
pub(crate) struct JobProgress {
    /// Pictures drawn, and pictures to draw.
    counts: Arc<[AtomicUsize; 2]>,
    ctx: egui::Context,
}

/// Most jobs at a time.
const MOST: usize = 8;

impl JobProgress {
    fn new(ctx: &egui::Context) -> Self {
        Self { counts: Arc::default(), ctx: ctx.clone() }
    }
}

impl Observer for JobProgress {
    /// Nothing: what there is to know about the model was told when it was opened.
    fn warn(&mut self, _sentence: &str) {}

    fn progress(&mut self, done: usize, of: usize) {
        self.counts[0].store(done, Ordering::Relaxed);
        self.counts[1].store(of, Ordering::Relaxed);
        self.ctx.request_repaint_after(Duration::from_millis(200));
    }
}

impl Job {
    /// What it does, and how far it is, for people.
    pub(crate) fn status(&self) -> String {
        let load = |progress: &JobProgress| [0, 1].map(|at| progress.counts[at].load(Ordering::Relaxed));
        match self.progress.as_ref().map(load) {
            Some([done, of]) if of > 0 => format!("{}… {done} of {of} pictures", self.name),
            _ => format!("{}…", self.name),
        }
    }

    /// Whether it can be stopped.
    pub(crate) fn can_stop(&self) -> bool {
        self.progress.is_some()
    }

    /// Asks it to end; what it has begun to write goes with it.
    pub(crate) fn stop(&self) {
        self.task.cancel();
    }
}

impl Jobs {
    /// Starts `work`, which answers with what to tell the person. `name` says what is going on, `about` what its end
    /// is about.
    ///
    /// # Errors
    /// When too much is going on already or the system refuses a thread.
    pub(crate) fn start(
        &mut self,
        tasks: &mut Tasks,
        name: impl Into<String>,
        about: About,
        ctx: &egui::Context,
        work: impl FnOnce() -> Result<String, String> + Send + 'static,
    ) -> Result<(), String> {
        self.start_with(tasks, name.into(), about, None, ctx, move |_| work())
    }

    /// As [`Jobs::start`], for work that takes a while: it can be stopped, and says how far it is.
    ///
    /// # Errors
    /// As [`Jobs::start`].
    pub(crate) fn start_long(
        &mut self,
        tasks: &mut Tasks,
        name: impl Into<String>,
        about: About,
        ctx: &egui::Context,
        work: impl FnOnce(&Cancel, &JobProgress) -> Result<String, String> + Send + 'static,
    ) -> Result<(), String> {
        let progress = JobProgress::new(ctx);
        let told = progress.clone();
        self.start_with(tasks, name.into(), about, Some(progress), ctx, move |cancel| work(cancel, &told))
    }

    fn start_with(
        &mut self,
        tasks: &mut Tasks,
        name: String,
        about: About,
        progress: Option<JobProgress>,
        ctx: &egui::Context,
        work: impl FnOnce(&Cancel) -> Result<String, String> + Send + 'static,
    ) -> Result<(), String> {
        if self.running.len() >= MOST {
            return Err("too many files are being written; wait for one to finish".to_owned());
        }
        let task = tasks.start("idgan-job", ctx, work)?;
        self.running.push(Job { name, about, task, progress });
        Ok(())
    }

    /// What is going on.
    pub(crate) fn running(&self) -> &[Job] {
        &self.running
    }

    /// Answers that have arrived, and what they are about.
    pub(crate) fn take_answers(&mut self) -> Vec<(About, Result<String, String>)> {
        let mut answers = Vec::new();
        self.running.retain(|job| {
            let Some(answer) = job.task.take() else { return true };
            let answer = answer.unwrap_or_else(|panic| {
                Err(format!("{} stopped by a fault of the program ({panic}); try again", job.name))
            });
            answers.push((job.about, answer));
            false
        });
        answers
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn wait(jobs: &mut Jobs) -> Result<String, String> {
        let start = Instant::now();
        loop {
            if let Some((About::Files, answer)) = jobs.take_answers().pop() {
                return answer;
            }
            assert!(start.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn jobs_answer_and_panics_are_errors() {
        let (mut jobs, mut tasks, ctx) = (Jobs::default(), Tasks::default(), egui::Context::default());
        jobs.start(&mut tasks, "Adding", About::Files, &ctx, || Ok("done".into())).expect("starts");
        assert_eq!(jobs.running().iter().map(Job::status).collect::<Vec<_>>(), ["Adding…"]);
        assert!(!jobs.running()[0].can_stop());
        assert_eq!(wait(&mut jobs), Ok("done".into()));
        assert!(jobs.running().is_empty());
        jobs.start(&mut tasks, "Saving", About::Files, &ctx, || panic!("told to")).expect("starts");
        let message = wait(&mut jobs).expect_err("panicked");
        assert!(message.starts_with("Saving stopped") && message.contains("(told to)"), "{message}");
    }

    #[test]
    fn a_long_job_says_how_far_it_is_and_can_be_stopped() {
        let (mut jobs, mut tasks, ctx) = (Jobs::default(), Tasks::default(), egui::Context::default());
        let work = |cancel: &Cancel, progress: &JobProgress| {
            progress.clone().progress(3, 70);
            while !cancel.is_cancelled() {
                std::thread::park_timeout(Duration::from_secs(60));
            }
            Ok("stopped".to_owned())
        };
        jobs.start_long(&mut tasks, "Exporting", About::Files, &ctx, work).expect("starts");
        let start = Instant::now();
        while jobs.running()[0].status() != "Exporting… 3 of 70 pictures" {
            assert!(start.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(jobs.running()[0].can_stop());
        jobs.running()[0].stop();
        assert_eq!(wait(&mut jobs), Ok("stopped".into()));
    }
}
