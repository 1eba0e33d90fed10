//! Compiled networks against a plain computation in f64 of what FACTS of the method say.

use super::{PlanEncoder, PlanRenderer};
use crate::base::{Arrays, Cancel, Picture, PixelRange, Pool, Stream};
use crate::graph::Graph;
use crate::inference::{Encoder, Outcome, RenderError, Renderer};
use crate::nets::{GeneratorConfig, Parameters, ResnetTrunk, VaeConfig};
use crate::ops::cpu::isa::Isa;

/// A map in f64, the slow and obvious way.
#[derive(Clone)]
struct Plain {
    channels: usize,
    size: usize,
    values: Vec<f64>,
}

impl Plain {
    fn get(&self, c: usize, y: isize, x: isize) -> f64 {
        let inside = 0..self.size as isize;
        if inside.contains(&y) && inside.contains(&x) {
            self.values[(c * self.size + y as usize) * self.size + x as usize]
        } else {
            0.0
        }
    }

    fn build(channels: usize, size: usize, value: impl Fn(usize, isize, isize) -> f64) -> Self {
        let values = (0..channels * size * size)
            .map(|i| value(i / (size * size), (i / size % size) as isize, (i % size) as isize))
            .collect();
        Self { channels, size, values }
    }

    fn map(mut self, function: impl Fn(f64) -> f64) -> Self {
        self.values.iter_mut().for_each(|v| *v = function(*v));
        self
    }

    fn upsampled(&self) -> Self {
        Self::build(self.channels, self.size * 2, |c, y, x| self.get(c, y / 2, x / 2))
    }

    fn conv(&self, weights: &Arrays, name: &str, stride: usize, pad: isize) -> Self {
        let weight = &weights[&format!("{name}.weight")];
        let &[outputs, inputs, kernel, _] = weight.shape() else { panic!("four dimensions") };
        let bias = weights.get(&format!("{name}.bias"));
        let size = (self.size + 2 * pad as usize - kernel) / stride + 1;
        Self::build(outputs, size, |o, y, x| {
            let mut sum = bias.map_or(0.0, |b| f64::from(b.data()[o]));
            for (c, ky, kx) in (0..inputs * kernel * kernel)
                .map(|i| (i / (kernel * kernel), i / kernel % kernel, i % kernel))
            {
                let (iy, ix) =
                    (y * stride as isize + ky as isize - pad, x * stride as isize + kx as isize - pad);
                let w = weight.data()[((o * inputs + c) * kernel + ky) * kernel + kx];
                sum += f64::from(w) * self.get(c, iy, ix);
            }
            sum
        })
    }

    /// Transposed 4x4 convolution; with stride 1 of a single pixel, otherwise stride 2, padding 1.
    fn transposed(&self, weights: &Arrays, name: &str) -> Self {
        let weight = &weights[&format!("{name}.weight")];
        let outputs = weight.shape()[1];
        let bias = &weights[&format!("{name}.bias")];
        let (size, stride, pad) = if self.size == 1 { (4, 1, 0) } else { (self.size * 2, 2, 1) };
        let mut out = Self::build(outputs, size, |o, _, _| f64::from(bias.data()[o]));
        for (c, y, x, o, k) in (0..self.values.len() * outputs * 16).map(|i| {
            let (pixel, rest) = (i / (outputs * 16), i % (outputs * 16));
            let area = self.size * self.size;
            (pixel / area, pixel % area / self.size, pixel % self.size, rest / 16, rest % 16)
        }) {
            let (oy, ox) =
                ((y * stride + k / 4) as isize - pad as isize, (x * stride + k % 4) as isize - pad as isize);
            if (0..size as isize).contains(&oy) && (0..size as isize).contains(&ox) {
                let w = weight.data()[(c * outputs + o) * 16 + k];
                out.values[(o * size + oy as usize) * size + ox as usize] +=
                    f64::from(w) * self.get(c, y as isize, x as isize);
            }
        }
        out
    }
}

