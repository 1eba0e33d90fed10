//! Signals to a run: whatever would end a program makes it save first.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// A training run without end in `folder`, at work; `before` is what a shell does before it starts.
fn training(folder: &Path, before: &str) -> Child {
    let script = format!(
        "{before} exec $IDGAN train vae --batch 2 --steps 1000000 --sample-every 0 --set log_every=1 --out run"
    );
    // whoever runs the tests may ignore signals, as nohup does, and what is ignored stays so
    let child = Command::new("env")
        .args(["--default-signal", "sh", "-c", &script])
        .env("IDGAN", env!("CARGO_BIN_EXE_idgan"))
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the first step", || lines(folder) > 0);
    child
}

/// Steps that the run has logged.
fn lines(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("run/log.jsonl")).map_or(0, |text| text.lines().count())
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn send(signal: &str, child: &Child) {
    let told = Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status().unwrap();
    assert!(told.success(), "{signal}");
}

fn end(child: Child) -> (Output, String) {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    (output, said)
}

#[test]
fn a_run_is_saved_on_every_signal_that_would_end_it() {
    // 34 is the first of the real-time signals
    for signal in ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "XCPU", "ALRM", "34", "64"] {
        let folder = tempfile::tempdir().unwrap();
        let child = training(folder.path(), "");
        send(signal, &child);
        let (output, said) = end(child);
        assert!(output.status.success() && said.contains("stopped and saved"), "{signal}: {output:?}");
        let saved = std::fs::read_dir(folder.path().join("run")).unwrap();
        let states =
            saved.filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with("state-"));
        assert_eq!(states.count(), 1, "{signal}");
        assert!(folder.path().join("run/checkpoint.safetensors").exists(), "{signal}");
    }
}

#[test]
fn a_hang_up_under_nohup_changes_nothing_and_limits_may_repeat_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let child = training(folder.path(), "trap '' HUP;");
    send("HUP", &child);
    let before = lines(folder.path());
    until("more steps", || lines(folder.path()) > before + 20);
    for _ in 0..3 {
        send("XCPU", &child);
        std::thread::sleep(Duration::from_millis(10));
    }
    let (output, said) = end(child);
    assert!(output.status.success() && said.contains("stopped and saved"), "{output:?}");
}
