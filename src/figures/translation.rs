use std::path::PathBuf;

use crate::base::Background;
use crate::explore::{Codes, Form, SourcePictures, draw_prior, read_square};

use super::drawing::{Band, PictureTable};
use super::export::{Colour, FigureTarget, Provenance, TargetKind, numbers, write_png};
use super::words::Words;
use super::workbench::picture;
use super::{Cells, DrawOptions, FigureError, Workbench};

/// Most letters of a file's name beside its row.
const LONGEST_NAME: usize = 20;

/// What a chain makes of pictures: a row a picture, a column a noise.
#[derive(Clone, Debug, PartialEq)]
pub struct TranslationRequest {
    /// The files of the pictures.
    pub pictures: Vec<PathBuf>,
    /// The chain; the first that takes a picture when left out.
    pub chain: Option<String>,
    /// Noises, 1 to 1000, the same for every picture. A chain without any has one column.
    pub noises: u16,
    /// The random draw of the noises.
    pub seed: u64,
    /// Side of the square that is cut from the middle of each picture; the largest when left out.
    pub crop: Option<u32>,
    /// What shows through where a picture is transparent; what the model was trained with when left out.
    pub background: Option<Background>,
    /// How large the pictures in the figure are.
    pub cells: Cells,
}

/// A chain that makes pictures of pictures.
struct Way {
    chain: String,
    /// Channels, height and width of what it takes.
    takes: [usize; 3],
    /// The noise that it takes.
    noises: Vec<String>,
}

impl TranslationRequest {
    /// Noises where nobody says.
    pub const NOISES: u16 = 5;

    pub(super) fn say(&self, words: &mut Words) {
        self.pictures.iter().for_each(|path| words.path("image", path));
        words.optional("chain", self.chain.as_ref());
        words.unusual("noises", &self.noises, &Self::NOISES);
        words.unusual("seed", &self.seed, &0);
        words.optional("crop", self.crop);
        words.optional("background", self.background);
        self.cells.say(words);
    }

    pub(super) fn draw(
        &self,
        bench: &mut Workbench,
        target: &FigureTarget,
        options: &mut DrawOptions<'_>,
    ) -> Result<(), FigureError> {
        let way = self.way(bench)?;
        let pictures = self.read(bench, &way)?;
        let columns = if way.noises.is_empty() { 1 } else { usize::from(self.noises) };
        let codes = self.codes(bench, &pictures, columns)?;
        let provenance = bench.provenance(options.command.clone());
        let provenance = provenance.with("chain", way.chain.as_str()).with("seed", self.seed);
        match target.kind {
            TargetKind::Folder => self.write_pictures(bench, &way, &codes, &provenance, target, options),
            _ => self.write_figure(bench, &way, &codes, &provenance, target, options),
        }
    }

    /// The chain to draw with.
    fn way(&self, bench: &Workbench) -> Result<Way, FigureError> {
        let description = bench.description();
        let of = |chain: &str| {
            let wiring = description.wiring(description.chain(chain).ok()?).ok()?;
            let noises = wiring.codes().into_iter().map(str::to_owned).collect();
            Some(Way { chain: chain.to_owned(), takes: wiring.picture_taken()?, noises })
        };
        let mut ways = description.render.iter().filter_map(|chain| of(&chain.name));
        match &self.chain {
            None => ways.next().ok_or_else(|| {
                FigureError::Lacking(
                    "this model makes no pictures of pictures; idgan sample draws with it, and idgan traverse --image varies a picture"
                        .to_owned(),
                )
            }),
            Some(name) => {
                let name = &description.chain(name)?.name;
                of(name).ok_or_else(|| {
                    let known: Vec<String> = ways.map(|way| way.chain).collect();
                    FigureError::Lacking(format!(
                        "the chain {name} takes no picture; those that do are called {}",
                        known.join(", ")
                    ))
                })
            }
        }
    }

