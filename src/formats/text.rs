/// Longest name in a message.
const LONGEST_NAME: usize = 80;

/// A name from a file, short enough for a message and without anything that a terminal obeys.
pub(crate) fn shorten(name: &str) -> String {
    spelt_out(name, LONGEST_NAME)
}

/// At most `longest` characters of `text` in one line. Those that a terminal would obey are spelt out (`\u{1b}`): control
/// characters, and those that turn the direction of writing.
pub(crate) fn spelt_out(text: &str, longest: usize) -> String {
    let is_long = text.chars().nth(longest).is_some();
    let mut line = String::new();
    for letter in text.chars().take(if is_long { longest.saturating_sub(3) } else { longest }) {
        // Unicode Technical Report 36, Bidirectional text spoofing; U+2028 and U+2029 end a line
        let turns =
            matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match letter {
            '\n' | '\t' => line.push(' '),
            _ if letter.is_control() || turns => line.extend(letter.escape_unicode()),
            _ => line.push(letter),
        }
    }
    if is_long {
        line.push_str("...");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        assert_eq!(shorten("a\u{1b}[2Jb\n\u{202e}"), "a\\u{1b}[2Jb \\u{202e}");
        let long = shorten(&"ü".repeat(1000));
        assert!(long.ends_with("ü...") && long.chars().count() == 80, "{long}");
        assert_eq!(shorten(&"ü".repeat(80)), "ü".repeat(80));
    }
}
