use candle_core::{Device, Result, bail};

use crate::base::{Arrays, Cancel, Picture, PixelRange, Pool};
use crate::graph::{Graph, Operation, Shape};
use crate::inference::batch::{Footprint, MemoryBudget};
use crate::inference::frame::Frame;
use crate::inference::{Outcome, RenderError, Renderer};
use crate::ops::{self, OwnStream};

use super::check_batch;
use super::interpreter::Interpreter;
use super::operations::to_pixels;

/// A network from codes to pictures through candle.
pub struct TensorRenderer {
    /// Without its last operation.
    net: Interpreter,
    /// What the last operation takes.
    range: PixelRange,
    code_dim: usize,
    picture_shape: [usize; 3],
    footprint: Footprint,
    /// Memory for the pictures that go through the network at once.
    budget: MemoryBudget,
    /// Where single pictures are made as bytes, where they are.
    frame: Option<Frame>,
    pool: Pool,
    /// Where all of it lies: dropped last.
    stream: OwnStream,
}

impl TensorRenderer {
    /// A network from one code to a picture that ends in [`Operation::ToPixels`]; other weights may lie beside its own.
    ///
    /// # Errors
    /// When it is another, the weights do not fit, or the device cannot hold them.
    pub fn new(
        graph: &Graph,
        weights: &Arrays,
        device: &Device,
        pool: &Pool,
    ) -> std::result::Result<Self, RenderError> {
        let (code_dim, picture_shape) = ends(graph)?;
        let Some((before, Operation::ToPixels(range))) = graph.clone().without_last() else {
            return Err(RenderError::Chain("the network does not end in pixels".into()));
        };
        let stream = OwnStream::beside(device)?;
        let device = stream.device();
        Ok(Self {
            net: Interpreter::new(&before, weights, device)?,
            range,
            code_dim,
            picture_shape,
            footprint: Footprint::of_graph(graph)?,
            budget: MemoryBudget::of(device),
            frame: Frame::new(code_dim, picture_shape, range, device)?,
            pool: pool.clone(),
            stream,
        })
    }

    /// The same within another budget than the device's.
    pub fn within(self, budget: MemoryBudget) -> Self {
        Self { budget, ..self }
    }

    /// Pictures of rows of codes in [0, 1].
    fn values(&self, codes: &[f32]) -> Result<Vec<f32>> {
        let (net, device, range, code_dim) = (&self.net, self.stream.device(), self.range, self.code_dim);
        self.pool.run(|| {
            let codes = ops::upload(codes, (codes.len() / code_dim.max(1), code_dim), device)?;
            match net.run(&[codes])?.pop() {
                Some(pictures) => ops::download(&to_pixels(&pictures, range)?),
                None => bail!("the network draws nothing"),
            }
        })
    }
}

/// The width of the code that a network takes and the shape of the picture that it gives, if it does.
pub(in crate::inference) fn ends(graph: &Graph) -> std::result::Result<(usize, [usize; 3]), RenderError> {
    match (&graph.inputs().collect::<Vec<_>>()[..], &graph.output_shapes()?[..]) {
        (&[Shape::Row(code)], &[Shape::Map(picture)]) => Ok((code, picture)),
        _ => Err(RenderError::Chain("the network does not draw one picture of one code".into())),
    }
}

impl Renderer for TensorRenderer {
    fn code_dim(&self) -> usize {
        self.code_dim
    }

    fn at_once(&self) -> usize {
        self.budget.pictures(self.footprint)
    }

    fn picture_shape(&self) -> [usize; 3] {
        self.picture_shape
    }

    fn render(
        &mut self,
        codes: &[f32],
        pictures: &mut [f32],
        cancel: &Cancel,
    ) -> std::result::Result<Outcome, RenderError> {
        let picture_len: usize = self.picture_shape.iter().product();
        check_batch(codes.len(), self.code_dim, "codes", pictures.len(), picture_len, "pictures")?;
        let at_once = self.at_once();
        let inputs = codes.chunks(at_once * self.code_dim.max(1));
        for (codes, pictures) in inputs.zip(pictures.chunks_mut(at_once * picture_len)) {
            if cancel.is_cancelled() {
                return Ok(Outcome::Cancelled);
            }
            pictures.copy_from_slice(&self.values(codes)?);
        }
        Ok(Outcome::Done)
    }

    fn render_picture(
        &mut self,
        code: &[f32],
        picture: &mut Picture,
        cancel: &Cancel,
    ) -> std::result::Result<Outcome, RenderError> {
        let [channels, height, width] = self.picture_shape;
        let pixels = height * width;
        check_batch(code.len(), self.code_dim, "codes", pixels, pixels, "pictures")?;
        if cancel.is_cancelled() {
            return Ok(Outcome::Cancelled);
        }
        if let Some(frame) = &mut self.frame {
            if (picture.width(), picture.height()) != (width, height) {
                *picture = Picture::from_rgba(width, height, vec![0; 4 * pixels]).unwrap_or_default();
            }
            return Ok(frame.draw(&self.net, code, picture.rgba_mut(), cancel)?);
        }
        let rendered = Picture::from_chw(&self.values(code)?, channels, height, width);
        *picture = rendered.ok_or_else(|| {
            RenderError::Weights(format!("{channels} picture channels; 1 or 3 can be shown"))
        })?;
        Ok(Outcome::Done)
    }
}
