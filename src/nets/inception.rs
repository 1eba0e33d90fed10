//! Inception V3 (Szegedy et al. 2016) in the variant that FID is computed with: average pools leave the padding out,
//! the pool of the last block takes the maximum, and the output is the 2048 averaged features.

use candle_core::{Device, Result, Tensor, bail};

use crate::base::{Array, Arrays};
use crate::ops::{self, Activation};

/// What batch normalisation adds to the variance.
const EPSILON: f64 = 1e-3;

/// The network without its classifier; widths follow from the weights.
#[derive(Clone, Debug)]
pub struct Inception {
    stem: [Layer; 5],
    blocks: Vec<Block>,
}

/// A convolution without bias, batch normalisation folded into it, ReLU.
#[derive(Clone, Debug)]
struct Layer {
    weight: Tensor,
    bias: Tensor,
    shape: Kernel,
}

/// How a kernel lies over its map.
#[derive(Clone, Copy, Debug)]
enum Kernel {
    /// Square.
    Square { stride: usize, padding: usize },
    /// One row or column of `taps`, padded so that the size stays: computed as a 1x1 convolution of shifted copies.
    Line { axis: usize, taps: usize },
}

/// What runs side by side on one map; the results are joined channel by channel.
#[derive(Clone, Debug)]
struct Block {
    branches: Vec<Branch>,
}

#[derive(Clone, Debug)]
struct Branch {
    pool: Option<Pool>,
    layers: Vec<Layer>,
    /// Layers that each take the last one's output, joined.
    ends: Vec<Layer>,
}

#[derive(Clone, Copy, Debug)]
enum Pool {
    /// 3x3 average that keeps the size and does not count the padding.
    Average,
    /// 3x3 maximum that keeps the size.
    Maximum,
    /// 3x3 maximum with stride 2.
    Halving,
}

/// Names, kernels and strides of one branch: layers in a row, then layers side by side.
struct BranchLayers {
    pool: Option<Pool>,
    layers: &'static [(&'static str, usize)],
    ends: &'static [&'static str],
}

const fn row(layers: &'static [(&'static str, usize)]) -> BranchLayers {
    BranchLayers { pool: None, layers, ends: &[] }
}

const fn pooled(pool: Pool, layers: &'static [(&'static str, usize)]) -> BranchLayers {
    BranchLayers { pool: Some(pool), layers, ends: &[] }
}

const A: &[BranchLayers] = &[
    row(&[("branch1x1", 1)]),
    row(&[("branch5x5_1", 1), ("branch5x5_2", 1)]),
    row(&[("branch3x3dbl_1", 1), ("branch3x3dbl_2", 1), ("branch3x3dbl_3", 1)]),
    pooled(Pool::Average, &[("branch_pool", 1)]),
];
const B: &[BranchLayers] = &[
    row(&[("branch3x3", 2)]),
    row(&[("branch3x3dbl_1", 1), ("branch3x3dbl_2", 1), ("branch3x3dbl_3", 2)]),
    pooled(Pool::Halving, &[]),
];
const C: &[BranchLayers] = &[
    row(&[("branch1x1", 1)]),
    row(&[("branch7x7_1", 1), ("branch7x7_2", 1), ("branch7x7_3", 1)]),
    row(&[
        ("branch7x7dbl_1", 1),
        ("branch7x7dbl_2", 1),
        ("branch7x7dbl_3", 1),
        ("branch7x7dbl_4", 1),
        ("branch7x7dbl_5", 1),
    ]),
    pooled(Pool::Average, &[("branch_pool", 1)]),
];
const D: &[BranchLayers] = &[
    row(&[("branch3x3_1", 1), ("branch3x3_2", 2)]),
    row(&[("branch7x7x3_1", 1), ("branch7x7x3_2", 1), ("branch7x7x3_3", 1), ("branch7x7x3_4", 2)]),
    pooled(Pool::Halving, &[]),
];
const E_AVERAGE: &[BranchLayers] = &e(Pool::Average);
const E_MAXIMUM: &[BranchLayers] = &e(Pool::Maximum);

const fn e(pool: Pool) -> [BranchLayers; 4] {
    [
        row(&[("branch1x1", 1)]),
        BranchLayers { pool: None, layers: &[("branch3x3_1", 1)], ends: &["branch3x3_2a", "branch3x3_2b"] },
        BranchLayers {
            pool: None,
            layers: &[("branch3x3dbl_1", 1), ("branch3x3dbl_2", 1)],
            ends: &["branch3x3dbl_3a", "branch3x3dbl_3b"],
        },
        pooled(pool, &[("branch_pool", 1)]),
    ]
}

