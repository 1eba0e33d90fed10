use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rayon::prelude::*;

use crate::base::{Array, Pool, expand_home};
use crate::checkpoint::DType;
use crate::checkpoint::npz::NpzFile;
use crate::data::{DataError, Store, left_out};
use crate::explore::{Form, Photo, shown_shape};
use crate::inference::Encoder;

use super::error::one_sentence;
use super::{TerminalProgress, threads};

/// Pictures to encode: files, or an array in an npz file.
pub(super) enum PicturesIn {
    Files {
        store: Box<Store>,
        /// Places of the pictures in the store.
        entries: Vec<u32>,
    },
    Npz {
        path: PathBuf,
        count: usize,
    },
}

/// What the encoder says about pictures: means and log variances, `(N, c_dim)`, and which pictures could be read.
pub(super) struct Encoded {
    pub(super) mu: Array,
    pub(super) logvar: Array,
    /// Indices of the pictures, in the order of the rows.
    pub(super) rows: Vec<usize>,
    /// What to say of pictures that could not be read, where there are any.
    pub(super) left_out: Option<String>,
}

impl PicturesIn {
    /// A folder, an archive, a picture file, or an npz file with `x` (N, channels, H, W) in [0, 1]. Warns of what is passed
    /// over.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let path = &expand_home(path);
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npz")) && path.is_file() {
            let shape = NpzFile::open(path)?.member("x")?.shape;
            let good =
                shape.len() == 4 && shape[0] > 0 && matches!(shape[1], 1 | 3) && shape[2] > 0 && shape[3] > 0;
            let advice = match shape.as_slice() {
                [_, height, width, 1 | 3] if height == width => "; save x.transpose(0, 3, 1, 2)",
                [_, _, _] => "; save x[:, None]",
                _ => "",
            };
            anyhow::ensure!(
                good,
                "array x has shape {}, but pictures have (N, channels, height, width) with 1 or 3 channels{advice}: {}",
                shown_shape(&shape),
                path.display()
            );
            return Ok(Self::Npz { path: path.clone(), count: shape[0] });
        }
        let store = Store::open(path)?;
        let pool = Pool::new("listing", threads()).context("cannot start threads")?;
        let (entries, passed) = store.pictures(&pool)?;
        let passed = passed.and(store.passed_over());
        if entries.is_empty() {
            let also = if passed.is_empty() { String::new() } else { format!("; passed over {passed}") };
            anyhow::bail!("there are no pictures here{also}: {}", path.display());
        }
        passed.warn(path);
        Ok(Self::Files { store: Box::new(store), entries })
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Files { entries, .. } => entries.len(),
            Self::Npz { count, .. } => *count,
        }
    }

    /// Names of the pictures of the given indices, inside their folder or archive; none for an npz file.
    pub(super) fn names(&self, indices: &[usize]) -> Vec<OsString> {
        let Self::Files { store, entries } = self else { return Vec::new() };
        let name = |&index: &usize| store.entries()[entries[index] as usize].name().into();
        indices.iter().map(name).collect()
    }

    /// Encodes the pictures of the given indices (ascending). Files that cannot be read are left out, up to one in a
    /// hundred.
    pub(super) fn encode(
        &self,
        encoder: &mut dyn Encoder,
        indices: &[usize],
        form: &Form,
    ) -> anyhow::Result<Encoded> {
        let dims = encoder.code_dim();
        let picture_len = form.channels * form.size * form.size;
        let progress = TerminalProgress::new("pictures", indices.len());
        let mut reader = match self {
            Self::Files { .. } => None,
            Self::Npz { path, .. } => Some(NpzPictures::open(path)?),
        };
        let (mut mu, mut logvar) = (Vec::new(), Vec::new());
        let (mut rows, mut broken) = (Vec::new(), Vec::new());
        let total = indices.len();
        for indices in indices.chunks(encoder.at_once()) {
            let read: Vec<anyhow::Result<Vec<f32>>> = match (self, &mut reader) {
                (Self::Npz { .. }, Some(npz)) => indices
                    .iter()
                    .map(|&index| npz.read(index, form).map(Ok))
                    .collect::<anyhow::Result<_>>()?,
                (Self::Files { store, entries }, _) => {
                    indices.par_iter().map(|&index| read_file(store, entries[index], form)).collect()
                }
                (Self::Npz { .. }, None) => Vec::new(),
            };
            let mut pictures = Vec::with_capacity(indices.len() * picture_len);
            for (&index, read) in indices.iter().zip(read) {
                match read {
                    Ok(values) => {
                        pictures.extend(values);
                        rows.push(index);
                    }
                    Err(error) => broken.push(error),
                }
            }
            check_broken(&mut broken, total)?;
            let (start, end) = (mu.len(), rows.len() * dims);
            mu.resize(end, 0.0);
            logvar.resize(end, 0.0);
            encoder.encode(&pictures, &mut mu[start..], &mut logvar[start..])?;
            progress.add(indices.len());
        }
        let shape = [rows.len(), dims];
        let wrong = "the encoder gave another number of codes than there are pictures";
        let (mu, logvar) = (Array::new(shape, mu).context(wrong)?, Array::new(shape, logvar).context(wrong)?);
        let named: Vec<String> = broken.iter().map(one_sentence).collect();
        Ok(Encoded { mu, logvar, rows, left_out: left_out(broken.len(), total, &named) })
    }
}

/// Reads a picture of a store in an encoder's form.
fn read_file(store: &Store, place: u32, form: &Form) -> anyhow::Result<Vec<f32>> {
    let entry = &store.entries()[place as usize];
    let path = store.path_of(entry);
    Ok(Photo::decode(&store.read(entry)?, &path, form.background)?.in_form(&path, form)?)
}

/// Refuses more than one broken picture in a hundred of `total`.
fn check_broken(broken: &mut Vec<anyhow::Error>, total: usize) -> anyhow::Result<()> {
    if broken.len() * 100 <= total {
        return Ok(());
    }
    let count = broken.len();
    let first = broken.swap_remove(0);
    if total == 1 {
        return Err(first);
    }
    Err(DataError::Broken { broken: count, total, first: one_sentence(&first) }.into())
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
    fn read(&mut self, index: usize, form: &Form) -> anyhow::Result<Vec<f32>> {
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
        photo.square(form.channels, form.size, form.crop).with_context(|| {
            format!(
                "the pictures have {width}x{height} pixels, too few for this crop: {}",
                self.path.display()
            )
        })
    }
}
