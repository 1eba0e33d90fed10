//! Damage that knows nothing of the format.

use super::dice::Dice;

/// Changes `bytes` in one place or two; `other` is another file to take pieces from.
pub fn damage(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    match dice.below(12) {
        0..=2 => flip(bytes, dice),
        3 => bytes.truncate(dice.below(bytes.len() + 1)),
        4 => drop(bytes.drain(dice.stretch(bytes.len()))),
        5 => splice(bytes, other, dice),
        6 => insert_run(bytes, dice),
        7 => repeat(bytes, dice),
        8 => overwrite(bytes, other, dice),
        _ => change_number(bytes, dice),
    }
}

fn flip(bytes: &mut [u8], dice: &mut Dice) {
    for _ in 0..dice.times().min(8) {
        let at = dice.below(bytes.len());
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= if dice.one_in(2) { 1 << dice.below(8) } else { 1 + dice.below(255) as u8 };
        }
    }
}

/// The beginning of one file and the end of another.
fn splice(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let from = dice.below(other.len() + 1);
    bytes.truncate(dice.below(bytes.len() + 1));
    bytes.extend_from_slice(&other[from..]);
}

fn insert_run(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    let value = *dice.pick(&[0, 0xff, 0x80, 0x7f, b' ', b'(', b'[', b'{', b'0', b'"', b'\n']);
    let run = vec![value; dice.times()];
    bytes.splice(at..at, run);
}

/// A piece of the file again and again.
fn repeat(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let piece = bytes[dice.stretch(bytes.len())].to_vec();
    let times = dice.times().min(super::MOST / (piece.len() + 1));
    let at = dice.below(bytes.len() + 1);
    bytes.splice(at..at, piece.repeat(times));
}

/// A piece of another file, or of this one, over what is there.
fn overwrite(bytes: &mut [u8], other: &[u8], dice: &mut Dice) {
    let own = bytes.to_vec();
    let from = if dice.one_in(2) { other } else { &own };
    let piece = &from[dice.stretch(from.len())];
    let at = dice.below(bytes.len());
    let end = (at + piece.len()).min(bytes.len());
    bytes[at..end].copy_from_slice(&piece[..end - at]);
}

/// What may be a length, in either order of bytes, becomes one at which programs go wrong.
fn change_number(bytes: &mut [u8], dice: &mut Dice) {
    let width = *dice.pick(&[1, 2, 4, 4, 8]);
    let Some(room) = bytes.len().checked_sub(width) else { return };
    let at = dice.below(room + 1);
    set_number(&mut bytes[at..at + width], dice);
}

/// Replaces the whole number in `field`, little or big endian.
pub fn set_number(field: &mut [u8], dice: &mut Dice) {
    let big = dice.one_in(3);
    let mut wide = [0; 8];
    wide[..field.len()].copy_from_slice(field);
    if big {
        wide[..field.len()].reverse();
    }
    let new = dice.number(u64::from_le_bytes(wide)).to_le_bytes();
    field.copy_from_slice(&new[..field.len()]);
    if big {
        field.reverse();
    }
}
