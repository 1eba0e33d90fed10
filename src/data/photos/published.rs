use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;

use super::prepared::Crop;
use crate::data::DataError;
use crate::data::matlab::{Value, read_table};
use crate::data::store::Store;

/// How a set of photographs lies on disk and what is cut from each picture (paper section A.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Layout {
    /// Any pictures at any depth, the middle square of each.
    Images,
    /// The same, in a folder for each label.
    Labels,
    /// CelebA's aligned faces, 178x218: the middle 160x160.
    CelebA,
    /// CelebA-HQ, 1024x1024, as they are.
    CelebAHq,
    /// Rendered chairs, 600x600: the middle 450x450 of every picture in a `renders` folder.
    Chairs,
    /// Stanford cars: the annotated box of each, those under 64 pixels left out.
    Cars,
}

/// Boxes narrower or lower than this are left out of the cars.
const SMALLEST_CAR: f64 = 64.0;

impl Layout {
    /// The side of a picture when none is asked for.
    pub(super) fn usual_size(self) -> usize {
        if self == Self::CelebAHq { 1024 } else { 64 }
    }

    /// What the folder or archive should hold, for messages.
    pub(super) fn expects(self) -> &'static str {
        match self {
            Self::Images => "png, jpeg or other picture files at any depth",
            Self::Labels => "a folder for each label with picture files in it",
            Self::CelebA => "the folder or zip img_align_celeba with its 178x218 jpg files",
            Self::CelebAHq => "the folder or zip of 1024x1024 png files",
            Self::Chairs => "rendered_chairs/<model>/renders/*.png, unpacked or as the tar",
            Self::Cars => {
                "cars_train/, cars_test/ and devkit/cars_train_annos.mat, devkit/cars_test_annos.mat \
                 (devkit/cars_test_annos_withlabels.mat will do)"
            }
        }
    }

    /// Whether the set comes with files that are no pictures.
    pub(super) fn has_other_files(self) -> bool {
        !matches!(self, Self::Images | Self::Labels)
    }

    /// Those of `pictures`, places in the store, that belong to the set, and what is cut from each.
    pub(super) fn choose(self, store: &Store, pictures: &[u32]) -> Result<Vec<(u32, Crop)>, DataError> {
        let pictures = pictures.iter().map(|&at| (at, store.entries()[at as usize].name()));
        Ok(match self {
            Self::Images | Self::Labels | Self::CelebAHq => {
                pictures.map(|(at, _)| (at, Crop::Square)).collect()
            }
            Self::CelebA => pictures.map(|(at, _)| (at, Crop::Middle(160))).collect(),
            Self::Chairs => pictures
                .filter(|(_, name)| folder(name).is_none_or(|folder| folder == "renders"))
                .map(|(at, _)| (at, Crop::Middle(450)))
                .collect(),
            Self::Cars => {
                let boxes = car_boxes(store)?;
                let mut chosen = Vec::new();
                for (at, name) in pictures {
                    let (Some(file), Some(folder)) = (name.file_name(), folder(name)) else { continue };
                    let key = format!("{}/{}", folder.to_string_lossy(), file.to_string_lossy());
                    let Some(&found) = boxes.get(&key) else { continue };
                    let [left, top, right, bottom] = found;
                    if right - left >= SMALLEST_CAR && bottom - top >= SMALLEST_CAR {
                        let [left, top, right, bottom] = found.map(|place| place.max(0.0) as usize);
                        chosen.push((at, Crop::Box(left, top, right, bottom)));
                    }
                }
                chosen
            }
        })
    }
}

/// The name of the folder that a file lies in, inside the store.
fn folder(name: &Path) -> Option<&OsStr> {
    name.parent()?.file_name()
}

/// The annotated boxes (left, top, right, bottom) by `cars_train/00001.jpg` and so on.
fn car_boxes(store: &Store) -> Result<HashMap<String, [f64; 4]>, DataError> {
    let mut boxes = HashMap::new();
    for (folder, files) in [
        ("cars_train", ["cars_train_annos.mat", ""]),
        ("cars_test", ["cars_test_annos.mat", "cars_test_annos_withlabels.mat"]),
    ] {
        let is_wanted =
            |name: &Path| name.file_name().is_some_and(|file| files.iter().any(|known| file == *known));
        let Some(entry) = store.entries().iter().find(|entry| is_wanted(entry.name())) else { continue };
        let content = |what: String| DataError::Content { what, path: store.path_of(entry) };
        let table = read_table(&store.read(entry)?, "annotations").map_err(content)?;
        let field = |name: &str| {
            table.field(name).ok_or_else(|| content(format!("its annotations have no field {name}")))
        };
        let sides = [field("bbox_x1")?, field("bbox_y1")?, field("bbox_x2")?, field("bbox_y2")?];
        let file = field("fname")?;
        for row in &table.rows {
            let Value::Text(file) = &row[file] else { continue };
            let side = |place: usize| if let Value::Number(side) = row[place] { side } else { f64::NAN };
            let found = sides.map(side);
            if found.iter().all(|side| side.is_finite()) {
                boxes.insert(format!("{folder}/{file}"), found);
            }
        }
    }
    if boxes.is_empty() {
        let what = format!("no annotations found; expected {}", Layout::Cars.expects());
        return Err(DataError::Content { what, path: store.path().to_owned() });
    }
    Ok(boxes)
}
