//! Photographs from folders and archives, decoded once at the training size into a bounded cache.

mod attributes;
pub(super) mod decode;
mod folders;
mod listed;
mod prepared;
mod published;

use std::path::Path;

use self::attributes::AttributeList;
use super::factor_table::FactorTable;
use super::store::{Store, warn_once};
use super::{DataError, Dataset, Factor, OpenOptions, PictureLabels};
use crate::base::{Background, Pool, Stream};

pub(super) use self::prepared::{Crop, Prepared};
pub(super) use self::published::Layout;

/// The smallest and the largest side of a picture.
const SIDES: std::ops::RangeInclusive<usize> = 8..=2048;

/// A set of photographs at one size.
pub(super) struct Photos {
    spec: String,
    size: usize,
    pictures: Prepared,
    labels: Option<PictureLabels>,
    attributes: Option<FactorTable>,
}

impl Photos {
    /// Opens the folder or archive at `path`, laid out as `layout` says; the first time every picture is
    /// decoded.
    pub(super) fn open(
        spec: &str,
        layout: Layout,
        path: &Path,
        size: Option<usize>,
        options: &OpenOptions,
    ) -> Result<Self, DataError> {
        let size = size.unwrap_or(layout.usual_size());
        if !SIDES.contains(&size) {
            return Err(DataError::Spec(format!("photos are scaled to 8 to 2048 pixels, not {size}")));
        }
        let store = Store::open(path)?;
        let (found, mut passed) = listed::pictures(&store, options)?;
        let chosen = layout.choose(&store, &found)?;
        if chosen.is_empty() {
            let also = if passed.is_empty() { String::new() } else { format!("; passed over {passed}") };
            let what = format!("no pictures found; expected {}{also}", layout.expects());
            return Err(DataError::Content { what, path: path.to_owned() });
        }
        if layout.has_other_files() {
            passed.others = 0;
        }
        passed.warn(path);
        let list = if layout == Layout::CelebA { AttributeList::find(&store)? } else { None };
        let pictures = Prepared::open(store, chosen, size, options)?;
        let broken = pictures.broken();
        if let Some(sentence) = broken.sentence(pictures.len() + broken.places.len()) {
            warn_once(format!("{spec}: {sentence}"));
        }
        let labels = match layout {
            Layout::Labels => Some(folders::labels(&pictures, path)?),
            _ => None,
        };
        let attributes = list.map(|list| list.of(&pictures)).transpose()?;
        Ok(Self { spec: spec.to_owned(), size, pictures, labels, attributes })
    }
}

/// Lists the folder or archive at `path` in the way of every layout, and reads and prepares what each finds; returns how
/// many pictures could be, and what was wrong with the others.
///
/// # Errors
/// When there is no such folder or archive.
pub(super) fn read_all(path: &Path, pool: &Pool) -> Result<(usize, Vec<DataError>), DataError> {
    let store = Store::open(path)?;
    let (found, _) = store.pictures(pool)?;
    let (mut read, mut errors) = (0, Vec::new());
    for layout in [Layout::Images, Layout::CelebA, Layout::Chairs, Layout::Cars] {
        let chosen = layout.choose(&store, &found).unwrap_or_else(|error| {
            errors.push(error);
            Vec::new()
        });
        for picture in chosen {
            match prepared::decode_one(&store, picture, 8, Background::default()) {
                Ok(_) => read += 1,
                Err(error) => errors.push(error),
            }
        }
    }
    Ok((read, errors))
}

impl Dataset for Photos {
    fn spec(&self) -> &str {
        &self.spec
    }

    fn len(&self) -> usize {
        self.pictures.len()
    }

    fn picture_shape(&self) -> [usize; 3] {
        [3, self.size, self.size]
    }

    fn listing(&self) -> String {
        self.pictures.listing()
    }

    fn labels(&self) -> Option<&PictureLabels> {
        self.labels.as_ref()
    }

    fn factors(&self) -> &[Factor] {
        match (&self.labels, &self.attributes) {
            (Some(labels), _) => std::slice::from_ref(labels.factor()),
            (None, Some(attributes)) => attributes.factors(),
            (None, None) => &[],
        }
    }

    fn classes(&self, index: usize) -> Vec<usize> {
        match (&self.labels, &self.attributes) {
            (Some(labels), _) => vec![labels.class(index)],
            (None, Some(attributes)) => attributes.classes(index),
            (None, None) => Vec::new(),
        }
    }

    fn sharing(&self, factor: usize, class: usize, stream: &mut Stream) -> usize {
        match (&self.labels, &self.attributes) {
            (Some(labels), _) => labels.one_of(class, stream),
            (None, Some(attributes)) => attributes.sharing(factor, class, stream),
            (None, None) => stream.below(self.len()),
        }
    }

    fn with_classes(&self, classes: &[usize]) -> Option<usize> {
        match (&self.labels, &self.attributes) {
            (Some(labels), _) => labels.pictures(*classes.first()?).first().map(|&picture| picture as usize),
            (None, attributes) => attributes.as_ref()?.with_classes(classes),
        }
    }

    fn may_flip(&self) -> bool {
        // Digits and letters are others in the mirror.
        self.labels.is_none()
    }

    fn is_costly(&self) -> bool {
        !self.pictures.is_all_cached()
    }

    fn read(&self, index: usize, _draw: u64, out: &mut [f32]) -> Result<(), DataError> {
        self.pictures.read(index, out)
    }
}

#[cfg(test)]
mod tests;
