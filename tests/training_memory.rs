//! A long run does not grow. Alone in its file, since other tests would share the process's memory.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "test code")]

use idgan::base::Pool;
use idgan::data::OpenOptions;
use idgan::inference::DeviceChoice;
use idgan::training::{Control, Machine, Session, Stage, TrainEvent, preset};

/// Resident memory of this process in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn memory_is_flat_over_two_thousand_steps() {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine {
        device: DeviceChoice::Cpu.open().unwrap(),
        pool: Pool::new("test", 2).unwrap(),
        data: OpenOptions::default(),
    };
    let mut config = preset(Stage::Vae, "dsprites-small").unwrap();
    (config.batch, config.steps, config.sample_every) = (4, 2001, 0);
    (config.checkpoint_every, config.log_every) = (500, 20);
    let mut session = Session::start(&folder.path().join("run"), config, machine).unwrap();
    let (mut early, mut late) = (0, 0);
    session
        .run(&Control::default(), &mut |event| match event {
            TrainEvent::Step { step: 100, .. } => early = resident_kib(),
            TrainEvent::Step { step: 2000, .. } => late = resident_kib(),
            _ => {}
        })
        .unwrap();
    assert!(late as f64 <= 1.05 * early as f64, "{early} KiB after 100 steps, {late} KiB after 2000");
}
