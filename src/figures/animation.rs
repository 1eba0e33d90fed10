use std::path::PathBuf;

use crate::base::Picture;
use crate::explore::{CodePath, Codes};

use super::drawing::{Band, Canvas, PictureTable, fit};
use super::export::{
    Animation, Colour, FigureTarget, Provenance, TargetKind, numbers, write_animation, write_png,
};
use super::words::Words;
use super::workbench::picture;
use super::{Cells, ChainChoice, DrawOptions, FigureError, Workbench};

/// A walk through chosen codes, as an animation or as frames.
#[derive(Clone, Debug, PartialEq)]
pub struct AnimationRequest {
    /// The file of the codes to pass, in order, at least 2.
    pub codes: PathBuf,
    /// Frames from each code to the next, 1 to 1000.
    pub steps: u16,
    /// Whether it goes on from the last code to the first; otherwise an animation runs back.
    pub is_closed: bool,
    /// The random draw of a nuisance that the file lacks, the same in every frame.
    pub s_seed: u64,
    /// Which chains draw, beside each other; all there are when left out.
    pub decoder: Option<ChainChoice>,
    /// Milliseconds a frame of an animation, 20 to 10,000.
    pub frame_ms: u16,
    /// How large the pictures are.
    pub cells: Cells,
}

impl AnimationRequest {
    pub(super) fn say(&self, words: &mut Words) {
        words.option("steps", self.steps);
        words.flag("closed", self.is_closed);
        words.unusual("s-seed", &self.s_seed, &0);
        words.optional("decoder", self.decoder.as_ref());
        words.option("frame-ms", self.frame_ms);
        self.cells.say(words);
        words.path("codes", &self.codes);
    }

    pub(super) fn draw(
        &self,
        bench: &mut Workbench,
        target: &FigureTarget,
        options: &mut DrawOptions<'_>,
    ) -> Result<(), FigureError> {
        let chains = bench.chains(self.decoder.as_ref())?;
        let path = self.path(bench)?;
        let codes = path.frames(bench.description(), usize::from(self.steps))?;
        let stops: serde_json::Map<_, _> =
            path.stops.blocks().map(|(name, values)| (name.to_owned(), numbers(values.data()))).collect();
        let provenance = bench
            .provenance(options.command.clone())
            .with("stops", stops)
            .with("steps", self.steps)
            .with("closed", self.is_closed)
            .with("s_seed", self.s_seed);
        let frames = self.frames(bench, &chains, &codes, options)?;
        match target.kind {
            TargetKind::Gif | TargetKind::Apng | TargetKind::Mp4 => {
                let animation = Animation { frame_ms: self.frame_ms, back_and_forth: !self.is_closed };
                Ok(write_animation(target, &frames, animation, &provenance, options.cancel)?)
            }
            _ => {
                let is_grey = chains.len() == 1 && bench.picture_shape(&chains[0])?[0] == 1;
                let colour = if is_grey { Colour::Grey } else { Colour::Rgb };
                write_frames(&codes, &frames, colour, target, &provenance, options)
            }
        }
    }

    /// The codes to pass.
    fn path(&self, bench: &Workbench) -> Result<CodePath, FigureError> {
        let (mut stops, random_blocks) = bench.read_codes(&self.codes, self.s_seed)?;
        // One nuisance for all frames, where nobody chose others.
        for name in &random_blocks {
            let first = stops.row(name, 0)?.to_vec();
            (1..stops.rows()).try_for_each(|row| stops.set_row(name, row, &first))?;
        }
        let path = CodePath { stops, is_closed: self.is_closed };
        if path.legs() == 0 {
            return Err(FigureError::Lacking(format!(
                "a walk needs at least 2 codes, and this file has {}: {}",
                path.stops.rows(),
                self.codes.display()
            )));
        }
        Ok(path)
    }

    /// All frames: one network's pictures as they are, or both beside each other with their names.
    fn frames(
        &self,
        bench: &mut Workbench,
        chains: &[String],
        codes: &Codes,
        options: &mut DrawOptions<'_>,
    ) -> Result<Vec<Picture>, FigureError> {
        let cell = self.cells.size(bench, &chains[chains.len() - 1])?;
        let band = Band {
            captions: chains.iter().map(|chain| bench.tag(chain)).collect(),
            tags: vec![String::new()],
            ..Band::default()
        };
        let table = PictureTable { cell, columns: chains.len(), bands: vec![band], line: None };
        let is_bare = chains.len() == 1;
        let [width, height] = if is_bare { cell } else { table.size()? };
        self.cells.check([width, height * codes.rows()])?;
        let mut canvases = Vec::new();
        if !is_bare {
            canvases = (0..codes.rows()).map(|_| table.canvas()).collect::<Result<_, _>>()?;
        }
        let mut frames = Vec::new();
        let parts = chains.iter().map(|chain| (chain.as_str(), codes));
        bench.render(parts, options, |column, frame, values, shape| {
            let picture = picture(values, shape)?;
            match canvases.get_mut(frame) {
                Some(canvas) => canvas.place(0, column, &picture),
                None => frames.push(fit(&picture, cell).into_owned()),
            }
            Ok(())
        })?;
        frames.extend(canvases.into_iter().map(Canvas::into_picture));
        Ok(frames)
    }
}

/// One PNG a frame, each with its codes.
fn write_frames(
    codes: &Codes,
    frames: &[Picture],
    colour: Colour,
    target: &FigureTarget,
    provenance: &Provenance,
    options: &DrawOptions<'_>,
) -> Result<(), FigureError> {
    target.write_folder(|folder| {
        for (index, frame) in frames.iter().enumerate() {
            options.check()?;
            let mut provenance = provenance.clone().with("frame", index);
            for (name, values) in codes.blocks() {
                provenance = provenance.with(name, numbers(values.row(index)));
            }
            write_png(&folder.join(format!("frame_{index:04}.png")), frame, colour, &provenance)?;
        }
        Ok(())
    })
}
