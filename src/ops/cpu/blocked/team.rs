//! A team of threads that computes layer after layer without going to sleep between them.
//!
//! A fork and join through rayon wakes sleeping workers for every layer, which costs as much as a small layer
//! computes. Here one leader posts the pieces of each layer and helpers, started once for the whole picture,
//! take them as they come. The leader never waits for a helper that has not arrived (it then computes alone),
//! so pools that are shared or busy cannot deadlock.

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Looks for work that long before giving the core to others between two looks.
const SPINS_BEFORE_YIELD: u32 = 4000;

/// Bits of the ticket for the next piece and for the number of pieces; the rest numbers the layers.
const PIECE_BITS: u32 = 20;
const PIECE_MASK: u64 = (1 << PIECE_BITS) - 1;

/// One worker's view: `(worker, piece)`.
type Job<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// Threads that work on one picture together.
pub struct Team<'a> {
    board: Option<&'a Board>,
    workers: usize,
}

/// Where the leader posts work.
struct Board {
    /// Layer number, number of pieces, next piece.
    ticket: AtomicU64,
    finished: AtomicUsize,
    dismissed: AtomicBool,
    job: UnsafeCell<Option<Job<'static>>>,
    panic: Mutex<Option<Box<dyn std::any::Any + Send>>>,
}

// SAFETY: `job` is written by the leader only while no piece is open, and read only by owners of an open piece.
unsafe impl Sync for Board {}

impl Team<'_> {
    /// The calling thread alone.
    pub fn solo() -> Self {
        Self { board: None, workers: 1 }
    }

    /// Runs `lead` with a team of `workers` threads of the rayon pool that the caller is in, itself included.
    pub fn gather<R: Send>(workers: usize, lead: impl FnOnce(&Team<'_>) -> R + Send) -> R {
        if workers <= 1 {
            return lead(&Team::solo());
        }
        let board = Board {
            ticket: AtomicU64::new(0),
            finished: AtomicUsize::new(0),
            dismissed: AtomicBool::new(false),
            job: UnsafeCell::new(None),
            panic: Mutex::new(None),
        };
        rayon::scope(|scope| {
            let board = &board;
            for worker in 1..workers {
                scope.spawn(move |_| board.help(worker));
            }
            // Helpers must hear of the end even when `lead` panics: the scope waits for them.
            let result = catch_unwind(AssertUnwindSafe(|| lead(&Team { board: Some(board), workers })));
            board.dismissed.store(true, Ordering::Release);
            result.unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// The most threads that `for_each` uses, and so the number of distinct worker numbers.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Runs `job(worker, piece)` for every piece in `0..pieces` and waits for all. No two pieces run with the
    /// same worker number at the same time; pieces are taken in order.
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
}

impl Board {
    /// Runs `job` on `pieces` pieces, the calling leader helping.
    fn post(&self, pieces: usize, job: Job<'_>) {
        self.finished.store(0, Ordering::Relaxed);
        // SAFETY: no piece is open, so nobody reads `job`; the lifetime may be forgotten because this function
        // returns only after every piece was finished, and a finished piece no longer uses the job.
        unsafe { *self.job.get() = Some(std::mem::transmute::<Job<'_>, Job<'static>>(job)) };
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
        if let Some(job) = job {
            let run = AssertUnwindSafe(|| job(worker, next as usize));
            if let (Err(panic), Ok(mut slot)) = (catch_unwind(run), self.panic.lock()) {
                *slot = Some(panic);
            }
        }
        self.finished.fetch_add(1, Ordering::Release);
        true
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
mod tests {
    use super::*;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("starts")
    }

    #[test]
    fn every_piece_runs_once_in_every_layer() {
        for workers in [1, 2, 3] {
            let counts: Vec<AtomicUsize> = (0..100).map(|_| AtomicUsize::new(0)).collect();
            pool(2).install(|| {
                Team::gather(workers, |team| {
                    for layer in 0..500 {
                        team.for_each(layer % 101, |worker, piece| {
                            assert!(worker < team.workers());
                            counts[piece].fetch_add(1, Ordering::Relaxed);
                        });
                    }
                });
            });
            for (piece, count) in counts.iter().enumerate() {
                let expected = (0..500).filter(|layer| layer % 101 > piece).count();
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
    fn a_panic_in_a_piece_reaches_the_caller() {
        let caught = catch_unwind(|| {
            pool(2).install(|| Team::gather(2, |team| team.for_each(8, |_, piece| assert!(piece != 5))));
        });
        assert!(caught.is_err());
    }
}
