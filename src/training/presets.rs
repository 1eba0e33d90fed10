use crate::objectives::{Likelihood, MinibatchSampling};

use super::config::{
    Downsample, Family, GanNets, GanTraining, Initialisation, Method, Ramp, TrainConfig, VaeTraining,
    lambda_d_factor, lambda_od,
};
use super::methods::{cycle, iae, ibgan, oogan};

/// The names of the presets of a family, the published ones first.
pub fn preset_names(family: Family) -> &'static [&'static str] {
    match family {
        Family::Vae => &[
            "dsprites",
            "color-dsprites",
            "noisy-dsprites",
            "scream-dsprites",
            "chairs",
            "cars",
            "celeba",
            "scenes",
            "dsprites-small",
            "scenes-small",
            "photos-small",
        ],
        Family::Gan => &[
            "dsprites",
            "color-dsprites",
            "noisy-dsprites",
            "scream-dsprites",
            "chairs-64",
            "cars-64",
            "celeba-64",
            "celeba-128",
            "celeba-256",
            "celeba-hq",
            "scenes-64",
            "scenes-128",
            "scenes-256",
            "dsprites-small",
            "scenes-small",
            "scenes-small-128",
            "photos-small",
        ],
        Family::Ibgan => ibgan::presets::NAMES,
        Family::Oogan => oogan::presets::NAMES,
        Family::Iae => iae::presets::NAMES,
    }
}

/// The preset called `name`, `None` when there is none.
///
/// Published presets follow the published implementation (`c_dim`, beta, widths, learning rates, iterations);
/// `*-small` ones are sized for two CPU cores and an hour; `scenes-small-128` goes on from one, see
/// [`TrainConfig::missing_start`].
pub fn preset(family: Family, name: &str) -> Option<TrainConfig> {
    let mut config = match family {
        Family::Vae => vae_preset(name)?,
        Family::Gan => gan_preset(name)?,
        Family::Ibgan => ibgan::presets::preset(name)?,
        Family::Oogan => oogan::presets::preset(name)?,
        Family::Iae => iae::presets::preset(name).or_else(|| cycle::presets::preset(name))?,
    };
    config.preset = name.to_owned();
    Some(config)
}

/// The preset of the GAN that the preset called `name` starts from, for those that were never trained from random weights.
fn preset_to_start_from(name: &str) -> Option<&'static str> {
    (name == "scenes-small-128").then_some("scenes-small")
}

impl TrainConfig {
    /// What is missing where the preset goes on from another preset's GAN and no GAN to start from is named.
    pub fn missing_start(&self) -> Option<String> {
        let small = preset_to_start_from(&self.preset)?;
        (self.method.may_start_from_another() && self.start().is_none()).then(|| {
            let half = self.size / 2;
            format!("{} grows from a GAN of {half} px, trained with the preset {small}", self.preset)
        })
    }
}

/// Enough scenes that few combinations of factors come twice, few enough to render once (0.6 GB at 64 px, 2.5 GB at
/// 128 px).
const SCENES: &str = "scenes:50000";
/// The same for 256 px (4 GB).
const LARGE_SCENES: &str = "scenes:20000";
/// Where people's own pictures lie when they do not say.
const PHOTOS: &str = "images:photos";

/// The preset of stage 1 for the data of a preset of stage 2, of which `idgan-end-to-end` and `vae-gan` train the VAE.
fn vae_preset_beside(gan: &str) -> &str {
    const SMALL: &str = "-small";
    if let Some(at) = gan.find(SMALL) {
        return &gan[..at + SMALL.len()];
    }
    let published = ["chairs", "cars", "celeba", "scenes"];
    published.iter().find(|&&data| gan.starts_with(data)).copied().unwrap_or(gan)
}

