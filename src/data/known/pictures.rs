use std::path::Path;

use super::cars3d::Cars3d;
use super::mpi3d::Mpi3d;
use super::prepared::{PreparedFile, Wanted};
use super::rendered;
use super::sets::{CARS3D, FALCOR3D, ISAAC3D, KnownSet, MPI3D, SHAPES3D, SMALLNORB};
use super::shapes3d::Shapes3d;
use super::smallnorb::SmallNorb;
use super::source::Source;
use crate::base::Stream;
use crate::data::factor_table::FactorTable;
use crate::data::photos::Prepared;
use crate::data::{DataError, Dataset, Factor, OpenOptions, fingerprint};

/// The smallest and the largest side of a picture.
const SIDES: std::ops::RangeInclusive<usize> = 8..=2048;

/// Counted up whenever the same files give other pictures or classes than before.
const VERSION: u32 = 1;

/// A set of pictures whose factors are known, at one size.
pub(in crate::data) struct KnownPictures {
    spec: String,
    shape: [usize; 3],
    pixels: Pixels,
    table: FactorTable,
    /// The place of each picture among the pixels, where it is another.
    order: Option<Vec<u32>>,
}

/// Where the pictures lie.
enum Pixels {
    /// In one derived file, which was made of the published ones.
    File(PreparedFile),
    /// In files of their own, decoded once.
    Photos(Box<Prepared>),
}

/// A path that is to be opened, and how.
struct Opening<'a> {
    spec: &'a str,
    set: &'static KnownSet,
    size: usize,
    options: &'a OpenOptions,
}

impl KnownPictures {
    /// The set called `name`, from its published files at `path`; `None` where there is no set of that name.
    ///
    /// # Errors
    /// When the files are not those of the set, damaged or cut short, or the prepared pictures cannot be written.
    pub(in crate::data) fn open(
        spec: &str,
        name: &str,
        path: &Path,
        size: Option<usize>,
        options: &OpenOptions,
    ) -> Result<Option<Self>, DataError> {
        let sets = [&SHAPES3D, &CARS3D, &SMALLNORB, &MPI3D, &ISAAC3D, &FALCOR3D];
        let Some(set) = sets.into_iter().find(|set| set.name == name) else { return Ok(None) };
        let size = size.unwrap_or(set.usual_size);
        if !SIDES.contains(&size) {
            return Err(DataError::Spec(format!("pictures are scaled to 8 to 2048 pixels, not {size}")));
        }
        let opening = Opening { spec, set, size, options };
        let known = match name {
            "shapes3d" => opening.prepared(&fingerprint::of_file(path)?, || Shapes3d::open(path)),
            "mpi3d" => opening.prepared(&fingerprint::of_file(path)?, || Mpi3d::open(path)),
            "cars3d" => opening.prepared(&Cars3d::key(path)?, || Cars3d::open(path)),
            "smallnorb" => {
                let files = SmallNorb::files(path)?;
                opening.prepared(&SmallNorb::key(&files)?, || SmallNorb::open(files))
            }
            _ => opening.rendered(path),
        };
        known.map(Some)
    }
}

impl Opening<'_> {
    /// The pictures that `source` opens, which `key` tells from others; found in the cache where they are prepared.
    fn prepared<S: Source>(
        &self,
        key: &str,
        source: impl FnOnce() -> Result<S, DataError>,
    ) -> Result<KnownPictures, DataError> {
        let name = format!("{}-{}-{VERSION}-{key}", self.set.name, self.size);
        let wanted = Wanted { name: &name, channels: self.set.channels, size: self.size };
        let (file, known) = PreparedFile::open(wanted, self.options, source)?;
        let (table, order) = FactorTable::new(known);
        Ok(self.known(Pixels::File(file), table, order))
    }

    /// Numbered pictures in files of their own.
    fn rendered(&self, path: &Path) -> Result<KnownPictures, DataError> {
        let (photos, table, order) = rendered::open(self.spec, self.set, path, self.size, self.options)?;
        Ok(self.known(Pixels::Photos(Box::new(photos)), table, order))
    }

    fn known(&self, pixels: Pixels, table: FactorTable, order: Option<Vec<u32>>) -> KnownPictures {
        let known = KnownPictures {
            spec: self.spec.to_owned(),
            shape: [self.set.channels, self.size, self.size],
            pixels,
            table,
            order,
        };
        if known.len() < self.set.pictures {
            log::info!(
                "{} has {} of the {} pictures of {}",
                self.spec,
                known.len(),
                self.set.pictures,
                self.set.title
            );
        }
        known
    }
}

impl Dataset for KnownPictures {
    fn spec(&self) -> &str {
        &self.spec
    }

    fn len(&self) -> usize {
        match &self.pixels {
            Pixels::File(file) => file.pictures(),
            Pixels::Photos(photos) => photos.len(),
        }
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.shape
    }

    fn listing(&self) -> String {
        match &self.pixels {
            Pixels::File(file) => file.pictures().to_string(),
            Pixels::Photos(photos) => photos.listing(),
        }
    }

    fn is_costly(&self) -> bool {
        matches!(&self.pixels, Pixels::Photos(photos) if !photos.is_all_cached())
    }

    fn factors(&self) -> &[Factor] {
        self.table.factors()
    }

    fn classes(&self, index: usize) -> Vec<usize> {
        self.table.classes(index)
    }

    fn sharing(&self, factor: usize, class: usize, stream: &mut Stream) -> usize {
        self.table.sharing(factor, class, stream)
    }

    fn with_classes(&self, classes: &[usize]) -> Option<usize> {
        self.table.with_classes(classes)
    }

    fn read(&self, index: usize, _draw: u64, out: &mut [f32]) -> Result<(), DataError> {
        let place = self.order.as_ref().map_or(index, |order| order[index] as usize);
        let file = match &self.pixels {
            Pixels::File(file) => file,
            Pixels::Photos(photos) => return photos.read(place, out),
        };
        let pixels = file.read(place)?;
        let channels = self.shape[0];
        for (channel, plane) in out.chunks_exact_mut(pixels.len() / channels).enumerate() {
            for (value, pixel) in plane.iter_mut().zip(pixels.chunks_exact(channels)) {
                *value = f32::from(pixel[channel]) / 255.0;
            }
        }
        Ok(())
    }
}
