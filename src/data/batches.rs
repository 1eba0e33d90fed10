use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam::channel::{Receiver, Sender, bounded};
use rayon::prelude::*;

use super::order::{BatchesState, Order, Visit};
use super::{DataError, Dataset};
use crate::base::{FileError, Pool, Stream};

/// Finished batches that wait; one more is being made meanwhile.
const AHEAD: usize = 2;

/// How pictures become a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchOptions {
    /// Pictures in each batch, at least 1.
    pub size: usize,
    /// Seed of the order, the mirroring, the noise and the sets' own nuisance.
    pub seed: u64,
    /// The range of the values.
    pub range: Range,
    /// Mirror each picture with probability 1/2, where the set allows it ([`Dataset::may_flip`]).
    pub flip: bool,
    /// Add U(0, 1)/128 to every value after scaling (the published stage-2 preparation of photos).
    pub dequantise: bool,
}

/// The range of a batch's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// [0, 1], what the VAE takes.
    Unit,
    /// [-1, 1], what the GAN takes.
    Signed,
}

impl BatchOptions {
    /// Stage 1: values in [0, 1], never mirrored.
    pub fn vae(size: usize, seed: u64) -> Self {
        Self { size, seed, range: Range::Unit, flip: false, dequantise: false }
    }

    /// Stage 2: values in [-1, 1]; photos (sets that may be mirrored) are mirrored and dequantised, sprites
    /// and scenes are not.
    pub fn gan(size: usize, seed: u64, dataset: &dyn Dataset) -> Self {
        let photos = dataset.may_flip();
        Self { size, seed, range: Range::Signed, flip: photos, dequantise: photos }
    }
}

/// An endless sequence of batches of a data set, made ahead of time on a thread of its own.
///
/// Every epoch visits every picture once in a new random order; a batch may span two epochs, so each has the
/// full size. What batch number n holds depends on the seed and n alone, so a sequence resumed from a saved
/// state goes on bit by bit as if it had never stopped.
pub struct Batches {
    ready: Receiver<Made>,
    empty: Sender<Vec<f32>>,
    position: BatchesState,
    worker: Option<JoinHandle<()>>,
}

/// A finished batch and the state after it.
struct Made {
    result: Result<BatchInfo, DataError>,
    values: Vec<f32>,
    after: BatchesState,
}

/// What a batch holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchInfo {
    /// The picture at each place.
    pub indices: Vec<usize>,
    /// Epochs completed before the batch's last picture.
    pub epoch: u64,
}

impl Batches {
    /// Starts at the first batch.
    ///
    /// # Errors
    /// When the set is empty or the thread cannot be started.
    pub fn new(dataset: Arc<dyn Dataset>, options: BatchOptions) -> Result<Self, DataError> {
        let state = BatchesState::new(options.seed);
        Self::resume(dataset, options, state)
    }

    /// Goes on after a saved [`Batches::state`] of the same set and options.
    ///
    /// # Errors
    /// As [`Batches::new`], and when the state does not belong to the set.
    pub fn resume(
        dataset: Arc<dyn Dataset>,
        options: BatchOptions,
        state: BatchesState,
    ) -> Result<Self, DataError> {
        let order = Order::resume(dataset.len(), state)?;
        let pool = helpers(&*dataset)?;
        let (send_ready, ready) = bounded(AHEAD);
        let (empty, receive_empty) = bounded(AHEAD + 1);
        let worker = std::thread::Builder::new()
            .name("data-prefetch".to_owned())
            .spawn(move || {
                make_batches(&*dataset, options, order, pool.as_ref(), &receive_empty, &send_ready);
            })
            .map_err(|error| FileError::new(error, "data-prefetch thread"))?;
        Ok(Self { ready, empty, position: state, worker: Some(worker) })
    }

    /// Moves the next batch into `values` `(size, channels, height, width)`, waiting for it when it is not
    /// ready. The vector's old memory is used again for a later batch.
    ///
    /// # Errors
    /// When a picture cannot be read. The same call again then tries the next batch; [`Batches::state`] stays before the
    /// one that failed.
    pub fn next_batch(&mut self, values: &mut Vec<f32>) -> Result<BatchInfo, DataError> {
        let Ok(mut batch) = self.ready.recv() else {
            return Err(DataError::Spec(
                "the thread that reads pictures has stopped unexpectedly; start again from the last checkpoint".into(),
            ));
        };
        if batch.result.is_ok() {
            self.position = batch.after;
        }
        std::mem::swap(values, &mut batch.values);
        // The worker may have gone or have vectors enough.
        let _ = self.empty.try_send(batch.values);
        batch.result
    }

