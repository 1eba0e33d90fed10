use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rayon::prelude::*;

use crate::base::Array;
use crate::checkpoint::DType;
use crate::checkpoint::npz::NpzFile;
use crate::explore::{Photo, PictureError, list_pictures, read_square};
use crate::inference::Encoder;

use super::Progress;
use super::workbench::shown_shape;

/// Pictures that are read and encoded at a time.
const BATCH: usize = 64;

/// Pictures to encode: files, or an array in an npz file.
pub(super) enum PicturesIn {
    Files(Vec<PathBuf>),
    Npz { path: PathBuf, count: usize },
}

/// What the encoder says about pictures: means and log variances, `(N, c_dim)`, and which pictures could be read.
pub(super) struct Encoded {
    pub(super) mu: Array,
    pub(super) logvar: Array,
    /// Indices of the pictures, in the order of the rows.
    pub(super) rows: Vec<usize>,
    /// Pictures that could not be read, as far as they were tolerated.
    pub(super) broken: Vec<PictureError>,
}

impl PicturesIn {
    /// A folder, a picture file, or an npz file with `x` (N, channels, H, W) in [0, 1].
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if path.is_dir() {
            return Ok(Self::Files(list_pictures(path)?));
        }
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npz")) {
            let shape = NpzFile::open(path)?.member("x")?.shape;
            let good =
                shape.len() == 4 && shape[0] > 0 && matches!(shape[1], 1 | 3) && shape[2] > 0 && shape[3] > 0;
            anyhow::ensure!(
                good,
                "array x has shape {}, but pictures have (N, channels, height, width) with 1 or 3 channels: {}",
                shown_shape(&shape),
                path.display()
            );
            return Ok(Self::Npz { path: path.into(), count: shape[0] });
        }
        Ok(Self::Files(vec![path.into()]))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Files(files) => files.len(),
            Self::Npz { count, .. } => *count,
        }
    }

    /// Names of the files, relative to `folder` where they lie in it; none for an npz file.
    pub(super) fn names(&self, folder: &Path) -> Vec<String> {
        let Self::Files(files) = self else { return Vec::new() };
        let name = |file: &PathBuf| {
            let inner = file.strip_prefix(folder).ok().filter(|inner| !inner.as_os_str().is_empty());
            inner.unwrap_or(file).display().to_string()
        };
        files.iter().map(name).collect()
    }

    /// Encodes the pictures of the given indices (ascending) and lets at most `tolerated` be unreadable.
    pub(super) fn encode(
        &self,
        encoder: &mut dyn Encoder,
        indices: &[usize],
        crop: Option<usize>,
        tolerated: usize,
    ) -> anyhow::Result<Encoded> {
        let [channels, size, _] = encoder.picture_shape();
        let dims = encoder.code_dim();
        let progress = Progress::new("pictures", indices.len());
        let mut reader = match self {
            Self::Files(_) => None,
            Self::Npz { path, .. } => Some(NpzPictures::open(path)?),
        };
        let (mut mu, mut logvar) = (Vec::new(), Vec::new());
        let (mut rows, mut broken) = (Vec::new(), Vec::new());
        for indices in indices.chunks(BATCH) {
            let read: Vec<Result<Vec<f32>, PictureError>> = match (self, &mut reader) {
                (Self::Npz { .. }, Some(npz)) => indices
                    .iter()
                    .map(|&index| npz.read(index, channels, size, crop).map(Ok))
                    .collect::<anyhow::Result<_>>()?,
                (Self::Files(files), _) => indices
                    .par_iter()
                    .map(|&index| read_square(&files[index], channels, size, crop))
                    .collect(),
                (Self::Npz { .. }, None) => Vec::new(),
            };
            let mut pictures = Vec::with_capacity(indices.len() * channels * size * size);
            for (&index, read) in indices.iter().zip(read) {
                match read {
                    Ok(values) => {
                        pictures.extend(values);
                        rows.push(index);
                    }
                    Err(error) if broken.len() < tolerated => broken.push(error),
                    Err(error) => return Err(error.into()),
                }
            }
            let (start, end) = (mu.len(), rows.len() * dims);
            mu.resize(end, 0.0);
            logvar.resize(end, 0.0);
            encoder.encode(&pictures, &mut mu[start..], &mut logvar[start..])?;
            progress.add(indices.len());
        }
        let shape = [rows.len(), dims];
        let wrong = "the encoder gave another number of codes than there are pictures";
        let (mu, logvar) = (Array::new(shape, mu).context(wrong)?, Array::new(shape, logvar).context(wrong)?);
        Ok(Encoded { mu, logvar, rows, broken })
    }
}

/// Reads pictures one after the other from an npz file of any size.
struct NpzPictures {
    path: PathBuf,
    values: Values,
    /// Channels, height, width.
    shape: [usize; 3],
    next: usize,
}

enum Values {
    Stream(Box<crate::checkpoint::npz::Member>),
    /// First dimension fastest: it has to be turned round as a whole.
    Whole(Array),
}

impl NpzPictures {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let mut file = NpzFile::open(path)?;
        let member = file.member("x")?;
        let &[_, channels, height, width] = member.shape.as_slice() else {
            anyhow::bail!("array x must have four dimensions: {}", path.display());
        };
        let values = if member.fortran_order {
            Values::Whole(file.array("x")?)
        } else {
            Values::Stream(Box::new(member))
        };
        Ok(Self { path: path.into(), values, shape: [channels, height, width], next: 0 })
    }

    /// Picture `index`, not below one that was read already, in an encoder's form.
    fn read(
        &mut self,
        index: usize,
        channels: usize,
        size: usize,
        crop: Option<usize>,
    ) -> anyhow::Result<Vec<f32>> {
        let mut values = Vec::new();
        let len: usize = self.shape.iter().product();
        match &mut self.values {
            Values::Whole(array) => values.extend_from_slice(array.row(index)),
            Values::Stream(member) => {
                let dtype: DType = member.dtype;
                let mut bytes = vec![0; len * dtype.size()];
                while self.next <= index {
                    member
                        .read_exact(&mut bytes)
                        .with_context(|| format!("array x is damaged: {}", self.path.display()))?;
                    self.next += 1;
                }
                dtype.decode(&bytes, &mut values);
            }
        }
        let outside = values.iter().find(|value| !(-1e-3..=1.001).contains(*value));
        if let Some(value) = outside {
            anyhow::bail!(
                "picture {index} of array x holds {value}, but values lie in [0, 1] (divide bytes by 255): {}",
                self.path.display()
            );
        }
        let [from_channels, height, width] = self.shape;
        let photo = Photo::from_chw(&values, from_channels, height, width)
            .context("a picture has 1 or 3 channels")?;
        photo.square(channels, size, crop).with_context(|| {
            format!(
                "the pictures have {width}x{height} pixels, too few for this crop: {}",
                self.path.display()
            )
        })
    }
}