fn linear(weights: &Arrays, name: &str, input: &[f64]) -> Vec<f64> {
    let weight = &weights[&format!("{name}.weight")];
    let bias = &weights[&format!("{name}.bias")];
    (0..bias.len())
        .map(|o| {
            let products = weight.row(o).iter().zip(input).map(|(&w, x)| f64::from(w) * x);
            products.sum::<f64>() + f64::from(bias.data()[o])
        })
        .collect()
}

fn leaky(v: f64) -> f64 {
    if v > 0.0 { v } else { 0.2 * v }
}

fn relu(v: f64) -> f64 {
    v.max(0.0)
}

fn sum(a: &Plain, b: &Plain, gain: f64) -> Plain {
    let values = a.values.iter().zip(&b.values).map(|(a, b)| a + gain * b).collect();
    Plain { values, ..*a }
}

fn plain_resnet(trunk: &ResnetTrunk, weights: &Arrays, z: &[f32]) -> Vec<f64> {
    let z: Vec<f64> = z.iter().map(|&v| f64::from(v)).collect();
    let mut x = Plain { channels: trunk.width(trunk.levels()), size: 4, values: linear(weights, "fc", &z) };
    for level in 0..=trunk.levels() {
        if level > 0 {
            x = x.upsampled();
        }
        let name = format!("resnet.{}", 2 * level);
        let shortcut = if weights.contains_key(&format!("{name}.conv_s.weight")) {
            x.conv(weights, &format!("{name}.conv_s"), 1, 0)
        } else {
            x.clone()
        };
        let hidden = x.map(leaky).conv(weights, &format!("{name}.conv_0"), 1, 1);
        let out = hidden.map(leaky).conv(weights, &format!("{name}.conv_1"), 1, 1);
        x = sum(&shortcut, &out, 0.1);
    }
    x.map(leaky).conv(weights, "conv_img", 1, 1).map(|v| (v.tanh() + 1.0) / 2.0).values
}

fn plain_decoder(prefix: &str, weights: &Arrays, code: &[f32]) -> Plain {
    let code: Vec<f64> = code.iter().map(|&v| f64::from(v)).collect();
    let values = linear(weights, &format!("{prefix}layer.0"), &code);
    let mut x = Plain { channels: 256, size: 1, values };
    for number in [3, 5, 7, 9, 11] {
        x = x.map(relu).transposed(weights, &format!("{prefix}layer.{number}"));
    }
    x
}

fn assert_close(actual: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let worst = actual.iter().zip(expected).map(|(&a, e)| (f64::from(a) - e).abs()).fold(0.0, f64::max);
    assert!(worst <= tolerance, "{what}: off by {worst}");
}

/// Weights large enough that pictures are not flat.
fn lively(config: &impl Parameters, seed: u64) -> Arrays {
    let mut weights = config.initialise_uniform(&mut Stream::new(seed, "weights"));
    weights.values_mut().for_each(|array| array.data_mut().iter_mut().for_each(|v| *v *= 1.6));
    weights
}

fn resnet(size: usize, nfilter: usize, nfilter_max: usize, channels: usize) -> GeneratorConfig {
    GeneratorConfig::Resnet { z_dim: 9, trunk: ResnetTrunk { size, nfilter, nfilter_max, channels } }
}

/// From a code to pixels.
fn painting(config: &GeneratorConfig) -> Graph {
    config.graph().to_pixels(PixelRange::Signed)
}

#[test]
fn residual_generators_agree_with_the_plain_computation() {
    let cases = [(8, 3, 5, 1), (16, 4, 17, 3), (32, 8, 24, 3), (64, 5, 32, 3), (32, 32, 32, 1)];
    for (index, (size, nfilter, nfilter_max, channels)) in cases.into_iter().enumerate() {
        let config = resnet(size, nfilter, nfilter_max, channels);
        let GeneratorConfig::Resnet { trunk, .. } = config else { unreachable!() };
        let weights = lively(&config, index as u64);
        let codes = Stream::new(index as u64, "codes").normals(3 * 9);
        let expected: Vec<f64> =
            codes.chunks(9).flat_map(|code| plain_resnet(&trunk, &weights, code)).collect();
        for isa in Isa::available() {
            for threads in [1, 2] {
                let pool = Pool::new("test", threads).expect("starts");
                let mut renderer = PlanRenderer::<f32>::compile_for(isa, &painting(&config), &weights, &pool)
                    .expect("compiles");
                let mut pictures = vec![f32::NAN; expected.len()];
                let outcome = renderer.render(&codes, &mut pictures, &Cancel::new()).expect("renders");
                assert_eq!(outcome, Outcome::Done);
                assert_close(&pictures, &expected, 2e-5, &format!("{config:?} {isa:?} {threads}"));
            }
        }
    }
}

