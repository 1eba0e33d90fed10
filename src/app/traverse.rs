use std::path::{Path, PathBuf};
use std::process::Command;

use super::matrix::MatrixState;
use super::save::{model_arguments, name, with_extension, write_codes};
use super::state::State;
use super::table::{Grid, Table};
use crate::base::shell_quoted;
use crate::checkpoint::{CodeBlock, CodeKind};
use crate::engine::Role;
use crate::explore::{Mode, RangeSpec, Traversal, draw_prior, main_block};

/// What the Traverse panel makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Figure {
    /// One row a factor, one column a value.
    #[default]
    Traversal,
    /// One row a nuisance code, one column a code.
    Matrix,
    /// One factor, or a path through bookmarks, in motion.
    Animation,
}

/// Where a traversal's values come from, as a person chooses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RangeKind {
    #[default]
    Fixed,
    Prior,
    Posterior,
    Data,
}

/// A figure as it is set up, and its pictures.
pub(crate) struct TraverseState {
    pub(crate) figure: Figure,
    pub(crate) kind: RangeKind,
    /// Ends of the fixed range.
    pub(crate) ends: [f32; 2],
    /// Quantile of the prior's and posterior's ranges.
    pub(crate) quantile: f32,
    pub(crate) steps: usize,
    pub(crate) mode: Mode,
    pub(crate) role: Role,
    pub(crate) with_collapsed: bool,
    /// Width of a cell on the screen in points; `None` for as large as the table fits.
    pub(crate) cell: Option<f32>,
    pub(crate) matrix: MatrixState,
    pub(crate) grid: Option<Grid>,
}

impl Default for TraverseState {
    fn default() -> Self {
        Self {
            figure: Figure::Traversal,
            kind: RangeKind::Fixed,
            ends: [-3.0, 3.0],
            quantile: 0.99,
            steps: 7,
            mode: Mode::Replace,
            role: Role::Generator,
            with_collapsed: false,
            cell: None,
            matrix: MatrixState::default(),
            grid: None,
        }
    }
}

impl TraverseState {
    pub(crate) fn range(&self) -> RangeSpec {
        match self.kind {
            RangeKind::Fixed => RangeSpec::Fixed(self.ends[0], self.ends[1]),
            RangeKind::Prior => RangeSpec::Prior(f64::from(self.quantile)),
            RangeKind::Posterior => RangeSpec::Posterior(f64::from(self.quantile)),
            RangeKind::Data => RangeSpec::Data,
        }
    }

    /// Whether pictures are on their way.
    pub(crate) fn is_waiting(&self) -> bool {
        self.grid.as_ref().is_some_and(Grid::is_waiting)
    }
}

impl State {
    /// The traversal that is set up, of the codes shown.
    pub(crate) fn traversal(&self) -> Result<Traversal, String> {
        let (model, latent) = self.model.as_ref().zip(self.latent.as_ref()).ok_or("open a model first")?;
        let description = model.description();
        let name = main_block(description).ok_or("this model has no codes to traverse")?;
        let block = description.block(name).ok_or("this model has no codes to traverse")?;
        let is_shown = |dim: &usize| self.traverse.with_collapsed || model.is_active(name, *dim);
        let order = model.order(block, self.settings.sort_by_information);
        let mut dims = order.clone();
        dims.retain(is_shown);
        if dims.is_empty() {
            dims = order; // A model that has learnt nothing yet.
        }
        let posterior = model.profile.as_ref().map(|profile| (profile.block.as_str(), &profile.posterior));
        let resolve = |&dim: &usize| self.traverse.range().resolve(block, dim, posterior);
        let ranges = dims.iter().map(resolve).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        let steps = self.traverse.steps.clamp(1, 64);
        let base = latent.codes().clone();
        Ok(Traversal { block: name.to_owned(), dims, ranges, steps, base, mode: self.traverse.mode })
    }

    /// The table of pictures that is set up; none for an animation.
    pub(crate) fn table(&self) -> Result<Table, String> {
        match self.traverse.figure {
            Figure::Matrix => self.code_matrix().map(Table::Matrix),
            Figure::Traversal | Figure::Animation => self.traversal().map(Table::Traversal),
        }
    }

