//! Training runs and what they are asked for from outside: data that moves or changes, pictures, pauses, checkpoints.

use std::path::Path;
use std::process::{Command, Output};

use crate::common::machine;
use idgan::training::{
    Control, End, Family, Method, Ramp, Session, TrainConfig, TrainError, TrainEvent, preset,
};

fn idgan(folder: &Path, arguments: &[&str]) -> Output {
    let cache = folder.join("cache");
    let mut command = Command::new(env!("CARGO_BIN_EXE_idgan"));
    command.current_dir(folder).args(arguments).arg("--cache").arg(cache);
    command.args(["--threads", "2"]).output().unwrap()
}

/// What a successful command wrote to the standard error.
fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = idgan(folder, arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {error}");
    error
}

fn save_pictures(folder: &Path, names: impl Iterator<Item = u8>) {
    std::fs::create_dir_all(folder).unwrap();
    for i in names {
        let picture = image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([i * 20, x as u8 * 4, y as u8 * 4]));
        picture.save(folder.join(format!("{i}.png"))).unwrap();
    }
}

#[test]
fn a_run_goes_on_from_any_folder_with_the_picture_it_began_with() {
    let root = tempfile::tempdir().unwrap();
    let (here, there) = (root.path().join("here"), root.path().join("there"));
    std::fs::create_dir_all(&there).unwrap();
    save_pictures(&here, 7..8);
    let mut words =
        "train vae --preset scream-dsprites --picture 7.png --out run --steps 2 --batch 2".to_owned();
    words.push_str(" --sample-every 0 --set vae.initialisation=uniform");
    succeed(&here, &words.split(' ').collect::<Vec<_>>());
    let config = std::fs::read_to_string(here.join("run/config.toml")).unwrap();
    assert!(config.contains(&format!("picture = \"{}\"", here.join("7.png").display())), "{config}");
    let resume = ["train", "vae", "--out", "../here/run", "--resume", "--steps"];
    succeed(&there, &[&resume[..], &["4"]].concat());
    // repeating what the run says is no conflict, wherever it is said
    succeed(&here, &["train", "vae", "--out", "run", "--resume", "--steps", "5", "--picture", "7.png"]);
    let other = idgan(&here, &["train", "vae", "--out", "run", "--resume", "--picture", "8.png"]);
    assert_eq!(other.status.code(), Some(2), "another picture is a conflict");
    std::fs::remove_file(here.join("7.png")).unwrap();
    let gone = idgan(&there, &[&resume[..], &["6"]].concat());
    let error = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(!gone.status.success() && error.trim_end().ends_with("7.png"), "{error}");
    let nowhere = ["train", "vae", "--data", "dsprites", "--picture", "7.png", "--out", "other"];
    let refused = idgan(&here, &nowhere);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("scream-dsprites"));
}

#[test]
fn a_run_goes_on_with_fewer_or_more_pictures_and_says_so() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("photos");
    save_pictures(&folder, 0..6);
    let train = |steps: &str, resume: bool| {
        let mut words = vec!["train", "vae", "--out", "run", "--steps", steps];
        match resume {
            true => words.push("--resume"),
            false => words.extend(["--data", "images:photos", "--batch", "2", "--sample-every", "0"]),
        }
        succeed(root.path(), &words)
    };
    let told = "it goes on with a new epoch of the";
    assert!(!train("2", false).contains(told));
    assert!(!train("3", true).contains(told), "nothing has changed");
    for i in 0..4 {
        std::fs::remove_file(folder.join(format!("{i}.png"))).unwrap();
    }
    let fewer = train("4", true);
    assert!(fewer.contains(told) && fewer.contains("epoch of the 2 that"), "{fewer}");
    std::fs::rename(folder.join("4.png"), folder.join("9.png")).unwrap();
    assert!(train("5", true).contains(told), "as many, in another order");
    save_pictures(&folder, 10..12);
    let more = train("6", true);
    assert!(more.contains("epoch of the 4 that"), "{more}");
    assert!(!train("7", true).contains(told), "told once");
    let fewer = idgan(root.path(), &["train", "vae", "--out", "run", "--resume", "--steps", "6"]);
    let error = String::from_utf8_lossy(&fewer.stderr).into_owned();
    assert!(!fewer.status.success() && error.contains("has made 7 steps already"), "{error}");
    std::fs::rename(&folder, root.path().join("elsewhere")).unwrap();
    let moved = idgan(root.path(), &["train", "vae", "--out", "run", "--resume", "--steps", "8"]);
    let error = String::from_utf8_lossy(&moved.stderr).into_owned();
    assert!(error.contains("config.toml") && error.trim_end().ends_with("photos"), "{error}");
    let config = std::fs::read_to_string(root.path().join("run/config.toml")).unwrap();
    assert!(config.contains("steps = 7"), "a run that cannot go on stays as it is");
}

