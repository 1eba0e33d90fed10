use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::checkpoint::CheckpointError;
use crate::checkpoint::npz::{NpzFile, UNNAMED, listed};
use crate::model::{CodeBlock, CodeKind, ModelDescription};

use super::Codes;

/// Which blocks a file has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Everything that the model's networks take, but noise.
    All,
    /// Whatever it holds of them.
    Any,
}

/// What a file holds of a model's codes.
#[derive(Debug)]
pub struct CodesFile {
    /// One row a picture; blocks that the file lacks are at their neutral values.
    pub codes: Codes,
    /// The blocks that come from the file.
    pub held: Vec<String>,
    path: PathBuf,
}

impl CodesFile {
    /// Reads the codes `(N, dims)` of a model's blocks from an `.npz` with an array a block, or from the one array of an
    /// `.npy`. Whatever else the file holds does not matter.
    ///
    /// # Errors
    /// When the file cannot be read, lacks a block that is wanted, or holds one of another shape, without rows, or with a
    /// value that is not finite.
    pub fn read(
        path: &Path,
        description: &ModelDescription,
        wanted: Wanted,
    ) -> Result<Self, CheckpointError> {
        let mut file = NpzFile::open(path)?;
        let used: Vec<&CodeBlock> =
            description.codes.iter().filter(|block| is_used(description, block)).collect();
        let named: Vec<(&CodeBlock, String)> =
            used.iter().filter_map(|block| Some((*block, name_in(&file, block, &used)?))).collect();
        let is_held = |block: &CodeBlock| named.iter().any(|(held, _)| held.name == block.name);
        let missing = used.iter().find(|block| block.kind != CodeKind::Noise && !is_held(block));
        let missing = missing.filter(|_| wanted == Wanted::All || named.is_empty());
        if let Some(block) = missing.or(used.first().filter(|_| named.is_empty())) {
            let (name, dims, names) = (&block.name, block.dims, listed(&file.names()));
            let what = format!("this file has no array {name} of shape (N, {dims}); it has {names}");
            return Err(CheckpointError::content(what, path));
        }
        // Shapes are checked before anything is read.
        for (block, name) in &named {
            let shape = file.member(name)?.shape;
            if shape.len() != 2 || shape[1] != block.dims {
                let (shape, dims) = (shown_shape(&shape), block.dims);
                let what = format!("array {name} has shape {shape}, but this model takes (N, {dims})");
                return Err(CheckpointError::content(what, path));
            }
            if shape[0] == 0 {
                let what = "these codes have no rows, so there is nothing to draw";
                return Err(CheckpointError::content(what, path));
            }
        }
        let mut codes: Option<Codes> = None;
        for (block, name) in &named {
            let values = file.array(name)?;
            let codes = codes.get_or_insert_with(|| Codes::neutral(description, values.shape()[0]));
            let set = codes.set_block(&block.name, values);
            set.map_err(|error| CheckpointError::content(error.to_string(), path))?;
        }
        let codes = codes.unwrap_or_else(|| Codes::neutral(description, 0));
        let held = named.iter().map(|(block, _)| block.name.clone()).collect();
        Ok(Self { codes, held, path: path.into() })
    }

    /// Row `row` of the blocks that the file holds, by their names.
    ///
    /// # Errors
    /// When there are fewer rows.
    pub fn row(&self, row: usize) -> Result<BTreeMap<String, Vec<f32>>, CheckpointError> {
        let rows = self.codes.rows();
        if row >= rows {
            let path = self.path.display();
            return Err(CheckpointError::request(match rows {
                0 => format!("these codes have no rows, so there is no row {row}: {path}"),
                _ => format!("--row {row} is beyond the last row, {}: {path}", rows - 1),
            }));
        }
        let values = |name: &String| Some((name.clone(), self.codes.row(name, row).ok()?.to_vec()));
        Ok(self.held.iter().filter_map(values).collect())
    }
}

/// Whether a chain of the model takes this block, or its encoder infers it.
fn is_used(description: &ModelDescription, block: &CodeBlock) -> bool {
    let name = block.name.as_str();
    let mut chains = description.render.iter();
    chains.any(|chain| description.inputs(&chain.name).contains(&name)) || description.encoded() == Some(name)
}

