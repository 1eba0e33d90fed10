use std::collections::BTreeMap;

use super::Key;
use super::name::{is_counter, is_of_training, parts};

/// The numbers of the tensors that lie where the one called `anchor` lies, by their names from there on, wrappers left
/// out; counters and what belongs to training are passed over. `None` when there is no such tensor.
pub(crate) fn beside(keys: &[Key], anchor: &str) -> Option<BTreeMap<String, usize>> {
    let anchor = parts(anchor);
    let weights = || {
        let is_weight = |key: &Key| !is_of_training(&key.full) && !is_counter(&key.full, &key.shape);
        keys.iter().enumerate().filter(move |(_, key)| is_weight(key)).map(|(i, key)| (i, parts(&key.full)))
    };
    let place: Vec<&str> =
        weights().find_map(|(_, parts)| parts.strip_suffix(anchor.as_slice()).map(<[&str]>::to_vec))?;
    let inner = |(i, parts): (usize, Vec<&str>)| Some((parts.strip_prefix(place.as_slice())?.join("."), i));
    Some(weights().filter_map(inner).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_are_found_by_one_of_them_whatever_wraps_them() {
        for wrapped in ["", "module.", "state_dict.model._orig_mod.", "_orig_mod.module.net."] {
            let key = |name: &str| Key::flat(format!("{wrapped}{name}"), [2, 2]);
            let counter = Key::flat(format!("{wrapped}stem.bn.num_batches_tracked"), []);
            let keys = [
                Key::flat("optimizer.stem.conv.weight", [2, 2]),
                key("stem.conv.weight"),
                key("fc.weight"),
                counter,
            ];
            let found = beside(&keys, "stem.conv.weight").expect("there");
            let expected = [("fc.weight".to_owned(), 2), ("stem.conv.weight".to_owned(), 1)];
            assert!(expected.iter().all(|(name, i)| found.get(name) == Some(i)), "{wrapped}: {found:?}");
            assert!(!found.keys().any(|name| name.contains("tracked")), "{found:?}");
            assert_eq!(beside(&keys, "stem.conv2.weight"), None);
        }
    }
}
