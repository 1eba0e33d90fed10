use krilla::color::rgb;
use krilla::error::KrillaError;
use krilla::geom::{Path, PathBuilder, Point, Rect, Size, Transform};
use krilla::image::{BitsPerComponent, CustomImage, Image, ImageColorspace};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule, Stroke};
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};
use krilla::{Document, SerializeSettings};

use crate::base::Picture;
use crate::figures::drawing::{Page, Shape, Text, Typeface};

use super::length::points_per_pixel;
use super::{ExportError, Length, Provenance};

/// How far the handles of four arcs that make a circle reach, as a share of the radius.
const HANDLE: f32 = 0.552_285;

/// The page as a PDF of this `width`: text in the figures' typeface, which is embedded, pictures pixel for pixel, the
/// provenance as its description. It has no dates, so that the same page is the same file.
///
/// # Errors
/// When the page has no size.
pub(super) fn document(
    page: &Page,
    typeface: &Typeface,
    width: Option<Length>,
    provenance: &Provenance,
) -> Result<Vec<u8>, ExportError> {
    let [across, down] = page.size;
    let point = points_per_pixel(width, across);
    let settings = PageSettings::from_wh(across * point, down * point).ok_or(ExportError::NoSize)?;
    let font = Font::new(Typeface::FILE.to_vec().into(), 0).ok_or(ExportError::NoSize)?;
    let mut document = Document::new_with(SerializeSettings::default());
    document.set_metadata(
        Metadata::new()
            .creator(Provenance::SOFTWARE.to_owned())
            .producer(Provenance::SOFTWARE.to_owned())
            .title(provenance.command_line())
            .description(provenance.document().to_string()),
    );
    let mut sheet = document.start_page_with(settings);
    let mut surface = sheet.surface();
    surface.push_transform(&Transform::from_scale(point, point));
    for shape in &page.shapes {
        draw(&mut surface, shape, &font, typeface);
    }
    surface.pop();
    surface.finish();
    sheet.finish();
    document.finish().map_err(|error: KrillaError| ExportError::Pdf(format!("{error:?}")))
}

fn draw(surface: &mut Surface<'_>, shape: &Shape, font: &Font, typeface: &Typeface) {
    match *shape {
        Shape::Line(from, to, width, colour) => {
            let mut path = PathBuilder::new();
            path.move_to(from[0], from[1]);
            path.line_to(to[0], to[1]);
            outline(surface, path.finish().as_ref(), width, colour);
        }
        Shape::Rect([x, y], [width, height], colour) => {
            surface.set_stroke(None);
            surface.set_fill(Some(fill(colour, 1.0)));
            let mut path = PathBuilder::new();
            Rect::from_xywh(x, y, width, height).into_iter().for_each(|rect| path.push_rect(rect));
            path.finish().iter().for_each(|path| surface.draw_path(path));
        }
        Shape::Disc(at, radius, colour) => {
            surface.set_stroke(None);
            surface.set_fill(Some(fill(colour, 0.75)));
            circle(at, radius).iter().for_each(|path| surface.draw_path(path));
        }
        Shape::Ring(at, radius, colour) => outline(surface, circle(at, radius).as_ref(), 2.0, colour),
        Shape::Text(ref text) => write(surface, text, font, typeface),
        Shape::Picture([x, y], ref picture) => {
            let (width, height) = (picture.width(), picture.height());
            let size = Size::from_wh(width as f32, height as f32);
            if let (Some(size), Ok(image)) = (size, Image::from_custom(Pixels::of(picture), false)) {
                surface.push_transform(&Transform::from_translate(x, y));
                surface.draw_image(image, size);
                surface.pop();
            }
        }
    }
}

fn write(surface: &mut Surface<'_>, text: &Text, font: &Font, typeface: &Typeface) {
    let [x, baseline] = typeface.origin(text);
    let size = typeface.font_size(text.size);
    surface.set_stroke(None);
    surface.set_fill(Some(fill(text.colour, 1.0)));
    let at = Point::from_xy(x, baseline);
    surface.draw_text(at, font.clone(), size, &text.words, false, TextDirection::LeftToRight);
}

fn outline(surface: &mut Surface<'_>, path: Option<&Path>, width: f32, [r, g, b]: [u8; 3]) {
    surface.set_fill(None);
    surface.set_stroke(Some(Stroke { paint: rgb::Color::new(r, g, b).into(), width, ..Stroke::default() }));
    if let Some(path) = path {
        surface.draw_path(path);
    }
}

fn fill([r, g, b]: [u8; 3], opacity: f32) -> Fill {
    let opacity = NormalizedF32::new(opacity).unwrap_or(NormalizedF32::ONE);
    Fill { paint: rgb::Color::new(r, g, b).into(), opacity, rule: FillRule::default() }
}

/// A circle as four arcs.
fn circle([x, y]: [f32; 2], r: f32) -> Option<Path> {
    let h = HANDLE * r;
    let mut path = PathBuilder::new();
    path.move_to(x + r, y);
    path.cubic_to(x + r, y + h, x + h, y + r, x, y + r);
    path.cubic_to(x - h, y + r, x - r, y + h, x - r, y);
    path.cubic_to(x - r, y - h, x - h, y - r, x, y - r);
    path.cubic_to(x + h, y - r, x + r, y - h, x + r, y);
    path.close();
    path.finish()
}

/// A picture's red, green and blue.
#[derive(Clone, Hash)]
struct Pixels {
    rgb: Vec<u8>,
    size: (u32, u32),
}

impl Pixels {
    fn of(picture: &Picture) -> Self {
        let rgb = picture.rgba().chunks_exact(4).flat_map(|pixel| pixel[..3].iter().copied()).collect();
        Self { rgb, size: (picture.width() as u32, picture.height() as u32) }
    }
}

impl CustomImage for Pixels {
    fn color_channel(&self) -> &[u8] {
        &self.rgb
    }

    fn alpha_channel(&self) -> Option<&[u8]> {
        None
    }

    fn bits_per_component(&self) -> BitsPerComponent {
        BitsPerComponent::Eight
    }

    fn size(&self) -> (u32, u32) {
        self.size
    }

    fn icc_profile(&self) -> Option<&[u8]> {
        None
    }

    fn color_space(&self) -> ImageColorspace {
        ImageColorspace::Rgb
    }
}
