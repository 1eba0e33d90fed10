//! Runs of the methods of other papers, at a tiny size: resuming is exact, and what they leave opens.

use idgan::base::Pool;
use idgan::checkpoint::{Sources, open};
use idgan::model::{CodeKind, GAN, GENERATOR};
use idgan::nets::OoganKind;
use idgan::training::{Family, Method, Session, preset};

use crate::common::machine;
use crate::runs::check_resume_is_exact;

#[test]
fn ib_gan_and_its_baselines_resume_bit_by_bit_and_open_with_their_codes() {
    let folder = tempfile::tempdir().unwrap();
    let mut heights = Vec::new();
    for (method, blocks, chains, encodes) in [
        (Method::IbGan, &[("r", 10), ("z", 16)][..], &[(GAN, "r"), ("from z", "z")][..], true),
        (Method::IbGanInfogan, &[("z", 16)], &[(GAN, "z")], true),
        (Method::IbGanGan, &[("z", 16)], &[(GAN, "z")], false),
    ] {
        let mut config = preset(Family::Ibgan, "dsprites-small").unwrap().with_method(method);
        (config.batch, config.steps, config.seed) = (4, 6, 7);
        (config.sample_every, config.checkpoint_every, config.log_every) = (3, 1000, 1);
        let values = config.ibgan.as_mut().unwrap();
        (values.generator_width, values.discriminator_width) = (2, 2);
        let path = folder.path().join(method.name());
        check_resume_is_exact(&path, &config);
        let run = path.join("split");
        let model = open(&Sources { checkpoint: Some(run.clone()), ..Sources::default() }).unwrap().model;
        let found: Vec<_> = model.description.codes.iter().map(|b| (b.name.as_str(), b.dims)).collect();
        assert_eq!(found, blocks, "{}", method.name());
        let pool = Pool::new("open", 1).unwrap();
        let networks = idgan::inference::open(&model, &machine().computer, &pool).unwrap();
        assert_eq!(networks.renderers.len(), chains.len(), "{}", method.name());
        for (chain, code) in chains {
            assert_eq!(model.description.inputs(chain), [*code], "{}", method.name());
        }
        assert_eq!(
            (networks.encoder.is_some(), model.stats.is_some()),
            (encodes, encodes),
            "{}",
            method.name()
        );
        heights.push(image::open(run.join("samples/step-00000006.png")).unwrap().height());
        let lines = std::fs::read_to_string(run.join("log.jsonl")).unwrap();
        let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        let each = last["kl_per_dimension"].as_array().map_or(0, Vec::len);
        assert_eq!(each, if method == Method::IbGan { 10 } else { 0 }, "{last}");
        if method == Method::IbGan {
            let each = last["kl_per_dimension"].as_array().unwrap().iter().map(|kl| kl.as_f64().unwrap());
            let (sum, whole) = (each.sum::<f64>(), last["kl"].as_f64().unwrap());
            assert!((sum - whole).abs() < 1e-4 * whole.max(1.0), "{last}");
        }
    }
    // beside InfoGAN's rows one of pictures from z, among the samples: traversals of r would leave them as they are
    assert!((64..128).contains(&(heights[0] - heights[1])), "{heights:?}");
}

#[test]
fn oogan_and_its_baseline_resume_bit_by_bit_and_open_with_their_controls() {
    let folder = tempfile::tempdir().unwrap();
    for (method, input) in [
        (Method::Oogan, OoganKind::InfoGan),
        (Method::Oogan, OoganKind::Oogan),
        (Method::OoganInfogan, OoganKind::InfoGan),
    ] {
        let mut config = preset(Family::Oogan, "dsprites-small").unwrap().with_method(method);
        (config.batch, config.steps, config.seed) = (4, 6, 7);
        (config.sample_every, config.checkpoint_every, config.log_every) = (3, 1000, 1);
        let values = config.oogan.as_mut().unwrap();
        (values.width, values.input) = (2, input);
        let path = folder.path().join(format!("{}-{input:?}", method.name()));
        check_resume_is_exact(&path, &config);
        let run = path.join("split");
        let model = open(&Sources { checkpoint: Some(run.clone()), ..Sources::default() }).unwrap().model;
        let found: Vec<_> =
            model.description.codes.iter().map(|b| (b.name.as_str(), b.dims, b.range)).collect();
        assert_eq!(found[0], ("c", 6, [0.0, 1.0]));
        assert_eq!((found.len(), found[1].0, found[1].1), (2, "z", 10));
        let pool = Pool::new("open", 1).unwrap();
        let networks = idgan::inference::open(&model, &machine().computer, &pool).unwrap();
        assert_eq!(networks.renderers.len(), 1);
        assert_eq!(networks.encoder.map(|encoder| encoder.picture_shape()), Some([1, 32, 32]));
        assert!(model.stats.is_some());
        // what is shown has statistics of its own
        let moved = |name: &str| model.group(GENERATOR)[name].data().iter().any(|value| *value != 1.0);
        assert!(moved("blocks.0.main.2.running_var") && moved("blocks.1.main.2.running_var"));
        assert!(run.join("samples/step-00000006.png").is_file());
        let lines = std::fs::read_to_string(run.join("log.jsonl")).unwrap();
        let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        let is_oogan = method == Method::Oogan;
        for (name, is_there) in [
            ("d_loss", true),
            ("penalty", true),
            ("g_loss", true),
            ("info", true),
            ("uniform_l1", true),
            ("one_hot_l1", true),
            ("cosine_kernels", is_oogan),
            ("cosine_product", is_oogan),
            ("cosine_last", !is_oogan),
        ] {
            assert_eq!(last[name].as_f64().is_some(), is_there, "{} {name}", method.name());
        }
    }
}

