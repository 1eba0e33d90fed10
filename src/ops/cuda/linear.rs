//! Fully connected layers as products.

use candle_core::Result;

use super::OnCuda;
use super::driver::{Address, Driver, Element, Memory, Operand, Product};
use super::kernels::{Epilogue, Made, arguments, each};
use crate::ops::cpu::linear::LinearShape;
use crate::ops::pass::Pass;

/// A layer, of operands x and weight, dy and weight, or x and dy, and for the first a bias where there is one.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Linear {
    /// Which of the three products.
    pub(in crate::ops) pass: Pass,
    /// Its sizes.
    pub(in crate::ops) shape: LinearShape,
}

impl OnCuda for Linear {
    fn run<D: Driver>(&self, driver: &D, operands: &[Operand<'_>]) -> Made<D> {
        let s = &self.shape;
        let (rows, columns) = match self.pass {
            Pass::Forward => (s.batch, s.outputs),
            Pass::Transposed => (s.batch, s.inputs),
            Pass::WeightGradient => (s.outputs, s.inputs),
        };
        let out = driver.allocate(rows * columns)?;
        product(
            driver,
            self.pass,
            s,
            Element::F32,
            [operands[0].address, operands[1].address, out.address()],
        )?;
        let epilogue = Epilogue { bias: operands.get(2).map(|bias| bias.address), ..Epilogue::default() };
        epilogue.apply(driver, out.address(), [rows, columns, 1])?;
        Ok((out, (rows, columns).into()))
    }
}

/// Queues one of a layer's three products, `out` from `a` and `b`.
pub(super) fn product<D: Driver>(
    driver: &D,
    pass: Pass,
    s: &LinearShape,
    element: Element,
    [a, b, out]: [Address; 3],
) -> Result<()> {
    let (left, right, [rows, inner, columns]) = match pass {
        Pass::Forward => ((a, false), (b, true), [s.batch, s.inputs, s.outputs]),
        Pass::Transposed => ((a, false), (b, false), [s.batch, s.outputs, s.inputs]),
        Pass::WeightGradient => ((b, true), (a, false), [s.outputs, s.batch, s.inputs]),
    };
    if rows * columns == 0 {
        return Ok(());
    }
    if inner == 0 {
        return each(driver, "zero", element.words(rows * columns), &arguments![out]);
    }
    driver.product(&Product {
        element,
        precision: driver.precision(),
        left,
        right,
        out,
        rows,
        inner,
        columns,
    })
}
