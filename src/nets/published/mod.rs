//! VAEs that others have published, one a folder: they open from their own files and are not trained here.
//!
//! A folder has a row of [`PUBLISHED`] and the graphs of both halves, of its sizes; what files hold, how sizes are read off
//! them, the description, drawing and encoding follow from these.

mod beta_vae_b;
mod burgess;
mod family;
mod layers;
mod pytorch_vae;
#[cfg(test)]
mod tests;
mod vae;

pub use family::{Published, PublishedRange, PublishedSizes};
pub use vae::{Half, PublishedHalf, PublishedVae};

/// All of them.
pub static PUBLISHED: [Published; 3] = [beta_vae_b::VAE, burgess::VAE, pytorch_vae::VAE];
