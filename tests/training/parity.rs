//! Losses, gradients, R1 and optimiser steps of both stages against PyTorch, through the training code: of small networks
//! whose numbers travel with the project, and of the published ones where theirs lie beside the checkout.

use crate::common::made::{Brief, made, normal, weights};
use crate::common::{
    assert_relative, group, largest_difference, number, official, parity, read_arrays, tensor,
};
use candle_core::{Device, Tensor};
use idgan::base::{Array, Arrays, Stream};
use idgan::model::VAE;
use idgan::nets::{Discriminator, DiscriminatorConfig, GeneratorConfig, ResnetTrunk, VaeConfig, Weights};
use idgan::objectives::{Likelihood, MinibatchSampling, gradient_penalty};
use idgan::training::methods::gan::{FrozenEncoder, GanBatch, GanTrainer, GanWeights};
use idgan::training::methods::vae::{VaeBatch, VaeTrainer};
use idgan::training::{
    Downsample, GanNets, GanTraining, Gradients, Initialisation, Method, Optimiser, Ramp, Rule, VaeTraining,
};

const LEARNING_RATE: f64 = 1e-4;
/// Pictures in a step of the small networks.
const BATCH: usize = 2;

fn f64s(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// Gradients agree within 1e-3 of the tensor's largest entry, be they recorded whole or in brief.
fn assert_gradients(ours: &Gradients, theirs: &Arrays, what: &str) {
    assert!(!theirs.is_empty(), "{what}: the reference has no gradients");
    for (name, expected) in theirs {
        let gradient = ours.get(name).unwrap_or_else(|| panic!("{what}: {name} has no gradient"));
        let is_whole = gradient.dims() == expected.shape();
        let gradient: Vec<f32> = gradient.flatten_all().unwrap().to_vec1().unwrap();
        if is_whole {
            let largest = expected.data().iter().fold(0f32, |m, v| m.max(v.abs()));
            let error = largest_difference(&gradient, expected.data()) / largest.max(1e-12);
            assert!(error <= 1e-3, "{what}: {name} is off by {error:.2e} of its largest entry {largest:.2e}");
            continue;
        }
        let (ours, theirs) = (Brief::of(&f64s(&gradient)), Brief::read(expected));
        ours.assert_sums(&theirs, 1e-3, &format!("{what}: {name}"));
        for (a, b) in ours.entries.iter().zip(&theirs.entries) {
            let error = (a - b).abs() / theirs.largest.max(1e-12);
            assert!(error <= 1e-3, "{what}: {name} is off by {error:.2e} of its largest entry");
        }
    }
}

/// 99.9 % of weights agree within 1e-4, none is off by more than 4e-3.
fn assert_weights(ours: &Weights, theirs: &Arrays, what: &str) {
    let ours = ours.to_arrays().unwrap();
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let (mut far, mut all) = (0, 0);
    for (name, expected) in theirs {
        for (a, b) in ours[name].data().iter().zip(expected.data()) {
            let error = (a - b).abs();
            assert!(error <= 4e-3, "{what}: {name} is off by {error:.2e}");
            all += 1;
            far += usize::from(error > 1e-4);
        }
    }
    assert!(far as f64 <= 0.001 * f64::from(all), "{what}: {far} of {all} weights are off by more than 1e-4");
}

/// What the steps changed is what PyTorch's changed: 99.5 % of the kept entries within a twentieth of the tensor's largest
/// change (a first step moves every weight alike, so that a gradient near 0 may flip one), the sums within a hundredth.
fn assert_changes(ours: &Weights, before: &Arrays, theirs: &Arrays, what: &str) {
    let ours = ours.to_arrays().unwrap();
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let (mut far, mut all) = (0, 0);
    for (name, expected) in theirs {
        let (after, before) = (f64s(ours[name].data()), f64s(before[name].data()));
        let changes: Vec<f64> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
        let (ours, theirs) = (Brief::of(&changes), Brief::read(expected));
        // an entry that flips must not decide about a small tensor's sums
        if changes.len() > 1000 {
            ours.assert_sums(&theirs, 1e-2, &format!("{what}: {name}"));
        }
        // f32 holds a weight near 1 to 6e-8
        let tolerance = 0.05 * theirs.largest + 1.2e-7;
        all += theirs.entries.len();
        far += ours.entries.iter().zip(&theirs.entries).filter(|(a, b)| (*a - *b).abs() > tolerance).count();
    }
    assert!(far as f64 <= 0.005 * all as f64, "{what}: {far} of {all} weights moved otherwise");
}

/// The weights after the steps, as the reference has them.
fn assert_after(ours: &Weights, reference: &Arrays, network: &str, what: &str) {
    let after = group(reference, &format!("after.{network}"));
    if after.is_empty() {
        let before = group(reference, &format!("before.{}", network.replace("G_ema", "G")));
        assert_changes(ours, &before, &group(reference, &format!("change.{network}")), what);
    } else {
        assert_weights(ours, &after, what);
    }
}

/// Steps of the VAE by the numbers of a reference.
fn check_vae(reference: &Arrays, config: VaeConfig, steps: u64) {
    let values = VaeTraining {
        start: String::new(),
        c_dim: config.c_dim,
        channels: config.channels,
        likelihood: Likelihood::Bernoulli,
        initialisation: Initialisation::Normal,
        learning_rate: LEARNING_RATE,
        beta: Ramp::constant(8.0),
        gamma: 0.0,
        capacity: Ramp::constant(0.0),
        capacity_weight: 0.0,
        sampling: MinibatchSampling::Weighted,
        lambda_od: 0.0,
        lambda_d_factor: 0.0,
    };
    let before = group(reference, "before.");
    let mut trainer =
        VaeTrainer::new(Method::BetaVae, values, &before, &Device::Cpu, &mut Stream::new(0, "unused"))
            .unwrap();
    for step in 0..steps {
        let name = |what: &str| format!("step{step}.{what}");
        let batch = [VaeBatch {
            pictures: tensor(reference, &name("x")),
            noise: tensor(reference, &name("eps")),
            second: None,
            log_weights: None,
        }];
        if step == 0 {
            let gradients = trainer.gradients(&batch, &mut Default::default()).unwrap();
            assert_gradients(&gradients, &group(reference, "grad."), "VAE");
        }
        let report = trainer.step(&batch, step).unwrap();
        for (ours, theirs) in [("reconstruction", "recon_loss"), ("kl", "kld")] {
            assert_relative(report.get(ours).unwrap(), number(reference, &name(theirs)), 1e-4, &name(ours));
        }
    }
    assert_after(trainer.weights(), reference, "", "VAE after its steps");
}

/// Made-up numbers under the names that a reference has for them.
fn insert<'a>(into: &mut Arrays, made: impl IntoIterator<Item = (&'a str, Array)>, prefix: &str) {
    into.extend(made.into_iter().map(|(name, array)| (format!("{prefix}{name}"), array)));
}

