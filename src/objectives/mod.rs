//! One loss per file, pure functions of tensors; each says the reduction over pixels, dimensions and batch.

mod adversarial;
mod covariance;
mod elbo;
mod end_to_end;
mod ib_gan;
mod information;
mod minibatch;
mod oogan;
mod projection;
mod total_correlation;
mod vae_gan;

pub use adversarial::{AdaptiveBottleneck, gradient_penalty, loss_as_fake, loss_as_real};
pub use covariance::covariance_penalty;
pub use elbo::{Likelihood, kl_per_dimension, reconstruction_loss};
pub use end_to_end::{EndToEndWeights, end_to_end_loss};
pub use ib_gan::{information_lower_bound, information_upper_bound, loss_with_labels};
pub use information::information_loss;
pub use minibatch::{MinibatchSampling, minibatch_total_correlation};
pub use oogan::{
    choice_cost, control_cost, control_distance, hinge_as_fake, hinge_as_real, slope_penalty, squared_cosines,
};
pub use projection::projected_logits;
pub use total_correlation::{density_ratio_loss, permute_dimensions, total_correlation};
pub use vae_gan::{vae_gan_loss, vae_gan_pictures};
