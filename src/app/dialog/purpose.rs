use std::path::{Path, PathBuf};

use super::Place;
use super::system::{PathKind, Question};
use crate::app::keep::Shelf;
use crate::base::typed_path;
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
    /// A folder whose runs are listed.
    Runs,
    /// A VAE to pair the open GAN with.
    PairVae,
    /// The encoder of the open ONNX decoder.
    Encoder,
    /// A folder of pictures to measure the model's code on.
    Data,
    /// Where the model goes that was measured on them.
    SaveMeasured,
    /// A picture to encode.
    Photo,
    /// Where the codes go.
    SaveCodes,
    /// Where the picture goes.
    SavePicture,
    /// Where a picture of the stage goes, as it is shown.
    SaveStage,
    /// Where the results of the metrics go.
    SaveEvaluation,
    /// Where the tables of factors and dimensions go: page or JSON.
    SaveTables,
    /// Where the map of codes goes: page or JSON.
    SaveMap,
    /// Where the traversal goes: picture, animation or arrays.
    SaveTraversal,
    /// Where the matrix of codes and nuisances goes: picture or arrays.
    SaveMatrix,
    /// Where the animation goes: a file, or a folder of frames.
    SaveAnimation,
}

/// What comes of a path that somebody has named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PathCheck {
    /// Do it with this path.
    Go(PathBuf),
    /// Ask whether to replace what is there already, at this path.
    Ask(PathBuf, String),
    /// It cannot be done, and why.
    Refuse(String),
}

