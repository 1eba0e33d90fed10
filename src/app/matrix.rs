use std::path::{Path, PathBuf};

use super::save::{model_arguments, with_extension};
use super::state::State;
use super::strip::gather;
use super::traverse::{line, option};
use crate::explore::{CodeMatrix, Codes, NothingToVary};

/// Where the columns of a matrix come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Columns {
    /// Codes of random pictures of the data, where those were measured; else the prior.
    #[default]
    Posterior,
    Prior,
    Bookmarks,
}

/// A matrix of codes and nuisance codes as a person sets it up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MatrixState {
    pub(crate) from: Columns,
    /// How many codes c; bookmarks may be fewer.
    pub(crate) columns: usize,
    /// How many nuisance codes s.
    pub(crate) rows: usize,
    /// The random draw of the columns.
    pub(crate) seed: u64,
    /// The random draw of the rows.
    pub(crate) s_seed: u64,
}

/// The most rows and columns.
pub(crate) const MOST: usize = 24;

impl Default for MatrixState {
    fn default() -> Self {
        Self { from: Columns::default(), columns: 6, rows: 4, seed: 0, s_seed: 0 }
    }
}

impl State {
    /// Where the columns come from: what was chosen, as far as the model has it.
    pub(crate) fn matrix_columns(&self) -> Columns {
        match self.traverse.matrix.from {
            Columns::Posterior if self.model.as_ref().is_none_or(|model| model.profile.is_none()) => {
                Columns::Prior
            }
            from => from,
        }
    }

    /// Whether the model has a nuisance code beside others.
    pub(crate) fn has_matrix(&self) -> bool {
        self.model.as_ref().is_some_and(|model| CodeMatrix::varied(model.description()).is_ok())
    }

    /// The matrix that is set up.
    pub(crate) fn code_matrix(&self) -> Result<CodeMatrix, String> {
        let (model, latent) = self.model.as_ref().zip(self.latent.as_ref()).ok_or("open a model first")?;
        let description = model.description();
        let varied = CodeMatrix::varied(description).map_err(|error| match error {
            NothingToVary::NuisanceAlone(name) => {
                format!(
                    "This generator takes {name} alone; pair it with its VAE first (File > Pair with a VAE)"
                )
            }
            error => error.to_string(),
        })?;
        let set = &self.traverse.matrix;
        let (m, n) = (set.columns.clamp(1, MOST), set.rows.clamp(1, MOST));
        let posterior = match self.matrix_columns() {
            Columns::Bookmarks => {
                let kept = &self.strip.bookmarks;
                if kept.is_empty() {
                    return Err(
                        "Keep codes as bookmarks first (Ctrl+B), or draw the columns at random".into()
                    );
                }
                let columns = gather(&kept[..m.min(kept.len())], latent.codes());
                return Ok(CodeMatrix::of(description, varied, columns, n, set.s_seed));
            }
            Columns::Posterior => {
                model.profile.as_ref().map(|profile| (profile.block.as_str(), &profile.posterior))
            }
            Columns::Prior => None,
        };
        Ok(CodeMatrix::draw(description, varied, [m, n], [set.seed, set.s_seed], posterior))
    }

    /// The words of the command that draws `matrix`, without where to; `codes` is where bookmarked columns lie.
    /// Second, what that file has to hold.
    fn matrix_words(&self, matrix: &CodeMatrix, codes: &Path) -> Option<(Vec<String>, Option<Codes>)> {
        let model = self.model.as_ref()?;
        let set = &self.traverse.matrix;
        let mut words = vec!["grid".to_owned()];
        words.extend(model_arguments(&model.opened));
        option(&mut words, "codes-c", matrix.columns.rows().to_string());
        option(&mut words, "codes-s", matrix.rows.rows().to_string());
        let mut kept = None;
        match self.matrix_columns() {
            Columns::Bookmarks => {
                option(&mut words, "codes", codes.display().to_string());
                // A file that holds the nuisance, too, would set the rows.
                kept = Some(matrix.columns.without(&matrix.varied));
            }
            from => {
                option(&mut words, "seed", set.seed.to_string());
                let from = if from == Columns::Posterior { "posterior" } else { "prior" };
                option(&mut words, "from", from.to_owned());
            }
        }
        option(&mut words, "s-seed", set.s_seed.to_string());
        words.extend(self.device_words());
        Some((words, kept))
    }

    /// The command that makes the matrix shown again, as a line for a shell.
    pub(crate) fn matrix_line(&self, matrix: &CodeMatrix) -> String {
        let words = self.matrix_words(matrix, Path::new("matrix.codes.npz"));
        words.map_or_else(String::new, |(words, _)| line(words, "matrix.png"))
    }

    /// Draws the matrix shown into a file by running the very command that its provenance records.
    pub(crate) fn export_matrix(&mut self, path: PathBuf, ctx: &egui::Context) {
        let path = with_extension(path, "png");
        let codes_path = path.with_extension("codes.npz");
        let Ok(matrix) = self.code_matrix() else { return };
        let Some((words, kept)) = self.matrix_words(&matrix, &codes_path) else { return };
        self.export_by_command(words, &path, kept.map(|codes| (codes_path, codes)), "c × s matrix", ctx);
    }
}