#[test]
fn two_steps_of_a_small_vae_are_pytorchs() {
    let Some(mut reference) = parity("vae") else { return };
    let config = VaeConfig { channels: 1, c_dim: 3 };
    for (name, array) in weights("vae.", &config, 1.0) {
        reference.insert(format!("before.{name}"), array);
    }
    for step in ["step0.", "step1."] {
        let x = made(&format!("{step}x"), &[BATCH, 1, 64, 64], 1.0, 0.5);
        let eps = normal(&format!("{step}eps"), &[BATCH, 3]);
        insert(&mut reference, [("x", x), ("eps", eps)], step);
    }
    check_vae(&reference, config, 2);
}

#[test]
fn three_steps_of_the_published_vae_are_pytorchs() {
    let Some(path) = official("dvae_dsprites_last.training.safetensors") else { return };
    check_vae(&read_arrays(&path), VaeConfig { channels: 1, c_dim: 10 }, 3);
}

/// The optimiser by itself, fed made-up gradients, against the same formula in f64.
#[test]
fn one_optimiser_step_is_exact() {
    let before = weights("vae.", &VaeConfig { channels: 1, c_dim: 3 }, 1.0);
    let slopes: Arrays =
        before.iter().map(|(name, w)| (name.clone(), made(name, w.shape(), 3.0, 0.0))).collect();
    let mut gradients = Gradients::default();
    for name in slopes.keys() {
        gradients.insert(name.clone(), tensor(&slopes, name));
    }
    for (rule, is_adam) in
        [(Rule::adam(LEARNING_RATE, 0.9, 0.999), true), (Rule::rmsprop(LEARNING_RATE), false)]
    {
        let weights = Weights::trainable(&before, &Device::Cpu).unwrap();
        Optimiser::new(rule, &weights).unwrap().step(&gradients).unwrap();
        let after = weights.to_arrays().unwrap();
        for (name, start) in &before {
            let gradient = slopes[name].data();
            for ((&w, &g), &ours) in start.data().iter().zip(gradient).zip(after[name].data()) {
                let g = f64::from(g);
                // the first step: bias correction makes Adam's means the gradient itself
                let change = match is_adam {
                    true => LEARNING_RATE * g / (g.abs() + 1e-8),
                    false => LEARNING_RATE * g / ((0.01 * g * g).sqrt() + 1e-8),
                };
                let error = (f64::from(ours) - (f64::from(w) - change)).abs();
                assert!(error < 1e-7, "{name}: {error:.2e}");
            }
        }
    }
}

