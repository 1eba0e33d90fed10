//! Damage inside formats that are made of blocks with a length each: PNG, JPEG, WebP, TIFF, MATLAB's files.

use super::archives::{crc, unzlib, zlib};
use super::bytes;
use super::dice::Dice;

/// A named piece of a file.
#[derive(Clone)]
struct Block {
    name: Vec<u8>,
    content: Vec<u8>,
}

/// Leaves out, repeats, moves or changes blocks.
fn change(
    blocks: &mut Vec<Block>,
    names: &[&[u8]],
    other: &[u8],
    dice: &mut Dice,
    inner: fn(&mut Block, &[u8], &mut Dice),
) {
    if blocks.is_empty() {
        return;
    }
    let at = dice.below(blocks.len());
    match dice.below(10) {
        0 => drop(blocks.remove(at)),
        1 => {
            let copies = vec![blocks[at].clone(); dice.times().min(200)];
            blocks.splice(at..at, copies);
        }
        2 => {
            let with = dice.below(blocks.len());
            blocks.swap(at, with);
        }
        3 => blocks[at].name = dice.pick(names).to_vec(),
        4 => {
            let content = other[dice.stretch(other.len())].to_vec();
            blocks.insert(at, Block { name: dice.pick(names).to_vec(), content });
        }
        _ => inner(&mut blocks[at], other, dice),
    }
}

/// A PNG whose checksums fit.
pub fn damage_png(png: &[u8], other: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let mut rest = png.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let mut blocks = Vec::new();
    while let Some(head) = rest.first_chunk::<8>() {
        let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let content = rest.get(8..8usize.checked_add(len)?)?.to_vec();
        blocks.push(Block { name: head[4..].to_vec(), content });
        rest = rest.get(12 + len..)?;
    }
    let names: [&[u8]; 13] = [
        b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"eXIf", b"iCCP", b"zTXt",
        b"iTXt", b"sBIT",
    ];
    change(&mut blocks, &names, other, dice, |block, other, dice| {
        if block.name == b"IDAT" && !dice.one_in(4) {
            let mut pixels = unzlib(&block.content);
            bytes::damage(&mut pixels, other, dice);
            block.content = zlib(&pixels);
        } else {
            bytes::damage(&mut block.content, other, dice);
        }
    });
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    for Block { name, content } in blocks {
        out.extend((content.len() as u32).to_be_bytes());
        let start = out.len();
        out.extend(name);
        out.extend(content);
        let sum = crc(&out[start..]) as u32;
        out.extend(sum.to_be_bytes());
    }
    Some(out)
}

/// A JPEG whose segments have the lengths they say.
pub fn damage_jpeg(jpeg: &[u8], other: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let mut rest = jpeg.strip_prefix(b"\xff\xd8")?;
    let mut blocks = Vec::new();
    while let [0xff, marker, after @ ..] = rest {
        // what follows the last segment, to the end of the file, is one block by itself
        let [high, low, ..] = *after else { break };
        let len = usize::from(u16::from_be_bytes([high, low]));
        let Some(content) = after.get(2..len) else { break };
        blocks.push(Block { name: vec![*marker], content: content.to_vec() });
        rest = &after[len..];
        let scan = rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7));
        let (entropy, next) = rest.split_at(scan.unwrap_or(rest.len()));
        if !entropy.is_empty() {
            blocks.push(Block { name: Vec::new(), content: entropy.to_vec() });
        }
        rest = next;
    }
    let names: [&[u8]; 14] = [
        b"\xc0", b"\xc1", b"\xc2", b"\xc3", b"\xc4", b"\xc9", b"\xda", b"\xdb", b"\xdc", b"\xdd", b"\xe0",
        b"\xe1", b"\xee", b"",
    ];
    change(&mut blocks, &names, other, dice, |block, other, dice| {
        bytes::damage(&mut block.content, other, dice);
    });
    let mut out = b"\xff\xd8".to_vec();
    for Block { name, content } in blocks {
        if let [marker] = name[..] {
            out.extend([0xff, marker]);
            out.extend((content.len() as u16 + 2).to_be_bytes());
        }
        out.extend(content);
    }
    out.extend(rest);
    Some(out)
}

