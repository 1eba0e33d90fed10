use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use super::mask::{Mask, SIDE};
use super::shapes;
use crate::base::{FileError, NpyHeader, write_atomic};
use crate::data::cache::{CacheFolder, EXTENSION, PositionalFile};
use crate::data::factors::{combinations, evenly};
use crate::data::{DataError, Factor, OpenOptions, fingerprint};
use crate::formats::zip::Archive;
use crate::formats::{self, shorten};

/// Factor names in the order of the published set's columns, its constant colour left out.
const NAMES: [&str; 5] = ["shape", "scale", "orientation", "x", "y"];

/// Where the binary sprites come from.
pub(super) enum SpriteSource {
    /// Drawn by the program.
    Drawn,
    /// Read from the published file, through a cache file of packed bits.
    Packed(PositionalFile),
}

impl SpriteSource {
    /// The set that the program draws, and its factors.
    pub(super) fn procedural() -> (Self, Vec<Factor>) {
        let sizes =
            [shapes::SHAPES, shapes::SCALES, shapes::ORIENTATIONS, shapes::POSITIONS, shapes::POSITIONS];
        let ends = [(1.0, 3.0), (0.5, 1.0), (0.0, std::f64::consts::TAU), (0.0, 1.0), (0.0, 1.0)];
        let factors = NAMES.iter().zip(sizes).zip(ends);
        (Self::Drawn, factors.map(|((name, size), (first, last))| evenly(name, first, last, size)).collect())
    }

    /// Opens the published `.npz`, unpacking its pictures into the cache the first time (377 MB for the
    /// whole set). Its `metadata`, pickled Python objects, is never read.
    pub(super) fn published(path: &Path, options: &OpenOptions) -> Result<(Self, Vec<Factor>), DataError> {
        let file = formats::ByteSource::open(path)?;
        let mut start = [0; 2];
        if file.read_exact_at(&mut start, 0).is_err() || &start != b"PK" {
            return Err(content(path, "not an npz file; download it again".into()));
        }
        let key = fingerprint::of_file(path)?;
        let archive = Archive::open(file).map_err(|error| DataError::io(error, path))?;
        let factors = read_factors(&archive, path)?;
        let name = format!("dsprites-{key}.{EXTENSION}");
        let cache = CacheFolder::open(options, &name)?;
        let packed = cache.path_of(&name);
        let bytes = (combinations(&factors) * Mask::BYTES) as u64;
        let found =
            || PositionalFile::open(&packed).ok().filter(|file| file.len().is_ok_and(|len| len == bytes));
        let blame = |error| cache.blame(error);
        let lock = if found().is_some() { None } else { cache.lock(options).map_err(blame)? };
        if let Some(file) = found() {
            CacheFolder::touch(file.file());
            return Ok((Self::Packed(file), factors));
        }
        if cache.make_room(&packed, bytes) < bytes {
            return Err(DataError::Spec(format!(
                "the unpacked sprites take {bytes} bytes, more than the cache may hold; raise --cache-size"
            )));
        }
        pack(&archive, path, &packed, combinations(&factors), options).map_err(blame)?;
        drop(lock);
        Ok((Self::Packed(PositionalFile::open(&packed)?), factors))
    }

    /// Sprite `index` of the set.
    pub(super) fn sprite(&self, index: usize) -> Result<Mask, DataError> {
        match self {
            Self::Drawn => {
                let (rest, y) = (index / shapes::POSITIONS, index % shapes::POSITIONS);
                let (rest, x) = (rest / shapes::POSITIONS, rest % shapes::POSITIONS);
                let (rest, orientation) = (rest / shapes::ORIENTATIONS, rest % shapes::ORIENTATIONS);
                Ok(shapes::sprite([rest / shapes::SCALES, rest % shapes::SCALES, orientation, x, y]))
            }
            Self::Packed(file) => {
                let mut bytes = [0; Mask::BYTES];
                file.read_at(&mut bytes, (index * Mask::BYTES) as u64)?;
                Ok(Mask::from_bytes(&bytes))
            }
        }
    }
}

/// Columns of `latents_values`: the constant colour and the five factors.
const COLUMNS: usize = 6;

/// More pictures, or values of one factor, than any such set has: a file that claims them is hostile.
const MAX_PICTURES: usize = 1 << 24;
const MAX_VALUES: usize = 4096;

