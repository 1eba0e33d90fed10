//! Metrics beside what NumPy, SciPy and PyTorch computed.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "test code")]

#[path = "../common/mod.rs"]
mod common;
mod features;
mod inception;
mod reference;
mod skipping;
