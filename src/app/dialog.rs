use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, TryRecvError, bounded};
use egui::{Align2, Id, Key, vec2};

use super::theme::GRID;
use crate::checkpoint::{BUNDLED, BundledModel};

/// What a path is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A model file to open.
    Model,
    /// A second model, to compare with the first one.
    Beside,
    /// A run folder to open.
    Run,
    /// The folder of a run to go on with.
    ResumeRun,
    /// A VAE to pair the open GAN with.
    PairVae,
    /// A folder of pictures to measure the model's code on.
    Data,
    /// A picture to encode.
    Photo,
    /// Where the codes go.
    SaveCodes,
    /// Where the picture goes.
    SavePicture,
    /// Where the results of the metrics go.
    SaveEvaluation,
    /// Where the traversal goes: picture, animation or arrays.
    SaveTraversal,
    /// Where the matrix of codes and nuisances goes: picture or arrays.
    SaveMatrix,
    /// Where the animation goes: a file, or a folder of frames.
    SaveAnimation,
}

impl Purpose {
    fn title(self) -> &'static str {
        match self {
            Self::Model => "Open model",
            Self::Beside => "Open a model beside, to compare",
            Self::Run => "Open run folder",
            Self::ResumeRun => "Go on with a run",
            Self::PairVae => "Pair with a VAE",
            Self::Data => "Pictures like those the model was trained on (a folder)",
            Self::Photo => "Start from a picture",
            Self::SaveCodes => "Save codes (.npz)",
            Self::SavePicture => "Save picture (.png)",
            Self::SaveEvaluation => "Export results (.json or .csv)",
            Self::SaveTraversal => "Export traversal (.png, .gif or .npz)",
            Self::SaveMatrix => "Export c × s matrix (.png or .npz)",
            Self::SaveAnimation => "Export animation (.gif, or a new folder of PNG frames)",
        }
    }

    /// The name proposed for a new file; empty when an existing one is asked for.
    fn proposal(self) -> &'static str {
        match self {
            Self::Model
            | Self::Beside
            | Self::Run
            | Self::ResumeRun
            | Self::PairVae
            | Self::Data
            | Self::Photo => "",
            Self::SaveCodes => "codes.npz",
            Self::SavePicture => "picture.png",
            Self::SaveEvaluation => "evaluation.json",
            Self::SaveTraversal => "traversal.png",
            Self::SaveMatrix => "matrix.png",
            Self::SaveAnimation => "animation.gif",
        }
    }

    fn is_save(self) -> bool {
        !self.proposal().is_empty()
    }

    fn filter(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Model | Self::Beside | Self::Run | Self::ResumeRun | Self::PairVae | Self::Data => {
                ("Models", &["safetensors", "pt", "pth"])
            }
            Self::Photo => ("Pictures", &["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]),
            Self::SaveCodes => ("NumPy archive", &["npz"]),
            Self::SavePicture => ("Picture", &["png"]),
            Self::SaveEvaluation => ("Results", &["json", "csv"]),
            Self::SaveTraversal => ("Picture, animation, arrays", &["png", "gif", "npz"]),
            Self::SaveMatrix => ("Picture, arrays", &["png", "npz"]),
            Self::SaveAnimation => ("Animation", &["gif"]),
        }
    }

    /// What a person has typed as a path; models may be named as on the command line.
    fn path(self, text: &str) -> PathBuf {
        let path = PathBuf::from(text);
        let is_model = matches!(self, Self::Model | Self::Beside) && !path.exists();
        let model = BundledModel::find(BUNDLED, text).filter(|_| is_model);
        model.and_then(|model| model.unpack_for_user().ok()).unwrap_or(path)
    }

    fn ask(self) -> Option<PathBuf> {
        let (name, extensions) = self.filter();
        let dialog = rfd::FileDialog::new().set_title(self.title());
        let dialog = dialog.add_filter(name, extensions).add_filter("All files", &["*"]);
        match self {
            Self::Run | Self::ResumeRun | Self::Data => dialog.pick_folder(),
            _ if self.is_save() => dialog.set_file_name(self.proposal()).save_file(),
            _ => dialog.pick_file(),
        }
    }
}

/// Asking for a path: the system's dialog on a thread of its own, or a field in the window where there is no
/// dialog service.
pub(crate) struct Dialogs {
    has_native: bool,
    native: Option<Native>,
    field: Option<Field>,
}

