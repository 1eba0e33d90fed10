use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam::channel::{Receiver, TryRecvError, bounded};

/// Work that the UI thread must not wait for, such as writing files; each on a named thread of its own.
#[derive(Default)]
pub(crate) struct Jobs {
    running: Vec<Job>,
}

struct Job {
    name: String,
    answer: Receiver<Result<String, String>>,
}

/// Most jobs at a time.
const MOST: usize = 8;

impl Jobs {
    /// Starts `work`, which answers with what to tell the person. `name` says what is going on.
    ///
    /// # Errors
    /// When too much is going on already or the system refuses a thread.
    pub(crate) fn start(
        &mut self,
        name: impl Into<String>,
        ctx: egui::Context,
        work: impl FnOnce() -> Result<String, String> + Send + 'static,
    ) -> Result<(), String> {
        if self.running.len() >= MOST {
            return Err("too many files are being written; wait for one to finish".to_owned());
        }
        let name = name.into();
        let (sender, answer) = bounded(1);
        let body = move || {
            let answer = catch_unwind(AssertUnwindSafe(work))
                .unwrap_or_else(|_| Err("this stopped unexpectedly; nothing was written".to_owned()));
            let _ = sender.try_send(answer); // The window may have closed.
            ctx.request_repaint();
        };
        std::thread::Builder::new()
            .name("idgan-job".to_owned())
            .spawn(body)
            .map_err(|error| format!("the system refuses to start a thread: {error}"))?;
        self.running.push(Job { name, answer });
        Ok(())
    }

    /// What is going on.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.running.iter().map(|job| job.name.as_str())
    }

    /// Answers that have arrived.
    pub(crate) fn take_answers(&mut self) -> Vec<Result<String, String>> {
        let mut answers = Vec::new();
        self.running.retain(|job| match job.answer.try_recv() {
            Ok(answer) => {
                answers.push(answer);
                false
            }
            Err(TryRecvError::Empty) => true,
            Err(TryRecvError::Disconnected) => false,
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
            if let Some(answer) = jobs.take_answers().pop() {
                return answer;
            }
            assert!(start.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn jobs_answer_and_panics_are_errors() {
        let mut jobs = Jobs::default();
        jobs.start("add", egui::Context::default(), || Ok("done".into())).expect("starts");
        assert_eq!(jobs.names().collect::<Vec<_>>(), ["add"]);
        assert_eq!(wait(&mut jobs), Ok("done".into()));
        assert_eq!(jobs.names().count(), 0);
        jobs.start("panic", egui::Context::default(), || panic!("told to")).expect("starts");
        assert!(wait(&mut jobs).is_err_and(|message| message.contains("unexpectedly")));
    }
}
