use std::io::{self, Write};
use std::path::Path;

use crate::base::{FileError, Picture, write_atomic};

use super::{ExportError, Length, Provenance};

/// Channels of a PNG.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// One channel: the red one, for pictures of models with one channel.
    Grey,
    /// Three channels.
    #[default]
    Rgb,
}

/// Writes a picture as PNG with its provenance in text chunks: `Software`, `Command` (makes it again) and
/// `Description` (a JSON document). Alpha is left out.
///
/// # Errors
/// When the file cannot be written; nothing is left behind then.
pub fn write_png(
    path: &Path,
    picture: &Picture,
    colour: Colour,
    provenance: &Provenance,
) -> Result<(), ExportError> {
    write_png_for(path, picture, colour, None, provenance)
}

/// The same for a print of this `width`, where one is given: the file says how many pixels there are to the metre.
///
/// # Errors
/// As [`write_png`].
pub fn write_png_for(
    path: &Path,
    picture: &Picture,
    colour: Colour,
    width: Option<Length>,
    provenance: &Provenance,
) -> Result<(), ExportError> {
    let dots = width.map(|width| (picture.width() as f32 / width.metres()).round() as u32);
    write_atomic(path, |writer| {
        let encoded = encode(writer, picture, colour, dots, Some(provenance));
        encoded.map_err(|error| FileError::new(error, path).into())
    })
}

/// A picture as PNG, with its provenance where there is one.
///
/// # Errors
/// When the writer fails or the picture has no pixels.
pub(crate) fn encode_png(
    writer: impl Write,
    picture: &Picture,
    colour: Colour,
    provenance: Option<&Provenance>,
) -> io::Result<()> {
    encode(writer, picture, colour, None, provenance)
}

fn encode(
    writer: impl Write,
    picture: &Picture,
    colour: Colour,
    dots_per_metre: Option<u32>,
    provenance: Option<&Provenance>,
) -> io::Result<()> {
    let side = |pixels: usize| u32::try_from(pixels).map_err(io::Error::other);
    let mut encoder = png::Encoder::new(writer, side(picture.width())?, side(picture.height())?);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_color(match colour {
        Colour::Grey => png::ColorType::Grayscale,
        Colour::Rgb => png::ColorType::Rgb,
    });
    encoder.set_pixel_dims(dots_per_metre.map(|dots| png::PixelDimensions {
        xppu: dots,
        yppu: dots,
        unit: png::Unit::Meter,
    }));
    if let Some(provenance) = provenance {
        described(&mut encoder, provenance)?;
    }
    let mut writer = encoder.write_header()?;
    let channels = if colour == Colour::Grey { 1 } else { 3 };
    let mut stream = writer.stream_writer()?;
    for row in picture.rgba().chunks_exact(picture.width().max(1) * 4) {
        let line: Vec<u8> = row.chunks_exact(4).flat_map(|pixel| pixel[..channels].iter().copied()).collect();
        stream.write_all(&line)?;
    }
    stream.finish()?;
    writer.finish()?;
    Ok(())
}

/// Puts the provenance into text chunks.
pub(super) fn described<W: Write>(
    encoder: &mut png::Encoder<'_, W>,
    provenance: &Provenance,
) -> Result<(), png::EncodingError> {
    encoder.add_text_chunk("Software".into(), Provenance::SOFTWARE.into())?;
    // International chunks: paths in a command may hold any letter.
    encoder.add_itxt_chunk("Command".into(), provenance.command_line())?;
    encoder.add_itxt_chunk("Description".into(), provenance.document().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provenance() -> Provenance {
        Provenance { command: vec!["idgan".into(), "wört mit Raum".into()], ..Provenance::default() }
            .with("seed", 3)
    }

    #[test]
    fn pixels_and_provenance_are_read_back() {
        let mut picture = Picture::filled(3, 2, [10, 20, 30, 255]);
        picture.set_pixel(2, 1, [200, 100, 50, 255]);
        for (colour, channels) in [(Colour::Grey, 1), (Colour::Rgb, 3)] {
            let mut bytes = Vec::new();
            encode_png(&mut bytes, &picture, colour, Some(&provenance())).expect("encodes");
            let mut reader = png::Decoder::new(io::Cursor::new(&bytes)).read_info().expect("a PNG");
            let mut pixels = vec![0; reader.output_buffer_size().expect("small")];
            reader.next_frame(&mut pixels).expect("decodes");
            assert_eq!(pixels.len(), 6 * channels);
            assert_eq!(pixels[5 * channels..], [200, 100, 50][..channels]);
            reader.finish().expect("complete");
            let info = reader.info();
            assert_eq!(info.uncompressed_latin1_text[0].text, Provenance::SOFTWARE);
            let texts: Vec<(String, String)> = info
                .utf8_text
                .iter()
                .map(|chunk| (chunk.keyword.clone(), chunk.get_text().expect("text")))
                .collect();
            assert_eq!(texts[0], ("Command".into(), "idgan 'wört mit Raum'".into()));
            let document: serde_json::Value = serde_json::from_str(&texts[1].1).expect("JSON");
            assert_eq!(document["seed"], 3);
        }
    }

    #[test]
    fn the_same_picture_is_the_same_file() {
        let picture = Picture::filled(8, 8, [1, 2, 3, 255]);
        let encode = || {
            let mut bytes = Vec::new();
            encode_png(&mut bytes, &picture, Colour::Rgb, Some(&provenance())).expect("encodes");
            bytes
        };
        assert_eq!(encode(), encode());
    }

    #[test]
    fn a_print_says_how_many_pixels_there_are_to_the_metre() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.png");
        let picture = Picture::filled(17, 2, [1, 2, 3, 255]);
        for (width, dots) in [(None, None), ("170mm".parse().ok(), Some(100))] {
            write_png_for(&path, &picture, Colour::Rgb, width, &provenance()).expect("writes");
            let file = io::BufReader::new(std::fs::File::open(&path).expect("opens"));
            let reader = png::Decoder::new(file).read_info().expect("a PNG");
            assert_eq!(reader.info().pixel_dims.map(|dims| dims.xppu), dots);
        }
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("empty.png");
        assert!(write_png(&path, &Picture::default(), Colour::Rgb, &provenance()).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 0);
    }
}
