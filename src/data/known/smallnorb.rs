use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::norb::{Kind, read_head, read_numbers};
use super::sets::SMALLNORB;
use super::source::{Block, Source};
use crate::base::{FileError, Pool};
use crate::data::factor_table::KnownFactors;
use crate::data::{DataError, fingerprint};

/// Pictures that are handed on at a time.
const BLOCK: usize = 512;

/// Pictures of a half: 24,300 are published.
const MOST_PICTURES: usize = 1 << 22;

/// Both halves of SmallNORB: of each pair of pictures the first, of the left eye.
pub(super) struct SmallNorb {
    halves: [Half; 2],
    side: usize,
}

/// The three files of a half, and how many pairs it has.
struct Half {
    pictures: PathBuf,
    categories: PathBuf,
    info: PathBuf,
    count: usize,
}

impl SmallNorb {
    /// Finds the files of both halves in `folder`, plain or `.gz`: those whose names end in `-training-dat.mat` and so on.
    pub(super) fn files(folder: &Path) -> Result<[[PathBuf; 3]; 2], DataError> {
        let entries = std::fs::read_dir(folder).map_err(|error| FileError::new(error, folder))?;
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        let find = |half: &str, part: &str| {
            let ending = format!("-{half}-{part}.mat");
            let is_it = |path: &&PathBuf| {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                name.strip_suffix(".gz").unwrap_or(name).ends_with(&ending)
            };
            paths.iter().find(is_it).cloned().ok_or_else(|| DataError::Content {
                what: format!("there is no file whose name ends in {ending} or {ending}.gz; name the folder with SmallNORB's six files"),
                path: folder.to_owned(),
            })
        };
        let half = |half| Ok::<_, DataError>([find(half, "dat")?, find(half, "cat")?, find(half, "info")?]);
        Ok([half("training")?, half("testing")?])
    }

    /// Tells these files from others.
    pub(super) fn key(files: &[[PathBuf; 3]; 2]) -> Result<String, DataError> {
        let keys =
            files.iter().flatten().map(|path| fingerprint::of_file(path)).collect::<Result<Vec<_>, _>>()?;
        Ok(fingerprint::of(&keys.iter().map(String::as_bytes).collect::<Vec<_>>()))
    }

    pub(super) fn open(files: [[PathBuf; 3]; 2]) -> Result<Self, DataError> {
        let [training, testing] = files.map(Half::open);
        let ((training, side), (testing, other)) = (training?, testing?);
        if side != other {
            let what =
                format!("its pictures have {other} pixels each way, and those of the other half {side}");
            return Err(DataError::Content { what, path: testing.pictures });
        }
        Ok(Self { halves: [training, testing], side })
    }
}

impl Half {
    fn open([pictures, categories, info]: [PathBuf; 3]) -> Result<(Self, usize), DataError> {
        let (_, kind, shape) = open(&pictures)?;
        match shape[..] {
            [count @ 1..=MOST_PICTURES, 2, height @ 8..=2048, width]
                if kind == Kind::Bytes && height == width =>
            {
                Ok((Self { pictures, categories, info, count }, height))
            }
            _ => Err(DataError::Content {
                what: format!(
                    "it should hold pairs of pictures, bytes of shape (24300, 2, 96, 96), not {shape:?}"
                ),
                path: pictures,
            }),
        }
    }

    /// The labels of each picture, as the factors of the set are.
    fn labels(&self) -> Result<Vec<f64>, DataError> {
        let categories = numbers(&self.categories, &[self.count])?;
        let info = numbers(&self.info, &[self.count, 4])?;
        // instance, elevation (30 degrees and 5 for each step), azimuth (10 degrees for each step), lighting
        let row = |(&category, info): (&i32, &[i32])| {
            let [elevation, azimuth, lighting] = [info[1], info[2], info[3]].map(f64::from);
            [f64::from(category), 30.0 + 5.0 * elevation, 10.0 * azimuth, lighting]
        };
        Ok(categories.iter().zip(info.chunks_exact(4)).flat_map(row).collect())
    }

    fn stream(
        &self,
        side: usize,
        each: &mut dyn FnMut(Block<'_>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let (mut reader, ..) = open(&self.pictures)?;
        let picture = side * side;
        let (mut pixels, mut other) = (Vec::new(), vec![0; picture]);
        for first in (0..self.count).step_by(BLOCK) {
            let count = BLOCK.min(self.count - first);
            pixels.resize(count * picture, 0);
            for (at, pixels) in pixels.chunks_exact_mut(picture).enumerate() {
                let read = reader.read_exact(pixels).and_then(|()| reader.read_exact(&mut other));
                read.map_err(|error| DataError::Content {
                    what: format!(
                        "it is damaged at picture {} of {} ({error}); download it again",
                        first + at,
                        self.count
                    ),
                    path: self.pictures.clone(),
                })?;
            }
            each(Block { pixels: &pixels, side })?;
        }
        Ok(())
    }
}

type Opened = (Box<dyn Read>, Kind, Vec<usize>);

/// Opens a matrix, plain or compressed with gzip, at its first element.
fn open(path: &Path) -> Result<Opened, DataError> {
    let file = File::open(path).map_err(|error| FileError::new(error, path))?;
    let mut file = BufReader::with_capacity(1 << 18, file);
    let mut start = [0; 2];
    file.read_exact(&mut start).map_err(|error| DataError::io(error, path))?;
    let whole = io::Cursor::new(start).chain(file);
    let mut reader: Box<dyn Read> = match start {
        [0x1f, 0x8b] => Box::new(BufReader::with_capacity(1 << 18, MultiGzDecoder::new(whole))),
        _ => Box::new(whole),
    };
    let (kind, shape) = read_head(&mut reader).map_err(|error| DataError::io(error, path))?;
    Ok((reader, kind, shape))
}

/// Reads a matrix of numbers, which must have this shape.
fn numbers(path: &Path, wanted: &[usize]) -> Result<Vec<i32>, DataError> {
    let (mut reader, kind, shape) = open(path)?;
    if kind != Kind::Int32 || shape != wanted {
        let what = format!(
            "it should hold whole numbers of shape {wanted:?}, one row for each pair of pictures, not {shape:?}"
        );
        return Err(DataError::Content { what, path: path.to_owned() });
    }
    read_numbers(&mut reader, shape.iter().product()).map_err(|error| DataError::io(error, path))
}

impl Source for SmallNorb {
    fn pictures(&self) -> usize {
        self.halves.iter().map(|half| half.count).sum()
    }

    fn known(&self) -> Result<KnownFactors, DataError> {
        let [mut labels, more] = [self.halves[0].labels()?, self.halves[1].labels()?];
        labels.extend(more);
        let content = |what| DataError::Content { what, path: self.halves[0].info.clone() };
        SMALLNORB.known(&labels).map_err(content)
    }

    fn stream(
        &self,
        _pool: &Pool,
        each: &mut dyn FnMut(Block<'_>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        self.halves.iter().try_for_each(|half| half.stream(self.side, each))
    }
}
