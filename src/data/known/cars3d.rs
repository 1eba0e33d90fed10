use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::sets::CARS3D;
use super::source::{Block, Source};
use crate::base::{FileError, Pool};
use crate::data::factor_table::KnownFactors;
use crate::data::matlab::read_values;
use crate::data::store::Store;
use crate::data::{DataError, Factor, fingerprint};
use crate::formats::shorten;

/// The most bytes of a car's file, which has 4.7 MB.
const MOST_BYTES: u64 = 64 << 20;

/// The most cars: 183 are published.
const MOST_CARS: usize = 1 << 12;

/// `car_001_mesh.mat` and so on: each the array `im` (128, 128, 3, 24, 4) of bytes, a car from 24 sides and 4 heights.
pub(super) struct Cars3d<'a> {
    path: &'a Path,
    files: Files,
    /// The names of the cars in the order that they are read in.
    names: Vec<String>,
    shape: Shape,
}

/// Where the cars' files lie.
enum Files {
    /// A folder, a zip or a tar archive.
    Store(Box<Store>),
    /// The published archive, which is read from its front to its end.
    TarGz,
}

/// The sides of a car's array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    side: usize,
    azimuths: usize,
    elevations: usize,
}

/// What is done with each car: its name and the bytes of its file; false ends it.
type Look<'a> = &'a mut dyn FnMut(&str, Vec<u8>) -> Result<bool, DataError>;

impl<'a> Cars3d<'a> {
    /// Tells these files from others.
    pub(super) fn key(path: &Path) -> Result<String, DataError> {
        match Files::open(path)? {
            Files::Store(store) => {
                Ok(fingerprint::of(&[path.as_os_str().as_encoded_bytes(), store.fingerprint().as_bytes()]))
            }
            Files::TarGz => fingerprint::of_file(path),
        }
    }

    /// Lists the cars, and looks into the first.
    pub(super) fn open(path: &'a Path) -> Result<Self, DataError> {
        let files = Files::open(path)?;
        let (mut names, mut shape) = (Vec::new(), None);
        files.each(path, &mut |name, bytes| {
            if shape.is_none() {
                shape = Some(pictures(&bytes).map_err(|what| about(name, &what, path))?.0);
            }
            names.push(name.to_owned());
            Ok(names.len() < MOST_CARS)
        })?;
        let shape = shape.ok_or_else(|| DataError::Content {
            what: "there are no files car_001_mesh.mat and so on; name nips2015-analogy-data.tar.gz, or the folder data/cars of it".into(),
            path: path.to_owned(),
        })?;
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != names.len() {
            return Err(DataError::Content {
                what: "a car is in it twice; name the folder data/cars".into(),
                path: path.to_owned(),
            });
        }
        Ok(Self { path, files, names, shape })
    }
}

impl Files {
    fn open(path: &Path) -> Result<Self, DataError> {
        let mut head = [0; 2];
        let is_file = path.is_file();
        let read = is_file.then(|| File::open(path).and_then(|mut file| file.read_exact(&mut head)));
        match read {
            Some(Ok(())) if head == [0x1f, 0x8b] => Ok(Self::TarGz),
            _ => Ok(Self::Store(Box::new(Store::open(path)?))),
        }
    }

    /// Reads the cars one after another.
    fn each(&self, path: &Path, look: Look<'_>) -> Result<(), DataError> {
        match self {
            Self::Store(store) => {
                for entry in store.entries() {
                    let Some(name) = car(entry.name()) else { continue };
                    if !look(&name, store.read(entry)?)? {
                        break;
                    }
                }
                Ok(())
            }
            Self::TarGz => each_packed(path, look),
        }
    }
}

