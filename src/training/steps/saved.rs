//! Names of arrays in a saved state: those of one network or optimiser share a prefix.

use crate::base::Arrays;

/// Adds `arrays` to `state` with `prefix` before each name.
pub(in crate::training) fn extend(state: &mut Arrays, prefix: &str, arrays: Arrays) {
    state.extend(arrays.into_iter().map(|(name, array)| (format!("{prefix}{name}"), array)));
}

/// The arrays whose names start with `prefix`, without it.
pub(in crate::training) fn part_of(state: &Arrays, prefix: &str) -> Arrays {
    let strip = |(name, array): (&String, &crate::base::Array)| {
        name.strip_prefix(prefix).map(|name| (name.to_owned(), array.clone()))
    };
    state.iter().filter_map(strip).collect()
}
