use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The colour that shows through the transparent parts of a picture; black where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Background([u8; 3]);

impl Background {
    /// Black.
    pub const BLACK: Self = Self([0; 3]);
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// Red, green and blue.
    pub fn rgb(self) -> [u8; 3] {
        self.0
    }

    /// Whether it is black, as where nothing is said.
    pub fn is_black(&self) -> bool {
        *self == Self::BLACK
    }
}

impl fmt::Display for Background {
    /// `black`, `white`, or `#rrggbb`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        match *self {
            Self::BLACK => f.write_str("black"),
            Self::WHITE => f.write_str("white"),
            _ => write!(f, "#{red:02x}{green:02x}{blue:02x}"),
        }
    }
}

impl FromStr for Background {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("a background is white, black or #rrggbb, for instance #ff8000, not {text:?}");
        match text.to_ascii_lowercase().as_str() {
            "black" => return Ok(Self::BLACK),
            "white" => return Ok(Self::WHITE),
            _ => {}
        }
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or_else(wrong)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).map_err(|_| wrong())?.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

impl TryFrom<String> for Background {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Background> for String {
    fn from(background: Background) -> Self {
        background.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_they_are_written() {
        for (text, rgb) in [("black", [0; 3]), ("white", [255; 3]), ("#ff8001", [255, 128, 1])] {
            let background: Background = text.parse().expect(text);
            assert_eq!((background.rgb(), background.to_string().as_str()), (rgb, text));
        }
        assert_eq!("#FFFFFF".parse(), Ok(Background::WHITE));
        assert_eq!(Background::default(), Background::BLACK);
        for wrong in ["", "grey", "#fff", "#+f8001", "ff8001", "#ff80012", "#ëff80"] {
            let error = wrong.parse::<Background>().expect_err(wrong);
            assert!(error.contains("white, black or #rrggbb"), "{error}");
        }
    }
}
