//! What a step finds while it runs, under names.

use candle_core::{Device, Result, Tensor};

use crate::ops::Readings;
use crate::training::{Gradients, StepReport};

/// The losses and norms of one step, in the order in which they come. Where the program runs ahead of its device they stay
/// there until the step is over, and are read in one copy.
#[derive(Debug, Default)]
pub struct Ledger {
    readings: Readings,
    lines: Vec<Line>,
}

#[derive(Debug)]
enum Line {
    /// The next reading times a factor adds to the value of this name.
    Add(&'static str, f64),
    /// So many readings times a factor add to the values of this name, one for each dimension.
    AddEach(&'static str, usize, f64),
    /// The next reading must be finite.
    Check(&'static str),
    /// This value of this name.
    Constant(&'static str, f64),
    /// Everything so far must have been finite for what follows to count.
    EndOfTurn,
}

impl Ledger {
    /// A ledger of what `device` computes; the default one is the CPU's.
    ///
    /// # Errors
    /// When the device fails.
    pub fn new(device: &Device) -> Result<Self> {
        Ok(Self { readings: Readings::new(device)?, lines: Vec::new() })
    }

    /// Begins a step.
    pub(in crate::training) fn clear(&mut self) {
        self.readings.clear();
        self.lines.clear();
    }

    /// Adds `value`, a scalar, times `factor` under `name`; values of one name are summed, and each must be finite.
    pub(in crate::training) fn add(&mut self, name: &'static str, value: &Tensor, factor: f64) -> Result<()> {
        self.lines.push(Line::Add(name, factor));
        self.readings.note(value)
    }

    /// Adds `values`, one for each dimension of a code, times `factor` under `name`. Whether they are finite is for the
    /// loss to say that they are part of.
    pub(in crate::training) fn add_each(
        &mut self,
        name: &'static str,
        values: &Tensor,
        factor: f64,
    ) -> Result<()> {
        self.lines.push(Line::AddEach(name, values.elem_count(), factor));
        self.readings.note(values)
    }

    /// Adds a number that is the same in every step.
    pub(in crate::training) fn add_constant(&mut self, name: &'static str, value: f64) {
        self.lines.push(Line::Constant(name, value));
    }

    /// Wants the norm of `gradients` to be finite.
    pub(in crate::training) fn check(&mut self, name: &'static str, gradients: &Gradients) -> Result<()> {
        self.lines.push(Line::Check(name));
        self.readings.note_squares(gradients.tensors())
    }

    /// Ends a turn; false where the host knows already that something was not finite.
    pub(in crate::training) fn end_turn(&mut self) -> Result<bool> {
        self.lines.push(Line::EndOfTurn);
        self.readings.end_turn()
    }

    /// What on the device says whether the turn's step may be made.
    pub(in crate::training) fn gate(&self) -> Option<&Tensor> {
        self.readings.gate()
    }

    /// The report, and how many turns were finite. What came after one that was not does not count.
    ///
    /// # Errors
    /// When the device fails.
    pub fn read(&self) -> Result<(StepReport, usize)> {
        let (mut report, mut turns) = (StepReport::default(), 0);
        let mut readings = self.readings.read()?.into_iter();
        let mut next = || readings.next().unwrap_or(f64::NAN);
        for line in &self.lines {
            match *line {
                Line::Add(name, factor) => {
                    let value = next();
                    report.add(name, value * factor);
                    report.check(name, value);
                }
                Line::AddEach(name, count, factor) => {
                    let each: Vec<f64> = (0..count).map(|_| next() * factor).collect();
                    report.add_each(name, each);
                }
                Line::Check(name) => report.check(name, next()),
                Line::Constant(name, value) => report.add(name, value),
                Line::EndOfTurn if report.not_finite.is_some() => break,
                Line::EndOfTurn => turns += 1,
            }
        }
        Ok((report, turns))
    }
}
