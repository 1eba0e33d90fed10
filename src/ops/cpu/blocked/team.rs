//! A team of threads that computes layer after layer without going to sleep between them.
//!
//! A fork and join through rayon wakes sleeping workers for every layer, which costs as much as a small layer
//! computes. Here one leader posts the pieces of each layer and helpers, started once for the whole picture,
//! take them as they come. The leader never waits for a helper that has not arrived (it then computes alone),
//! so pools that are shared or busy cannot deadlock. Pieces must not wait for the pool themselves: whoever waits
//! there may be given a helper's work, which ends with the picture.

use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::super::shared::Shared;
use super::super::sizes::product;

/// Looks for work that long before giving the core to others between two looks; Miri is too slow to look in vain.
const SPINS_BEFORE_YIELD: u32 = if cfg!(miri) { 1 } else { 4000 };

/// Bits of the ticket for the next piece and for the number of pieces; the rest numbers the layers.
const PIECE_BITS: u32 = 20;
const PIECE_MASK: u64 = (1 << PIECE_BITS) - 1;

/// One worker's view: `(worker, piece)`.
type PieceFn<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// Threads that work on one picture together.
///
/// A team has one set of pieces open at a time, so two threads must not use it at once, nor a piece of its own
/// work. Both are errors of types: a team is not `Sync`, so that no other thread may have a reference to it, and
/// pieces, which run on any thread, may not hold one either. Used by its leader it compiles:
///
/// ```
/// use idgan::ops::kernels::Team;
/// Team::gather(2, |team| team.for_each(8, |_, piece| assert!(piece < 8)));
/// ```
///
/// by two threads, or nested, it does not:
///
/// ```compile_fail,E0277
/// use idgan::ops::kernels::Team;
/// Team::gather(2, |team| {
///     std::thread::scope(|scope| {
///         scope.spawn(|| team.for_each(8, |_, _| ()));
///     });
/// });
/// ```
///
/// ```compile_fail,E0277
/// use idgan::ops::kernels::Team;
/// Team::gather(2, |team| team.for_each(8, |_, _| team.for_each(8, |_, _| ())));
/// ```
pub struct Team<'a> {
    board: Option<&'a Board>,
    workers: usize,
    not_sync: PhantomData<Cell<()>>,
}

/// Where the leader posts work.
struct Board {
    /// Layer number, number of pieces, next piece.
    ticket: AtomicU64,
    finished: AtomicUsize,
    dismissed: AtomicBool,
    job: UnsafeCell<Option<PieceFn<'static>>>,
    panic: Mutex<Option<Box<dyn std::any::Any + Send>>>,
}

// SAFETY: `job` is written by the leader only while no piece is open, and read only by owners of an open piece;
// there is one leader, since a `Team` is not `Sync`.
unsafe impl Sync for Board {}

impl Team<'_> {
    /// The calling thread alone.
    pub fn solo() -> Self {
        Self { board: None, workers: 1, not_sync: PhantomData }
    }

    /// Runs `lead` with a team of `workers` threads of the rayon pool that the caller is in, itself included.
    pub fn gather<R: Send>(workers: usize, lead: impl FnOnce(&Team<'_>) -> R + Send) -> R {
        if workers <= 1 {
            return lead(&Team::solo());
        }
        let board = Board::new();
        rayon::scope(|scope| {
            let board = &board;
            for worker in 1..workers {
                scope.spawn(move |_| board.help(worker));
            }
            board.lead(workers, lead)
        })
    }

    /// The most threads that `for_each` uses, and so the number of distinct worker numbers.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Runs `job(worker, piece)` for every piece in `0..pieces` and waits for all. No two pieces run with the
    /// same worker number at the same time; pieces are taken in order.
    ///
    /// # Panics
    /// When a piece does, after all others are done; of several panics the first goes on.
    pub fn for_each(&self, pieces: usize, job: impl Fn(usize, usize) + Sync) {
        match self.board {
            Some(board) if pieces > 1 => {
                for first in (0..pieces).step_by(PIECE_MASK as usize) {
                    let count = (pieces - first).min(PIECE_MASK as usize);
                    board.post(count, &|worker, piece| job(worker, first + piece));
                }
            }
            _ => (0..pieces).for_each(|piece| job(0, piece)),
        }
    }

    /// Runs `job(part, piece)` for every piece in `0..pieces`, where `part` are `each` values of `scratch` that
    /// nobody else has meanwhile, with whatever an earlier piece left there.
    ///
    /// # Panics
    /// When `scratch` has less than `each` values for every worker; as [`Team::for_each`].
    pub(super) fn for_each_with(
        &self,
        scratch: &mut [f32],
        each: usize,
        pieces: usize,
        job: impl Fn(&mut [f32], usize) + Sync,
    ) {
        let scratch = Shared::new(&mut scratch[..product([each, self.workers])]);
        self.for_each(pieces, |worker, piece| {
            // SAFETY: `for_each` gives out no worker number twice at the same time, so every part has one user.
            let part = unsafe { scratch.part(worker * each..(worker + 1) * each) };
            job(part, piece);
        });
    }
}

