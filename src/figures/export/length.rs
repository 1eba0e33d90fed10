use std::fmt::{Display, Formatter};
use std::str::FromStr;

/// Points of printers in a millimetre.
const POINTS: f32 = 72.0 / 25.4;
/// Points in a pixel where nobody says how large a figure is: 96 pixels make an inch.
const PIXEL: f32 = 0.75;

/// A width on paper, above 0 and up to 5 metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Length {
    millimetres: f32,
}

impl Length {
    /// So many points of 1/72 inch.
    pub(in crate::figures) fn of_points(points: f32) -> Self {
        Self { millimetres: points / POINTS }
    }

    /// In points of 1/72 inch.
    pub fn points(self) -> f32 {
        self.millimetres * POINTS
    }

    /// In metres.
    pub fn metres(self) -> f32 {
        self.millimetres / 1000.0
    }
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let factor = match unit.trim() {
            "mm" => 1.0,
            "cm" => 10.0,
            "in" => 25.4,
            "pt" => 1.0 / POINTS,
            _ => return Err("a width has a unit: 170mm, 17cm, 6.7in or 482pt".to_owned()),
        };
        match text[..text.len() - unit.len()].parse::<f32>().map(|number| number * factor) {
            Ok(millimetres) if millimetres > 0.0 && millimetres <= 5000.0 => Ok(Self { millimetres }),
            _ => Err("a width is more than 0 and at most 5000mm".to_owned()),
        }
    }
}

impl Display for Length {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}mm", self.millimetres)
    }
}

/// A size of type in points, 1 to 144.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Points(f32);

impl Points {
    /// The number.
    pub fn number(self) -> f32 {
        self.0
    }
}

impl FromStr for Points {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().trim_end_matches("pt").trim_end().parse::<f32>() {
            Ok(points) if (1.0..=144.0).contains(&points) => Ok(Self(points)),
            _ => Err("a size of type is 1 to 144 points".to_owned()),
        }
    }
}

impl Display for Points {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// How many points a pixel takes of a figure that is so many `pixels` wide.
pub fn points_per_pixel(width: Option<Length>, pixels: f32) -> f32 {
    width.map_or(PIXEL, |width| width.points() / pixels.max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_in_every_unit_and_said_in_one() {
        let points = |text: &str| text.parse::<Length>().map(|length| length.points().round());
        assert_eq!(points("25.4mm"), Ok(72.0));
        assert_eq!(points("2.54 cm"), Ok(72.0));
        assert_eq!(points("1in"), Ok(72.0));
        assert_eq!(points("72pt"), Ok(72.0));
        let said = "17cm".parse::<Length>().map(|length| length.to_string());
        assert_eq!(said.as_deref(), Ok("170mm"));
        for wrong in ["170", "mm", "0mm", "-3mm", "1e9mm", "9999cm", "nanmm", ""] {
            assert!(wrong.parse::<Length>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn type_has_a_size_that_can_be_read() {
        assert_eq!("8".parse::<Points>().map(Points::number), Ok(8.0));
        assert_eq!("7.5pt".parse::<Points>().map(Points::number), Ok(7.5));
        for wrong in ["0", "145", "nan", "eight"] {
            assert!(wrong.parse::<Points>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_page_without_a_width_has_the_size_of_its_pixels() {
        assert_eq!(points_per_pixel(None, 1000.0), 0.75);
        assert_eq!(points_per_pixel("1in".parse().ok(), 144.0), 0.5);
    }
}