/// One reference of stage 2 and what it is about.
struct Case {
    name: &'static str,
    vae: VaeConfig,
    nets: GanNets,
    size: usize,
    nfilter: usize,
    nfilter_max: usize,
    s_dim: usize,
    w_info: f64,
}

impl Case {
    fn values(&self) -> GanTraining {
        GanTraining {
            vae: String::new(),
            start: String::new(),
            s_dim: self.s_dim,
            c_dim: None,
            channels: self.vae.channels,
            nets: self.nets,
            nfilter: self.nfilter,
            nfilter_max: self.nfilter_max,
            learning_rate_generator: Ramp::constant(LEARNING_RATE),
            learning_rate_discriminator: Ramp::constant(LEARNING_RATE),
            warm_up: None,
            reg_param: 10.0,
            r1_every: 1,
            w_info: self.w_info,
            w_adv: None,
            downsample: Downsample::Area,
            ema_decay: 0.999,
            flip: false,
            dequantise: false,
        }
    }

    fn batch(&self, reference: &Arrays, step: u64) -> GanBatch {
        let get = |what: &str| tensor(reference, &format!("step{step}.{what}"));
        let bottleneck = self.nets == GanNets::ResnetVdb;
        GanBatch {
            pictures: get("x_real"),
            noise_c: get("eps_c"),
            s_discriminator: get("s_d"),
            s_generator: get("s_g"),
            noise_bottleneck: bottleneck.then(|| ["vdb_eps0", "vdb_eps1", "vdb_eps2"].map(get)),
        }
    }

    /// Checks two iterations, and R1 and the generator's gradients by themselves.
    fn check(&self, vae: &Arrays, reference: &Arrays) {
        let values = self.values();
        let generator = values.generator(self.size, self.vae.c_dim);
        let discriminator = values.discriminator(self.size);
        let weights = GanWeights {
            generator: group(reference, "before.G."),
            average: group(reference, "before.G."),
            discriminator: group(reference, "before.D."),
        };
        let encoder = FrozenEncoder::new(self.vae, vae, Downsample::Area, &Device::Cpu).unwrap();
        let mut trainer =
            GanTrainer::new(values, &generator, &discriminator, &weights, encoder, &Device::Cpu).unwrap();
        self.check_r1_alone(reference, &discriminator, &weights.discriminator);
        for step in 0..2 {
            let batch = [self.batch(reference, step)];
            let what = |name: &str| format!("{} step {step} {name}", self.name);
            if step == 0 {
                let codes = [trainer.codes(&batch[0]).unwrap()];
                let gradients =
                    trainer.discriminator_gradients(&batch, &codes, true, &mut Default::default()).unwrap();
                assert_gradients(&gradients, &group(reference, "gradD."), &what("D"));
            }
            let report = trainer.step(&batch, step).unwrap();
            for (ours, theirs) in
                [("d_loss", "d_loss"), ("r1", "reg"), ("g_loss", "g_loss"), ("info", "info_loss")]
            {
                assert_relative(
                    report.get(ours).unwrap(),
                    number(reference, &format!("step{step}.{theirs}")),
                    1e-4,
                    &what(ours),
                );
            }
            if self.nets == GanNets::ResnetVdb {
                assert_relative(
                    report.get("kl").unwrap(),
                    number(reference, &format!("step{step}.avg_kl")),
                    1e-4,
                    &what("kl"),
                );
                assert_relative(
                    trainer.bottleneck().unwrap().beta,
                    number(reference, &format!("step{step}.beta_after")),
                    1e-6,
                    &what("beta"),
                );
            }
        }
        for (network, trained) in
            [("G.", trainer.generator()), ("D.", trainer.discriminator()), ("G_ema.", trainer.average())]
        {
            assert_after(trained, reference, network, &format!("{} {network}", self.name));
        }
        self.check_generator_gradients(reference, vae, &generator, &discriminator);
    }

