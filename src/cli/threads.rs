use std::sync::OnceLock;

use anyhow::Context;

static THREADS: OnceLock<usize> = OnceLock::new();

/// The number of threads that compute, fixed at start.
pub fn threads() -> usize {
    *THREADS.get_or_init(|| from_environment().unwrap_or_else(cores))
}

/// Fixes the number of threads for the whole process (rayon's global pool, candle's and gemm's), and how its memory
/// is kept.
///
/// The three size themselves at first use, so `main` calls this before anything else can touch them.
pub(super) fn fix(asked: Option<usize>) -> anyhow::Result<()> {
    let threads = *THREADS.get_or_init(|| asked.or_else(from_environment).unwrap_or_else(cores));
    // SAFETY: `main` calls this first, while the process has one thread, so nobody reads the environment meanwhile.
    unsafe {
        std::env::set_var("RAYON_NUM_THREADS", threads.to_string());
        // Candle's elementwise operations have a spinning pool of their own behind one lock for the whole process:
        // it took a fifth of a training step's time, and a small job would queue behind a large one.
        std::env::set_var("CANDLE_NUM_THREADS", "1");
    }
    crate::base::keep_freed_memory();
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("compute-{index}"))
        .build_global()
        .with_context(|| format!("cannot start {threads} threads; choose fewer with --threads"))
}

fn from_environment() -> Option<usize> {
    std::env::var("RAYON_NUM_THREADS").ok()?.parse().ok().filter(|&threads| (1..=1024).contains(&threads))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
