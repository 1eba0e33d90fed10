//! What a configuration must be like to be trained.

use super::ConfigError;
use super::config::{
    Family, GanNets, GanTraining, Method, Ramp, TrainConfig, VaeTraining, Whole, is_rate, is_schedule,
    is_weight, require,
};
use crate::nets::VaeConfig;

/// Picture sizes that a residual GAN is trained at.
const GAN_SIZES: [usize; 5] = [64, 128, 256, 512, 1024];

impl TrainConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// A sentence naming the value and what would be accepted.
    pub fn validate(&self) -> Result<(), ConfigError> {
        require(self.steps > 0, "steps must be at least 1")?;
        require(self.batch > 0, "batch must be at least 1")?;
        require(
            self.accumulate > 0 && self.batch.is_multiple_of(self.accumulate),
            "accumulate must be at least 1 and divide batch",
        )?;
        require(self.checkpoint_every > 0, "checkpoint_every must be at least 1")?;
        require(is_weight(self.checkpoint_minutes), "checkpoint_minutes must be 0 or more")?;
        require(
            self.picture.is_empty() || self.data.starts_with("scream-dsprites"),
            "--picture (picture) is what scream-dsprites stand on; other data takes none",
        )?;
        require(self.log_every > 0, "log_every must be at least 1")?;
        require(self.keep_last > 0, "keep_last must be at least 1")?;
        let missing = |section: &str| ConfigError(format!("the section [{section}] is missing"));
        let family = self.method.family();
        require(
            self.ibgan.is_none() || family == Family::Ibgan,
            "the section [ibgan] belongs to IB-GAN and its baselines alone",
        )?;
        require(
            self.oogan.is_none() || family == Family::Oogan,
            "the section [oogan] belongs to OOGAN and its baseline alone",
        )?;
        require(
            self.iae.is_none() || self.method.section() == "iae",
            "the section [iae] belongs to the methods iae and fiae alone",
        )?;
        require(
            self.cycle.is_none() || self.method.section() == "cycle",
            "the section [cycle] belongs to the method cycle-iae alone",
        )?;
        if !matches!(family, Family::Vae | Family::Gan) {
            require(
                self.vae.is_none() && self.gan.is_none(),
                "the sections [vae] and [gan] belong to the methods of `idgan train vae` and `idgan train gan`",
            )?;
            let Self { method, size, batch, accumulate, .. } = *self;
            let section = self.section().ok_or_else(|| missing(self.method.section()))?;
            return section.check(Whole { method, size, batch, accumulate });
        }
        let trains_vae = self.method.is_stage_1() || self.method.is_joint();
        if trains_vae {
            self.vae.as_ref().ok_or_else(|| missing("vae"))?.validate()?;
        } else {
            require(self.vae.is_none(), "the section [vae] does not belong to a method that trains no VAE")?;
        }
        if self.method.is_stage_1() {
            require(self.gan.is_none(), "the section [gan] does not belong to a VAE method")?;
            let size = VaeConfig::SIZE;
            require(
                !self.method.compares_batch() || (self.accumulate == 1 && self.batch > 1),
                &format!(
                    "{} compares the pictures of a batch, so accumulate must be 1 and batch at least 2",
                    self.method.name()
                ),
            )?;
            return require(
                self.size == size,
                &format!("the VAE is trained at size {size}; only the GAN takes other sizes"),
            );
        }
        let gan = self.gan.as_ref().ok_or_else(|| missing("gan"))?;
        require(GAN_SIZES.contains(&self.size), "size must be 64, 128, 256, 512 or 1024")?;
        let small = VaeConfig::SIZE;
        require(
            gan.nets != GanNets::Small || self.size == small,
            &format!("the small networks are {small}x{small}; use gan.nets = \"resnet\" for larger pictures"),
        )?;
        gan.validate()?;
        self.validate_method(gan)
    }

    /// Checks the values that one method takes and another does not.
    fn validate_method(&self, gan: &GanTraining) -> Result<(), ConfigError> {
        let method = self.method.name();
        let require = |holds: bool, message: &str| {
            if holds { Ok(()) } else { Err(ConfigError(format!("{method}: {message}"))) }
        };
        require(
            self.method.takes_a_vae() || gan.vae.is_empty(),
            "this method takes no trained VAE; leave out --vae (gan.vae)",
        )?;
        require(
            self.method.may_start_from_another() || self.start().is_none(),
            "a part of it would start at random beside a trained one; leave out --start (gan.start, vae.start)",
        )?;
        match self.method {
            Method::Infogan => require(
                gan.c_dim.is_some_and(|dims| (1..=1024).contains(&dims)),
                "gan.c_dim, the dimensions of its code, must lie in 1..=1024",
            ),
            _ => require(gan.c_dim.is_none(), "gan.c_dim is infogan's alone; here c is the VAE's"),
        }?;
        match self.method {
            Method::Gan => {
                require(gan.s_dim > 0, "gan.s_dim must be at least 1, since s is its whole input")?;
            }
            Method::VaeGan => {
                let size = VaeConfig::SIZE;
                require(self.size == size, &format!("size must be {size}, the decoder's"))?;
                require(gan.s_dim == 0, "gan.s_dim must be 0, since the decoder takes c alone")?;
                require(gan.nets != GanNets::ResnetVdb, "gan.nets must be \"small\" or \"resnet\"")?;
            }
            _ => {}
        }
        require(
            !matches!(self.method, Method::Gan | Method::Cgan | Method::IdganNoDistill | Method::VaeGan)
                || gan.w_info == 0.0,
            "gan.w_info must be 0, since this method does not distil",
        )?;
        match (self.method, gan.w_adv) {
            (Method::VaeGan, Some(weight)) => require(is_weight(weight), "gan.w_adv must be 0 or more"),
            (Method::VaeGan, None) => require(false, "gan.w_adv, the adversarial loss's weight, is missing"),
            (_, weight) => require(weight.is_none(), "gan.w_adv is vae-gan's alone"),
        }?;
        let channels = self.vae.as_ref().map_or(gan.channels, |vae| vae.channels);
        require(channels == gan.channels, "vae.channels and gan.channels must be the same")
    }
}