#[test]
fn a_run_begun_on_another_drawing_is_not_gone_on_with() {
    let root = tempfile::tempdir().unwrap();
    let words = "train vae --preset dsprites-small --out run --steps 1 --batch 2 --sample-every 0";
    succeed(root.path(), &words.split(' ').collect::<Vec<_>>());
    let resume = ["train", "vae", "--out", "run", "--resume", "--steps", "2"];
    let run = root.path().join("run");
    let state = std::fs::read(run.join("state-00000001.safetensors")).unwrap();
    // A run of before says nothing of its drawing; what is written instead has the same length.
    let (now, before): (&[u8], &[u8]) = (b"drawing\\\":", b"unknown\\\":");
    let mut old = state.clone();
    while let Some(at) = old.windows(now.len()).position(|bytes| bytes == now) {
        old[at..at + now.len()].copy_from_slice(before);
    }
    assert_ne!(old, state);
    std::fs::write(run.join("state-00000001.safetensors"), old).unwrap();
    let refused = idgan(root.path(), &resume);
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{error}");
    assert!(error.contains("drew dsprites otherwise") && error.contains("--start"), "{error}");
    assert!(error.trim_end().ends_with("run"), "{error}");
    let config = std::fs::read_to_string(run.join("config.toml")).unwrap();
    assert!(config.contains("steps = 1\n"), "a run that cannot go on stays as it is: {config}");
    std::fs::write(run.join("state-00000001.safetensors"), state).unwrap();
    succeed(root.path(), &resume);
}

#[test]
fn a_start_that_learnt_the_code_of_another_vae_is_told() {
    let root = tempfile::tempdir().unwrap();
    let train = |stage: &str, words: &str| {
        let common = ["--preset", "dsprites-small", "--batch", "2", "--steps", "1", "--sample-every", "0"];
        let words = words.split(' ').collect::<Vec<_>>();
        succeed(root.path(), &[&["train", stage][..], &common, &words].concat())
    };
    let told = "learnt the code of another VAE";
    train("gan", "--vae sprites-64 --out first");
    assert!(!train("gan", "--vae sprites-64 --start first --out same").contains(told));
    train("vae", "--start sprites-64 --out sharper");
    assert!(!train("gan", "--vae sharper --start first --out sharp").contains(told), "trained on from it");
    train("vae", "--out vae");
    assert!(train("gan", "--vae vae --start first --out other").contains(told));
}

#[test]
fn a_run_folder_may_be_the_cache_folder() {
    let root = tempfile::tempdir().unwrap();
    save_pictures(&root.path().join("photos"), 0..4);
    let run = |words: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idgan"));
        command.current_dir(root.path()).args(["train", "vae", "--out", "one", "--cache", "one"]);
        let mut child = command.args(words.split(' ')).spawn().unwrap();
        let begun = std::time::Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed().as_secs() > 60 {
                child.kill().unwrap();
                panic!("it waits for itself");
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert!(child.wait().unwrap().success());
    };
    run("--data images:photos --batch 2 --steps 2 --sample-every 0");
    for entry in std::fs::read_dir(root.path().join("one")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "idgan-cache") {
            std::fs::remove_file(path).unwrap();
        }
    }
    run("--resume --steps 3");
}