impl TrainConfig {
    /// The same preset trained by another method of its family: the same networks and data, and the values that the
    /// method needs and ID-GAN does not. Methods of another family are left for [`TrainConfig::validate`] to refuse.
    #[must_use]
    pub fn with_method(mut self, method: Method) -> Self {
        let vae = vae_preset(vae_preset_beside(&self.preset)).and_then(|beside| beside.vae);
        let c_dim = vae.as_ref().map_or(10, |vae| vae.c_dim);
        self.method = method;
        if let Some(vae) = self.vae.as_mut().filter(|_| method.is_stage_1()) {
            match method {
                Method::BetaVae => {}
                // the published one for sprites
                Method::BetaTcVae => vae.beta = Ramp::constant(6.0),
                _ => vae.beta = Ramp::constant(1.0),
            }
            vae.lambda_d_factor = if method == Method::DipVaeII { 1.0 } else { lambda_d_factor() };
        }
        self.choose_iae(method);
        let Some(gan) = &mut self.gan else { return self };
        match method {
            // as wide an input as the others have
            Method::Gan => (gan.s_dim, gan.w_info) = (gan.s_dim + c_dim, 0.0),
            Method::Infogan => (gan.c_dim, gan.w_info) = (Some(c_dim), 1.0),
            Method::Cgan | Method::IdganNoDistill => gan.w_info = 0.0,
            Method::VaeGan => (gan.s_dim, gan.w_info, gan.w_adv) = (0, 0.0, Some(1.0)),
            _ => {}
        }
        if method.is_joint() {
            self.vae = vae;
        }
        self
    }

    /// What the methods of implicit autoencoders change: CycleIAE has networks of its own.
    fn choose_iae(&mut self, method: Method) {
        let (iae, cycle) = (self.iae.take(), self.cycle.take());
        match method {
            Method::CycleIae => {
                self.cycle = cycle.or_else(|| iae.map(|iae| cycle::presets::beside(iae.channels)));
            }
            _ => self.iae = iae.or_else(|| cycle.map(|cycle| iae::presets::beside(cycle.channels))),
        }
        if let (Method::Fiae, Some(iae)) = (method, &mut self.iae) {
            // its encoder sees drawn pictures alone
            iae.labelled = 0;
        }
    }
}

fn vae_preset(name: &str) -> Option<TrainConfig> {
    use Likelihood::{Bernoulli, Gaussian};
    let make = |data: &str, channels, likelihood, c_dim, beta, learning_rate, steps| {
        let mut config = TrainConfig::new(Method::BetaVae, data, 64, steps, 64);
        config.vae = Some(VaeTraining {
            start: String::new(),
            c_dim,
            channels,
            likelihood,
            initialisation: Initialisation::Normal,
            learning_rate,
            beta,
            gamma: 35.0,
            capacity: Ramp { from: 0.0, to: 25.0, over: 100_000 },
            capacity_weight: 1000.0,
            sampling: MinibatchSampling::Weighted,
            lambda_od: lambda_od(),
            lambda_d_factor: lambda_d_factor(),
        });
        config
    };
    let published = |data, channels, likelihood, c_dim, beta, steps| {
        make(data, channels, likelihood, c_dim, Ramp::constant(beta), 1e-4, steps)
    };
    let quick = |mut config: TrainConfig| {
        let steps = config.steps;
        if let Some(vae) = &mut config.vae {
            vae.initialisation = Initialisation::Uniform;
            // all of the capacity, and a third of the steps to use it
            vae.capacity.over = steps * 2 / 3;
        }
        config
    };
    Some(match name {
        "dsprites" => published("dsprites", 1, Bernoulli, 10, 8.0, 500_000),
        "color-dsprites" | "noisy-dsprites" | "scream-dsprites" => {
            published(name, 3, Bernoulli, 10, 8.0, 500_000)
        }
        "chairs" => published("chairs:rendered_chairs", 3, Gaussian, 20, 10.0, 1_000_000),
        "cars" => published("cars:.", 3, Gaussian, 20, 5.0, 1_000_000),
        "celeba" => published("celeba:img_align_celeba", 3, Gaussian, 20, 6.4, 1_000_000),
        "scenes" => published(SCENES, 3, Gaussian, 10, 4.0, 300_000),
        // Beta falls: a high one separates x, y and scale first, a low one then sharpens them (measured).
        "dsprites-small" => {
            let beta = Ramp { from: 30.0, to: 4.0, over: 12_000 };
            quick(make("dsprites", 1, Bernoulli, 10, beta, 1e-3, 12_000))
        }
        // From 60 nothing was learnt in 760 steps. With the way pressed into 2,000 steps, from 16 to 2 gave MIG .24 at
        // step 2,000 (each hue a dimension of its own), from 5 to 1 gave .16. All 15,000 steps gave MIG .33: hues, shape and
        // azimuth.
        "scenes-small" => {
            let beta = Ramp { from: 16.0, to: 2.0, over: 12_000 };
            quick(make(SCENES, 3, Gaussian, 10, beta, 1e-3, 15_000))
        }
        // As scenes-small, with room for what photographs vary in.
        "photos-small" => {
            let beta = Ramp { from: 16.0, to: 2.0, over: 10_000 };
            quick(make(PHOTOS, 3, Gaussian, 20, beta, 1e-3, 12_000))
        }
        _ => return None,
    })
}

