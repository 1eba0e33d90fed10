//! The weights that are shown and measured, of those that are trained.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};

use crate::base::{Array, Arrays, Stream};
use crate::checkpoint::with_whole_weights;
use crate::nets::{GraphNet, OoganConfig, Weights};
use crate::training::TrainError;

use super::config::OoganTraining;
use super::controls::Controls;
use super::trainer::OoganTrainer;

/// Batches of codes that statistics are averaged over.
const BATCHES: u64 = 100;

/// How the statistics of an averaged generator's batch normalisations are gathered: those that training has seen belong to
/// other weights.
pub(super) struct Gathering {
    /// The run's.
    pub(super) seed: u64,
    /// Pictures in a batch.
    pub(super) batch: usize,
}

impl Gathering {
    /// The averaged generator, with plain weights and with the means of the statistics that it has on batches of codes as
    /// training draws them. The codes are the same every time.
    pub(super) fn shown(
        &self,
        trainer: &OoganTrainer,
        values: &OoganTraining,
        networks: &OoganConfig,
        device: &Device,
    ) -> Result<Arrays, TrainError> {
        let mut arrays = whole(trainer.averaged()?)?;
        let net = GraphNet::new(&networks.generator_graph(), &Weights::frozen(&arrays, device)?)?;
        let mut sums: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        let mut stream = Stream::new(self.seed, "normalisation");
        for batch in 0..BATCHES {
            let codes = self.codes(Controls::at(batch, values.one_hot), values, &mut stream);
            let width = values.c_dim + values.z_dim;
            let pass = net.forward(&[Tensor::from_vec(codes, (self.batch, width), device)?])?;
            for seen in pass.statistics() {
                for (ending, values) in [("running_mean", &seen.mean), ("running_var", &seen.variance)] {
                    let values = values.to_vec1::<f32>()?;
                    let sum = sums
                        .entry(format!("{}.{ending}", seen.name))
                        .or_insert_with(|| vec![0.0; values.len()]);
                    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(value));
                }
            }
        }
        for (name, sum) in sums {
            let means = sum.iter().map(|sum| (sum / BATCHES as f64) as f32).collect();
            arrays.extend(Array::new([sum.len()], means).map(|array| (name, array)));
        }
        Ok(arrays)
    }

    /// c and z side by side, `(batch, c_dim + z_dim)`.
    fn codes(&self, controls: Controls, values: &OoganTraining, stream: &mut Stream) -> Vec<f32> {
        let drawn = controls.draw(self.batch, values.c_dim, stream);
        let rows = drawn.c.chunks_exact(values.c_dim);
        rows.flat_map(|c| [c.to_vec(), stream.normals(values.z_dim)].concat()).collect()
    }
}

/// Weights without what training keeps of those that are spectrally normalised.
pub(super) fn whole(arrays: Arrays) -> Result<Arrays, TrainError> {
    with_whole_weights(arrays).map_err(TrainError::Mismatch)
}