fn config(family: Family) -> TrainConfig {
    let mut config = preset(family, "dsprites-small").unwrap();
    (config.batch, config.steps, config.seed) = (2, 5, 7);
    (config.sample_every, config.checkpoint_every, config.log_every) = (0, 1000, 1);
    config
}

#[test]
fn the_annealed_vaes_capacity_is_logged() {
    let root = tempfile::tempdir().unwrap();
    let mut config = TrainConfig { steps: 4, ..config(Family::Vae).with_method(Method::AnnealedVae) };
    config.vae.as_mut().unwrap().capacity = Ramp { from: 1.0, to: 3.0, over: 4 };
    (config.log_every, config.batch, config.sample_every) = (1, 2, 0);
    let mut session = Session::start(&root.path().join("run"), config, machine()).unwrap();
    session.run(&Control::default(), &mut |_| ()).unwrap();
    let log = std::fs::read_to_string(root.path().join("run/log.jsonl")).unwrap();
    let line = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let logged: Vec<f64> = log.lines().map(|text| line(text)["capacity"].as_f64().unwrap()).collect();
    assert_eq!(logged, [1.0, 1.5, 2.0, 2.5]);
    assert!(log.lines().all(|text| line(text)["beta"].is_null()), "it has none");
}

#[test]
fn lazy_r1_is_logged_as_it_was_last_computed() {
    let root = tempfile::tempdir().unwrap();
    let mut config = TrainConfig { log_every: 2, steps: 6, ..config(Family::Gan) };
    let gan = config.gan.as_mut().unwrap();
    (gan.vae, gan.r1_every) = ("sprites-64".into(), 2);
    let mut computed = Vec::new();
    Session::start(&root.path().join("run"), config, machine())
        .unwrap()
        .run(&Control::default(), &mut |event| {
            if let TrainEvent::Step { report, .. } = event {
                computed.push(report.get("r1").unwrap());
            }
        })
        .unwrap();
    let log = std::fs::read_to_string(root.path().join("run/log.jsonl")).unwrap();
    let line = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let logged: Vec<f64> = log.lines().map(|text| line(text)["r1"].as_f64().unwrap()).collect();
    assert_eq!(logged, [computed[0], computed[2], computed[4]], "of steps 1, 3 and 5, at 2, 4 and 6");
    assert!(computed.iter().all(|&r1| r1 > 0.0) && computed[0] == computed[1] && computed[1] != computed[2]);
}

#[test]
fn a_slow_run_is_saved_by_the_clock() {
    let root = tempfile::tempdir().unwrap();
    let saved = |name: &str, checkpoint_minutes: f64| {
        let config = TrainConfig { checkpoint_minutes, ..config(Family::Vae) };
        let mut session = Session::start(&root.path().join(name), config, machine()).unwrap();
        let mut steps = Vec::new();
        let told = |event: TrainEvent| {
            if let TrainEvent::Saved { step, .. } = event {
                steps.push(step);
            }
        };
        session.run(&Control::default(), &mut { told }).unwrap();
        steps.dedup(); // with statistics once more at the end
        steps
    };
    assert_eq!(saved("late", 1e-9), [1, 2, 3, 4, 5]);
    assert_eq!(saved("never", 0.0), [5]);
    assert!(!root.path().join("late/samples").exists(), "no grids with sample_every 0");
}

#[test]
fn a_grid_that_cannot_be_drawn_costs_no_step() {
    let root = tempfile::tempdir().unwrap();
    let run = root.path().join("run");
    let samples = run.join("samples");
    let config = TrainConfig { sample_every: 3, ..config(Family::Vae) };
    let mut session = Session::start(&run, config, machine()).unwrap();
    let error = session.run(&Control::default(), &mut |event| {
        if let TrainEvent::Step { step: 2, .. } = event {
            std::fs::remove_dir_all(&samples).unwrap();
            std::fs::write(&samples, "in the way").unwrap();
        }
    });
    assert!(error.unwrap_err().to_string().ends_with("samples"));
    drop(session);
    assert_eq!(Session::resume(&run, None, machine()).unwrap().step(), 3);
}

