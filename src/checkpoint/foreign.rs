//! Files that people try and that hold no weights as idgan reads them, told by how they begin.

use crate::formats::shorten;

/// What a file that begins with `start` (some hundred bytes) is, and what to do about it: the end of a sentence.
pub(crate) fn file_kind(start: &[u8]) -> Option<String> {
    let pytorch =
        "load it where it was made and save the state_dict with torch.save, or its tensors as safetensors";
    let unpack = "unpack it and open what is inside";
    let starts: [(&[u8], &str, &str); 22] = [
        (
            b"version https://git-lfs",
            "a git-lfs pointer, not the file itself",
            "run git lfs pull where it was cloned, or download it from its page",
        ),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras or MATLAB)", pytorch),
        (b"\x1f\x8b", "a gzip archive", "unpack it (gunzip, or tar xzf) and open what is inside"),
        (b"BZh", "a bzip2 archive", "unpack it (bunzip2, or tar xjf) and open what is inside"),
        (b"\xfd7zXZ\0", "an xz archive", "unpack it (unxz, or tar xJf) and open what is inside"),
        (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it (unzstd) and open what is inside"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive", unpack),
        (b"Rar!", "a rar archive", unpack),
        (
            b"\x93NUMPY",
            "a single NumPy array",
            "weights are an .npz with one array a tensor (numpy.savez); codes go with --codes",
        ),
        (b"GGUF", "a GGUF file (a language model)", "idgan opens none of these"),
        (b"\x89PNG", "a picture (PNG)", "name the model; pictures go with --images"),
        (b"\xff\xd8\xff", "a picture (JPEG)", "name the model; pictures go with --images"),
        (b"GIF8", "a picture (GIF)", "name the model; pictures go with --images"),
        (b"%PDF", "a PDF", "name the model"),
        (b"MATLAB 5.0", "a MATLAB file", "save the weights as safetensors or with numpy.savez"),
        (b"\x7fELF", "a program", "name the model"),
        (b"MZ", "a program", "name the model"),
        (b"SQLite format 3", "an SQLite database", "name the model"),
        (b"{\\rtf", "an RTF document", "name the model"),
        (b"ARROW1", "an Arrow file", "name the model"),
        (b"PAR1", "a Parquet file", "name the model"),
        (b"caffe", "a Caffe model", pytorch),
    ];
    if let Some((_, what, advice)) = starts.iter().find(|(known, ..)| start.starts_with(known)) {
        return Some(format!("{what}; {advice}"));
    }
    if start.get(257..262) == Some(b"ustar") {
        return Some(format!("a tar archive; {unpack} (PyTorch before 0.1.10 wrote such files itself)"));
    }
    if start.get(4..8) == Some(b"TFL3") {
        return Some(format!("a TensorFlow Lite model; {pytorch}"));
    }
    if is_onnx(start) {
        return Some("an ONNX model; let its name end in .onnx, and idgan opens it".into());
    }
    text_kind(start)
}

/// Protocol buffers begin with a field's number: ONNX's first is its version, the second its maker's name.
fn is_onnx(start: &[u8]) -> bool {
    matches!(start, [0x08, 1..=30, 0x12, len, rest @ ..]
        if rest.get(..usize::from(*len)).is_some_and(|name| name.is_ascii() && !name.is_empty()))
}

