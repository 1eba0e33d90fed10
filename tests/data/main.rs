//! Data sets: through the binary, and the drawn sprites beside the published ones.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "test code")]

#[path = "../common/mod.rs"]
mod common;
mod sets;
mod sprites;
