use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::app::document::Document;
use crate::app::document::pages::{Made, Making, Page, Tables};
use crate::app::document::tool::Tab;
use crate::app::log::About;
use crate::app::process::run_until;
use crate::app::update::evaluate::words_about;
use crate::app::update::save::name;
use crate::base::{Cancel, step_back};
use crate::data::{absolute_spec, has_factors};
use crate::figures::Print;
use crate::figures::export::{FigureTarget, Provenance};
use crate::metrics::{DISENTANGLEMENT_FILE, Disentanglement};

/// What begins the word of a command that says where its output goes.
const OUT: &str = "--out=";

impl Document {
    /// Takes the pages that were kept for the model that has just opened.
    pub(crate) fn recall_pages(&mut self) {
        (self.pages.making, self.pages.tables) = (None, None);
        let Some(model) = &self.model else { return };
        let path = self.kept_file(&model.opened, DISENTANGLEMENT_FILE);
        let kept = path.and_then(|path| Disentanglement::read(&path).ok());
        // A run folder keeps those of an older checkpoint until they are made again.
        let is_current = |kept: &Disentanglement| kept.provenance.checkpoint == model.opened.hash;
        self.pages.tables = kept.filter(is_current).map(Tables::from);
    }

    /// Whether the stage has a line that chooses among pages.
    pub(crate) fn shows_pages(&self) -> bool {
        self.settings.show_tabs && self.tab == Tab::Evaluate && self.pages.any()
    }

    /// Why tables of the model's codes of the data that is named cannot be made, if they cannot.
    pub(crate) fn lacks_for_tables(&self) -> Option<String> {
        let has_encoder = self.model.as_ref().is_some_and(|model| model.opened.encoded().is_some());
        let data = self.evaluate.settings.data.trim();
        match data {
            _ if !has_encoder => Some("This model has no encoder that finds codes of pictures".to_owned()),
            "" => Some("Name the data whose codes are looked at".to_owned()),
            _ if !has_factors(data) => {
                Some(format!("The pictures of {data} have no known factors; name data that has some"))
            }
            _ if self.pages.making.is_some() => Some("Another page is being made".to_owned()),
            _ => None,
        }
    }

    /// Makes the tables in a process of its own: it takes a minute, and whatever goes wrong there, the window stays.
    pub(crate) fn make_tables(&mut self) {
        let Some(model) = self.model.as_ref().filter(|_| self.lacks_for_tables().is_none()) else { return };
        let set = &self.evaluate.settings;
        let data = absolute_spec(set.data.trim());
        let mut words = words_about("disentanglement", &model.opened, &data, set.seed);
        if set.samples > 0 {
            words.push(format!("--samples={}", set.samples));
        }
        let (program, model_id) = (self.program.clone(), model.opened.model_id);
        let ctx = self.ctx().clone();
        let work = move |cancel: &Cancel| {
            let made = run_for_file(&program, words, "tables.json", cancel, |path| {
                Disentanglement::read(path).map_err(|error| error.to_string())
            })?;
            Ok(made.map(|told| Made::Tables(Box::new(told.into()))))
        };
        match self.tasks.start("idgan-page", &ctx, work) {
            Ok(task) => {
                self.pages.making =
                    Some(Making { model_id, page: Page::Tables, since: Instant::now(), task });
            }
            Err(message) => self.log.fail(About::Evaluation, message),
        }
    }

    /// Takes in the page that has been made, shows it and keeps it with the model.
    pub(crate) fn receive_page(&mut self) {
        let Some(end) = self.pages.making.as_ref().and_then(|making| making.task.take()) else { return };
        let Some(Making { model_id, .. }) = self.pages.making.take() else { return };
        let fault = |panic| Err(format!("by a fault of the program ({panic}); try again"));
        match end.unwrap_or_else(fault) {
            Ok(Some(Made::Tables(tables))) => {
                self.log.succeed(About::Evaluation);
                if self.model.as_ref().is_some_and(|model| model.opened.model_id == model_id) {
                    self.pages.tables = Some(*tables);
                    self.pages.chosen = Page::Tables;
                    self.keep_tables();
                }
            }
            Ok(None) => {}
            Err(message) => self.log.fail(About::Evaluation, format!("The tables were not made: {message}")),
        }
    }

    fn keep_tables(&mut self) {
        let Some((model, tables)) = self.model.as_ref().zip(self.pages.tables.as_ref()) else { return };
        let Some(path) = self.kept_file(&model.opened, DISENTANGLEMENT_FILE) else { return };
        let (told, ctx) = (tables.told.clone(), self.ctx().clone());
        self.start_job("Keeping the tables".to_owned(), About::Keeping, &ctx, move || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
            }
            told.write(&path).map_err(|error| error.to_string())?;
            Ok(format!("Kept the tables: {}", path.display()))
        });
    }

    /// Draws the tables into a file, or writes them as JSON; it says the command that makes it again.
    pub(crate) fn export_tables(&mut self, path: PathBuf, ctx: &egui::Context) {
        let Some(tables) = &self.pages.tables else { return };
        let mut told = tables.told.clone();
        told.provenance = with_out(told.provenance, Vec::new(), &path);
        self.start_job(format!("Exporting {}", name(&path)), About::Files, ctx, move || {
            let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
            let written = if is_json {
                told.write(&path).map_err(|error| error.to_string())
            } else {
                let target = FigureTarget::parse(&path, &Disentanglement::KINDS)?;
                told.draw(Print::default(), &target).map_err(|error| error.to_string())
            };
            written.map_err(|reason| format!("The tables were not exported: {reason}"))?;
            Ok(format!("Exported the tables: {}", path.display()))
        });
    }
}

/// Runs a command that writes a file called `name`, and reads that; nothing where it was cancelled.
fn run_for_file<T>(
    program: &Path,
    mut words: Vec<String>,
    name: &str,
    cancel: &Cancel,
    read: impl FnOnce(&Path) -> Result<T, String>,
) -> Result<Option<T>, String> {
    // The child inherits it: the window and its pictures go first.
    step_back(10);
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let out = folder.path().join(name);
    words.push(format!("{OUT}{}", out.display()));
    let has_ended = run_until(program, &words, cancel)?;
    has_ended.then(|| read(&out)).transpose()
}

/// The same, made by the command that writes to `path`, with these words more.
pub(crate) fn with_out(mut provenance: Provenance, words: Vec<String>, path: &Path) -> Provenance {
    provenance.command.retain(|word| !word.starts_with(OUT));
    provenance.command.extend(words);
    provenance.command.push(format!("{OUT}{}", path.display()));
    provenance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_writes_where_it_is_exported_to() {
        let command =
            ["idgan", "disentanglement", "m", "--out=/tmp/x/tables.json"].map(str::to_owned).to_vec();
        let provenance = Provenance { command, ..Provenance::default() };
        let there = with_out(provenance, vec!["--pca".to_owned()], Path::new("/home/me/a page.svg"));
        assert_eq!(there.command_line(), "idgan disentanglement m --pca '--out=/home/me/a page.svg'");
    }
}