#[test]
fn small_generators_and_decoders_agree_with_the_plain_computation() {
    let pool = Pool::new("test", 2).expect("starts");
    for channels in [1, 3] {
        let config = GeneratorConfig::Small { z_dim: 7, channels };
        let weights = lively(&config, 3);
        let code = Stream::new(4, "codes").normals(7);
        let expected = plain_decoder("", &weights, &code).map(|v| (v.tanh() + 1.0) / 2.0).values;
        let vae = VaeConfig { channels, c_dim: 7 };
        let decoding = vae.decoder_graph().to_pixels(PixelRange::Logits);
        let vae_weights = lively(&vae, 5);
        let decoded = plain_decoder("decoder.", &vae_weights, &code).map(|v| 1.0 / (1.0 + (-v).exp())).values;
        for isa in Isa::available() {
            let mut generator =
                PlanRenderer::<f32>::compile_for(isa, &painting(&config), &weights, &pool).expect("compiles");
            let mut picture = vec![0.0; expected.len()];
            generator.render(&code, &mut picture, &Cancel::new()).expect("renders");
            assert_close(&picture, &expected, 1e-5, "small generator");
            let mut decoder =
                PlanRenderer::<f32>::compile_for(isa, &decoding, &vae_weights, &pool).expect("compiles");
            decoder.render(&code, &mut picture, &Cancel::new()).expect("renders");
            assert_close(&picture, &decoded, 1e-5, "decoder");
        }
    }
}

#[test]
fn encoders_agree_with_the_plain_computation() {
    let pool = Pool::new("test", 2).expect("starts");
    for (channels, count) in [(1, 3), (3, 2)] {
        let config = VaeConfig { channels, c_dim: 5 };
        let weights = lively(&config, 7);
        let mut stream = Stream::new(8, "pictures");
        let pictures: Vec<f32> = (0..count * channels * 4096).map(|_| stream.uniform()).collect();
        let expected: Vec<Vec<f64>> = pictures
            .chunks(channels * 4096)
            .map(|picture| {
                let values = picture.iter().map(|&v| f64::from(v)).collect();
                let mut x = Plain { channels, size: 64, values };
                for number in [0, 2, 4, 6] {
                    x = x.conv(&weights, &format!("encoder.layer.{number}"), 2, 1).map(relu);
                }
                let hidden = x.conv(&weights, "encoder.layer.8", 1, 0).map(relu);
                linear(&weights, "encoder.layer.11", &hidden.values)
            })
            .collect();
        for isa in Isa::available() {
            let mut encoder = PlanEncoder::<f32>::compile_for(isa, &config.encoder_graph(), &weights, &pool)
                .expect("compiles");
            let (mut mu, mut logvar) = (vec![0.0; count * 5], vec![0.0; count * 5]);
            encoder.encode(&pictures, &mut mu, &mut logvar).expect("encodes");
            for (i, row) in expected.iter().enumerate() {
                assert_close(&mu[i * 5..(i + 1) * 5], &row[..5], 1e-5, "mu");
                assert_close(&logvar[i * 5..(i + 1) * 5], &row[5..], 1e-5, "logvar");
            }
        }
    }
}

