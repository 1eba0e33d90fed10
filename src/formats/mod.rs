//! Readers of untrusted bytes that several rooms share: files read at any place, zip archives, pictures, and the budget
//! that bounds what one file may cost. Nothing is executed, and no declared length is believed before the bytes are there.

mod budget;
pub(crate) mod hdf5;
pub(crate) mod onnx;
pub mod picture;
mod protobuf;
mod source;
mod text;
mod toml;
pub(crate) mod zip;

pub(crate) use budget::Budget;
pub(crate) use source::{ByteSource, Section, hexadecimal};
pub(crate) use text::{shorten, spelt_out};
pub(crate) use toml::from_toml;