const BLOCKS: [(&str, &[BranchLayers]); 11] = [
    ("Mixed_5b", A),
    ("Mixed_5c", A),
    ("Mixed_5d", A),
    ("Mixed_6a", B),
    ("Mixed_6b", C),
    ("Mixed_6c", C),
    ("Mixed_6d", C),
    ("Mixed_6e", C),
    ("Mixed_7a", D),
    ("Mixed_7b", E_AVERAGE),
    ("Mixed_7c", E_MAXIMUM),
];

impl Inception {
    /// Side of the pictures it takes, in pixels.
    pub const SIDE: usize = 299;

    /// Binds `Conv2d_1a_3x3.conv.weight`, `Conv2d_1a_3x3.bn.running_mean`, ..., `Mixed_7c.branch_pool.bn.bias`.
    ///
    /// # Errors
    /// When one is missing or has a shape that does not fit.
    pub fn new(weights: &Arrays, device: &Device) -> Result<Self> {
        let layer = |name: &str, stride, padded| Layer::new(weights, name, stride, padded, device);
        let stem = [
            layer("Conv2d_1a_3x3", 2, false)?,
            layer("Conv2d_2a_3x3", 1, false)?,
            layer("Conv2d_2b_3x3", 1, true)?,
            layer("Conv2d_3b_1x1", 1, false)?,
            layer("Conv2d_4a_3x3", 1, false)?,
        ];
        let branch = |block: &str, plan: &BranchLayers| -> Result<Branch> {
            // Whoever halves the map is not padded.
            let one =
                |&(name, stride): &(&str, usize)| layer(&format!("{block}.{name}"), stride, stride == 1);
            let end = |name: &&str| layer(&format!("{block}.{name}"), 1, true);
            Ok(Branch {
                pool: plan.pool,
                layers: plan.layers.iter().map(one).collect::<Result<_>>()?,
                ends: plan.ends.iter().map(end).collect::<Result<_>>()?,
            })
        };
        let block = |(name, plans): &(&str, &[BranchLayers])| -> Result<Block> {
            Ok(Block { branches: plans.iter().map(|plan| branch(name, plan)).collect::<Result<_>>()? })
        };
        Ok(Self { stem, blocks: BLOCKS.iter().map(block).collect::<Result<_>>()? })
    }

    /// Number of features: 2048 in the published network.
    pub fn dims(&self) -> usize {
        let width = |branch: &Branch| {
            let last = branch.layers.last().filter(|_| branch.ends.is_empty());
            branch.ends.iter().chain(last).map(|layer| layer.bias.elem_count()).sum::<usize>()
        };
        self.blocks.last().map_or(0, |block| block.branches.iter().map(width).sum())
    }

    /// Pictures `(N, 3, H, W)` in [0, 1] of any size to features `(N, dims)`. They are brought to 299x299 by bilinear
    /// samples without antialiasing and to [-1, 1], as the published computation does.
    ///
    /// # Errors
    /// When the shape does not fit or the device fails.
    pub fn features(&self, pictures: &Tensor) -> Result<Tensor> {
        self.of_prepared(&((ops::bilinear_downsample(pictures, Self::SIDE)? * 2.0)? - 1.0)?)
    }

    /// The same of pictures `(N, 3, 299, 299)` in [-1, 1] that were brought to that size in another way.
    ///
    /// # Errors
    /// When the shape does not fit or the device fails.
    pub fn of_prepared(&self, pictures: &Tensor) -> Result<Tensor> {
        let [first, second, third, fourth, fifth] = &self.stem;
        let x = third.forward(&second.forward(&first.forward(pictures)?)?)?;
        let x = fifth.forward(&fourth.forward(&Pool::Halving.forward(&x)?)?)?;
        let mut x = Pool::Halving.forward(&x)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        x.mean((2, 3))
    }
}

impl Block {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let maps = self.branches.iter().map(|branch| branch.forward(x)).collect::<Result<Vec<_>>>()?;
        Tensor::cat(&maps, 1)
    }
}

impl Branch {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = match self.pool {
            Some(pool) => pool.forward(x)?,
            None => x.clone(),
        };
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        if self.ends.is_empty() {
            return Ok(x);
        }
        let maps = self.ends.iter().map(|layer| layer.forward(&x)).collect::<Result<Vec<_>>>()?;
        Tensor::cat(&maps, 1)
    }
}

