use std::ffi::OsStr;
use std::path::Path;

use super::prepared::Prepared;
use crate::data::{DataError, PictureLabels};

/// The label of each picture: the name of the outermost folder that it does not share with all others.
pub(super) fn labels(pictures: &Prepared, path: &Path) -> Result<PictureLabels, DataError> {
    let names: Vec<&Path> = (0..pictures.len()).map(|index| pictures.name(index)).collect();
    let labels = labels_of(&names).map_err(|what| DataError::Content { what, path: path.to_owned() })?;
    Ok(PictureLabels::of_texts(&labels))
}

fn labels_of(names: &[&Path]) -> Result<Vec<String>, String> {
    let Some(first) = names.first() else { return Ok(Vec::new()) };
    // Archives often hold everything in one folder, which is no label.
    let mut shared: Vec<&OsStr> = folders(first).collect();
    for name in names {
        let alike = shared.iter().zip(folders(name)).take_while(|(a, b)| **a == *b).count();
        shared.truncate(alike);
    }
    let shallowest = names.iter().map(|name| folders(name).count()).min().unwrap_or(0);
    let passed = shared.len().min(shallowest.saturating_sub(1));
    let label = |name: &&Path| {
        let label = folders(name).nth(passed).map(|folder| folder.to_string_lossy().into_owned());
        label
            .ok_or_else(|| format!("{} lies in no folder of a label; expected LABEL/PICTURE", name.display()))
    };
    names.iter().map(label).collect()
}

/// The folders that a file lies in, from the outermost.
fn folders(name: &Path) -> impl Iterator<Item = &OsStr> {
    name.parent().into_iter().flat_map(Path::iter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(names: &[&str]) -> Result<Vec<String>, String> {
        labels_of(&names.iter().map(Path::new).collect::<Vec<_>>())
    }

    #[test]
    fn the_outermost_folder_that_differs_is_the_label() {
        assert_eq!(labelled(&["cat/1.png", "dog/a/2.png"]), Ok(vec!["cat".into(), "dog".into()]));
        assert_eq!(labelled(&["all/cat/1.png", "all/dog/1.png"]), Ok(vec!["cat".into(), "dog".into()]));
        assert_eq!(labelled(&["all/cat/1.png", "all/cat/2.png"]), Ok(vec!["cat".into(), "cat".into()]));
        assert!(
            labelled(&["cat/1.png", "2.png"]).is_err_and(|what| what.starts_with("2.png lies in no folder"))
        );
    }
}
