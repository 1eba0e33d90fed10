//! Codes of any model, from NumPy's files.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::base::{Array, visible};
use crate::checkpoint::CheckpointError;
use crate::checkpoint::npz::{NpzFile, listed};
use crate::formats::{ByteSource, hexadecimal};

use super::{KnownCodes, MetricError};

/// Most classes of a factor; more are a continuous value, which has to be put into bins first.
const MOST_CLASSES: usize = 4096;

/// Reads the codes of N pictures from an `.npz` with `mu` `(N, D)` and, where they are known, `logvar` `(N, D)` and the true
/// factors: `factors` `(N, K)`, numbers of any kind, equal ones of one class. Where there is `classes` `(N, K)`, as `idgan
/// encode` writes it, that tells the classes. Where there is `names` or `factor_names`, K texts, factors go by these. Whatever else the file holds does not matter.
///
/// # Errors
/// When the file cannot be read, `mu` is missing, a shape does not fit, a value is not finite, or a factor has nearly as many
/// values as there are pictures.
pub fn read_codes(path: &Path) -> Result<KnownCodes, MetricError> {
    let mut file = NpzFile::open(path)?;
    let wrong = |what: String| MetricError::from(CheckpointError::content(what, path));
    if !file.contains("mu") {
        let names = listed(&file.names());
        return Err(wrong(format!("this file has no array mu of shape (N, D), the codes; it has {names}")));
    }
    let classes = ["classes", "factors"].into_iter().find(|name| file.contains(name));
    let has_logvar = file.contains("logvar");
    // Shapes are checked before anything is read.
    let shape = file.member("mu")?.shape;
    let &[rows, dims] = shape.as_slice() else {
        return Err(wrong(format!("array mu has the shape {}, but codes are (N, D)", shown(&shape))));
    };
    if rows < 2 || dims == 0 {
        return Err(wrong(format!(
            "array mu has the shape {}; metrics need two codes of one dimension at least",
            shown(&shape)
        )));
    }
    for (name, expected) in [("logvar", has_logvar.then_some(dims)), (classes.unwrap_or_default(), None)] {
        if name.is_empty() || (name == "logvar" && !has_logvar) {
            continue;
        }
        let shape = file.member(name)?.shape;
        let fits = shape.len() == 2 && shape[0] == rows && expected.is_none_or(|dims| shape[1] == dims);
        if !fits {
            let width = expected.map_or("K".to_owned(), |dims| dims.to_string());
            return Err(wrong(format!(
                "array {name} has the shape {}, but beside {rows} codes it must be ({rows}, {width})",
                shown(&shape)
            )));
        }
    }
    let mut read = |name: &str| -> Result<Array, MetricError> {
        let array = file.array(name)?;
        match array.data().iter().position(|value| !value.is_finite()) {
            None => Ok(array),
            Some(place) => Err(wrong(format!(
                "array {name} holds a value that is not a finite number (row {})",
                place / array.row_len().max(1)
            ))),
        }
    };
    let mu = read("mu")?;
    let logvar = if has_logvar { Some(read("logvar")?) } else { None };
    let mut columns = Vec::new();
    if let Some(name) = classes {
        let table = read(name)?;
        let width = table.row_len();
        let names = match ["names", "factor_names"].into_iter().find(|name| file.contains(name)) {
            Some(name) => factor_names(&mut file, name, width)?,
            None => (0..width).map(|column| format!("factor {column}")).collect(),
        };
        for column in 0..width {
            let values: Vec<f64> =
                table.data().iter().skip(column).step_by(width).map(|&value| f64::from(value)).collect();
            check_classes(name, column, &values).map_err(wrong)?;
            columns.push((names[column].clone(), values));
        }
    }
    Ok(KnownCodes::with_values(mu, logvar, columns))
}

/// The names of `width` factors.
fn factor_names(file: &mut NpzFile, array: &str, width: usize) -> Result<Vec<String>, MetricError> {
    let names = file.texts(array)?;
    if names.len() != width || names.iter().any(|name| name.trim().is_empty()) {
        let what = format!(
            "array {array} names {} factors, but there are {width}, each of which needs a name",
            names.len()
        );
        return Err(CheckpointError::content(what, file.path()).into());
    }
    Ok(names.iter().map(|name| visible(name).into_owned()).collect())
}

/// SHA-256 of a file in hexadecimal: what tells one file of codes from another.
///
/// # Errors
/// When the file cannot be read.
pub fn codes_hash(path: &Path) -> Result<String, MetricError> {
    let source = ByteSource::open(path).map_err(CheckpointError::from)?;
    let mut hasher = Sha256::new();
    source.digest(&mut hasher).map_err(|error| CheckpointError::io(error, path))?;
    Ok(hexadecimal(hasher))
}

