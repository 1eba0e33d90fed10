use std::path::PathBuf;

use crate::explore::{CodeSource, Codes};

use super::arrays::{Part, write_arrays};
use super::export::{Colour, FigureTarget, Provenance, TargetKind, numbers, write_png};
use super::words::Words;
use super::workbench::picture;
use super::{ChainChoice, DrawOptions, FigureError, Workbench};

/// Pictures of given or random codes, one by one.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleRequest {
    /// What is drawn.
    pub codes: SampleCodes,
    /// The random draw of the codes, or of a nuisance that the file lacks.
    pub seed: u64,
    /// Which chains draw; all there are when left out.
    pub decoder: Option<ChainChoice>,
}

/// Where the codes of samples come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SampleCodes {
    /// Drawn at random.
    Drawn {
        /// How many, 1 to 1,000,000.
        count: u32,
        /// From what.
        from: CodeSource,
    },
    /// All rows of a file of codes.
    File(PathBuf),
}

impl SampleRequest {
    pub(super) fn say(&self, words: &mut Words) {
        if let SampleCodes::Drawn { count, from } = self.codes {
            words.option("count", count);
            words.option("from", from);
        }
        words.unusual("seed", &self.seed, &0);
        words.optional("decoder", self.decoder.as_ref());
        if let SampleCodes::File(path) = &self.codes {
            words.path("codes", path);
        }
    }

    pub(super) fn draw(
        &self,
        bench: &mut Workbench,
        target: &FigureTarget,
        options: &mut DrawOptions<'_>,
    ) -> Result<(), FigureError> {
        let chains = bench.chains(self.decoder.as_ref())?;
        let codes = self.codes(bench)?;
        let mut provenance = bench.provenance(options.command.clone()).with("seed", self.seed);
        if let SampleCodes::Drawn { from, .. } = self.codes {
            provenance = provenance.with("from", from.to_string());
        }
        match target.kind {
            TargetKind::Npz => {
                let axes = [codes.rows()];
                let parts: Vec<_> =
                    chains.iter().map(|chain| Part { chain, codes: &codes, axes: &axes }).collect();
                write_arrays(bench, &parts, target, &provenance, options, |npz| {
                    codes
                        .blocks()
                        .try_for_each(|(name, values)| npz.floats(name, values.shape(), values.data()))
                })
            }
            _ => write_pictures(bench, &chains, &codes, &provenance, target, options),
        }
    }

    fn codes(&self, bench: &Workbench) -> Result<Codes, FigureError> {
        let (count, from) = match &self.codes {
            SampleCodes::File(path) => return Ok(bench.read_codes(path, self.seed)?.0),
            SampleCodes::Drawn { count, from } => (*count as usize, *from),
        };
        let mut codes = Codes::neutral(bench.description(), count);
        for block in &bench.description().codes {
            bench.draw(&mut codes, block, self.seed, from)?;
        }
        Ok(codes)
    }
}

fn write_pictures(
    bench: &mut Workbench,
    chains: &[String],
    codes: &Codes,
    provenance: &Provenance,
    target: &FigureTarget,
    options: &mut DrawOptions<'_>,
) -> Result<(), FigureError> {
    let digits = codes.rows().saturating_sub(1).to_string().len().max(5);
    target.write_folder(|folder| {
        let parts = chains.iter().map(|chain| (chain.as_str(), codes));
        bench.render(parts, options, |at, row, values, shape| {
            let chain = &chains[at];
            let mut provenance = provenance.clone().with("row", row).with("network", chain.as_str());
            for (name, _) in codes.blocks() {
                provenance = provenance.with(name, numbers(codes.row(name, row)?));
            }
            let path = folder.join(format!("{row:0digits$}_{chain}.png"));
            let colour = if shape[0] == 1 { Colour::Grey } else { Colour::Rgb };
            Ok(write_png(&path, &picture(values, shape)?, colour, &provenance)?)
        })
    })
}