impl VaeTraining {
    fn validate(&self) -> Result<(), ConfigError> {
        require((1..=1024).contains(&self.c_dim), "vae.c_dim must lie in 1..=1024")?;
        require(matches!(self.channels, 1 | 3), "vae.channels must be 1 or 3")?;
        require(is_rate(self.learning_rate), "vae.learning_rate must be a positive number")?;
        require(is_schedule(self.beta), "vae.beta must be a number of 0 or more, from first to last")?;
        require(
            is_schedule(self.capacity),
            "vae.capacity must be a number of 0 or more, from first to last",
        )?;
        require(
            is_weight(self.gamma) && is_weight(self.capacity_weight),
            "vae.gamma and vae.capacity_weight must be numbers of 0 or more",
        )?;
        require(
            is_weight(self.lambda_od) && is_weight(self.lambda_d_factor),
            "vae.lambda_od and vae.lambda_d_factor must be numbers of 0 or more",
        )
    }
}

impl GanTraining {
    fn validate(&self) -> Result<(), ConfigError> {
        require(matches!(self.channels, 1 | 3), "gan.channels must be 1 or 3")?;
        require(self.s_dim <= 4096, "gan.s_dim must be at most 4096")?;
        require(
            (1..=4096).contains(&self.nfilter) && (1..=4096).contains(&self.nfilter_max),
            "gan.nfilter and gan.nfilter_max must lie in 1..=4096",
        )?;
        let are_rates = |ramp: Ramp| is_rate(ramp.from) && (is_rate(ramp.to) || ramp.to == 0.0);
        require(
            are_rates(self.learning_rate_generator) && are_rates(self.learning_rate_discriminator),
            "gan.learning_rate_generator and gan.learning_rate_discriminator must be positive, and may fall to 0",
        )?;
        require(self.r1_every > 0, "gan.r1_every must be at least 1")?;
        require((0.0..1.0).contains(&self.ema_decay), "gan.ema_decay must lie in 0..1")?;
        require(
            is_weight(self.reg_param) && is_weight(self.w_info),
            "gan.reg_param and gan.w_info must be numbers of 0 or more",
        )
    }
}
