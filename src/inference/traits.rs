use crate::base::{Cancel, Picture};
use crate::graph::GraphError;
use crate::model::Network;

/// Pictures that a processor computes at once.
const BATCH: usize = 64;
/// Values of pictures that it renders at once: large enough to keep it busy, small enough for any.
const BATCH_VALUES: usize = 1 << 21;

/// Trained networks from codes to pictures.
///
/// One renderer belongs to one thread at a time; its buffers are allocated once.
pub trait Renderer: Send {
    /// Width of the code it takes.
    fn code_dim(&self) -> usize;

    /// Channels (1 or 3), height and width of its pictures.
    fn picture_shape(&self) -> [usize; 3];

    /// The most pictures worth rendering in one call: enough to keep the machine busy, few enough for its memory.
    fn at_once(&self) -> usize {
        let picture: usize = self.picture_shape().iter().product();
        (BATCH_VALUES / picture.max(1)).clamp(1, BATCH)
    }

    /// Renders `codes` `(N, code_dim)` into `pictures` `(N, channels, height, width)` with values in [0, 1]
    /// (a generator's tanh output is mapped by (x + 1) / 2, a decoder's logits by the sigmoid).
    ///
    /// # Errors
    /// When a length does not fit or the device fails. A cancelled render leaves `pictures` unspecified and
    /// the renderer ready for the next one.
    fn render(
        &mut self,
        codes: &[f32],
        pictures: &mut [f32],
        cancel: &Cancel,
    ) -> Result<Outcome, RenderError>;

    /// Renders one code into an 8-bit picture, which takes the renderer's size if it has another.
    ///
    /// # Errors
    /// As [`Renderer::render`].
    fn render_picture(
        &mut self,
        code: &[f32],
        picture: &mut Picture,
        cancel: &Cancel,
    ) -> Result<Outcome, RenderError>;
}

/// Trained networks from pictures to the posterior of a code.
pub trait Encoder: Send {
    /// Width of the code it infers.
    fn code_dim(&self) -> usize;

    /// Channels (1 or 3), height and width of the pictures it takes (64x64 for the published VAE).
    fn picture_shape(&self) -> [usize; 3];

    /// The most pictures worth encoding in one call.
    fn at_once(&self) -> usize {
        BATCH
    }

    /// Encodes `pictures` `(N, channels, height, width)` in [0, 1] into `mu` and `logvar`, both
    /// `(N, code_dim)`; the log variances of what gives a code without its uncertainty are
    /// [`CodeValue::CERTAIN`](crate::model::CodeValue::CERTAIN).
    ///
    /// # Errors
    /// When a length does not fit or the device fails.
    fn encode(&mut self, pictures: &[f32], mu: &mut [f32], logvar: &mut [f32]) -> Result<(), RenderError>;
}

/// How a render ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The picture is complete.
    Done,
    /// It was cancelled between two layers.
    Cancelled,
}

/// A render or an encoding that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A slice of the wrong length.
    #[error("{what}: expected {expected} values, got {actual}")]
    Length {
        /// Which argument.
        what: &'static str,
        /// The length that fits.
        expected: usize,
        /// The length that was given.
        actual: usize,
    },
    /// Weights that do not fit the architecture.
    #[error("the weights do not fit the architecture: {0}")]
    Weights(String),
    /// A network that cannot be computed at all.
    #[error("{0}")]
    Network(GraphError),
    /// A network that the compiled plan has no kernel for; candle runs it.
    #[error("the processor's kernels do not know {0}")]
    Unsupported(String),
    /// A chain that does not fit together, or that cannot be run here.
    #[error("{0}")]
    Chain(String),
    /// The device failed.
    #[error("{}", crate::ops::fault(.0))]
    Device(#[from] candle_core::Error),
}

impl RenderError {
    /// Says that a network cannot do what its place in a chain asks of it.
    pub(super) fn cannot_run(does: &str, network: &Network) -> Self {
        let kind = network.architecture.kind();
        Self::Chain(format!("this idgan knows no network of the kind {kind} that {does}; update idgan"))
    }
}

impl From<GraphError> for RenderError {
    fn from(error: GraphError) -> Self {
        match error {
            GraphError::Weights(what) => Self::Weights(what),
            other => Self::Network(other),
        }
    }
}
