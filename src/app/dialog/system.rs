use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What a file dialog is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What it is about, for people.
    pub title: &'static str,
    /// What is wanted.
    pub kind: PathKind,
    /// The folder to begin in, where one is known.
    pub folder: Option<PathBuf>,
    /// What such files are called.
    pub files: &'static str,
    /// Their endings, without the dot.
    pub endings: &'static [&'static str],
}

/// What is wanted of a file dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// A file that exists.
    File,
    /// A folder that exists.
    Folder,
    /// A file to write.
    Save {
        /// The name that is proposed.
        proposal: String,
    },
}

/// Something that asks a person for paths.
pub trait FileDialogs: Send + Sync {
    /// Asks, and waits for the answer as long as that takes. `None` when the person wants nothing.
    ///
    /// # Errors
    /// A sentence that says why nobody could be asked.
    fn ask(&self, question: &Question) -> Result<Option<PathBuf>, String>;
}

/// The dialogs of the system that the window runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDialogs;

/// Nobody closes a dialog this soon: an answer without a path that comes sooner means that there was no dialog.
const NO_DIALOG: Duration = Duration::from_millis(400);

impl FileDialogs for SystemDialogs {
    fn ask(&self, question: &Question) -> Result<Option<PathBuf>, String> {
        #[cfg(target_os = "linux")]
        super::service::check()?;
        let start = Instant::now();
        let answer = show(question);
        if answer.is_none() && start.elapsed() < NO_DIALOG {
            return Err("The system's file dialog did not open.".to_owned());
        }
        Ok(answer)
    }
}

fn show(question: &Question) -> Option<PathBuf> {
    let dialog = rfd::FileDialog::new().set_title(question.title);
    let mut dialog = dialog.add_filter(question.files, question.endings).add_filter("All files", &["*"]);
    if let Some(folder) = &question.folder {
        dialog = dialog.set_directory(folder);
    }
    match &question.kind {
        PathKind::File => dialog.pick_file(),
        PathKind::Folder => dialog.pick_folder(),
        PathKind::Save { proposal } => dialog.set_file_name(proposal).save_file(),
    }
}
