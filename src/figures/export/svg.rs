use std::fmt::Write;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::figures::drawing::{Align, Page, Shape, Text, Typeface};

use super::length::points_per_pixel;
use super::{Colour, Length, Provenance, encode_png};

/// The page as an SVG document of this `width`: text as text, pictures as PNG inside it, the provenance as its metadata.
///
/// # Errors
/// When a picture cannot be encoded.
pub(super) fn document(
    page: &Page,
    typeface: &Typeface,
    width: Option<Length>,
    provenance: &Provenance,
) -> io::Result<String> {
    let [across, down] = page.size;
    let point = points_per_pixel(width, across);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}pt\" height=\"{}pt\" viewBox=\"0 0 {across} {down}\" \
         font-family=\"Ubuntu, Helvetica, Arial, sans-serif\" font-weight=\"300\">\n<desc>{}</desc>\n<metadata>{}</metadata>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        short(across * point),
        short(down * point),
        escaped(&provenance.command_line()),
        escaped(&provenance.document().to_string()),
    );
    for shape in &page.shapes {
        // writing into a String does not fail
        let _ = match shape {
            Shape::Line([x1, y1], [x2, y2], width, colour) => writeln!(
                text,
                "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{}\" stroke-width=\"{width}\"/>",
                hex(*colour)
            ),
            Shape::Rect([x, y], [width, height], colour) => writeln!(
                text,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{}\"/>",
                hex(*colour)
            ),
            Shape::Disc([x, y], radius, colour) => writeln!(
                text,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{}\" fill-opacity=\"0.75\"/>",
                hex(*colour)
            ),
            Shape::Ring([x, y], radius, colour) => writeln!(
                text,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>",
                hex(*colour)
            ),
            Shape::Text(line) => writeln!(text, "{}", text_element(line, typeface)),
            Shape::Picture([x, y], picture) => {
                let mut png = Vec::new();
                encode_png(&mut png, picture, Colour::Rgb, None)?;
                writeln!(
                    text,
                    "<image x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" style=\"image-rendering:pixelated\" \
                     href=\"data:image/png;base64,{}\"/>",
                    picture.width(),
                    picture.height(),
                    STANDARD.encode(&png)
                )
            }
        };
    }
    text.push_str("</svg>\n");
    Ok(text)
}

fn text_element(text: &Text, typeface: &Typeface) -> String {
    let anchor = match text.align {
        Align::Left => "start",
        Align::Centre => "middle",
        Align::Right => "end",
    };
    let (x, [_, baseline]) = (text.at[0], typeface.origin(text));
    format!(
        "<text x=\"{x:.1}\" y=\"{baseline:.1}\" font-size=\"{}\" text-anchor=\"{anchor}\" fill=\"{}\">{}</text>",
        short(typeface.font_size(text.size)),
        hex(text.colour),
        escaped(&text.words)
    )
}

/// Text as it stands between two tags. Characters that XML has no way to say are left out.
fn escaped(text: &str) -> String {
    let is_said = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    let text: String = text.chars().filter(is_said).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A number with two decimals where it has any.
fn short(number: f32) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