fn gan_preset(name: &str) -> Option<TrainConfig> {
    let photos = |data: &str, size, batch, reg_param, w_info| {
        let mut config = TrainConfig::new(Method::Idgan, data, size, 300_000, batch);
        config.gan = Some(GanTraining {
            vae: String::new(),
            start: String::new(),
            s_dim: 256,
            c_dim: None,
            channels: 3,
            nets: GanNets::Resnet,
            nfilter: 64,
            nfilter_max: 512,
            learning_rate_generator: Ramp::constant(1e-4),
            learning_rate_discriminator: Ramp::constant(1e-4),
            warm_up: None,
            reg_param,
            r1_every: 1,
            w_info,
            w_adv: None,
            downsample: Downsample::Area,
            ema_decay: 0.999,
            flip: true,
            dequantise: true,
        });
        config
    };
    let with = |mut config: TrainConfig, change: &dyn Fn(&mut GanTraining)| {
        if let Some(gan) = &mut config.gan {
            change(gan);
        }
        config
    };
    let sprites = |data: &str, channels| {
        with(photos(data, 64, 64, 10.0, 1e-4), &|gan| {
            gan.s_dim = 0;
            gan.channels = channels;
            gan.nets = GanNets::Small;
            gan.learning_rate_generator = Ramp::constant(1e-3);
            (gan.flip, gan.dequantise) = (false, false);
        })
    };
    let scenes = |size, batch, nfilter, nfilter_max| {
        with(photos(if size > 128 { LARGE_SCENES } else { SCENES }, size, batch, 10.0, 1e-3), &|gan| {
            gan.s_dim = 64;
            (gan.nfilter, gan.nfilter_max) = (nfilter, nfilter_max);
            (gan.flip, gan.dequantise) = (false, false);
        })
    };
    Some(match name {
        "dsprites" => sprites("dsprites", 1),
        "color-dsprites" | "noisy-dsprites" | "scream-dsprites" => sprites(name, 3),
        "chairs-64" => photos("chairs:rendered_chairs", 64, 64, 1000.0, 1e-4),
        "cars-64" => photos("cars:.", 64, 64, 10.0, 1e-3),
        "celeba-64" => photos("celeba:img_align_celeba", 64, 64, 10.0, 1e-3),
        "celeba-128" => photos("celeba:img_align_celeba", 128, 32, 10.0, 1e-3),
        "celeba-256" => photos("celeba:img_align_celeba", 256, 24, 10.0, 1e-3),
        "celeba-hq" => with(photos("celeba-hq:celeba-hq", 1024, 1, 10.0, 1e-4), &|gan| {
            gan.nets = GanNets::ResnetVdb;
            gan.nfilter = 16;
        }),
        "scenes-64" => scenes(64, 32, 32, 256),
        "scenes-128" => scenes(128, 16, 16, 128),
        "scenes-256" => scenes(256, 8, 16, 128),
        "dsprites-small" => {
            let mut config = with(sprites("dsprites", 1), &|gan| gan.w_info = 1e-2);
            config.steps = 8_000;
            config
        }
        // With the published learning rate 1e-4 and R1's weight of 10, pictures of 128 px were mosaics of 8x8 colours
        // after 4,000 steps: the discriminator was held too tightly to teach details in so few.
        "scenes-small" => {
            let mut config = with(scenes(64, 16, 16, 128), &|gan| {
                (gan.w_info, gan.reg_param, gan.r1_every) = (1e-2, 0.5, 2);
                (gan.learning_rate_generator, gan.learning_rate_discriminator) =
                    (Ramp::constant(5e-4), Ramp::constant(5e-4));
            });
            config.steps = 30_000;
            config
        }
        // grows from scenes-small (--start)
        "scenes-small-128" => {
            let mut config = with(scenes(128, 8, 16, 256), &|gan| {
                (gan.w_info, gan.reg_param, gan.r1_every) = (1e-2, 0.5, 2);
                let falling = Ramp { from: 5e-4, to: 1e-4, over: 9_000 };
                (gan.learning_rate_generator, gan.learning_rate_discriminator) = (falling, falling);
                gan.warm_up = Some(500);
            });
            config.steps = 9_000;
            config
        }
        // As scenes-small; mirrored, and with twice its R1 and falling rates, since the discriminator of a few thousand
        // photographs soon knows them by heart.
        "photos-small" => {
            let mut config = with(photos(PHOTOS, 64, 16, 1.0, 1e-2), &|gan| {
                (gan.s_dim, gan.nfilter, gan.nfilter_max, gan.r1_every) = (64, 16, 128, 2);
                let falling = Ramp { from: 5e-4, to: 1e-4, over: 30_000 };
                (gan.learning_rate_generator, gan.learning_rate_discriminator) = (falling, falling);
            });
            config.steps = 30_000;
            config
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_preset_exists_is_valid_and_survives_toml() {
        for family in Family::ALL {
            for name in preset_names(family) {
                let config = preset(family, name).unwrap_or_else(|| panic!("{name} is missing"));
                assert_eq!(config.validate(), Ok(()), "{name}");
                assert_eq!(config.method.family(), family);
                let text = toml::to_string(&config).expect("serialises");
                assert_eq!(toml::from_str::<TrainConfig>(&text).ok().as_ref(), Some(&config), "{text}");
            }
            assert!(preset(family, "nonsense").is_none());
        }
    }

    #[test]
    fn every_preset_can_be_trained_by_every_method_of_its_stage() {
        for family in Family::ALL {
            let methods = family.methods();
            for (method, name) in methods.flat_map(|m| preset_names(family).iter().map(move |n| (m, n))) {
                let config = preset(family, name).expect("exists").with_method(method);
                let is_large = method == Method::VaeGan && config.size > 64;
                assert_eq!(config.validate().is_err(), is_large, "{name} by {}", method.name());
                if let Some(vae) = config.vae.as_ref().filter(|_| name.contains("small")) {
                    assert_eq!(
                        vae.initialisation,
                        Initialisation::Uniform,
                        "{name}: the small preset of stage 1"
                    );
                }
                let text = toml::to_string(&config).expect("serialises");
                assert!(text.contains(&format!("method = \"{}\"", method.name())), "{text}");
                assert_eq!(toml::from_str::<TrainConfig>(&text).ok(), Some(config), "{text}");
            }
        }
    }

    #[test]
    fn methods_refuse_what_belongs_to_others() {
        let base = |method| preset(Family::Gan, "dsprites").expect("exists").with_method(method);
        let refused = |method: Method, change: &dyn Fn(&mut GanTraining)| {
            let mut config = base(method);
            config.gan.as_mut().map(change).expect("a GAN");
            config.validate().expect_err("refused").0
        };
        assert!(refused(Method::Infogan, &|gan| gan.vae = "runs/vae".into()).contains("leave out --vae"));
        assert!(refused(Method::Infogan, &|gan| gan.c_dim = None).contains("gan.c_dim"));
        assert!(refused(Method::Idgan, &|gan| gan.c_dim = Some(10)).contains("infogan's alone"));
        assert!(refused(Method::IdganNoDistill, &|gan| gan.w_info = 0.1).contains("does not distil"));
        assert!(refused(Method::VaeGan, &|gan| gan.s_dim = 4).contains("c alone"));
        assert!(refused(Method::Gan, &|gan| gan.s_dim = 0).contains("whole input"));
        assert_eq!(base(Method::Gan).gan.map(|gan| gan.s_dim), Some(10), "as wide as c");
        let other_stage = TrainConfig { method: Method::BetaVae, ..base(Method::Idgan) };
        assert!(other_stage.validate().is_err());
    }

    #[test]
    fn weights_are_numbers_of_0_or_more() {
        let refused = |change: &dyn Fn(&mut VaeTraining)| {
            let mut config = preset(Family::Vae, "dsprites-small").expect("exists");
            config.vae.as_mut().map(change).expect("a VAE");
            config.validate().is_err()
        };
        for wrong in [f64::NAN, f64::INFINITY, -1.0] {
            assert!(refused(&|vae| vae.beta = Ramp::constant(wrong)), "{wrong}");
            assert!(refused(&|vae| vae.beta = Ramp { from: wrong, ..vae.beta }), "{wrong}");
            assert!(refused(&|vae| vae.capacity.to = wrong) && refused(&|vae| vae.gamma = wrong), "{wrong}");
            let config = preset(Family::Vae, "dsprites-small").expect("exists");
            assert!(TrainConfig { checkpoint_minutes: wrong, ..config }.validate().is_err(), "{wrong}");
        }
        assert!(!refused(&|vae| vae.beta = Ramp::constant(0.0)));
    }

    #[test]
    fn only_methods_that_may_start_from_another_model_miss_one() {
        let grown = |method| preset(Family::Gan, "scenes-small-128").expect("exists").with_method(method);
        assert!(grown(Method::Idgan).missing_start().is_some_and(|text| text.contains("scenes-small")));
        assert_eq!(grown(Method::Infogan).missing_start(), None);
        let annealed =
            preset(Family::Vae, "dsprites-small").expect("exists").with_method(Method::AnnealedVae);
        let vae = annealed.vae.expect("a VAE");
        assert_eq!((vae.capacity.at(annealed.steps), vae.beta.at(0)), (25.0, 1.0));
    }

    #[test]
    fn published_values_are_the_published_ones() {
        let vae = preset(Family::Vae, "celeba").and_then(|c| c.vae).expect("exists");
        assert_eq!((vae.c_dim, vae.beta.at(0), vae.learning_rate), (20, 6.4, 1e-4));
        let config = preset(Family::Gan, "chairs-64").expect("exists");
        let gan = config.gan.expect("a GAN");
        assert_eq!((config.batch, gan.reg_param, gan.w_info, gan.s_dim), (64, 1000.0, 1e-4, 256));
        let hq = preset(Family::Gan, "celeba-hq").and_then(|c| c.gan).expect("exists");
        assert_eq!((hq.nets, hq.nfilter, hq.nfilter_max), (GanNets::ResnetVdb, 16, 512));
        let sprites = preset(Family::Gan, "dsprites").and_then(|c| c.gan).expect("exists");
        assert_eq!([sprites.generator_rate(0), sprites.discriminator_rate(0)], [1e-3, 1e-4]);
    }
}
