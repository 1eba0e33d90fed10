//! `idgan doctor` on the processor that runs the tests.

use assert_cmd::Command;

#[test]
fn a_sound_processor_is_said_to_be_sound() {
    let output =
        Command::cargo_bin("idgan").unwrap().args(["doctor", "--device", "cpu", "--json"]).assert().success();
    let found: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(found["sound"], true);
    assert!(found["seconds"].as_f64().unwrap() > 0.0);
    let subjects = found["subjects"].as_array().unwrap();
    // the plainest instructions come last, and are what training steps are compared with
    let last = subjects.last().unwrap();
    assert_eq!(last["subject"], "portable");
    for subject in subjects {
        let findings = subject["findings"].as_array().unwrap();
        let count =
            |part: &str| findings.iter().filter(|f| f["what"].as_str().unwrap().contains(part)).count();
        assert_eq!((count("convolution"), count("pictures")), (7, 4), "{subject}");
        assert_eq!(count("GAN step"), if subject == last { 0 } else { 6 }, "{subject}");
        assert!(findings.iter().all(|f| f["difference"].as_f64() <= f["at_most"].as_f64()), "{subject}");
        assert!(subject["step_ms"].as_f64().unwrap() > 0.0 && subject["frame_ms"].as_f64().unwrap() > 0.0);
        assert!(subject["frame_bf16_ms"].as_f64().unwrap() > 0.0, "{subject}");
    }
}