impl Purpose {
    /// What is asked, for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Model => "Open model",
            Self::Beside => "Open a model beside, to compare",
            Self::Run => "Open run folder",
            Self::ResumeRun => "Go on with a run",
            Self::Runs => "Runs to draw over each other (the folder that they lie in)",
            Self::PairVae => "Pair with a VAE",
            Self::Encoder => "Open the encoder of this decoder (.onnx)",
            Self::Data => "Pictures like those the model was trained on (a folder)",
            Self::SaveMeasured => "Save the measured model (.safetensors)",
            Self::Photo => "Start from a picture",
            Self::SaveCodes => "Save codes (.npz)",
            Self::SavePicture => "Save picture (.png)",
            Self::SaveStage => "Save the stage as it is shown (.png)",
            Self::SaveEvaluation => "Export results (.json or .csv)",
            Self::SaveTables => "Export tables (.pdf, .svg, .png or .json)",
            Self::SaveMap => "Export map (.pdf, .svg, .png or .json)",
            Self::SaveTraversal => "Export traversal (.png, .pdf, .svg, .gif, .apng, .mp4 or .npz)",
            Self::SaveMatrix => "Export c × s matrix (.png, .pdf, .svg or .npz)",
            Self::SaveAnimation => "Export animation (.gif, .apng, .mp4, or a new folder of PNG frames)",
        }
    }

    /// The name proposed for a new file; empty when an existing one is asked for.
    pub(super) fn proposal(self) -> &'static str {
        match self {
            Self::Model
            | Self::Beside
            | Self::Run
            | Self::ResumeRun
            | Self::Runs
            | Self::PairVae
            | Self::Encoder
            | Self::Data
            | Self::Photo => "",
            Self::SaveMeasured => "model.measured.safetensors",
            Self::SaveCodes => "codes.npz",
            Self::SavePicture => "picture.png",
            Self::SaveStage => "stage.png",
            Self::SaveEvaluation => "evaluation.json",
            Self::SaveTables => "tables.pdf",
            Self::SaveMap => "map.pdf",
            Self::SaveTraversal => "traversal.png",
            Self::SaveMatrix => "matrix.png",
            Self::SaveAnimation => "animation.gif",
        }
    }

    /// What such a path looks like.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Model | Self::Beside => "/data/sprites.safetensors, a run folder, or scenes-128",
            Self::Run | Self::ResumeRun => "/data/runs/sprites",
            Self::Runs => "/data/runs",
            Self::PairVae => "/data/celeba/last",
            Self::Encoder => "/data/encoder.onnx",
            Self::Data => "/data/faces",
            Self::Photo => "/data/faces/mine.jpg",
            Self::SaveMeasured => "/data/measured.safetensors",
            Self::SaveCodes => "/data/codes.npz",
            Self::SavePicture => "/data/picture.png",
            Self::SaveStage => "/data/stage.png",
            Self::SaveEvaluation => "/data/evaluation.json",
            Self::SaveTables => "/data/tables.pdf",
            Self::SaveMap => "/data/map.pdf",
            Self::SaveTraversal => "/data/traversal.png",
            Self::SaveMatrix => "/data/matrix.png",
            Self::SaveAnimation => "/data/animation.gif",
        }
    }

    /// What lies in the folder where asking begins.
    pub(super) fn shelf(self) -> Shelf {
        match self {
            Self::Model | Self::Beside | Self::PairVae | Self::Encoder | Self::SaveMeasured => Shelf::Models,
            Self::Run | Self::ResumeRun | Self::Runs => Shelf::Runs,
            Self::Data | Self::Photo => Shelf::Pictures,
            Self::SaveCodes
            | Self::SavePicture
            | Self::SaveStage
            | Self::SaveEvaluation
            | Self::SaveTables
            | Self::SaveMap
            | Self::SaveTraversal
            | Self::SaveMatrix
            | Self::SaveAnimation => Shelf::Exports,
        }
    }

    pub(super) fn is_save(self) -> bool {
        !self.proposal().is_empty()
    }

    fn takes_folder(self) -> bool {
        matches!(self, Self::Run | Self::ResumeRun | Self::Runs | Self::Data)
    }

    /// What such files are called, and their endings; of a file to be written the first is the usual one.
    pub(crate) fn filter(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Model
            | Self::Beside
            | Self::Run
            | Self::ResumeRun
            | Self::Runs
            | Self::PairVae
            | Self::Data => ("Models", &["safetensors", "pt", "pth", "ckpt", "onnx"]),
            Self::Encoder => ("ONNX files", &["onnx"]),
            Self::SaveMeasured => ("Bundle", &["safetensors"]),
            Self::Photo => ("Pictures", &["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]),
            Self::SaveCodes => ("NumPy archive", &["npz"]),
            Self::SavePicture | Self::SaveStage => ("Picture", &["png"]),
            Self::SaveEvaluation => ("Results", &["json", "csv"]),
            Self::SaveMap => ("Page, codes", &["pdf", "svg", "png", "json"]),
            Self::SaveTables => ("Page, tables", &["pdf", "svg", "png", "json"]),
            Self::SaveTraversal => {
                ("Picture, print, animation, arrays", &["png", "pdf", "svg", "gif", "apng", "mp4", "npz"])
            }
            Self::SaveMatrix => ("Picture, print, arrays", &["png", "pdf", "svg", "npz"]),
            Self::SaveAnimation => ("Animation", &["gif", "apng", "mp4"]),
        }
    }

    /// The same for a file dialog that begins at `place`.
    pub(super) fn question(self, place: &Place) -> Question {
        let (files, endings) = self.filter();
        let kind = match self {
            _ if self.takes_folder() => PathKind::Folder,
            _ if self.is_save() => PathKind::Save { proposal: place.name.clone() },
            _ => PathKind::File,
        };
        Question { title: self.title(), kind, folder: place.folder.clone(), files, endings }
    }

    /// What a person has typed as a path; models may be named as on the command line.
    pub(super) fn path(self, text: &str) -> PathBuf {
        let path = typed_path(text);
        let is_model = matches!(self, Self::Model | Self::Beside) && !path.exists();
        let model = BundledModel::find(BUNDLED, text).filter(|_| is_model);
        model.and_then(|model| model.unpack_for_user().ok()).unwrap_or(path)
    }

    /// Looks at what `path` would lead to, before anything is done. `agreed` is the path whose files somebody has
    /// agreed to replace.
    pub(super) fn check(self, path: &Path, agreed: Option<&Path>) -> PathCheck {
        if !self.is_save() {
            return self.check_opening(path);
        }
        let path = match self.destination(path) {
            Ok(path) => path,
            Err(refusal) => return PathCheck::Refuse(refusal),
        };
        let there: Vec<String> =
            self.written(&path).filter(|file| file.is_file()).map(|f| name(&f)).collect();
        if there.is_empty() || agreed == Some(path.as_path()) {
            return PathCheck::Go(path);
        }
        let (exist, replace) = if there.len() == 1 { ("exists", "it") } else { ("exist", "them") };
        let text =
            format!("{} {exist}. Save again to replace {replace}, or change the name.", there.join(" and "));
        PathCheck::Ask(path, text)
    }

    fn check_opening(self, path: &Path) -> PathCheck {
        if !path.exists() {
            return PathCheck::Refuse("There is nothing at this path; check the spelling.".to_owned());
        }
        if self.takes_folder() && !path.is_dir() {
            return PathCheck::Refuse("This is a file; name the folder that it lies in.".to_owned());
        }
        PathCheck::Go(path.to_owned())
    }

    /// `path` with the ending that it needs.
    fn destination(self, path: &Path) -> Result<PathBuf, String> {
        let (_, endings) = self.filter();
        let is_frames = self == Self::SaveAnimation;
        if path.is_dir() {
            let is_empty = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
            return match is_frames {
                true if is_empty => Ok(path.to_owned()),
                true => Err("This folder is not empty; name a new one for the frames, or a .gif.".to_owned()),
                false => Err(format!("This is a folder; name a file in it, such as {}.", self.proposal())),
            };
        }
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let path = match ending {
            Some(ending) if endings.contains(&ending.as_str()) => path.to_owned(),
            Some(_) => {
                let endings = endings.iter().map(|ending| format!(".{ending}")).collect::<Vec<_>>();
                let folder = if is_frames { ", or in nothing for a folder of frames" } else { "" };
                return Err(format!("The name has to end in {}{folder}.", endings.join(" or ")));
            }
            None if is_frames => path.to_owned(),
            None => path.with_extension(endings[0]),
        };
        if path.is_dir() {
            return Err(format!("{} is a folder; choose another name.", name(&path)));
        }
        if is_frames && path.extension().is_none() && path.exists() {
            return Err("A file lies where the folder of frames should be; choose another name.".to_owned());
        }
        Ok(path)
    }

    /// The files that may be replaced by a destination's: itself, and beside a picture its codes.
    fn written(self, path: &Path) -> impl Iterator<Item = PathBuf> {
        let codes = (self == Self::SavePicture).then(|| path.with_extension("npz"));
        std::iter::once(path.to_owned()).chain(codes)
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(answer: &PathCheck) -> &str {
        match answer {
            PathCheck::Refuse(text) => text,
            _ => "",
        }
    }

    #[test]
    fn a_name_gets_its_ending_before_anybody_looks_whether_it_is_taken() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let [bare, whole] = ["figure", "figure.png"].map(|name| folder.path().join(name));
        assert_eq!(Purpose::SaveTraversal.check(&bare, None), PathCheck::Go(whole.clone()));
        std::fs::write(&whole, "old").expect("writes");
        for path in [&bare, &whole] {
            let answer = Purpose::SaveTraversal.check(path, None);
            let PathCheck::Ask(asked, text) = answer else { panic!("{answer:?}") };
            assert!(asked == whole && text.starts_with("figure.png exists. Save again"), "{text}");
        }
        assert_eq!(Purpose::SaveTraversal.check(&bare, Some(&whole)), PathCheck::Go(whole.clone()));
        let other = folder.path().join("other.png");
        assert!(matches!(Purpose::SaveTraversal.check(&whole, Some(&other)), PathCheck::Ask(..)));
    }

    #[test]
    fn what_lies_beside_is_asked_about_too() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let picture = folder.path().join("face.png");
        std::fs::write(folder.path().join("face.npz"), "somebody's arrays").expect("writes");
        let answer = Purpose::SavePicture.check(&picture, None);
        assert!(
            matches!(&answer, PathCheck::Ask(_, text) if text.starts_with("face.npz exists.")),
            "{answer:?}"
        );
        std::fs::write(&picture, "old").expect("writes");
        let answer = Purpose::SavePicture.check(&picture, None);
        let PathCheck::Ask(_, text) = answer else { panic!("{answer:?}") };
        assert_eq!(text, "face.png and face.npz exist. Save again to replace them, or change the name.");
    }

    #[test]
    fn a_folder_is_no_file_and_other_endings_are_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let saves = [
            Purpose::SaveCodes,
            Purpose::SavePicture,
            Purpose::SaveEvaluation,
            Purpose::SaveTables,
            Purpose::SaveMap,
            Purpose::SaveTraversal,
            Purpose::SaveMatrix,
        ];
        for purpose in saves {
            let answer = purpose.check(folder.path(), None);
            assert!(refusal(&answer).starts_with("This is a folder"), "{purpose:?}: {answer:?}");
            let answer = purpose.check(&folder.path().join("name.jpg"), None);
            assert!(refusal(&answer).starts_with("The name has to end in ."), "{purpose:?}: {answer:?}");
            let named = folder.path().join(format!("{purpose:?}"));
            let (_, endings) = purpose.filter();
            std::fs::create_dir(named.with_extension(endings[0])).expect("creates");
            let answer = purpose.check(&named, None);
            assert!(refusal(&answer).contains("is a folder"), "{purpose:?}: {answer:?}");
        }
        let upper = folder.path().join("FIGURE.PNG");
        assert_eq!(Purpose::SaveMatrix.check(&upper, None), PathCheck::Go(upper));
    }

    #[test]
    fn frames_take_a_new_or_an_empty_folder() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = |name: &str| folder.path().join(name);
        let check = |name: &str| Purpose::SaveAnimation.check(&path(name), None);
        assert_eq!(check("frames"), PathCheck::Go(path("frames")));
        std::fs::create_dir(path("frames")).expect("creates");
        assert_eq!(check("frames"), PathCheck::Go(path("frames")));
        std::fs::write(path("frames").join("mine.txt"), "x").expect("writes");
        assert!(refusal(&check("frames")).contains("not empty"));
        assert!(refusal(&check("walk.webm")).contains("a folder of frames"));
        std::fs::write(path("taken"), "x").expect("writes");
        assert!(refusal(&check("taken")).starts_with("A file lies"));
    }

    #[test]
    fn what_is_opened_has_to_be_there() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join("model.safetensors");
        assert!(refusal(&Purpose::Model.check(&file, None)).starts_with("There is nothing"));
        std::fs::write(&file, "x").expect("writes");
        assert_eq!(Purpose::Model.check(&file, None), PathCheck::Go(file.clone()));
        assert!(refusal(&Purpose::Data.check(&file, None)).starts_with("This is a file"));
        assert_eq!(Purpose::Run.check(folder.path(), None), PathCheck::Go(folder.path().to_owned()));
    }
}
