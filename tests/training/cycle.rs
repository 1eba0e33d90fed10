//! CycleIAE: its step is PyTorch's, its runs resume to the bit, and what they leave makes pictures of pictures.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use idgan::base::{Arrays, Cancel, Pool};
use idgan::checkpoint::{Sources, open};
use idgan::explore::{Codes, SourcePictures};
use idgan::graph::Graph;
use idgan::training::methods::cycle::{CycleTraining, graphs};
use idgan::training::methods::iae::{IaeBatch, IaeNoise, IaeTrainer, IaeWeights};
use idgan::training::{Family, Method, Ramp, Session, TrainConfig, preset};

use crate::common::machine;
use crate::common::made::normal;
use crate::methods::{check_iae, tensor, weights};
use crate::runs::check_resume_is_exact;

const SIZE: usize = 32;

fn values(l1: f64) -> CycleTraining {
    CycleTraining {
        data2: "dsprites".into(),
        channels: 3,
        channels2: 1,
        width: 4,
        blocks: 1,
        discriminator_width: 4,
        n_dim: 2,
        eps_dim: 3,
        l1,
        noise: Ramp::constant(0.0),
        learning_rate: 1e-3,
    }
}

#[test]
fn a_step_of_cycle_iae_is_pytorchs() {
    let graphs = graphs(&values(0.0), SIZE);
    let of = |prefix: &str, graph: &Graph| -> Arrays { weights(prefix, &vec![graph.clone()]) };
    let start = IaeWeights {
        encoder: of("encoder.", &graphs.encoder),
        decoder: of("decoder.", &graphs.decoder),
        pairs: of("pairs.", &graphs.pairs),
        single: of("single.", &graphs.single),
    };
    let rows = 6;
    let pictures = |name: &str, channels| {
        let pictures = tensor(&normal(name, &[rows, channels, SIZE, SIZE]));
        (pictures / 2.0).unwrap().clamp(-1f32, 1f32).unwrap()
    };
    let noise = |name: &str, channels| (tensor(&normal(name, &[rows, channels, SIZE, SIZE])) * 0.3).unwrap();
    for (name, l1) in [("cycle-iae", None), ("cycle-iae-l1", Some(10.0))] {
        let mut trainer = IaeTrainer::new(&graphs, Method::CycleIae, 1e-3, &start, &Device::Cpu).unwrap();
        if let Some(weight) = l1 {
            trainer = trainer.comparing_pixels(weight);
        }
        let batch = IaeBatch {
            pictures: pictures("pictures", 3),
            z: pictures("z", 1),
            n: tensor(&normal("n", &[rows, 2])),
            eps: tensor(&normal("eps", &[rows, 3])),
            labelled: None,
            noise: Some(IaeNoise {
                pairs: [[noise("real x", 3), noise("real z", 1)], [noise("fake x", 3), noise("fake z", 1)]],
                single: [noise("real", 1), noise("fake", 1)],
            }),
        };
        let report = trainer.step(batch, 0).unwrap();
        assert_eq!(report.not_finite, None);
        assert_eq!(report.get("pair_loss").is_some(), l1.is_none(), "{name}");
        check_iae(name, &report, &trainer);
    }
}

#[test]
fn a_way_without_noise_is_trained_without() {
    let values = CycleTraining { n_dim: 0, eps_dim: 0, ..values(0.0) };
    let graphs = graphs(&values, SIZE);
    let of = |graph: &Graph| -> Arrays { weights("any.", &vec![graph.clone()]) };
    let start = IaeWeights {
        encoder: of(&graphs.encoder),
        decoder: of(&graphs.decoder),
        pairs: of(&graphs.pairs),
        single: of(&graphs.single),
    };
    let mut trainer = IaeTrainer::new(&graphs, Method::CycleIae, 1e-3, &start, &Device::Cpu).unwrap();
    let none = || Tensor::zeros((2, 0), DType::F32, &Device::Cpu).unwrap();
    let batch = IaeBatch {
        pictures: tensor(&normal("pictures", &[2, 3, SIZE, SIZE])),
        z: tensor(&normal("z", &[2, 1, SIZE, SIZE])),
        n: none(),
        eps: none(),
        labelled: None,
        noise: None,
    };
    let report = trainer.step(batch, 0).unwrap();
    assert!(report.not_finite.is_none() && report.get("reconstruction").is_some_and(|cost| cost > 0.0));
}