    /// The R1 term by itself: a second derivative.
    fn check_r1_alone(&self, reference: &Arrays, config: &DiscriminatorConfig, before: &Arrays) {
        let weights = Weights::trainable(before, &Device::Cpu).unwrap();
        let net = Discriminator::new(config, &weights).unwrap();
        let batch = self.batch(reference, 0);
        let noise = batch.noise_bottleneck.as_ref().map(|noise| &noise[0]);
        let output = net.discriminate(&batch.pictures, noise).unwrap();
        let r1 = (gradient_penalty(&net.input_gradient(&output).unwrap()).unwrap() * 10.0).unwrap();
        let what = format!("{} R1", self.name);
        assert_relative(
            f64::from(r1.to_scalar::<f32>().unwrap()),
            number(reference, "step0.r1_alone"),
            1e-4,
            &what,
        );
        let gradients = Gradients::take(&mut idgan::ops::backward(&r1).unwrap(), &weights);
        let mut theirs = group(reference, "gradR1.");
        // biases before the last mask do not move a piecewise linear network's gradient: PyTorch records zeros
        theirs.retain(|name, array| gradients.get(name).is_some() || array.data().iter().any(|&v| v != 0.0));
        assert_gradients(&gradients, &theirs, &what);
    }

    /// The generator's gradients belong to the discriminator after its own first step.
    fn check_generator_gradients(
        &self,
        reference: &Arrays,
        vae: &Arrays,
        generator: &GeneratorConfig,
        discriminator: &DiscriminatorConfig,
    ) {
        let batch = [self.batch(reference, 0)];
        let weights = GanWeights {
            generator: group(reference, "before.G."),
            average: group(reference, "before.G."),
            discriminator: group(reference, "before.D."),
        };
        let build = |weights: &GanWeights| {
            let encoder = FrozenEncoder::new(self.vae, vae, Downsample::Area, &Device::Cpu).unwrap();
            GanTrainer::new(self.values(), generator, discriminator, weights, encoder, &Device::Cpu).unwrap()
        };
        let mut stepped = build(&weights);
        stepped.step(&batch, 0).unwrap();
        let after_d = stepped.discriminator().to_arrays().unwrap();
        let trainer = build(&GanWeights { discriminator: after_d, ..weights });
        let codes = [trainer.codes(&batch[0]).unwrap()];
        let gradients = trainer.generator_gradients(&batch, &codes, &mut Default::default()).unwrap();
        assert_gradients(&gradients, &group(reference, "gradG."), &format!("{} G", self.name));
    }
}

