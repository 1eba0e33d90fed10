use std::path::{Path, PathBuf};

use crate::checkpoint::{Sources, open};
use crate::inference::{Place, Purpose};

use super::export::{FigureTarget, TargetKind};
use super::words::Words;
use super::{
    AnimationRequest, Base, DrawOptions, FigureError, MatrixCodes, MatrixRequest, Print, SampleCodes,
    SampleRequest, TranslationRequest, TraversalRequest, Workbench,
};

/// A figure that somebody wants: of which model, drawn where, and what becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureRequest {
    /// The model's files.
    pub model: Sources,
    /// Where its networks are computed.
    pub place: Place,
    /// What is drawn.
    pub figure: Figure,
    /// Where to; its ending says what is written.
    pub out: PathBuf,
}

/// What a figure shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Figure {
    /// One row a dimension, one column a value.
    Traversal(TraversalRequest),
    /// Every code with every nuisance (the paper's Figure 8).
    Matrix(MatrixRequest),
    /// A walk through chosen codes.
    Animation(AnimationRequest),
    /// Pictures of given or random codes, one by one.
    Samples(SampleRequest),
    /// What a chain makes of pictures.
    Translation(TranslationRequest),
}

impl Figure {
    /// The command that draws it.
    fn command(&self) -> &'static str {
        match self {
            Self::Traversal(_) => "traverse",
            Self::Matrix(_) => "grid",
            Self::Animation(_) => "animate",
            Self::Samples(_) => "sample",
            Self::Translation(_) => "translate",
        }
    }

    /// What it can be written as.
    fn kinds(&self) -> &'static [TargetKind] {
        use TargetKind::{Apng, Folder, Gif, Mp4, Npz, Pdf, Png, Svg};
        match self {
            Self::Traversal(_) => &[Png, Svg, Pdf, Gif, Apng, Mp4, Npz, Folder],
            Self::Matrix(_) => &[Png, Svg, Pdf, Npz],
            Self::Animation(_) => &[Gif, Apng, Mp4, Folder],
            Self::Samples(_) => &[Npz, Folder],
            Self::Translation(_) => &[Png, Svg, Pdf, Folder],
        }
    }

    /// How it is printed, where it is.
    fn print(&self) -> Print {
        match self {
            Self::Traversal(traversal) => traversal.cells.print,
            Self::Matrix(matrix) => matrix.cells.print,
            Self::Animation(animation) => animation.cells.print,
            Self::Translation(translation) => translation.cells.print,
            Self::Samples(_) => Print::default(),
        }
    }

    fn say(&self, words: &mut Words) {
        match self {
            Self::Traversal(traversal) => traversal.say(words),
            Self::Matrix(matrix) => matrix.say(words),
            Self::Animation(animation) => animation.say(words),
            Self::Samples(samples) => samples.say(words),
            Self::Translation(translation) => translation.say(words),
        }
    }
}

impl FigureRequest {
    /// The words of the command that makes it, without the program.
    pub fn words(&self) -> Vec<String> {
        let mut words = Words::new(self.figure.command());
        words.extend(self.model.arguments());
        for (name, value) in self.place.options() {
            words.option(name, value);
        }
        self.figure.say(&mut words);
        words.into(&self.out)
    }

    /// The command that makes it, program first.
    pub fn command(&self) -> Vec<String> {
        std::iter::once("idgan".to_owned()).chain(self.words()).collect()
    }

    /// The same of the codes that the file `codes` holds: a traversal from its first row.
    #[must_use]
    pub fn of_codes(mut self, codes: &Path) -> Self {
        let codes = codes.to_owned();
        match &mut self.figure {
            Figure::Traversal(traversal) => traversal.base = Base::Row { codes, row: 0 },
            Figure::Matrix(matrix) => matrix.codes = MatrixCodes::File(codes),
            Figure::Animation(animation) => animation.codes = codes,
            Figure::Samples(samples) => samples.codes = SampleCodes::File(codes),
            // its noises are drawn
            Figure::Translation(_) => {}
        }
        self
    }

