//! Regression trees of depth 3 that explain residuals, with exact splits.
//!
//! The rows are sorted by each dimension once for all trees. A node is a range of each of these orders; a split parts every
//! order stably, so that both halves stay sorted, and looking for the next split is one pass over running sums.

use crate::base::Stream;

const DEPTH: usize = 3;
/// Values that lie closer are alike.
const ALIKE: f32 = 1e-7;
/// Places of a tree, the root first; the children of place i are 2 i + 1 and 2 i + 2.
const PLACES: usize = (1 << (DEPTH + 1)) - 1;
/// A leaf whose rows are as certain as this stays as it is.
const CERTAIN: f64 = 1e-150;

/// A row and its value in some dimension.
#[derive(Clone, Copy, Debug)]
struct Entry {
    row: u32,
    value: f32,
}

/// The rows in the order of each dimension.
pub(super) struct Columns {
    orders: Vec<Vec<Entry>>,
    /// 1 over each count of rows.
    inverses: Vec<f64>,
}

impl Columns {
    /// Of values `[dimension][row]`, compared in 32 bits.
    pub(super) fn new(dims: &[Vec<f64>]) -> Self {
        let order = |dim: &Vec<f64>| {
            let entry = |(row, &value): (usize, &f64)| Entry { row: row as u32, value: value as f32 };
            let mut entries: Vec<Entry> = dim.iter().enumerate().map(entry).collect();
            entries.sort_by(|a, b| a.value.total_cmp(&b.value));
            entries
        };
        let rows = dims.first().map_or(0, Vec::len);
        let inverses = (0..=rows).map(|count| if count == 0 { 0.0 } else { 1.0 / count as f64 }).collect();
        Self { orders: dims.iter().map(order).collect(), inverses }
    }
}

/// Memory that trees grow in, one after the other.
#[derive(Default)]
pub(super) struct Scratch {
    /// What is to be explained, by row.
    pub(super) residuals: Vec<f64>,
    orders: Vec<Vec<Entry>>,
    spare: Vec<Entry>,
    is_left: Vec<bool>,
}

/// A place of a tree.
#[derive(Clone, Debug, Default)]
enum Place {
    /// There is none.
    #[default]
    Nothing,
    /// Rows below or at `threshold` go to the left.
    Split { dim: usize, threshold: f64 },
    /// The step of these rows: a range of the order of `dim`.
    Leaf { value: f64, dim: usize, rows: std::ops::Range<usize> },
}

/// A tree.
pub(super) struct Tree {
    places: [Place; PLACES],
    /// How much of the squares of the residuals the splits of each dimension explain.
    pub(super) gains: Vec<f64>,
}

/// A split that was found.
#[derive(Clone, Copy, Debug)]
struct Split {
    /// What it explains, but for what all candidates of a node have in common.
    quality: f64,
    dim: usize,
    /// Rows on its left.
    left: usize,
}

/// A node that is looked at.
struct Node {
    place: usize,
    depth: usize,
    rows: std::ops::Range<usize>,
    /// The dimension whose order holds its rows, whichever others do.
    dim: usize,
}

impl Tree {
    /// The tree that explains `scratch.residuals` best, split by split; `number` tells the trees of a seed apart.
    pub(super) fn grow(columns: &Columns, scratch: &mut Scratch, seed: u64, number: usize) -> Self {
        let rows = scratch.residuals.len();
        scratch.orders.resize(columns.orders.len(), Vec::new());
        for (order, all) in scratch.orders.iter_mut().zip(&columns.orders) {
            order.clear();
            order.extend_from_slice(all);
        }
        scratch.is_left.resize(rows, false);
        let mut stream = Stream::for_item(seed, "boosted tree", number as u64);
        let mut tree = Self { places: Default::default(), gains: vec![0.0; columns.orders.len()] };
        tree.node(Node { place: 0, depth: 0, rows: 0..rows, dim: 0 }, columns, scratch, &mut stream);
        tree
    }

    fn node(&mut self, node: Node, columns: &Columns, scratch: &mut Scratch, stream: &mut Stream) {
        let residuals = &scratch.residuals;
        let (mut sum, mut squares, mut curvature) = (0.0, 0.0, 0.0);
        for entry in &scratch.orders[node.dim][node.rows.clone()] {
            let residual = residuals[entry.row as usize];
            sum += residual;
            squares += residual * residual;
            // p (1 - p), from a residual that is 1 - p or -p.
            curvature += residual.abs() * (1.0 - residual.abs());
        }
        let count = node.rows.len() as f64;
        let is_pure = squares / count - (sum / count).powi(2) <= f64::EPSILON;
        let split = match node.depth == DEPTH || node.rows.len() < 2 || is_pure {
            true => None,
            false => best_split(&node, sum, columns, scratch, stream),
        };
        let Some(split) = split else {
            let value = if curvature < CERTAIN * count { 0.0 } else { sum / curvature };
            self.places[node.place] = Place::Leaf { value, dim: node.dim, rows: node.rows };
            return;
        };
        self.gains[split.dim] += split.quality - sum * sum / count;
        let border = node.rows.start + split.left;
        let order = &scratch.orders[split.dim];
        let (below, above) = (f64::from(order[border - 1].value), f64::from(order[border].value));
        let middle = below / 2.0 + above / 2.0;
        let threshold = if middle == above || !middle.is_finite() { below } else { middle };
        self.places[node.place] = Place::Split { dim: split.dim, threshold };
        // Leaves need no order but the one that they were split in.
        if node.depth + 1 < DEPTH {
            scratch.part(&node.rows, split.dim, border);
        }
        for (child, rows) in [(1, node.rows.start..border), (2, border..node.rows.end)] {
            let place = 2 * node.place + child;
            self.node(Node { place, depth: node.depth + 1, rows, dim: split.dim }, columns, scratch, stream);
        }
    }

