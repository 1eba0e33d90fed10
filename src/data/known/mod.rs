//! Data sets whose factors are known, read from the files that their authors publish: once, in their order, into a derived
//! file of pictures and classes.

mod cars3d;
mod mpi3d;
mod norb;
mod npy;
mod pictures;
mod prepared;
mod rendered;
mod sets;
mod shapes3d;
mod smallnorb;
mod source;

pub(super) use self::pictures::KnownPictures;
pub(super) use self::prepared::read_prepared;

#[cfg(test)]
mod tests;
