//! Convolutions with what surrounds them: the one boundary between the operations and whatever computes them.
//!
//! Tensors are planes of f32 (NCHW), as everywhere else. Where the precision allows tensor cores and the channels come
//! in eights, operands are converted to channels last on the way in, through the activation before the convolution, and
//! the result on the way out, through all that comes after it; otherwise both are passes of their own.

use std::sync::Arc;

use candle_core::{Result, Shape, bail};

use super::OnCuda;
use super::driver::{self, Address, Driver, Element, Form, Memory, Operand, to_int};
use super::kernels::{Epilogue, Made, arguments, each, leaky_relu};
use super::linear;
use crate::ops::Precision;
use crate::ops::cpu::linear::LinearShape;
use crate::ops::cpu::shape::ConvShape;
use crate::ops::pass::Pass;

/// Edges of the blocks that `kernels.cu` takes to and from channels last.
const TILE: (usize, usize) = (32, 64);

/// `shortcut + scale * mask * activation(pass(activation(a), b) + bias)`, of operands a and b, then bias, mask and
/// shortcut where there are any.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Convolution {
    /// Which of the three.
    pub(in crate::ops) pass: Pass,
    /// Its sizes.
    pub(in crate::ops) shape: ConvShape,
    /// The slope of a leaky ReLU on the first operand.
    pub(in crate::ops) before: Option<f64>,
    /// Whether a bias is added.
    pub(in crate::ops) bias: bool,
    /// The slope of a leaky ReLU on the result.
    pub(in crate::ops) after: Option<f64>,
    /// The slope of a leaky ReLU whose derivative is multiplied with the result.
    pub(in crate::ops) mask: Option<f64>,
    /// The weight of the result in a sum.
    pub(in crate::ops) shortcut: Option<f64>,
}

impl OnCuda for Convolution {
    fn run<D: Driver>(&self, driver: &D, operands: &[Operand<'_>]) -> Made<D> {
        let (a, b) = (operands[0], operands[1]);
        let mut others = operands[2..].iter().map(|operand| operand.address);
        let epilogue = Epilogue {
            bias: self.bias.then(|| others.next()).flatten(),
            after: self.after,
            mask: self.mask.and_then(|slope| Some((others.next()?, slope))),
            shortcut: self.shortcut.and_then(|scale| Some((others.next()?, scale))),
        };
        let shape = result_shape(self.pass, &self.shape);
        let call = Call { driver, pass: self.pass, shape: &self.shape, a, b, before: self.before, epilogue };
        Ok((call.run(&shape)?, shape))
    }
}

/// The shape of the result.
fn result_shape(pass: Pass, s: &ConvShape) -> Shape {
    match pass {
        Pass::Forward => (s.batch, s.out_channels, s.out_height, s.out_width).into(),
        Pass::Transposed => (s.batch, s.in_channels, s.in_height, s.in_width).into(),
        Pass::WeightGradient => (s.out_channels, s.in_channels, s.kernel, s.kernel).into(),
    }
}

/// The forms to try, best first.
fn forms(precision: Precision, s: &ConvShape) -> Vec<Form> {
    // what tensor cores take at a time
    let in_eights = s.in_channels.is_multiple_of(8) && s.out_channels.is_multiple_of(8);
    match precision {
        Precision::F32 => vec![Form::Planes(Precision::F32)],
        fast if in_eights => vec![Form::ChannelsLast(fast), Form::Planes(Precision::Tf32)],
        _ => vec![Form::Planes(Precision::Tf32)],
    }
}

struct Call<'a, D> {
    driver: &'a D,
    pass: Pass,
    shape: &'a ConvShape,
    a: Operand<'a>,
    b: Operand<'a>,
    before: Option<f64>,
    epilogue: Epilogue,
}

