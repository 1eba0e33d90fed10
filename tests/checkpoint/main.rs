//! Files of weights: what PyTorch writes is read right, and gives PyTorch's pictures.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "test code")]

mod cli;
#[path = "../common/mod.rs"]
mod common;
mod formats;
mod onnx;
mod pictures;
mod plans;
mod published;
mod published_files;
mod published_gans;
mod published_vaes;