/// A small network, whose numbers travel with the project; `gain` is that of the discriminator's weights.
fn check_small(case: &Case, gain: f64) {
    let Some(mut reference) = parity(case.name) else { return };
    let values = case.values();
    let generator = weights("G.", &values.generator(case.size, case.vae.c_dim), 1.0);
    let discriminator = values.discriminator(case.size);
    for (network, weights) in [("G.", generator), ("D.", weights("D.", &discriminator, gain))] {
        reference.extend(weights.into_iter().map(|(name, w)| (format!("before.{network}{name}"), w)));
    }
    for step in ["step0.", "step1."] {
        let noise = |name: &str, dims: &[usize]| normal(&format!("{step}{name}"), &[&[BATCH], dims].concat());
        let shape = [BATCH, case.vae.channels, case.size, case.size];
        let inputs = [
            ("x_real", made(&format!("{step}x_real"), &shape, 2.0, 0.0)),
            ("eps_c", noise("eps_c", &[case.vae.c_dim])),
            ("s_d", noise("s_d", &[case.s_dim])),
            ("s_g", noise("s_g", &[case.s_dim])),
        ];
        insert(&mut reference, inputs, step);
        if let Some([_, shape @ ..]) = discriminator.noise_shape(BATCH) {
            let names = ["vdb_eps0", "vdb_eps1", "vdb_eps2"];
            insert(&mut reference, names.map(|name| (name, noise(name, &shape))), step);
        }
    }
    case.check(&weights("vae.", &case.vae, 1.0), &reference);
}

fn small(name: &'static str, nets: GanNets, channels: usize, s_dim: usize) -> Case {
    let vae = VaeConfig { channels, c_dim: 3 };
    Case { name, vae, nets, size: 64, nfilter: 2, nfilter_max: 8, s_dim, w_info: 1e-2 }
}

#[test]
fn two_iterations_of_a_small_pair_are_pytorchs() {
    check_small(&small("small", GanNets::Small, 1, 2), 1.0);
}

#[test]
fn two_iterations_of_a_narrow_residual_pair_are_pytorchs() {
    check_small(&small("resnet", GanNets::Resnet, 3, 5), 1.4);
}

#[test]
fn two_iterations_of_a_narrow_pair_with_the_variational_bottleneck_are_pytorchs() {
    check_small(&small("resnet_vdb", GanNets::ResnetVdb, 3, 5), 1.0);
}

/// A published pair, on the encoder in the published file `vae`.
fn check_published(vae: &str, training: &str, case: &Case) {
    let (Some(vae), Some(training)) = (official(vae), official(training)) else { return };
    let sources = idgan::checkpoint::Sources { vae: Some(vae), ..Default::default() };
    case.check(idgan::checkpoint::open(&sources).unwrap().model.group(VAE), &read_arrays(&training));
}

fn faces(name: &'static str, nets: GanNets, size: usize, nfilter: usize) -> Case {
    let vae = VaeConfig { channels: 3, c_dim: 20 };
    Case { name, vae, nets, size, nfilter, nfilter_max: 32, s_dim: 256, w_info: 1e-3 }
}

#[test]
fn two_iterations_of_the_published_small_pair_are_pytorchs() {
    let case = Case {
        name: "published sprites",
        vae: VaeConfig { channels: 1, c_dim: 10 },
        nets: GanNets::Small,
        size: 64,
        nfilter: 0,
        nfilter_max: 0,
        s_dim: 0,
        w_info: 1e-4,
    };
    check_published("dvae_dsprites_last", "idgan_dsprites_model.training.safetensors", &case);
}

#[test]
fn two_iterations_of_the_published_residual_pairs_are_pytorchs() {
    let vae = "dvae_faces_last.legacy";
    let case = faces("published faces 64", GanNets::Resnet, 64, 8);
    check_published(vae, "idgan_faces64_model.legacy.training.safetensors", &case);
    let case = faces("published faces 128", GanNets::Resnet, 128, 4);
    check_published(vae, "idgan_faces128_model.training.safetensors", &case);
}

#[test]
fn two_iterations_of_the_published_pair_with_the_variational_bottleneck_are_pytorchs() {
    let case = faces("published bottleneck", GanNets::ResnetVdb, 64, 8);
    check_published("dvae_faces_vgan_last", "vgan_faces64_model.training.safetensors", &case);
}

#[test]
fn the_reference_pictures_are_of_the_size_the_trunk_says() {
    let trunk = ResnetTrunk { size: 64, nfilter: 8, nfilter_max: 32, channels: 3 };
    let config = GeneratorConfig::Resnet { z_dim: 276, trunk };
    let Some(path) = official("idgan_faces64_model.legacy.expected.safetensors") else { return };
    let pictures: Tensor = tensor(&read_arrays(&path), "image");
    assert_eq!(pictures.dims()[1..], [config.channels(), config.size(), config.size()]);
}
