//! Whole training runs at a tiny size: resuming is exact, and what they leave opens.

use std::path::Path;

use crate::common::machine;
use idgan::base::{Arrays, Pool};
use idgan::checkpoint::{Sources, open};
use idgan::model::{GAN, GENERATOR, VAE};
use idgan::training::{
    Control, End, Family, GanNets, Method, Ramp, Session, StepReport, TrainConfig, TrainError, TrainEvent,
    preset,
};

fn vae_config(method: Method) -> TrainConfig {
    let mut config = preset(Family::Vae, "dsprites-small").unwrap();
    config.method = method;
    (config.batch, config.steps, config.seed) = (4, 12, 7);
    (config.sample_every, config.checkpoint_every, config.log_every) = (0, 1000, 1);
    config
}

fn gan_config(nets: GanNets, vae: &Path) -> TrainConfig {
    let mut config = preset(Family::Gan, "dsprites-small").unwrap();
    (config.batch, config.steps, config.seed) = (4, 6, 7);
    (config.sample_every, config.checkpoint_every, config.log_every) = (0, 1000, 1);
    let gan = config.gan.as_mut().unwrap();
    gan.vae = vae.display().to_string();
    gan.nets = nets;
    (gan.s_dim, gan.nfilter, gan.nfilter_max) = (3, 2, 8);
    config
}

/// Trains until the configured step or `stop_at`, whichever comes first; returns the last report.
pub fn train(session: &mut Session, stop_at: u64) -> StepReport {
    let control = Control::default();
    let mut last = StepReport::default();
    let end = session
        .run(&control, &mut |event| {
            if let TrainEvent::Step { step, report, .. } = event {
                last = report;
                if step >= stop_at {
                    control.stop();
                }
            }
        })
        .unwrap();
    assert_eq!(end, if session.step() >= session.config().steps { End::Finished } else { End::Stopped });
    last
}

/// Everything in the newest state file of a run.
pub fn newest_state(run: &Path) -> Arrays {
    let mut states: Vec<_> = std::fs::read_dir(run).unwrap().map(|e| e.unwrap().path()).collect();
    states.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("state-"));
    states.sort();
    crate::common::read_arrays(states.last().unwrap())
}

pub fn assert_same_bits(one: &Arrays, other: &Arrays) {
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, array) in one {
        let bits = |a: &idgan::base::Array| a.data().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert!(bits(array) == bits(&other[name]), "{name} differs");
    }
}

