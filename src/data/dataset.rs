use std::io;
use std::path::{Path, PathBuf};

use super::factors::{Factor, classes_of, index_of, one_sharing};
use super::labels::PictureLabels;
use crate::base::{FileError, Stream};

/// A data set of pictures with random access.
///
/// Reading is deterministic: picture `index` with `draw` is the same bytes every time, so that training can be
/// resumed bit by bit. Sets with nuisance (noise, textures, random colours) vary it with `draw` (and
/// with `index`, unless `draw` holds [`SHARED_NUISANCE`]); others ignore it.
pub trait Dataset: Send + Sync {
    /// The specification that opens this set again, for instance `dsprites` or `images:DIR`.
    fn spec(&self) -> &str;

    /// The specification of the set that these pictures are drawn from, for instance `scenes` for `scenes:50000`;
    /// it is the one with factors.
    fn whole(&self) -> &str {
        self.spec()
    }

    /// Number of pictures.
    fn len(&self) -> usize;

    /// Whether the set holds no pictures.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Channels (1 or 3), height and width of every picture.
    fn picture_shape(&self) -> [usize; 3];

    /// A short name for which picture lies at which index: it is another one when pictures were added, removed or renamed.
    fn listing(&self) -> String {
        self.len().to_string()
    }

    /// Whether pictures may be mirrored in training (photos yes; sprites and scenes no: it would destroy factors).
    fn may_flip(&self) -> bool {
        false
    }

    /// Whether reading computes so much that a batch is worth reading on several threads.
    fn is_costly(&self) -> bool {
        false
    }

    /// What each picture is called, where somebody has said so: the only factor then.
    fn labels(&self) -> Option<&PictureLabels> {
        None
    }

    /// The known factors of variation, first varying slowest; empty where unknown.
    fn factors(&self) -> &[Factor] {
        self.labels().map_or(&[], |labels| std::slice::from_ref(labels.factor()))
    }

    /// The class of each factor of picture `index`. Where nothing else is said the pictures are all combinations of the
    /// factors, each once, in row-major order.
    fn classes(&self, index: usize) -> Vec<usize> {
        match self.labels() {
            Some(labels) => vec![labels.class(index)],
            None => classes_of(self.factors(), index),
        }
    }

    /// A random picture of those whose `factor` has this class.
    fn sharing(&self, factor: usize, class: usize, stream: &mut Stream) -> usize {
        match self.labels() {
            Some(labels) => labels.one_of(class, stream),
            None => one_sharing(self.factors(), factor, class, stream),
        }
    }

    /// A picture whose factors have these classes, where there is one.
    fn with_classes(&self, classes: &[usize]) -> Option<usize> {
        match self.labels() {
            Some(labels) => labels.pictures(*classes.first()?).first().map(|&picture| picture as usize),
            None => Some(index_of(self.factors(), classes)),
        }
    }

    /// Writes picture `index` into `out` `(channels, height, width)`, values in [0, 1].
    ///
    /// # Errors
    /// When the picture cannot be read or decoded, naming its file.
    fn read(&self, index: usize, draw: u64, out: &mut [f32]) -> Result<(), DataError>;
}

/// The bit of `draw` that makes nuisance the same at every index, so that sweeping one factor changes nothing
/// else.
pub const SHARED_NUISANCE: u64 = 1 << 63;

/// The random numbers behind the nuisance of picture `index` in `draw`.
pub(super) fn nuisance(set: &str, index: usize, draw: u64) -> Stream {
    let item = if draw & SHARED_NUISANCE == 0 { index as u64 } else { u64::MAX };
    Stream::for_item(draw, set, item)
}

/// A data set that cannot be opened or a picture that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A specification nobody understands.
    #[error("{0}")]
    Spec(String),
    /// A file that cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file with content that does not fit.
    #[error("{what}: {path}", path = path.display())]
    Content {
        /// What is wrong and what to do.
        what: String,
        /// The file.
        path: PathBuf,
    },
    /// A folder of prepared pictures that cannot be written.
    #[error("prepared pictures cannot be written here ({kind}); name another folder with --cache DIR: {path}", path = path.display())]
    Cache {
        /// Why not.
        kind: crate::base::FileErrorKind,
        /// The folder, or the file in it.
        path: PathBuf,
    },
    /// Too many broken pictures.
    #[error(
        "{broken} of {total} pictures cannot be read, more than 1 %; repair or remove them; the first: {first}"
    )]
    Broken {
        /// Pictures that failed.
        broken: usize,
        /// Pictures tried.
        total: usize,
        /// The first failure in words.
        first: String,
    },
    /// Stopped by [`super::OpenOptions::cancel`].
    #[error("stopped before the data set was ready")]
    Cancelled,
}

impl DataError {
    /// A failed read of `path`. A file that ends early and one whose bytes contradict each other are faults of the
    /// content, and so is what cannot be read here; everything else is the system's.
    pub(super) fn io(error: io::Error, path: &Path) -> Self {
        let what = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                "the file ends too early; it was cut short, copy or download it again".into()
            }
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                format!("the file is damaged ({error}); copy or download it again")
            }
            io::ErrorKind::Unsupported | io::ErrorKind::FileTooLarge => error.to_string(),
            _ => return FileError::new(error, path).into(),
        };
        Self::Content { what, path: path.into() }
    }
}