#[test]
fn a_batch_of_many_encodes_like_one_by_one() {
    let pool = Pool::new("test", 2).expect("starts");
    let config = VaeConfig { channels: 1, c_dim: 4 };
    let weights = lively(&config, 9);
    let mut encoder =
        PlanEncoder::<f32>::compile(&config.encoder_graph(), &weights, &pool).expect("compiles");
    let mut stream = Stream::new(1, "pictures");
    let pictures: Vec<f32> = (0..70 * 4096).map(|_| stream.uniform()).collect();
    let (mut mu, mut logvar) = (vec![0.0; 70 * 4], vec![0.0; 70 * 4]);
    encoder.encode(&pictures, &mut mu, &mut logvar).expect("encodes");
    let (mut one_mu, mut one_logvar) = ([0.0; 4], [0.0; 4]);
    for i in [0, 63, 64, 69] {
        encoder.encode(&pictures[i * 4096..(i + 1) * 4096], &mut one_mu, &mut one_logvar).expect("encodes");
        assert_eq!((&mu[i * 4..i * 4 + 4], &logvar[i * 4..i * 4 + 4]), (&one_mu[..], &one_logvar[..]));
    }
}

#[test]
fn the_same_bits_come_out_every_time_and_after_a_cancelled_render() {
    let config = resnet(64, 16, 64, 3);
    let weights = lively(&config, 11);
    let codes = Stream::new(12, "codes").normals(4 * 9);
    for threads in [1, 2] {
        let pool = Pool::new("test", threads).expect("starts");
        let mut renderer =
            PlanRenderer::<f32>::compile(&painting(&config), &weights, &pool).expect("compiles");
        let mut first = vec![0.0; 4 * 3 * 64 * 64];
        renderer.render(&codes, &mut first, &Cancel::new()).expect("renders");
        let cancel = Cancel::new();
        cancel.cancel();
        let mut other = vec![0.0; first.len()];
        assert_eq!(renderer.render(&codes, &mut other, &cancel).expect("stops"), Outcome::Cancelled);
        // Cancelled somewhere in the middle, at moments that differ from run to run.
        for micros in (0..2000).step_by(100) {
            let cancel = Cancel::new();
            std::thread::scope(|scope| {
                let cancel = &cancel;
                scope.spawn(move || {
                    std::thread::sleep(std::time::Duration::from_micros(micros));
                    cancel.cancel();
                });
                renderer.render(&codes[9..], &mut other[3 * 4096..], cancel).expect("renders");
            });
        }
        let mut again = vec![0.0; first.len()];
        for (code, picture) in codes.chunks(9).zip(again.chunks_mut(3 * 4096)) {
            renderer.render(code, picture, &Cancel::new()).expect("renders");
        }
        assert!(first == again, "one by one and together give the same bits");
    }
}

#[test]
fn pictures_are_the_rounded_values() {
    let pool = Pool::new("test", 2).expect("starts");
    for channels in [1, 3] {
        let config = resnet(32, 4, 8, channels);
        let weights = lively(&config, 13);
        let mut renderer =
            PlanRenderer::<f32>::compile(&painting(&config), &weights, &pool).expect("compiles");
        let code = Stream::new(14, "codes").normals(9);
        let mut chw = vec![0.0; channels * 32 * 32];
        renderer.render(&code, &mut chw, &Cancel::new()).expect("renders");
        let mut picture = Picture::default();
        renderer.render_picture(&code, &mut picture, &Cancel::new()).expect("renders");
        assert_eq!(Some(picture), Picture::from_chw(&chw, channels, 32, 32));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let pool = Pool::new("test", 1).expect("starts");
    let config = resnet(16, 4, 8, 3);
    let mut weights = lively(&config, 15);
    let mut renderer = PlanRenderer::<f32>::compile(&painting(&config), &weights, &pool).expect("compiles");
    let wrong = renderer.render(&[0.0; 10], &mut [0.0; 3 * 256], &Cancel::new());
    assert!(matches!(wrong, Err(RenderError::Length { what: "codes", .. })));
    let wrong = renderer.render(&[0.0; 18], &mut [0.0; 3 * 256], &Cancel::new());
    assert!(matches!(wrong, Err(RenderError::Length { what: "pictures", .. })));
    weights.remove("conv_img.bias");
    let message =
        PlanRenderer::<f32>::compile(&painting(&config), &weights, &pool).err().expect("refused").to_string();
    assert!(message.contains("conv_img.bias is missing (expected shape [3])"), "{message}");
    for config in [resnet(16, 0, 8, 3), resnet(16, 4, 8, 2), resnet(32, 4, 8, 3)] {
        assert!(PlanRenderer::<f32>::compile(&painting(&config), &weights, &pool).is_err());
    }
}