impl Layer {
    fn new(weights: &Arrays, name: &str, stride: usize, padded: bool, device: &Device) -> Result<Self> {
        let find = |part: &str| match weights.get(&format!("{name}.{part}")) {
            Some(array) => Ok(array),
            None => bail!("{name}.{part} is missing; these are not the weights of Inception V3 for FID"),
        };
        let weight = find("conv.weight")?;
        let &[outputs, inputs, height, width] = weight.shape() else {
            bail!("{name}.conv.weight has shape {:?}, not that of a convolution", weight.shape());
        };
        let statistic = |part: &str| -> Result<Vec<f64>> {
            let array = find(part)?;
            if array.shape() != [outputs] {
                bail!("{name}.{part} has shape {:?}, expected [{outputs}]", array.shape());
            }
            Ok(array.data().iter().map(|&value| f64::from(value)).collect())
        };
        let (gain, shift) = (statistic("bn.weight")?, statistic("bn.bias")?);
        let (mean, variance) = (statistic("bn.running_mean")?, statistic("bn.running_var")?);
        let scale: Vec<f64> = (0..outputs).map(|o| gain[o] / (variance[o] + EPSILON).sqrt()).collect();
        let bias: Vec<f32> = (0..outputs).map(|o| (shift[o] - mean[o] * scale[o]) as f32).collect();
        let mut folded = fold(weight, &scale);
        let kernel = match (height, width) {
            (height, width) if height == width => {
                Kernel::Square { stride, padding: if padded { height / 2 } else { 0 } }
            }
            (1, taps) | (taps, 1) if stride == 1 && padded && taps % 2 == 1 => {
                Kernel::Line { axis: if height == 1 { 3 } else { 2 }, taps }
            }
            _ => bail!("{name}.conv.weight has a kernel of {height}x{width}, which Inception V3 does not"),
        };
        let mut shape = [outputs, inputs, height, width];
        if let Kernel::Line { taps, .. } = kernel {
            folded = taps_first(&folded, inputs, taps);
            shape = [outputs, taps * inputs, 1, 1];
        }
        Ok(Self {
            weight: Tensor::from_vec(folded, &shape, device)?,
            bias: Tensor::from_vec(bias, outputs, device)?,
            shape: kernel,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let relu = Activation::After(0.0);
        match self.shape {
            Kernel::Square { stride, padding } => {
                ops::conv2d_act(x, &self.weight, Some(&self.bias), stride, padding, relu)
            }
            Kernel::Line { axis, taps } => {
                let size = x.dim(axis)?;
                let padded = x.pad_with_zeros(axis, taps / 2, taps / 2)?;
                let shifted =
                    (0..taps).map(|tap| padded.narrow(axis, tap, size)).collect::<Result<Vec<_>>>()?;
                ops::conv2d_act(&Tensor::cat(&shifted, 1)?, &self.weight, Some(&self.bias), 1, 0, relu)
            }
        }
    }
}

/// Each output's weights times its scale.
fn fold(weight: &Array, scale: &[f64]) -> Vec<f32> {
    let width = weight.row_len();
    let values = weight.data().iter().enumerate();
    values.map(|(i, &value)| (f64::from(value) * scale[i / width]) as f32).collect()
}

/// `(outputs, inputs, taps)` to `(outputs, taps, inputs)`: the channels of shifted copies side by side.
fn taps_first(weight: &[f32], inputs: usize, taps: usize) -> Vec<f32> {
    let mut turned = Vec::with_capacity(weight.len());
    for output in weight.chunks_exact(inputs * taps) {
        for tap in 0..taps {
            turned.extend(output.iter().skip(tap).step_by(taps));
        }
    }
    turned
}

impl Pool {
    /// What is pooled comes out of a ReLU, so that a border of zeros changes no maximum.
    fn forward(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Halving => x.max_pool2d_with_stride(3, 2),
            Self::Maximum => x.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1)?.max_pool2d_with_stride(3, 1),
            Self::Average => {
                let (_, _, height, width) = x.dims4()?;
                let line = |size: usize| -> Vec<f32> {
                    (0..size)
                        .map(|i| 1.0 / (3 - usize::from(i == 0) - usize::from(i + 1 == size)) as f32)
                        .collect()
                };
                let column = Tensor::from_vec(line(height), (1, 1, height, 1), x.device())?;
                let row = Tensor::from_vec(line(width), (1, 1, 1, width), x.device())?;
                sum_of_three(&sum_of_three(x, 2)?, 3)?.broadcast_mul(&column)?.broadcast_mul(&row)
            }
        }
    }
}

/// The sum of each value and its two neighbours along `axis`.
fn sum_of_three(x: &Tensor, axis: usize) -> Result<Tensor> {
    let size = x.dim(axis)?;
    let padded = x.pad_with_zeros(axis, 1, 1)?;
    (padded.narrow(axis, 0, size)? + x)? + padded.narrow(axis, 2, size)?
}
