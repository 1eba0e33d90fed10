use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::PixelRange;

use super::Shape;

/// What a node of a graph computes. Names are those of its parameters without their endings: `fc` of `fc.weight`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Takes what comes from outside.
    Input(Shape),
    /// A row times a matrix.
    Linear(Linear),
    /// Slides kernels over a map.
    Convolution(Convolution),
    /// The adjoint of a convolution of these sizes: spreads each value over a kernel.
    TransposedConvolution(Convolution),
    /// Batch normalisation by running statistics: `weight * (x - running_mean) / sqrt(running_var + epsilon) + bias`.
    BatchNorm {
        /// The name of its parameters.
        name: String,
        /// Channels, or the numbers of a row.
        channels: usize,
        /// What is added to the variance.
        epsilon: f64,
    },
    /// `weight * x + bias`, one of each a channel: what a batch normalisation is where it folds into no layer.
    Affine {
        /// The name of its parameters.
        name: String,
        /// Channels, or the numbers of a row.
        channels: usize,
    },
    /// A function of each value.
    Activation(Activation),
    /// `weight * x`, one number a place of every map: weight `(1, channels, height, width)`.
    Weighted {
        /// The name of its parameter.
        name: String,
        /// Channels, height and width.
        shape: [usize; 3],
    },
    /// The first operand plus `scale` times the second. Of maps the second may have a single channel, or a single place, which
    /// goes with all of the first's.
    Add {
        /// The weight of the second operand.
        scale: f64,
    },
    /// The product of both operands place by place. The second may have a single place a channel, which goes with all of the
    /// first's.
    Multiply,
    /// Nearest-neighbour upsampling to twice the height and width.
    Double,
    /// Bilinear resampling.
    Bilinear {
        /// Height and width of the result.
        size: [usize; 2],
        /// Where the pixels of the result lie among those of the operand.
        corners: Corners,
    },
    /// Averages of windows.
    AveragePool(Pool),
    /// The largest values of windows; zeros around the map do not count.
    MaxPool(Pool),
    /// The same values, row by row of each channel, in another shape.
    Reshape(Shape),
    /// Operands one behind the other, channel by channel.
    Concat,
    /// Some of the channels, or of the numbers of a row.
    Slice {
        /// The first.
        start: usize,
        /// How many.
        length: usize,
        /// How far it is from one to the next; 1 takes neighbours.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        step: usize,
    },
    /// Exponentials that sum to one over the channels of each place, or over a row.
    Softmax,
    /// A picture's values to [0, 1]: what is beyond is cut off, (x + 1) / 2 of signed ones, the sigmoid of logits.
    ToPixels(PixelRange),
}

/// A fully connected layer, weight `(outputs, inputs)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linear {
    /// The name of its parameters.
    pub name: String,
    /// Numbers it takes.
    pub inputs: usize,
    /// Numbers it gives.
    pub outputs: usize,
    /// Whether something is added to the result.
    pub bias: bool,
}

/// The sizes of a convolution, whose weight is `(outputs, inputs / groups, height, width)`, or of a transposed one, whose
/// weight is `(inputs, outputs / groups, height, width)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Convolution {
    /// The name of its parameters.
    pub name: String,
    /// Channels it takes.
    pub inputs: usize,
    /// Channels it gives.
    pub outputs: usize,
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Pixels from one position of the kernel to the next, in both directions.
    pub stride: usize,
    /// Rows and columns of zeros on each side.
    pub padding: [usize; 2],
    /// Rows and columns that a transposed convolution makes more, below and to the right: fewer than its stride.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub output_padding: usize,
    /// Parts of the channels that do not see each other; 1 where all do.
    pub groups: usize,
    /// Whether something is added to each channel.
    pub bias: bool,
}

/// Functions of single values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// `x` above zero, this slope times `x` elsewhere; a slope of 0 is ReLU.
    LeakyRelu(f64),
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `ln(1 + exp(x))`.
    Softplus,
    /// `x` above zero, this factor times `exp(x) - 1` elsewhere.
    Elu(f64),
    /// `x` from the first number to the second, and these beyond.
    Clamp(f64, f64),
}

/// Where the pixels of a resampled map lie among those it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Corners {
    /// The outer edges of both maps meet: pixel `i` of `n` at `(i + 1/2) / n` of the way.
    Half,
    /// The centres of their outermost pixels meet.
    Aligned,
    /// Their first pixels meet, and one is as far from the next as if the edges met.
    Asymmetric,
}

/// The windows of a pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Height and width of a window.
    pub kernel: usize,
    /// Pixels from one window to the next.
    pub stride: usize,
    /// Rows and columns of zeros on each side.
    pub padding: usize,
    /// Whether those zeros are counted in the average.
    pub counts_padding: bool,
}