    /// Adds `step` times the tree to the scores of the rows that it has grown on.
    pub(super) fn add_to_train(&self, scratch: &Scratch, step: f64, scores: &mut [f64]) {
        for place in &self.places {
            if let Place::Leaf { value, dim, rows } = place {
                for entry in &scratch.orders[*dim][rows.clone()] {
                    scores[entry.row as usize] += step * value;
                }
            }
        }
    }

    /// Adds `step` times the tree to the scores of rows `dims` `[dimension][row]`.
    pub(super) fn add_to(&self, dims: &[Vec<f64>], step: f64, scores: &mut [f64]) {
        for (row, score) in scores.iter_mut().enumerate() {
            let mut place = 0;
            while let Place::Split { dim, threshold } = self.places[place] {
                let is_right = f64::from(dims[dim][row] as f32) > threshold;
                place = 2 * place + 1 + usize::from(is_right);
            }
            if let Place::Leaf { value, .. } = self.places[place] {
                *score += step * value;
            }
        }
    }
}

impl Scratch {
    /// Parts the rows of a node in every order, as the order of `dim` is parted at `border`.
    fn part(&mut self, rows: &std::ops::Range<usize>, dim: usize, border: usize) {
        for (place, entry) in self.orders[dim][rows.clone()].iter().enumerate() {
            self.is_left[entry.row as usize] = rows.start + place < border;
        }
        self.spare.resize(rows.len(), Entry { row: 0, value: 0.0 });
        for (other, order) in self.orders.iter_mut().enumerate() {
            if other == dim {
                continue;
            }
            let (mut left, mut right) = (rows.start, 0);
            for place in rows.clone() {
                let entry = order[place];
                // Both are written and one is kept, since a branch would be a guess.
                let is_left = self.is_left[entry.row as usize];
                order[left] = entry;
                self.spare[right] = entry;
                left += usize::from(is_left);
                right += usize::from(!is_left);
            }
            order[left..rows.end].copy_from_slice(&self.spare[..right]);
        }
    }
}

/// The split that explains most; the first of equals in a random order of the dimensions.
fn best_split(
    node: &Node,
    sum: f64,
    columns: &Columns,
    scratch: &Scratch,
    stream: &mut Stream,
) -> Option<Split> {
    let mut best: Option<Split> = None;
    for dim in stream.permutation(scratch.orders.len()) {
        let dim = dim as usize;
        let entries = &scratch.orders[dim][node.rows.clone()];
        let mut quality = best.map_or(f64::NEG_INFINITY, |best| best.quality);
        let mut place = None;
        let mut below = 0.0;
        for (left, pair) in entries.windows(2).enumerate() {
            below += scratch.residuals[pair[0].row as usize];
            if pair[1].value > pair[0].value + ALIKE {
                let left = left + 1;
                let above = sum - below;
                let here = below * below * columns.inverses[left]
                    + above * above * columns.inverses[entries.len() - left];
                if here > quality {
                    (quality, place) = (here, Some(left));
                }
            }
        }
        if let Some(left) = place {
            best = Some(Split { quality, dim, left });
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The best first split by trying every threshold on every dimension.
    fn plain_split(dims: &[Vec<f64>], residuals: &[f64]) -> (usize, f64, f64) {
        let mut best = (0, 0.0, f64::NEG_INFINITY);
        for (dim, column) in dims.iter().enumerate() {
            for &threshold in column {
                let side = |is_left: bool| -> (f64, f64) {
                    let rows = (0..column.len()).filter(|&row| (column[row] <= threshold) == is_left);
                    rows.fold((0.0, 0.0), |(sum, count), row| (sum + residuals[row], count + 1.0))
                };
                let ((left, lefts), (right, rights)) = (side(true), side(false));
                let quality = left * left / lefts + right * right / rights;
                if rights > 0.0 && quality > best.2 {
                    best = (dim, threshold, quality);
                }
            }
        }
        best
    }

    #[test]
    fn the_first_split_is_the_best_of_all_and_leaves_hold_every_row_once() {
        let mut stream = Stream::new(5, "tree");
        let rows = 200;
        // Coarse values, so that many are alike.
        let dims: Vec<Vec<f64>> =
            (0..3).map(|_| (0..rows).map(|_| f64::from((3.0 * stream.normal()).round())).collect()).collect();
        let residuals: Vec<f64> = (0..rows)
            .map(|row| (0.1 * dims[1][row] + 0.2 * f64::from(stream.normal())).clamp(-0.9, 0.9))
            .collect();
        let (dim, below, quality) = plain_split(&dims, &residuals);
        let columns = Columns::new(&dims);
        let mut scratch = Scratch { residuals: residuals.clone(), ..Scratch::default() };
        let tree = Tree::grow(&columns, &mut scratch, 1, 0);
        let Place::Split { dim: found, threshold } = tree.places[0] else { panic!("a split") };
        assert_eq!(found, dim);
        assert!(threshold > below && threshold < below + 1.0 + 1e-9);
        let sum: f64 = residuals.iter().sum();
        assert!(tree.gains.iter().sum::<f64>() >= quality - sum * sum / rows as f64 - 1e-9);
        let (mut by_rows, mut by_values) = (vec![0.0; rows], vec![0.0; rows]);
        tree.add_to_train(&scratch, 1.0, &mut by_rows);
        tree.add_to(&dims, 1.0, &mut by_values);
        assert_eq!(by_rows, by_values, "a row is in the leaf that its values lead to");
        let leaves = tree.places.iter().filter(|place| matches!(place, Place::Leaf { .. })).count();
        assert_eq!(leaves, 8);
    }
}
