use std::io::{self, Read};

use flate2::read::ZlibDecoder;

use super::checksum::fletcher32;
use super::fault::{damaged, unsupported};
use super::fields::Fields;

/// One step of packing [IV.A.2.l].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    Deflate,
    /// The bytes of elements of so many, first bytes first.
    Shuffle(usize),
    /// A checksum after the data.
    Fletcher32,
}

/// The most steps that the format allows.
const MOST: usize = 32;

/// How the chunks of a data set are packed: the steps in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Filters(Vec<Filter>);

impl Filters {
    /// Reads the message.
    pub(super) fn read(fields: &mut Fields<'_>) -> io::Result<Self> {
        let version = fields.version(1..=2)?;
        let count = usize::from(fields.u8()?);
        if version == 1 {
            fields.take(6)?;
        }
        if count > MOST {
            return Err(damaged(format!("it is packed in {count} steps, more than there can be")));
        }
        (0..count).map(|_| one(fields, version)).collect::<io::Result<_>>().map(Self)
    }

    /// Whether chunks lie in the file as they are.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Unpacks a chunk of `len` bytes, packed by all steps but those in `mask`.
    pub(super) fn unpack(&self, mut data: Vec<u8>, mask: u32, len: usize) -> io::Result<Vec<u8>> {
        let is_done = |at: usize| (mask >> at) & 1 == 0;
        // A checksum may stand behind what is unpacked.
        let most = len + 4 * self.0.len();
        for (_, filter) in self.0.iter().enumerate().rev().filter(|&(at, _)| is_done(at)) {
            data = match *filter {
                Filter::Deflate => inflate(&data, most)?,
                Filter::Shuffle(element) => unshuffle(&data, element),
                Filter::Fletcher32 => checked(data)?,
            };
        }
        match data.len() == len {
            true => Ok(data),
            false => Err(damaged(format!("it unpacks to {} bytes instead of {len}", data.len()))),
        }
    }
}

fn one(fields: &mut Fields<'_>, version: u8) -> io::Result<Filter> {
    let number = fields.u16()?;
    let name = if version == 1 || number >= 256 { usize::from(fields.u16()?) } else { 0 };
    fields.take(2)?;
    let values = usize::from(fields.u16()?);
    fields.take(if version == 1 { name.next_multiple_of(8) } else { name })?;
    let values = (0..values).map(|_| fields.u32()).collect::<io::Result<Vec<u32>>>()?;
    if version == 1 && values.len() % 2 == 1 {
        fields.take(4)?;
    }
    let packed_with = |name: &str| {
        Err(unsupported(format!(
            "it is packed with {name}, which is not read here; write it again with h5repack -f GZIP=4, or with h5py"
        )))
    };
    match number {
        1 => Ok(Filter::Deflate),
        2 => Ok(Filter::Shuffle(values.first().map_or(1, |&bytes| bytes as usize).max(1))),
        3 => Ok(Filter::Fletcher32),
        4 => packed_with("szip"),
        5 => packed_with("nbit"),
        6 => packed_with("scale-offset"),
        32_000 => packed_with("LZF"),
        32_001 => packed_with("Blosc"),
        32_004 => packed_with("LZ4"),
        32_008 => packed_with("bitshuffle"),
        32_015 => packed_with("Zstandard"),
        _ => packed_with(&format!("filter {number}")),
    }
}

/// Unpacks at most `most` bytes.
fn inflate(data: &[u8], most: usize) -> io::Result<Vec<u8>> {
    let mut unpacked = Vec::with_capacity(most.min(data.len().saturating_mul(16)));
    let read = ZlibDecoder::new(data).take(most as u64 + 1).read_to_end(&mut unpacked);
    read.map_err(|error| damaged(format!("its deflated bytes are broken ({error})")))?;
    match unpacked.len() <= most {
        true => Ok(unpacked),
        false => Err(damaged("it unpacks to more bytes than a chunk has")),
    }
}

/// The bytes in the order of elements again; those that are left over stay at the end.
fn unshuffle(data: &[u8], element: usize) -> Vec<u8> {
    let count = data.len() / element;
    if element == 1 || count == 0 {
        return data.to_vec();
    }
    let mut ordered = data.to_vec();
    for (byte, plane) in data[..count * element].chunks_exact(count).enumerate() {
        for (at, &value) in plane.iter().enumerate() {
            ordered[at * element + byte] = value;
        }
    }
    ordered
}

/// Data without the checksum after it, which must fit.
fn checked(mut data: Vec<u8>) -> io::Result<Vec<u8>> {
    let (content, sum) =
        data.split_last_chunk::<4>().ok_or_else(|| damaged("it is shorter than its checksum"))?;
    if fletcher32(content) != u32::from_le_bytes(*sum) {
        return Err(damaged("its checksum does not fit its content"));
    }
    data.truncate(data.len() - 4);
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffled_bytes_come_back_in_order_and_a_rest_stays() {
        assert_eq!(unshuffle(&[1, 3, 5, 2, 4, 6, 9], 2), [1, 2, 3, 4, 5, 6, 9]);
        assert_eq!(unshuffle(&[1, 2], 8), [1, 2]);
    }

    #[test]
    fn a_masked_step_is_left_out() {
        let filters = Filters(vec![Filter::Shuffle(2), Filter::Fletcher32]);
        assert_eq!(filters.unpack(vec![1, 3, 2, 4], 2, 4).expect("unpacks"), [1, 2, 3, 4]);
        let summed = [vec![1, 3, 2, 4], fletcher32(&[1, 3, 2, 4]).to_le_bytes().to_vec()].concat();
        assert_eq!(filters.unpack(summed.clone(), 0, 4).expect("unpacks"), [1, 2, 3, 4]);
        assert_eq!(filters.unpack(summed.clone(), 1, 4).expect("unpacks"), [1, 3, 2, 4]);
        let error = filters.unpack([&summed[..7], &[9]].concat(), 0, 4).expect_err("another sum");
        assert!(error.to_string().contains("checksum does not fit"), "{error}");
        let error = filters.unpack(summed, 0, 3).expect_err("another length");
        assert!(error.to_string().contains("4 bytes instead of 3"), "{error}");
    }
}
