//! One row of a file of codes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::checkpoint::npz::NpzFile;

use super::usage;

/// Row `row` of every array of a file of codes that has two dimensions, by the names of the blocks.
///
/// # Errors
/// When the file cannot be read or has fewer rows.
pub(super) fn code_row(path: &Path, row: usize) -> anyhow::Result<BTreeMap<String, Vec<f32>>> {
    let mut file = NpzFile::open(path)?;
    let mut codes = BTreeMap::new();
    // What encode, sample and traverse write beside codes.
    let others = ["mu", "logvar", "values", "vae", "gan", "x", "provenance"];
    let names: Vec<String> = file.names().into_iter().map(str::to_owned).collect();
    for name in names.iter().filter(|name| !others.contains(&name.as_str())) {
        let shape = file.member(name)?.shape;
        if let [rows, _] = shape[..] {
            if row >= rows {
                return Err(usage(format!(
                    "--row {row} is beyond the last row, {}: {}",
                    rows - 1,
                    path.display()
                )));
            }
            codes.insert(name.clone(), file.array(name)?.row(row).to_vec());
        }
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Array;
    use crate::checkpoint::npz::{NpzArray, write_npz};

    #[test]
    fn a_row_is_read_from_what_sample_writes() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("codes.npz");
        let c = Array::new([2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).expect("an array");
        let members = [
            ("c", NpzArray::F32(&c)),
            ("gan", NpzArray::U8(&[2, 1, 1, 1], &[7, 8])),
            ("provenance", NpzArray::Text("idgan sample model --out codes.npz")),
        ];
        write_npz(&path, &members).expect("writes");
        let codes = code_row(&path, 1).expect("reads");
        assert_eq!(codes.into_iter().collect::<Vec<_>>(), [("c".to_owned(), vec![3.0, 4.0, 5.0])]);
        assert!(code_row(&path, 2).is_err_and(|error| error.to_string().contains("--row 2")));
    }
}
