//! A long run does not grow. Alone in its file, since other tests would share the process's memory.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "test code")]

mod counting;

use idgan::base::{Pool, keep_freed_memory};
use idgan::data::OpenOptions;
use idgan::inference::Computer;
use idgan::training::{Control, Family, Machine, Session, TrainEvent, preset};

/// Resident memory of this process in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Resident memory that the allocator may keep for itself between two looks, in KiB.
const SLACK_KIB: u64 = 4096;

/// What the process holds after a step.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    bytes: usize,
    resident_kib: u64,
}

fn held() -> Held {
    Held { bytes: counting::held_by_process(), resident_kib: resident_kib() }
}

#[test]
fn memory_is_flat_over_two_thousand_steps() {
    keep_freed_memory(); // as the program does
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine {
        computer: Computer::processor(),
        pool: Pool::new("test", 2).unwrap(),
        data: OpenOptions::default(),
    };
    let mut config = preset(Family::Vae, "dsprites-small").unwrap();
    // everything that happens in a run has happened once before the first look: checkpoints, logging, samples
    (config.batch, config.steps, config.sample_every) = (4, 2001, 90);
    (config.checkpoint_every, config.log_every) = (90, 20);
    let mut session = Session::start(&folder.path().join("run"), config, machine).unwrap();
    let (mut early, mut late) = (Held::default(), Held::default());
    session
        .run(&Control::default(), &mut |event| match event {
            TrainEvent::Step { step: 100, .. } => early = held(),
            TrainEvent::Step { step: 2000, .. } => late = held(),
            _ => {}
        })
        .unwrap();
    assert!(late.bytes as f64 <= 1.05 * early.bytes as f64, "{early:?} after 100 steps, {late:?} after 2000");
    let most = 1.05 * early.resident_kib as f64 + SLACK_KIB as f64;
    assert!(late.resident_kib as f64 <= most, "{early:?} after 100 steps, {late:?} after 2000");
    eprintln!("{early:?} after 100 steps, {late:?} after 2000");
}
