//! Single pictures on a device that the program runs ahead of: from the same memory into the same memory, so that all the
//! work between can be recorded, and as bytes.

use std::time::{Duration, Instant};

use candle_core::{DType, Device, Result, Tensor, bail};

use super::Outcome;
use super::tensors::Interpreter;
use crate::base::{Cancel, PixelRange};
use crate::ops::{self, PictureValues, Replay};

/// A picture that takes longer is not recorded: a graph ends when it ends, and this is half of what a screen shows a picture
/// for. What is queued layer by layer costs 1 or 2 ms more, and can stop.
const LONG: Duration = Duration::from_millis(8);

/// The picture that is timed: the first one chooses algorithms.
const TIMED: u32 = 2;

/// Where a renderer's pictures are made.
pub(super) struct Frame {
    /// `(1, code_dim)`
    code: Tensor,
    /// `(height, width)`, four bytes each
    pixels: Tensor,
    values: PictureValues,
    replay: Replay,
    /// Pictures made, as far as [`TIMED`].
    frames: u32,
    is_long: bool,
}

impl Frame {
    /// A place for pictures of codes of `code_dim` numbers; nothing where `device` makes no bytes of pictures.
    ///
    /// # Errors
    /// When the device fails.
    pub(super) fn new(
        code_dim: usize,
        [channels, height, width]: [usize; 3],
        range: PixelRange,
        device: &Device,
    ) -> Result<Option<Self>> {
        let values = match range {
            PixelRange::Signed => PictureValues::Signed,
            PixelRange::Logits => PictureValues::Logits,
            PixelRange::Unit => return Ok(None),
        };
        if !ops::runs_ahead(device) || !matches!(channels, 1 | 3) {
            return Ok(None);
        }
        Ok(Some(Self {
            code: Tensor::zeros((1, code_dim), DType::F32, device)?,
            pixels: Tensor::zeros((height, width), DType::F32, device)?,
            values,
            replay: Replay::new(device),
            frames: 0,
            is_long: false,
        }))
    }

