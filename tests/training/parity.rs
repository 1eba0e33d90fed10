//! Losses, gradients, R1 and optimiser steps of both stages against PyTorch, through the training code.

use crate::common::{assert_relative, group, largest_difference, number, official, read_arrays, tensor};
use candle_core::{Device, Tensor};
use idgan::base::{Arrays, Stream};
use idgan::nets::{Discriminator, DiscriminatorConfig, GeneratorConfig, ResnetTrunk, VaeConfig, Weights};
use idgan::objectives::{Likelihood, gradient_penalty};
use idgan::training::stage1::{VaeBatch, VaeTrainer};
use idgan::training::stage2::{FrozenEncoder, GanBatch, GanTrainer, GanWeights};
use idgan::training::{
    Downsample, GanNets, GanTraining, Gradients, Initialisation, Method, Optimiser, Ramp, Rule, VaeTraining,
};

const LEARNING_RATE: f64 = 1e-4;

/// Gradients agree within 1e-3 of the tensor's largest entry.
fn assert_gradients(ours: &Gradients, theirs: &Arrays, what: &str) {
    assert!(!theirs.is_empty(), "{what}: the reference has no gradients");
    for (name, expected) in theirs {
        let gradient = ours.get(name).unwrap_or_else(|| panic!("{what}: {name} has no gradient"));
        let gradient: Vec<f32> = gradient.flatten_all().unwrap().to_vec1().unwrap();
        let largest = expected.data().iter().fold(0f32, |m, v| m.max(v.abs()));
        let error = largest_difference(&gradient, expected.data()) / largest.max(1e-12);
        assert!(error <= 1e-3, "{what}: {name} is off by {error:.2e} of its largest entry {largest:.2e}");
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

#[test]
fn three_vae_steps_are_pytorchs() {
    let Some(path) = official("dvae_dsprites_last.training.safetensors") else { return };
    let reference = read_arrays(&path);
    let values = VaeTraining {
        start: String::new(),
        c_dim: 10,
        channels: 1,
        likelihood: Likelihood::Bernoulli,
        initialisation: Initialisation::Normal,
        learning_rate: LEARNING_RATE,
        beta: Ramp::constant(8.0),
        gamma: 0.0,
        capacity: Ramp::constant(0.0),
        capacity_weight: 0.0,
    };
    let before = group(&reference, "before.");
    let mut trainer =
        VaeTrainer::new(Method::BetaVae, values, &before, &Device::Cpu, &mut Stream::new(0, "unused"))
            .unwrap();
    for step in 0..3 {
        let name = |what: &str| format!("step{step}.{what}");
        let batch = [VaeBatch {
            pictures: tensor(&reference, &name("x")),
            noise: tensor(&reference, &name("eps")),
            second: None,
        }];
        if step == 0 {
            let (_, gradients) = trainer.gradients(&batch, 0).unwrap();
            assert_gradients(&gradients, &group(&reference, "grad."), "VAE");
        }
        let report = trainer.step(&batch, step).unwrap();
        assert_relative(
            report.get("reconstruction").unwrap(),
            number(&reference, &name("recon_loss")),
            1e-4,
            &name("recon"),
        );
        assert_relative(report.get("kl").unwrap(), number(&reference, &name("kld")), 1e-4, &name("kl"));
    }
    assert_weights(trainer.weights(), &group(&reference, "after."), "VAE after three steps");
}

/// The optimiser by itself, fed the recorded gradients, against the same formula in f64.
#[test]
fn one_optimiser_step_on_recorded_gradients_is_exact() {
    let Some(path) = official("dvae_dsprites_last.training.safetensors") else { return };
    let reference = read_arrays(&path);
    let before = group(&reference, "before.");
    let mut gradients = Gradients::default();
    for name in before.keys() {
        gradients.insert(name.clone(), tensor(&reference, &format!("grad.{name}")));
    }
    for (rule, is_adam) in
        [(Rule::adam(LEARNING_RATE, 0.9, 0.999), true), (Rule::rmsprop(LEARNING_RATE), false)]
    {
        let weights = Weights::trainable(&before, &Device::Cpu).unwrap();
        Optimiser::new(rule, &weights).unwrap().step(&gradients).unwrap();
        let after = weights.to_arrays().unwrap();
        for (name, start) in &before {
            let gradient = reference[&format!("grad.{name}")].data();
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

/// One reference file of stage 2 and what its checkpoint is.
struct Case {
    training: &'static str,
    vae: VaeConfig,
    nets: GanNets,
    size: usize,
    nfilter: usize,
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
            nfilter_max: 32,
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

    fn check(&self, vae: &Arrays) {
        let Some(path) = official(self.training) else { return };
        let reference = read_arrays(&path);
        let values = self.values();
        let generator = values.generator(self.size, self.vae.c_dim);
        let discriminator = values.discriminator(self.size);
        let weights = GanWeights {
            generator: group(&reference, "before.G."),
            average: group(&reference, "before.G."),
            discriminator: group(&reference, "before.D."),
        };
        let encoder = FrozenEncoder::new(self.vae, vae, Downsample::Area, &Device::Cpu).unwrap();
        let mut trainer =
            GanTrainer::new(values, &generator, &discriminator, &weights, encoder, &Device::Cpu).unwrap();
        self.check_r1_alone(&reference, &discriminator, &weights.discriminator);
        for step in 0..2 {
            let batch = [self.batch(&reference, step)];
            let what = |name: &str| format!("{} step {step} {name}", self.training);
            if step == 0 {
                let codes = [trainer.codes(&batch[0]).unwrap()];
                let gradients =
                    trainer.discriminator_gradients(&batch, &codes, 0, &mut Default::default()).unwrap();
                assert_gradients(&gradients, &group(&reference, "gradD."), &what("D"));
            }
            let report = trainer.step(&batch, step).unwrap();
            for (ours, theirs) in
                [("d_loss", "d_loss"), ("r1", "reg"), ("g_loss", "g_loss"), ("info", "info_loss")]
            {
                assert_relative(
                    report.get(ours).unwrap(),
                    number(&reference, &format!("step{step}.{theirs}")),
                    1e-4,
                    &what(ours),
                );
            }
            if self.nets == GanNets::ResnetVdb {
                assert_relative(
                    report.get("kl").unwrap(),
                    number(&reference, &format!("step{step}.avg_kl")),
                    1e-4,
                    &what("kl"),
                );
                assert_relative(
                    trainer.bottleneck().unwrap().beta,
                    number(&reference, &format!("step{step}.beta_after")),
                    1e-6,
                    &what("beta"),
                );
            }
        }
        assert_weights(trainer.generator(), &group(&reference, "after.G."), &format!("{} G", self.training));
        assert_weights(
            trainer.discriminator(),
            &group(&reference, "after.D."),
            &format!("{} D", self.training),
        );
        assert_weights(
            trainer.average(),
            &group(&reference, "after.G_ema."),
            &format!("{} G_ema", self.training),
        );
        self.check_generator_gradients(&reference, vae, &generator, &discriminator);
    }

    /// The R1 term by itself: a second derivative.
    fn check_r1_alone(&self, reference: &Arrays, config: &DiscriminatorConfig, before: &Arrays) {
        let weights = Weights::trainable(before, &Device::Cpu).unwrap();
        let net = Discriminator::new(config, &weights).unwrap();
        let batch = self.batch(reference, 0);
        let noise = batch.noise_bottleneck.as_ref().map(|noise| &noise[0]);
        let verdict = net.judge(&batch.pictures, noise).unwrap();
        let r1 = (gradient_penalty(&net.input_gradient(&verdict).unwrap()).unwrap() * 10.0).unwrap();
        let what = format!("{} R1", self.training);
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
        assert_gradients(&gradients, &group(reference, "gradG."), &format!("{} G", self.training));
    }
}

/// The weights of a published VAE file.
fn vae_weights(name: &str) -> Option<Arrays> {
    let sources = idgan::checkpoint::Sources { vae: Some(official(name)?), ..Default::default() };
    Some(idgan::checkpoint::open(&sources).unwrap().model.vae)
}

fn faces(training: &'static str, nets: GanNets, size: usize, nfilter: usize) -> Case {
    let vae = VaeConfig { channels: 3, c_dim: 20 };
    Case { training, vae, nets, size, nfilter, s_dim: 256, w_info: 1e-3 }
}

#[test]
fn two_iterations_of_the_small_pair_are_pytorchs() {
    let Some(vae) = vae_weights("dvae_dsprites_last") else { return };
    let case = Case {
        training: "idgan_dsprites_model.training.safetensors",
        vae: VaeConfig { channels: 1, c_dim: 10 },
        nets: GanNets::Small,
        size: 64,
        nfilter: 0,
        s_dim: 0,
        w_info: 1e-4,
    };
    case.check(&vae);
}

#[test]
fn two_iterations_of_the_residual_pair_are_pytorchs() {
    let Some(vae) = vae_weights("dvae_faces_last.legacy") else { return };
    faces("idgan_faces64_model.legacy.training.safetensors", GanNets::Resnet, 64, 8).check(&vae);
    faces("idgan_faces128_model.training.safetensors", GanNets::Resnet, 128, 4).check(&vae);
}

#[test]
fn two_iterations_with_the_variational_bottleneck_are_pytorchs() {
    let Some(vae) = vae_weights("dvae_faces_vgan_last") else { return };
    faces("vgan_faces64_model.training.safetensors", GanNets::ResnetVdb, 64, 8).check(&vae);
}

#[test]
fn the_reference_pictures_are_of_the_size_the_trunk_says() {
    let trunk = ResnetTrunk { size: 64, nfilter: 8, nfilter_max: 32, channels: 3 };
    let config = GeneratorConfig::Resnet { z_dim: 276, trunk };
    let Some(path) = official("idgan_faces64_model.legacy.expected.safetensors") else { return };
    let pictures: Tensor = tensor(&read_arrays(&path), "image");
    assert_eq!(pictures.dims()[1..], [config.channels(), config.size(), config.size()]);
}
