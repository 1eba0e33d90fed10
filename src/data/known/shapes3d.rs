use std::path::Path;

use rayon::prelude::*;

use super::sets::SHAPES3D;
use super::source::{Block, Source};
use crate::base::Pool;
use crate::data::DataError;
use crate::data::factor_table::KnownFactors;
use crate::formats::ByteSource;
use crate::formats::hdf5::{Dataset, Element, Hdf5File};

/// About the most bytes of pictures that are unpacked at a time.
const AT_A_TIME: u64 = 256 << 20;

/// Pictures that are handed on at a time.
const BLOCK: usize = 512;

/// More pictures than any such file has.
const MOST_PICTURES: u64 = 1 << 24;

/// `3dshapes.h5`: `images` (N, 64, 64, 3) of bytes and `labels` (N, 6).
pub(super) struct Shapes3d<'a> {
    path: &'a Path,
    images: Dataset,
    labels: Dataset,
    side: usize,
}

impl<'a> Shapes3d<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self, DataError> {
        let fail = |error| DataError::io(error, path);
        let content = |what: String| DataError::Content { what, path: path.to_owned() };
        let source = ByteSource::open(path)?;
        let mut head = [0; 8];
        if source.read_exact_at(&mut head, 0).is_ok() && &head[..2] == b"PK" {
            return Err(content("this is an npz or a zip file; shapes3d reads 3dshapes.h5".into()));
        }
        let mut file = Hdf5File::open(source).map_err(fail)?;
        let [images, labels] = ["images", "labels"].map(|name| file.dataset(name));
        let (Some(images), Some(labels)) = (images.map_err(fail)?, labels.map_err(fail)?) else {
            let mut names: Vec<String> = file.names().take(8).collect();
            names.sort_unstable();
            return Err(content(format!(
                "it should hold the data sets images and labels, as 3dshapes.h5 does; it holds {}",
                names.join(", ")
            )));
        };
        let (count, side) = match *images.shape() {
            [count @ 1..=MOST_PICTURES, height, width, 3]
                if images.element() == Element::BYTE && height == width =>
            {
                (count, height)
            }
            _ => {
                return Err(content(format!(
                    "images should be uint8 of shape (N, {0}, {0}, 3), not {1} of {2:?}",
                    SHAPES3D.side,
                    images.element(),
                    images.shape()
                )));
            }
        };
        if labels.shape() != [count, SHAPES3D.factors.len() as u64] {
            return Err(content(format!(
                "labels should be of shape ({count}, {}), a row for each picture, not {:?}",
                SHAPES3D.factors.len(),
                labels.shape()
            )));
        }
        if !(8..=2048).contains(&side) {
            return Err(content(format!("pictures of 8 to 2048 pixels are read, not of {side}")));
        }
        Ok(Self { path, images, labels, side: side as usize })
    }
}

impl Source for Shapes3d<'_> {
    fn pictures(&self) -> usize {
        self.images.shape()[0] as usize
    }

    fn known(&self) -> Result<KnownFactors, DataError> {
        let rows = self.labels.rows(0, u64::MAX).map_err(|error| DataError::io(error, self.path))?;
        let mut row = vec![0; self.labels.row_bytes() as usize];
        let mut values = Vec::with_capacity(self.pictures() * SHAPES3D.factors.len());
        for picture in 0..self.pictures() {
            rows.copy(picture, &mut row);
            values.extend(self.labels.element().numbers(&row));
        }
        SHAPES3D.known(&values).map_err(|what| DataError::Content {
            what: format!("{what}; download it again"),
            path: self.path.to_owned(),
        })
    }

    fn stream(
        &self,
        pool: &Pool,
        each: &mut dyn FnMut(Block<'_>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let picture = self.images.row_bytes() as usize;
        let (total, at_a_time) = (self.pictures(), self.images.rows_at_once(AT_A_TIME) as usize);
        let mut pixels = Vec::new();
        for first in (0..total).step_by(at_a_time) {
            let count = at_a_time.min(total - first);
            let rows = pool.run(|| self.images.rows(first as u64, count as u64));
            let rows = rows.map_err(|error| DataError::io(error, self.path))?;
            for start in (0..count).step_by(BLOCK) {
                pixels.resize(BLOCK.min(count - start) * picture, 0);
                let pictures = pixels.par_chunks_exact_mut(picture).enumerate();
                pool.run(|| pictures.for_each(|(at, pixels)| rows.copy(start + at, pixels)));
                each(Block { pixels: &pixels, side: self.side })?;
            }
        }
        Ok(())
    }
}
