use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crossbeam::channel::{Receiver, TryRecvError};

use super::paint::Surface;
use super::save::{model_arguments, name, with_extension, write_codes};
use super::state::State;
use crate::checkpoint::{CodeBlock, CodeKind};
use crate::engine::{Batch, Cell, Role};
use crate::explore::export::shell_quoted;
use crate::explore::{Codes, Mode, RangeSpec, Traversal, draw_prior, main_block};

/// Where a traversal's values come from, as a person chooses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RangeKind {
    #[default]
    Fixed,
    Prior,
    Posterior,
    Data,
}

/// A traversal as it is set up, and its pictures.
pub(crate) struct TraverseState {
    pub(crate) kind: RangeKind,
    /// Ends of the fixed range.
    pub(crate) ends: [f32; 2],
    /// Quantile of the prior's and posterior's ranges.
    pub(crate) quantile: f32,
    pub(crate) steps: usize,
    pub(crate) mode: Mode,
    pub(crate) role: Role,
    pub(crate) with_collapsed: bool,
    /// Width of a cell on the screen in points.
    pub(crate) cell: f32,
    pub(crate) grid: Option<Grid>,
}

/// The pictures of one traversal, arriving one by one.
pub(crate) struct Grid {
    key: Key,
    pub(crate) traversal: Traversal,
    pub(crate) codes: Codes,
    /// All cells in one texture, row by row.
    pub(crate) surface: Surface,
    /// Side of a cell in the texture.
    pub(crate) side: usize,
    pub(crate) done: usize,
    cells: Option<Receiver<Cell>>,
}

/// What a grid depends on.
#[derive(Clone, PartialEq)]
struct Key {
    epoch: u64,
    role: Role,
    traversal: Traversal,
    side: usize,
}

/// Sides of cells in the texture, in pixels; what is between is scaled on the GPU.
const SIDES: [usize; 4] = [32, 64, 128, 256];

/// The largest texture side in use.
const TEXTURE: usize = 8192;

