//! What is known of a value of an ONNX file while its network is read.

use crate::graph;

/// A value by what it can be used for.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// Computed of what comes from outside: one for each row of a batch.
    Computed(Computed),
    /// Numbers of the file.
    Constant(Constant),
    /// Sizes and places, which are only computed with while the network is read.
    Sizes(Sizes),
    /// Whether a computed value is above a number.
    Above(Computed, f32),
}

/// A value of the network.
#[derive(Clone, Debug)]
pub(super) struct Computed {
    pub(super) value: graph::Value,
    /// Its sides as ONNX counts them, without the batch.
    pub(super) sides: Vec<usize>,
    /// Which side of the graph's value each of `sides` is: in order, unless it was transposed.
    pub(super) order: Vec<usize>,
}

/// Most numbers of one value.
const MOST_NUMBERS: usize = 1 << 32;
/// Most numbers that are made of a smaller constant: 256 MiB.
pub(super) const MOST_SPREAD: usize = 1 << 26;

/// Numbers of a file.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    /// Its sides, all of them.
    pub(super) sides: Vec<usize>,
    pub(super) values: Vec<f32>,
}

/// Whole numbers, in a list or by themselves.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sizes {
    pub(super) values: Vec<Size>,
    pub(super) is_single: bool,
}

/// A whole number, of which the size of the batch is only known when the network runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Known(i64),
    Batch,
}

impl Computed {
    /// A value whose sides are those of the graph's.
    pub(super) fn new(value: graph::Value, sides: Vec<usize>) -> Self {
        let order = (0..sides.len()).collect();
        Self { value, sides, order }
    }

    /// The same if it was not transposed.
    ///
    /// # Errors
    /// When it was.
    pub(super) fn straight(&self) -> Result<&Self, String> {
        if self.order.iter().copied().eq(0..self.sides.len()) {
            return Ok(self);
        }
        Err("takes maps whose sides were transposed, other than from channels last and back".into())
    }

    /// Whether it is more numbers than can be computed with, so that their count cannot overflow where it is not.
    pub(super) fn is_too_large(&self) -> bool {
        let count = self.sides.iter().try_fold(1usize, |product, side| product.checked_mul(*side));
        count.is_none_or(|count| count > MOST_NUMBERS)
    }

    /// How many numbers it is.
    pub(super) fn len(&self) -> usize {
        self.sides.iter().product()
    }

    /// Its sides in the order of the graph's value.
    pub(super) fn graph_sides(&self) -> Vec<usize> {
        let mut sides = self.sides.clone();
        self.order.iter().zip(&self.sides).for_each(|(&place, &side)| sides[place] = side);
        sides
    }

    /// How the graph holds a value of its sides: with one side or neither two nor three as a row.
    pub(super) fn shape(&self) -> graph::Shape {
        shape_of(&self.graph_sides())
    }
}

/// How the graph holds a value of these sides.
pub(super) fn shape_of(sides: &[usize]) -> graph::Shape {
    match *sides {
        [channels, height, width] => graph::Shape::Map([channels, height, width]),
        _ => graph::Shape::Row(sides.iter().product()),
    }
}

impl Constant {
    /// The number, if it is only one.
    pub(super) fn single(&self) -> Option<f32> {
        match self.values[..] {
            [value] => Some(value),
            _ => None,
        }
    }
}

impl Sizes {
    /// A list of known ones.
    pub(super) fn list(values: impl IntoIterator<Item = i64>) -> Self {
        Self { values: values.into_iter().map(Size::Known).collect(), is_single: false }
    }

    /// The numbers, if the batch is not among them.
    ///
    /// # Errors
    /// When it is.
    pub(super) fn known(&self) -> Result<Vec<i64>, String> {
        let number = |size: &Size| match size {
            Size::Known(value) => Ok(*value),
            Size::Batch => Err("computes with the number of pictures in a batch".to_owned()),
        };
        self.values.iter().map(number).collect()
    }
}

impl Known {
    /// What it is, for a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Computed(_) => "a computed value",
            Self::Constant(_) => "numbers of the file",
            Self::Sizes(_) => "sizes",
            Self::Above(..) => "a comparison",
        }
    }
}
