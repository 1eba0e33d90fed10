//! Figures that the window can make: requests, for the clipboard, for exports, for provenance.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::app::document::Document;
use crate::app::document::recipe::Recipe;
use crate::app::log::About;
use crate::app::update::save::{name, write_codes};
use crate::base::{FileError, shell_quoted, step_back, write_atomic};
use crate::checkpoint::npz::NpzFile;
use crate::explore::Codes;
use crate::figures::export::Provenance;
use crate::figures::{DrawOptions, FigureError};

/// How far the threads of an export step back: the pictures shown go first, a second model's too.
const STEPS_BACK: i32 = 19;

impl Document {
    /// Where the command of `recipe` finds its codes when it is copied: a file that their values alone name, so that a
    /// command that was copied before keeps its own.
    fn codes_to_copy(&self, recipe: &Recipe) -> PathBuf {
        let folder = match &self.config {
            Some(folder) => folder.join("codes"),
            None => std::env::temp_dir().join("idgan-codes"),
        };
        let mut hasher = DefaultHasher::new();
        for (name, values) in recipe.codes.iter().flat_map(Codes::blocks) {
            name.hash(&mut hasher);
            values.shape().hash(&mut hasher);
            values.data().iter().for_each(|value| value.to_bits().hash(&mut hasher));
        }
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        folder.join(format!("{:016x}.npz", hasher.finish()))
    }

    /// The command of `recipe` as a line for a shell, with the figure in `out`.
    pub(crate) fn line(&self, recipe: &Recipe, out: &str) -> String {
        shell_quoted(recipe.request(&self.codes_to_copy(recipe), Path::new(out)).command())
    }

    /// Puts that line on the clipboard, and writes the codes that it reads.
    pub(crate) fn copy_line(&mut self, recipe: &Recipe, out: &str) {
        let (ctx, path) = (self.ctx().clone(), self.codes_to_copy(recipe));
        let words = recipe.request(&path, Path::new(out)).command();
        ctx.copy_text(shell_quoted(&words));
        let Some((codes, provenance)) = recipe.codes.clone().zip(self.provenance(words)) else {
            self.log.tell(About::Clipboard, "Copied the command");
            return;
        };
        self.start_job("Keeping the codes".to_owned(), About::Clipboard, &ctx, move || {
            let folder = path.parent().unwrap_or(&path);
            std::fs::create_dir_all(folder).map_err(|error| FileError::new(error, folder).to_string())?;
            write_codes(&path, &codes, &provenance).map_err(|error| error.to_string())?;
            Ok(format!("Copied the command; the codes that it reads lie in {}", path.display()))
        });
    }

    /// Makes the figure of `recipe` at `path` in the background, after writing the codes that it reads beside it; its
    /// provenance says the command that makes it again. How that ends lands in the log. `what` is what people call the
    /// figure.
    pub(crate) fn export(
        &mut self,
        recipe: Result<Recipe, String>,
        path: &Path,
        what: &'static str,
        ctx: &egui::Context,
    ) {
        let recipe = recipe.and_then(|recipe| {
            // Without the command: that depends on where the codes go.
            let provenance = self.provenance(Vec::new()).ok_or("open a model first")?;
            Ok((recipe, provenance))
        });
        let (recipe, provenance) = match recipe {
            Ok(ready) => ready,
            Err(reason) => {
                self.log.fail(About::Files, format!("The {what} was not exported: {reason}"));
                return;
            }
        };
        let (threads, path) = (self.threads, path.to_owned());
        self.start_long_job(
            format!("Exporting {}", name(&path)),
            About::Files,
            ctx,
            move |cancel, progress| {
                step_back(STEPS_BACK); // The threads that it starts inherit that.
                let beside =
                    recipe.codes.as_ref().map(|codes| place_beside(&path, codes)).unwrap_or_default();
                let request = recipe.request(&beside, &path);
                let provenance = Provenance { command: request.command(), ..provenance };
                let mut options = DrawOptions {
                    command: request.command(),
                    threads,
                    cancel,
                    observer: &mut progress.clone(),
                };
                let result = match &recipe.codes {
                    Some(codes) => with_codes(&beside, codes, &provenance, || request.draw(&mut options)),
                    None => request.draw(&mut options),
                };
                match result {
                    Ok(()) => Ok(format!("Exported the {what}: {}", path.display())),
                    Err(FigureError::Stopped) => {
                        Ok(format!("Stopped exporting the {what}; nothing was written"))
                    }
                    Err(error) => Err(format!("The {what} was not exported: {error}")),
                }
            },
        );
    }
}

/// Where the codes of the figure at `path` go: beside it, in a file that is new or holds the same ones already, so that
/// other figures keep theirs.
fn place_beside(path: &Path, codes: &Codes) -> PathBuf {
    let first = path.with_extension("codes.npz");
    let others = (2..).map(|number| path.with_extension(format!("codes-{number}.npz")));
    let is_ours = |path: &PathBuf| !path.exists() || holds(path, codes);
    std::iter::once(first.clone()).chain(others).find(is_ours).unwrap_or(first)
}

/// Whether the file holds these codes.
fn holds(path: &Path, codes: &Codes) -> bool {
    let Ok(mut file) = NpzFile::open(path) else { return false };
    codes
        .blocks()
        .all(|(name, values)| file.contains(name) && file.array(name).is_ok_and(|kept| kept == *values))
}

/// Writes `codes` to `path` for `work` to read; when that fails, what was there before is there again.
pub(crate) fn with_codes<E: From<FileError>>(
    path: &Path,
    codes: &Codes,
    provenance: &Provenance,
    work: impl FnOnce() -> Result<(), E>,
) -> Result<(), E> {
    let before = std::fs::read(path).ok();
    write_codes(path, codes, provenance)?;
    work().inspect_err(|_| {
        // What failed is told; that this fails, too, would hide it.
        let _ = match before {
            Some(bytes) => write_atomic::<FileError>(path, |writer| {
                writer.write_all(&bytes).map_err(|error| FileError::new(error, path))
            })
            .is_ok(),
            None => std::fs::remove_file(path).is_ok(),
        };
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::toy;

    fn codes(value: f32) -> Codes {
        let mut codes = Codes::neutral(&toy::description(), 1);
        codes.set_row("c", 0, &[value; 3]).expect("fits");
        codes
    }

    #[test]
    fn figures_keep_their_own_codes() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let [png, gif] = ["figure.png", "figure.gif"].map(|name| folder.path().join(name));
        let first = place_beside(&png, &codes(1.0));
        assert_eq!(first, folder.path().join("figure.codes.npz"));
        with_codes(&first, &codes(1.0), &Provenance::default(), || Ok::<(), FileError>(())).expect("writes");
        assert_eq!(place_beside(&gif, &codes(1.0)), first, "the same codes");
        let second = place_beside(&gif, &codes(2.0));
        assert_eq!(second, folder.path().join("figure.codes-2.npz"));
        std::fs::write(&second, "no archive").expect("writes");
        assert_eq!(place_beside(&gif, &codes(2.0)), folder.path().join("figure.codes-3.npz"));
    }

    #[test]
    fn codes_go_with_the_figure_that_failed() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("figure.codes.npz");
        let fail = || Err(FigureError::Stopped);
        let failed = with_codes(&path, &codes(1.0), &Provenance::default(), fail);
        assert!(matches!(failed, Err(FigureError::Stopped)));
        assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 0);
        std::fs::write(&path, "somebody's").expect("writes");
        with_codes(&path, &codes(1.0), &Provenance::default(), fail).expect_err("told to");
        assert_eq!(std::fs::read(&path).expect("reads"), b"somebody's");
    }
}
