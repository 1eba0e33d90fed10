//! Inference kernels on a channel-blocked layout: slices in and out, no tensors, no allocation.
//!
//! A map of `(channels, height, width)` is stored as `[channels / 16][height + 2][width + 2][16]`: sixteen
//! channels side by side fill one AVX-512 register, and a border of zeros makes every 3x3 patch readable
//! without a test. Channels are padded with zeros to whole blocks.
//!
//! One register-blocked micro-kernel ([`gemm`]) serves all multiplications: the direct convolution shifts its
//! input, Winograd's convolution transforms it first, a linear layer has a map of one pixel.
//!
//! Kernels are generic over [`lanes::Lanes`] (sixteen numbers at a time) and are instantiated once for each
//! instruction set in [`isa`], where the choice is made at run time.

mod direct;
mod entry;
mod few;
mod gemm;
pub(super) mod isa;
pub(super) mod lanes;
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
#[cfg(target_arch = "x86_64")]
mod x86;

pub use direct::{DirectConv, Footprint};
pub use entry::EntryConv;
pub use few::FewConv;
pub use isa::Isa;
pub use linear::Linear;
pub use map::{BLOCK, Epilogue, MapShape, Residual};
pub use peak::peak;
pub use pixels::{PixelSink, rectify};
pub use storage::{Buffer, Shared};
pub use team::Team;
pub use winograd::{Variant, WinogradConv};
