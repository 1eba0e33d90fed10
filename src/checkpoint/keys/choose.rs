use std::collections::{BTreeMap, BTreeSet};

use crate::checkpoint::kind::Kind;
use crate::checkpoint::kinds::kinds;
use crate::formats::shorten;
use crate::model::{DISCRIMINATOR, GENERATOR, VAE};

use super::Key;
use super::groups::{Group, groups};
use super::known::{listed, looks_like};
use super::name::{is_counter, is_of_training};

/// The networks of a file.
#[derive(Debug, Default)]
pub(crate) struct Choices {
    /// By the group of a model that each makes.
    pub(crate) networks: BTreeMap<&'static str, Choice>,
    /// What was left out, and what was taken where there was a choice, in sentences.
    pub(crate) warnings: Vec<String>,
}

/// One network of a file.
#[derive(Debug, PartialEq)]
pub(crate) struct Choice {
    pub(crate) kind: &'static dyn Kind,
    /// The numbers of its tensors in the file, by the names that the network has for them.
    pub(crate) tensors: BTreeMap<String, usize>,
    /// What the file calls the place where they lie, empty for the top.
    pub(crate) place: String,
    /// Whether they are a moving average of others.
    pub(crate) is_averaged: bool,
}

/// Names that are alike enough for a group to be meant as the network that it does not fit.
const ALIKE: f64 = 0.5;

/// Finds the networks among the tensors of a file. Where several would do, averaged weights are taken, else the first.
/// A network that is meant but does not fit is among them when others do fit, so that its fault is found and told.
///
/// # Errors
/// When no network fits: which names there are, and what they look like.
pub(crate) fn choose(keys: &[Key]) -> Result<Choices, String> {
    if keys.is_empty() {
        return Err("it holds no tensors".into());
    }
    let groups = groups(keys);
    if groups.iter().all(|group| group.fit.is_err()) {
        return Err(nothing_fits(keys, &groups));
    }
    let mut choices = Choices::default();
    let mut taken = BTreeSet::new();
    for name in [VAE, GENERATOR, DISCRIMINATOR] {
        let meant_as = |group: &&Group| group.kind.group() == name;
        let mut fitting: Vec<&Group> =
            groups.iter().filter(meant_as).filter(|group| group.fit.is_ok()).collect();
        fitting.sort_by_key(|group| (!group.is_averaged, group.first()));
        taken.extend(fitting.iter().flat_map(|group| group.tensors.values().copied()));
        let meant = nearest(groups.iter().filter(meant_as).filter(|group| group.fit.is_err()));
        let meant = meant.filter(|group| group.likeness >= ALIKE);
        let chosen = match fitting.first() {
            Some(chosen) => {
                choices.warnings.extend(choice_of(chosen, &fitting, meant));
                Some(*chosen)
            }
            None => meant,
        };
        let choice = chosen.map(|group| Choice {
            kind: group.kind,
            tensors: group.tensors.clone(),
            place: group.place.clone(),
            is_averaged: group.is_averaged,
        });
        choices.networks.extend(choice.map(|choice| (name, choice)));
    }
    choices.warnings.extend(left_out(keys, &choices, &taken));
    Ok(choices)
}

/// The group that is most like the network it would be.
fn nearest<'a>(groups: impl Iterator<Item = &'a Group>) -> Option<&'a Group> {
    groups.max_by(|a, b| {
        (a.likeness, b.first()).partial_cmp(&(b.likeness, a.first())).unwrap_or(std::cmp::Ordering::Equal)
    })
}

/// Why nothing in a file is a network.
fn nothing_fits(keys: &[Key], groups: &[Group]) -> String {
    if let Some(known) = looks_like(keys) {
        return format!("its tensors ({}) look like {known}", listed(keys));
    }
    match nearest(groups.iter()).filter(|group| group.likeness >= ALIKE) {
        Some(Group { fit: Err(what), kind, .. }) => {
            let whose = kind.whose();
            format!("{what}; of all that idgan opens its tensors ({}) come nearest to {whose}", listed(keys))
        }
        _ => {
            let known: Vec<String> = kinds().map(|kind| kind.whose()).collect();
            let known = known.join(", ");
            format!("its tensors ({}) belong to no network that idgan knows; it reads {known}", listed(keys))
        }
    }
}

/// Says which of several was taken.
fn choice_of(chosen: &Group, fitting: &[&Group], meant: Option<&Group>) -> Option<String> {
    let name = chosen.kind.name();
    if let Some(Group { place, fit: Err(what), is_averaged: true, .. }) = meant
        && !chosen.is_averaged
    {
        let (place, chosen) = (shown(place), shown(&chosen.place));
        return Some(format!(
            "the averaged {name} in {place} was left out, because {what}; the one in {chosen} serves"
        ));
    }
    let published =
        |group: &&Group| group.place.ends_with("generator_test") || group.place.ends_with("generator");
    if fitting.len() < 2 || (fitting.len() == 2 && fitting.iter().all(published)) {
        return None;
    }
    let places: Vec<String> = fitting.iter().map(|group| shown(&group.place)).collect();
    let which = if chosen.is_averaged { "the averaged weights" } else { "those of the first" };
    let (count, first) = (fitting.len(), &places[0]);
    Some(format!("it holds {count} {name}s ({}); {which}, in {first}, were taken", some(&places)))
}

/// Up to three of them.
fn some(places: &[String]) -> String {
    match places {
        [first, second, third, _, ..] => format!("{first}, {second}, {third} and {} more", places.len() - 3),
        _ => places.join(", "),
    }
}

fn shown(place: &str) -> String {
    if place.is_empty() { "the file itself".into() } else { format!("`{}`", shorten(place)) }
}

/// Says which weights lie beside those of the networks and are none of theirs.
fn left_out(keys: &[Key], choices: &Choices, taken: &BTreeSet<usize>) -> Option<String> {
    let used: BTreeSet<usize> =
        choices.networks.values().flat_map(|choice| choice.tensors.values().copied()).collect();
    let dicts: BTreeSet<&str> = used.iter().map(|&i| keys[i].container()).collect();
    let is_beside = |i: usize, key: &Key| {
        !used.contains(&i)
            && !taken.contains(&i)
            && dicts.contains(key.container())
            && !is_counter(&key.full, &key.shape)
            && !is_of_training(&key.full)
    };
    let others: Vec<&Key> =
        keys.iter().enumerate().filter(|&(i, key)| is_beside(i, key)).map(|(_, key)| key).collect();
    let first = others.first()?;
    let (tensors, were) =
        if others.len() == 1 { ("tensor belongs", "was") } else { ("tensors belong", "were") };
    Some(format!(
        "{} {tensors} to no network and {were} left out, first `{}`",
        others.len(),
        shorten(&first.full)
    ))
}