/// What a text is that lies where a model should.
fn text_kind(start: &[u8]) -> Option<String> {
    // The beginning may end inside a letter.
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if start.len() - error.valid_up_to() < 4 => {
            std::str::from_utf8(&start[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let lower = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    Some(match lower {
        text if text.starts_with("<!doctype html") || text.starts_with("<html") => {
            "a web page, not the file itself; the link leads to a page to download it from, or the quota is used up".into()
        }
        text if text.starts_with('<') => "an XML document; name the model".into(),
        text if text.starts_with(['{', '[']) => "a JSON text; name the file of weights that lies beside it".into(),
        text if text.is_empty() => "an empty text; was it downloaded completely?".into(),
        _ => "a text, not weights; was it downloaded completely?".into(),
    })
}

/// What a zip archive with members of these names is, if it is neither a PyTorch file nor arrays of NumPy.
pub(crate) fn zip_kind(names: &[&str]) -> Option<String> {
    let ends = |ending: &str| names.iter().any(|name| name.ends_with(ending));
    let within = |folder: &str| {
        names.iter().any(|name| name.split(['/', '\\']).rev().skip(1).any(|part| part == folder))
    };
    if ends("constants.pkl") || (within("code") && ends("data.pkl")) {
        return Some(
            "a TorchScript program (torch.jit.save); save the state_dict alone: torch.save(model.state_dict(), FILE)".into(),
        );
    }
    if ends("data.pkl") {
        return None;
    }
    if ends("archive_format") && within("models") {
        return Some(
            "an exported program (torch.export); save the state_dict alone: torch.save(model.state_dict(), FILE)".into(),
        );
    }
    if ends("model.weights.h5") {
        return Some("a Keras model; save its weights with numpy.savez or as safetensors".into());
    }
    // Folders of several files may hold arrays, too; an npz holds nothing else.
    if ends(".npy") {
        return None;
    }
    let inner = names.iter().filter(|name| {
        let name = name.to_ascii_lowercase();
        let is_model = [".pt", ".pth", ".tar", ".ckpt", ".bin", ".safetensors", ".npz"]
            .iter()
            .any(|end| name.ends_with(end));
        (is_model || !name.contains('.')) && !name.ends_with(['/', '\\']) && !name.starts_with("__macosx")
    });
    let first = inner.min_by_key(|name| (name.len(), **name));
    Some(match first {
        Some(first) => {
            format!("a zip archive; unpack it and open what is inside, for instance `{}`", shorten(first))
        }
        None => {
            let first = names.iter().min().map(|name| shorten(name)).unwrap_or_default();
            format!("a zip archive, but not a PyTorch file (it has no data.pkl); it holds `{first}`")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_for_what_they_are() {
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        let cases: [(&[u8], &str); 12] = [
            (b"\x89HDF\r\n\x1a\n\0\0\0", "an HDF5 file"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\n", "a git-lfs pointer"),
            (b"<!DOCTYPE html><html><head>", "a web page"),
            (b"\r\n  <HTML lang=en>", "a web page"),
            (b"\x1f\x8b\x08\0\0", "a gzip archive"),
            (&tar, "a tar archive"),
            (b"\x08\x08\x12\x07pytorch\x1a\x05", "an ONNX model"),
            (b"\x1c\0\0\0TFL3\0\0", "a TensorFlow Lite model"),
            (b"\x93NUMPY\x01\0", "a single NumPy array"),
            (b"{\"model\": 1}", "a JSON text"),
            (b"not found\n", "a text"),
            ("die Datei fehlt: ä".as_bytes(), "a text"),
        ];
        for (start, expected) in cases {
            let kind = file_kind(start).unwrap_or_default();
            assert!(kind.starts_with(expected), "{kind}");
            assert!(kind.contains("; ") && !kind.contains('\n'), "says what to do: {kind}");
        }
        for unknown in [&b"\x01\x02\x03\x04"[..], b"", b"\x80\x02}."] {
            let kind = file_kind(unknown);
            assert!(kind.is_none() || unknown.is_empty(), "{kind:?}");
        }
    }

    #[test]
    fn zip_archives_are_named_for_what_they_hold() {
        let kind = |names: &[&str]| zip_kind(names).unwrap_or_default();
        assert!(
            kind(&["x/data.pkl", "x/constants.pkl", "x/code/__torch__.py"])
                .starts_with("a TorchScript program")
        );
        assert!(kind(&["config.json", "metadata.json", "model.weights.h5"]).starts_with("a Keras model"));
        assert!(kind(&["run/last.pt", "__MACOSX/run/._last.pt", "notes.txt"]).ends_with("`run/last.pt`"));
        assert!(kind(&["a.png", "b.png"]).contains("no data.pkl"));
        assert_eq!((zip_kind(&["x/data.pkl", "x/data/0"]), zip_kind(&["c.npy"])), (None, None));
    }
}