fn small() -> TrainConfig {
    let mut config = preset(Family::Iae, "sprites-cycle-small").unwrap();
    (config.batch, config.steps, config.seed) = (4, 6, 7);
    (config.sample_every, config.checkpoint_every, config.log_every) = (3, 1000, 1);
    let values = config.cycle.as_mut().unwrap();
    (values.width, values.blocks, values.discriminator_width) = (2, 1, 2);
    config
}

#[test]
fn a_run_resumes_bit_by_bit_and_its_model_translates_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    check_resume_is_exact(folder.path(), &small());
    let run = folder.path().join("split");
    assert!(run.join("samples/step-00000006.png").is_file());
    let model = open(&Sources { checkpoint: Some(run), ..Sources::default() }).unwrap().model;
    assert_eq!(model.weights.keys().collect::<Vec<_>>(), ["f", "g"], "discriminators are training's alone");
    let pool = Pool::new("open", 1).unwrap();
    let mut networks = idgan::inference::open(&model, &machine().computer, &pool).unwrap();
    assert_eq!(networks.warnings, Vec::<String>::new());

    // a chain takes its picture in [0, 1] and its noise, and one after the other is the same as both
    let codes = |shape: [usize; 3], values: Vec<f32>, n: f32| {
        let mut codes = Codes::neutral(&model.description, 1);
        codes.set_pictures(SourcePictures::new(shape, values).unwrap()).unwrap();
        codes.set_row("n", 0, &[n; 10]).unwrap();
        codes
    };
    let mut drawn = |chain: &str, codes: &Codes| {
        let renderer = networks.renderers.get_mut(chain).unwrap();
        let mut pictures = vec![f32::NAN; renderer.picture_shape().iter().product()];
        let input = codes.input(&model.description, chain).unwrap();
        renderer.render(input.data(), &mut pictures, &Cancel::new()).unwrap();
        assert!(pictures.iter().all(|value| (0.0..=1.0).contains(value)));
        pictures
    };
    let coloured = vec![0.25; 3 * SIZE * SIZE];
    let grey = drawn("f", &codes([3, SIZE, SIZE], coloured.clone(), 1.0));
    let back = drawn("g", &codes([1, SIZE, SIZE], grey.clone(), 1.0));
    let other = drawn("g", &codes([1, SIZE, SIZE], grey, -1.0));
    let both = drawn("there and back", &codes([3, SIZE, SIZE], coloured, 1.0));
    assert!(back.iter().zip(&both).all(|(back, both)| (back - both).abs() < 1e-5));
    assert!(back.iter().zip(&other).any(|(back, other)| (back - other).abs() > 1e-4), "the noise matters");
}

/// What a run that cannot be says, which leaves nothing behind.
fn refused(folder: &Path, change: impl FnOnce(&mut TrainConfig)) -> String {
    let mut config = small();
    change(&mut config);
    let path = folder.join("refused");
    let error = Session::start(&path, config, machine()).err().unwrap().to_string();
    assert!(!path.exists(), "{error}");
    error
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let cycle = |change: fn(&mut CycleTraining)| {
        refused(folder.path(), |config| config.cycle.iter_mut().for_each(change))
    };
    assert!(cycle(|values| values.data2 = String::new()).contains("name the pictures of the second domain"));
    assert!(cycle(|values| values.data2 = "images:/nonexistent".into()).contains("/nonexistent"));
    assert!(cycle(|values| values.channels2 = 3).contains("set cycle.channels2"));
    assert!(cycle(|values| values.channels = 1).contains("set cycle.channels"));
    assert!(cycle(|values| values.noise = Ramp::constant(f64::NAN)).contains("cycle.noise"));
    assert!(cycle(|values| values.l1 = -1.0).contains("cycle.l1"));
    assert!(cycle(|values| values.discriminator_width = 0).contains("cycle.discriminator_width"));
    assert!(cycle(|values| values.blocks = 99).contains("the section [cycle] has sizes"));
    assert!(refused(folder.path(), |config| config.size = 20).contains("size must be at least 24"));
    assert!(refused(folder.path(), |config| config.accumulate = 2).contains("accumulate must be 1"));
    let iae = preset(Family::Iae, "sprites-small").unwrap().iae;
    assert!(refused(folder.path(), |config| config.iae = iae).contains("[iae] belongs to"));
    assert!(refused(folder.path(), |config| config.method = Method::Iae).contains("[cycle] belongs to"));
    assert!(refused(folder.path(), |config| config.cycle = None).contains("[cycle] is missing"));
}
