//! What keeps the reader's kernels orthogonal.

use candle_core::Result;

use crate::base::Arrays;
use crate::nets::Weights;
use crate::objectives::squared_cosines;
use crate::training::steps::LearntGroup;
use crate::training::{Gradients, Ledger, Rule};

use super::config::OoganTraining;

/// The kernels of each feature map, `(k, 1, 4, 4)`.
const KERNELS: &str = "pred_c.1.main.2.conv.weight";
/// What its last maps are multiplied by, `(1, k, 4, 4)`.
pub(super) const PRODUCT: &str = "pred_c.1.trans.weight";
/// The last convolution of an InfoGAN's reader, `(k, k, 4, 4)`; its direction is all that spectral normalisation leaves it.
const LAST: &str = "pred_c.2.weight_orig";
/// Numbers in a row of either.
const PLACES: usize = 16;

/// Adam's betas of all of OOGAN's optimisers.
pub(super) const BETAS: [f64; 2] = [0.5, 0.99];

/// The two weights, as matrices of `k` rows each with an optimiser of its own.
pub(super) struct Orthogonal {
    kept: [Kept; 2],
}

struct Kept {
    weight: &'static str,
    /// The name of the optimiser in a saved state.
    optimiser: &'static str,
    /// The name of the mean of squared cosines in the log.
    told: &'static str,
    group: LearntGroup,
}

impl Orthogonal {
    /// Of the weights of a reader.
    pub(super) fn new(values: &OoganTraining, reader: &Weights) -> Result<Self> {
        let kept = |weight: &'static str, optimiser, told, rate| -> Result<Kept> {
            let rule = Rule::adam(rate, BETAS[0], BETAS[1]);
            let group = LearntGroup::over(reader.only(|name| name == weight), rule)?;
            Ok(Kept { weight, optimiser, told, group })
        };
        Ok(Self {
            kept: [
                kept(KERNELS, "kernels", "cosine_kernels", values.learning_rate_kernels)?,
                kept(PRODUCT, "product", "cosine_product", values.learning_rate_product)?,
            ],
        })
    }

    /// One step of both towards orthogonal rows, as before each time that training runs the discriminator; tells how far they
    /// were to `ledger`, times `share`. Returns the gradients, which discriminator and reader are moved by once more.
    pub(super) fn step(&mut self, share: f64, ledger: &mut Ledger) -> Result<Gradients> {
        let mut all = Gradients::default();
        for Kept { weight, told, group, .. } in &mut self.kept {
            let matrix = group.weights.get(weight)?;
            let rows = matrix.elem_count() / PLACES;
            let cosines = squared_cosines(&matrix.reshape((rows, PLACES))?)?;
            ledger.add(told, &cosines, share)?;
            let gradients = group.backward(&cosines)?;
            group.step(&gradients)?;
            all.add(gradients)?;
        }
        Ok(all)
    }

    pub(super) fn save(&self, state: &mut Arrays) -> Result<()> {
        self.kept.iter().try_for_each(|kept| kept.group.save_optimiser(kept.optimiser, state))
    }

    pub(super) fn restore(&mut self, state: &Arrays) -> Result<()> {
        self.kept.iter_mut().try_for_each(|kept| kept.group.restore_optimiser(kept.optimiser, state))
    }
}

/// Tells how alike the rows are of a reader that nothing keeps orthogonal.
pub(super) fn cosines(reader: &Weights, ledger: &mut Ledger) -> Result<()> {
    for (weight, told) in [(KERNELS, "cosine_kernels"), (PRODUCT, "cosine_product"), (LAST, "cosine_last")] {
        let Some(weight) = reader.find(weight) else { continue };
        let rows = weight.dims().iter().copied().find(|&length| length > 1).unwrap_or(1);
        let matrix = weight.detach().reshape((rows, weight.elem_count() / rows))?;
        ledger.add(told, &squared_cosines(&matrix)?, 1.0)?;
    }
    Ok(())
}
