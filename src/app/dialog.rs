use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, TryRecvError, bounded};
use egui::{Align2, Id, Key, vec2};

use super::state::State;
use super::theme::GRID;

/// What to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choose {
    File,
    Folder,
}

/// Asking for a path: the system's dialog on a thread of its own, or a field in the window where there is no
/// dialog service.
#[derive(Default)]
pub(crate) struct Dialogs {
    native: Option<Native>,
    field: Option<Field>,
}

struct Native {
    answer: Receiver<Option<PathBuf>>,
    since: Instant,
}

#[derive(Default)]
struct Field {
    text: String,
    /// Why it is shown, if not on request.
    reason: Option<&'static str>,
    error: Option<String>,
}

/// Nobody closes a dialog this soon: an answer without a path that comes sooner means that there is no dialog.
const NO_DIALOG: Duration = Duration::from_millis(400);

impl Dialogs {
    /// Shows the system's dialog unless it is already open.
    pub(crate) fn choose(&mut self, what: Choose, ctx: &egui::Context) {
        if self.native.is_some() {
            return;
        }
        let (sender, answer) = bounded(1);
        let ctx = ctx.clone();
        let ask = move || {
            let dialog = rfd::FileDialog::new().set_title("Open a model");
            let path = match what {
                Choose::File => dialog
                    .add_filter("Models", &["safetensors", "pt", "pth"])
                    .add_filter("All files", &["*"])
                    .pick_file(),
                Choose::Folder => dialog.pick_folder(),
            };
            let _ = sender.try_send(path); // Nobody waits any more when the window is closed.
            ctx.request_repaint();
        };
        match std::thread::Builder::new().name("idgan-dialog".to_owned()).spawn(ask) {
            Ok(_) => self.native = Some(Native { answer, since: Instant::now() }),
            Err(_) => self.ask_path(Some("The system's dialog cannot be started.")),
        }
    }

    /// Shows the field in the window.
    pub(crate) fn ask_path(&mut self, reason: Option<&'static str>) {
        self.field = Some(Field { reason, ..Field::default() });
    }

    /// Takes in the dialog's answer and shows the field.
    pub(crate) fn show(&mut self, ctx: &egui::Context, state: &mut State) {
        if let Some(native) = &self.native {
            match native.answer.try_recv() {
                Ok(Some(path)) => {
                    self.native = None;
                    state.open_path(path);
                }
                Ok(None) => {
                    let no_dialog = native.since.elapsed() < NO_DIALOG;
                    self.native = None;
                    if no_dialog {
                        self.ask_path(Some("This system offers no file dialog."));
                    }
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => {
                    self.native = None;
                    self.ask_path(Some("The system's dialog failed."));
                }
            }
        }
        let Some(field) = &mut self.field else { return };
        let area = egui::Modal::default_area(Id::unique("path")).anchor(Align2::CENTER_TOP, vec2(0.0, 96.0));
        let modal = egui::Modal::new(Id::unique("path")).area(area).show(ctx, |ui| {
            ui.set_width(520.0);
            ui.heading("Open by path");
            if let Some(reason) = field.reason {
                ui.label(reason);
            }
            let label = ui.label("Path of a model or run folder");
            let edit = egui::TextEdit::singleline(&mut field.text).desired_width(f32::INFINITY);
            let response = ui.add(edit.hint_text("/data/models/sprites.safetensors")).labelled_by(label.id);
            let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if !response.has_focus() && !entered {
                response.request_focus();
            }
            if let Some(error) = &field.error {
                ui.colored_label(ui.visuals().error_fg_color, error);
            }
            ui.add_space(GRID);
            let path = field.text.trim();
            let (mut open, mut cancel) = (entered && !path.is_empty(), false);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                open |= ui.add_enabled(!path.is_empty(), egui::Button::new("Open")).clicked();
                cancel = ui.button("Cancel").clicked();
            });
            (open, cancel)
        });
        let (open, cancel) = modal.inner;
        if open {
            let path = PathBuf::from(field.text.trim());
            if path.exists() {
                state.open_path(path);
                self.field = None;
            } else {
                field.error = Some("There is nothing at this path; check the spelling.".to_owned());
            }
        } else if cancel || modal.should_close() {
            self.field = None;
        }
    }
}
