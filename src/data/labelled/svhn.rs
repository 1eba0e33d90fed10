use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{Held, LabelledPictures, MOST_BYTES};
use crate::base::FileError;
use crate::data::matlab::{Values, read_values};
use crate::data::{DataError, PictureLabels};

/// Channels and side of the cropped digits.
const CHANNELS: usize = 3;
const SIDE: usize = 32;

impl LabelledPictures {
    /// SVHN's cropped digits: `train_32x32.mat` or `test_32x32.mat`, with `X` (32, 32, 3, N) and `y` (N, 1), in which 10
    /// stands for 0.
    pub(in crate::data) fn svhn(spec: &str, path: &Path, size: Option<usize>) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|error| FileError::new(error, path))?;
        let mut bytes = Vec::new();
        file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| FileError::new(error, path))?;
        let content = |what: String| DataError::Content { what, path: path.to_owned() };
        if bytes.len() as u64 > MOST_BYTES {
            return Err(content(
                "the file is larger than the 256 MiB that are read; take train_32x32.mat or test_32x32.mat"
                    .into(),
            ));
        }
        let [Some(pictures), Some(labels)] = read_values(&bytes, ["X", "y"]).map_err(content)? else {
            return Err(content(
                "it has no arrays X and y; name train_32x32.mat or test_32x32.mat of SVHN".into(),
            ));
        };
        drop(bytes);
        let labels = digits(&labels).map_err(content)?;
        let pixels = planes(pictures, labels.len()).map_err(content)?;
        Self::new(spec, size, Held { channels: CHANNELS, side: SIDE, pixels }, PictureLabels::of(&labels))
    }
}

fn digits(labels: &Values) -> Result<Vec<u8>, String> {
    let digit = |&label: &f64| match label {
        10.0 => Ok(0),
        1.0..10.0 if label.fract() == 0.0 => Ok(label as u8),
        _ => Err(format!(
            "y should hold numbers from 1 to 10, not {label}; is this the file of cropped digits?"
        )),
    };
    labels.numbers()?.iter().map(digit).collect()
}

/// The pixels of `count` pictures row by row, from MATLAB's order, in which the row changes fastest.
fn planes(pictures: Values, count: usize) -> Result<Vec<u8>, String> {
    let wanted = [SIDE, SIDE, CHANNELS, count];
    // MATLAB leaves out a last dimension of one.
    if count == 0 || !(pictures.shape == wanted || (count == 1 && pictures.shape == wanted[..3])) {
        return Err(format!(
            "X should be of shape (32, 32, 3, {count}), as many pictures as y has labels, not {:?}",
            pictures.shape
        ));
    }
    let mut pixels = pictures.into_bytes()?;
    let mut columns = [0; SIDE * SIDE];
    for plane in pixels.chunks_exact_mut(SIDE * SIDE) {
        columns.copy_from_slice(plane);
        for (place, value) in plane.iter_mut().enumerate() {
            *value = columns[place % SIDE * SIDE + place / SIDE];
        }
    }
    Ok(pixels)
}
