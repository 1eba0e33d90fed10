//! CUDA graphs: what was queued on a stream once, queued again by one call.
//!
//! Memory that is asked for while a stream is captured becomes part of the graph: it has the same address at every launch,
//! and all of it is given back within the graph, so that launches follow each other without end. It is not the memory of
//! the pool, which is therefore emptied of what the eager steps before have left in it.

use std::sync::Arc;

use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::driver::{CudaGraph, CudaStream, sys};
use candle_core::{Result, bail};

use super::dnn::give_back;
use super::driver::{Recorded, Work};

/// A graph on its stream.
struct Graph(CudaGraph);

// SAFETY: whoever has the graph launches it, one thread at a time, and the driver knows no other owner.
unsafe impl Send for Graph {}

impl Recorded for Graph {
    fn replay(&self, _: &mut Work<'_>) -> Result<()> {
        self.0.launch().w()
    }
}

/// Captures what `work` queues on `stream`.
///
/// # Errors
/// Those of `work`, and when something in it cannot be captured. The stream is then as it was before.
pub(super) fn record(
    stream: &Arc<CudaStream>,
    work: impl FnOnce() -> Result<()>,
) -> Result<Box<dyn Recorded>> {
    // Other threads may do as they like meanwhile, on streams of their own; this one is told what cannot be captured.
    stream.begin_capture(sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).w()?;
    let done = work();
    // Also after a failure: it ends the capture. What is still held at the end is freed by the next launch.
    let flags = sys::CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH;
    let captured = stream.end_capture(flags);
    // What a broken capture could not free was never there; the next call would fail with that error.
    let kept = stream.context().check_err();
    done?;
    match captured.w()? {
        Some(graph) => {
            kept.w()?;
            give_back(stream)?;
            Ok(Box::new(Graph(graph)))
        }
        None => bail!("the driver has recorded nothing"),
    }
}