impl Board {
    fn new() -> Self {
        Self {
            ticket: AtomicU64::new(0),
            finished: AtomicUsize::new(0),
            dismissed: AtomicBool::new(false),
            job: UnsafeCell::new(None),
            panic: Mutex::new(None),
        }
    }

    /// Runs `lead` with a team of `workers`, those of [`Board::help`] included, and dismisses these: they must hear of
    /// the end even when `lead` panics, since whoever started them waits for them.
    fn lead<R>(&self, workers: usize, lead: impl FnOnce(&Team<'_>) -> R) -> R {
        let team = Team { board: Some(self), workers, not_sync: PhantomData };
        let result = catch_unwind(AssertUnwindSafe(|| lead(&team)));
        self.dismissed.store(true, Ordering::Release);
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Runs `job` on `pieces` pieces, the calling leader helping.
    fn post(&self, pieces: usize, job: PieceFn<'_>) {
        self.finished.store(0, Ordering::Relaxed);
        // SAFETY: the caller is the only leader and no piece is open, so nobody else touches `job`; the lifetime may
        // be forgotten because this function ends, even by a panic, only after every piece was finished (nothing
        // below panics before), and a finished piece no longer uses the job.
        unsafe { *self.job.get() = Some(std::mem::transmute::<PieceFn<'_>, PieceFn<'static>>(job)) };
        let layer = (self.ticket.load(Ordering::Relaxed) >> (2 * PIECE_BITS)).wrapping_add(1);
        let ticket = layer << (2 * PIECE_BITS) | (pieces as u64) << PIECE_BITS;
        self.ticket.store(ticket, Ordering::Release);
        while self.take_piece(0) {}
        let mut spins = 0;
        while self.finished.load(Ordering::Acquire) < pieces {
            rest(&mut spins);
        }
        if let Some(panic) = self.panic.lock().ok().and_then(|mut panic| panic.take()) {
            resume_unwind(panic);
        }
    }

    /// Takes pieces until dismissed.
    fn help(&self, worker: usize) {
        let mut spins = 0;
        while !self.dismissed.load(Ordering::Acquire) {
            if self.take_piece(worker) {
                spins = 0;
            } else {
                rest(&mut spins);
            }
        }
    }

    /// Runs one open piece, if there is one.
    fn take_piece(&self, worker: usize) -> bool {
        let ticket = self.ticket.load(Ordering::Acquire);
        let (pieces, next) = (ticket >> PIECE_BITS & PIECE_MASK, ticket & PIECE_MASK);
        if next >= pieces {
            return false;
        }
        // The layer's number is part of the ticket: taking a piece of a layer that is over fails.
        if self.ticket.compare_exchange(ticket, ticket + 1, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return true;
        }
        // SAFETY: the piece just taken is unfinished, so the leader waits and does not write `job`.
        let job = unsafe { *self.job.get() };
        if let Some(job) = job
            && let Err(panic) = catch_unwind(AssertUnwindSafe(|| job(worker, next as usize)))
        {
            self.keep(panic);
        }
        self.finished.fetch_add(1, Ordering::Release);
        true
    }

    /// Keeps the first panic of a layer for the leader. Later ones are forgotten rather than dropped: what they carry
    /// may panic when it is dropped, and the piece would never be finished.
    fn keep(&self, panic: Box<dyn std::any::Any + Send>) {
        match self.panic.lock() {
            Ok(mut slot) if slot.is_none() => *slot = Some(panic),
            _ => std::mem::forget(panic),
        }
    }
}

/// Waits a moment: briefly at first, then leaving the core to others.
fn rest(spins: &mut u32) {
    *spins += 1;
    if *spins < SPINS_BEFORE_YIELD {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Runs `job` with a team of `workers` plain threads, which Miri and ThreadSanitizer can follow.
    pub(in super::super) fn with_threads<R>(workers: usize, job: impl FnOnce(&Team<'_>) -> R) -> R {
        let board = Board::new();
        std::thread::scope(|scope| {
            let board = &board;
            for worker in 1..workers {
                scope.spawn(move || board.help(worker));
            }
            board.lead(workers, job)
        })
    }

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("starts")
    }

    /// Does not compile when a team is `Sync`: `_` could then stand for either of two types.
    #[test]
    fn a_team_belongs_to_one_thread() {
        trait Both<Which> {
            fn holds() {}
        }
        impl<T> Both<()> for T {}
        impl<T: Sync> Both<u8> for T {}
        <Team<'static> as Both<_>>::holds();
    }

    #[test]
    fn every_piece_runs_once_in_every_layer() {
        let layers = if cfg!(miri) { 8 } else { 500 };
        for workers in [1, 2, 3] {
            let counts: Vec<AtomicUsize> = (0..100).map(|_| AtomicUsize::new(0)).collect();
            with_threads(workers, |team| {
                assert_eq!(team.workers(), workers);
                for layer in 0..layers {
                    team.for_each(layer % 101, |worker, piece| {
                        assert!(worker < workers);
                        counts[piece].fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
            for (piece, count) in counts.iter().enumerate() {
                let expected = (0..layers).filter(|layer| layer % 101 > piece).count();
                assert_eq!(count.load(Ordering::Relaxed), expected, "piece {piece}");
            }
        }
    }

    #[test]
    fn two_teams_share_a_pool_without_waiting_for_each_other() {
        let pool = pool(2);
        let total = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    pool.install(|| {
                        Team::gather(2, |team| {
                            for _ in 0..100 {
                                team.for_each(7, |_, _| {
                                    total.fetch_add(1, Ordering::Relaxed);
                                });
                            }
                        });
                    });
                });
            }
        });
        assert_eq!(total.load(Ordering::Relaxed), 3 * 100 * 7);
    }

    #[test]
    fn no_two_pieces_have_the_same_scratch() {
        let (layers, pieces) = if cfg!(miri) { (2, 9) } else { (200, 50) };
        let mut scratch = vec![0.0; 3 * 4 + 1];
        with_threads(3, |team| {
            for _ in 0..layers {
                team.for_each_with(&mut scratch, 4, pieces, |part, _| {
                    assert_eq!(part.len(), 4);
                    // Lost if two pieces did this at once.
                    part.iter_mut().for_each(|value| *value += 1.0);
                });
            }
        });
        let total: f32 = scratch.iter().sum();
        assert_eq!(total, (4 * layers * pieces) as f32);
        assert_eq!(scratch.last(), Some(&0.0), "nobody has what is left over");
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn scratch_for_all_workers_is_asked_for() {
        with_threads(2, |team| team.for_each_with(&mut [0.0; 7], 4, 1, |_, _| ()));
    }

    #[test]
    fn a_panic_in_a_piece_reaches_the_caller() {
        /// What carries it panics once more, as things may when they are dropped.
        struct Fragile;
        impl Drop for Fragile {
            fn drop(&mut self) {
                assert!(std::thread::panicking(), "dropped");
            }
        }
        let done = AtomicUsize::new(0);
        let job = |_: usize, piece: usize| {
            done.fetch_add(1, Ordering::Relaxed);
            if piece.is_multiple_of(2) {
                std::panic::panic_any(Fragile);
            }
        };
        let caught = catch_unwind(AssertUnwindSafe(|| with_threads(3, |team| team.for_each(8, job))));
        std::mem::forget(caught.expect_err("the pieces panicked"));
        assert_eq!(done.load(Ordering::Relaxed), 8, "all pieces ran before the caller went on");
        let caught = catch_unwind(|| {
            pool(2).install(|| Team::gather(2, |team| team.for_each(8, |_, piece| assert!(piece != 5))));
        });
        assert!(caught.is_err());
    }
}