    /// The picture that `net` draws of `code`, four bytes a pixel.
    ///
    /// # Errors
    /// When lengths do not fit or the device fails.
    pub(super) fn draw(
        &mut self,
        net: &Interpreter,
        code: &[f32],
        rgba: &mut [u8],
        cancel: &Cancel,
    ) -> Result<Outcome> {
        let started = Instant::now();
        let (device, values, pixels) = (self.code.device(), self.values, &self.pixels);
        ops::write(&self.code, code)?;
        let inputs = std::slice::from_ref(&self.code);
        let draw = |goes_on: &mut dyn FnMut() -> Result<bool>| -> Result<Outcome> {
            match net.run_while(inputs, goes_on)?.as_deref() {
                Some([picture]) => ops::rgba(picture, values, pixels).map(|()| Outcome::Done),
                Some(_) => bail!("the network does not draw one picture"),
                None => Ok(Outcome::Cancelled),
            }
        };
        if self.is_long {
            // Without waiting all layers would be queued at once, and it would be too late to stop.
            let mut goes_on = || device.synchronize().map(|()| !cancel.is_cancelled());
            if draw(&mut goes_on)? == Outcome::Cancelled {
                return Ok(Outcome::Cancelled);
            }
        } else {
            self.replay.run(device, &mut || draw(&mut || Ok(true)).map(|_| ()))?;
        }
        ops::download_bytes(&self.pixels, rgba)?;
        if self.frames < TIMED {
            self.frames += 1;
            self.is_long = self.frames == TIMED && started.elapsed() > LONG;
        }
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Stream;
    use crate::graph::Graph;
    use crate::nets::{GeneratorConfig, Parameters, ResnetTrunk, VaeConfig};
    use crate::ops::Precision;
    use crate::ops::cuda::host::On;

    /// A network without its last operation, its code's width, its pictures and what they are made of.
    type Drawing = (Interpreter, usize, [usize; 3], PixelRange);

    /// A generator and a decoder.
    fn nets() -> Vec<Drawing> {
        let trunk = ResnetTrunk { size: 16, nfilter: 4, nfilter_max: 8, channels: 3 };
        let config = GeneratorConfig::Resnet { z_dim: 5, trunk };
        let vae = VaeConfig { channels: 1, c_dim: 3 };
        let mut stream = Stream::new(1, "weights");
        let net = |graph: Graph, weights| Interpreter::new(&graph, &weights, &Device::Cpu).expect("fits");
        let generator = net(config.graph(), config.initialise_uniform(&mut stream));
        let decoder = net(vae.decoder_graph(), vae.initialise_uniform(&mut stream));
        vec![(generator, 5, [3, 16, 16], PixelRange::Signed), (decoder, 3, [1, 64, 64], PixelRange::Logits)]
    }

    #[test]
    fn recorded_pictures_are_those_that_are_queued_layer_by_layer() {
        for (net, dims, shape, range) in nets() {
            let codes = Stream::new(2, "codes").normals(6 * dims);
            assert!(
                Frame::new(dims, shape, range, &Device::Cpu).expect("asks").is_none(),
                "the CPU has plans"
            );
            let Some(host) = On::new(Precision::F32) else { return };
            let draw = |is_long| {
                let mut frame =
                    Frame::new(dims, shape, range, &Device::Cpu).expect("opens").expect("is made");
                let draw = |code| {
                    // how fast this machine is must not matter
                    frame.is_long = is_long;
                    let mut rgba = vec![0; 4 * shape[1] * shape[2]];
                    let outcome = frame.draw(&net, code, &mut rgba, &Cancel::new()).expect("draws");
                    assert_eq!(outcome, Outcome::Done);
                    rgba
                };
                codes.chunks(dims).map(draw).collect::<Vec<_>>()
            };
            let recorded = draw(false);
            assert_eq!(host.recorded(), (1, 3));
            assert!(recorded.windows(2).all(|two| two[0] != two[1]), "codes are read anew");
            assert_eq!(recorded, draw(true));
            host.forbid_recording();
            assert_eq!(recorded, draw(false));
            assert_eq!(host.recorded(), (1, 3));
        }
    }

    #[test]
    fn a_long_picture_stops_between_layers_when_nobody_wants_it() {
        let (net, dims, shape, range) = nets().remove(0);
        let Some(host) = On::new(Precision::F32) else { return };
        let mut frame = Frame::new(dims, shape, range, &Device::Cpu).expect("opens").expect("is made");
        frame.is_long = true;
        let cancel = Cancel::new();
        cancel.cancel();
        let mut rgba = vec![7; 4 * shape[1] * shape[2]];
        let outcome = frame.draw(&net, &vec![0.5; dims], &mut rgba, &cancel).expect("stops");
        assert_eq!(outcome, Outcome::Cancelled);
        assert!(rgba.iter().all(|&byte| byte == 7), "nothing was drawn");
        assert!(!host.take_asked().iter().any(|asked| asked.contains("Forward")), "nor a layer computed");
        // and each layer is asked about
        let code = Tensor::zeros((1, dims), DType::F32, &Device::Cpu).expect("a tensor");
        let asked_of = |most: i32| {
            let mut layers = 0;
            let mut goes_on = || {
                layers += 1;
                Ok(layers <= most)
            };
            let pictures = net.run_while(std::slice::from_ref(&code), &mut goes_on).expect("runs");
            let convolved = host.take_asked().iter().filter(|asked| asked.contains("Forward")).count();
            (pictures.is_some(), convolved, layers)
        };
        let (is_drawn, all, layers) = asked_of(i32::MAX);
        assert!(is_drawn && all > 3 && layers > 3, "{all} convolutions in {layers} layers");
        let (is_drawn, some, asked) = asked_of(layers / 2);
        assert_eq!((is_drawn, asked), (false, layers / 2 + 1));
        assert!((1..all).contains(&some), "{some} of {all} convolutions");
    }
}
