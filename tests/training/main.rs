//! Training: its steps are PyTorch's, and its runs are resumed to the bit.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "test code")]

#[path = "../common/mod.rs"]
mod common;
mod cycle;
mod data;
mod endurance;
mod four_points;
mod methods;
mod parity;
mod points;
mod related_runs;
mod runs;
mod stage_1;