/// Refuses a column of values of which hardly two are alike.
fn check_classes(name: &str, column: usize, values: &[f64]) -> Result<(), String> {
    let different =
        values.iter().map(|value| value.to_bits()).collect::<std::collections::HashSet<_>>().len();
    if different > MOST_CLASSES || 2 * different > values.len().max(8) {
        return Err(format!(
            "column {column} of {name} has {different} different values in {} rows, too many for classes; put them into \
             bins before they are saved",
            values.len()
        ));
    }
    Ok(())
}

/// A shape as NumPy shows it.
fn shown(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    if let [size] = sizes.as_slice() { format!("({size},)") } else { format!("({})", sizes.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::super::EncodedData as _;
    use super::*;
    use crate::checkpoint::npz::{NpzArray, NpzWriter, write_npz};
    use std::ffi::OsString;

    fn array(rows: usize, dims: usize) -> Array {
        Array::new([rows, dims], (0..rows * dims).map(|value| value as f32).collect()).expect("fits")
    }

    fn read(members: &[(&str, NpzArray<'_>)]) -> Result<KnownCodes, MetricError> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("codes.npz");
        write_npz(&path, members).expect("writes");
        read_codes(&path)
    }

    #[test]
    fn codes_and_classes_are_read_whatever_lies_beside_them() {
        let (mu, logvar) = (array(8, 3), array(8, 3));
        let classes = [0i64, 1, 2, 3, 0, 1, 2, 3].map(|class| class - 7);
        let members = [
            ("mu", NpzArray::F32(&mu)),
            ("logvar", NpzArray::F32(&logvar)),
            ("factors", NpzArray::I64(&[8, 1], &classes)),
            ("note", NpzArray::Text("by somebody")),
        ];
        let codes = read(&members).expect("reads");
        assert_eq!((codes.len(), codes.code_dim(), codes.has_variances()), (8, 3, true));
        assert_eq!(codes.factors()[0].values, [-7.0, -6.0, -5.0, -4.0]);
        assert_eq!(codes.classes(6), [2]);
        let alone = read(&members[..1]).expect("reads");
        assert!(alone.factors().is_empty() && !alone.has_variances());
    }

    #[test]
    fn factors_go_by_the_names_that_the_file_has() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("codes.npz");
        let codes = array(8, 3);
        let written = |name: &str, names: &[&str]| {
            let write = || {
                let mut npz = NpzWriter::new(std::io::Cursor::new(Vec::new()));
                npz.floats("mu", &[8, 3], codes.data())?;
                npz.integers("factors", &[8, 2], &[0, 1, 0, 1, 2, 1, 0, 0, 0, 1, 0, 1, 2, 1, 0, 0])?;
                npz.names(name, &names.iter().map(OsString::from).collect::<Vec<_>>())?;
                std::fs::write(&path, npz.finish()?.into_inner())
            };
            write().expect("writes");
            read_codes(&path)
        };
        for array in ["names", "factor_names"] {
            let codes = written(array, &["shape", "sc\u{1b}ale"]).expect("reads");
            let names: Vec<&str> = codes.factors().iter().map(|factor| factor.name.as_str()).collect();
            assert_eq!(names, ["shape", "sc\\u{1b}ale"]);
        }
        for names in [&["shape"][..], &["shape", " "]] {
            let error = written("names", names).expect_err("refused").to_string();
            assert!(error.contains("but there are 2, each of which needs a name"), "{error}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_in_a_sentence_that_ends_with_the_path() {
        let (mu, wide, flat, one) = (array(8, 3), array(8, 4), Array::zeros([8]), array(1, 3));
        let (short, many) = (array(7, 2), array(8, 1));
        let broken = Array::new([2, 1], vec![0.0, f32::NAN]).expect("fits");
        let (as_mu, as_logvar, as_factors) = (
            |array| vec![("mu", NpzArray::F32(array))],
            |array| vec![("mu", NpzArray::F32(&mu)), ("logvar", NpzArray::F32(array))],
            |array| vec![("mu", NpzArray::F32(&mu)), ("factors", NpzArray::F32(array))],
        );
        for (members, expected) in [
            (vec![("z", NpzArray::F32(&mu))], "no array mu of shape (N, D), the codes; it has z"),
            (as_mu(&flat), "array mu has the shape (8,), but codes are (N, D)"),
            (as_mu(&one), "two codes of one dimension at least"),
            (as_mu(&broken), "array mu holds a value that is not a finite number (row 1)"),
            (as_logvar(&wide), "array logvar has the shape (8, 4), but beside 8 codes it must be (8, 3)"),
            (as_factors(&short), "array factors has the shape (7, 2), but beside 8 codes it must be (8, K)"),
            (as_factors(&many), "column 0 of factors has 8 different values in 8 rows"),
        ] {
            let error = read(&members).expect_err(expected).to_string();
            assert!(error.contains(expected) && error.ends_with("codes.npz"), "{error}");
        }
    }
}
