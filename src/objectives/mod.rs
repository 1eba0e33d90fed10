//! One loss per file, pure functions of tensors; each says the reduction over pixels, dimensions and batch.

mod adversarial;
mod elbo;
mod information;
mod total_correlation;

pub use adversarial::{AdaptiveBottleneck, gradient_penalty, loss_as_fake, loss_as_real};
pub use elbo::{Likelihood, kl_per_dimension, reconstruction_loss};
pub use information::information_loss;
pub use total_correlation::{density_ratio_loss, permute_dimensions, total_correlation};
