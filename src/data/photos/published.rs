use std::collections::{BTreeMap, HashMap};

use super::matlab::{Value, read_table};
use super::prepared::Crop;
use super::store::Store;
use crate::base::{foreign_picture, is_picture_name};
use crate::data::DataError;

/// How a set of photographs lies on disk and what is cut from each picture (paper section A.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Layout {
    /// Any pictures at any depth, the middle square of each.
    Images,
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
            Self::CelebA => "the folder or zip img_align_celeba with its 178x218 jpg files",
            Self::CelebAHq => "the folder or zip of 1024x1024 png files",
            Self::Chairs => "rendered_chairs/<model>/renders/*.png, unpacked or as the tar",
            Self::Cars => {
                "cars_train/, cars_test/ and devkit/cars_train_annos.mat, devkit/cars_test_annos.mat \
                 (devkit/cars_test_annos_withlabels.mat will do)"
            }
        }
    }

    /// What to say about the pictures of a store that no decoder here reads; `None` where there are none.
    pub(super) fn unreadable(store: &Store) -> Option<String> {
        let mut counts = BTreeMap::new();
        for ending in store.entries().iter().filter_map(|entry| foreign_picture(&entry.name)) {
            *counts.entry(ending).or_insert(0u32) += 1;
        }
        let counts: Vec<String> = counts.iter().map(|(ending, count)| format!("{count} .{ending}")).collect();
        (!counts.is_empty()).then(|| {
            format!(
                "{} files cannot be read and are left out; convert them to png or jpeg",
                counts.join(" and ")
            )
        })
    }

    /// The pictures of the set in name order: their place in the store and what is cut from each.
    pub(super) fn choose(self, store: &Store) -> Result<Vec<(u32, Crop)>, DataError> {
        let pictures = store.entries().iter().zip(0u32..).filter(|(entry, _)| is_picture_name(&entry.name));
        Ok(match self {
            Self::Images | Self::CelebAHq => pictures.map(|(_, at)| (at, Crop::Square)).collect(),
            Self::CelebA => pictures.map(|(_, at)| (at, Crop::Middle(160))).collect(),
            Self::Chairs => pictures
                .filter(|(entry, _)| entry.name.rsplit('/').nth(1).is_none_or(|folder| folder == "renders"))
                .map(|(_, at)| (at, Crop::Middle(450)))
                .collect(),
            Self::Cars => {
                let boxes = car_boxes(store)?;
                let mut chosen = Vec::new();
                for (entry, at) in pictures {
                    let mut parts = entry.name.rsplit('/');
                    let (Some(file), Some(folder)) = (parts.next(), parts.next()) else { continue };
                    let Some(&found) = boxes.get(&format!("{folder}/{file}")) else { continue };
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

/// The annotated boxes (left, top, right, bottom) by `cars_train/00001.jpg` and so on.
fn car_boxes(store: &Store) -> Result<HashMap<String, [f64; 4]>, DataError> {
    let mut boxes = HashMap::new();
    for (folder, files) in [
        ("cars_train", ["cars_train_annos.mat", ""]),
        ("cars_test", ["cars_test_annos.mat", "cars_test_annos_withlabels.mat"]),
    ] {
        let is_wanted = |name: &str| name.rsplit('/').next().is_some_and(|file| files.contains(&file));
        let Some(entry) = store.entries().iter().find(|entry| is_wanted(&entry.name)) else { continue };
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
