//! What a traversal goes through: base code, networks, names, order, ranges.

use crate::base::expand_home;
use crate::explore::{CodeSource, Codes, Traversal, main_block, parse_dims, read_square};
use crate::model::{CodeBlock, CodeKind};

use super::super::export::{Provenance, numbers};
use super::super::{DrawOptions, FigureError, Workbench};
use super::order::by_sensitivity;
use super::{Base, Order, TraversalRequest};

/// A traversal of which everything is decided before anything is drawn.
pub(super) struct Decided<'a> {
    pub(super) request: &'a TraversalRequest,
    pub(super) traversal: Traversal,
    /// A name a row; empty where nobody gave one.
    pub(super) names: Vec<String>,
    /// The codes of all cells, row by row.
    pub(super) codes: Codes,
    /// The render chains that draw, at least one, the main one last.
    pub(super) chains: Vec<String>,
}

impl<'a> Decided<'a> {
    pub(super) fn new(
        request: &'a TraversalRequest,
        bench: &mut Workbench,
        options: &DrawOptions<'_>,
    ) -> Result<Self, FigureError> {
        let lacking = |sentence: &str| FigureError::Lacking(sentence.to_owned());
        let name = match &request.block {
            Some(name) => name.clone(),
            None => main_block(bench.description())
                .ok_or_else(|| lacking("this model has no codes to traverse"))?
                .to_owned(),
        };
        let base = base(request, bench)?;
        base.block(&name).map_err(|error| FigureError::Request(error.to_string()))?;
        let block = bench.description().block(&name).cloned();
        let block = block.ok_or_else(|| lacking("the code block has no description"))?;
        let chains = chains(request, bench, &block)?;
        let listed = parse_dims(&request.dims, block.dims)
            .map_err(|error| FigureError::Request(format!("--dims: {error}")))?;
        let names = names(request, &block, &listed)?;
        let order = order(request, bench, &block, &chains, &listed, options)?;
        let dims: Vec<usize> = order.iter().map(|&at| listed[at]).collect();
        let names = order.iter().map(|&at| names[at].clone()).collect();
        let ranges = ranges(request, bench, &block, &dims)?;
        let steps = usize::from(request.steps);
        let traversal = Traversal { block: name, dims, ranges, steps, base, mode: request.mode };
        let codes = traversal.codes()?;
        Ok(Self { request, traversal, names, codes, chains })
    }

    pub(super) fn rows(&self) -> usize {
        self.traversal.dims.len()
    }

    pub(super) fn steps(&self) -> usize {
        self.traversal.steps
    }

    pub(super) fn title(&self, row: usize) -> String {
        match self.names[row].as_str() {
            "" => format!("{}{}", self.traversal.block, self.traversal.dims[row]),
            name => name.to_owned(),
        }
    }

    pub(super) fn provenance(&self, bench: &Workbench, options: &DrawOptions<'_>) -> Provenance {
        let ranges: Vec<_> = self.traversal.ranges.iter().map(|range| numbers(range)).collect();
        let mut base = serde_json::Map::new();
        for (name, values) in self.traversal.base.blocks() {
            base.insert(name.to_owned(), numbers(values.data()));
        }
        bench
            .provenance(options.command.clone())
            .with("block", self.traversal.block.clone())
            .with("dims", self.traversal.dims.clone())
            .with("ranges", ranges)
            .with("steps", self.steps())
            .with("mode", self.traversal.mode.to_string())
            .with("base", base)
            .with("seed", self.request.base.seed())
            .with("s_seed", self.request.s_seed)
    }
}

/// The code that everything else stays at.
fn base(request: &TraversalRequest, bench: &mut Workbench) -> Result<Codes, FigureError> {
    let s_seed = request.s_seed.unwrap_or(0);
    match &request.base {
        Base::Row { codes, row } => {
            let (read, _) = bench.read_codes(codes, s_seed)?;
            if *row >= read.rows() {
                let (last, path) = (read.rows() - 1, codes.display());
                return Err(FigureError::Request(format!(
                    "--row {row} is beyond the last row, {last}: {path}"
                )));
            }
            let mut base = read.select(&[*row]);
            if request.s_seed.is_some() {
                draw_noise(&mut base, bench, s_seed)?;
            }
            Ok(base)
        }
        Base::Neutral => neutral(bench, s_seed),
        Base::Drawn { seed, from } => {
            let mut base = neutral(bench, s_seed)?;
            for block in bench.description().codes.iter().filter(|block| block.kind != CodeKind::Noise) {
                bench.draw(&mut base, block, *seed, *from)?;
            }
            Ok(base)
        }
        Base::Picture { path, crop, background } => {
            let mut base = neutral(bench, s_seed)?;
            let form = bench.form(*crop, *background)?;
            let encoder = bench.encoder()?;
            let pixels = read_square(&expand_home(path), &form)?;
            let (mut mu, mut logvar) = (vec![0.0; encoder.code_dim()], vec![0.0; encoder.code_dim()]);
            encoder.encode(&pixels, &mut mu, &mut logvar)?;
            let block = bench.description().encoded().unwrap_or_default().to_owned();
            base.set_row(&block, 0, &mu)?;
            Ok(base)
        }
    }
}