    /// The words of the command that draws `traversal`, without where to; `codes` is a file with the base code, for
    /// those that the command line cannot say otherwise. Second, whether that file is needed.
    pub(crate) fn traversal_words(
        &self,
        traversal: &Traversal,
        range: RangeSpec,
        codes: &Path,
    ) -> Option<(Vec<String>, bool)> {
        let (model, latent) = self.model.as_ref().zip(self.latent.as_ref())?;
        let mut words = vec!["traverse".to_owned()];
        words.extend(model_arguments(&model.opened));
        option(&mut words, "block", traversal.block.clone());
        let dims: Vec<String> = traversal.dims.iter().map(ToString::to_string).collect();
        option(&mut words, "dims", dims.join(","));
        let names: Vec<String> =
            traversal.dims.iter().map(|&dim| latent.name(&traversal.block, dim).replace(',', " ")).collect();
        if names.iter().any(|name| !name.is_empty()) {
            option(&mut words, "names", names.join(","));
        }
        option(&mut words, "range", range.to_string());
        option(&mut words, "steps", traversal.steps.to_string());
        option(&mut words, "mode", traversal.mode.to_string());
        option(&mut words, "decoder", self.decoder_word());
        let seed = self.traverse.role == Role::Generator && model.has_noise();
        let seed = seed.then_some(self.nuisance.seed());
        let is_plain = |block: &CodeBlock| match (block.kind, seed) {
            (CodeKind::Noise, Some(seed)) => draw_prior(block, seed, 0) == latent.values(&block.name),
            (CodeKind::Noise, None) => true,
            _ => latent.neutral(&block.name) == latent.values(&block.name),
        };
        let needs_codes = !model.description().codes.iter().all(is_plain);
        if needs_codes {
            option(&mut words, "codes", codes.display().to_string());
        } else if let Some(seed) = seed {
            option(&mut words, "s-seed", seed.to_string());
        }
        words.extend(self.device_words());
        Some((words, needs_codes))
    }

    /// What the command line calls the network that draws figures.
    pub(crate) fn decoder_word(&self) -> String {
        if self.traverse.role == Role::Generator { "gan" } else { "vae" }.to_owned()
    }

    /// Where to compute, for the command line; nothing where nobody chose.
    pub(crate) fn device_words(&self) -> Vec<String> {
        let device = self.model.as_ref().map_or("", |model| model.opened.source.device.as_str());
        let mut words = Vec::new();
        if !device.is_empty() && device != "auto" {
            option(&mut words, "device", device.to_owned());
        }
        words
    }

    /// The command that makes the traversal shown again, as a line for a shell.
    pub(crate) fn traversal_line(&self, traversal: &Traversal) -> String {
        let codes = Path::new("traversal.codes.npz");
        let words = self.traversal_words(traversal, self.traverse.range(), codes);
        words.map_or_else(String::new, |(words, _)| line(words, "traversal.png"))
    }

    /// Draws the traversal shown into a file by running the very command that its provenance records.
    pub(crate) fn export_traversal(&mut self, path: PathBuf, ctx: &egui::Context) {
        let path = with_extension(path, "png");
        let codes_path = path.with_extension("codes.npz");
        let Ok(traversal) = self.traversal() else { return };
        let Some((words, needs_codes)) = self.traversal_words(&traversal, self.traverse.range(), &codes_path)
        else {
            return;
        };
        self.export_by_command(
            words,
            &path,
            needs_codes.then_some((codes_path, traversal.base)),
            "traversal",
            ctx,
        );
    }

    /// Runs the program's own command line `words` with `--out PATH`, after writing the codes that it needs; its
    /// answer lands in the log. `what` is what people call the result.
    pub(crate) fn export_by_command(
        &mut self,
        mut words: Vec<String>,
        path: &Path,
        codes: Option<(PathBuf, crate::explore::Codes)>,
        what: &'static str,
        ctx: &egui::Context,
    ) {
        words.extend(["--out".to_owned(), path.display().to_string()]);
        let mut command = vec!["idgan".to_owned()];
        command.extend(words.iter().cloned());
        let Some(provenance) = self.provenance(command) else { return };
        let (program, path) = (self.program.clone(), path.to_owned());
        self.start_job(format!("Exporting {}", name(&path)), ctx, move || {
            if let Some((path, codes)) = codes {
                write_codes(&path, &codes, &provenance).map_err(|error| error.to_string())?;
            }
            run(&program, &words)?;
            Ok(format!("Exported the {what}: {}", path.display()))
        });
    }
}

/// Adds `--NAME=VALUE`.
pub(crate) fn option(words: &mut Vec<String>, name: &str, value: impl std::fmt::Display) {
    words.push(format!("--{name}={value}"));
}

/// A command for a shell, with where to.
pub(crate) fn line(mut words: Vec<String>, out: &str) -> String {
    words.extend(["--out".to_owned(), out.to_owned()]);
    format!("idgan {}", shell_quoted(&words))
}

/// Runs this program's command line and waits; what it says on stderr is the error.
pub(crate) fn run(program: &Path, words: &[String]) -> Result<(), String> {
    let output = Command::new(program)
        .args(words)
        .output()
        .map_err(|error| format!("the command could not be started ({error}): {}", program.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    Err(format!("the export failed: {}", last.trim_start_matches("error: ")))
}