#[test]
fn a_checkpoint_without_its_state_is_not_trained_over() {
    let root = tempfile::tempdir().unwrap();
    let run = root.path().join("run");
    Session::start(&run, config(Family::Vae), machine())
        .unwrap()
        .run(&Control::default(), &mut |_| ())
        .unwrap();
    std::fs::remove_file(run.join("state-00000005.safetensors")).unwrap();
    let error = Session::resume(&run, Some(9), machine()).err().unwrap();
    assert!(matches!(error, TrainError::NoState { .. }), "{error}");
    std::fs::remove_file(run.join("config.toml")).unwrap();
    let error = Session::start(&run, config(Family::Vae), machine()).err().unwrap();
    assert!(matches!(error, TrainError::Occupied { .. }), "{error}");
}

#[test]
fn a_paused_run_saves_and_draws_when_asked() {
    let root = tempfile::tempdir().unwrap();
    let run = root.path().join("run");
    let mut session = Session::start(&run, config(Family::Vae), machine()).unwrap();
    let control = Control::default();
    control.set_paused(true);
    control.save();
    control.sample();
    let mut told = Vec::new();
    let end = session.run(&control, &mut |event| match event {
        TrainEvent::Saved { step, path } => told.push(("saved", step, path.is_file())),
        TrainEvent::Sampled { step, path } => {
            told.push(("sampled", step, path.is_file()));
            control.stop();
        }
        _ => {}
    });
    assert_eq!(end.unwrap(), End::Stopped);
    assert_eq!(told, [("saved", 0, true), ("sampled", 0, true)]);
}

#[test]
fn a_run_stopped_while_its_code_is_measured_has_lost_no_step() {
    let root = tempfile::tempdir().unwrap();
    let run = root.path().join("run");
    let stats = || {
        let checkpoint = Some(run.clone());
        let sources = idgan::checkpoint::Sources { checkpoint, ..Default::default() };
        idgan::checkpoint::open(&sources).unwrap().model.stats
    };
    let mut session = Session::start(&run, config(Family::Vae), machine()).unwrap();
    let control = Control::default();
    let end = session.run(&control, &mut |event| {
        if let TrainEvent::Saved { step: 5, .. } = event {
            control.stop(); // what follows is the measurement
        }
    });
    assert_eq!(end.unwrap(), End::Stopped);
    assert!(stats().is_none());
    drop(session);
    let mut session = Session::resume(&run, None, machine()).unwrap();
    assert_eq!(session.step(), 5);
    assert_eq!(session.run(&Control::default(), &mut |_| ()).unwrap(), End::Finished);
    assert!(stats().is_some());
}

#[test]
fn what_fails_at_once_comes_before_the_pictures() {
    let root = tempfile::tempdir().unwrap();
    let run = root.path().join("run");
    let without_pictures = TrainConfig { data: "images:nowhere".into(), ..config(Family::Vae) };
    let error = Session::start(&run, without_pictures.clone(), machine()).err().unwrap();
    assert!(error.to_string().ends_with("nowhere"), "{error}");
    assert!(!run.exists(), "nothing is left of a run that did not begin");
    std::fs::write(root.path().join("file"), "").unwrap();
    for place in ["file", "file/run"] {
        let error =
            Session::start(&root.path().join(place), without_pictures.clone(), machine()).err().unwrap();
        assert!(error.to_string().ends_with("file"), "{error}");
    }
    drop(Session::start(&run, config(Family::Vae), machine()).unwrap());
    let error = Session::start(&run, without_pictures, machine()).err().unwrap();
    assert!(matches!(error, TrainError::Occupied { .. }), "{error}");
    let mut without_vae = config(Family::Gan);
    without_vae.data = "images:nowhere".into();
    without_vae.gan.as_mut().unwrap().vae = "no-vae".into();
    let error = Session::start(&root.path().join("gan"), without_vae, machine()).err().unwrap();
    assert!(error.to_string().ends_with("no-vae"), "{error}");
}
