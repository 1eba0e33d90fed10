//! An allocator that counts what each thread and the whole process hold, so that a test can ask for the most a thread
//! held at once, or for what the process holds now.
#![allow(unreachable_pub, dead_code, reason = "test code, shared by test binaries that use different parts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, Ordering};

struct Counting;

thread_local! {
    /// Bytes held by this thread and the most it held since the last reset.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes held by all threads together.
static PROCESS: AtomicIsize = AtomicIsize::new(0);

fn count(change: isize) {
    PROCESS.fetch_add(change, Ordering::Relaxed);
    // A thread that is going away no longer counts.
    let _ = HELD.try_with(|held| {
        let (now, most) = held.get();
        held.set((now + change, most.max(now + change)));
    });
}

// SAFETY: every call is passed on to the system's allocator unchanged; counting neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Old and new may exist side by side while the content is copied.
        count(size as isize);
        count(-(layout.size() as isize));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Bytes that all threads together hold now.
pub fn held_by_process() -> usize {
    PROCESS.load(Ordering::Relaxed).max(0) as usize
}

/// The most bytes that `job` held at once on this thread, beyond those it started with.
pub fn peak_of(job: impl FnOnce()) -> usize {
    let start = HELD.with(|held| {
        let (now, _) = held.get();
        held.set((now, now));
        now
    });
    job();
    HELD.with(|held| (held.get().1 - start).max(0) as usize)
}