/// Trains in one go, and with two stops on the way; both end with the same bits.
pub fn check_resume_is_exact(folder: &Path, config: &TrainConfig) {
    let (whole, split) = (folder.join("whole"), folder.join("split"));
    let last = train(&mut Session::start(&whole, config.clone(), machine()).unwrap(), u64::MAX);
    let third = config.steps / 3;
    train(&mut Session::start(&split, config.clone(), machine()).unwrap(), third);
    train(&mut Session::resume(&split, None, machine()).unwrap(), 2 * third);
    let mut session = Session::resume(&split, None, machine()).unwrap();
    assert_eq!(session.step(), 2 * third);
    assert_eq!(train(&mut session, u64::MAX), last);
    assert_same_bits(&newest_state(&whole), &newest_state(&split));
    let lines = std::fs::read_to_string(split.join("log.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let steps: Vec<u64> = lines.iter().map(|line| line["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, (1..=config.steps).collect::<Vec<_>>(), "every step is logged once");
    if let Some(gan) = &config.gan {
        let rates: Vec<f64> = lines.iter().map(|line| line["rate_generator"].as_f64().unwrap()).collect();
        assert_eq!(rates, (0..config.steps).map(|step| gan.generator_rate(step)).collect::<Vec<_>>());
    }
}

/// A short stage-1 run to distil.
pub fn trained_vae(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("vae");
    let config = TrainConfig { steps: 2, ..vae_config(Method::BetaVae) };
    train(&mut Session::start(&path, config, machine()).unwrap(), u64::MAX);
    path
}

#[test]
fn resumed_stage_1_is_the_uninterrupted_one_bit_by_bit() {
    for (name, method, accumulate) in [
        ("beta", Method::BetaVae, 1),
        ("parts", Method::AnnealedVae, 2),
        ("factor", Method::FactorVae, 1),
        ("tc", Method::BetaTcVae, 1),
        ("dip", Method::DipVaeII, 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let config = TrainConfig { accumulate, ..vae_config(method) };
        check_resume_is_exact(&folder.path().join(name), &config);
    }
}

#[test]
fn resumed_stage_2_is_the_uninterrupted_one_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    let vae = trained_vae(folder.path());
    let mut lazy = gan_config(GanNets::ResnetVdb, &vae);
    let gan = lazy.gan.as_mut().unwrap();
    (gan.r1_every, gan.warm_up) = (2, Some(3));
    gan.learning_rate_generator = Ramp { from: 1e-3, to: 1e-4, over: 5 };
    check_resume_is_exact(&folder.path().join("small"), &gan_config(GanNets::Small, &vae));
    check_resume_is_exact(&folder.path().join("vdb"), &lazy);
}

/// A short run of a method that ID-GAN is compared with, at the sizes of [`gan_config`].
fn compared_config(method: Method, vae: &Path) -> TrainConfig {
    let mut config = preset(Family::Gan, "dsprites-small").unwrap().with_method(method);
    let sizes = gan_config(GanNets::Small, vae);
    (config.batch, config.steps, config.seed) = (sizes.batch, sizes.steps, sizes.seed);
    (config.sample_every, config.checkpoint_every, config.log_every) = (3, 1000, 1);
    let gan = config.gan.as_mut().unwrap();
    if method.takes_a_vae() {
        gan.vae = vae.display().to_string();
    }
    config
}

#[test]
fn every_compared_method_resumes_bit_by_bit_and_opens_with_its_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let vae = trained_vae(folder.path());
    for (method, blocks, inputs) in [
        (Method::Gan, &[("s", 10)][..], &["s"][..]),
        (Method::Infogan, &[("c", 10)], &["c"]),
        (Method::Cgan, &[("c", 10)], &["c"]),
        (Method::IdganNoDistill, &[("c", 10)], &["c"]),
        (Method::IdganEndToEnd, &[("c", 10)], &["c"]),
        (Method::VaeGan, &[("c", 10)], &[]),
    ] {
        let path = folder.path().join(method.name());
        check_resume_is_exact(&path, &compared_config(method, &vae));
        let run = path.join("split");
        let model = open(&Sources { checkpoint: Some(run.clone()), ..Sources::default() }).unwrap().model;
        let description = &model.description;
        let found: Vec<_> = description.codes.iter().map(|b| (b.name.as_str(), b.dims)).collect();
        assert_eq!(found, blocks, "{}", method.name());
        assert_eq!(description.inputs(GAN), inputs, "{}", method.name());
        let pool = Pool::new("open", 1).unwrap();
        let networks = idgan::inference::open(&model, &machine().computer, &pool).unwrap();
        let draws = |chain: &str| networks.renderers.contains_key(chain);
        let there = (draws(GAN), draws(VAE), networks.encoder.is_some());
        let expected = match method {
            Method::Gan => (true, false, false),
            Method::Infogan => (true, false, true),
            Method::VaeGan => (false, true, true),
            _ => (true, true, true),
        };
        assert_eq!(there, expected, "{}", method.name());
        assert_eq!(model.stats.is_some(), method != Method::Gan, "statistics of {}", method.name());
        assert!(run.join("samples/step-00000006.png").is_file());
    }
}

#[test]
fn the_newest_checkpoint_opens_by_itself_and_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let vae = trained_vae(folder.path());
    let run = folder.path().join("gan");
    train(&mut Session::start(&run, gan_config(GanNets::Small, &vae), machine()).unwrap(), u64::MAX);
    let model = open(&Sources { checkpoint: Some(run), ..Sources::default() }).unwrap().model;
    let names: Vec<_> =
        model.description.codes.iter().map(|block| (block.name.as_str(), block.dims)).collect();
    assert_eq!(names, [("c", 10), ("s", 3)]);
    assert_eq!(model.description.inputs(GAN), ["s", "c"]);
    assert_eq!(model.description.data.as_deref(), Some("dsprites"));
    let training = &model.description.training;
    assert_eq!(training["steps"], 6);
    // What PyTorch files keep: the VAE's own record travels along.
    assert_eq!((&training["gan_iteration"], &training["vae_iteration"]), (&6.into(), &2.into()));
    let config = gan_config(GanNets::Small, &vae).gan.unwrap();
    assert_eq!(training["generator_learning_rate"], config.generator_rate(5));
    assert_eq!(training["vae_learning_rate"], vae_config(Method::BetaVae).vae.unwrap().learning_rate);
    let stats = model.stats.expect("the encoder's statistics travel with the VAE");
    assert_eq!((stats.mu.shape(), stats.kl.shape()), (&[4096, 10][..], &[10][..]));
}

