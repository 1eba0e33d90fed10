use std::path::{Path, PathBuf};

use super::idx::read_idx;
use super::{Held, LabelledPictures};
use crate::data::{DataError, PictureLabels};

/// Which of MNIST's two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Part {
    /// The 60,000 pictures to train on.
    Train,
    /// The 10,000 others.
    Test,
}

/// Where the files lie under the folder that is named: torchvision puts them deeper.
const FOLDERS: [&str; 3] = ["", "raw", "MNIST/raw"];

impl LabelledPictures {
    /// MNIST, or a set in its format: `train-images-idx3-ubyte` and so on in `folder`, plain or `.gz`.
    pub(in crate::data) fn mnist(
        spec: &str,
        folder: &Path,
        part: Part,
        size: Option<usize>,
    ) -> Result<Self, DataError> {
        let prefix = match part {
            Part::Train => "train",
            Part::Test => "t10k",
        };
        let (pictures, labels) = (find(folder, prefix, "images", 3)?, find(folder, prefix, "labels", 1)?);
        let ([count, side, width], pixels) = read_idx::<3>(&pictures)?;
        let content = |what: String, path: PathBuf| DataError::Content { what, path };
        if side != width || count == 0 || side == 0 {
            return Err(content(
                format!("it should hold square pictures, not {count} of {width}x{side}"),
                pictures,
            ));
        }
        let ([named], classes) = read_idx::<1>(&labels)?;
        if named != count {
            return Err(content(
                format!("it has {named} labels for {count} pictures; download both again"),
                labels,
            ));
        }
        Self::new(spec, size, Held { channels: 1, side, pixels }, PictureLabels::of(&classes))
    }
}

/// The file of one array, by any of the names that it goes by.
fn find(folder: &Path, prefix: &str, what: &str, dims: usize) -> Result<PathBuf, DataError> {
    let name = |dot: char, ending: &str| format!("{prefix}-{what}{dot}idx{dims}-ubyte{ending}");
    let names = [name('-', ""), name('.', ""), name('-', ".gz"), name('.', ".gz")];
    let mut places =
        FOLDERS.iter().flat_map(|inner| names.each_ref().map(|name| folder.join(inner).join(name)));
    places.find(|path| path.is_file()).ok_or_else(|| DataError::Content {
        what: format!(
            "there is no {}, plain or .gz; name the folder that holds MNIST's files",
            name('-', "")
        ),
        path: folder.to_owned(),
    })
}
