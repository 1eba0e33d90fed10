//! Tensors that could be one network: those whose names go on alike behind the same beginning.

use std::collections::{BTreeMap, BTreeSet};

use crate::checkpoint::kind::Kind;
use crate::checkpoint::kinds::{OWN_DISCRIMINATOR, OWN_GENERATOR, OWN_VAE, kinds};
use crate::checkpoint::shapes::{Shapes, unsplit};
use crate::checkpoint::spectral::joined_shapes;

use super::Key;
use super::name::{Half, half, is_averaged, is_counter, is_of_training, parts};

/// Tensors that could be one network.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) kind: &'static dyn Kind,
    /// What the file calls the place where they lie, empty for the top.
    pub(super) place: String,
    /// Their numbers in the file, by the names that the network has for them.
    pub(super) tensors: BTreeMap<String, usize>,
    /// Whether they fit, or what does not.
    pub(super) fit: Result<(), String>,
    /// The share of the network's names that are there, and of those there that are the network's; the smaller one.
    pub(super) likeness: f64,
    pub(super) is_averaged: bool,
}

/// Fewest tensors that are worth a look; every network has more.
const FEWEST: usize = 4;

/// Every group in a file.
pub(super) fn groups(keys: &[Key]) -> Vec<Group> {
    let split: Vec<Vec<&str>> = keys.iter().map(|key| parts(&key.full)).collect();
    let mut found = Vec::new();
    vaes(keys, &split, &mut found);
    gans(keys, &split, &mut found);
    named(keys, &split, &mut found);
    mark_averaged(keys, &mut found);
    found
}

/// AveragedModel counts its updates beside what it wraps, in `n_averaged`.
fn mark_averaged(keys: &[Key], groups: &mut [Group]) {
    let places: BTreeSet<&str> = keys
        .iter()
        .filter_map(|key| key.full.strip_suffix("n_averaged"))
        .filter(|place| place.is_empty() || place.ends_with(['.', '/']))
        .collect();
    for group in groups.iter_mut().filter(|_| !places.is_empty()) {
        let Some(key) = keys.get(group.first()) else { continue };
        let ends = key.full.match_indices(['.', '/']).map(|(at, _)| at + 1);
        group.is_averaged |= std::iter::once(0).chain(ends).any(|end| places.contains(&key.full[..end]));
    }
}

/// Tensors of one module by the rest of their names.
type Members = BTreeMap<String, usize>;

/// Both halves of a VAE, each with its sequentials by their own names.
type Halves<'a> = BTreeMap<Half, BTreeMap<&'a str, Members>>;

/// The numbers of the tensors in file order that may be weights, with their split names.
fn weights<'a, 'k>(
    keys: &'a [Key],
    split: &'a [Vec<&'k str>],
) -> impl Iterator<Item = (usize, &'a [&'k str])> {
    let is_weight = |key: &Key| !is_of_training(&key.full) && !is_counter(&key.full, &key.shape);
    keys.iter()
        .zip(split)
        .enumerate()
        .filter(move |(_, (key, _))| is_weight(key))
        .map(|(i, (_, parts))| (i, parts.as_slice()))
}

/// A layer of a sequential: where the sequential lies, and `N.weight`.
fn layer<'a, 'k>(parts: &'a [&'k str]) -> Option<(&'a [&'k str], String)> {
    let at =
        parts.iter().rposition(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))?;
    (at + 1 < parts.len()).then(|| (&parts[..at], parts[at..].join(".")))
}

/// Encoders and decoders that lie beside each other: sequentials by the names `encoder` and `decoder`, or inside
/// modules of these names.
fn vaes(keys: &[Key], split: &[Vec<&str>], found: &mut Vec<Group>) {
    // By what is around the halves and what joins them.
    let mut pairs: BTreeMap<(&[&str], String), Halves<'_>> = BTreeMap::new();
    for (i, parts) in weights(keys, split) {
        let Some((place, rest)) = layer(parts) else { continue };
        let Some((at, (side, joint))) = half_of(place) else { continue };
        let own = place[at + 1..].first().copied().unwrap_or_default();
        let halves = pairs.entry((&place[..at], joint)).or_default();
        halves.entry(side).or_default().entry(own).or_default().insert(rest, i);
    }
    for ((around, joint), halves) in pairs {
        let mut tensors = Members::new();
        for (side, sequentials) in halves {
            let name = if side == Half::Encoder { "encoder" } else { "decoder" };
            // The published name of the sequential, no name of its own, or that of the longest one.
            let rank = |own: &str, members: &Members| (own == "layer", own.is_empty(), members.len());
            let best = sequentials.into_iter().max_by_key(|(own, members)| rank(own, members));
            for (rest, i) in best.into_iter().flat_map(|(_, members)| members) {
                tensors.insert(format!("{name}.layer.{rest}"), i);
            }
        }
        if tensors.len() >= FEWEST {
            let mut group = Group::new(&OWN_VAE, keys, tensors, around.len());
            group.is_averaged |= is_averaged(&joint);
            found.push(group);
        }
    }
}

/// The half of a VAE that the sequential at `place` is, and which part of its place says so.
fn half_of(place: &[&str]) -> Option<(usize, (Half, String))> {
    let last = place.len().checked_sub(1)?;
    [Some(last), last.checked_sub(1)].into_iter().flatten().find_map(|at| Some((at, half(place[at])?)))
}

