//! Channels, each taken by one thread from its first sum to its last value, sixteen numbers at a time.

use std::mem::MaybeUninit;
use std::ops::Range;

use rayon::prelude::*;

use crate::ops::cpu::elementwise::Real;
use crate::ops::cpu::isa::{Isa, Kernel};
use crate::ops::cpu::lanes::Lanes;
use crate::ops::cpu::shared::Shared;

use super::numbers::{Float, Numbers, WIDTH};

/// The sizes of what is normalised: so many pictures of so many channels, each of `plane` values; a row has planes of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) struct Sizes {
    pub(in crate::ops) batch: usize,
    pub(in crate::ops) channels: usize,
    pub(in crate::ops) plane: usize,
}

impl Sizes {
    /// Values of a channel in all pictures.
    pub(in crate::ops) fn count(&self) -> usize {
        self.batch * self.plane
    }

    /// All values.
    fn all(&self) -> usize {
        self.count() * self.channels
    }

    /// Channels that are taken together: of rows as many as numbers, else one.
    fn together(&self) -> usize {
        if self.plane == 1 { WIDTH } else { 1 }
    }
}

/// Neighbouring channels, as one thread takes them: one, or of rows at most sixteen, each a lane.
#[derive(Clone, Copy)]
pub(super) struct Channels {
    pub(super) sizes: Sizes,
    first: usize,
    count: usize,
}

/// One of them.
#[derive(Clone, Copy)]
pub(super) struct Channel {
    /// Its number among all.
    pub(super) number: usize,
    /// Its place among those that are taken together.
    pub(super) at: usize,
}

impl Channels {
    /// Their numbers.
    pub(super) fn numbers(self) -> Range<usize> {
        self.first..self.first + self.count
    }

    /// A number of each channel, where sixteen numbers of theirs are computed with.
    ///
    /// # Safety
    /// That of [`Numbers`].
    #[inline(always)]
    pub(super) unsafe fn constant<T: Real, N: Numbers<Number = T>>(self, number: impl Fn(Channel) -> T) -> N {
        let number = |at: usize| number(Channel { number: self.first + at, at });
        if self.count == 1 {
            // SAFETY: as the caller promises.
            return unsafe { N::splat(number(0)) };
        }
        let mut all = [T::ZERO; WIDTH];
        for (at, place) in all.iter_mut().enumerate().take(self.count) {
            *place = number(at);
        }
        // SAFETY: as the caller promises.
        unsafe { N::load(&all) }
    }

    /// Where their values lie in a picture.
    fn places(self, picture: usize) -> Range<usize> {
        let start = (picture * self.sizes.channels + self.first) * self.sizes.plane;
        start..start + self.count * self.sizes.plane
    }

    /// For each channel `K` sums over pictures and places of `terms` of the values of `arrays` there: in the numbers' own
    /// precision along a plane, sixteen running sums of each, and in f64 from plane to plane.
    ///
    /// # Safety
    /// That of [`Numbers`].
    #[inline(always)]
    pub(super) unsafe fn sums<T: Real, N: Numbers<Number = T>, const A: usize, const K: usize>(
        self,
        arrays: [&[T]; A],
        terms: &impl Formula<N, A, K>,
    ) -> Vec<[f64; K]> {
        let mut all = [[0.0; WIDTH]; K];
        for picture in 0..self.sizes.batch {
            // SAFETY: as the caller promises.
            let sums =
                unsafe { plane_sums::<T, N, A, K>(arrays.map(|array| &array[self.places(picture)]), terms) };
            for (all, sums) in all.iter_mut().zip(sums) {
                all.iter_mut().zip(sums).for_each(|(all, sum)| *all += sum.wide());
            }
        }
        match self.count {
            1 => vec![all.map(|lanes| lanes.iter().sum())],
            count => (0..count).map(|lane| all.map(|lanes| lanes[lane])).collect(),
        }
    }

    /// Writes `value` of the values of `arrays` at every place of these channels.
    ///
    /// # Safety
    /// That of [`Numbers`], and while it runs nobody touches any of their values in `room`, which has as many places as there
    /// are values.
    #[inline(always)]
    pub(super) unsafe fn write<T: Real, N: Numbers<Number = T>, const A: usize>(
        self,
        room: Room<'_, T>,
        arrays: [&[T]; A],
        value: &impl Formula<N, A, 1>,
    ) {
        for picture in 0..self.sizes.batch {
            let planes = arrays.map(|array| array[self.places(picture)].as_chunks::<WIDTH>());
            // SAFETY: places of these channels alone, by the caller's promise.
            let (whole, rest) = unsafe { room.part(self.places(picture)) }.as_chunks_mut::<WIDTH>();
            for (at, place) in whole.iter_mut().enumerate() {
                // SAFETY: as the caller promises.
                unsafe {
                    let [value] = value.of(planes.map(|(whole, _)| N::load(&whole[at])));
                    value.store(place);
                }
            }
            if !rest.is_empty() {
                // SAFETY: as the caller promises.
                let [value] = unsafe { value.of(planes.map(|(_, rest)| N::load_some(rest))) };
                // SAFETY: as the caller promises.
                let numbers = unsafe { value.numbers() };
                rest.iter_mut().zip(numbers).for_each(|(place, number)| *place = MaybeUninit::new(number));
            }
        }
    }
}

