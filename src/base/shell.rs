use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::visible::is_hidden;

/// Words as one line that a POSIX shell reads back as the same words, byte by byte, and that a terminal shows as it is.
pub fn shell_quoted<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> String {
    words.into_iter().map(|word| quoted(word.as_ref().as_encoded_bytes())).collect::<Vec<_>>().join(" ")
}

/// `path` as a word of a command: one that begins like an option is told from one.
pub fn path_word(path: &Path) -> OsString {
    match path.as_os_str().as_encoded_bytes().first() {
        Some(b'-') => Path::new(".").join(path).into_os_string(),
        _ => path.as_os_str().to_owned(),
    }
}

/// An option and its value as words of a command: one word where the value begins like an option itself, else two.
pub fn option_words(name: &str, value: impl Into<String>) -> Vec<String> {
    let value = value.into();
    if value.starts_with('-') { vec![format!("{name}={value}")] } else { vec![name.to_owned(), value] }
}

fn quoted(word: &[u8]) -> String {
    let is_plain = |&byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:=,+@%^".contains(&byte);
    // zsh reads a word that begins with = as the path of a program
    if word.iter().all(is_plain) && word.first().is_some_and(|&first| first != b'=') {
        return String::from_utf8_lossy(word).into_owned();
    }
    let mut line = "'".to_owned();
    for part in word.utf8_chunks() {
        for letter in part.valid().chars() {
            match letter {
                '\'' => line.push_str("'\\''"),
                letter if is_hidden(letter) => {
                    line.push_str(&printed(letter.encode_utf8(&mut [0; 4]).as_bytes()));
                }
                letter => line.push(letter),
            }
        }
        if !part.invalid().is_empty() {
            line.push_str(&printed(part.invalid()));
        }
    }
    line.push('\'');
    line
}

/// Bytes that have no place on a line, between two quoted parts: the shell makes them of their numbers.
fn printed(bytes: &[u8]) -> String {
    let numbers: String = bytes.iter().map(|byte| format!("\\{byte:03o}")).collect();
    format!("'\"$(printf '{numbers}')\"'")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    fn read_back(line: &str) -> Vec<Vec<u8>> {
        let script = format!("for word in {line}; do printf '%s\\0' \"$word\"; done");
        let output = std::process::Command::new("sh").arg("-c").arg(script).output().expect("sh runs");
        let mut words: Vec<Vec<u8>> = output.stdout.split(|&byte| byte == 0).map(<[u8]>::to_vec).collect();
        assert_eq!(words.pop(), Some(Vec::new()));
        words
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let words: [&[u8]; 14] = [
            b"idgan",
            b"a b",
            b"",
            b"it's",
            b"$HOME `x` \"y\" \\ *?",
            b"-3..3",
            "näme\n".as_bytes(),
            b"~",
            b"=ls",
            b"a;b&c|d>e<f(g){h}[i]#!",
            b"esc\x1b[31m\x07 and \x7f",
            "\u{9b}2J\u{202e}".as_bytes(),
            b"latin \xe4\xff",
            b"line\nend\n",
        ];
        let line = shell_quoted(words.map(OsStr::from_bytes));
        assert_eq!(read_back(&line), words);
        assert_eq!(crate::base::visible(&line), line);
        assert_eq!(shell_quoted(["idgan", "--range", "-3..3"]), "idgan --range -3..3");
        assert_eq!(shell_quoted([Path::new("my run")]), "'my run'");
    }

    #[test]
    fn a_path_is_never_read_as_an_option() {
        assert_eq!(path_word(Path::new("--out")), "./--out");
        assert_eq!(path_word(Path::new("runs/a b")), "runs/a b");
    }
}
