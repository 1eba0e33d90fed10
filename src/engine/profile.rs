use crate::explore::Posterior;

/// Parts of a slider's range for which the data's share is known.
const BINS: usize = 48;

/// The share of the aggregated posterior that may lie outside a slider's range at each end.
const TAIL: f64 = 5e-4;

/// What the data says about the dimensions of a code block.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The model it belongs to.
    pub model_id: u64,
    /// Name of the block.
    pub block: String,
    /// The aggregated posterior, to draw codes from.
    pub posterior: Posterior,
    /// One entry a dimension.
    pub dims: Vec<DimensionProfile>,
}

/// What the data says about one dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct DimensionProfile {
    /// Mean KL divergence from the prior over the data, in nats.
    pub kl: f32,
    /// Whether the dimension carries information; the others have collapsed onto the prior.
    pub is_active: bool,
    /// Lowest and highest value worth showing.
    pub range: [f32; 2],
    /// Shares of the aggregated posterior over equal parts of `range`.
    pub histogram: Vec<f32>,
    /// Lowest and highest posterior mean over the data: where the data ends.
    pub data_range: [f32; 2],
}

impl Profile {
    /// Measures every dimension of `posterior`, which belongs to `block`.
    pub fn new(model_id: u64, block: &str, posterior: Posterior) -> Self {
        let dims = (0..posterior.dims()).map(|dim| DimensionProfile::new(&posterior, dim)).collect();
        Self { model_id, block: block.to_owned(), posterior, dims }
    }
}

impl DimensionProfile {
    fn new(posterior: &Posterior, dim: usize) -> Self {
        // Outwards to a tenth, so that the ends of a slider are numbers to say aloud.
        let low = (posterior.quantile(dim, TAIL) * 10.0).floor() / 10.0;
        let high = (posterior.quantile(dim, 1.0 - TAIL) * 10.0).ceil() / 10.0;
        let range = [low.min(-0.1), high.max(0.1)];
        Self {
            kl: posterior.kl(dim) as f32,
            is_active: posterior.is_active(dim),
            range: range.map(|v| v as f32),
            histogram: posterior.histogram(dim, range, BINS).into_iter().map(|v| v as f32).collect(),
            data_range: posterior.data_range(dim).map(|v| v as f32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Array, Stream};
    use crate::model::{CodeBlock, Stats};

    #[test]
    fn a_profile_covers_the_data() {
        let mut stream = Stream::new(1, "profile");
        let mut mu = Vec::new();
        for _ in 0..500 {
            mu.extend([2.0 * stream.normal(), 0.01 * stream.normal()]);
        }
        let logvar = [-3.0, 0.0].repeat(500);
        let stats = Stats {
            mu: Array::new([500, 2], mu).expect("fits"),
            logvar: Array::new([500, 2], logvar).expect("fits"),
            kl: Array::new([2], vec![3.0, 0.01]).expect("fits"),
        };
        let profile =
            Profile::new(1, "c", Posterior::new(&stats, &CodeBlock::disentangled(2)).expect("valid"));
        let [wide, collapsed] = &profile.dims[..] else { panic!("two dimensions") };
        assert!(wide.is_active && !collapsed.is_active);
        assert!(wide.range[0] < -5.0 && wide.range[1] > 5.0, "{:?}", wide.range);
        assert!(wide.range[0] <= wide.data_range[0] + 0.5);
        for dim in &profile.dims {
            let mass: f32 = dim.histogram.iter().sum();
            assert!(mass > 0.998 && mass < 1.001, "{mass}");
        }
    }
}
