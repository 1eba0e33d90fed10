//! What the commands that draw figures share: arguments, and the loop over the chains that draw.

use std::path::PathBuf;

use crate::explore::export::{Target, TargetKind, check_size};
use crate::explore::{Codes, render_rows};

use super::workbench::Workbench;
use super::{DeviceArgs, ModelArgs, Progress, usage};

/// How large a figure is, where it goes, and of which model it is.
#[derive(Clone, Debug, clap::Args)]
pub struct FigureArgs {
    /// Side of a picture in pixels; the GAN's own resolution when left out.
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u16).range(1..=8192), help_heading = "Figure")]
    cell: Option<u16>,

    /// Draw more than 100 megapixels.
    #[arg(long, help_heading = "Figure")]
    force: bool,

    /// Where to; its ending says what is written (see below).
    #[arg(long, value_name = "OUT")]
    out: PathBuf,

    #[command(flatten)]
    pub(super) model: ModelArgs,

    #[command(flatten)]
    pub(super) device: DeviceArgs,
}

impl FigureArgs {
    /// Where the figure goes, one of `kinds`.
    ///
    /// # Errors
    /// When it is none of them, no model is named, or the place cannot be written to.
    pub(super) fn target(&self, kinds: &[TargetKind]) -> anyhow::Result<Target> {
        let target = Target::parse(&self.out, kinds).map_err(usage)?;
        self.model.sources()?;
        target.check()?;
        Ok(target)
    }

    /// The model, ready to draw.
    ///
    /// # Errors
    /// As [`Workbench::open`].
    pub(super) fn open(&self) -> anyhow::Result<Workbench> {
        Workbench::open(&self.model, &self.device)
    }

    /// Width and height of a picture in the figure: what was asked for, else the resolution of `chain`.
    pub(super) fn cell(&self, bench: &mut Workbench, chain: &str) -> anyhow::Result<[usize; 2]> {
        let [_, height, width] = bench.picture_shape(chain)?;
        Ok(self.cell.map_or([width, height], |side| [usize::from(side); 2]))
    }

    /// Refuses a figure of this width and height in pixels that is too large, unless that was wished for.
    pub(super) fn check_size(&self, size: [usize; 2]) -> anyhow::Result<()> {
        if self.force { Ok(()) } else { Ok(check_size(size)?) }
    }
}

impl Workbench {
    /// Draws the rows of codes by the chain beside them, one chain after the other. `each` gets the number of the chain and
    /// of the row, the picture's values in [0, 1] and their shape.
    ///
    /// # Errors
    /// When the codes do not fit, drawing fails, or `each` does.
    pub(super) fn render<'a>(
        &mut self,
        parts: impl IntoIterator<Item = (&'a str, &'a Codes)>,
        mut each: impl FnMut(usize, usize, &[f32], [usize; 3]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let parts: Vec<_> = parts.into_iter().collect();
        let progress = Progress::new("pictures", parts.iter().map(|(_, codes)| codes.rows()).sum());
        for (at, (chain, codes)) in parts.into_iter().enumerate() {
            let (input, shape) = (self.input(chain, codes)?, self.picture_shape(chain)?);
            render_rows(self.renderer(chain)?, &input, |row, values| {
                progress.add(1);
                each(at, row, values, shape)
            })?;
        }
        Ok(())
    }
}
