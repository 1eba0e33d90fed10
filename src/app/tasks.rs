//! What the window has done elsewhere, so that it never waits: writing files, reading pictures, measuring, training.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{JoinHandle, Thread};

use crossbeam::channel::{Receiver, TryRecvError, bounded};

use crate::base::{Cancel, panic_text};

/// The threads that work for the window: each has a name, a flag that asks it to end, and is joined.
///
/// While the window is open nobody waits for a thread: those that have ended are joined as they end. Dropping this
/// asks all others to end and waits for them.
#[derive(Default)]
pub(crate) struct Tasks {
    running: Vec<Running>,
}

struct Running {
    thread: JoinHandle<()>,
    cancel: Cancel,
    /// Whether it waits for a person, who may never answer: such a thread ends with the program.
    is_open_ended: bool,
}

/// Work that was started. Dropping it says that nobody waits for the answer any more, and asks the work to end.
pub(crate) struct Task<T> {
    answer: Receiver<Result<T, String>>,
    cancel: Cancel,
    thread: Thread,
}

impl Tasks {
    /// Starts `work` on a thread called `name`, and draws the window anew when it ends.
    ///
    /// The work should end soon after its flag is raised. It may sleep with [`std::thread::park_timeout`], which the
    /// raised flag cuts short.
    ///
    /// # Errors
    /// A sentence when the system refuses a thread.
    pub(crate) fn start<T: Send + 'static>(
        &mut self,
        name: &str,
        ctx: &egui::Context,
        work: impl FnOnce(&Cancel) -> T + Send + 'static,
    ) -> Result<Task<T>, String> {
        self.start_as(name, ctx, false, work)
    }

    /// As [`Tasks::start`], for work that waits for a person: nobody waits for it at the end.
    ///
    /// # Errors
    /// As [`Tasks::start`].
    pub(crate) fn start_open_ended<T: Send + 'static>(
        &mut self,
        name: &str,
        ctx: &egui::Context,
        work: impl FnOnce(&Cancel) -> T + Send + 'static,
    ) -> Result<Task<T>, String> {
        self.start_as(name, ctx, true, work)
    }

    fn start_as<T: Send + 'static>(
        &mut self,
        name: &str,
        ctx: &egui::Context,
        is_open_ended: bool,
        work: impl FnOnce(&Cancel) -> T + Send + 'static,
    ) -> Result<Task<T>, String> {
        let (cancel, (sender, answer), ctx) = (Cancel::new(), bounded(1), ctx.clone());
        let flag = cancel.clone();
        let body = move || {
            let answer = catch_unwind(AssertUnwindSafe(|| work(&flag))).map_err(|panic| panic_text(&*panic));
            let _ = sender.try_send(answer); // Nobody may wait for it any more.
            ctx.request_repaint();
        };
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map_err(|error| format!("the system refuses to start a thread: {error}"))?;
        let task = Task { answer, cancel: cancel.clone(), thread: thread.thread().clone() };
        self.running.push(Running { thread, cancel, is_open_ended });
        Ok(task)
    }

    /// Joins the threads that have ended, which takes no time.
    pub(crate) fn reap(&mut self) {
        for ended in self.running.extract_if(.., |running| running.thread.is_finished()) {
            let _ = ended.thread.join(); // Its panic was caught and told.
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for running in &self.running {
            running.cancel.cancel();
            running.thread.thread().unpark();
        }
        for running in self.running.drain(..) {
            if !running.is_open_ended || running.thread.is_finished() {
                let _ = running.thread.join(); // Its panic was caught and told.
            }
        }
    }
}

impl<T> Task<T> {
    /// The answer, once it is there: what the work has returned, or what its panic said.
    pub(crate) fn take(&self) -> Option<Result<T, String>> {
        match self.answer.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err("it ended without an answer".to_owned())),
        }
    }

    /// Ends its sleep, if it sleeps by [`std::thread::park_timeout`].
    pub(crate) fn wake(&self) {
        self.thread.unpark();
    }

    /// Asks the work to end.
    pub(crate) fn cancel(&self) {
        self.cancel.cancel();
        self.thread.unpark();
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// Waits for the answer of `task`.
    fn answer<T>(task: &Task<T>) -> Result<T, String> {
        let start = Instant::now();
        loop {
            if let Some(answer) = task.take() {
                return answer;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "waited in vain");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends when it is asked to.
    fn patient(cancel: &Cancel) {
        while !cancel.is_cancelled() {
            std::thread::park_timeout(Duration::from_secs(60));
        }
    }

    #[test]
    fn answers_and_panics_are_told() {
        let (mut tasks, ctx) = (Tasks::default(), egui::Context::default());
        let name = tasks.start("idgan-name", &ctx, |_| std::thread::current().name().map(str::to_owned));
        assert_eq!(answer(&name.expect("starts")), Ok(Some("idgan-name".to_owned())));
        let broken = tasks.start("idgan-broken", &ctx, |_| -> u8 { panic!("told to") }).expect("starts");
        assert_eq!(answer(&broken), Err("told to".to_owned()));
        let start = Instant::now();
        while !tasks.running.is_empty() {
            assert!(start.elapsed() < Duration::from_secs(20), "both are joined without a wait");
            tasks.reap();
        }
    }

    #[test]
    fn work_that_nobody_waits_for_is_asked_to_end() {
        let (mut tasks, ctx) = (Tasks::default(), egui::Context::default());
        let task = tasks.start("idgan-patient", &ctx, patient).expect("starts");
        tasks.reap();
        assert_eq!(tasks.running.len(), 1);
        let start = Instant::now();
        drop(task);
        while !tasks.running.is_empty() {
            assert!(start.elapsed() < Duration::from_secs(20), "its sleep is cut short");
            tasks.reap();
        }
    }

    #[test]
    fn the_end_waits_for_all_but_those_that_wait_for_a_person() {
        let (mut tasks, ctx) = (Tasks::default(), egui::Context::default());
        let (sender, person) = bounded::<()>(1);
        let asking = tasks.start_open_ended("idgan-asking", &ctx, move |_| person.recv()).expect("starts");
        let patient = tasks.start("idgan-patient", &ctx, patient).expect("starts");
        drop(tasks);
        assert_eq!(patient.take(), Some(Ok(())), "it has ended");
        assert!(asking.take().is_none(), "nobody has answered");
        drop(sender);
    }
}
