//! Toy networks whose pictures show their codes exactly: for tests, and for measuring the window without a
//! trained model.
//!
//! Dimension i of a code is horizontal band i of the picture, as grey sigmoid(code); the encoder reads the
//! bands back. Speed and failures are set by hand.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::base::{Cancel, Picture};
use crate::checkpoint::Unsaid;
use crate::inference::{Encoder, Outcome, RenderError, Renderer};
use crate::model::{ChainId, CodeBlock, CodeKind, ModelDescription, VAE};
use crate::nets::{GeneratorConfig, ResnetTrunk, VaeConfig};

use super::{Library, Load, Loaded, LoadedChain, ModelSource, OpenError, Pools, Spare};

/// A library that knows some toys by their file names; see [`ToyLibrary::open`].
#[derive(Clone, Debug)]
pub struct ToyLibrary {
    /// How the generator behaves.
    pub generator: ToyBehaviour,
    /// How the decoder behaves.
    pub decoder: ToyBehaviour,
    /// Height and width of the generator's pictures, a multiple of 4.
    pub size: usize,
    /// Dimensions of c.
    pub c_dim: usize,
}

/// How a toy network behaves.
#[derive(Clone, Copy, Debug)]
pub struct ToyBehaviour {
    /// Layers, between which a render can be cancelled.
    pub layers: u32,
    /// Time a layer keeps every thread of the pool busy.
    pub layer: Duration,
    /// Panics when a value of the code exceeds this.
    pub panic_above: f32,
    /// Lies about the size of its pictures when the first value of the code exceeds this: they are half as high.
    pub lie_above: f32,
}

impl Default for ToyBehaviour {
    fn default() -> Self {
        Self { layers: 4, layer: Duration::ZERO, panic_above: f32::INFINITY, lie_above: f32::INFINITY }
    }
}

impl Default for ToyLibrary {
    fn default() -> Self {
        Self { generator: ToyBehaviour::default(), decoder: ToyBehaviour::default(), size: 128, c_dim: 5 }
    }
}

impl Library for ToyLibrary {
    /// Opens a toy by its name: `gan` has no VAE but a uniform code, `noise` neither a VAE nor factors, `vae` no GAN,
    /// `missing` cannot be opened; everything else has both.
    fn open(&self, source: &ModelSource, _pools: &Pools) -> Result<Loaded, OpenError> {
        let name = source.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if name == "missing" {
            let message = format!("no such file; check the spelling: {}", source.path().display());
            return Err(message.into());
        }
        let toy = self.clone();
        let description = self.description(source.path(), &name);
        let build = {
            let description = description.clone();
            move |id: ChainId| -> Option<(Load, Box<dyn Renderer>)> {
                let chain = description.render_chain(id)?;
                let [channels, size, _] = description.picture_shape(&chain.name)?;
                let dims = |block: &str| description.block(block).map_or(0, |block| block.dims);
                let width: usize = description.inputs(&chain.name).into_iter().map(dims).sum();
                let load = if chain.name == VAE { Load::Light } else { Load::Heavy };
                let renderer = ToyRenderer {
                    behaviour: if load == Load::Light { toy.decoder } else { toy.generator },
                    skip: width - toy.c_dim,
                    dims: toy.c_dim,
                    shape: [channels, size, size],
                };
                Some((load, Box::new(renderer)))
            }
        };
        let chains = description.chain_ids().filter_map(|id| {
            let (load, renderer) = build(id)?;
            Some(LoadedChain { id, load, renderer })
        });
        let spare = description.chain_id(VAE).and_then(|chain| {
            let (_, renderer) = build(chain)?;
            Some(Spare { chain, renderer })
        });
        let encoders = description.encoded().map(|block| {
            let encoder: Box<dyn Encoder> = Box::new(ToyEncoder { dims: self.c_dim });
            (block.to_owned(), encoder)
        });
        Ok(Loaded {
            chains: chains.collect(),
            encoders: encoders.into_iter().collect(),
            emitter: None,
            spare,
            description,
            stats: None,
            hash: String::new(),
            device: "CPU".to_owned(),
            unsaid: Unsaid::default(),
            warnings: Vec::new(),
            rebuild: Box::new(move |id| {
                let (_, renderer) = build(id).ok_or("there is no such toy")?;
                Ok(renderer)
            }),
        })
    }
}

/// Dimensions of the toys' nuisance code.
pub const TOY_NUISANCE: usize = 3;

impl ToyLibrary {
    fn description(&self, path: &Path, name: &str) -> ModelDescription {
        let mut c = CodeBlock::disentangled(self.c_dim);
        let mut codes = vec![];
        let mut inputs = vec!["c".to_owned()];
        if name == "gan" {
            c = CodeBlock { kind: CodeKind::Uniform, range: [0.0, 1.0], neutral: 0.5, ..c };
        } else if name == "noise" {
            c = CodeBlock::nuisance(self.c_dim);
            inputs = vec!["s".to_owned()];
        } else if name != "vae" {
            codes.push(CodeBlock::nuisance(TOY_NUISANCE));
            inputs.insert(0, "s".to_owned());
        }
        codes.insert(0, c);
        if name == "opening" {
            for block in &mut codes {
                block.opening = (0..block.dims).map(|dim| dim as f32 / 10.0).collect();
            }
        }
        let z_dim = codes.iter().map(|block| block.dims).sum();
        let trunk = ResnetTrunk { size: self.size, nfilter: 1, nfilter_max: 1, channels: 3 };
        let title = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut description = ModelDescription { codes, ..ModelDescription::empty(title) };
        if name != "vae" {
            description = description.with_generator(GeneratorConfig::Resnet { z_dim, trunk }, inputs);
        }
        if name != "gan" && name != "noise" {
            description = description.with_vae(VaeConfig { channels: 3, c_dim: self.c_dim }, "c");
        }
        description
    }
}