/// What the array of a block is called in a file: as the block, or not at all where a file has a single array without a
/// name and the model a single code.
fn name_in(file: &NpzFile, block: &CodeBlock, used: &[&CodeBlock]) -> Option<String> {
    if file.contains(&block.name) {
        return Some(block.name.clone());
    }
    let main = used.iter().find(|block| block.kind != CodeKind::Noise).or(used.first())?;
    (main.name == block.name && file.names() == [UNNAMED]).then(|| UNNAMED.to_owned())
}

/// A shape as NumPy shows it.
pub fn shown_shape(shape: &[usize]) -> String {
    let dims = shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if shape.len() == 1 { format!("({dims},)") } else { format!("({dims})") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Array;
    use crate::checkpoint::npz::{NpzArray, write_npz};
    use crate::nets::VaeConfig;

    /// A VAE of a code of three dimensions.
    fn description() -> ModelDescription {
        ModelDescription { codes: vec![CodeBlock::disentangled(3)], ..ModelDescription::empty("toy") }
            .with_vae(VaeConfig { channels: 1, c_dim: 3 }, "c")
    }

    fn array(rows: usize, dims: usize) -> Array {
        Array::new([rows, dims], (0..rows * dims).map(|value| value as f32).collect()).expect("an array")
    }

    fn read(members: &[(&str, NpzArray<'_>)], wanted: Wanted) -> Result<CodesFile, CheckpointError> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("codes.npz");
        write_npz(&path, members).expect("writes");
        CodesFile::read(&path, &description(), wanted)
    }

    #[test]
    fn a_row_is_read_whatever_lies_beside_the_codes() {
        let c = array(2, 3);
        let members = [
            ("c", NpzArray::F32(&c)),
            ("mu", NpzArray::I64(&[5], &[1, 2, 3, 4, 5])),
            ("gan", NpzArray::U8(&[2, 1, 1, 1], &[7, 8])),
            ("files", NpzArray::Text("a.png b.png")),
        ];
        for wanted in [Wanted::All, Wanted::Any] {
            let file = read(&members, wanted).expect("reads");
            let row = file.row(1).expect("there").into_iter().collect::<Vec<_>>();
            assert_eq!(row, [("c".to_owned(), vec![3.0, 4.0, 5.0])]);
            assert!(
                file.row(2)
                    .is_err_and(|error| error.to_string().contains("--row 2 is beyond the last row, 1"))
            );
        }
    }

    #[test]
    fn an_array_without_a_name_is_the_code() {
        let c = array(1, 3);
        let file = read(&[("arr_0", NpzArray::F32(&c))], Wanted::All).expect("reads");
        assert_eq!(file.codes.row("c", 0), Ok(&[0.0, 1.0, 2.0][..]));
        let both = read(&[("arr_0", NpzArray::F32(&c)), ("arr_1", NpzArray::F32(&c))], Wanted::Any);
        assert!(both.expect_err("ambiguous").to_string().contains("it has arr_0, arr_1"));
    }

    #[test]
    fn what_does_not_fit_is_said_in_the_same_words_everywhere() {
        let (flat, empty, wide) = (Array::zeros([3]), Array::zeros([0, 3]), array(1, 4));
        let broken = Array::new([1, 3], vec![0.0, f32::NAN, 0.0]).expect("an array");
        for wanted in [Wanted::All, Wanted::Any] {
            for (array, expected) in [
                (&flat, "array c has shape (3,), but this model takes (N, 3)"),
                (&wide, "array c has shape (1, 4), but this model takes (N, 3)"),
                (&empty, "these codes have no rows"),
                (&broken, "not a finite number (row 0)"),
            ] {
                let error = read(&[("c", NpzArray::F32(array))], wanted).expect_err(expected).to_string();
                assert!(error.contains(expected) && error.ends_with("codes.npz"), "{error}");
            }
            let error = read(&[("z", NpzArray::F32(&wide))], wanted).expect_err("missing").to_string();
            assert!(error.contains("this file has no array c of shape (N, 3); it has z"), "{error}");
        }
    }
}
