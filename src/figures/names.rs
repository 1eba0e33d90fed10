use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// Names of dimensions as they stand in one word: with commas between them, and `\,` for a comma within a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    /// At least one name, without space around it; a dimension may have none.
    pub fn new(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(names.into_iter().map(|name| name.as_ref().trim().to_owned()).collect())
    }

    /// The names.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for Names {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let (mut names, mut letters) = (vec![String::new()], text.chars().peekable());
        while let Some(letter) = letters.next() {
            let escaped = letters.next_if(|next| letter == '\\' && matches!(next, ',' | '\\'));
            match (letter, names.last_mut()) {
                (',', _) => names.push(String::new()),
                (letter, Some(name)) => name.push(escaped.unwrap_or(letter)),
                (_, None) => {}
            }
        }
        Ok(Self::new(names))
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = |name: &String| name.replace('\\', "\\\\").replace(',', "\\,");
        f.write_str(&self.0.iter().map(escaped).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let read = |text: &str| text.parse::<Names>().map(|names| names.0).unwrap_or_default();
        assert_eq!(read("azimuth, hair ,"), ["azimuth", "hair", ""]);
        assert_eq!(read("x\\, y,a\\b,\\\\"), ["x, y", "a\\b", "\\"]);
        for names in [&["a", ""][..], &[""], &["x, y", "\\", "\\,", "a\\"], &["-3", "--out=x", "a b", "ä=1"]]
        {
            let names = Names::new(names);
            assert_eq!(names.to_string().parse(), Ok(names));
        }
    }
}