    /// The pictures as the chain takes them.
    fn read(&self, bench: &Workbench, way: &Way) -> Result<SourcePictures, FigureError> {
        let [channels, height, width] = way.takes;
        if height != width {
            return Err(FigureError::Lacking(format!(
                "the chain {} takes pictures of {width}x{height} pixels, and files are cut to squares",
                way.chain
            )));
        }
        let background = self.background.unwrap_or_else(|| bench.description().background());
        let form = Form { channels, size: width, crop: self.crop.map(|crop| crop as usize), background };
        let mut values = Vec::new();
        for path in &self.pictures {
            values.extend(read_square(path, &form)?);
        }
        SourcePictures::new(way.takes, values).filter(|pictures| !pictures.is_empty()).ok_or_else(|| {
            FigureError::Request("name the pictures to translate, one file or more".to_owned())
        })
    }

    /// For every picture a row a noise.
    fn codes(
        &self,
        bench: &Workbench,
        pictures: &SourcePictures,
        columns: usize,
    ) -> Result<Codes, FigureError> {
        let rows: Vec<usize> =
            (0..pictures.len()).flat_map(|row| std::iter::repeat_n(row, columns)).collect();
        let mut codes = Codes::neutral(bench.description(), rows.len());
        codes.set_pictures(pictures.select(&rows))?;
        for block in &bench.description().codes {
            for row in 0..rows.len() {
                codes.set_row(&block.name, row, &draw_prior(block, self.seed, row % columns))?;
            }
        }
        Ok(codes)
    }

    fn write_figure(
        &self,
        bench: &mut Workbench,
        way: &Way,
        codes: &Codes,
        provenance: &Provenance,
        target: &FigureTarget,
        options: &mut DrawOptions<'_>,
    ) -> Result<(), FigureError> {
        let columns = codes.rows() / self.pictures.len().max(1);
        let cell = self.cells.size(bench, &way.chain)?;
        let noise = way.noises.join(", ");
        let caption = |column: usize| match noise.as_str() {
            "" => way.chain.clone(),
            noise => format!("{noise}({})", column + 1),
        };
        let captions = std::iter::once("input".to_owned()).chain((0..columns).map(caption)).collect();
        let tags = (0..self.pictures.len()).map(|row| self.name(row)).collect();
        let bands = vec![Band { captions, tags, ..Band::default() }];
        let table = PictureTable { cell, columns: columns + 1, line: None, bands };
        let table = self.cells.print.lettered(table)?;
        self.cells.check(table.size()?)?;
        let mut canvas = table.canvas()?;
        for row in 0..self.pictures.len() {
            if let Some(pictures) = codes.pictures() {
                canvas.place(row, 0, &pictures.picture(row * columns));
            }
        }
        bench.render([(way.chain.as_str(), codes)], options, |_, index, values, shape| {
            canvas.place(index / columns, 1 + index % columns, &picture(values, shape)?);
            Ok(())
        })?;
        self.cells.print.write(&canvas, target, provenance)
    }

    fn write_pictures(
        &self,
        bench: &mut Workbench,
        way: &Way,
        codes: &Codes,
        provenance: &Provenance,
        target: &FigureTarget,
        options: &mut DrawOptions<'_>,
    ) -> Result<(), FigureError> {
        let columns = codes.rows() / self.pictures.len().max(1);
        target.write_folder(|folder| {
            bench.render([(way.chain.as_str(), codes)], options, |_, index, values, shape| {
                let (row, column) = (index / columns, index % columns);
                let file = self.pictures[row].display().to_string();
                let mut provenance = provenance.clone().with("picture", file).with("noise", column);
                for name in &way.noises {
                    provenance = provenance.with(name, numbers(codes.row(name, index)?));
                }
                let path = folder.join(format!("{row:05}_{column:03}_{}.png", way.chain));
                let colour = if shape[0] == 1 { Colour::Grey } else { Colour::Rgb };
                Ok(write_png(&path, &picture(values, shape)?, colour, &provenance)?)
            })
        })
    }

    /// What stands beside the row of a picture: its file's name without the ending, cut where it is long.
    fn name(&self, row: usize) -> String {
        let name = self.pictures[row].file_stem().unwrap_or_default().to_string_lossy();
        match name.chars().count() <= LONGEST_NAME {
            true => name.into_owned(),
            false => name.chars().take(LONGEST_NAME - 1).chain(['…']).collect(),
        }
    }
}
