//! Damage to texts that stand in a file with their length: headers of safetensors and NumPy, the end of prepared pictures.

use super::dice::Dice;
use super::words;

/// A safetensors file with a damaged header, or a damaged text within its header, of the length that it says.
pub fn damage_tensors(file: &[u8], other: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let len = usize::try_from(u64::from_le_bytes(*file.first_chunk()?)).ok()?;
    let (header, data) = file.get(8..)?.split_at_checked(len)?;
    let other = other.get(8..).unwrap_or_default();
    let header = match dice.one_in(2) {
        true => damage_metadata(header, dice).unwrap_or_else(|| words::damage(header, other, dice)),
        false => words::damage(header, other, dice),
    };
    Some([&(header.len() as u64).to_le_bytes()[..], &header, data].concat())
}

/// The description of a model is a JSON text within a JSON text.
fn damage_metadata(header: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let mut header: serde_json::Value = serde_json::from_slice(header).ok()?;
    let texts = header.get_mut("__metadata__")?.as_object_mut()?;
    let (_, text) = texts.iter_mut().next()?;
    let inside = text.as_str()?.as_bytes().to_vec();
    *text = String::from_utf8_lossy(&words::damage(&inside, &inside, dice)).into();
    serde_json::to_vec(&header).ok()
}

/// An array of NumPy with a damaged header of the length that it says.
pub fn damage_npy(file: &[u8], other: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let len = usize::from(u16::from_le_bytes(*file.strip_prefix(b"\x93NUMPY\x01\0")?.first_chunk()?));
    let (header, data) = file.get(10..)?.split_at_checked(len)?;
    let header = words::damage(header, other.get(10..).unwrap_or_default(), dice);
    Some([&b"\x93NUMPY\x02\0"[..], &(header.len() as u32).to_le_bytes(), &header, data].concat())
}

/// A file of prepared pictures with another text at its end.
pub fn damage_pixels(file: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let (rest, magic) = file.split_last_chunk::<8>()?;
    let (rest, len) = rest.split_last_chunk::<8>()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    let (pixels, text) = rest.split_at_checked(rest.len().checked_sub(len)?)?;
    let text = words::damage(text, text, dice);
    Some([pixels, &text, &(text.len() as u64).to_le_bytes(), magic].concat())
}