/// Renders codes as bands; the first `skip` values tint the picture.
#[derive(Clone, Copy, Debug)]
struct ToyRenderer {
    behaviour: ToyBehaviour,
    skip: usize,
    dims: usize,
    shape: [usize; 3],
}

impl ToyRenderer {
    fn draw(&self, code: &[f32], put: &mut dyn FnMut(usize, usize, f32)) {
        let [_, height, width] = self.shape;
        for y in 0..height {
            let value = sigmoid(code[self.skip + y * self.dims / height]);
            for x in 0..width {
                put(y, x, value);
            }
        }
    }

    /// Works as long as it was told to, layer by layer.
    fn work(&self, code: &[f32], cancel: &Cancel) -> Outcome {
        assert!(code.iter().all(|&v| v <= self.behaviour.panic_above), "a toy network was told to panic");
        for _ in 0..self.behaviour.layers {
            if cancel.is_cancelled() {
                return Outcome::Cancelled;
            }
            if !self.behaviour.layer.is_zero() {
                let end = Instant::now() + self.behaviour.layer;
                rayon::broadcast(|_| {
                    while Instant::now() < end {
                        std::hint::spin_loop();
                    }
                });
            }
        }
        Outcome::Done
    }

    fn check(&self, code: &[f32]) -> Result<(), RenderError> {
        let expected = self.skip + self.dims;
        if code.len() == expected {
            return Ok(());
        }
        Err(RenderError::Length { what: "code", expected, actual: code.len() })
    }
}

impl Renderer for ToyRenderer {
    fn code_dim(&self) -> usize {
        self.skip + self.dims
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.shape
    }

    fn render(
        &mut self,
        codes: &[f32],
        pictures: &mut [f32],
        cancel: &Cancel,
    ) -> Result<Outcome, RenderError> {
        let [channels, height, width] = self.shape;
        let plane = height * width;
        for (code, picture) in codes.chunks(self.code_dim()).zip(pictures.chunks_mut(channels * plane)) {
            self.check(code)?;
            if self.work(code, cancel) == Outcome::Cancelled {
                return Ok(Outcome::Cancelled);
            }
            self.draw(code, &mut |y, x, value| {
                for channel in picture.chunks_mut(plane) {
                    channel[y * width + x] = value;
                }
            });
        }
        Ok(Outcome::Done)
    }

    fn render_picture(
        &mut self,
        code: &[f32],
        picture: &mut Picture,
        cancel: &Cancel,
    ) -> Result<Outcome, RenderError> {
        self.check(code)?;
        if self.work(code, cancel) == Outcome::Cancelled {
            return Ok(Outcome::Cancelled);
        }
        let [_, height, width] = self.shape;
        let mut bands = Picture::filled(width, height, [0, 0, 0, 255]);
        self.draw(code, &mut |y, x, value| {
            let grey = (value * 255.0 + 0.5) as u8;
            bands.set_pixel(x, y, [grey, grey, grey, 255]);
        });
        let is_lie = code.first().is_some_and(|&value| value > self.behaviour.lie_above);
        let rows = if is_lie { height / 2 } else { height };
        let rgba = bands.rgba()[..rows * width * 4].to_vec();
        *picture = Picture::from_rgba(width, rows, rgba).unwrap_or_default();
        Ok(Outcome::Done)
    }
}

/// Reads the bands of a 64x64 picture.
#[derive(Clone, Copy, Debug)]
struct ToyEncoder {
    dims: usize,
}

impl Encoder for ToyEncoder {
    fn code_dim(&self) -> usize {
        self.dims
    }

    fn picture_shape(&self) -> [usize; 3] {
        [3, 64, 64]
    }

    fn encode(&mut self, pictures: &[f32], mu: &mut [f32], logvar: &mut [f32]) -> Result<(), RenderError> {
        for (picture, mu) in pictures.chunks(3 * 64 * 64).zip(mu.chunks_mut(self.dims)) {
            for (i, mu) in mu.iter_mut().enumerate() {
                let rows = (0..64).filter(|y| y * self.dims / 64 == i);
                let values: Vec<f32> = rows.flat_map(|y| &picture[y * 64..y * 64 + 64]).copied().collect();
                let mean = values.iter().sum::<f32>() / values.len().max(1) as f32;
                *mu = (mean / (1.0 - mean)).ln().clamp(-9.0, 9.0);
            }
        }
        logvar.fill(-4.0);
        Ok(())
    }
}

fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}
