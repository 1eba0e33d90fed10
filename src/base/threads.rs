use std::sync::Arc;

/// A named pool of worker threads that lives as long as its owner.
///
/// Everything that computes in parallel runs inside [`Pool::run`], where rayon (and through it candle and
/// gemm) uses this pool's threads and no others. Two owners never share a pool, so a small job of one never
/// queues behind a large job of the other.
#[derive(Clone)]
pub struct Pool(Arc<rayon::ThreadPool>);

impl Pool {
    /// A pool of `threads` workers (at least 1) called `name-0`, `name-1`, ...
    ///
    /// # Errors
    /// When the system refuses to start a thread.
    pub fn new(name: &str, threads: usize) -> std::io::Result<Self> {
        let name = name.to_owned();
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .thread_name(move |index| format!("{name}-{index}"))
            .build()
            .map(|pool| Self(Arc::new(pool)))
            .map_err(std::io::Error::other)
    }

    /// Runs `job` on the pool and waits for it.
    pub fn run<R: Send>(&self, job: impl FnOnce() -> R + Send) -> R {
        self.0.install(job)
    }

    /// The number of workers.
    pub fn threads(&self) -> usize {
        self.0.current_num_threads()
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pool({} threads)", self.threads())
    }
}

/// Lets other threads go before the calling one when the processor is busy, and before those it starts from now on,
/// where the system can be told so for one thread. `steps` is what Unix calls niceness: 0 not at all, 19 most.
pub fn step_back(steps: i32) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: the call takes numbers only; 0 stands for the calling thread. Where it fails nothing changes.
        unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, steps) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = steps;
}

/// What a panic that was caught said.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_says_why() {
        let said = |body: fn()| panic_text(&*std::panic::catch_unwind(body).expect_err("panics"));
        assert_eq!(said(|| panic!("plain")), "plain");
        assert_eq!(said(|| panic!("number {}", std::hint::black_box(7))), "number 7");
        assert_eq!(said(|| std::panic::panic_any(7)), "without a message");
    }

    #[test]
    fn jobs_run_on_the_named_threads() {
        let pool = Pool::new("test", 2).expect("starts");
        let name = pool.run(|| std::thread::current().name().map(str::to_owned));
        assert!(name.is_some_and(|n| n.starts_with("test-")));
        assert_eq!(pool.run(rayon::current_num_threads), 2);
    }
}
