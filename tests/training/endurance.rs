//! Every method through what happens to long runs: stops anywhere, kills, full disks, numbers that overflow, pictures that vanish.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::machine;
use crate::runs::{assert_same_bits, newest_state, train, trained_vae};
use idgan::base::Stream;
use idgan::checkpoint::{Sources, open};
use idgan::data::OpenOptions;
use idgan::training::{
    Control, Family, GanNets, Machine, Method, RunFolder, Session, TrainConfig, TrainError, TrainEvent,
    preset,
};

/// One of each family that has losses, networks and a state of its own.
const OF_EACH_FAMILY: [Method; 5] =
    [Method::BetaVae, Method::Idgan, Method::IbGan, Method::Oogan, Method::Iae];

/// A run of `method` with the smallest networks; `vae` is what those distil that need one.
fn tiny(method: Method, vae: &Path) -> TrainConfig {
    let name = match method {
        Method::CycleIae => "sprites-cycle-small",
        method if method.family() == Family::Iae => "sprites-small",
        _ => "dsprites-small",
    };
    let mut config = preset(method.family(), name).unwrap().with_method(method);
    (config.batch, config.steps, config.seed) = (4, 5, 7);
    (config.sample_every, config.checkpoint_every, config.log_every) = (0, 1000, 1);
    if let Some(gan) = &mut config.gan {
        (gan.nets, gan.nfilter, gan.nfilter_max) = (GanNets::Small, 2, 8);
        if method.takes_a_vae() {
            gan.vae = vae.display().to_string();
        }
    }
    if let Some(values) = &mut config.ibgan {
        (values.generator_width, values.discriminator_width) = (2, 2);
    }
    if let Some(values) = &mut config.oogan {
        values.width = 2;
    }
    if let Some(values) = &mut config.iae {
        (values.width, values.units, values.eps_dim) = (2, 4, 0);
    }
    if let Some(values) = &mut config.cycle {
        (values.width, values.discriminator_width) = (2, 2);
    }
    config
}

#[test]
fn every_method_stopped_after_every_step_ends_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let vae = trained_vae(folder.path());
    for &method in Method::all() {
        let config = tiny(method, &vae);
        let (whole, split) =
            (folder.path().join(format!("whole-{}", method.name())), folder.path().join("split"));
        train(&mut Session::start(&whole, config.clone(), machine()).unwrap(), u64::MAX);
        train(&mut Session::start(&split, config.clone(), machine()).unwrap(), 1);
        for step in 2..=config.steps {
            let mut session = Session::resume(&split, None, machine()).unwrap();
            assert_eq!(session.step(), step - 1, "{}", method.name());
            train(&mut session, if step < config.steps { step } else { u64::MAX });
        }
        assert_same_bits(&newest_state(&whole), &newest_state(&split));
        std::fs::remove_dir_all(&split).unwrap();
    }
}

/// `idgan train` that goes on with the run in `folder`, in a shell that runs `before` first.
fn going_on(folder: &Path, family: Family, steps: u64, before: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{before} exec \"$@\""), "bash", env!("CARGO_BIN_EXE_idgan")]);
    command.args(["train", family.name(), "--resume", "--threads", "2", "--steps", &steps.to_string()]);
    command.arg("--out").arg(folder).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// The step of the newest state of a run; 0 where there is none.
fn newest_step(run: &Path) -> u64 {
    let names =
        std::fs::read_dir(run).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let steps = names
        .filter_map(|name| name.strip_prefix("state-")?.strip_suffix(".safetensors")?.parse::<u64>().ok());
    steps.max().unwrap_or(0)
}

/// Both runs trained to `steps`, which then hold the same.
fn end_alike(one: &Path, other: &Path, family: Family, steps: u64) {
    for run in [one, other] {
        let output = going_on(run, family, steps, "").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_same_bits(&newest_state(one), &newest_state(other));
}

/// Kills runs of a method of each family at random moments; every time the run can be resumed, and in the end it has learnt
/// exactly what an undisturbed one has. `IDGAN_KILLS` sets how many kills a method gets.
#[test]
fn killing_runs_at_random_moments_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let vae = trained_vae(folder.path());
    let kills = std::env::var("IDGAN_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(15);
    for method in OF_EACH_FAMILY {
        let path = |name: &str| folder.path().join(format!("{}-{name}", method.name()));
        let (killed, calm) = (path("killed"), path("calm"));
        let config = TrainConfig { batch: 2, checkpoint_every: 3, ..tiny(method, &vae) };
        for run in [&killed, &calm] {
            RunFolder::create(run, &config).unwrap();
        }
        let mut stream = Stream::new(11, method.name());
        for kill in 0..kills {
            let mut child = going_on(&killed, method.family(), 1_000_000, "").spawn().unwrap();
            std::thread::sleep(Duration::from_millis(60 + stream.below(500) as u64));
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!words.contains("error"), "{} kill {kill}: {words}", method.name());
            let checkpoint = killed.join("checkpoint.safetensors");
            if checkpoint.exists() {
                open(&Sources { checkpoint: Some(checkpoint), ..Sources::default() }).unwrap();
            }
        }
        let reached = newest_step(&killed);
        println!("{}: {kills} kills, step {reached}", method.name());
        end_alike(&killed, &calm, method.family(), reached + 5);
    }
}

