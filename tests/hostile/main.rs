//! Damaged and hostile files end in one sentence: no panic, no hang, no memory beyond the limit.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "test code")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../counting/mod.rs"]
mod counting;
mod damage;
mod files;
#[path = "../common/methods.rs"]
mod methods;
mod million;
mod parsers;
mod seeds;