    /// The state after the last batch that [`Batches::next_batch`] returned; batches made ahead do not count.
    pub fn state(&self) -> BatchesState {
        self.position
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        // Without a receiver the worker's next send fails and it ends.
        self.ready = bounded(0).1;
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}

/// The prefetch thread: makes batch after batch until nobody wants them.
fn make_batches(
    dataset: &dyn Dataset,
    options: BatchOptions,
    mut order: Order,
    pool: Option<&Pool>,
    empty: &Receiver<Vec<f32>>,
    ready: &Sender<Made>,
) {
    loop {
        let mut values = empty.try_recv().unwrap_or_default();
        // A bug in a decoder must not look like the end of the data.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            fill_batch(dataset, options, &mut order, pool, &mut values)
        }));
        let result = outcome.unwrap_or_else(|_| {
            Err(DataError::Spec(
                "reading a picture failed unexpectedly; please report the message above".into(),
            ))
        });
        if ready.send(Made { result, values, after: order.state() }).is_err() {
            return;
        }
    }
}

fn fill_batch(
    dataset: &dyn Dataset,
    options: BatchOptions,
    order: &mut Order,
    pool: Option<&Pool>,
    values: &mut Vec<f32>,
) -> Result<BatchInfo, DataError> {
    let [channels, height, width] = dataset.picture_shape();
    let picture_len = channels * height * width;
    // The whole batch is drawn first, so that an unreadable picture does not shift the ones after it.
    let visits: Vec<_> = (0..options.size.max(1)).map(|_| order.next_visit()).collect();
    values.resize(visits.len() * picture_len, 0.0);
    let read = |(visit, picture): (&Visit, &mut [f32])| read_one(dataset, options, visit, picture);
    let read_all = match pool {
        Some(pool) => {
            pool.run(|| visits.par_iter().zip(values.par_chunks_mut(picture_len)).try_for_each(read))
        }
        None => visits.iter().zip(values.chunks_mut(picture_len)).try_for_each(read),
    };
    read_all?;
    let epoch = visits.last().map_or(0, |visit| visit.epoch);
    Ok(BatchInfo { indices: visits.iter().map(|visit| visit.index).collect(), epoch })
}

/// Reads one picture and prepares it; what is drawn depends on the visit alone.
fn read_one(
    dataset: &dyn Dataset,
    options: BatchOptions,
    visit: &Visit,
    picture: &mut [f32],
) -> Result<(), DataError> {
    dataset.read(visit.index, visit.draw, picture)?;
    let mut stream = Stream::for_item(options.seed, "augmentation", visit.draw);
    if options.flip && dataset.may_flip() && stream.below(2) == 1 {
        let [_, _, width] = dataset.picture_shape();
        picture.chunks_exact_mut(width).for_each(<[f32]>::reverse);
    }
    if options.range == Range::Signed {
        picture.iter_mut().for_each(|value| *value = *value * 2.0 - 1.0);
    }
    if options.dequantise {
        picture.iter_mut().for_each(|value| *value += stream.uniform() / 128.0);
    }
    Ok(())
}

