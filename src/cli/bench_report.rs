//! What every benchmark of work reports, and where its numbers come from.

use std::time::Instant;

use candle_core::Device;
use serde::Serialize;

use crate::base::percentile;
use crate::inference;

/// One measurement.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Median time in milliseconds.
    pub median_ms: f64,
    /// 5th percentile.
    pub p5_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// Multiply-adds of the work by definition (every weight meets every pixel of its full map), in thousand
    /// millions.
    pub gmacs: f64,
    /// Two operations for each of those, by the median time, in thousand millions a second: can exceed the
    /// machine's peak where fewer multiplications were needed.
    pub gflops: f64,
    /// Memory in MiB. On the processor: of rendering, the most that the process has held; of training, how much more than
    /// before the first step. On a GPU the most that tensors have taken there.
    pub peak_mib: f64,
    /// Threads used.
    pub threads: usize,
}

impl Report {
    /// Sums up `times` in milliseconds, of which there is at least one.
    pub(super) fn new(times: &[f64], gmacs: f64, peak_mib: f64, threads: usize) -> Self {
        let at = |share| percentile(times, share);
        let gflops = 2.0 * gmacs / (at(0.5) / 1e3);
        Self { median_ms: at(0.5), p5_ms: at(0.05), p95_ms: at(0.95), gmacs, gflops, peak_mib, threads }
    }

    /// One line for people, or one JSON object.
    pub(super) fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            return super::print(serde_json::to_string(self)?);
        }
        let Self { median_ms, p5_ms, p95_ms, gmacs, gflops, peak_mib, threads } = self;
        super::print(format!(
            "median {median_ms:.2} ms (5 % {p5_ms:.2}, 95 % {p95_ms:.2}), {gmacs:.2} G multiply-adds, \
             {gflops:.0} GFLOP/s, peak {peak_mib:.0} MiB, {threads} threads"
        ))
    }
}

/// The times of `repeat` runs of `job` in milliseconds.
pub(super) fn time(repeat: u32, mut job: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::with_capacity(repeat as usize);
    for _ in 0..repeat {
        let start = Instant::now();
        job()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

/// How much memory work takes, from when it begins.
pub(super) struct MemoryWatch<'a> {
    device: &'a Device,
    /// What the process held before, in MiB.
    before: f64,
}

impl<'a> MemoryWatch<'a> {
    /// Begins to watch what `device` computes with.
    pub(super) fn begin(device: &'a Device) -> Self {
        inference::forget_peak(device);
        forget_peak();
        Self { device, before: resident_mib() }
    }

    /// The most so far, in MiB: of a GPU's tensors, or what the process has taken more than before.
    pub(super) fn peak_mib(&self) -> f64 {
        match inference::peak_memory(self.device) {
            Some(bytes) => bytes as f64 / f64::from(1 << 20),
            None => (peak_mib() - self.before).max(0.0),
        }
    }
}

/// The most memory that this process has held, in MiB; 0 where the kernel does not say (other systems than Linux).
pub(super) fn peak_mib() -> f64 {
    from_status("VmHWM:")
}

/// The memory that this process holds, in MiB; 0 where the kernel does not say.
fn resident_mib() -> f64 {
    from_status("VmRSS:")
}

/// Lets [`peak_mib`] count from here on. Where the kernel does not allow it the peak stays that of the whole life.
fn forget_peak() {
    // Nothing else can be done about it.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn from_status(key: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_counted_by_the_median_time() {
        let times: Vec<f64> = (1..=101).rev().map(f64::from).collect();
        let report = Report::new(&times, 0.5, 7.0, 2);
        assert_eq!((report.p5_ms, report.median_ms, report.p95_ms), (6.0, 51.0, 96.0));
        assert!((report.gflops - 1.0 / 0.051).abs() < 1e-9);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_includes_what_was_freed() {
        let before = peak_mib();
        let held = vec![1u8; 64 << 20];
        assert!(held.iter().step_by(4096).all(|&byte| byte == 1));
        drop(held);
        assert!(before > 0.0 && peak_mib() >= before);
        assert!(resident_mib() > 0.0 && resident_mib() <= peak_mib());
    }
}
