//! Channels, each taken by one thread from its first sum to its last value.

use std::mem::MaybeUninit;
use std::ops::Range;

use rayon::prelude::*;

use crate::ops::cpu::elementwise::Real;
use crate::ops::cpu::filled_vec;
use crate::ops::cpu::isa::{Isa, Kernel};
use crate::ops::cpu::lanes::Lanes;
use crate::ops::cpu::shared::Shared;

/// The sizes of what is normalised: so many pictures of so many channels, each of `plane` values; a row has planes of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) struct Sizes {
    pub(in crate::ops) batch: usize,
    pub(in crate::ops) channels: usize,
    pub(in crate::ops) plane: usize,
}

/// Channels of rows that a thread takes at a time.
const BLOCK: usize = 64;
/// Running sums along a plane.
const LANES: usize = 16;

impl Sizes {
    /// Values of a channel in all pictures.
    pub(in crate::ops) fn count(&self) -> usize {
        self.batch * self.plane
    }

    /// All values.
    fn all(&self) -> usize {
        self.count() * self.channels
    }

    /// The places of a channel of a picture.
    fn places(&self, picture: usize, channel: usize) -> Range<usize> {
        let start = (picture * self.channels + channel) * self.plane;
        start..start + self.plane
    }

    /// Channels that a thread takes at a time.
    fn block(&self) -> usize {
        if self.plane == 1 { BLOCK } else { 1 }
    }
}

/// Neighbouring channels, as one thread takes them.
#[derive(Clone, Copy)]
pub(super) struct Channels {
    pub(super) sizes: Sizes,
    pub(super) first: usize,
    count: usize,
}

impl Channels {
    /// Their numbers.
    pub(super) fn numbers(self) -> Range<usize> {
        self.first..self.first + self.count
    }

    /// For each channel `K` sums over pictures and places of `term(channel)` of the values of `arrays` there.
    #[inline(always)]
    pub(super) fn sums<T, const A: usize, const K: usize, F>(
        self,
        arrays: [&[T]; A],
        term: impl Fn(usize) -> F,
    ) -> Vec<[f64; K]>
    where
        T: Real,
        F: Fn([T; A]) -> [T; K],
    {
        let mut all = vec![[0.0; K]; self.count];
        let terms: Vec<F> = self.numbers().map(term).collect();
        for picture in 0..self.sizes.batch {
            for (at, (sums, term)) in all.iter_mut().zip(&terms).enumerate() {
                let range = self.sizes.places(picture, self.first + at);
                let found = match self.sizes.plane {
                    1 => term(arrays.map(|array| array[range.start])).map(Real::wide),
                    _ => plane_sums(arrays.map(|array| &array[range.clone()]), term),
                };
                for k in 0..K {
                    sums[k] += found[k];
                }
            }
        }
        all
    }

    /// Writes `value(channel)` of the values of `arrays` at every place of these channels.
    ///
    /// # Safety
    /// While it runs nobody touches any of their values in `room`, which has `sizes.all()` places.
    #[inline(always)]
    pub(super) unsafe fn write<T, const A: usize, F>(
        self,
        room: Shared<'_, MaybeUninit<T>>,
        arrays: [&[T]; A],
        value: impl Fn(usize) -> F,
    ) where
        T: Real,
        F: Fn([T; A]) -> T,
    {
        let values: Vec<F> = self.numbers().map(value).collect();
        for picture in 0..self.sizes.batch {
            for (channel, value) in self.numbers().zip(&values) {
                let range = self.sizes.places(picture, channel);
                let planes = arrays.map(|array| &array[range.clone()]);
                // SAFETY: a plane of one of these channels, by the caller's promise.
                filled_vec::from_fn(unsafe { room.part(range.clone()) }, |at| {
                    value(planes.map(|plane| plane[at]))
                });
            }
        }
    }
}

/// The sums of `term` over the values of one plane.
#[inline(always)]
fn plane_sums<T: Real, const A: usize, const K: usize>(
    planes: [&[T]; A],
    term: &impl Fn([T; A]) -> [T; K],
) -> [f64; K] {
    let chunks = planes.map(|plane| plane.as_chunks::<LANES>());
    let mut lanes = [[T::ZERO; LANES]; K];
    for at in 0..chunks[0].0.len() {
        let chunks = chunks.map(|(whole, _)| &whole[at]);
        for lane in 0..LANES {
            let values = term(chunks.map(|chunk| chunk[lane]));
            for k in 0..K {
                lanes[k][lane] += values[k];
            }
        }
    }
    for at in 0..chunks[0].1.len() {
        let values = term(chunks.map(|(_, rest)| rest[at]));
        for k in 0..K {
            lanes[k][0] += values[k];
        }
    }
    lanes.map(|lanes| lanes.iter().map(|&lane| lane.wide()).sum())
}

/// What is done with channels, each by itself, which makes `N` values of every place.
pub(super) trait Task<T, const N: usize>: Sync {
    /// What is made of each channel beside.
    type Made: Send;

    /// Does it, writing all places of `channels` in each of `rooms`; to be inlined, so that it is compiled for every
    /// instruction set.
    ///
    /// # Safety
    /// As [`Channels::write`].
    unsafe fn take(&self, channels: Channels, rooms: [Room<'_, T>; N]) -> Vec<Self::Made>;
}

/// Places that get their values from several threads.
pub(super) type Room<'a, T> = Shared<'a, MaybeUninit<T>>;

/// A task with the channels of one thread, as a kernel.
struct Share<'a, T, K: Task<T, N>, const N: usize> {
    task: &'a K,
    channels: Channels,
    rooms: [Room<'a, T>; N],
    made: &'a mut Vec<K::Made>,
}

impl<T, K: Task<T, N>, const N: usize> Kernel for Share<'_, T, K, N> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        // SAFETY: whoever makes a share gives its channels to nobody else.
        *self.made = unsafe { self.task.take(self.channels, self.rooms) };
    }
}

/// Does `task` with every channel: the values that it writes, and what it makes of the channels in their order.
pub(super) fn by_channel<T: Real, K: Task<T, N>, const N: usize>(
    sizes: Sizes,
    task: &K,
) -> ([Vec<T>; N], Vec<K::Made>) {
    let (isa, block) = (Isa::detect(), sizes.block());
    let mut values = [const { Vec::new() }; N];
    for values in &mut values {
        *values = Vec::with_capacity(sizes.all());
    }
    let rooms = values.each_mut().map(|values| Shared::new(&mut values.spare_capacity_mut()[..sizes.all()]));
    let share = |number: usize| {
        let first = number * block;
        let channels = Channels { sizes, first, count: block.min(sizes.channels - first) };
        let mut made = Vec::new();
        isa.run(Share { task, channels, rooms, made: &mut made });
        made
    };
    let made: Vec<Vec<K::Made>> = (0..sizes.channels.div_ceil(block)).into_par_iter().map(share).collect();
    for values in &mut values {
        // SAFETY: so much capacity was asked for above, and every channel has come back with all of its places written.
        unsafe { values.set_len(sizes.all()) };
    }
    (values, made.into_iter().flatten().collect())
}
