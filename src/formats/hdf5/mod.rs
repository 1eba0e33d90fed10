//! Reading data sets in HDF5 files that may be hostile: the part of the format that h5py writes by default and with
//! `libver="latest"`.
//!
//! Superblocks 0 to 3, groups of symbol tables and of compact links, object headers 1 and 2, and data that is compact,
//! contiguous or in chunks, by every index of chunks there is, packed with deflate, shuffle and fletcher32. What else a file
//! may do is refused by its name. Numbers in brackets are sections of the HDF5 File Format Specification, version 3.
//!
//! Each piece of structure is read once, checked against the end of the file before it is allocated, and counted against
//! a budget in proportion to the file, so that structures that lead in circles end. Data is read by rows of the first
//! dimension, a stretch at a time, and never whole.

mod arrays;
mod checksum;
mod chunks;
mod dataset;
mod element;
mod fault;
mod fields;
mod file;
mod filters;
mod group;
mod header;
mod index;
mod input;
mod layout;
mod rows;
mod superblock;
mod trees;

pub(crate) use dataset::Dataset;
pub(crate) use element::Element;
pub(crate) use file::Hdf5File;

#[cfg(test)]
mod tests;
