//! Data sets through the binary.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "test code")]

mod sets;