#[test]
fn a_vae_starts_from_a_vae_of_its_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let first = trained_vae(folder.path());
    let config = |c_dim: usize, beta: f64| {
        let mut config = TrainConfig { steps: 1, ..vae_config(Method::BetaVae) };
        let vae = config.vae.as_mut().unwrap();
        (vae.c_dim, vae.start, vae.learning_rate) = (c_dim, first.display().to_string(), 1e-12);
        vae.beta = Ramp::constant(beta);
        config
    };
    let c_dim = vae_config(Method::BetaVae).vae.unwrap().c_dim;
    let second = folder.path().join("second");
    train(&mut Session::start(&second, config(c_dim, 0.5), machine()).unwrap(), u64::MAX);
    let model = |run: &Path| {
        let sources = Sources { checkpoint: Some(run.to_owned()), ..Sources::default() };
        open(&sources).unwrap().model
    };
    let (old, new) = (model(&first), model(&second));
    assert!(old.group(VAE).iter().all(|(name, old)| {
        old.data().iter().zip(new.group(VAE)[name].data()).all(|(old, new)| (old - new).abs() < 1e-9)
    }));
    assert_eq!(new.description.provenance["start"], old.hash.as_str());
    let refused = Session::start(&folder.path().join("third"), config(c_dim + 1, 0.5), machine());
    assert!(refused.is_err_and(|error| error.to_string().contains("--start does not fit")));
}

#[test]
fn a_run_starts_from_a_gan_of_its_size_or_of_half() {
    let folder = tempfile::tempdir().unwrap();
    let mut vae = TrainConfig { steps: 1, data: "scenes".into(), ..vae_config(Method::BetaVae) };
    vae.vae.as_mut().unwrap().channels = 3;
    let vae_run = folder.path().join("vae");
    train(&mut Session::start(&vae_run, vae, machine()).unwrap(), u64::MAX);
    let config = |size: usize, nfilter_max: usize, start: &Path| {
        let mut config = gan_config(GanNets::Resnet, &vae_run);
        (config.data, config.size, config.steps) = ("scenes".into(), size, 2);
        let gan = config.gan.as_mut().unwrap();
        (gan.channels, gan.nfilter_max, gan.start) = (3, nfilter_max, start.display().to_string());
        // so slow that weights stay what they were
        (gan.learning_rate_generator, gan.learning_rate_discriminator) =
            (Ramp::constant(1e-30), Ramp::constant(1e-30));
        config
    };
    let generator_of = |run: &Path| {
        let sources = Sources { checkpoint: Some(run.to_owned()), ..Sources::default() };
        open(&sources).unwrap().model.take_group(GENERATOR)
    };
    let small = folder.path().join("small");
    train(&mut Session::start(&small, config(64, 8, Path::new("")), machine()).unwrap(), u64::MAX);
    let start = generator_of(&small);

    let same = folder.path().join("same");
    train(&mut Session::start(&same, config(64, 8, &small), machine()).unwrap(), u64::MAX);
    // but for the rounding of the moving average
    let close = |old: f32, new: f32| (old - new).abs() < 1e-6;
    let other = generator_of(&same);
    assert!(start.iter().all(|(name, old)| {
        old.data().iter().zip(other[name].data()).all(|(&old, &new)| close(old, new))
    }));

    let refused = Session::start(&folder.path().join("other"), config(128, 8, &small), machine());
    let error = refused.err().unwrap().to_string();
    assert!(error.contains("size 64") && error.contains("gan.nfilter_max 8; here are"), "{error}");

    let large = folder.path().join("large");
    train(&mut Session::start(&large, config(128, 16, &small), machine()).unwrap(), 1);
    // the state holds all that a resumed run needs
    std::fs::remove_dir_all(&small).unwrap();
    train(&mut Session::resume(&large, None, machine()).unwrap(), u64::MAX);
    let grown = generator_of(&large);
    for name in ["fc.bias", "resnet.0.conv_0.bias", "resnet.8.conv_1.bias"] {
        let (old, new) = (start[name].data(), grown[name].data());
        assert!(old.iter().cycle().zip(new).all(|(&old, &new)| close(old, new)), "{name}");
    }
    assert_eq!(grown["resnet.0.conv_0.bias"].len(), 2 * start["resnet.0.conv_0.bias"].len());
}

#[test]
fn parts_of_a_batch_add_up_to_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, accumulate| {
        let config = TrainConfig { accumulate, steps: 1, ..vae_config(Method::BetaVae) };
        train(&mut Session::start(&folder.path().join(name), config, machine()).unwrap(), u64::MAX)
    };
    let (whole, parts) = (run("whole", 1), run("parts", 4));
    let difference = (whole.get("loss").unwrap() - parts.get("loss").unwrap()).abs();
    assert!(difference < 1e-4 * whole.get("loss").unwrap(), "{whole:?} {parts:?}");
}

