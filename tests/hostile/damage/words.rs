//! Damage to texts (JSON, TOML, NumPy's headers, command lines) word by word, so that parsers get past the first one.

use super::dice::Dice;

/// Words at which parsers and those who use the values go wrong.
const WORDS: [&str; 44] = [
    "0",
    "1",
    "-1",
    "2",
    "-0.0",
    "0.5",
    "1e999",
    "-1e999",
    "1e-999",
    "1e308",
    "nan",
    "inf",
    "-inf",
    "NaN",
    "null",
    "true",
    "false",
    "255",
    "256",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "\"\"",
    "\"x\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"\\u001b[2J\"",
    "\"é\u{202e}\"",
    "\"../../x\"",
    "[]",
    "{}",
    "[[]]",
    "{\"a\":1}",
    "''",
    "1979-05-27",
    "0x7fffffffffffffff",
    "(1,)",
    "\u{0}",
];

/// Changes `text` by words. What is no text is taken byte by byte.
pub fn damage(text: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut words = split(text);
    let others = split(other);
    for _ in 0..1 + dice.below(3) {
        let at = dice.below(words.len() + 1);
        let is_end = at == words.len();
        match dice.below(8) {
            0 if !is_end => drop(words.remove(at)),
            1 => drop(words.drain(dice.stretch(words.len()))),
            2 => repeat(&mut words, dice),
            3 if !is_end => {
                let with = dice.below(words.len());
                words.swap(at, with);
            }
            4 if !others.is_empty() => words.insert(at, others[dice.below(others.len())]),
            5 => words.insert(at, dice.pick(&WORDS).as_bytes()),
            _ => {
                if let Some(word) = value_at(&mut words, dice) {
                    *word = dice.pick(&WORDS).as_bytes();
                }
            }
        }
    }
    let mut damaged = words.concat();
    if dice.one_in(40) {
        // nesting without end, where a value stood
        let depth = 1000 << dice.below(6);
        let open = *dice.pick(&["[", "{\"a\":", "[{\"a\":", "a.", "(", "-"]);
        let at = dice.below(damaged.len() + 1);
        damaged.splice(at..at, open.repeat(depth).into_bytes());
    }
    damaged
}

fn repeat(words: &mut Vec<&[u8]>, dice: &mut Dice) {
    let piece = words[dice.stretch(words.len())].to_vec();
    let size: usize = piece.iter().map(|word| word.len()).sum();
    let times = dice.times().min(super::MOST / (size + 1));
    let at = dice.below(words.len() + 1);
    words.splice(at..at, piece.repeat(times));
}

/// A word that may be a value, found by looking a few times.
fn value_at<'a, 'b>(words: &'a mut [&'b [u8]], dice: &mut Dice) -> Option<&'a mut &'b [u8]> {
    let is_value = |word: &[u8]| word.len() > 1 || word[0].is_ascii_alphanumeric();
    let at = (0..8)
        .map(|_| dice.below(words.len()))
        .find(|&at| words.get(at).is_some_and(|word| is_value(word)))?;
    words.get_mut(at)
}

/// Strings in quotes, words and numbers, white space, and every other byte by itself.
fn split(text: &[u8]) -> Vec<&[u8]> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(&first) = rest.first() {
        let is_word =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'+' | b'-' | 0x80..);
        let len = match first {
            b'"' | b'\'' => quoted(rest, first),
            first if is_word(first) => rest.iter().take_while(|&&byte| is_word(byte)).count(),
            first if first.is_ascii_whitespace() => {
                rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
            }
            _ => 1,
        };
        let (word, after) = rest.split_at(len);
        words.push(word);
        rest = after;
    }
    words
}

/// The length of the string that begins with `quote`, up to the end of the text where it has no end.
fn quoted(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}
