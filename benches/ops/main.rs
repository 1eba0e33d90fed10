//! The training operations: each convolution kernel by layer, and whole training steps of the three networks.
//!
//! `cargo bench --no-default-features --bench ops`; threads as `RAYON_NUM_THREADS` says, or one a core.

mod layers;
mod steps;

fn main() {
    // As the program itself starts: see `cli::threads`.
    // SAFETY: the process has one thread yet, so nobody reads the environment meanwhile.
    unsafe { std::env::set_var("CANDLE_NUM_THREADS", "1") };
    idgan::base::keep_freed_memory();
    divan::main();
}
