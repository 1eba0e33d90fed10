//! CPU kernels on plain slices: no tensors, no allocation policy, no thread pool of their own.
//!
//! Every kernel splits its work over the rayon pool it is called on, in a way that depends on nothing but the
//! shapes and the number of threads of that pool, so the same thread count gives the same bits.

pub mod blocked;
mod columns;
pub mod convolution;
mod direct;
pub mod elementwise;
pub mod exponential;
mod gather;
pub mod likelihood;
pub mod linear;
mod made;
pub mod micro;
pub mod optim;
pub mod resample;
mod scratch;
mod transpose;
mod weight_gradient;
mod winograd;

pub(super) use made::made;
