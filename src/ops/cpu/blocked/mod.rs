//! Inference kernels on a channel-blocked layout: slices in and out, no tensors, no allocation.
//!
//! A map of `(channels, height, width)` is stored as `[channels / 16][height + 2][width + 2][16]`: sixteen
//! channels side by side fill one AVX-512 register (in bf16 half of one), and a border of zeros makes every 3x3 patch readable
//! without a test. Channels are padded with zeros to whole blocks.
//!
//! One register-blocked micro-kernel ([`gemm`]) serves all multiplications: the direct convolution shifts its
//! input, Winograd's convolution transforms it first, a linear layer has a map of one pixel.
//!
//! Maps and weights are f32 or bf16 ([`Element`](super::element::Element)), sums f32.
//!
//! Kernels are generic over [`Lanes`](super::lanes::Lanes) (sixteen numbers at a time) and are instantiated once for
//! each instruction set by [`Isa`](super::isa::Isa), which was found at run time.

mod direct;
mod few_channels;
mod first_convolution;
mod gemm;
mod leaky_relu;
mod linear;
mod map;
mod peak;
mod pixels;
mod storage;
mod team;
#[cfg(test)]
mod tests;
pub(super) mod transforms;
mod winograd;

pub(crate) use direct::{DirectConv, Footprint};
pub(crate) use few_channels::FewChannelConv;
pub(crate) use first_convolution::FirstConv;
pub(crate) use leaky_relu::leaky_relu;
pub(crate) use linear::Linear;
pub(crate) use map::{BLOCK, Epilogue, MapShape, Residual};
pub use peak::peak;
pub(crate) use pixels::PixelSink;
pub(crate) use storage::Buffer;
pub use team::Team;
pub(crate) use winograd::{Variant, WinogradConv};