/// Finds the values of each factor in `latents_values` and checks that pictures are in row-major order.
fn read_factors(archive: &Archive, path: &Path) -> Result<Vec<Factor>, DataError> {
    let mut values: [Vec<f64>; COLUMNS] = Default::default();
    let rows = each_row(archive, path, |_, row| {
        for (known, &value) in values.iter_mut().zip(row) {
            // Values appear in rising order, so a new one is above the last.
            if known.last().is_none_or(|&last| value > last) {
                known.push(value);
            }
        }
        values.iter().all(|known| known.len() <= MAX_VALUES)
    })?;
    let factors: Vec<Factor> = NAMES
        .iter()
        .zip(values.iter().skip(1))
        .map(|(&name, values)| Factor::of_values(name, values.clone()))
        .collect();
    let mut in_order = values[0].len() == 1 && combinations(&factors) == rows;
    if in_order {
        each_row(archive, path, |mut rest, row| {
            for (factor, value) in factors.iter().zip(&row[1..]).rev() {
                in_order &= factor.values[rest % factor.values.len()] == *value;
                rest /= factor.values.len();
            }
            in_order
        })?;
    }
    if in_order {
        Ok(factors)
    } else {
        let what = "latents_values are not all combinations of five factors with the last varying fastest";
        Err(content(path, what.to_owned()))
    }
}

/// Calls `each` with the number and content of every row of `latents_values` until it returns false; returns
/// the number of rows.
fn each_row(
    archive: &Archive,
    path: &Path,
    mut each: impl FnMut(usize, &[f64; COLUMNS]) -> bool,
) -> Result<usize, DataError> {
    let member = open_member(archive, "latents_values", path)?;
    let mut member = BufReader::with_capacity(1 << 16, member);
    let header = NpyHeader::read(&mut member).map_err(|error| DataError::io(error, path))?;
    let rows = match header.shape[..] {
        [rows @ 1..=MAX_PICTURES, COLUMNS] if header.descr == "<f8" && !header.fortran_order => rows,
        _ => {
            let (descr, shape) = (&header.descr, &header.shape);
            let what = format!(
                "latents_values should be f64 of shape (N, 6), not {descr} of {shape:?}; is this the dSprites file?"
            );
            return Err(content(path, what));
        }
    };
    for index in 0..rows {
        let mut row = [0.0; COLUMNS];
        for value in &mut row {
            let mut bytes = [0; 8];
            member.read_exact(&mut bytes).map_err(|error| DataError::io(error, path))?;
            *value = f64::from_le_bytes(bytes);
        }
        if !each(index, &row) {
            break;
        }
    }
    Ok(rows)
}

/// Streams the deflated `imgs` once into a file of packed bits.
fn pack(
    archive: &Archive,
    path: &Path,
    packed: &Path,
    count: usize,
    options: &OpenOptions,
) -> Result<(), DataError> {
    let member = open_member(archive, "imgs", path)?;
    let mut member = BufReader::with_capacity(1 << 18, member);
    let header = NpyHeader::read(&mut member).map_err(|error| DataError::io(error, path))?;
    if header.descr != "|u1" || header.fortran_order || header.shape != [count, SIDE, SIDE] {
        let what = format!(
            "imgs should be u8 of shape ({count}, 64, 64), not {} of {:?}",
            header.descr, header.shape
        );
        return Err(content(path, what));
    }
    let mut pixels = vec![0; SIDE * SIDE];
    write_atomic(packed, |writer| {
        for index in 0..count {
            if index % 4096 == 0 {
                options.step("unpacking sprites", index as u64, count as u64)?;
            }
            member.read_exact(&mut pixels).map_err(|error| {
                content(path, format!("the pictures end early ({error}); download it again"))
            })?;
            let bytes = Mask::from_pixels(&pixels).to_bytes();
            writer.write_all(&bytes).map_err(|error| FileError::new(error, packed))?;
        }
        options.step("unpacking sprites", count as u64, count as u64)
    })
}

/// A reader of the array `name` from its header on.
fn open_member(archive: &Archive, name: &str, path: &Path) -> Result<impl Read, DataError> {
    let member = archive.member(&format!("{name}.npy")).ok_or_else(|| {
        let mut names: Vec<_> = archive.names().map(shorten).collect();
        names.sort_unstable();
        names.truncate(8);
        content(path, format!("it has no array {name}; it has {}", names.join(", ")))
    })?;
    archive.reader(member).map_err(|error| DataError::io(error, path))
}

fn content(path: &Path, what: String) -> DataError {
    DataError::Content { what, path: PathBuf::from(path) }
}