/// Generators and discriminators: sequentials that are no half of a VAE, and residual networks.
fn gans(keys: &[Key], split: &[Vec<&str>], found: &mut Vec<Group>) {
    let mut sequentials: BTreeMap<&[&str], Members> = BTreeMap::new();
    let mut residual: BTreeMap<&[&str], Members> = BTreeMap::new();
    for (i, parts) in weights(keys, split) {
        if let Some(at) = residual_part(parts) {
            residual.entry(&parts[..at]).or_default().insert(parts[at..].join("."), i);
        } else if let Some((place, rest)) = layer(parts).filter(|(place, _)| half_of(place).is_none()) {
            let around = if place.last() == Some(&"layer") { &place[..place.len() - 1] } else { place };
            sequentials.entry(around).or_default().insert(format!("layer.{rest}"), i);
        }
    }
    for (around, tensors) in sequentials.into_iter().chain(residual) {
        if tensors.len() < FEWEST {
            continue;
        }
        // One network is one of the two: the one that it fits, or else the one that it looks like.
        let shape = |name: &str| tensors.get(name).map(|&i| keys[i].shape.as_slice());
        let judges = matches!(shape("fc.weight"), Some([1, _]))
            || matches!(shape("layer.0.weight"), Some([_, _, _, _]));
        let kinds: [&'static dyn Kind; 2] = [&OWN_GENERATOR, &OWN_DISCRIMINATOR];
        let [likely, other] = if judges { [kinds[1], kinds[0]] } else { kinds };
        let group = Group::new(likely, keys, tensors, around.len());
        found.push(match &group.fit {
            Ok(()) => group,
            Err(_) => {
                let second = Group::new(other, keys, group.tensors.clone(), around.len());
                if second.fit.is_ok() { second } else { group }
            }
        });
    }
}

/// Networks that are told by their own names: where several of their tensors are, everything below the modules that they
/// have belongs to them.
fn named(keys: &[Key], split: &[Vec<&str>], found: &mut Vec<Group>) {
    for kind in kinds() {
        let names = kind.names();
        let modules: BTreeSet<&str> = names.iter().filter_map(|name| name.split('.').next()).collect();
        let mut places: BTreeMap<&[&str], usize> = BTreeMap::new();
        for (_, parts) in weights(keys, split) {
            for at in (0..parts.len()).filter(|&at| modules.contains(parts[at])) {
                if names.contains(&parts[at..].join(".")) {
                    *places.entry(&parts[..at]).or_default() += 1;
                }
            }
        }
        for (place, _) in places.into_iter().filter(|(_, count)| *count >= FEWEST) {
            let inside = |(i, parts): (usize, &[&str])| {
                let rest = parts
                    .strip_prefix(place)
                    .filter(|rest| rest.first().is_some_and(|first| modules.contains(first)))?;
                Some((rest.join("."), i))
            };
            let tensors: Members = weights(keys, split).filter_map(inside).collect();
            found.push(Group::new(kind, keys, tensors, place.len()));
        }
    }
}

/// Where the name within a residual network begins: `resnet.4.conv_0.weight`, `fc.bias`, `conv_img.weight`.
fn residual_part(parts: &[&str]) -> Option<usize> {
    let is_number = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    let block = parts.iter().rposition(|part| *part == "resnet");
    if let Some(at) = block.filter(|at| parts.get(at + 1).is_some_and(is_number)) {
        return Some(at);
    }
    let at = parts.len().checked_sub(2)?;
    matches!(parts[at], "fc" | "conv_img" | "mean_fn" | "logstd_fn").then_some(at)
}

impl Group {
    /// The group of these tensors; the names of `around` modules come before the network's own.
    fn new(kind: &'static dyn Kind, keys: &[Key], tensors: Members, around: usize) -> Self {
        let shapes: Shapes = tensors.iter().map(|(name, &i)| (name.clone(), keys[i].shape.clone())).collect();
        let shapes = joined_shapes(&shapes);
        let first = tensors.values().copied().min();
        let place = first.map(|i| beginning(&keys[i].full, around)).unwrap_or_default().to_owned();
        let expected = kind.expected(&shapes);
        let is_expected = |name: &str| {
            expected.contains_key(name) || unsplit(name).is_some_and(|name| expected.contains_key(&name))
        };
        let common = shapes.keys().filter(|name| is_expected(name)).count() as f64;
        let likeness = common / expected.len().max(shapes.len()).max(1) as f64;
        let fit = kind.infer(&shapes).map(drop);
        let is_averaged = is_averaged(&place);
        Self { kind, place, tensors, fit, likeness, is_averaged }
    }

    /// The first of its tensors in the file.
    pub(super) fn first(&self) -> usize {
        self.tensors.values().copied().min().unwrap_or(usize::MAX)
    }
}

/// The beginning of `full` that names `around` modules, wrappers among and behind them left as they are.
fn beginning(full: &str, around: usize) -> &str {
    let mut end = 0;
    let mut left = around;
    while left > 0 {
        let start = if end == 0 { 0 } else { end + 1 };
        let Some(rest) = full.get(start..) else { break };
        end = start + rest.find(['.', '/']).unwrap_or(rest.len());
        left -= parts(&full[start..end]).len();
    }
    &full[..end]
}