impl Linear {
    /// A layer with a bias.
    pub fn new(name: impl Into<String>, inputs: usize, outputs: usize) -> Self {
        Self { name: name.into(), inputs, outputs, bias: true }
    }

    /// The same without a bias.
    pub fn without_bias(self) -> Self {
        Self { bias: false, ..self }
    }
}

impl Convolution {
    /// One with a square kernel that moves by single pixels, with neither padding nor groups, with a bias.
    pub fn new(name: impl Into<String>, inputs: usize, outputs: usize, kernel: usize) -> Self {
        Self {
            name: name.into(),
            inputs,
            outputs,
            kernel: [kernel; 2],
            stride: 1,
            padding: [0; 2],
            output_padding: 0,
            groups: 1,
            bias: true,
        }
    }

    /// The same with another stride.
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// The same with as many zeros on every side.
    pub fn padding(self, padding: usize) -> Self {
        Self { padding: [padding; 2], ..self }
    }

    /// The same with so many rows and columns more below and to the right.
    pub fn output_padding(self, output_padding: usize) -> Self {
        Self { output_padding, ..self }
    }

    /// The same with its channels in parts.
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// The same without a bias.
    pub fn without_bias(self) -> Self {
        Self { bias: false, ..self }
    }

    /// Kernel, stride and padding, of one that is square, pads evenly and has no groups.
    pub fn geometry(&self) -> Option<(usize, usize, usize)> {
        let ([height, width], [rows, columns]) = (self.kernel, self.padding);
        (height == width && rows == columns && self.groups == 1).then_some((height, self.stride, rows))
    }
}

const fn one() -> usize {
    1
}

const fn is_one(value: &usize) -> bool {
    *value == 1
}

const fn is_zero(value: &usize) -> bool {
    *value == 0
}

impl Operation {
    /// ReLU.
    pub const RELU: Self = Self::Activation(Activation::LeakyRelu(0.0));

    /// A leaky ReLU.
    pub const fn leaky_relu(slope: f64) -> Self {
        Self::Activation(Activation::LeakyRelu(slope))
    }

    /// `length` neighbours from `start` on.
    pub const fn slice(start: usize, length: usize) -> Self {
        Self::Slice { start, length, step: 1 }
    }

    /// The slope of a leaky ReLU, if it is one.
    pub fn leaky_slope(&self) -> Option<f64> {
        match self {
            Self::Activation(Activation::LeakyRelu(slope)) => Some(*slope),
            _ => None,
        }
    }

    /// Whether it adds a bias of its own.
    pub fn has_bias(&self) -> bool {
        match self {
            Self::Linear(layer) => layer.bias,
            Self::Convolution(layer) | Self::TransposedConvolution(layer) => layer.bias,
            Self::BatchNorm { .. } => true,
            _ => false,
        }
    }

    /// The name of its parameters, if it has any.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Linear(layer) => Some(&layer.name),
            Self::Convolution(layer) | Self::TransposedConvolution(layer) => Some(&layer.name),
            Self::BatchNorm { name, .. } | Self::Affine { name, .. } | Self::Weighted { name, .. } => {
                Some(name)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::Input(_) => "input",
            Self::Linear(_) => "linear",
            Self::Convolution(_) => "convolution",
            Self::TransposedConvolution(_) => "transposed convolution",
            Self::BatchNorm { .. } => "batch normalisation",
            Self::Affine { .. } => "affine",
            Self::Weighted { .. } => "weights of places",
            Self::Activation(Activation::LeakyRelu(_)) => "leaky ReLU",
            Self::Activation(Activation::Tanh) => "tanh",
            Self::Activation(Activation::Sigmoid) => "sigmoid",
            Self::Activation(Activation::Softplus) => "softplus",
            Self::Activation(Activation::Elu(_)) => "ELU",
            Self::Activation(Activation::Clamp(..)) => "clamp",
            Self::Add { .. } => "add",
            Self::Multiply => "multiplication",
            Self::Double => "nearest doubling",
            Self::Bilinear { .. } => "bilinear resampling",
            Self::AveragePool(_) => "average pooling",
            Self::MaxPool(_) => "max pooling",
            Self::Reshape(_) => "reshape",
            Self::Concat => "concatenation",
            Self::Slice { .. } => "slice",
            Self::Softmax => "softmax",
            Self::ToPixels(_) => "to pixels",
        };
        match self.name() {
            Some(name) => write!(f, "{what} {}", crate::base::visible(name)),
            None => f.write_str(what),
        }
    }
}
