use std::sync::OnceLock;

use anyhow::Context;

static THREADS: OnceLock<usize> = OnceLock::new();

/// The number of threads that compute, fixed at start.
pub fn threads() -> usize {
    *THREADS.get_or_init(|| from_environment().unwrap_or_else(cores))
}

/// Decides the number of threads; of several calls the first one counts.
pub(super) fn choose(asked: Option<usize>) -> usize {
    *THREADS.get_or_init(|| asked.or_else(from_environment).unwrap_or_else(cores))
}

/// Starts rayon's global pool, and decides how the process keeps its memory. Pools size themselves at first use, so
/// this comes before anything else can touch them.
pub(super) fn fix() -> anyhow::Result<()> {
    let threads = threads();
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
