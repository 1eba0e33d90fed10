//! Asking for a path: by the system's dialog on a thread of its own, or by a field in the window where there is no
//! dialog, or where somebody would rather type.

mod purpose;
#[cfg(target_os = "linux")]
mod service;
mod system;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Align2, Id, Key, vec2};

use super::keep::Shelf;
use super::tasks::{Task, Tasks};
use super::theme::GRID;
use crate::checkpoint::BundledModel;
use purpose::PathCheck;
pub(crate) use purpose::Purpose;
pub use system::{FileDialogs, PathKind, Question, SystemDialogs};

/// The dialog that is out, or the field that is shown.
pub(crate) struct Dialogs {
    system: Option<Arc<dyn FileDialogs>>,
    /// The folders that paths were chosen in last.
    folders: BTreeMap<Shelf, PathBuf>,
    out: Option<Out>,
    field: Option<Field>,
}

/// What has come of asking.
pub(crate) enum Outcome {
    /// A path to do this with.
    Path(Purpose, PathBuf),
    /// The dialog was closed without one.
    Nothing(Purpose),
}

/// Where asking begins.
#[derive(Clone, Debug)]
struct Place {
    folder: Option<PathBuf>,
    /// The name that is proposed for a new file.
    name: String,
}

/// A system's dialog that a person has not answered yet.
struct Out {
    purpose: Purpose,
    place: Place,
    answer: Task<Result<Option<PathBuf>, String>>,
    since: Instant,
}

struct Field {
    purpose: Purpose,
    text: String,
    /// Why it is shown, if not on request.
    reason: Option<String>,
    error: Option<String>,
    /// The path whose files somebody was asked about, because they are there already.
    asked: Option<PathBuf>,
    /// Whether it was drawn before.
    is_known: bool,
}

/// A dialog that takes longer than this to appear is spoken of.
const SLOW: Duration = Duration::from_millis(300);

impl Dialogs {
    /// `system` shows the system's dialogs; without it only the field asks. `folders` are those that paths were chosen in
    /// last.
    pub(crate) fn new(system: Option<Arc<dyn FileDialogs>>, folders: BTreeMap<Shelf, PathBuf>) -> Self {
        Self { system, folders, out: None, field: None }
    }

    /// The folders that paths were chosen in last.
    pub(crate) fn folders(&self) -> &BTreeMap<Shelf, PathBuf> {
        &self.folders
    }

    /// Whether a person is answering the system's dialog: what is typed meanwhile is not meant for the window.
    pub(crate) fn is_out(&self) -> bool {
        self.out.is_some()
    }

    /// Shows the system's dialog unless one is out already.
    pub(crate) fn choose(&mut self, purpose: Purpose, tasks: &mut Tasks, ctx: &egui::Context) {
        self.choose_at(purpose, self.place(purpose), tasks, ctx);
    }

    /// As [`Dialogs::choose`] for a new file, where `proposal` says where it would go.
    pub(crate) fn choose_near(
        &mut self,
        purpose: Purpose,
        proposal: &Path,
        tasks: &mut Tasks,
        ctx: &egui::Context,
    ) {
        let usual = self.place(purpose);
        let folder = proposal.parent().filter(|folder| folder.is_dir()).map(Path::to_owned);
        let name = proposal.file_name().map(|name| name.to_string_lossy().into_owned());
        let place = Place { folder: folder.or(usual.folder), name: name.unwrap_or(usual.name) };
        self.choose_at(purpose, place, tasks, ctx);
    }

    fn choose_at(&mut self, purpose: Purpose, place: Place, tasks: &mut Tasks, ctx: &egui::Context) {
        let Some(system) = self.system.clone() else {
            self.show_field(purpose, &place, None);
            return;
        };
        if self.is_out() {
            return;
        }
        let question = purpose.question(&place);
        // A person may never answer.
        match tasks.start_open_ended("idgan-dialog", ctx, move |_| system.ask(&question)) {
            Ok(answer) => self.out = Some(Out { purpose, place, answer, since: Instant::now() }),
            Err(reason) => self.show_field(purpose, &place, Some(reason)),
        }
    }

