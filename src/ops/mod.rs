//! Differentiable tensor operations that candle lacks or does slowly; CPU kernels live under `cpu`.
//!
//! All take NCHW tensors of f32 or f64, strided or offset ones included. They are custom operations (`operation`) over the
//! kernels in [`cpu`] and, for f32, in [`cuda`]; on Metal, for f64 on a GPU and without cuDNN the same functions compose
//! candle's own operations (`portable`). [`backend`] decides which. Backward passes are written with these same operations, so gradients of any order are right
//! where the graph reaches them: candle detaches what an ordinary `backward` computes, so a second derivative is
//! taken by writing the first one as an expression (see `leaky_relu_backward` and `conv_transpose2d`).

pub(crate) mod backend;
pub(crate) mod cpu;

mod activation;
mod algorithms;
mod backward;
mod batch_norm;
mod composite;
mod convolution;
#[cfg_attr(
    not(any(feature = "cuda", test)),
    allow(unused, reason = "compiled everywhere, run by CUDA builds and by tests")
)]
pub(crate) mod cuda;
mod custom;
mod fault;
mod fused;
mod likelihood;
mod linear;
mod maps;
mod operation;
mod own_stream;
mod pass;
mod per_picture;
mod pooling;
mod portable;
mod precision;
mod readings;
mod replay;
mod resampling;
mod residual;
mod sums;
#[cfg(test)]
mod tests;
mod transfer;
mod work;

pub use activation::{Activation, leaky_relu, leaky_relu_backward, tanh, tanh_backward};
pub use algorithms::{algorithms, take_algorithms};
pub use backward::{accumulate_gradient, backward};
pub use batch_norm::{BatchNormPass, Normalised, batch_norm, batch_norm_input_gradient};
pub use composite::{CompositeBackward, composite};
pub use convolution::{
    channel_sum, conv_transpose2d, conv_transpose2d_act, conv2d, conv2d_act, conv2d_act_input_grad,
    conv2d_act_weight_grad, conv2d_input_grad, conv2d_weight_grad,
};
pub use cuda::{Lane, dnn_version as cudnn_version, open as open_cuda};
pub use fault::fault;
pub use fused::{Around, conv2d_fused, conv2d_input_grad_fused};
pub use likelihood::bernoulli_cross_entropy;
pub use linear::{linear, linear_input_grad, linear_weight_grad, row_sum};
pub use maps::{add_map_to_maps, add_to_maps, scale_maps, with_noise};
pub use own_stream::OwnStream;
pub use per_picture::{add_per_picture, channel_sum_per_picture};
pub use pooling::{avg_pool_3x3_s2, avg_pool_3x3_s2_backward};
pub use precision::{Precision, UnknownPrecision};
pub use readings::Readings;
pub use replay::{GRAPHS_VARIABLE, Replay, eagerly, records, runs_ahead};
pub use resampling::{area_downsample, bilinear_downsample, sum_pool_2x2, upsample_nearest_2x};
pub use residual::{residual, scaled};
pub use sums::sum_of_squares;
pub use transfer::{PictureValues, download, download_bytes, rgba, upload, write};
pub use work::multiply_adds;

/// Kernels for the benchmarks, and for what the documentation of [`cpu`] proves by compiling; no part of the library.
#[doc(hidden)]
pub mod kernels {
    pub use super::cpu::blocked::{Team, peak};
    pub use super::cpu::convolution::Convolve;
    pub(crate) use super::cpu::element::Element;
    pub use super::cpu::fused::Fused;
    pub use super::cpu::isa::Isa;
    pub use super::cpu::shape::{ConvShape, narrow_size};
}
