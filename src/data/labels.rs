use super::factors::Factor;
use crate::base::Stream;

/// What each picture of a set is called: the set's only factor.
#[derive(Clone, Debug, PartialEq)]
pub struct PictureLabels {
    factor: Factor,
    /// The class of each picture.
    classes: Vec<u32>,
    /// The pictures of each class, rising; none is empty.
    pictures: Vec<Vec<u32>>,
}

impl PictureLabels {
    /// The name of the factor.
    pub const NAME: &str = "label";

    /// One label for each picture; the classes are the labels that there are, in their order.
    pub(super) fn of<T: Ord + Clone + ToString>(labels: &[T]) -> Self {
        let mut known = labels.to_vec();
        known.sort_unstable();
        known.dedup();
        let class = |label: &T| known.partition_point(|other| other < label) as u32;
        let classes: Vec<u32> = labels.iter().map(class).collect();
        let mut pictures = vec![Vec::new(); known.len()];
        for (picture, &class) in (0u32..).zip(&classes) {
            pictures[class as usize].push(picture);
        }
        let factor = Factor {
            name: Self::NAME.to_owned(),
            values: (0..known.len()).map(|class| class as f64).collect(),
            names: known.iter().map(T::to_string).collect(),
        };
        Self { factor, classes, pictures }
    }

    /// The same of texts; where all are whole numbers they are in the order of numbers.
    pub(super) fn of_texts(labels: &[String]) -> Self {
        let plain = |label: &String| label.parse().ok().filter(|number: &u64| number.to_string() == *label);
        match labels.iter().map(plain).collect::<Option<Vec<u64>>>() {
            Some(numbers) => Self::of(&numbers),
            None => Self::of(labels),
        }
    }

    /// The factor: a class and a name for each label.
    pub fn factor(&self) -> &Factor {
        &self.factor
    }

    /// The class of picture `index`.
    pub fn class(&self, index: usize) -> usize {
        self.classes[index] as usize
    }

    /// The pictures of this class, rising; there is at least one.
    pub fn pictures(&self, class: usize) -> &[u32] {
        &self.pictures[class]
    }

    /// `count` pictures, as many of each class; which ones depends on `seed` alone.
    ///
    /// # Errors
    /// When they cannot be shared out evenly or a class has too few, in words that go on after a name.
    pub fn some_of_each(&self, count: usize, seed: u64) -> Result<Vec<u32>, String> {
        let classes = self.pictures.len().max(1);
        let each = count / classes;
        if each == 0 || !count.is_multiple_of(classes) {
            return Err(format!(
                "must be a multiple of the {classes} labels, so that each has as many, not {count}"
            ));
        }
        let mut chosen = Vec::with_capacity(count);
        for (class, pictures) in self.pictures.iter().enumerate() {
            if pictures.len() < each {
                return Err(format!(
                    "asks for {each} pictures of each label, and {} has {}",
                    self.factor.names[class],
                    pictures.len()
                ));
            }
            let order = Stream::for_item(seed, "labelled pictures", class as u64).permutation(pictures.len());
            chosen.extend(order[..each].iter().map(|&place| pictures[place as usize]));
        }
        Ok(chosen)
    }

    /// A random picture of this class.
    pub fn one_of(&self, class: usize, stream: &mut Stream) -> usize {
        let pictures = self.pictures(class);
        pictures[stream.below(pictures.len())] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_the_labels_in_their_order() {
        let labels = PictureLabels::of(&[7, 0, 7, 3]);
        assert_eq!(
            (labels.factor().name.as_str(), &labels.factor().names[..]),
            ("label", &["0", "3", "7"].map(String::from)[..])
        );
        assert_eq!(labels.factor().values, [0.0, 1.0, 2.0]);
        assert_eq!((0..4).map(|index| labels.class(index)).collect::<Vec<_>>(), [2, 0, 2, 1]);
        assert_eq!(labels.pictures(2), [0, 2]);
        let mut stream = Stream::new(0, "test");
        assert!((0..20).all(|_| labels.class(labels.one_of(2, &mut stream)) == 2));
    }

    #[test]
    fn as_many_of_each_label_are_chosen_and_the_seed_decides_which() {
        let labels = PictureLabels::of(&(0..90).map(|picture| picture % 3).collect::<Vec<_>>());
        let chosen = labels.some_of_each(12, 5).expect("there are enough");
        let of_class = |class| chosen.iter().filter(|&&index| labels.class(index as usize) == class).count();
        assert_eq!([0, 1, 2].map(of_class), [4, 4, 4]);
        assert_eq!(chosen.iter().collect::<std::collections::HashSet<_>>().len(), 12);
        assert_eq!(labels.some_of_each(12, 5).as_ref(), Ok(&chosen));
        assert_ne!(labels.some_of_each(12, 6).as_ref(), Ok(&chosen));
        assert!(labels.some_of_each(13, 5).is_err_and(|what| what.contains("multiple of the 3 labels")));
        assert!(
            labels
                .some_of_each(93, 5)
                .is_err_and(|what| what.contains("31 pictures of each label, and 0 has 30"))
        );
    }

    #[test]
    fn numbers_are_in_the_order_of_numbers_and_other_texts_in_that_of_texts() {
        let names = |labels: &[&str]| {
            let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
            PictureLabels::of_texts(&labels).factor().names.clone()
        };
        assert_eq!(names(&["10", "9", "2"]), ["2", "9", "10"]);
        assert_eq!(names(&["10", "9", "02"]), ["02", "10", "9"]);
        assert_eq!(names(&["dog", "cat", "dog"]), ["cat", "dog"]);
    }
}
