use serde::de::DeserializeOwned;

/// The most inline tables of a text.
///
/// The parser bounds how deep a text may nest, but its count goes astray where a bracket stands in place of a key, since it
/// is closed without having been opened (toml_parser 1.1.5, `on_inline_table_open`); every level takes stack until none is
/// left. No level goes without a brace.
const MOST_TABLES: usize = 500;

/// Reads TOML that anybody may have written.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn from_toml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    if text.bytes().filter(|&byte| byte == b'{').count() > MOST_TABLES {
        return Err(format!("more than {MOST_TABLES} inline tables are no configuration"));
    }
    toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_without_end_is_refused() {
        for text in [
            "v = {\n[[m]]\nn = 1, ".repeat(3000),
            "v = { [] ".repeat(MOST_TABLES),
            "v = { {} ".repeat(MOST_TABLES / 2),
            format!("v = {}1", "[".repeat(100_000)),
            format!("{}v = 1", "a.".repeat(100_000)),
        ] {
            assert!(from_toml::<toml::Table>(&text).is_err(), "{}", &text[..20]);
        }
        let table: toml::Table = from_toml("v = { a.b = [1, { c = 2 }] }").expect("sound");
        assert_eq!(table["v"]["a"]["b"][1]["c"].as_integer(), Some(2));
    }
}
