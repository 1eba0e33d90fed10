//! How codes that choose one of several clusters agree with what pictures are called.

use crate::base::Stream;

use super::{LabelledCodes, Labels, MetricError, Score};

/// How often the clusters of a categorical code tell a factor wrong (Makhzani et al. 2015, Makhzani 2018): the share of pictures
/// whose class is not the one that most pictures of their cluster have. Each half of the pictures is judged by the majorities
/// of the other half, so that many small clusters gain nothing; a picture in a cluster that the other half does not have
/// is wrong. A picture's cluster is the largest value of its code.
///
/// The mean over the factors, whose own errors are the parts where there are several. The interval is that of the mean over
/// these pictures.
///
/// # Errors
/// When the data has no factors that vary.
pub fn clustering_error(codes: &LabelledCodes, seed: u64) -> Result<Score, MetricError> {
    codes.require_factors("the error of clusters")?;
    let clusters = choices(codes);
    let order = Stream::new(seed, "cluster halves").permutation(codes.rows());
    let halves = order.split_at(order.len() / 2);
    let mut wrong = vec![0.0; codes.rows()];
    let mut errors = Vec::new();
    let share = 1.0 / codes.factors.len() as f64;
    for factor in &codes.factors {
        let mut count = 0;
        for (learnt, judged) in [(halves.0, halves.1), (halves.1, halves.0)] {
            let majorities = majorities(&clusters, codes.dims.len(), factor, learnt);
            for &row in judged {
                let row = row as usize;
                if majorities[clusters[row]] != Some(factor.classes[row]) {
                    wrong[row] += share;
                    count += 1;
                }
            }
        }
        errors.push(f64::from(count) / codes.rows().max(1) as f64);
    }
    let score = Score::mean(&wrong, [0.0, 1.0]);
    Ok(if errors.len() > 1 { score.with_parts(codes.names(), &errors) } else { score })
}

/// How often the largest value of a code is not the one that stands for the picture's label; `class_of` says which class each
/// dimension stands for. The interval is that of the mean over these pictures.
///
/// # Errors
/// When the data has no labels that vary.
pub fn classification_error(codes: &LabelledCodes, class_of: &[Option<usize>]) -> Result<Score, MetricError> {
    codes.require_factors("the error of a classifier")?;
    let factor = &codes.factors[0];
    let is_wrong = |(&choice, &class): (&usize, &usize)| f64::from(class_of[choice] != Some(class));
    let wrong: Vec<f64> = choices(codes).iter().zip(&factor.classes).map(is_wrong).collect();
    Ok(Score::mean(&wrong, [0.0, 1.0]))
}

/// The class that each of a code's dimensions stands for by its name, where every one of `labels` has a dimension.
pub(super) fn classes_by_name(dimensions: &[String], labels: &[String]) -> Option<Vec<Option<usize>>> {
    let is_named = !labels.is_empty() && labels.iter().all(|label| dimensions.contains(label));
    is_named.then(|| dimensions.iter().map(|name| labels.iter().position(|label| label == name)).collect())
}

/// The largest dimension of each row, the first of equal ones.
fn choices(codes: &LabelledCodes) -> Vec<usize> {
    let largest = |row: usize| {
        let mut best = 0;
        for (dim, values) in codes.dims.iter().enumerate() {
            if values[row] > codes.dims[best][row] {
                best = dim;
            }
        }
        best
    };
    (0..codes.rows()).map(largest).collect()
}

/// The most frequent class of each cluster among `rows`, the first of equal ones; `None` where no row is in it.
fn majorities(clusters: &[usize], count: usize, factor: &Labels, rows: &[u32]) -> Vec<Option<usize>> {
    let mut counts = vec![vec![0u32; factor.count]; count];
    for &row in rows {
        counts[clusters[row as usize]][factor.classes[row as usize]] += 1;
    }
    let majority = |classes: &Vec<u32>| {
        let most = classes.iter().copied().max().filter(|&most| most > 0)?;
        classes.iter().position(|&count| count == most)
    };
    counts.iter().map(majority).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1000 pictures of the classes 0 to 9 in turn, in the clusters that `cluster` says of row and class.
    fn codes(clusters: usize, cluster: impl Fn(usize, usize) -> usize) -> LabelledCodes {
        let classes: Vec<usize> = (0..1000).map(|row| row % 10).collect();
        let chosen: Vec<usize> =
            classes.iter().enumerate().map(|(row, &class)| cluster(row, class)).collect();
        let dim = |dim: usize| chosen.iter().map(|&chosen| if chosen == dim { 0.9 } else { 0.05 }).collect();
        let label = Labels { name: "label".into(), classes, count: 10 };
        LabelledCodes { dims: (0..clusters).map(dim).collect(), factors: vec![label] }
    }

    fn error(codes: &LabelledCodes) -> f64 {
        clustering_error(codes, 1).expect("labelled").value
    }

    #[test]
    fn clusters_that_are_the_labels_in_any_order_are_right() {
        assert_eq!(error(&codes(10, |_, class| 9 - class)), 0.0);
        assert_eq!(error(&codes(30, |row, class| class * 3 + row / 10 % 3)), 0.0, "three for each");
    }

    #[test]
    fn what_clusters_cannot_tell_apart_counts_as_the_smaller_part() {
        // each pair of classes shares a cluster
        assert!((error(&codes(5, |_, class| class / 2)) - 0.5).abs() < 0.03);
        // one tenth of the pictures lies in the next cluster
        let shifted = codes(10, |row, class| if row / 10 % 10 == 0 { (class + 1) % 10 } else { class });
        assert!((error(&shifted) - 0.1).abs() < 1e-9);
        assert!((error(&codes(3, |_, _| 1)) - 0.9).abs() < 0.02, "one cluster of all");
    }

    #[test]
    fn clusters_of_single_pictures_tell_nothing_of_others() {
        assert_eq!(error(&codes(1000, |row, _| row)), 1.0);
    }

    #[test]
    fn several_factors_are_told_apart() {
        let mut both = codes(10, |_, class| class);
        both.factors.push(Labels {
            name: "odd".into(),
            classes: (0..1000).map(|row| row / 500).collect(),
            count: 2,
        });
        let score = clustering_error(&both, 1).expect("labelled");
        assert_eq!((score.parts[0].value, score.parts[0].name.as_str()), (0.0, "label"));
        assert!((score.value - score.parts[1].value / 2.0).abs() < 1e-12 && score.parts[1].value > 0.4);
        both.factors.clear();
        assert!(clustering_error(&both, 1).is_err());
    }

    #[test]
    fn named_choices_are_compared_by_their_names() {
        let labels: Vec<String> = (0..10).map(|label| label.to_string()).collect();
        let names: Vec<String> = labels.iter().rev().cloned().collect();
        let class_of = classes_by_name(&names, &labels).expect("all are there");
        assert_eq!(class_of[0], Some(9));
        let score = classification_error(&codes(10, |_, class| 9 - class), &class_of).expect("labelled");
        assert_eq!(score.value, 0.0);
        let straight = classification_error(&codes(10, |_, class| class), &class_of).expect("labelled");
        assert_eq!(straight.value, 1.0);
        assert_eq!(classes_by_name(&names[1..], &labels), None, "9 has no dimension");
        assert_eq!(classes_by_name(&[], &[]), None);
    }
}
