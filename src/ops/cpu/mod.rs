//! CPU kernels on plain slices: no tensors, no allocation policy, no thread pool of their own.
//!
//! Every kernel splits its work over the rayon pool it is called on, in a way that depends on nothing but the
//! shapes and the number of threads of that pool, so the same thread count gives the same bits.
//!
//! All arithmetic that reads and writes without looking lies here, behind functions that safe code cannot misuse:
//! sizes are compared with the slices' lengths where a kernel begins ([`sizes`]), results are memory without values
//! until every value is written ([`filled_vec`]), threads have parts of their own ([`shared`]), and instructions that
//! not every processor has are reached through a token that only detection hands out ([`isa`]).

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(in crate::ops) mod batch_norm;
pub(crate) mod blocked;
mod columns;
pub(crate) mod convolution;
mod direct;
pub(crate) mod element;
pub(crate) mod elementwise;
pub(crate) mod exponential;
pub(crate) mod filled_vec;
pub(crate) mod fused;
mod gather;
pub(crate) mod isa;
mod lanes;
pub(crate) mod likelihood;
pub(crate) mod linear;
mod micro;
pub(crate) mod optim;
pub(crate) mod resample;
mod scratch;
pub(crate) mod shape;
mod shared;
mod sizes;
mod transpose;
mod weight_gradient;
mod winograd;
