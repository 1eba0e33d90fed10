//! The training operations: each convolution kernel by layer, and whole training steps of the three networks.
//!
//! `cargo bench --no-default-features --bench ops`; threads as `RAYON_NUM_THREADS` says, or one a core.

mod layers;
mod steps;

fn main() {
    divan::main();
}
