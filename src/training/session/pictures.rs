//! The pictures of a step: those of its batch, and others that a method takes besides.

use std::sync::Arc;

use candle_core::Tensor;

use crate::data::{BatchInfo, BatchOptions, Batches, BatchesState, ChosenPictures, Dataset};
use crate::training::methods::{Second, TrainMethod};
use crate::training::steps::Feed;
use crate::training::{ConfigError, TrainError};

/// What makes the seed of a second sequence another one than that of the first.
const OTHER: u64 = 0x5eed;

/// A second sequence of batches.
pub(super) struct SecondBatches {
    batches: Batches,
    shape: [usize; 3],
    /// The class of each picture, and how many classes there are, where the batches come with labels.
    classes: Option<(Vec<usize>, usize)>,
}

/// Data that may not open.
type OpenedData = Result<Arc<dyn Dataset>, TrainError>;

/// What a second sequence of batches is of.
pub(super) struct SecondData {
    data: Arc<dyn Dataset>,
    /// Where labels come along: what they are called, and the class of each picture.
    labels: Option<(Vec<String>, Vec<usize>)>,
}

impl SecondData {
    /// What `method` asks for besides `data`, which ones of it by `seed`; `None` where it asks for nothing. `open` opens other data
    /// whose pictures have so many channels.
    ///
    /// # Errors
    /// When the data do not have what it asks for, or other data cannot be opened.
    pub(super) fn of(
        method: &dyn TrainMethod,
        data: &Arc<dyn Dataset>,
        seed: u64,
        open: &dyn Fn(&str, usize) -> OpenedData,
    ) -> Result<Option<Self>, TrainError> {
        Ok(Some(match method.second() {
            Second::None => return Ok(None),
            Second::Again => Self { data: Arc::clone(data), labels: None },
            Second::Labelled { pictures, classes } => {
                let chosen = chosen(data, pictures, classes, seed ^ OTHER)?;
                let names = data.labels().map_or_else(Vec::new, |labels| labels.factor().names.clone());
                let class = |index| data.classes(chosen.in_whole(index))[0];
                let of_pictures = (0..chosen.len()).map(class).collect();
                Self { data: Arc::new(chosen), labels: Some((names, of_pictures)) }
            }
            Second::Other { spec, channels } => Self { data: open(&spec, channels)?, labels: None },
        }))
    }
}

impl SecondBatches {
    /// Batches of `second`; `method` is told what its labels are called.
    pub(super) fn open(
        method: &mut dyn TrainMethod,
        second: SecondData,
        options: BatchOptions,
        state: Option<BatchesState>,
    ) -> Result<Self, TrainError> {
        let SecondData { data, labels } = second;
        let classes = labels.map(|(names, of_pictures)| {
            method.meet_labels(&names);
            (of_pictures, names.len())
        });
        let options = BatchOptions { seed: options.seed ^ OTHER, ..options };
        let shape = data.picture_shape();
        let batches = match state {
            Some(state) => Batches::resume(data, options, state)?,
            None => Batches::new(data, options)?,
        };
        Ok(Self { batches, shape, classes })
    }

    /// The next batch in `parts` of equal size, and where it has labels a 1 at the class of each picture, `(N, classes)`.
    pub(super) fn next(
        &mut self,
        parts: usize,
        feed: &mut Feed,
    ) -> Result<(Vec<Tensor>, Option<Tensor>), TrainError> {
        let (pictures, info) = tensor_parts(&mut self.batches, self.shape, parts, feed)?;
        let Some((of_pictures, classes)) = &self.classes else { return Ok((pictures, None)) };
        let mut labels = vec![0.0; info.indices.len() * classes];
        for (row, &index) in labels.chunks_exact_mut(*classes).zip(&info.indices) {
            row[of_pictures[index]] = 1.0;
        }
        let labels = feed.put(&labels, &[info.indices.len(), *classes])?;
        Ok((pictures, Some(labels)))
    }

    pub(super) fn state(&self) -> BatchesState {
        self.batches.state()
    }
}

/// `count` pictures of `data`, as many of each label; which ones depends on `seed` alone.
fn chosen(
    data: &Arc<dyn Dataset>,
    count: usize,
    classes: usize,
    seed: u64,
) -> Result<ChosenPictures, TrainError> {
    let refuse = |what: String| ConfigError(format!("{what}: {}", data.spec()));
    let labels = data.labels().ok_or_else(|| {
        refuse(
            "iae.labelled takes pictures with labels (labels:DIR, mnist:DIR, svhn:FILE), and these have none"
                .into(),
        )
    })?;
    let known = labels.factor().names.len();
    if known != classes {
        return Err(refuse(format!(
            "there must be as many clusters as labels, and iae.z_dim is {classes}, not {known}"
        ))
        .into());
    }
    let pictures = labels.some_of_each(count, seed).map_err(|what| refuse(format!("iae.labelled {what}")))?;
    Ok(ChosenPictures::new(Arc::clone(data), pictures))
}

/// The next batch as `parts` tensors of equal size, and which pictures they are.
pub(super) fn tensor_parts(
    batches: &mut Batches,
    [channels, height, width]: [usize; 3],
    parts: usize,
    feed: &mut Feed,
) -> Result<(Vec<Tensor>, BatchInfo), TrainError> {
    let mut values = Vec::new();
    let info = batches.next_batch(&mut values)?;
    let picture = channels * height * width;
    let rows = values.len() / picture / parts;
    let shape = [rows, channels, height, width];
    let tensor = |part: &[f32]| feed.put(part, &shape);
    let parts = values.chunks_exact(rows * picture).map(tensor).collect::<candle_core::Result<_>>()?;
    Ok((parts, info))
}