impl<D: Driver> Call<'_, D> {
    fn run(&self, result: &Shape) -> Result<D::Memory> {
        let (out, s) = (self.driver.allocate(result.elem_count())?, self.shape);
        if result.elem_count() == 0 {
            return Ok(out);
        }
        if s.batch == 0 {
            each(self.driver, "zero", result.elem_count(), &arguments![out.address()])?;
            return Ok(out);
        }
        for length in [s.wide_len(), s.narrow_len(), s.weight_len()] {
            to_int(length)?;
        }
        if let Some(layer) = s.as_linear() {
            return self.as_product(&layer, out);
        }
        for form in forms(self.driver.precision(), s) {
            let done = match form {
                Form::Planes(_) => self.in_planes(form, out.address())?,
                Form::ChannelsLast(_) => self.in_channels_last(form, out.address())?,
            };
            if done {
                return Ok(out);
            }
        }
        self.driver.unserved().insert(self.pass, s);
        bail!("cuDNN has no way to compute this convolution")
    }

    /// The first operand after its activation, where there is one, which lives as long as the memory does.
    fn activated(&self) -> Result<(Address, Option<D::Memory>)> {
        let activated = self.before.map(|slope| leaky_relu(self.driver, self.a, slope)).transpose()?;
        Ok(match activated {
            Some((memory, _)) => (memory.address(), Some(memory)),
            None => (self.a.address, None),
        })
    }

    /// A kernel that covers the whole input: a fully connected layer.
    fn as_product(&self, layer: &LinearShape, out: D::Memory) -> Result<D::Memory> {
        let (a, _kept) = self.activated()?;
        linear::product(self.driver, self.pass, layer, Element::F32, [a, self.b.address, out.address()])?;
        self.finish(out.address())?;
        Ok(out)
    }

    fn in_planes(&self, form: Form, out: Address) -> Result<bool> {
        let (a, _kept) = self.activated()?;
        let done = self.bare(form, [a, self.b.address, out])?;
        if done {
            self.finish(out)?;
        }
        Ok(done)
    }

    /// What comes after, where it is a pass of its own.
    fn finish(&self, out: Address) -> Result<()> {
        let [count, channels, plane] = match self.pass {
            Pass::WeightGradient => {
                let s = self.shape;
                [s.out_channels, s.in_channels, s.kernel * s.kernel]
            }
            Pass::Forward => self.narrow(),
            Pass::Transposed => self.wide(),
        };
        self.epilogue.apply(self.driver, out, [count, channels, plane])
    }

    fn in_channels_last(&self, form: Form, out: Address) -> Result<bool> {
        let (driver, s, element) = (self.driver, self.shape, form.element());
        if self.pass == Pass::WeightGradient {
            let x = self.converted(form, self.a, self.wide(), self.before)?;
            let dy = self.converted(form, self.b, self.narrow(), None)?;
            let dw = driver.allocate(element.words(s.weight_len()))?;
            let done = self.bare(form, [x.address(), dy.address(), dw.address()])?;
            if done {
                let kernel = match element {
                    Element::F32 => "weight_from_channels_last",
                    Element::Bf16 => "weight_from_channels_last_bf16",
                };
                let arguments = arguments![dw.address(), out, s.in_channels, s.kernel * s.kernel];
                each(driver, kernel, s.weight_len(), &arguments)?;
                self.finish(out)?;
            }
            return Ok(done);
        }
        let (from, to) = match self.pass {
            Pass::Forward => (self.wide(), self.narrow()),
            _ => (self.narrow(), self.wide()),
        };
        let x = self.converted(form, self.a, from, self.before)?;
        let weight = self.converted_weight(element)?;
        let [pictures, channels, plane] = to;
        let y = driver.allocate(element.words(pictures * channels * plane))?;
        let done = self.bare(form, [x.address(), weight.address(), y.address()])?;
        if done {
            let kernel = match element {
                Element::F32 => "from_channels_last",
                Element::Bf16 => "from_channels_last_bf16",
            };
            let arguments =
                [&arguments![y.address(), out][..], &self.epilogue.arguments(), &arguments![channels, plane]];
            driver.launch(kernel, tiles(to), &arguments.concat())?;
        }
        Ok(done)
    }

    /// The convolution alone. Channels last, one of single pixels is a product.
    fn bare(&self, form: Form, [a, b, out]: [Address; 3]) -> Result<bool> {
        let (pass, s) = (self.pass, self.shape);
        if matches!(form, Form::ChannelsLast(_)) && (s.kernel, s.stride, s.padding) == (1, 1, 0) {
            let pixels = s.batch * s.in_height * s.in_width;
            let layer = LinearShape { batch: pixels, inputs: s.in_channels, outputs: s.out_channels };
            linear::product(self.driver, pass, &layer, form.element(), [a, b, out])?;
            return Ok(true);
        }
        self.driver.convolve(&driver::Convolution { pass, form, shape: *s, a, b, out })
    }

    /// `(N, C, H W)` of the wide side.
    fn wide(&self) -> [usize; 3] {
        let s = self.shape;
        [s.batch, s.in_channels, s.in_height * s.in_width]
    }

    /// `(N, C, H W)` of the narrow side.
    fn narrow(&self) -> [usize; 3] {
        let s = self.shape;
        [s.batch, s.out_channels, s.out_height * s.out_width]
    }

    /// An operand of `sizes`, channels last.
    fn converted(
        &self,
        form: Form,
        operand: Operand<'_>,
        sizes: [usize; 3],
        before: Option<f64>,
    ) -> Result<Arc<D::Memory>> {
        let (driver, element, [pictures, channels, plane]) = (self.driver, form.element(), sizes);
        driver.copies().get(operand.id, form, before, || {
            let copy = driver.allocate(element.words(pictures * channels * plane))?;
            let kernel = match element {
                Element::F32 => "to_channels_last",
                Element::Bf16 => "to_channels_last_bf16",
            };
            let slope = before.unwrap_or_default();
            let arguments =
                arguments![operand.address, copy.address(), before.is_some(), slope, channels, plane];
            driver.launch(kernel, tiles(sizes), &arguments)?;
            Ok(copy)
        })
    }

    /// The weight, channels last.
    fn converted_weight(&self, element: Element) -> Result<D::Memory> {
        let (driver, s) = (self.driver, self.shape);
        let copy = driver.allocate(element.words(s.weight_len()))?;
        let kernel = match element {
            Element::F32 => "weight_to_channels_last",
            Element::Bf16 => "weight_to_channels_last_bf16",
        };
        let arguments = arguments![self.b.address, copy.address(), s.in_channels, s.kernel * s.kernel];
        each(driver, kernel, s.weight_len(), &arguments)?;
        Ok(copy)
    }
}

/// The grid that takes `(N, C, H W)` to or from channels last.
fn tiles([pictures, channels, plane]: [usize; 3]) -> [usize; 3] {
    [plane.div_ceil(TILE.0), channels.div_ceil(TILE.1), pictures]
}