    /// Shows the field in the window.
    pub(crate) fn ask_path(&mut self, purpose: Purpose) {
        let place = self.place(purpose);
        self.show_field(purpose, &place, None);
    }

    /// Where asking begins: in the folder of the last time.
    fn place(&self, purpose: Purpose) -> Place {
        let folder = self.folders.get(&purpose.shelf()).filter(|folder| folder.is_dir());
        Place { folder: folder.cloned(), name: purpose.proposal().to_owned() }
    }

    /// Shows the field, and says why if there is a `reason`.
    fn show_field(&mut self, purpose: Purpose, place: &Place, reason: Option<String>) {
        let text = match &place.folder {
            Some(folder) if purpose.is_save() => folder.join(&place.name).display().to_string(),
            _ => place.name.clone(),
        };
        self.field = Some(Field { purpose, text, reason, error: None, asked: None, is_known: false });
    }

    /// Remembers where `path` was chosen.
    fn remember(&mut self, purpose: Purpose, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        // The models that the program brings along lie where nobody looks.
        if let Some(folder) = path.parent().filter(|_| BundledModel::at(&path).is_none()) {
            self.folders.insert(purpose.shelf(), folder.to_owned());
        }
    }

    /// Shows what there is to show, and returns what has come of it, once something has.
    pub(crate) fn show(&mut self, ctx: &egui::Context) -> Option<Outcome> {
        let outcome = self.outcome(ctx)?;
        if let Outcome::Path(purpose, path) = &outcome {
            self.remember(*purpose, path);
        }
        Some(outcome)
    }

    fn outcome(&mut self, ctx: &egui::Context) -> Option<Outcome> {
        if let Some(outcome) = self.receive() {
            return Some(outcome);
        }
        if let Some(purpose) = self.out.as_ref().and_then(|out| out.waiting(ctx))
            && let Some(Out { place, .. }) = self.out.take()
        {
            // Whatever the dialog says now comes too late.
            self.show_field(purpose, &place, None);
        }
        let field = self.field.as_mut()?;
        let answer = field.show(ctx)?;
        let purpose = field.purpose;
        match answer.and_then(|path| field.decide(&path)) {
            Answer::Path(path) => {
                self.field = None;
                Some(Outcome::Path(purpose, path))
            }
            Answer::Cancel => {
                self.field = None;
                None
            }
            Answer::Again => None,
        }
    }

    /// Takes in the answer of the system's dialog. A path that cannot be used as it is goes into the field.
    fn receive(&mut self) -> Option<Outcome> {
        let answer = self.out.as_ref()?.answer.take()?;
        let Out { purpose, place, .. } = self.out.take()?;
        let fault = |panic| Err(format!("The system's file dialog failed: {panic}."));
        match answer.unwrap_or_else(fault) {
            Ok(None) => Some(Outcome::Nothing(purpose)),
            Ok(Some(path)) => {
                // The dialog has asked about replacing the file that was named, but not about others.
                match purpose.check(&path, Some(&path)) {
                    PathCheck::Go(path) => return Some(Outcome::Path(purpose, path)),
                    PathCheck::Ask(path, text) => self.ask_again(purpose, &path, text, Some(path.clone())),
                    PathCheck::Refuse(text) => self.ask_again(purpose, &path, text, None),
                }
                None
            }
            Err(reason) => {
                self.show_field(purpose, &place, Some(reason));
                None
            }
        }
    }

    fn ask_again(&mut self, purpose: Purpose, path: &Path, error: String, asked: Option<PathBuf>) {
        let text = path.display().to_string();
        self.field = Some(Field { purpose, text, reason: None, error: Some(error), asked, is_known: true });
    }
}

