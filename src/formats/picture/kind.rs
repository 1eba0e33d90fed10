use std::path::Path;

/// Bytes at the start of a file that tell what it is.
pub const HEAD: usize = 512;

/// What the start of a file says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// A picture of a format that is read here, or a file that is called like one.
    Picture,
    /// A picture of a format that is not read here, by what people call it.
    Foreign(&'static str),
    /// Anything else.
    Other,
}

/// Endings of the formats that are read here.
const OWN: [&str; 21] = [
    "png", "apng", "jpg", "jpeg", "jpe", "jfif", "pjpeg", "gif", "bmp", "dib", "tif", "tiff", "webp", "pnm",
    "pbm", "pgm", "ppm", "pam", "tga", "qoi", "targa",
];

/// Endings of formats that cameras and programs write and this program does not read.
const FOREIGN: [(&str, &str); 30] = [
    ("heic", "HEIC"),
    ("heif", "HEIC"),
    ("hif", "HEIC"),
    ("avif", "AVIF"),
    ("jxl", "JPEG XL"),
    ("jp2", "JPEG 2000"),
    ("j2k", "JPEG 2000"),
    ("j2c", "JPEG 2000"),
    ("jpx", "JPEG 2000"),
    ("jxr", "JPEG XR"),
    ("wdp", "JPEG XR"),
    ("dng", "DNG"),
    ("cr2", "CR2"),
    ("cr3", "CR3"),
    ("crw", "CRW"),
    ("nef", "NEF"),
    ("nrw", "NRW"),
    ("arw", "ARW"),
    ("srw", "SRW"),
    ("orf", "ORF"),
    ("pef", "PEF"),
    ("rw2", "RW2"),
    ("raf", "RAF"),
    ("psd", "PSD"),
    ("xcf", "XCF"),
    ("exr", "OpenEXR"),
    ("hdr", "Radiance HDR"),
    ("ico", "ICO"),
    ("dds", "DDS"),
    ("svg", "SVG"),
];

/// First bytes of such formats.
const FOREIGN_MARKS: [(&[u8], &str); 17] = [
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"II\xbc", "JPEG XR"),
    (b"IIU\0", "RW2"),
    (b"IIRO", "ORF"),
    (b"IIRS", "ORF"),
    (b"MMOR", "ORF"),
    (b"FUJIFILM", "RAF"),
    (b"8BPS", "PSD"),
    (b"gimp xcf", "XCF"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"#?RGBE", "Radiance HDR"),
    (b"DDS ", "DDS"),
    (b"farbfeld", "farbfeld"),
];

/// Tells from the first bytes of a file (up to [`HEAD`] of them; more are not looked at) and its name what it is.
///
/// The content decides. The name is asked where content does not say enough: about TGA, which has no mark; about raw
/// files of cameras, which look like TIFF; and about files that are called like a picture and are none (cut off, a web
/// page of an error), which somebody misses when they are passed over.
pub fn looks_of(head: &[u8], name: &Path) -> Looks {
    let head = &head[..head.len().min(HEAD)];
    let ending = name.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let named = FOREIGN.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known)).map(|&(_, name)| name);
    if is_tiff(head) {
        let raw = if head.get(8..10) == Some(b"CR") { Some("CR2") } else { named };
        return raw.map_or(Looks::Picture, Looks::Foreign);
    }
    if is_readable(head) {
        return Looks::Picture;
    }
    let mark = FOREIGN_MARKS.iter().find(|(mark, _)| head.starts_with(mark)).map(|&(_, name)| name);
    if let Some(name) = mark.or_else(|| media_brand(head)).or_else(|| drawing(head)).or(named) {
        return Looks::Foreign(name);
    }
    if OWN.iter().any(|known| ending.eq_ignore_ascii_case(known)) { Looks::Picture } else { Looks::Other }
}

/// Whether a file begins like a TIFF, classic or big.
pub(super) fn is_tiff(head: &[u8]) -> bool {
    [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|&mark| head.starts_with(mark))
}

/// What stands in the place of a picture or an archive, as a sentence with advice; `None` where it is nothing known.
pub fn what_instead(bytes: &[u8]) -> Option<&'static str> {
    let start = bytes.trim_ascii_start();
    let is = |word: &[u8]| start.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    if bytes.is_empty() {
        Some("the file is empty")
    } else if is(b"<!doctype html") || is(b"<html") {
        Some("this is a web page, not what was to be downloaded; download it again")
    } else if is(b"version https://git-lfs") {
        Some("this is a pointer of Git LFS, not the file itself; fetch it with `git lfs pull`")
    } else {
        None
    }
}

/// The formats with a mark of their own.
fn is_readable(head: &[u8]) -> bool {
    let marks: [&[u8]; 5] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"qoif"];
    marks.iter().any(|mark| head.starts_with(mark))
        || (head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP"))
        || is_bmp(head)
        || is_pnm(head)
}