/// One row at the neutral values, with the nuisance that `s_seed` draws.
fn neutral(bench: &Workbench, s_seed: u64) -> Result<Codes, FigureError> {
    let mut codes = Codes::neutral(bench.description(), 1);
    draw_noise(&mut codes, bench, s_seed)?;
    Ok(codes)
}

fn draw_noise(codes: &mut Codes, bench: &Workbench, s_seed: u64) -> Result<(), FigureError> {
    let mut noise = bench.description().codes.iter().filter(|block| block.kind == CodeKind::Noise);
    noise.try_for_each(|block| bench.draw(codes, block, s_seed, CodeSource::Prior))
}

/// The chains to draw with; without a wish only those that the block goes into.
fn chains(
    request: &TraversalRequest,
    bench: &Workbench,
    block: &CodeBlock,
) -> Result<Vec<String>, FigureError> {
    let mut chains = bench.chains(request.decoder.as_ref())?;
    let description = bench.description();
    if request.decoder.is_none() {
        chains.retain(|chain| description.inputs(chain).contains(&block.name.as_str()));
    }
    if chains.is_empty() {
        let name = &block.name;
        return Err(FigureError::Request(format!("no network of this model takes code block {name}")));
    }
    Ok(chains)
}

/// A name for each listed dimension: from the request, else from the model.
fn names(
    request: &TraversalRequest,
    block: &CodeBlock,
    listed: &[usize],
) -> Result<Vec<String>, FigureError> {
    let Some(names) = &request.names else {
        return Ok(listed.iter().map(|&dim| block.labels.get(dim).cloned().unwrap_or_default()).collect());
    };
    let names = names.as_slice();
    if names.len() != listed.len() {
        let (names, dims) = (names.len(), listed.len());
        return Err(FigureError::Request(format!("--names has {names} names for {dims} dimensions")));
    }
    Ok(names.to_vec())
}

/// The order of the rows, as positions in the list of dimensions.
fn order(
    request: &TraversalRequest,
    bench: &mut Workbench,
    block: &CodeBlock,
    chains: &[String],
    listed: &[usize],
    options: &DrawOptions<'_>,
) -> Result<Vec<usize>, FigureError> {
    let as_listed = || (0..listed.len()).collect::<Vec<_>>();
    let measured = bench.posterior().filter(|(code, _)| *code == block.name).map(|(_, posterior)| posterior);
    let by = |ranking: Vec<usize>| {
        let rank = |dim: usize| ranking.iter().position(|&ranked| ranked == dim);
        let mut order = as_listed();
        order.sort_by_key(|&at| rank(listed[at]));
        order
    };
    match (request.order, measured) {
        (None, _) if request.dims != "all" => Ok(as_listed()),
        (None | Some(Order::Kl), Some(posterior)) => Ok(by(posterior.order_by_kl())),
        (None | Some(Order::Index), _) => Ok(by((0..block.dims).collect())),
        (Some(Order::Kl), None) => Err(FigureError::Lacking(format!(
            "--order kl needs statistics of the data, and this model has none for {}; measure them with idgan stats \
             MODEL --images DIR, or use --order sensitivity",
            block.name
        ))),
        (Some(Order::Sensitivity), _) => {
            let ranges = ranges(request, bench, block, &(0..block.dims).collect::<Vec<_>>())?;
            // The decoder, where there is one, answers faster, and about the code alone.
            Ok(by(by_sensitivity(bench, block, &chains[0], &ranges, options.cancel)?))
        }
    }
}

/// First and last value of each of the dimensions.
fn ranges(
    request: &TraversalRequest,
    bench: &Workbench,
    block: &CodeBlock,
    dims: &[usize],
) -> Result<Vec<[f32; 2]>, FigureError> {
    let range = |&dim: &usize| {
        let Some(range) = request.range else { return Ok(block.range) };
        Ok(range.resolve(block, dim, bench.posterior())?)
    };
    dims.iter().map(range).collect()
}