/// Threads that help the prefetch thread with a costly set: a quarter of the machine, the rest trains.
fn helpers(dataset: &dyn Dataset) -> Result<Option<Pool>, DataError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = (cores / 4).min(8);
    if !dataset.is_costly() || threads < 2 {
        return Ok(None);
    }
    let pool = Pool::new("data-read", threads).map_err(|error| FileError::new(error, "data-read threads"))?;
    Ok(Some(pool))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Factor, OpenOptions, open};

    /// Pictures of 1x2 pixels, the first of which tells the number; number 13 cannot be read.
    struct Numbers {
        len: usize,
        flips: bool,
    }

    impl Dataset for Numbers {
        fn spec(&self) -> &str {
            "numbers"
        }

        fn len(&self) -> usize {
            self.len
        }

        fn picture_shape(&self) -> [usize; 3] {
            [1, 1, 2]
        }

        fn may_flip(&self) -> bool {
            self.flips
        }

        fn factors(&self) -> &[Factor] {
            &[]
        }

        fn read(&self, index: usize, _draw: u64, out: &mut [f32]) -> Result<(), DataError> {
            if index == 13 {
                return Err(DataError::Spec("number 13 is broken".into()));
            }
            out.copy_from_slice(&[index as f32 / 20.0, 0.0]);
            Ok(())
        }
    }

    fn numbers(len: usize, flips: bool) -> Arc<dyn Dataset> {
        Arc::new(Numbers { len, flips })
    }

    #[test]
    fn batches_resumed_anywhere_are_the_same_bit_by_bit() {
        let dataset = open("noisy-dsprites", None, &OpenOptions::default()).expect("opens");
        let options = BatchOptions::gan(3, 11, &*dataset);
        let mut straight = Batches::new(dataset.clone(), options).expect("starts");
        let mut batch = Vec::new();
        let expected: Vec<(Vec<f32>, BatchInfo)> = (0..8)
            .map(|_| {
                let info = straight.next_batch(&mut batch).expect("reads");
                (batch.clone(), info)
            })
            .collect();
        for stop in 0..8 {
            let mut first = Batches::new(dataset.clone(), options).expect("starts");
            (0..stop).for_each(|_| drop(first.next_batch(&mut batch).expect("reads")));
            let saved = serde_json::to_string(&first.state()).expect("serialises");
            drop(first);
            let state = serde_json::from_str(&saved).expect("parses");
            let mut second = Batches::resume(dataset.clone(), options, state).expect("resumes");
            for (values, info) in &expected[stop..] {
                assert_eq!(&second.next_batch(&mut batch).expect("reads"), info);
                assert_eq!(&batch, values);
            }
        }
    }

    #[test]
    fn helpers_change_nothing() {
        let dataset = open("scenes", Some(64), &OpenOptions::default()).expect("opens");
        let options = BatchOptions::gan(5, 4, &*dataset);
        let pool = Pool::new("test-read", 3).expect("starts");
        let batch = |pool: Option<&Pool>| {
            let mut order = Order::resume(dataset.len(), BatchesState::new(4)).expect("starts");
            let mut values = Vec::new();
            let info = fill_batch(&*dataset, options, &mut order, pool, &mut values).expect("reads");
            (values, info)
        };
        assert_eq!(batch(Some(&pool)), batch(None));
    }

    #[test]
    fn a_batch_may_span_epochs_and_a_set_may_be_smaller_than_a_batch() {
        let mut batches = Batches::new(numbers(5, false), BatchOptions::vae(7, 1)).expect("starts");
        let mut values = Vec::new();
        let mut seen = [0; 5];
        for _ in 0..5 {
            let info = batches.next_batch(&mut values).expect("reads");
            assert_eq!(values.len(), 14);
            info.indices.iter().for_each(|&index| seen[index] += 1);
        }
        assert_eq!(seen, [7; 5]);
    }

    #[test]
    fn photos_are_mirrored_half_the_time_scaled_and_dequantised() {
        let photos = numbers(10, true);
        let mut batches = Batches::new(photos.clone(), BatchOptions::gan(10, 3, &*photos)).expect("starts");
        let (mut values, mut mirrored) = (Vec::new(), 0);
        for _ in 0..100 {
            let info = batches.next_batch(&mut values).expect("reads");
            for (picture, &index) in values.chunks_exact(2).zip(&info.indices) {
                let plain = index as f32 / 10.0 - 1.0;
                let noise_of = |value: f32, clean: f32| (value - clean) * 128.0;
                let is_mirrored = (picture[1] - plain).abs() < 1.0 / 127.0 && index > 0;
                mirrored += i32::from(is_mirrored);
                let (first, second) = if is_mirrored { (-1.0, plain) } else { (plain, -1.0) };
                if index > 0 {
                    assert!((-1e-3..1.001).contains(&noise_of(picture[0], first)));
                    assert!((-1e-3..1.001).contains(&noise_of(picture[1], second)));
                }
            }
        }
        assert!((400..500).contains(&mirrored), "{mirrored} of 900");
        let sprites = open("dsprites", None, &OpenOptions::default()).expect("opens");
        let options = BatchOptions::gan(4, 0, &*sprites);
        assert!(!options.flip && !options.dequantise);
    }

    #[test]
    fn an_unreadable_picture_is_reported_once_and_shifts_nothing() {
        let collect = |len| {
            let mut batches = Batches::new(numbers(len, false), BatchOptions::vae(4, 2)).expect("starts");
            let mut values = Vec::new();
            let results: Vec<_> =
                (0..5).map(|_| batches.next_batch(&mut values).map(|info| info.indices)).collect();
            (results, batches.state())
        };
        let (results, state) = collect(20);
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
        assert!(results[4].is_err(), "with this seed it is the last");
        assert_eq!(state.position, 16, "a sequence resumed there makes it again");
    }

    #[test]
    fn stopping_early_ends_the_thread() {
        let batches = Batches::new(numbers(5, false), BatchOptions::vae(2, 1)).expect("starts");
        drop(batches);
    }
}