/// `BM` begins words, too, so the size of the second header must be one that there is.
fn is_bmp(head: &[u8]) -> bool {
    let size = head.get(14..18).and_then(|size| size.first_chunk()).map(|&size| u32::from_le_bytes(size));
    head.starts_with(b"BM") && matches!(size, Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// `P1` to `P6` and a number, or `P7` and a line.
fn is_pnm(head: &[u8]) -> bool {
    match head {
        [b'P', b'1'..=b'6', space, rest @ ..] if space.is_ascii_whitespace() => {
            rest.trim_ascii_start().first().is_some_and(|&next| next.is_ascii_digit() || next == b'#')
        }
        [b'P', b'7', b'\n', ..] => true,
        _ => false,
    }
}

/// Formats in the boxes of ISO media files: HEIC, AVIF and Canon's raw files.
fn media_brand(head: &[u8]) -> Option<&'static str> {
    if head.get(4..8) != Some(b"ftyp") {
        return None;
    }
    match head.get(8..12)? {
        b"avif" | b"avis" => Some("AVIF"),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => Some("HEIC"),
        b"crx " => Some("CR3"),
        _ => None,
    }
}

/// SVG is text.
fn drawing(head: &[u8]) -> Option<&'static str> {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let is_xml = text.starts_with(b"<?xml") || text.starts_with(b"<!--") || text.starts_with(b"<svg");
    (is_xml && text.windows(4).any(|word| word == b"<svg")).then_some("SVG")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(head: &[u8], name: &str) -> Looks {
        looks_of(head, Path::new(name))
    }

    #[test]
    fn content_tells_what_a_file_is_whatever_it_is_called() {
        let bmp = [b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0".as_slice(), &40u32.to_le_bytes()].concat();
        let own: [&[u8]; 12] = [
            b"\x89PNG\r\n\x1a\n\0",
            b"\xff\xd8\xff\xe0",
            b"GIF89a",
            b"qoif\0",
            b"RIFF\x10\0\0\0WEBPVP8 ",
            &bmp,
            b"P5 4 4 255 ",
            b"P6\n# made by hand\n4 4",
            b"P7\nWIDTH 4",
            b"II*\0\x08\0\0\0",
            b"MM\0*\0\0\0\x08",
            b"II+\0\x08\0\0\0",
        ];
        for head in own {
            for name in ["a", "a.txt", "a.heic.part", "a.PNG"] {
                assert_eq!(looks(head, name), Looks::Picture, "{name} {head:?}");
            }
        }
        for (head, name) in [
            (b"\0\0\0\x18ftypheic\0".as_slice(), "HEIC"),
            (b"\0\0\0\x18ftypmif1\0", "HEIC"),
            (b"\0\0\0\x18ftypavif\0", "AVIF"),
            (b"\xff\x0a\0", "JPEG XL"),
            (b"\xff\x4f\xff\x51\0", "JPEG 2000"),
            (b"8BPS\0\x01", "PSD"),
            (b"II*\0\x10\0\0\0CR\x02\0", "CR2"),
            (b"<?xml version='1.0'?>\n<svg/>", "SVG"),
        ] {
            assert_eq!(looks(head, "a.jpg"), Looks::Foreign(name), "{head:?}");
            assert_eq!(looks(head, "a"), Looks::Foreign(name), "{head:?}");
        }
        for head in [
            b"BMW is a car, and 40 years".as_slice(),
            b"P1 is a name",
            b"P3",
            b"\0\0\0\x18ftypisom",
            b"PK\x03\x04",
            b"<?xml version='1.0'?><rss/>",
            b"",
            b"hello",
        ] {
            assert_eq!(looks(head, "a"), Looks::Other, "{head:?}");
            assert_eq!(looks(head, "notes.txt"), Looks::Other, "{head:?}");
        }
    }

    #[test]
    fn the_name_tells_where_content_does_not() {
        for name in ["a.png", "b.JPE", "c.jfif", "d.tga", "e.PBM", "f.tif"] {
            assert_eq!(looks(b"whatever", name), Looks::Picture, "{name} is missed when it is passed over");
        }
        assert_eq!(looks(b"whatever", "IMG_1.HEIC"), Looks::Foreign("HEIC"));
        assert_eq!(looks(b"II*\0\x08\0\0\0", "DSC_1.NEF"), Looks::Foreign("NEF"));
        assert_eq!(looks(b"\xff\xd8\xff\xe0", "shared.heic"), Looks::Picture, "a JPEG after all");
    }

    #[test]
    fn what_was_downloaded_instead_is_named() {
        assert!(what_instead(b"\n<!DOCTYPE html><title>Quota").is_some_and(|what| what.contains("web page")));
        assert!(
            what_instead(b"version https://git-lfs.github.com").is_some_and(|what| what.contains("lfs pull"))
        );
        assert_eq!(what_instead(b""), Some("the file is empty"));
        assert_eq!(what_instead(b"\x89PNG"), None);
    }
}
