//! Page-locked memory between the program's and a card's: copies from and to it run at the bus's full speed, and those to
//! the card while the program goes on.

use std::sync::Arc;

use candle_core::Result;
use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::driver::{CudaEvent, CudaStream, PinnedHostSlice, result};

use super::driver::Address;

/// Values that are copied through it at most: 256 MiB of memory that the system cannot use otherwise.
pub(super) const MOST: usize = 1 << 26;

/// Values that fit in at least: the small things of many steps.
const LEAST: usize = 1 << 16;

/// One piece of it, which grows.
pub(super) struct Staging {
    stream: Arc<CudaStream>,
    memory: Option<PinnedHostSlice<f32>>,
    /// Values at the beginning of it that the card may still read.
    used: usize,
    /// When the card has read what was last written here.
    read: CudaEvent,
}

// SAFETY: the memory belongs to whoever has the staging, and the card keeps it behind a mutex.
unsafe impl Send for Staging {}

impl Staging {
    pub(super) fn new(stream: Arc<CudaStream>) -> Result<Self> {
        let read = stream.context().new_event(None).w()?;
        Ok(Self { stream, memory: None, used: 0, read })
    }

    /// Queues a copy of `values` to `to`, which has room for them.
    pub(super) fn upload(&mut self, values: &[f32], to: Address) -> Result<()> {
        let stream = Arc::clone(&self.stream);
        let room = self.room(values.len())?;
        room.copy_from_slice(values);
        // SAFETY: the room is not written to before the event below has come.
        unsafe { result::memcpy_htod_async(to, room, stream.cu_stream()) }.w()?;
        self.used += values.len();
        self.read.record(&stream).w()
    }

    /// Waits for everything that is queued, then for a copy of the values at `from`, whose bytes these become.
    pub(super) fn download(&mut self, from: Address, bytes: &mut [u8]) -> Result<()> {
        let stream = Arc::clone(&self.stream);
        let room = self.room(bytes.len() / size_of::<f32>())?;
        // SAFETY: the room is not read before the copy has come.
        unsafe { result::memcpy_dtoh_async(room, from, stream.cu_stream()) }.w()?;
        stream.synchronize().w()?;
        bytes.copy_from_slice(bytemuck::cast_slice(room));
        self.used = 0;
        Ok(())
    }

    /// Room for `length` values that the card does not read.
    fn room(&mut self, length: usize) -> Result<&mut [f32]> {
        // copies are for the card that the thread has in hand, and threads change cards
        self.stream.context().bind_to_thread().w()?;
        let has = self.memory.as_ref().map_or(0, PinnedHostSlice::len);
        if self.used + length > has {
            self.read.synchronize().w()?;
            self.used = 0;
        }
        let memory = match self.memory.take().filter(|_| has >= length) {
            Some(memory) => memory,
            None => {
                let room = (2 * length).clamp(LEAST, MOST);
                // Without flags: what is write-combined by default is slow to read.
                // SAFETY: it is written before it is read.
                unsafe { self.stream.context().alloc_pinned_with_flags(room, 0) }.w()?
            }
        };
        let from = self.used;
        Ok(&mut self.memory.insert(memory).as_mut_slice().w()?[from..from + length])
    }
}