#[test]
fn three_bad_steps_in_a_row_stop_the_run_and_spare_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut config = vae_config(Method::BetaVae);
    config.checkpoint_every = 2;
    train(&mut Session::start(&run, config, machine()).unwrap(), 2);
    let good = std::fs::read(run.join("checkpoint.safetensors")).unwrap();
    // a learning rate no weight survives
    let text = std::fs::read_to_string(run.join("config.toml")).unwrap();
    std::fs::write(run.join("config.toml"), text.replace("learning_rate = 0.001", "learning_rate = 1e30"))
        .unwrap();
    let mut session = Session::resume(&run, None, machine()).unwrap();
    let mut warnings = 0;
    let error = session
        .run(&Control::default(), &mut |event| {
            warnings += usize::from(matches!(event, TrainEvent::Warning(_)));
        })
        .unwrap_err();
    assert!(matches!(error, TrainError::Diverged { in_a_row: 3, .. }), "{error}");
    assert!(error.to_string().contains("step"), "{error}");
    assert_eq!(warnings, 2, "the third is the error itself");
    assert!(std::fs::read(run.join("checkpoint.safetensors")).unwrap() == good, "the checkpoint was touched");
}

#[test]
fn a_damaged_newest_state_gives_way_to_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut config = vae_config(Method::BetaVae);
    config.checkpoint_every = 2;
    train(&mut Session::start(&run, config, machine()).unwrap(), 4);
    let newest = run.join("state-00000004.safetensors");
    let bytes = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(Session::resume(&run, None, machine()).unwrap().step(), 2);
}

#[test]
fn a_state_of_other_networks_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let config = TrainConfig { steps: 1, ..vae_config(Method::BetaVae) };
    train(&mut Session::start(&run, config, machine()).unwrap(), u64::MAX);
    let path = run.join("config.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("c_dim = 10", "c_dim = 12")).unwrap();
    let error = Session::resume(&run, Some(2), machine()).err().unwrap().to_string();
    assert!(error.contains("config.toml") && error.ends_with("state-00000001.safetensors"), "{error}");
}

#[test]
fn a_run_that_goes_on_measures_its_code_anew() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let stats = || {
        let sources = Sources { checkpoint: Some(run.clone()), ..Sources::default() };
        open(&sources).unwrap().model.stats.unwrap().mu.data().to_vec()
    };
    train(&mut Session::start(&run, vae_config(Method::BetaVae), machine()).unwrap(), u64::MAX);
    let before = stats();
    train(&mut Session::resume(&run, Some(20), machine()).unwrap(), u64::MAX);
    assert_ne!(before, stats(), "other weights, other codes");
}

#[test]
fn a_run_none_of_whose_states_can_be_read_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let config = TrainConfig { checkpoint_every: 6, ..vae_config(Method::BetaVae) };
    train(&mut Session::start(&run, config.clone(), machine()).unwrap(), u64::MAX);
    let states = || {
        let paths = std::fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().path());
        let is_state =
            |path: &std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("state-");
        paths.filter(is_state).collect::<Vec<_>>()
    };
    for path in states() {
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    }
    let checkpoint = std::fs::read(run.join("checkpoint.safetensors")).unwrap();
    let saved = std::fs::read(run.join("config.toml")).unwrap();
    let error = Session::resume(&run, Some(20), machine()).err().unwrap();
    assert!(matches!(error, TrainError::NoState { .. }), "{error}");
    assert_eq!(std::fs::read(run.join("checkpoint.safetensors")).unwrap(), checkpoint);
    assert_eq!(std::fs::read(run.join("config.toml")).unwrap(), saved);
    std::fs::remove_file(run.join("config.toml")).unwrap();
    let refused = Session::start(&run, config, machine()).err().unwrap();
    assert!(matches!(refused, TrainError::Occupied { .. }), "{refused}");
}

#[test]
fn damaged_states_take_no_place_from_new_ones() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let config = TrainConfig { checkpoint_every: 2, keep_last: 1, ..vae_config(Method::BetaVae) };
    train(&mut Session::start(&run, config, machine()).unwrap(), 4);
    std::fs::write(run.join("state-00000900.safetensors"), b"damaged").unwrap();
    train(&mut Session::resume(&run, None, machine()).unwrap(), 6);
    assert!(run.join("state-00000006.safetensors").is_file(), "the newest state is the one just written");
    assert_eq!(Session::resume(&run, None, machine()).unwrap().step(), 6);
}
