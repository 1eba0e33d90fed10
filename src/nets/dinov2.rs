//! DINOv2's vision transformers (Oquab et al. 2023) with patches of 14 pixels and without registers, as features of pictures.

use candle_core::{D, Device, Result, Tensor};

use crate::base::{Array, Arrays};
use crate::ops;

/// Pixels of a patch's side.
const PATCH: usize = 14;
/// Patches along the side of a picture.
const ACROSS: usize = DinoV2::SIDE / PATCH;
/// Positions along the side of the pictures that it was trained on.
const TRAINED_ACROSS: usize = 37;
/// Features of an attention head.
const HEAD: usize = 64;
/// What layer normalisation adds to the variance.
const EPSILON: f32 = 1e-6;
/// The published interpolation of positions takes a picture to be this much wider, in patches.
const OFFSET: f64 = 0.1;
/// The parameter of the cubic by which PyTorch interpolates.
const CUBIC: f64 = -0.75;

/// The network; sizes follow from the weights.
#[derive(Clone, Debug)]
pub struct DinoV2 {
    patches: Linear,
    /// The first token with its position, `(1, 1, dims)`.
    first: Tensor,
    /// Those of the patches, `(1, patches, dims)`.
    positions: Tensor,
    blocks: Vec<Block>,
    norm: Norm,
    dims: usize,
}

/// Attention, then two layers on each token, both added to what they saw.
#[derive(Clone, Debug)]
struct Block {
    norms: [Norm; 2],
    qkv: Linear,
    joined: Linear,
    wide: Linear,
    narrow: Linear,
    scales: [Tensor; 2],
}

#[derive(Clone, Debug)]
struct Linear {
    weight: Tensor,
    bias: Tensor,
}

#[derive(Clone, Debug)]
struct Norm {
    gain: Tensor,
    shift: Tensor,
}

/// Weights that are those of a DINOv2, or what is wrong with them.
type Read<T> = std::result::Result<T, String>;

/// Weights by name, on their way to a device.
struct Source<'a> {
    weights: &'a Arrays,
    device: &'a Device,
}

impl DinoV2 {
    /// Side of the pictures it takes, in pixels.
    pub const SIDE: usize = 224;

    /// Binds the weights of a published file (`dinov2_vit{s,b,l}14_pretrain.pth`).
    ///
    /// # Errors
    /// A message naming what is missing, has another shape, or belongs to a variant that this is not.
    pub fn new(weights: &Arrays, device: &Device) -> Read<Self> {
        if weights.contains_key("register_tokens") {
            return Err("these are weights of a DINOv2 with registers, which has other features".into());
        }
        let source = Source { weights, device };
        let dims = match source.array("patch_embed.proj.weight")?.shape() {
            &[dims, 3, PATCH, PATCH] if dims > 0 && dims.is_multiple_of(HEAD) => dims,
            shape => {
                return Err(format!(
                    "patch_embed.proj.weight has the shape {shape:?}, which no DINOv2 with patches of 14 pixels has"
                ));
            }
        };
        let patches = Linear {
            weight: source
                .tensor("patch_embed.proj.weight", &[dims, 3, PATCH, PATCH])?
                .reshape((dims, ()))
                .map_err(|error| error.to_string())?,
            bias: source.tensor("patch_embed.proj.bias", &[dims])?,
        };
        source.expect("pos_embed", &[1, 1 + TRAINED_ACROSS * TRAINED_ACROSS, dims])?;
        source.expect("cls_token", &[1, 1, dims])?;
        let (own, of_patches) = source.array("pos_embed")?.data().split_at(dims);
        let token = source.array("cls_token")?.data().iter();
        let first: Vec<f32> = token.zip(own).map(|(token, position)| token + position).collect();
        let first = source.placed(first, &[1, 1, dims])?;
        let positions = source.placed(interpolate(of_patches, dims), &[1, ACROSS * ACROSS, dims])?;
        let depth = (0..).take_while(|i| weights.contains_key(&format!("blocks.{i}.norm1.weight"))).count();
        if depth == 0 {
            return Err(
                "they have no blocks.0.norm1.weight, so they are not in the form that was published".into()
            );
        }
        let blocks = (0..depth).map(|i| source.block(&format!("blocks.{i}"), dims)).collect::<Read<_>>()?;
        Ok(Self { patches, first, positions, blocks, norm: source.norm("norm", dims)?, dims })
    }

    /// Number of features.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Number of blocks.
    pub fn depth(&self) -> usize {
        self.blocks.len()
    }

    /// Pictures `(N, 3, 224, 224)`, brought to ImageNet's mean and deviation, to features `(N, dims)`: the first token after the
    /// last normalisation.
    ///
    /// # Errors
    /// When the shape does not fit or the device fails.
    pub fn features(&self, pictures: &Tensor) -> Result<Tensor> {
        let rows = pictures.dim(0)?;
        let tiles = pictures.reshape(vec![rows, 3, ACROSS, PATCH, ACROSS, PATCH])?;
        let tiles =
            tiles.permute(vec![0, 2, 4, 1, 3, 5])?.reshape((rows * ACROSS * ACROSS, 3 * PATCH * PATCH))?;
        let tokens =
            self.patches.forward(&tiles.contiguous()?)?.reshape((rows, ACROSS * ACROSS, self.dims))?;
        let tokens = tokens.broadcast_add(&self.positions)?;
        let first = self.first.broadcast_as((rows, 1, self.dims))?;
        let mut x = Tensor::cat(&[&first.contiguous()?, &tokens], 1)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        self.norm.forward(&x.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?)
    }
}