/// A WebP whose chunks have the lengths they say.
pub fn damage_riff(webp: &[u8], other: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let mut rest = webp.strip_prefix(b"RIFF")?.get(8..)?;
    let mut blocks = Vec::new();
    while let Some(head) = rest.first_chunk::<8>() {
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let content = rest.get(8..8usize.checked_add(len)?)?.to_vec();
        blocks.push(Block { name: head[..4].to_vec(), content });
        rest = &rest[(8 + len.next_multiple_of(2)).min(rest.len())..];
    }
    let names: [&[u8]; 8] = [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"ICCP"];
    change(&mut blocks, &names, other, dice, |block, other, dice| {
        bytes::damage(&mut block.content, other, dice);
    });
    let mut out = b"RIFF\0\0\0\0WEBP".to_vec();
    for Block { name, content } in blocks {
        out.extend(name);
        out.extend((content.len() as u32).to_le_bytes());
        out.extend(&content);
        out.resize(out.len().next_multiple_of(2), 0);
    }
    let len = (out.len() as u32 - 8).to_le_bytes();
    out[4..8].copy_from_slice(&len);
    Some(out)
}

/// Tags of TIFF that decide how its pixels are read, and compressions.
const TAGS: [u16; 22] = [
    254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 292, 317, 320, 322, 323, 324, 325, 338,
    339,
];
const COMPRESSIONS: [u16; 13] = [1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34712, 50000, 50001];

/// A little-endian TIFF with other entries in its directory.
pub fn damage_tiff(tiff: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let mut tiff = tiff.to_vec();
    let start = u32::from_le_bytes(*tiff.strip_prefix(b"II\x2a\0")?.first_chunk()?) as usize;
    let count = usize::from(u16::from_le_bytes(*tiff.get(start..)?.first_chunk()?));
    for _ in 0..1 + dice.below(2) {
        let at = start + 2 + 12 * dice.below(count);
        let entry = tiff.get_mut(at..at + 12)?;
        let tag = u16::from_le_bytes([entry[0], entry[1]]);
        match dice.below(6) {
            0 => entry[..2].copy_from_slice(&dice.pick(&TAGS).to_le_bytes()),
            1 => entry[2..4].copy_from_slice(&(dice.below(19) as u16).to_le_bytes()),
            2 => bytes::set_number(&mut entry[4..8], dice),
            3 if tag == 259 => entry[8..10].copy_from_slice(&dice.pick(&COMPRESSIONS).to_le_bytes()),
            4 => entry[8..12].copy_from_slice(&(dice.below(10) as u32).to_le_bytes()),
            _ => bytes::set_number(&mut entry[8..12], dice),
        }
    }
    Some(tiff)
}

/// A MAT-file whose compressed variable unpacks; its tags and values are damaged inside.
pub fn damage_matlab(mat: &[u8], other: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let (head, body) = mat.split_at_checked(128)?;
    let tag = body.first_chunk::<8>()?;
    let mut inside = if tag[0] == 15 { unzlib(&body[8..]) } else { body.to_vec() };
    for _ in 0..1 + dice.below(2) {
        let words = inside.len() / 4;
        let at = 4 * dice.below(words);
        match inside.get_mut(at..at + 4) {
            Some(word) if !dice.one_in(3) => bytes::set_number(word, dice),
            _ => bytes::damage(&mut inside, other, dice),
        }
    }
    let mut out = head.to_vec();
    if dice.one_in(2) {
        return Some([out, inside].concat());
    }
    let packed = zlib(&inside);
    out.extend(15u32.to_le_bytes());
    out.extend((packed.len() as u32).to_le_bytes());
    out.extend(packed);
    Some(out)
}
