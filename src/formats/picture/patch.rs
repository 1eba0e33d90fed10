//! One value of a TIFF's directory replaced, to have the decoder do what it does not by itself.

use tiff::tags::Tag;

/// Types of values (TIFF 6.0, section 2): 16, 32 and 64 bits.
const SHORT: u64 = 3;
const LONG: u64 = 4;
const LONG8: u64 = 16;

/// The same file with another value of `tag` in its first directory; `None` where it has none, or none of this size.
pub(super) fn with_value(bytes: &[u8], tag: Tag, value: u64) -> Option<Vec<u8>> {
    let is_little = bytes.starts_with(b"II");
    let number = |at: usize, len: usize| {
        let part = bytes.get(at..at.checked_add(len)?)?;
        let digit = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
        Some(if is_little { part.iter().rev().fold(0, digit) } else { part.iter().fold(0, digit) })
    };
    // Classic files have 32-bit places in directory entries of 12 bytes, big ones 64-bit places in 20 bytes.
    let is_big = number(2, 2)? == 43;
    let (place, count, entry, offset) = if is_big { ((8, 8), 8, 20, 12) } else { ((4, 4), 2, 12, 8) };
    let directory = usize::try_from(number(place.0, place.1)?).ok()?;
    let entries = usize::try_from(number(directory, count)?).ok()?;
    let first = directory.checked_add(count)?;
    let at = (0..entries.min(1 << 16))
        .map(|i| first.saturating_add(i * entry))
        .find(|&at| number(at, 2) == Some(u64::from(tag.to_u16())))?;
    let len = match number(at + 2, 2)? {
        SHORT => 2,
        LONG => 4,
        LONG8 => 8,
        _ => return None,
    };
    if len < 8 && value >> (8 * len) != 0 {
        return None;
    }
    let mut patched = bytes.to_vec();
    let place = patched.get_mut(at + offset..at + offset + len)?;
    if is_little {
        place.copy_from_slice(&value.to_le_bytes()[..len]);
    } else {
        place.copy_from_slice(&value.to_be_bytes()[8 - len..]);
    }
    Some(patched)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_replaced_in_either_order_and_size() {
        let little =
            b"II*\0\x08\0\0\0\x02\0\0\x01\x03\0\x01\0\0\0\x07\0\0\0\x01\x01\x04\0\x01\0\0\0\x09\0\0\0";
        let wide = with_value(little, Tag::ImageWidth, 0x102).expect("is there");
        assert_eq!((wide[18..22].to_vec(), wide.len()), (vec![2, 1, 0, 0], little.len()));
        assert_eq!(with_value(little, Tag::ImageLength, 0x1_0203).expect("is there")[30..], [3, 2, 1, 0]);
        assert_eq!(with_value(little, Tag::ImageWidth, 0x1_0000), None, "16 bits");
        assert_eq!(with_value(little, Tag::Compression, 1), None);
        assert_eq!(with_value(&little[..30], Tag::ImageLength, 1), None);
        let big = b"MM\0*\0\0\0\x08\0\x01\x01\0\0\x03\0\0\0\x01\0\x07\0\0";
        assert_eq!(with_value(big, Tag::ImageWidth, 0x102).expect("is there")[18..], [1, 2, 0, 0]);
    }
}