impl Block {
    /// Tokens `(N, tokens, dims)`.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let [first, second] = &self.norms;
        let [attended, thought] = &self.scales;
        let x = (x + self.attention(&first.forward(x)?)?.broadcast_mul(attended)?)?;
        let wide = self.wide.of_tokens(&second.forward(&x)?)?.gelu_erf()?;
        &x + self.narrow.of_tokens(&wide)?.broadcast_mul(thought)?
    }

    fn attention(&self, x: &Tensor) -> Result<Tensor> {
        let (rows, tokens, dims) = x.dims3()?;
        let heads = dims / HEAD;
        let qkv = self.qkv.of_tokens(x)?.reshape((rows, tokens, 3, heads, HEAD))?.permute((2, 0, 3, 1, 4))?;
        let part = |index: usize| qkv.get(index)?.contiguous();
        let (q, k, v) = (part(0)?, part(1)?, part(2)?);
        let shares = (q.matmul(&k.transpose(2, 3)?.contiguous()?)? * (HEAD as f64).powf(-0.5))?;
        let seen = candle_nn::ops::softmax(&shares, D::Minus1)?.matmul(&v)?;
        self.joined.of_tokens(&seen.transpose(1, 2)?.reshape((rows, tokens, dims))?)
    }
}

impl Linear {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::linear(x, &self.weight, Some(&self.bias))
    }

    /// Of each token of `(N, tokens, dims)`.
    fn of_tokens(&self, x: &Tensor) -> Result<Tensor> {
        let (rows, tokens, dims) = x.dims3()?;
        let flat = self.forward(&x.contiguous()?.reshape((rows * tokens, dims))?)?;
        flat.reshape((rows, tokens, ()))
    }
}

impl Norm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        candle_nn::ops::layer_norm(x, &self.gain, &self.shift, EPSILON)
    }
}

impl Source<'_> {
    fn array(&self, name: &str) -> Read<&Array> {
        self.weights.get(name).ok_or_else(|| format!("they have no {name}"))
    }

    fn expect(&self, name: &str, shape: &[usize]) -> Read<()> {
        let found = self.array(name)?.shape();
        if found != shape {
            return Err(format!("{name} has the shape {found:?} and not {shape:?}"));
        }
        Ok(())
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Read<Tensor> {
        self.expect(name, shape)?;
        self.placed(self.array(name)?.data().to_vec(), shape)
    }

    fn placed(&self, values: Vec<f32>, shape: &[usize]) -> Read<Tensor> {
        Tensor::from_vec(values, shape, self.device).map_err(|error| error.to_string())
    }

    fn linear(&self, name: &str, outputs: usize, inputs: usize) -> Read<Linear> {
        Ok(Linear {
            weight: self.tensor(&format!("{name}.weight"), &[outputs, inputs])?,
            bias: self.tensor(&format!("{name}.bias"), &[outputs])?,
        })
    }

    fn norm(&self, name: &str, dims: usize) -> Read<Norm> {
        Ok(Norm {
            gain: self.tensor(&format!("{name}.weight"), &[dims])?,
            shift: self.tensor(&format!("{name}.bias"), &[dims])?,
        })
    }

    fn block(&self, name: &str, dims: usize) -> Read<Block> {
        let of = |part: &str| format!("{name}.{part}");
        Ok(Block {
            norms: [self.norm(&of("norm1"), dims)?, self.norm(&of("norm2"), dims)?],
            qkv: self.linear(&of("attn.qkv"), 3 * dims, dims)?,
            joined: self.linear(&of("attn.proj"), dims, dims)?,
            wide: self.linear(&of("mlp.fc1"), 4 * dims, dims)?,
            narrow: self.linear(&of("mlp.fc2"), dims, 4 * dims)?,
            scales: [self.tensor(&of("ls1.gamma"), &[dims])?, self.tensor(&of("ls2.gamma"), &[dims])?],
        })
    }
}

/// The positions `(37, 37, dims)` of training at the places of 16x16 patches, by PyTorch's bicubic interpolation; edges repeat.
fn interpolate(positions: &[f32], dims: usize) -> Vec<f32> {
    let step = TRAINED_ACROSS as f64 / (ACROSS as f64 + OFFSET);
    let taps: Vec<[(usize, f64); 4]> = (0..ACROSS)
        .map(|place| {
            let at = (place as f64 + 0.5) * step - 0.5;
            let (whole, share) = (at.floor(), at - at.floor());
            [-1.0, 0.0, 1.0, 2.0].map(|tap: f64| {
                let index = (whole + tap).clamp(0.0, (TRAINED_ACROSS - 1) as f64);
                (index as usize, cubic((share - tap).abs()))
            })
        })
        .collect();
    let mut out = vec![0.0; ACROSS * ACROSS * dims];
    for (place, out) in out.chunks_exact_mut(dims).enumerate() {
        for (row, by_row) in taps[place / ACROSS] {
            for (column, by_column) in taps[place % ACROSS] {
                let from = &positions[(row * TRAINED_ACROSS + column) * dims..][..dims];
                let weight = (by_row * by_column) as f32;
                out.iter_mut().zip(from).for_each(|(sum, value)| *sum += weight * value);
            }
        }
    }
    out
}

/// Keys's cubic at a distance below 2.
fn cubic(x: f64) -> f64 {
    match x {
        x if x <= 1.0 => ((CUBIC + 2.0) * x - (CUBIC + 3.0)) * x * x + 1.0,
        x => ((CUBIC * x - 5.0 * CUBIC) * x + 8.0 * CUBIC) * x - 4.0 * CUBIC,
    }
}
