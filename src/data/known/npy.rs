use std::io::{self, BufReader, Read};

use crate::base::NpyHeader;

/// More numbers than the labels of any set have.
const MOST: usize = 1 << 26;

/// Reads a table of numbers `(rows, columns)` as NumPy writes it; the columns, and all rows one after another.
///
/// Memory stays in proportion to the bytes that there are.
pub(super) fn read_table(reader: impl Read) -> io::Result<(usize, Vec<f64>)> {
    let mut reader = BufReader::with_capacity(1 << 16, reader);
    let header = NpyHeader::read(&mut reader)?;
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let number: fn(&[u8]) -> f64 = match header.descr.as_str() {
        "<f8" => |bytes| f64::from_le_bytes(bytes.try_into().unwrap_or_default()),
        "<f4" => |bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap_or_default())),
        "<i8" => |bytes| i64::from_le_bytes(bytes.try_into().unwrap_or_default()) as f64,
        "<i4" => |bytes| f64::from(i32::from_le_bytes(bytes.try_into().unwrap_or_default())),
        "|u1" => |bytes| f64::from(bytes[0]),
        other => {
            return Err(invalid(format!(
                "labels should be numbers of type f8, f4, i8, i4 or u1, not {other}"
            )));
        }
    };
    let (rows, columns) = match header.shape[..] {
        [rows, columns] if !header.fortran_order && rows > 0 && columns > 0 && header.len() <= MOST => {
            (rows, columns)
        }
        _ => {
            return Err(invalid(format!(
                "labels should be a table in C order with a row for each picture, not {:?}",
                header.shape
            )));
        }
    };
    let width = match header.descr.as_bytes().last() {
        Some(b'8') => 8,
        Some(b'4') => 4,
        _ => 1,
    };
    let mut values = Vec::new();
    let mut row =
        vec![
            0;
            columns.checked_mul(width).ok_or_else(|| invalid("labels are too wide".into()))?.min(1 << 20)
        ];
    if row.len() != columns * width {
        return Err(invalid(format!("labels have {columns} columns, more than any set has factors")));
    }
    for _ in 0..rows {
        reader.read_exact(&mut row)?;
        values.extend(row.chunks_exact(width).map(number));
    }
    Ok((columns, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), data].concat()
    }

    #[test]
    fn numbers_of_several_types() {
        for (descr, data) in [
            ("<f8", [0.5f64, 2.0].map(f64::to_le_bytes).concat()),
            ("<f4", [0.5f32, 2.0].map(f32::to_le_bytes).concat()),
        ] {
            assert_eq!(read_table(&*npy(descr, "(1, 2)", &data)).expect("reads"), (2, vec![0.5, 2.0]));
        }
        let data = [-3i64, 4].map(i64::to_le_bytes).concat();
        assert_eq!(read_table(&*npy("<i8", "(2, 1)", &data)).expect("reads"), (1, vec![-3.0, 4.0]));
        assert_eq!(read_table(&*npy("|u1", "(1, 2)", &[7, 200])).expect("reads"), (2, vec![7.0, 200.0]));
    }

    #[test]
    fn other_tables_are_refused() {
        for (descr, shape) in [
            ("|O", "(1, 2)"),
            ("<f8", "(2,)"),
            ("<f8", "(0, 2)"),
            ("<f8", "(1, 60000000)"),
            ("<f8", "(1, 3)"),
        ] {
            assert!(read_table(&*npy(descr, shape, &[0; 16])).is_err(), "{descr} {shape}");
        }
    }
}
