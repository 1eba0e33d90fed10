use std::path::{Path, PathBuf};

use crate::checkpoint::{Sources, open};
use crate::inference::{Place, Purpose};

use super::export::{Target, TargetKind};
use super::words::Words;
use super::{
    AnimationRequest, Base, DrawOptions, FigureError, MatrixCodes, MatrixRequest, SampleCodes, SampleRequest,
    TraversalRequest, Workbench,
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
}

impl Figure {
    /// The command that draws it.
    fn command(&self) -> &'static str {
        match self {
            Self::Traversal(_) => "traverse",
            Self::Matrix(_) => "grid",
            Self::Animation(_) => "animate",
            Self::Samples(_) => "sample",
        }
    }

    /// What it can be written as.
    fn kinds(&self) -> &'static [TargetKind] {
        use TargetKind::{Folder, Gif, Npz, Png};
        match self {
            Self::Traversal(_) => &[Png, Gif, Npz, Folder],
            Self::Matrix(_) => &[Png, Npz],
            Self::Animation(_) => &[Gif, Folder],
            Self::Samples(_) => &[Npz, Folder],
        }
    }

    fn say(&self, words: &mut Words) {
        match self {
            Self::Traversal(traversal) => traversal.say(words),
            Self::Matrix(matrix) => matrix.say(words),
            Self::Animation(animation) => animation.say(words),
            Self::Samples(samples) => samples.say(words),
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
        }
        self
    }

    /// Draws it and writes it: complete, or not at all.
    ///
    /// # Errors
    /// When the place cannot be written to, which is looked at first; when the model or the codes cannot be read or do not
    /// fit what is asked for; when drawing or writing fails, or was stopped.
    pub fn draw(&self, options: &mut DrawOptions<'_>) -> Result<(), FigureError> {
        let target = Target::parse(&self.out, self.figure.kinds()).map_err(FigureError::Request)?;
        target.check()?;
        let opened = open(&self.model)?;
        opened.warnings.iter().for_each(|sentence| options.observer.warn(sentence));
        options.check()?;
        let computer = self.place.open(Purpose::Pictures)?;
        let mut bench = Workbench::new(opened.model, computer, options.threads)?;
        bench.networks.warnings.iter().for_each(|sentence| options.observer.warn(sentence));
        match &self.figure {
            Figure::Traversal(traversal) => traversal.draw(&mut bench, &target, options),
            Figure::Matrix(matrix) => matrix.draw(&mut bench, &target, options),
            Figure::Animation(animation) => animation.draw(&mut bench, &target, options),
            Figure::Samples(samples) => samples.draw(&mut bench, &target, options),
        }
    }
}