struct Native {
    purpose: Purpose,
    answer: Receiver<Option<PathBuf>>,
    since: Instant,
}

struct Field {
    purpose: Purpose,
    text: String,
    /// Why it is shown, if not on request.
    reason: Option<&'static str>,
    error: Option<String>,
    /// A file that is there already and that was asked about.
    replaces: Option<PathBuf>,
}

/// Nobody closes a dialog this soon: an answer without a path that comes sooner means that there is no dialog.
const NO_DIALOG: Duration = Duration::from_millis(400);

impl Dialogs {
    /// `has_native` says whether to ask by the system's dialogs at all.
    pub(crate) fn new(has_native: bool) -> Self {
        Self { has_native, native: None, field: None }
    }

    /// Shows the system's dialog unless it is already open.
    pub(crate) fn choose(&mut self, purpose: Purpose, ctx: &egui::Context) {
        if !self.has_native {
            self.ask_path(purpose, None);
            return;
        }
        if self.native.is_some() {
            return;
        }
        let (sender, answer) = bounded(1);
        let ctx = ctx.clone();
        let ask = move || {
            let _ = sender.try_send(purpose.ask()); // Nobody waits any more when the window is closed.
            ctx.request_repaint();
        };
        match std::thread::Builder::new().name("idgan-dialog".to_owned()).spawn(ask) {
            Ok(_) => self.native = Some(Native { purpose, answer, since: Instant::now() }),
            Err(_) => self.ask_path(purpose, Some("The system's dialog cannot be started.")),
        }
    }

    /// Shows the field in the window.
    pub(crate) fn ask_path(&mut self, purpose: Purpose, reason: Option<&'static str>) {
        self.field =
            Some(Field { purpose, text: purpose.proposal().to_owned(), reason, error: None, replaces: None });
    }

    /// Shows the field, and returns the path that was chosen, once it was.
    pub(crate) fn show(&mut self, ctx: &egui::Context) -> Option<(Purpose, PathBuf)> {
        if let Some(native) = &self.native {
            let purpose = native.purpose;
            match native.answer.try_recv() {
                Ok(Some(path)) => {
                    self.native = None;
                    return Some((purpose, path));
                }
                Ok(None) => {
                    let no_dialog = native.since.elapsed() < NO_DIALOG;
                    self.native = None;
                    if no_dialog {
                        self.ask_path(purpose, Some("This system offers no file dialog."));
                    }
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => {
                    self.native = None;
                    self.ask_path(purpose, Some("The system's dialog failed."));
                }
            }
        }
        let field = self.field.as_mut()?;
        let area = egui::Modal::default_area(Id::unique("path")).anchor(Align2::CENTER_TOP, vec2(0.0, 96.0));
        let modal = egui::Modal::new(Id::unique("path")).area(area).show(ctx, |ui| {
            ui.set_width(520.0);
            ui.heading(field.purpose.title());
            if let Some(reason) = field.reason {
                ui.label(reason);
            }
            let label = ui.label("Path");
            let edit = egui::TextEdit::singleline(&mut field.text).desired_width(f32::INFINITY);
            let response = ui.add(edit.hint_text("/data/sprites.safetensors")).labelled_by(label.id);
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
                open |= ui
                    .add_enabled(
                        !path.is_empty(),
                        egui::Button::new(if field.purpose.is_save() { "Save" } else { "Open" }),
                    )
                    .clicked();
                cancel = ui.button("Cancel").clicked();
            });
            (open, cancel)
        });
        let (open, cancel) = modal.inner;
        if open {
            let path = field.purpose.path(field.text.trim());
            let asks_again =
                field.purpose.is_save() && path.is_file() && field.replaces.as_ref() != Some(&path);
            if asks_again {
                field.error =
                    Some("This file exists. Save again to replace it, or change the name.".to_owned());
                field.replaces = Some(path);
            } else if path.exists() || field.purpose.is_save() {
                let purpose = field.purpose;
                self.field = None;
                return Some((purpose, path));
            } else {
                field.error = Some("There is nothing at this path; check the spelling.".to_owned());
            }
        } else if cancel || modal.should_close() {
            self.field = None;
        }
        None
    }
}