    /// Draws it and writes it: complete, or not at all.
    ///
    /// # Errors
    /// When the place cannot be written to, which is looked at first; when the model or the codes cannot be read or do not
    /// fit what is asked for; when drawing or writing fails, or was stopped.
    pub fn draw(&self, options: &mut DrawOptions<'_>) -> Result<(), FigureError> {
        let target = FigureTarget::parse(&self.out, self.figure.kinds()).map_err(FigureError::Request)?;
        target.check()?;
        self.figure.print().check(&target)?;
        let opened = open(&self.model)?;
        opened.said().iter().for_each(|sentence| options.observer.warn(sentence));
        options.check()?;
        let computer = self.place.open(Purpose::Pictures)?;
        let mut bench = Workbench::new(opened.model, computer, options.threads)?;
        bench.networks.warnings.iter().for_each(|sentence| options.observer.warn(sentence));
        match &self.figure {
            Figure::Traversal(traversal) => traversal.draw(&mut bench, &target, options),
            Figure::Matrix(matrix) => matrix.draw(&mut bench, &target, options),
            Figure::Animation(animation) => animation.draw(&mut bench, &target, options),
            Figure::Samples(samples) => samples.draw(&mut bench, &target, options),
            Figure::Translation(translation) => translation.draw(&mut bench, &target, options),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Cancel;
    use crate::checkpoint::{Precision, write_bundle};
    use crate::engine::RandomLibrary;
    use crate::explore::CodeSource;
    use crate::figures::Observer;
    use crate::nets::ResnetTrunk;

    /// Raises the flag once so many pictures are drawn.
    struct Impatient<'a> {
        cancel: &'a Cancel,
        after: usize,
        told: Vec<(usize, usize)>,
    }

    impl Observer for Impatient<'_> {
        fn warn(&mut self, _sentence: &str) {}

        fn progress(&mut self, done: usize, of: usize) {
            self.told.push((done, of));
            if done == self.after {
                self.cancel.cancel();
            }
        }
    }

    /// Draws four random codes by both chains of a small model; returns the outcome, what was told, and how many files are
    /// there beside the model.
    fn draw(out: &str, after: usize) -> (Result<(), FigureError>, Vec<(usize, usize)>, usize) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let model = folder.path().join("tiny.safetensors");
        let trunk = ResnetTrunk { size: 16, nfilter: 2, nfilter_max: 4, channels: 3 };
        let tiny = RandomLibrary { trunk, c_dim: 3, s_dim: 4 }.model();
        write_bundle(&model, &tiny, Precision::F32).expect("writes");
        let codes = SampleCodes::Drawn { count: 4, from: CodeSource::Prior };
        let request = FigureRequest {
            model: Sources { checkpoint: Some(model), ..Sources::default() },
            place: "cpu".parse().expect("a place"),
            figure: Figure::Samples(SampleRequest { codes, seed: 1, decoder: None }),
            out: folder.path().join(out),
        };
        let cancel = Cancel::new();
        let mut observer = Impatient { cancel: &cancel, after, told: Vec::new() };
        let command = request.command();
        let mut options = DrawOptions { command, threads: 1, cancel: &cancel, observer: &mut observer };
        let outcome = request.draw(&mut options);
        let files = std::fs::read_dir(folder.path()).expect("reads").count() - 1;
        (outcome, observer.told, files)
    }

    #[test]
    fn drawing_tells_how_far_it_is_and_stops_without_a_trace() {
        for out in ["samples.npz", "samples"] {
            let (outcome, told, files) = draw(out, usize::MAX);
            outcome.expect("draws");
            assert_eq!((told, files), ((1..=8).map(|done| (done, 8)).collect(), 1));
            let (outcome, told, files) = draw(out, 2);
            assert!(matches!(outcome, Err(FigureError::Stopped)), "{outcome:?}");
            assert_eq!((told.len(), files), (2, 0));
        }
    }

    #[test]
    fn what_cannot_be_written_is_refused_before_a_model_is_opened() {
        let (outcome, told, files) = draw("samples.gif", usize::MAX);
        assert!(matches!(outcome, Err(FigureError::Request(_))), "{outcome:?}");
        assert_eq!((told.len(), files), (0, 0));
    }
}
