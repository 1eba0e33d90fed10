//! What makes a code of noise.

use std::fmt;

use candle_core::{Device, Result, Tensor, bail};

use crate::base::Pool;
use crate::model::Model;

use super::RenderError;
use super::tensors::Interpreter;

/// IB-GAN's e: from noise to mean and log variance of the code that is drawn of it. A few small layers, which the processor
/// runs wherever pictures are drawn.
pub struct Emitter {
    net: Interpreter,
    noise_dim: usize,
    pool: Pool,
}

/// Makes what [`ModelDescription::emission`](crate::model::ModelDescription::emission) finds ready on `pool`'s threads;
/// `None` where the model has nothing of the kind.
///
/// # Errors
/// When the network is of an unknown kind, or its weights do not fit.
pub fn open_emitter(model: &Model, pool: &Pool) -> std::result::Result<Option<Emitter>, RenderError> {
    let Some(emission) = model.description.emission() else { return Ok(None) };
    let network = emission.network;
    let graph = network.architecture.graph().ok_or_else(|| {
        let kind = network.architecture.kind();
        RenderError::Chain(format!(
            "this idgan knows no network of the kind {kind} that makes codes of noise; update idgan"
        ))
    })?;
    let net = Interpreter::new(&graph, model.group(&network.weights), &Device::Cpu)?;
    Ok(Some(Emitter { net, noise_dim: emission.noise.dims, pool: pool.clone() }))
}

impl Emitter {
    /// Means and log variances `(N, dims)` of the codes that the rows of `noise` `(N, noise_dim)` make.
    ///
    /// # Errors
    /// When `noise` has no whole rows.
    pub fn emit(&self, noise: &[f32]) -> std::result::Result<(Vec<f32>, Vec<f32>), RenderError> {
        let rows = noise.len() / self.noise_dim.max(1);
        if rows * self.noise_dim != noise.len() {
            let (expected, actual) = (rows * self.noise_dim, noise.len());
            return Err(RenderError::Length { what: "noise", expected, actual });
        }
        let forward = || -> Result<(Vec<f32>, Vec<f32>)> {
            let noise = Tensor::from_slice(noise, (rows, self.noise_dim), &Device::Cpu)?;
            let Some(both) = self.net.run(&[noise])?.pop() else { bail!("the network gives no code") };
            let dims = both.dim(1)? / 2;
            let half = |start| both.narrow(1, start, dims)?.flatten_all()?.to_vec1();
            Ok((half(0)?, half(dims)?))
        };
        Ok(self.pool.run(forward)?)
    }
}

impl fmt::Debug for Emitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitter").field("noise_dim", &self.noise_dim).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Cancel, Stream};
    use crate::inference::{Computer, open_chain};
    use crate::model::{ChainId, GENERATOR, ModelDescription};
    use crate::nets::{IbGanConfig, IbGanForm, Parameters};

    #[test]
    fn its_mean_draws_what_the_chain_from_the_noise_draws() {
        let config = IbGanConfig {
            form: IbGanForm::Sprites,
            channels: 1,
            z_dim: 3,
            r_dim: 2,
            generator_width: 2,
            discriminator_width: 2,
        };
        let weights = vec![config.emitter_graph(), config.generator_graph()]
            .initialise_uniform(&mut Stream::new(4, "weights"));
        let model = Model::new(ModelDescription::ibgan("IB-GAN", config)).with_weights(GENERATOR, weights);
        let pool = Pool::new("test", 1).expect("starts");
        let emitter = open_emitter(&model, &pool).expect("fits").expect("is there");
        let z = [0.5, -1.0, 2.0];
        let (mean, logvar) = emitter.emit(&z).expect("emits");
        assert_eq!((mean.len(), logvar.len()), (2, 2));
        let (means, logvars) = emitter.emit(&[[1.0; 3], z].concat()).expect("emits two");
        let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(close(&means[2..], &mean) && close(&logvars[2..], &logvar), "{means:?} {mean:?}");
        let draw = |id: ChainId, code: &[f32]| {
            let chain = model.description.render_chain(id).expect("there");
            let mut renderer =
                open_chain(&model, chain, &Computer::processor(), &pool).expect("the chain runs");
            let mut picture = vec![f32::NAN; 64 * 64];
            renderer.render(code, &mut picture, &Cancel::new()).expect("draws");
            picture
        };
        assert_eq!(draw(ChainId::MAIN, &mean), draw(ChainId(1), &z));
        assert!(emitter.emit(&z[..2]).is_err());
    }

    #[test]
    fn a_model_whose_noise_goes_into_its_pictures_has_none() {
        let description = ModelDescription::empty("nothing");
        let pool = Pool::new("test", 1).expect("starts");
        assert!(open_emitter(&Model::new(description), &pool).expect("fits").is_none());
    }
}