#[test]
fn implicit_autoencoders_resume_bit_by_bit_and_open_with_their_codes() {
    let folder = tempfile::tempdir().unwrap();
    for (preset_name, method, kind) in [
        ("sprites-small", Method::Iae, CodeKind::Gaussian),
        ("sprites-small", Method::Fiae, CodeKind::Gaussian),
        ("sprites-clusters-small", Method::Iae, CodeKind::OneHot),
    ] {
        let mut config = preset(Family::Iae, preset_name).unwrap().with_method(method);
        (config.batch, config.steps, config.seed) = (4, 6, 7);
        (config.sample_every, config.checkpoint_every, config.log_every) = (3, 1000, 1);
        let values = config.iae.as_mut().unwrap();
        (values.width, values.units, values.eps_dim) = (2, 4, 0);
        let path = folder.path().join(format!("{preset_name}-{}", method.name()));
        check_resume_is_exact(&path, &config);
        let run = path.join("split");
        let model = open(&Sources { checkpoint: Some(run.clone()), ..Sources::default() }).unwrap().model;
        let blocks: Vec<_> = model.description.codes.iter().map(|b| (b.name.as_str(), b.dims)).collect();
        assert_eq!(blocks, [("z", 10), ("n", 10)], "{preset_name}");
        assert_eq!(model.description.codes[0].kind, kind, "{preset_name}");
        let pool = Pool::new("open", 1).unwrap();
        let networks = idgan::inference::open(&model, &machine().computer, &pool).unwrap();
        assert!(networks.renderers.contains_key("decoder"), "{preset_name}");
        assert!(networks.encoder.is_some(), "{preset_name}");
        assert!(run.join("samples/step-00000006.png").is_file());
    }
}

#[test]
fn labels_teach_a_choice_and_a_run_with_them_resumes_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = preset(Family::Iae, "mnist-labels-small").unwrap();
    config.data = format!("mnist:{}/tests/files/labelled/mnist", env!("CARGO_MANIFEST_DIR"));
    (config.batch, config.steps, config.seed) = (3, 6, 7);
    (config.sample_every, config.checkpoint_every, config.log_every) = (3, 1000, 1);
    let values = config.iae.as_mut().unwrap();
    (values.width, values.units, values.hidden, values.z_dim, values.labelled) = (2, 4, 4, 5, 5);
    check_resume_is_exact(folder.path(), &config);
    let run = folder.path().join("split");
    let model = open(&Sources { checkpoint: Some(run.clone()), ..Sources::default() }).unwrap().model;
    assert_eq!(model.description.codes[0].labels, ["0", "1", "2", "3", "4"], "the choices have names");
    let lines = std::fs::read_to_string(run.join("log.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert!(last["cross_entropy"].as_f64().is_some_and(|cost| cost > 0.0), "{last}");
    // what does not fit is refused before anything is written
    let refused = |change: &dyn Fn(&mut idgan::training::TrainConfig)| {
        let mut config = config.clone();
        change(&mut config);
        let path = folder.path().join("refused");
        let error = Session::start(&path, config, machine()).err().unwrap().to_string();
        assert!(!path.exists(), "{error}");
        error
    };
    let with_values = |labelled, z_dim| {
        refused(&|config| {
            let values = config.iae.as_mut().unwrap();
            (values.labelled, values.z_dim) = (labelled, z_dim);
        })
    };
    assert!(with_values(7, 5).contains("multiple of the 5 labels"));
    assert!(with_values(10, 5).contains("2 pictures of each label, and 0 has 1"));
    assert!(with_values(6, 6).contains("iae.z_dim is 6, not 5"));
    let error = refused(&|config| {
        (config.data, config.size) = ("dsprites".into(), 32);
    });
    assert!(error.contains("takes pictures with labels"), "{error}");
}
