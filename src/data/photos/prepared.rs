use std::path::Path;

use serde::Serialize;

use super::decode::{self, Photo};
use crate::base::Background;
use crate::data::pixels::{Broken, PixelFile, Wanted};
use crate::data::store::Store;
use crate::data::{DataError, OpenOptions, fingerprint};
use crate::formats::picture::Turn;

/// Counted up whenever the same file gives other pixels than before, so that older prepared pictures are not taken.
const DECODER: u32 = 3;

/// The part of a picture that is used, before it is scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(in crate::data) enum Crop {
    /// The largest square in the middle.
    Square,
    /// A square of this many pixels in the middle; smaller pictures have none.
    Middle(usize),
    /// A box: left, top, right and bottom, the last two not included.
    Box(usize, usize, usize, usize),
}

impl Crop {
    /// Cuts the part out and scales it to `size` x `size`.
    fn apply(self, photo: &Photo, size: usize) -> Result<Photo, String> {
        let part = match self {
            Self::Square => {
                let side = photo.width().min(photo.height());
                photo.crop_middle(side, side)
            }
            Self::Middle(side) if side > photo.width().min(photo.height()) => {
                return Err(format!(
                    "this picture has {}x{} pixels, too few for a crop of {side}; name the folder as images:FOLDER to \
                     take the largest square",
                    photo.width(),
                    photo.height()
                ));
            }
            Self::Middle(side) => photo.crop_middle(side, side),
            Self::Box(left, top, right, bottom) => {
                let (width, height) = (photo.width(), photo.height());
                // Some annotations reach over the edge by a little; far over it, they are another picture's.
                if right > width + width / 20
                    || bottom > height + height / 20
                    || left >= width
                    || top >= height
                {
                    return Err(format!(
                        "its annotated box reaches outside the picture, which has {width}x{height} pixels; it is not \
                         the one that was annotated"
                    ));
                }
                photo.crop(left, top, right.min(width) - left, bottom.min(height) - top)
            }
        };
        if part.width() == 0 || part.height() == 0 {
            return Err("the picture has no pixels".into());
        }
        Ok(part.scale(size, size))
    }
}

/// The pictures of a store, each decoded, cropped and scaled, as many as the cache holds in a file of raw
/// pixels that is read by position.
#[derive(Debug)]
pub(in crate::data) struct Prepared {
    store: Store,
    /// The pictures' places in the store and what is cut from them, broken ones left out.
    pictures: Vec<(u32, Crop)>,
    size: usize,
    background: Background,
    pixels: PixelFile,
}

impl Prepared {
    /// Prepares `pictures` (their place in `store`, and the crop) at `size`, or finds them prepared already.
    pub(in crate::data) fn open(
        store: Store,
        pictures: Vec<(u32, Crop)>,
        size: usize,
        options: &OpenOptions,
    ) -> Result<Self, DataError> {
        let crops = serde_json::to_vec(&pictures).unwrap_or_default();
        let whole = std::fs::canonicalize(store.path()).unwrap_or_else(|_| store.path().to_owned());
        let key = fingerprint::of(&[
            whole.as_os_str().as_encoded_bytes(),
            store.fingerprint().as_bytes(),
            &crops,
            &size.to_le_bytes(),
            &DECODER.to_le_bytes(),
            &options.background.rgb(),
        ]);
        let name = format!("photos-{size}-{key}");
        let wanted = Wanted { name: &name, pictures: pictures.len(), size, doing: "decoding pictures" };
        let pixels = PixelFile::open(&wanted, options, |index| {
            Ok(decode_one(&store, pictures[index], size, options.background)?.into_rgb())
        })?;
        let pictures = without(pictures, &pixels.broken().places);
        Ok(Self { store, pictures, size, background: options.background, pixels })
    }

    /// The number of pictures, broken ones left out.
    pub(in crate::data) fn len(&self) -> usize {
        self.pictures.len()
    }

    /// A short name for which picture lies at which index.
    pub(in crate::data) fn listing(&self) -> String {
        let names = (0..self.len()).map(|index| self.name(index).as_os_str().as_encoded_bytes());
        fingerprint::of_parts(names.map(|name| (name, [].as_slice())))
    }

    /// The path of picture `index` inside the folder or archive.
    pub(in crate::data) fn name(&self, index: usize) -> &Path {
        self.store.entries()[self.pictures[index].0 as usize].name()
    }

    /// Whether no picture has to be decoded any more.
    pub(in crate::data) fn is_all_cached(&self) -> bool {
        self.pixels.cached() == self.pictures.len()
    }

    /// The pictures that could not be decoded.
    pub(in crate::data) fn broken(&self) -> &Broken {
        self.pixels.broken()
    }

    /// Writes picture `index` into `out` `(3, size, size)`, values in [0, 1].
    pub(in crate::data) fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DataError> {
        if index < self.pixels.cached() {
            return self.pixels.read(index, out);
        }
        decode_one(&self.store, self.pictures[index], self.size, self.background)?.write_planes(out);
        Ok(())
    }
}

pub(super) fn decode_one(
    store: &Store,
    (entry, crop): (u32, Crop),
    size: usize,
    background: Background,
) -> Result<Photo, DataError> {
    let entry = &store.entries()[entry as usize];
    let bytes = store.read(entry)?;
    // Boxes are annotated on the pixels as they lie in the file.
    let turn = if matches!(crop, Crop::Box(..)) { Turn::AsStored } else { Turn::Upright };
    let photo = decode::bytes(&bytes, entry.name(), turn, background);
    let photo = photo.and_then(|photo| crop.apply(&photo, size));
    photo.map_err(|what| DataError::Content { what, path: store.path_of(entry) })
}

/// Removes the elements at `places`, which rise.
fn without<T>(all: Vec<T>, places: &[u32]) -> Vec<T> {
    let mut places = places.iter().copied().peekable();
    let keep = |at: usize| places.next_if_eq(&(at as u32)).is_none();
    all.into_iter()
        .enumerate()
        .scan(keep, |keep, (at, item)| Some(keep(at).then_some(item)))
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_out_places_keeps_the_rest_in_order() {
        assert_eq!(without(vec!['a', 'b', 'c', 'd'], &[0, 2]), ['b', 'd']);
        assert_eq!(without(vec!['a', 'b'], &[]), ['a', 'b']);
        assert_eq!(without(vec!['a', 'b'], &[0, 1]), [' '; 0]);
    }
}
