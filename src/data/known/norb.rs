use std::io::{self, Read};

/// What the elements of a matrix of NORB are, by the numbers that its files begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bytes,
    Int32,
}

/// The most dimensions that a matrix has.
const MOST_DIMENSIONS: usize = 8;

/// Reads the head of one of NORB's binary matrices, which are called `.mat` and are not MATLAB's: a number that tells the
/// type, the dimensions and the side of each, all little-endian and of four bytes; of fewer than three dimensions three sides
/// are written (<https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/>). `reader` is left at the first element, the last dimension fastest.
pub(super) fn read_head(reader: &mut impl Read) -> io::Result<(Kind, Vec<usize>)> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let kind = match word(reader)? {
        0x1e3d_4c55 => Kind::Bytes,
        0x1e3d_4c54 => Kind::Int32,
        0x1e3d_4c51 | 0x1e3d_4c53 | 0x1e3d_4c56 => {
            return Err(invalid("its matrix is of floating-point or short numbers".into()));
        }
        _ => return Err(invalid("its first bytes are not those of NORB's matrices".into())),
    };
    let dimensions = word(reader)? as usize;
    if !(1..=MOST_DIMENSIONS).contains(&dimensions) {
        return Err(invalid(format!("its matrix has {dimensions} dimensions")));
    }
    let sides = (0..dimensions.max(3)).map(|_| Ok(word(reader)? as usize)).collect::<io::Result<Vec<_>>>()?;
    let shape = sides[..dimensions].to_vec();
    let len = shape.iter().try_fold(1usize, |len, &side| len.checked_mul(side)).filter(|&len| len < 1 << 40);
    match len {
        Some(1..) => Ok((kind, shape)),
        _ => Err(invalid(format!("its matrix claims the sides {shape:?}"))),
    }
}

/// Reads `count` numbers of four bytes; memory stays in proportion to those that there are.
pub(super) fn read_numbers(reader: &mut impl Read, count: usize) -> io::Result<Vec<i32>> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        numbers.push(word(reader)? as i32);
    }
    Ok(numbers)
}

fn word(reader: &mut impl Read) -> io::Result<u32> {
    let mut word = [0; 4];
    reader.read_exact(&mut word)?;
    Ok(u32::from_le_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn heads_have_three_sides_at_least() {
        let bytes = words(&[0x1e3d_4c54, 1, 2, 1, 1, 7, u32::MAX]);
        let mut reader = &*bytes;
        assert_eq!(read_head(&mut reader).expect("reads"), (Kind::Int32, vec![2]));
        assert_eq!(read_numbers(&mut reader, 2).expect("reads"), [7, -1]);
        let bytes = words(&[0x1e3d_4c55, 4, 2, 2, 96, 96]);
        assert_eq!(read_head(&mut &*bytes).expect("reads"), (Kind::Bytes, vec![2, 2, 96, 96]));
    }

    #[test]
    fn other_heads_are_refused() {
        for head in [
            &[0x1e3d_4c51, 1, 2, 1, 1][..],
            &[7],
            &[0x1e3d_4c54, 0],
            &[0x1e3d_4c54, 9],
            &[0x1e3d_4c55, 3, 1 << 30, 1 << 30, 1 << 30],
            &[0x1e3d_4c55, 1, 0, 1, 1],
            &[0x1e3d_4c54, 1, 2],
        ] {
            assert!(read_head(&mut &*words(head)).is_err(), "{head:x?}");
        }
    }
}
