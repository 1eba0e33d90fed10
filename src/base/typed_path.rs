use std::path::{Path, PathBuf};

use super::expand_home;

/// The path that somebody has typed or pasted: `~` is their own folder, and what file managers and shells put around a
/// copied path (quotes, `file://`, a line's end) goes.
pub fn typed_path(text: &str) -> PathBuf {
    let text = unquoted(text.trim());
    match text.strip_prefix("file://").and_then(|rest| rest.find('/').map(|at| percent_decoded(&rest[at..])))
    {
        Some(path) => path,
        None => expand_home(Path::new(text)),
    }
}

fn unquoted(text: &str) -> &str {
    let quoted = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    quoted('"').or_else(|| quoted('\'')).unwrap_or(text)
}

/// The path of a `file://` address, whose bytes may be written as `%20`.
fn percent_decoded(text: &str) -> PathBuf {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(code) => {
                decoded.push(code);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        // Names are bytes here, whatever they are in.
        PathBuf::from(std::ffi::OsString::from_vec(decoded))
    }
    #[cfg(not(unix))]
    {
        // "/C:/models" names C:\models.
        let text = String::from_utf8_lossy(&decoded).into_owned();
        let is_drive = text.as_bytes().get(2) == Some(&b':');
        PathBuf::from(if is_drive { text[1..].to_owned() } else { text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_own_folder() {
        let home = directories::BaseDirs::new().expect("tests have a home").home_dir().to_owned();
        assert_eq!(typed_path(" ~/models/a.safetensors\n"), home.join("models/a.safetensors"));
        assert_eq!(typed_path("'~'"), home);
        assert_eq!(typed_path("/a/~/b"), PathBuf::from("/a/~/b"));
    }

    #[test]
    fn pasted_paths_lose_what_was_put_around_them() {
        for text in [
            "/a b/c.pt\n",
            "'/a b/c.pt'",
            "\"/a b/c.pt\"",
            "file:///a%20b/c.pt",
            "file://host/a%20b/c.pt\r\n",
        ] {
            assert_eq!(typed_path(text), PathBuf::from("/a b/c.pt"), "{text:?}");
        }
        // What only looks like an escape, or like an address, is part of the name.
        assert_eq!(typed_path("file:///100%/%zz%4"), PathBuf::from("/100%/%zz%4"));
        assert_eq!(typed_path("file:///%é"), PathBuf::from("/%é"));
        assert_eq!(typed_path("file://"), PathBuf::from("file://"));
        assert_eq!(typed_path("'"), PathBuf::from("'"));
    }
}