/// A limit on the length of files ends a write where a full disk would: what was kept before stays, and once there is room the run
/// is the undisturbed one.
#[test]
#[cfg(target_os = "linux")]
fn a_run_that_finds_no_room_for_its_state_says_so_and_goes_on_from_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let vae = trained_vae(folder.path());
    for method in OF_EACH_FAMILY {
        let path = |name: &str| folder.path().join(format!("{}-{name}", method.name()));
        let (full, calm) = (path("full"), path("calm"));
        let config = TrainConfig { checkpoint_every: 2, ..tiny(method, &vae) };
        for run in [&full, &calm] {
            RunFolder::create(run, &config).unwrap();
        }
        let output = going_on(&full, method.family(), 2, "").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let kept = std::fs::read(full.join("checkpoint.safetensors")).unwrap();
        // blocks of 1024 bytes; where the signal is ignored the write fails
        let no_room = "ulimit -f 8; trap '' XFSZ;";
        let output = going_on(&full, method.family(), 6, no_room).output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{}: {words}", method.name());
        assert!(words.contains("error: ") && !words.contains("panicked"), "{}: {words}", method.name());
        assert_eq!(std::fs::read(full.join("checkpoint.safetensors")).unwrap(), kept);
        assert_eq!(newest_step(&full), 2, "{}", method.name());
        end_alike(&full, &calm, method.family(), 6);
    }
}

/// The configuration with rates that no weight survives.
fn overflowing(config: &str) -> String {
    let line = |line: &str| match line.split_once(" = ") {
        Some((key, value)) if key.starts_with("learning_rate") && value.parse::<f64>().is_ok() => {
            format!("{key} = 1e30\n")
        }
        _ => format!("{line}\n"),
    };
    config.lines().map(line).collect()
}

#[test]
fn three_bad_steps_in_a_row_stop_a_run_of_every_method_and_spare_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let vae = trained_vae(folder.path());
    for &method in Method::all() {
        let run = folder.path().join(format!("run-{}", method.name()));
        let config = TrainConfig { steps: 40, ..tiny(method, &vae) };
        train(&mut Session::start(&run, config, machine()).unwrap(), 2);
        let good = std::fs::read(run.join("checkpoint.safetensors")).unwrap();
        let path = run.join("config.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert_ne!(overflowing(&text), text, "{}", method.name());
        std::fs::write(&path, overflowing(&text)).unwrap();
        let mut session = Session::resume(&run, None, machine()).unwrap();
        let mut warnings = 0;
        let ended = session.run(&Control::default(), &mut |event| {
            warnings += usize::from(matches!(event, TrainEvent::Warning(_)));
        });
        let error = ended.expect_err(method.name());
        assert!(matches!(error, TrainError::Diverged { in_a_row: 3, .. }), "{}: {error}", method.name());
        assert!(warnings >= 2, "{}: the third is the error itself", method.name());
        let left = std::fs::read(run.join("checkpoint.safetensors")).unwrap();
        assert!(left == good, "{}: the checkpoint was touched", method.name());
    }
}

/// Seven pictures of 64x64.
fn photos(folder: PathBuf) -> PathBuf {
    std::fs::create_dir(&folder).unwrap();
    for i in 0..7u8 {
        let picture = image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([i * 30, x as u8, y as u8]));
        picture.save(folder.join(format!("{i}.png"))).unwrap();
    }
    folder
}

/// Pictures that vanish while a run reads them, and come back, cost no step and change none.
#[test]
fn runs_whose_pictures_were_away_for_a_while_are_the_uninterrupted_ones() {
    for method in [Method::FactorVae, Method::IbGan, Method::Oogan, Method::Iae] {
        let root = tempfile::tempdir().unwrap();
        let (photos, away) = (photos(root.path().join("photos")), root.path().join("away"));
        let mut config = TrainConfig { steps: 40, ..tiny(method, Path::new("")) };
        config.data = format!("images:{}", photos.display());
        let channels = [
            config.vae.as_mut().map(|values| &mut values.channels),
            config.ibgan.as_mut().map(|values| &mut values.channels),
            config.oogan.as_mut().map(|values| &mut values.channels),
            config.iae.as_mut().map(|values| &mut values.channels),
        ];
        channels.into_iter().flatten().for_each(|channels| *channels = 3);
        // nothing prepared: every picture is read when its turn comes
        let data =
            OpenOptions { cache_dir: root.path().join("cache"), cache_bytes: 0, ..OpenOptions::default() };
        let machine = || Machine { data: data.clone(), ..machine() };
        let (calm, stopped) = (root.path().join("calm"), root.path().join("stopped"));
        train(&mut Session::start(&calm, config.clone(), machine()).unwrap(), u64::MAX);
        let mut session = Session::start(&stopped, config, machine()).unwrap();
        let error = session.run(&Control::default(), &mut |event| {
            if let TrainEvent::Step { step: 3, .. } = event {
                std::fs::rename(&photos, &away).unwrap();
            }
        });
        assert!(matches!(error.unwrap_err(), TrainError::Data(_)), "{}", method.name());
        drop(session);
        std::fs::rename(&away, &photos).unwrap();
        let mut session = Session::resume(&stopped, None, machine()).unwrap();
        assert!((3..40).contains(&session.step()), "{}: {}", method.name(), session.step());
        train(&mut session, u64::MAX);
        assert_same_bits(&newest_state(&calm), &newest_state(&stopped));
    }
}
