use std::path::Path;

use crate::app::document::Document;
use crate::app::document::matrix::{Columns, MOST};
use crate::app::document::recipe::Recipe;
use crate::app::document::strip::gather;
use crate::app::words::in_window;
use crate::explore::{CodeMatrix, CodeSource, NothingToVary};
use crate::figures::{Cells, Figure, MatrixCodes, MatrixRequest};

impl Document {
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
            error => in_window(&error.to_string()),
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
                return Ok(CodeMatrix::of(description, &varied, columns, n, set.s_seed));
            }
            Columns::Posterior => {
                model.profile.as_ref().map(|profile| (profile.block.as_str(), &profile.posterior))
            }
            Columns::Prior => None,
        };
        Ok(CodeMatrix::draw(description, &varied, [m, n], [set.seed, set.s_seed], posterior))
    }

    /// What draws `matrix` into a file.
    pub(crate) fn matrix_recipe(&self, matrix: &CodeMatrix) -> Option<Recipe> {
        let (model, set) = (self.model.as_ref()?, &self.traverse.matrix);
        let (from, codes) = match self.matrix_columns() {
            // A file that holds the nuisance, too, would set the rows.
            Columns::Bookmarks => (CodeSource::Prior, Some(matrix.columns.without(&matrix.varied))),
            Columns::Posterior => (CodeSource::Posterior, None),
            Columns::Prior => (CodeSource::Prior, None),
        };
        let request = MatrixRequest {
            columns: u16::try_from(matrix.columns.rows()).ok()?,
            rows: u16::try_from(matrix.rows.rows()).ok()?,
            codes: MatrixCodes::Drawn { seed: set.seed, from },
            s_seed: set.s_seed,
            cells: Cells::default(),
        };
        Some(Recipe::new(&model.opened, Figure::Matrix(request), codes))
    }

    /// Draws the matrix shown into a file.
    pub(crate) fn export_matrix(&mut self, path: &Path, ctx: &egui::Context) {
        let recipe = self
            .code_matrix()
            .and_then(|matrix| self.matrix_recipe(&matrix).ok_or_else(|| "open a model first".to_owned()));
        self.export(recipe, path, "c × s matrix", ctx);
    }
}