fn each_packed(path: &Path, look: Look<'_>) -> Result<(), DataError> {
    let fail = |error| DataError::io(error, path);
    let file = File::open(path).map_err(|error| FileError::new(error, path))?;
    let unpacked = MultiGzDecoder::new(BufReader::with_capacity(1 << 18, file));
    let mut archive = tar::Archive::new(BufReader::with_capacity(1 << 18, unpacked));
    for entry in archive.entries().map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let Some(name) = car(Path::new(&*String::from_utf8_lossy(&entry.path_bytes()))) else { continue };
        let (len, mut bytes) = (entry.size(), Vec::new());
        if len > MOST_BYTES {
            return Err(about(&name, "it claims more than the 64 MiB that are read", path));
        }
        entry
            .take(len)
            .read_to_end(&mut bytes)
            .map_err(|error| about(&name, &format!("the archive is damaged there ({error})"), path))?;
        if (bytes.len() as u64) < len {
            return Err(about(&name, "the archive ends within it", path));
        }
        if !look(&name, bytes)? {
            break;
        }
    }
    Ok(())
}

/// The name of the car that a file is of, where it is of one.
fn car(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?.strip_suffix("_mesh.mat")?;
    name.starts_with("car_").then(|| shorten(name))
}

fn about(name: &str, what: &str, path: &Path) -> DataError {
    DataError::Content {
        what: format!("{name}_mesh.mat cannot be read: {what}; download it again"),
        path: path.to_owned(),
    }
}

/// The pictures of a car, of rising azimuth for each elevation, and their shape.
fn pictures(bytes: &[u8]) -> Result<(Shape, Vec<u8>), String> {
    let [Some(values)] = read_values(bytes, ["im"])? else { return Err("it has no array im".into()) };
    let mut sides = values.shape.clone();
    // MATLAB leaves out last dimensions of one.
    sides.resize(sides.len().max(5), 1);
    let [side @ 8..=2048, width, 3, azimuths @ 1..=512, elevations @ 1..=512] = sides[..] else {
        return Err(format!("im should be of shape (128, 128, 3, 24, 4), not {:?}", values.shape));
    };
    if side != width {
        return Err(format!("im should hold square pictures, not of shape {:?}", values.shape));
    }
    let planes = values.into_bytes()?;
    let mut pixels = vec![0; planes.len()];
    let plane = side * side;
    for (planes, pixels) in planes.chunks_exact(3 * plane).zip(pixels.chunks_exact_mut(3 * plane)) {
        // The row changes fastest, then the column, then the channel.
        for (at, &value) in planes.iter().enumerate() {
            let (channel, column, row) = (at / plane, at % plane / side, at % side);
            pixels[(row * side + column) * 3 + channel] = value;
        }
    }
    Ok((Shape { side, azimuths, elevations }, pixels))
}

impl Source for Cars3d<'_> {
    fn pictures(&self) -> usize {
        self.names.len() * self.shape.azimuths * self.shape.elevations
    }

    fn known(&self) -> Result<KnownFactors, DataError> {
        let Shape { azimuths, elevations, .. } = self.shape;
        let mut sorted: Vec<&str> = self.names.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        let values = |count: usize| (0..count).map(|class| class as f64).collect();
        let [elevation, azimuth, object] = CARS3D.factors else { return Ok(KnownFactors::all(Vec::new())) };
        let factors = vec![
            Factor::of_values(elevation.0, values(elevations)),
            Factor::of_values(azimuth.0, values(azimuths)),
            Factor::of_names(object.0, &sorted),
        ];
        let object = |name: &String| sorted.partition_point(|&other| other < name.as_str()) as u16;
        let of_car = |name| {
            let object = object(name);
            (0..elevations as u16).flat_map(move |elevation| {
                (0..azimuths as u16).flat_map(move |azimuth| [elevation, azimuth, object])
            })
        };
        Ok(KnownFactors { classes: self.names.iter().flat_map(of_car).collect(), factors })
    }

    fn stream(
        &self,
        _pool: &Pool,
        each: &mut dyn FnMut(Block<'_>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let mut names = self.names.iter();
        self.files.each(self.path, &mut |name, bytes| {
            let (shape, pixels) = pictures(&bytes).map_err(|what| about(name, &what, self.path))?;
            if shape != self.shape || names.next().is_none_or(|known| known != name) {
                return Err(about(
                    name,
                    "it has another shape than the first, or is another than before",
                    self.path,
                ));
            }
            each(Block { pixels: &pixels, side: shape.side })?;
            Ok(names.len() > 0)
        })
    }
}
