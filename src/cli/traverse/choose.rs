//! What a traversal goes through: base code, networks, names, order, ranges.

use anyhow::Context;

use super::{Args, Order};
use crate::base::{Cancel, expand_home};
use crate::cli::usage;
use crate::cli::workbench::{Workbench, refuse};
use crate::explore::{Codes, Source, draw_all, read_square, sensitivity};
use crate::model::{CodeBlock, CodeKind};

/// The code that everything else stays at.
pub(super) fn base(args: &Args, bench: &mut Workbench) -> anyhow::Result<Codes> {
    let s_seed = args.s_seed.unwrap_or(0);
    let mut base = if let Some(path) = &args.codes {
        let (codes, _) = bench.read_codes(path, s_seed)?;
        if args.row >= codes.rows() {
            return Err(usage(format!(
                "--row {} is beyond the last row, {}: {}",
                args.row,
                codes.rows() - 1,
                path.display()
            )));
        }
        codes.select(&[args.row])
    } else {
        let mut codes = Codes::neutral(bench.description(), 1);
        for block in &bench.description().codes {
            match (block.kind, args.seed) {
                (CodeKind::Noise, _) => bench.draw(&mut codes, block, s_seed, Source::Prior)?,
                (_, Some(seed)) => bench.draw(&mut codes, block, seed, args.from)?,
                (_, None) => {}
            }
        }
        codes
    };
    if args.codes.is_some() && args.s_seed.is_some() {
        for block in bench.description().codes.iter().filter(|block| block.kind == CodeKind::Noise) {
            bench.draw(&mut base, block, s_seed, Source::Prior)?;
        }
    }
    if let Some(path) = &args.image {
        let form = bench.form(args.crop, &args.background)?;
        let encoder = bench.encoder()?;
        let pixels = read_square(&expand_home(path), &form)?;
        let (mut mu, mut logvar) = (vec![0.0; encoder.code_dim()], vec![0.0; encoder.code_dim()]);
        encoder.encode(&pixels, &mut mu, &mut logvar)?;
        let block = bench.description().encoded().unwrap_or_default().to_owned();
        base.set_row(&block, 0, &mu)?;
    }
    Ok(base)
}

/// The chains to draw with; without a wish only those that the block goes into.
pub(super) fn chains(args: &Args, bench: &Workbench, block: &CodeBlock) -> anyhow::Result<Vec<String>> {
    let mut chains = bench.chains(args.decoder.as_ref())?;
    let description = bench.description();
    if args.decoder.is_none() {
        chains.retain(|chain| description.inputs(chain).contains(&block.name.as_str()));
        refuse(chains.is_empty(), &format!("no network of this model takes code block {}", block.name))?;
    }
    Ok(chains)
}

/// A name for each listed dimension: from `--names`, else from the model.
pub(super) fn names(args: &Args, block: &CodeBlock, listed: &[usize]) -> anyhow::Result<Vec<String>> {
    if args.names.is_empty() {
        return Ok(listed.iter().map(|&dim| block.labels.get(dim).cloned().unwrap_or_default()).collect());
    }
    if args.names.len() != listed.len() {
        return Err(usage(format!("--names has {} names for {} dimensions", args.names.len(), listed.len())));
    }
    Ok(args.names.iter().map(|name| name.trim().to_owned()).collect())
}

/// The order of the rows, as positions in the list of dimensions.
pub(super) fn order(
    args: &Args,
    bench: &mut Workbench,
    block: &CodeBlock,
    listed: &[usize],
) -> anyhow::Result<Vec<usize>> {
    let as_listed = || (0..listed.len()).collect::<Vec<_>>();
    let measured = bench.posterior().filter(|(code, _)| *code == block.name).map(|(_, posterior)| posterior);
    let by = |ranking: Vec<usize>| {
        let rank = |dim: usize| ranking.iter().position(|&ranked| ranked == dim);
        let mut order = as_listed();
        order.sort_by_key(|&at| rank(listed[at]));
        order
    };
    match (args.order, measured) {
        (None, _) if args.dims != "all" => Ok(as_listed()),
        (None | Some(Order::Kl), Some(posterior)) => Ok(by(posterior.order_by_kl())),
        (None | Some(Order::Index), _) => Ok(by((0..block.dims).collect())),
        (Some(Order::Kl), None) => anyhow::bail!(
            "--order kl needs statistics of the data, and this model has none for {}; measure them with idgan stats \
             MODEL --images DIR, or use --order sensitivity",
            block.name
        ),
        (Some(Order::Sensitivity), _) => Ok(by(by_sensitivity(args, bench, block)?)),
    }
}

/// The dimensions of a block from the one that moves most pixels to the least, over 64 random codes.
fn by_sensitivity(args: &Args, bench: &mut Workbench, block: &CodeBlock) -> anyhow::Result<Vec<usize>> {
    // The decoder answers faster, and about the code alone.
    let chain = chains(args, bench, block)?.swap_remove(0);
    let description = bench.description();
    let inputs = description.inputs(&chain).into_iter();
    let before = inputs.take_while(|name| *name != block.name);
    let offset = before.filter_map(|name| description.block(name)).map(|block| block.dims).sum();
    let codes = draw_all(description, 64, 0, None);
    let ranges =
        (0..block.dims).map(|dim| range(args, bench, block, dim)).collect::<anyhow::Result<Vec<_>>>()?;
    let input = bench.input(&chain, &codes)?;
    let moved = sensitivity(bench.renderer(&chain)?, &input, offset, &ranges, &Cancel::new())?
        .context("the measurement was cancelled")?;
    let mut ranking: Vec<usize> = (0..block.dims).collect();
    ranking.sort_by(|&a, &b| moved[b].total_cmp(&moved[a]));
    Ok(ranking)
}

pub(super) fn range(
    args: &Args,
    bench: &Workbench,
    block: &CodeBlock,
    dim: usize,
) -> anyhow::Result<[f32; 2]> {
    Ok(match args.range {
        Some(range) => range.resolve(block, dim, bench.posterior())?,
        None => block.range,
    })
}
