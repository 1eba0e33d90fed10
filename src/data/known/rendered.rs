use std::path::Path;

use super::npy::read_table;
use super::sets::KnownSet;
use crate::data::factor_table::{FactorTable, KnownFactors};
use crate::data::photos::{Crop, Prepared};
use crate::data::store::{Store, warn_once};
use crate::data::{DataError, OpenOptions};

/// Opens a folder or an archive of numbered pictures and a table with a row of labels for each, `labels.npy` or
/// `train-rec.labels`: the pictures at `size`, their factors, and the place of each picture where that is another.
pub(super) fn open(
    spec: &str,
    set: &KnownSet,
    path: &Path,
    size: usize,
    options: &OpenOptions,
) -> Result<(Prepared, FactorTable, Option<Vec<u32>>), DataError> {
    let store = Store::open(path)?;
    let labels = labels(&store, set)?;
    let entries = store.entries().iter().zip(0u32..);
    let pictures = entries.filter(|(entry, _)| number(entry.name()).is_some());
    let pictures: Vec<_> = pictures.map(|(_, place)| (place, Crop::Square)).collect();
    if pictures.is_empty() {
        let what = "there are no pictures called 000000.png and so on; name the folder or archive that holds images/ and the labels";
        return Err(DataError::Content { what: what.into(), path: path.to_owned() });
    }
    let prepared = Prepared::open(store, pictures, size, options)?;
    let broken = prepared.broken();
    if let Some(sentence) = broken.sentence(prepared.len() + broken.places.len()) {
        warn_once(format!("{spec}: {sentence}"));
    }
    let (table, order) = FactorTable::new(of_pictures(&prepared, set, &labels, path)?);
    Ok((prepared, table, order))
}

/// The number that a picture is called by.
fn number(name: &Path) -> Option<usize> {
    let is_picture = name.extension().is_some_and(|ending| ending == "png" || ending == "jpg");
    let stem = name.file_stem()?.to_str()?;
    (is_picture && stem.bytes().all(|byte| byte.is_ascii_digit())).then(|| stem.parse().ok()).flatten()
}

/// The rows of labels, one after another.
fn labels(store: &Store, set: &KnownSet) -> Result<Vec<f64>, DataError> {
    let is_table = |name: &Path| name.extension().is_some_and(|ending| ending == "npy" || ending == "labels");
    let Some(entry) = store.entries().iter().find(|entry| is_table(entry.name())) else {
        let what = "there is no table of labels, labels.npy or train-rec.labels, beside its pictures; name the folder or archive \
                    that holds both";
        return Err(DataError::Content { what: what.into(), path: store.path().to_owned() });
    };
    let path = store.path_of(entry);
    let reader = store.reader(entry).map_err(|error| DataError::io(error, &path))?;
    let (columns, values) = read_table(reader).map_err(|error| DataError::io(error, &path))?;
    if columns != set.factors.len() {
        let what = format!(
            "it has {columns} columns, and {} has {} factors; is this another set?",
            set.title,
            set.factors.len()
        );
        return Err(DataError::Content { what, path });
    }
    Ok(values)
}

/// What is known of the prepared pictures, by their numbers.
fn of_pictures(
    prepared: &Prepared,
    set: &KnownSet,
    labels: &[f64],
    path: &Path,
) -> Result<KnownFactors, DataError> {
    let width = set.factors.len();
    let mut rows = Vec::with_capacity(prepared.len() * width);
    for picture in 0..prepared.len() {
        let name = prepared.name(picture);
        let start = number(name).and_then(|number| number.checked_mul(width));
        let row =
            start.and_then(|start| labels.get(start..)?.get(..width)).ok_or_else(|| DataError::Content {
                what: format!(
                    "its labels have {} rows and none for this picture; download both again",
                    labels.len() / width
                ),
                path: path.join(name),
            })?;
        rows.extend_from_slice(row);
    }
    set.known(&rows)
        .map_err(|what| DataError::Content { what: format!("{what} in its labels"), path: path.to_owned() })
}
