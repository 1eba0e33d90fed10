use std::borrow::Cow;

/// `text` as a terminal may show it: control characters and those that turn the direction of writing are spelt out
/// (`\u{1b}`), so that no name or content of a file can colour, move or hide what is printed. Tabs and line ends stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    spelt_out(text, |letter| letter.escape_unicode().to_string())
}

/// As [`visible`] for a JSON document: the same letters are left to be read back.
pub fn visible_json(document: &str) -> Cow<'_, str> {
    // JSON allows them only inside of strings, where this is another way to write them; all are below U+FFFF.
    spelt_out(document, |letter| format!("\\u{:04x}", u32::from(letter)))
}

fn spelt_out(text: &str, spell: impl Fn(char) -> String) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let shown = |letter: char| if is_hidden(letter) { spell(letter) } else { letter.to_string() };
    Cow::Owned(text.chars().map(shown).collect())
}

/// Whether a terminal would do something else with `letter` than show it.
pub(super) fn is_hidden(letter: char) -> bool {
    let is_laid_out = matches!(letter, '\n' | '\t');
    // Unicode Technical Report 36, Bidirectional text spoofing; U+2028 and U+2029 end a line
    let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (letter.is_control() && !is_laid_out) || turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_letters_reaches_a_terminal() {
        assert!(matches!(visible("ordinary\ttext,\nwört 画像"), Cow::Borrowed(_)));
        let shown = visible("\u{1b}[31mred\u{7}\r\u{9b}2J\u{7f}\0\u{202e}fdp");
        assert_eq!(shown, "\\u{1b}[31mred\\u{7}\\u{d}\\u{9b}2J\\u{7f}\\u{0}\\u{202e}fdp");
        assert_eq!(visible(&shown), shown);
    }

    #[test]
    fn a_json_document_says_the_same_afterwards() {
        let value = serde_json::json!({ "na\u{9b}me": "a\u{1b}\u{7f}\u{202e}\n\u{85}b", "n": [1.5, null] });
        let text = serde_json::to_string_pretty(&value).expect("serialises");
        let shown = visible_json(&text);
        assert!(!shown.chars().any(|letter| letter != '\n' && is_hidden(letter)) && shown != text);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("parses"), value);
    }
}