impl Default for TraverseState {
    fn default() -> Self {
        Self {
            kind: RangeKind::Fixed,
            ends: [-3.0, 3.0],
            quantile: 0.99,
            steps: 7,
            mode: Mode::Replace,
            role: Role::Generator,
            with_collapsed: false,
            cell: 72.0,
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
        self.grid.as_ref().is_some_and(|grid| grid.cells.is_some())
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
        let dims: Vec<usize> = order.into_iter().filter(is_shown).collect();
        let posterior = model.profile.as_ref().map(|profile| (profile.block.as_str(), &profile.posterior));
        let resolve = |&dim: &usize| self.traverse.range().resolve(block, dim, posterior);
        let ranges = dims.iter().map(resolve).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        let steps = self.traverse.steps.clamp(1, 64);
        let base = latent.codes().clone();
        Ok(Traversal { block: name.to_owned(), dims, ranges, steps, base, mode: self.traverse.mode })
    }

    /// Keeps the grid up to date with what is set up. Called while it is visible.
    pub(crate) fn update_grid(&mut self, traversal: Traversal, pixels_per_point: f32) {
        let Some(model) = &self.model else { return };
        if model.opened.shape(self.traverse.role).is_none() {
            self.traverse.role = model.main_role();
        }
        let role = self.traverse.role;
        let Some([_, height, _]) = model.opened.shape(role) else { return };
        let wanted = (self.traverse.cell * pixels_per_point) as usize;
        let longest = traversal.steps.max(traversal.dims.len()).max(1);
        let fits = |side: usize| side * longest <= TEXTURE;
        let side = SIDES.into_iter().find(|&side| side >= wanted).unwrap_or(SIDES[3]).min(height);
        let side =
            std::iter::successors(Some(side), |side| Some(side / 2)).find(|&side| fits(side)).unwrap_or(1);
        let key = Key { epoch: model.opened.epoch, role, traversal, side };
        if self.traverse.grid.as_ref().is_some_and(|grid| grid.key == key) || self.is_dragging {
            return;
        }
        let Ok(codes) = key.traversal.codes() else { return };
        let inputs = match role {
            Role::Generator => codes.generator_input(model.description()),
            Role::Decoder => codes.decoder_input(model.description()),
        };
        let Ok(inputs) = inputs else { return };
        let rows = (0..codes.rows()).map(|row| inputs.row(row).into()).collect();
        let (batch, cells) = Batch::new("traverse", key.epoch, rows, side);
        self.engine.batch(role, batch);
        // Cells stay until their successors arrive, as long as the table has the same shape.
        let old = self.traverse.grid.take().filter(|grid| {
            grid.side == side
                && grid.traversal.steps == key.traversal.steps
                && grid.traversal.dims == key.traversal.dims
                && grid.key.role == role
                && grid.key.epoch == key.epoch
        });
        let surface = old.map_or_else(Surface::new, |grid| grid.surface);
        surface.resize([side * key.traversal.steps, side * key.traversal.dims.len()]);
        let traversal = key.traversal.clone();
        self.traverse.grid = Some(Grid { key, traversal, codes, surface, side, done: 0, cells: Some(cells) });
    }

    /// Takes in cells that have arrived.
    pub(crate) fn receive_grid(&mut self) {
        let Some(grid) = &mut self.traverse.grid else { return };
        let Some(cells) = &grid.cells else { return };
        loop {
            match cells.try_recv() {
                Ok(cell) => {
                    let (row, step) = (cell.index / grid.traversal.steps, cell.index % grid.traversal.steps);
                    grid.surface.patch(Arc::new(cell.picture), [step * grid.side, row * grid.side]);
                    grid.done += 1;
                }
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => break,
            }
        }
        grid.cells = None;
    }

    /// The command that draws the traversal shown into `out`; `codes` is a file with the base code, for those that
    /// the command line cannot say otherwise.
    fn traversal_command(
        &self,
        traversal: &Traversal,
        out: &Path,
        codes: &Path,
    ) -> Option<(Vec<String>, bool)> {
        let (model, latent) = self.model.as_ref().zip(self.latent.as_ref())?;
        let mut words = vec!["traverse".to_owned()];
        words.extend(model_arguments(&model.opened));
        let option =
            |words: &mut Vec<String>, name: &str, value: String| words.push(format!("--{name}={value}"));
        option(&mut words, "block", traversal.block.clone());
        let dims: Vec<String> = traversal.dims.iter().map(ToString::to_string).collect();
        option(&mut words, "dims", dims.join(","));
        let names: Vec<String> =
            traversal.dims.iter().map(|&dim| latent.name(&traversal.block, dim).replace(',', " ")).collect();
        if names.iter().any(|name| !name.is_empty()) {
            option(&mut words, "names", names.join(","));
        }
        option(&mut words, "range", self.traverse.range().to_string());
        option(&mut words, "steps", traversal.steps.to_string());
        option(&mut words, "mode", traversal.mode.to_string());
        let decoder = if self.traverse.role == Role::Generator { "gan" } else { "vae" };
        option(&mut words, "decoder", decoder.to_owned());
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
        let device = &model.opened.source.device;
        if !device.is_empty() {
            option(&mut words, "device", device.clone());
        }
        words.extend(["--out".to_owned(), out.display().to_string()]);
        Some((words, needs_codes))
    }

    /// The command that makes the traversal shown again, as a line for a shell.
    pub(crate) fn traversal_line(&self, traversal: &Traversal) -> String {
        let command =
            self.traversal_command(traversal, Path::new("traversal.png"), Path::new("traversal.codes.npz"));
        let Some((words, _)) = command else { return String::new() };
        format!("idgan {}", shell_quoted(&words))
    }

    /// Draws the traversal shown into a file by running the very command that its provenance records.
    pub(crate) fn export_traversal(&mut self, path: PathBuf, ctx: &egui::Context) {
        let path = with_extension(path, "png");
        let codes_path = path.with_extension("codes.npz");
        let Ok(traversal) = self.traversal() else { return };
        let Some((words, needs_codes)) = self.traversal_command(&traversal, &path, &codes_path) else {
            return;
        };
        let mut command = vec!["idgan".to_owned()];
        command.extend(words.iter().cloned());
        let Some(provenance) = self.provenance(command) else { return };
        let program = self.program.clone();
        self.start_job(format!("Exporting {}", name(&path)), ctx, move || {
            if needs_codes {
                write_codes(&codes_path, &traversal.base, &provenance).map_err(|error| error.to_string())?;
            }
            run(&program, &words)?;
            Ok(format!("Exported the traversal: {}", path.display()))
        });
    }
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
