use std::io;

use super::dataset::Dataset;
use super::fault::damaged;
use super::group::{Child, children};
use super::input::Input;
use super::superblock;
use crate::formats::{ByteSource, shorten};

/// An HDF5 file, of which the data sets of its root group are read.
#[derive(Debug)]
pub(crate) struct Hdf5File {
    input: Input,
    children: Vec<Child>,
}

impl Hdf5File {
    /// Reads what `source` holds; no data yet.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] where its bytes contradict each other or end early, [`io::ErrorKind::Unsupported`]
    /// where it does what is not read here, in words; or the system's own.
    pub(crate) fn open(source: ByteSource) -> io::Result<Self> {
        let (mut input, root) = superblock::open(source)?;
        let children = children(&mut input, root)?;
        Ok(Self { input, children })
    }

    /// What lies in the root group, by names that are fit for a message.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        self.children.iter().map(|child| shorten(&String::from_utf8_lossy(&child.name)))
    }

    /// The data set of the root group that is called `name`; `None` where nothing is.
    ///
    /// # Errors
    /// As [`Hdf5File::open`], beginning with its name.
    pub(crate) fn dataset(&mut self, name: &str) -> io::Result<Option<Dataset>> {
        let Some(child) = self.children.iter().find(|child| child.name == name.as_bytes()) else {
            return Ok(None);
        };
        let header =
            child.header.ok_or_else(|| damaged(format!("{name} is a link to elsewhere, and no data set")))?;
        Dataset::open(&mut self.input, header, name).map(Some)
    }
}
