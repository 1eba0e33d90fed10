//! Metrics beside what NumPy, SciPy and PyTorch computed.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "test code")]

mod codes;
#[path = "../common/mod.rs"]
mod common;
mod dinov2;
mod features;
mod inception;
mod learned;
mod pictures;
mod reference;
mod skipping;
