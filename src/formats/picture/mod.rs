//! Picture files of every format: told by their content, decoded without trusting them.

mod decode;
mod kind;
mod patch;
mod samples;
mod tiff;

pub use decode::{PictureFault, Turn, decode_picture, read_picture};
pub use kind::{HEAD, Looks, looks_of, what_instead};

#[cfg(test)]
mod tests;
