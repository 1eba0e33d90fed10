//! The commands through the binary: what they write, what they say, and their exit codes.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "test code")]

mod chains;
mod compare;
mod curves;
mod disentanglement;
mod doctor;
mod encode;
mod eval;
mod frame;
mod map;
#[path = "../common/methods.rs"]
mod methods;
mod other_methods;
mod package;
mod pictures;
mod precision;
mod published;
mod sample;
mod signals;
#[path = "../common/skip.rs"]
mod skip;
mod surroundings;
mod toy;
mod traverse;
