use std::path::Path;

use crate::base::Arrays;
use crate::formats::{Source, shorten};

use super::CheckpointError;
use super::pickle::TorchFile;
use super::tensors::TensorFile;

/// Every tensor of a state dict of any network, by its full name: a PyTorch file in either encoding or a safetensors
/// file. The prefix `module.` is left out.
///
/// # Errors
/// When the file cannot be read, is damaged, or holds something other than tensors.
pub fn read_state_dict(path: &Path) -> Result<Arrays, CheckpointError> {
    let source = Source::open(path)?;
    let mut start = [0; 9];
    let head = start.len().min(usize::try_from(source.len()).unwrap_or(start.len()));
    source.read_exact_at(&mut start[..head], 0).map_err(|error| CheckpointError::io(error, path))?;
    if start[8] == b'{' {
        return TensorFile::from_source(source)?.group("");
    }
    let mut file = TorchFile::from_source(source)?;
    let wrong = |what: String| CheckpointError::content(what, path);
    let mut tensors = Vec::new();
    let root = file.root();
    let dict = root.get("state_dict").unwrap_or(root);
    for (key, value) in
        dict.entries().ok_or_else(|| wrong(format!("it holds {}, no state dict", dict.kind())))?
    {
        let name = key.as_text().ok_or_else(|| wrong(format!("it has {} among its names", key.kind())))?;
        let tensor = value.as_tensor().ok_or_else(|| {
            wrong(format!("`{}` is {}, not a tensor; save the state_dict alone", shorten(name), value.kind()))
        })?;
        tensors.push((name.strip_prefix("module.").unwrap_or(name).to_owned(), tensor.clone()));
    }
    tensors.into_iter().map(|(name, tensor)| Ok((name, file.array(&tensor)?))).collect()
}
