use std::io::{BufReader, Read};
use std::path::Path;

use super::npy::read_table;
use super::sets::{KnownSet, MPI3D, MPI3D_COMPLEX};
use super::source::{Block, Source};
use crate::base::{NpyHeader, Pool};
use crate::data::DataError;
use crate::data::factor_table::KnownFactors;
use crate::formats::ByteSource;
use crate::formats::zip::Archive;

/// Pictures that are handed on at a time.
const BLOCK: usize = 512;

/// More pictures than any such file has.
const MOST_PICTURES: usize = 1 << 24;

/// An npz file with `images` (N, 64, 64, 3) of bytes: all combinations of the factors in their order, or any with `labels`
/// (N, 7) beside them. The pictures are unpacked as they are read, never whole.
pub(super) struct Mpi3d<'a> {
    path: &'a Path,
    archive: Archive,
    set: &'static KnownSet,
    count: usize,
    side: usize,
}

const IMAGES: &str = "images.npy";
const LABELS: &str = "labels.npy";

impl<'a> Mpi3d<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self, DataError> {
        let content = |what: String| DataError::Content { what, path: path.to_owned() };
        let file = ByteSource::open(path)?;
        let mut start = [0; 2];
        if file.read_exact_at(&mut start, 0).is_err() || &start != b"PK" {
            return Err(content("not an npz file; download it again".into()));
        }
        let archive = Archive::open(file).map_err(|error| DataError::io(error, path))?;
        let header =
            NpyHeader::read(&mut reader(&archive, path)?).map_err(|error| DataError::io(error, path))?;
        let (count, side) = match header.shape[..] {
            [count @ 1..=MOST_PICTURES, height @ 8..=2048, width, 3]
                if header.descr == "|u1" && !header.fortran_order && height == width =>
            {
                (count, height)
            }
            _ => {
                return Err(content(format!(
                    "images should be u8 of shape (N, {0}, {0}, 3), not {1} of {2:?}; is this a file of MPI3D?",
                    MPI3D.side, header.descr, header.shape
                )));
            }
        };
        let set = if count == MPI3D_COMPLEX.pictures { &MPI3D_COMPLEX } else { &MPI3D };
        if count != set.pictures && archive.member(LABELS).is_none() {
            return Err(content(format!(
                "it holds {count} pictures, where MPI3D has {} or, of complex shapes, {}, and no array labels that tells \
                 their factors; download it again",
                MPI3D.pictures, MPI3D_COMPLEX.pictures
            )));
        }
        Ok(Self { path, archive, set, count, side })
    }
}

/// A reader of the pictures, from their header on.
fn reader(archive: &Archive, path: &Path) -> Result<impl Read + use<>, DataError> {
    let member = archive.member(IMAGES).ok_or_else(|| DataError::Content {
        what: "it has no array images; is this a file of MPI3D?".into(),
        path: path.to_owned(),
    })?;
    let reader = archive.reader(member).map_err(|error| DataError::io(error, path))?;
    Ok(BufReader::with_capacity(1 << 18, reader))
}

impl Source for Mpi3d<'_> {
    fn pictures(&self) -> usize {
        self.count
    }

    fn known(&self) -> Result<KnownFactors, DataError> {
        let Some(member) = self.archive.member(LABELS) else {
            return Ok(KnownFactors::all(self.set.factors.iter().map(|factor| factor.factor()).collect()));
        };
        let content = |what: String| DataError::Content { what, path: self.path.to_owned() };
        let table = self.archive.reader(member).and_then(read_table);
        let (columns, values) = table.map_err(|error| DataError::io(error, self.path))?;
        let factors = self.set.factors;
        if columns != factors.len() || values.len() != self.count * columns {
            return Err(content(format!("labels should have the shape ({}, {})", self.count, factors.len())));
        }
        self.set.known(&values).map_err(content)
    }

    fn stream(
        &self,
        _pool: &Pool,
        each: &mut dyn FnMut(Block<'_>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let mut reader = reader(&self.archive, self.path)?;
        NpyHeader::read(&mut reader).map_err(|error| DataError::io(error, self.path))?;
        let picture = 3 * self.side * self.side;
        let mut pixels = Vec::new();
        for first in (0..self.count).step_by(BLOCK) {
            let count = BLOCK.min(self.count - first);
            pixels.resize(count * picture, 0);
            reader.read_exact(&mut pixels).map_err(|error| DataError::Content {
                what: format!(
                    "it is damaged within pictures {first} to {} of {} ({error}); download it again",
                    first + count - 1,
                    self.count
                ),
                path: self.path.to_owned(),
            })?;
            each(Block { pixels: &pixels, side: self.side })?;
        }
        Ok(())
    }
}
