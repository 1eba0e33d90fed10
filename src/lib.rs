//! idgan: a native latent explorer and trainer for ID-GAN and other disentangled representations.
//!
//! Each room depends only on rooms above it in this list; ARCHITECTURE.md is the map.

pub mod base;

pub mod formats;

pub mod ops;

pub mod graph;

pub mod nets;
pub mod objectives;

pub mod optim;

pub mod data;

pub mod model;

pub mod checkpoint;

pub mod inference;

pub mod explore;

pub mod figures;

pub mod metrics;

pub mod training;

pub mod doctor;

pub mod compare;

pub mod engine;

#[cfg(feature = "gui")]
pub mod app;

pub mod cli;