impl Out {
    /// Says that the window waits for the dialog, where that takes long; the purpose, when somebody would rather type.
    fn waiting(&self, ctx: &egui::Context) -> Option<Purpose> {
        if let Some(left) = SLOW.checked_sub(self.since.elapsed()) {
            ctx.request_repaint_after(left);
            return None;
        }
        let area = egui::Area::new(Id::unique("file dialog")).order(egui::Order::Foreground);
        let shown = area.anchor(Align2::CENTER_TOP, vec2(0.0, 48.0)).show(ctx, |ui| {
            egui::Frame::popup(ui.style()).show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.label(format!("Waiting for the system's file dialog: {}", self.purpose.title()));
                    let hint = "Do not wait for the dialog; type the path in this window";
                    ui.button("Type the path").on_hover_text(hint).clicked()
                })
                .inner
            })
        });
        shown.inner.inner.then_some(self.purpose)
    }
}

/// What somebody does with the field.
enum Answer {
    Path(PathBuf),
    Cancel,
    Again,
}

impl Answer {
    fn and_then(self, next: impl FnOnce(PathBuf) -> Self) -> Self {
        match self {
            Self::Path(path) => next(path),
            other => other,
        }
    }
}

impl Field {
    /// Draws the field; what somebody does with it, once they do.
    fn show(&mut self, ctx: &egui::Context) -> Option<Answer> {
        let area = egui::Modal::default_area(Id::unique("path")).anchor(Align2::CENTER_TOP, vec2(0.0, 96.0));
        let modal = egui::Modal::new(Id::unique("path")).area(area).show(ctx, |ui| {
            ui.set_width(520.0);
            ui.heading(self.purpose.title());
            if let Some(reason) = &self.reason {
                ui.label(reason);
            }
            let label = ui.label("Path");
            let edit = egui::TextEdit::singleline(&mut self.text).desired_width(f32::INFINITY);
            let response = ui.add(edit.hint_text(self.purpose.example())).labelled_by(label.id);
            let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if response.changed() {
                self.error = None; // It was about another path.
            }
            if !response.has_focus() && !entered {
                response.request_focus();
            }
            if !std::mem::replace(&mut self.is_known, true) {
                select_all(ui.ctx(), response.id, &self.text);
            }
            if let Some(error) = &self.error {
                ui.colored_label(ui.visuals().error_fg_color, error);
            }
            ui.add_space(GRID);
            let has_path = !self.text.trim().is_empty();
            let (mut is_done, mut is_cancelled) = (entered && has_path, false);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let button = egui::Button::new(if self.purpose.is_save() { "Save" } else { "Open" });
                is_done |= ui.add_enabled(has_path, button).clicked();
                is_cancelled = ui.button("Cancel").clicked();
            });
            (is_done, is_cancelled)
        });
        match modal.inner {
            (true, _) => Some(Answer::Path(self.purpose.path(self.text.trim()))),
            (false, true) => Some(Answer::Cancel),
            _ => modal.should_close().then_some(Answer::Cancel),
        }
    }

    /// What comes of a path that somebody has typed.
    fn decide(&mut self, path: &Path) -> Answer {
        match self.purpose.check(path, self.asked.as_deref()) {
            PathCheck::Go(path) => return Answer::Path(path),
            PathCheck::Ask(path, text) => (self.asked, self.error) = (Some(path), Some(text)),
            PathCheck::Refuse(text) => self.error = Some(text),
        }
        Answer::Again
    }
}

/// Selects the text of a field, so that what is typed or pasted takes its place.
fn select_all(ctx: &egui::Context, id: Id, text: &str) {
    use egui::text::{CCursor, CCursorRange};
    let mut state = egui::TextEdit::load_state(ctx, id).unwrap_or_default();
    let all = CCursorRange::two(CCursor::new(0), CCursor::new(text.chars().count()));
    state.cursor.set_char_range(Some(all));
    state.store(ctx, id);
}
