use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::app::document::Document;
use crate::app::document::map::{MapSettings, MapView};
use crate::app::document::pages::{Made, Making, Page, Tables};
use crate::app::document::tool::Tab;
use crate::app::log::About;
use crate::app::process::run_until;
use crate::app::update::evaluate::words_about;
use crate::app::update::save::name;
use crate::base::{Cancel, step_back};
use crate::data::{absolute_spec, has_factors};
use crate::engine::Opened;
use crate::figures::Print;
use crate::figures::export::{FigureTarget, Provenance};
use crate::metrics::{CODE_MAP_FILE, CodeMap, DISENTANGLEMENT_FILE, Disentanglement, MetricError};

/// What begins the word of a command that says where its output goes.
const OUT: &str = "--out=";

impl Document {
    /// Takes the pages that were kept for the model that has just opened.
    pub(crate) fn recall_pages(&mut self) {
        let settings = self.pages.map.take().map(|map| map.settings).unwrap_or_default();
        (self.pages.making, self.pages.tables) = (None, None);
        let Some(model) = &self.model else { return };
        let file = |name| self.kept_file(&model.opened, name);
        // A run folder keeps those of an older checkpoint until they are made again.
        let is_current = |provenance: &Provenance| provenance.checkpoint == model.opened.hash;
        let tables = file(DISENTANGLEMENT_FILE).and_then(|path| Disentanglement::read(&path).ok());
        let map = file(CODE_MAP_FILE).and_then(|path| CodeMap::read(&path).ok());
        let map = map.filter(|told| is_current(&told.provenance) && fits(told, &model.opened));
        let tables = tables.filter(|told| is_current(&told.provenance));
        self.pages.map = map.and_then(|told| MapView::new(told, settings).ok());
        self.pages.tables = tables.map(Tables::from);
    }

    /// Whether the stage has a line that chooses among pages.
    pub(crate) fn shows_pages(&self) -> bool {
        self.settings.show_tabs && self.tab == Tab::Evaluate && self.pages.any()
    }

    /// Why no map of the model's codes of the data that is named can be made, if none can.
    pub(crate) fn lacks_for_map(&self) -> Option<String> {
        let has_encoder = self.model.as_ref().is_some_and(|model| model.opened.encoded().is_some());
        match self.evaluate.settings.data.trim() {
            _ if !has_encoder => Some("This model has no encoder that finds codes of pictures".to_owned()),
            "" => Some("Name the data whose codes are looked at".to_owned()),
            _ if self.pages.making.is_some() => Some("Another page is being made".to_owned()),
            _ => None,
        }
    }

    /// Why no tables can be made, if none can: they need known factors, too.
    pub(crate) fn lacks_for_tables(&self) -> Option<String> {
        let data = self.evaluate.settings.data.trim();
        let without = || format!("The pictures of {data} have no known factors; name data that has some");
        self.lacks_for_map().or_else(|| (!has_factors(data)).then(without))
    }

    /// Makes a page in a process of its own: it takes a while, and whatever goes wrong there, the window stays.
    pub(crate) fn make_page(&mut self, page: Page) {
        let lacks = if page == Page::Map { self.lacks_for_map() } else { self.lacks_for_tables() };
        let Some(model) = self.model.as_ref().filter(|_| lacks.is_none()) else { return };
        let set = &self.evaluate.settings;
        let data = absolute_spec(set.data.trim());
        let command = if page == Page::Map { "map" } else { "disentanglement" };
        let mut words = words_about(command, &model.opened, &data, set.seed);
        if set.samples > 0 {
            words.push(format!("--samples={}", set.samples));
        }
        let settings = self.pages.map.as_ref().map(|map| map.settings).unwrap_or_default();
        let (program, model_id) = (self.program.clone(), model.opened.model_id);
        let work = move |cancel: &Cancel| {
            let read = |path: &Path| read_page(page, path, settings).map_err(|error| error.to_string());
            run_for_file(&program, words, "page.json", cancel, read)
        };
        let ctx = self.ctx().clone();
        match self.tasks.start("idgan-page", &ctx, work) {
            Ok(task) => self.pages.making = Some(Making { model_id, page, since: Instant::now(), task }),
            Err(message) => self.log.fail(About::Evaluation, message),
        }
    }

    /// Takes in the page that has been made, shows it and keeps it with the model.
    pub(crate) fn receive_page(&mut self) {
        let Some(end) = self.pages.making.as_ref().and_then(|making| making.task.take()) else { return };
        let Some(Making { model_id, page, .. }) = self.pages.making.take() else { return };
        let fault = |panic| Err(format!("by a fault of the program ({panic}); try again"));
        let made = match end.unwrap_or_else(fault) {
            Ok(made) => made,
            Err(message) => {
                let what = if page == Page::Map { "map was" } else { "tables were" };
                self.log.fail(About::Evaluation, format!("The {what} not made: {message}"));
                return;
            }
        };
        let is_current = |made: &Made| {
            self.model.as_ref().is_some_and(|model| {
                model.opened.model_id == model_id
                    && !matches!(made, Made::Map(map) if !fits(&map.told, &model.opened))
            })
        };
        let Some(made) = made.filter(is_current) else { return };
        self.log.succeed(About::Evaluation);
        self.pages.chosen = page;
        match made {
            Made::Tables(tables) => {
                let told = tables.told.clone();
                self.pages.tables = Some(*tables);
                self.keep_page("the tables", DISENTANGLEMENT_FILE, move |path| told.write(path));
            }
            Made::Map(map) => {
                let told = map.told.clone();
                self.pages.map = Some(*map);
                self.keep_page("the map", CODE_MAP_FILE, move |path| told.write(path));
            }
        }
    }

    /// Keeps a page of the open model as `file`, as `write` does.
    fn keep_page(
        &mut self,
        what: &'static str,
        file: &str,
        write: impl FnOnce(&Path) -> Result<(), MetricError> + Send + 'static,
    ) {
        let Some(model) = &self.model else { return };
        let Some(path) = self.kept_file(&model.opened, file) else { return };
        let ctx = self.ctx().clone();
        self.start_job(format!("Keeping {what}"), About::Keeping, &ctx, move || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
            }
            write(&path).map_err(|error| error.to_string())?;
            Ok(format!("Kept {what}: {}", path.display()))
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

/// Reads a page that has been made.
fn read_page(page: Page, path: &Path, settings: MapSettings) -> Result<Made, MetricError> {
    Ok(match page {
        Page::Map => Made::Map(Box::new(MapView::new(CodeMap::read(path)?, settings)?)),
        Page::Tables | Page::Pictures => Made::Tables(Box::new(Disentanglement::read(path)?.into())),
    })
}

/// Whether the codes of a map are as wide as those that the model's encoder finds.
fn fits(told: &CodeMap, opened: &Opened) -> bool {
    let block = opened.encoded().and_then(|name| opened.description.block(name));
    block.is_some_and(|block| block.dims == told.dims.len())
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
