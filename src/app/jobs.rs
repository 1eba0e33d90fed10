use super::log::About;
use super::tasks::{Task, Tasks};

/// Work at somebody's wish whose end is told in a sentence, such as writing files. What has begun is finished, also
/// when the window closes meanwhile.
#[derive(Default)]
pub(crate) struct Jobs {
    running: Vec<Job>,
}

struct Job {
    name: String,
    about: About,
    task: Task<Result<String, String>>,
}

/// Most jobs at a time.
const MOST: usize = 8;

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
        if self.running.len() >= MOST {
            return Err("too many files are being written; wait for one to finish".to_owned());
        }
        let task = tasks.start("idgan-job", ctx, move |_| work())?;
        self.running.push(Job { name: name.into(), about, task });
        Ok(())
    }

    /// What is going on.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.running.iter().map(|job| job.name.as_str())
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
    use std::time::{Duration, Instant};

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
        assert_eq!(jobs.names().collect::<Vec<_>>(), ["Adding"]);
        assert_eq!(wait(&mut jobs), Ok("done".into()));
        assert_eq!(jobs.names().count(), 0);
        jobs.start(&mut tasks, "Saving", About::Files, &ctx, || panic!("told to")).expect("starts");
        let message = wait(&mut jobs).expect_err("panicked");
        assert!(message.starts_with("Saving stopped") && message.contains("(told to)"), "{message}");
    }
}
