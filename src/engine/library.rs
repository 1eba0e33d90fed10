use std::sync::Arc;

use crate::base::Pool;
use crate::checkpoint::{self, Model, Sources};
use crate::inference::{self, DeviceChoice, Networks};

use super::{Library, Loaded, Pools, Role, Source};

/// Models in files.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileLibrary;

impl Library for FileLibrary {
    fn open(&self, source: &Source, pools: &Pools) -> Result<Loaded, String> {
        let choice: DeviceChoice = match source.device.as_str() {
            "" => DeviceChoice::Auto,
            name => name.parse().map_err(|error: inference::DeviceError| error.to_string())?,
        };
        let device = choice.open().map_err(|error| error.to_string())?;
        let opened = checkpoint::open(&source.sources()).map_err(|error| error.to_string())?;
        let (gan, vae) = split(opened.model);
        let open = move |model: &Model, pool: &Pool| {
            inference::open(model, &device, pool)
                .map_err(|error| format!("the model cannot be made ready on {choice}: {error}"))
        };
        let Networks { generator, .. } = open(&gan, &pools.generator)?;
        let Networks { decoder, .. } = open(&vae, &pools.decoder)?;
        let Networks { encoder, .. } = open(&vae, &pools.encoder)?;
        let mut description = gan.description.clone();
        description.vae.clone_from(&vae.description.vae);
        let hash = gan.hash.clone();
        let stats = gan.stats.clone();
        let pools = pools.clone();
        let weights = Arc::new((gan, vae));
        let rebuild = move |role| match role {
            Role::Generator => open(&weights.0, &pools.generator).map(|networks| networks.generator),
            Role::Decoder => open(&weights.1, &pools.decoder).map(|networks| networks.decoder),
        };
        Ok(Loaded {
            description,
            stats,
            hash,
            warnings: opened.warnings,
            generator,
            decoder,
            encoder,
            rebuild: Box::new(rebuild),
        })
    }
}

/// Splits a model into the part with the generator and the part with the VAE, so that each is made ready on
/// threads of its own. The discriminator, which the explorer has no use for, goes.
fn split(mut model: Model) -> (Model, Model) {
    model.discriminator = Default::default();
    let mut vae = Model {
        description: model.description.clone(),
        vae: std::mem::take(&mut model.vae),
        generator: Default::default(),
        discriminator: Default::default(),
        stats: None,
        hash: String::new(),
    };
    vae.description.generator = None;
    model.description.vae = None;
    (model, vae)
}

impl Source {
    fn sources(&self) -> Sources {
        Sources {
            checkpoint: self.model.clone(),
            vae: self.vae.clone(),
            gan: self.gan.clone(),
            c_dim: self.c_dim,
        }
    }
}
