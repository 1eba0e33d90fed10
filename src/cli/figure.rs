//! What the commands that draw figures share: arguments, and the call that draws.

use std::path::PathBuf;

use crate::base::Cancel;
use crate::figures::export::{Length, Points};
use crate::figures::{Cells, DrawOptions, Figure, FigureError, FigureRequest, Observer, Print};

use super::workbench::typed_command;
use super::{DeviceArgs, ModelArgs, TerminalProgress, threads, usage, warn};

/// How large a figure is, where it goes, and of which model it is.
#[derive(Clone, Debug, clap::Args)]
pub struct FigureArgs {
    /// Side of a picture in pixels; the GAN's own resolution when left out.
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u16).range(1..=8192), help_heading = "Figure")]
    cell: Option<u16>,

    #[command(flatten)]
    print: PrintArgs,

    /// Draw more than 100 megapixels.
    #[arg(long, help_heading = "Figure")]
    force: bool,

    #[command(flatten)]
    output: OutputArgs,
}

/// How large a figure is on paper.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct PrintArgs {
    /// Width on paper, with its unit (mm, cm, in or pt), of a .png, .svg or .pdf; 96 pixels an inch when left out.
    #[arg(long, value_name = "LENGTH", help_heading = "Figure")]
    width: Option<Length>,

    /// Size of the titles' type on paper in points, 1 to 144; what suits the pictures when left out.
    #[arg(long, value_name = "PT", help_heading = "Figure")]
    font_size: Option<Points>,
}

impl PrintArgs {
    /// The same as the figures have it.
    pub(super) fn print(self) -> Print {
        Print { width: self.width, font_size: self.font_size }
    }
}

/// Where a figure goes, and of which model it is.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct OutputArgs {
    /// Where to; its ending says what is written (see below).
    #[arg(long, value_name = "OUT")]
    out: PathBuf,

    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    device: DeviceArgs,
}

impl FigureArgs {
    /// How large the pictures are.
    pub(super) fn cells(&self) -> Cells {
        Cells { side: self.cell, is_forced: self.force, print: self.print.print() }
    }

    /// The request for `figure`.
    ///
    /// # Errors
    /// When no model is named.
    pub(super) fn request(&self, figure: Figure) -> anyhow::Result<FigureRequest> {
        self.output.request(figure)
    }
}

impl OutputArgs {
    /// The request for `figure`.
    ///
    /// # Errors
    /// When no model is named.
    pub(super) fn request(&self, figure: Figure) -> anyhow::Result<FigureRequest> {
        let (model, place) = (self.model.sources()?, self.device.place());
        Ok(FigureRequest { model, place, figure, out: self.out.clone() })
    }
}

/// Draws a figure; it says that the command that was typed makes it again.
///
/// # Errors
/// As [`FigureRequest::draw`].
pub(super) fn draw(request: &FigureRequest) -> anyhow::Result<()> {
    // Ctrl+C ends the program.
    let (cancel, mut terminal) = (Cancel::new(), Terminal::default());
    let (command, threads) = (typed_command(), threads());
    request
        .draw(&mut DrawOptions { command, threads, cancel: &cancel, observer: &mut terminal })
        .map_err(worded)
}

/// A figure's error as the command line tells it: words that make no sense are a [`super::Usage`] error.
pub(super) fn worded(error: FigureError) -> anyhow::Error {
    match error {
        FigureError::Request(sentence) => usage(sentence),
        error => error.into(),
    }
}

/// Warnings and progress on stderr.
#[derive(Default)]
struct Terminal {
    bar: Option<TerminalProgress>,
}

impl Observer for Terminal {
    fn warn(&mut self, sentence: &str) {
        warn(sentence);
    }

    fn progress(&mut self, _done: usize, of: usize) {
        self.bar.get_or_insert_with(|| TerminalProgress::new("pictures", of)).add(1);
    }
}
