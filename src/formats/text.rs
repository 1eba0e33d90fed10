/// A name from a file, short enough for a message and without control characters.
pub(crate) fn shorten(name: &str) -> String {
    let clean = name.chars().map(|c| if c.is_control() { ' ' } else { c });
    match name.chars().nth(80) {
        None => clean.collect(),
        Some(_) => clean.take(77).chain("...".chars()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        assert_eq!(shorten("a\u{1b}[2Jb\n"), "a [2Jb ");
        let long = shorten(&"ü".repeat(1000));
        assert!(long.ends_with("ü...") && long.chars().count() == 80, "{long}");
    }
}
