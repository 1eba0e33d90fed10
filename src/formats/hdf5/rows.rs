use super::chunks::Grid;

/// Some rows of a data set, unpacked.
#[derive(Debug)]
pub(crate) struct Rows {
    row: usize,
    parts: Parts,
}

#[derive(Debug)]
enum Parts {
    /// One row after another.
    Plain(Vec<u8>),
    /// Pieces of rows.
    Pieces {
        /// The first row.
        first: u64,
        /// Rows of a chunk.
        side: u64,
        /// Which bytes of a chunk's row go where, for each chunk across a row.
        runs: Vec<Vec<Run>>,
        /// Bytes of a row of a chunk.
        across: usize,
        /// What was unpacked, in the order of chunks.
        parts: Vec<Part>,
    },
}

/// The wanted rows of one chunk.
#[derive(Debug)]
pub(super) struct Part {
    /// The row that it begins with.
    first: u64,
    bytes: Vec<u8>,
}

/// Bytes that lie beside each other in a chunk and in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    from: usize,
    to: usize,
    len: usize,
}

impl Grid {
    /// Chunks across a row.
    pub(super) fn in_a_row(&self) -> u64 {
        self.counts[1..].iter().product()
    }

    /// The numbers of the chunks that hold these rows.
    pub(super) fn of_rows(&self, first: u64, count: u64) -> std::ops::Range<usize> {
        let (from, to) = (first / self.sides[0], (first + count).div_ceil(self.sides[0]));
        let number = |place: u64| (place * self.in_a_row()) as usize;
        number(from)..number(to.max(from))
    }

    /// What chunk `number`, unpacked to `bytes`, holds of these rows.
    pub(super) fn part(&self, number: usize, mut bytes: Vec<u8>, first: u64, count: u64) -> Part {
        let start = number as u64 / self.in_a_row() * self.sides[0];
        let across = bytes.len() / self.sides[0] as usize;
        let (from, to) = (first.max(start), (first + count).min(start + self.sides[0]));
        if (from, to) != (start, start + self.sides[0]) {
            bytes = bytes[(from - start) as usize * across..(to - start) as usize * across].to_vec();
        }
        Part { first: from, bytes }
    }
}

impl Rows {
    /// Rows of `row` bytes that lie one after another.
    pub(super) fn plain(row: usize, bytes: Vec<u8>) -> Self {
        Self { row, parts: Parts::Plain(bytes) }
    }

    /// Rows in pieces: `parts` of chunks of these sides, from row `first` on.
    pub(super) fn of_chunks(
        shape: &[u64],
        sides: &[u64],
        element: usize,
        first: u64,
        parts: Vec<Part>,
    ) -> Self {
        let bytes = |sides: &[u64]| sides[1..].iter().product::<u64>() as usize * element;
        let runs = runs(&shape[1..], &sides[1..], element);
        let (row, across) = (bytes(shape), bytes(sides));
        Self { row, parts: Parts::Pieces { first, side: sides[0], runs, across, parts } }
    }

    /// Copies row `index`, counted from the first of these, into `out`, which has the bytes of a row.
    pub(crate) fn copy(&self, index: usize, out: &mut [u8]) {
        match &self.parts {
            Parts::Plain(bytes) => out.copy_from_slice(&bytes[index * self.row..][..self.row]),
            Parts::Pieces { first, side, runs, across, parts } => {
                let row = first + index as u64;
                let place = (row / side - first / side) as usize * runs.len();
                for (part, runs) in parts[place..].iter().zip(runs) {
                    let from = &part.bytes[(row - part.first) as usize * across..][..*across];
                    for run in runs {
                        match run.len {
                            1 => out[run.to] = from[run.from],
                            len => out[run.to..run.to + len].copy_from_slice(&from[run.from..run.from + len]),
                        }
                    }
                }
            }
        }
    }
}

/// For each chunk across a row of `shape`, which of its bytes lie where in the row; the last dimension is fastest.
fn runs(shape: &[u64], sides: &[u64], element: usize) -> Vec<Vec<Run>> {
    // In each dimension from the last: the runs of all chunks so far, and the bytes that one step takes in chunk and row.
    let mut all = vec![vec![Run { from: 0, to: 0, len: element }]];
    let (mut chunk_step, mut row_step) = (element, element);
    for (&whole, &side) in shape.iter().zip(sides).rev() {
        let mut outer = Vec::with_capacity(all.len() * whole.div_ceil(side) as usize);
        for start in (0..whole).step_by(side as usize) {
            let steps = side.min(whole - start) as usize;
            for inner in &all {
                outer.push(repeated(inner, steps, start as usize * row_step, [chunk_step, row_step]));
            }
        }
        all = outer;
        chunk_step *= side as usize;
        row_step *= whole as usize;
    }
    all
}

/// `inner` so many times, each `steps` further, from `start` in the row on; what lies beside each other becomes one run.
fn repeated(inner: &[Run], count: usize, start: usize, [in_chunk, in_row]: [usize; 2]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for step in 0..count {
        for run in inner {
            let next =
                Run { from: run.from + step * in_chunk, to: run.to + start + step * in_row, len: run.len };
            match runs.last_mut() {
                Some(last) if last.from + last.len == next.from && last.to + last.len == next.to => {
                    last.len += next.len;
                }
                _ => runs.push(next),
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_cover_every_byte_of_a_row_once() {
        for (shape, sides) in
            [([5, 7, 3], [2, 3, 2]), ([4, 4, 3], [4, 4, 3]), ([4, 6, 3], [2, 6, 3]), ([2, 2, 2], [5, 1, 9])]
        {
            let mut hits = vec![0; shape.iter().product::<u64>() as usize * 2];
            for runs in runs(&shape, &sides, 2) {
                for run in runs {
                    hits[run.to..run.to + run.len].iter_mut().for_each(|hit| *hit += 1);
                    assert!(run.from + run.len <= sides.iter().product::<u64>() as usize * 2);
                }
            }
            assert!(hits.iter().all(|&hit| hit == 1), "{shape:?} {sides:?}");
        }
        assert_eq!(
            runs(&[4, 4, 3], &[4, 4, 3], 1),
            [[Run { from: 0, to: 0, len: 48 }]],
            "one run where all is beside"
        );
    }
}