/// `K` results of `A` arguments, sixteen of each at a time.
pub(super) trait Formula<N, const A: usize, const K: usize> {
    /// Computes; to be inlined.
    ///
    /// # Safety
    /// That of [`Numbers`].
    unsafe fn of(&self, arguments: [N; A]) -> [N; K];
}

/// The sums of `terms` over the values of one plane, by lanes.
#[inline(always)]
unsafe fn plane_sums<T: Real, N: Numbers<Number = T>, const A: usize, const K: usize>(
    planes: [&[T]; A],
    terms: &impl Formula<N, A, K>,
) -> [[T; WIDTH]; K] {
    let planes = planes.map(|plane| plane.as_chunks::<WIDTH>());
    let (whole, rest) = (planes[0].0.len(), planes[0].1.len());
    // SAFETY: as the caller promises.
    unsafe {
        let mut sums = [N::splat(T::ZERO); K];
        for at in 0..whole {
            let terms = terms.of(planes.map(|(whole, _)| N::load(&whole[at])));
            for k in 0..K {
                sums[k] = sums[k].add(terms[k]);
            }
        }
        let mut sums = sums.map(|sums| sums.numbers());
        if rest > 0 {
            let terms = terms.of(planes.map(|(_, rest)| N::load_some(rest)));
            for (sums, terms) in sums.iter_mut().zip(terms) {
                sums.iter_mut().zip(terms.numbers()).take(rest).for_each(|(sum, term)| *sum += term);
            }
        }
        sums
    }
}

/// What is done with channels, each by itself, which makes `N` values of every place.
pub(super) trait Task<T: Float, const N: usize>: Sync {
    /// What is made of each channel beside.
    type Made: Send;

    /// Does it, writing all places of `channels` in each of `rooms`; to be inlined, so that it is compiled for every
    /// instruction set.
    ///
    /// # Safety
    /// As [`Channels::write`].
    unsafe fn take<S: Numbers<Number = T>>(
        &self,
        channels: Channels,
        rooms: [Room<'_, T>; N],
    ) -> Vec<Self::Made>;
}

/// Places that get their values from several threads.
pub(super) type Room<'a, T> = Shared<'a, MaybeUninit<T>>;

/// A task with the channels of one thread, as a kernel.
struct Share<'a, T: Float, K: Task<T, N>, const N: usize> {
    task: &'a K,
    channels: Channels,
    rooms: [Room<'a, T>; N],
    made: &'a mut Vec<K::Made>,
}

impl<T: Float, K: Task<T, N>, const N: usize> Kernel for Share<'_, T, K, N> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        // SAFETY: whoever makes a share gives its channels to nobody else.
        *self.made = unsafe { self.task.take::<T::Numbers<L>>(self.channels, self.rooms) };
    }
}

/// Does `task` with every channel: the values that it writes, and what it makes of the channels in their order.
pub(super) fn by_channel<T: Float, K: Task<T, N>, const N: usize>(
    sizes: Sizes,
    task: &K,
) -> ([Vec<T>; N], Vec<K::Made>) {
    let (isa, together) = (Isa::detect(), sizes.together());
    let mut values = [const { Vec::new() }; N];
    for values in &mut values {
        *values = Vec::with_capacity(sizes.all());
    }
    let rooms = values.each_mut().map(|values| Shared::new(&mut values.spare_capacity_mut()[..sizes.all()]));
    let share = |number: usize| {
        let first = number * together;
        let channels = Channels { sizes, first, count: together.min(sizes.channels - first) };
        let mut made = Vec::new();
        isa.run(Share { task, channels, rooms, made: &mut made });
        made
    };
    let made: Vec<Vec<K::Made>> = (0..sizes.channels.div_ceil(together)).into_par_iter().map(share).collect();
    for values in &mut values {
        // SAFETY: so much capacity was asked for above, and every channel has come back with all of its places written.
        unsafe { values.set_len(sizes.all()) };
    }
    (values, made.into_iter().flatten().collect())
}
