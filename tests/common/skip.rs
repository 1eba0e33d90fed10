//! Tests that cannot run here say so, are counted, and fail where what they need is required.
//!
//! `IDGAN_REQUIRE` lists what must be there, separated by commas: `parity` (reference numbers that travel with the
//! project), `official` (the reference files beside the checkout), `graphics` (a graphics driver), `window` (a virtual
//! screen, a mouse and a clipboard), `compiler` (one for C++), `cuda`. `IDGAN_SKIPPED` names a file that gets one line for each test skipped.

use std::io::Write;
use std::path::Path;

/// Says that the running test is skipped for want of `what`, one of the words above.
///
/// # Panics
/// Where `IDGAN_REQUIRE` says that `what` must be there.
pub fn skipped(what: &str, why: &str) {
    let required = std::env::var("IDGAN_REQUIRE").unwrap_or_default();
    skip(what, why, &required, std::env::var_os("IDGAN_SKIPPED").as_deref().map(Path::new));
}

/// As [`skipped`], with what is required, and the file in which skipped tests are counted.
///
/// # Panics
/// Where `what` is required.
pub fn skip(what: &str, why: &str, required: &str, counted: Option<&Path>) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    assert!(
        !required.split(',').any(|word| word.trim() == what),
        "{test} needs what IDGAN_REQUIRE calls {what}: {why}"
    );
    let line = format!("skipped: {test}: {why}\n");
    // past the test runner, which keeps to itself what a passing test prints
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = counted {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }
}
