//! The map of the codes of the data's pictures.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app::paint::Surface;
use crate::app::tasks::Task;
use crate::base::Picture;
use crate::figures::drawing::Scatter;
use crate::metrics::{CodeMap, MappedFactor, MetricError, Plane, Projection};

/// How the map is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MapSettings {
    pub(crate) plane: Plane,
    /// Which of the factors colours the dots.
    pub(crate) factor: usize,
    /// Whether pictures of some dots are left out.
    pub(crate) is_bare: bool,
}

/// Codes of pictures on a plane, ready to be drawn.
pub(crate) struct MapView {
    pub(crate) told: CodeMap,
    pub(crate) settings: MapSettings,
    pub(crate) projection: Projection,
    pub(crate) scatter: Scatter,
    /// The least and the greatest place of the dots, by axis.
    pub(crate) range: [[f64; 2]; 2],
    /// A few dots that lie apart from one another, whose pictures are shown.
    pub(crate) spread: Vec<usize>,
    /// Pictures of dots, as far as they were read.
    pub(crate) pictures: BTreeMap<usize, (Arc<Picture>, Surface)>,
    pub(crate) reading: Option<Reading>,
    /// The dot whose picture should be read next, and whether the codes are then set to what the encoder finds in it.
    pub(crate) wanted: Option<(usize, bool)>,
    /// Whether pictures could be read so far.
    pub(crate) is_readable: bool,
}

/// Pictures that are being read. Dropping it ends that.
pub(crate) struct Reading {
    /// The dots whose pictures they are.
    pub(crate) dots: Vec<usize>,
    pub(crate) task: Task<Result<Vec<Picture>, String>>,
}

/// Dots whose pictures are shown lie in different ones of so many fields, across and up.
const FIELDS: usize = 5;

/// The most pictures of dots that are kept.
pub(crate) const KEPT: usize = 200;

impl MapView {
    /// The map in `settings`; what there is not of them takes its default.
    ///
    /// # Errors
    /// When codes have fewer than two dimensions.
    pub(crate) fn new(told: CodeMap, settings: MapSettings) -> Result<Self, MetricError> {
        let plane = told.projection(settings.plane).map_or(Plane::Components, |_| settings.plane);
        let factor = if settings.factor < told.factors.len() { settings.factor } else { 0 };
        let settings = MapSettings { plane, factor, ..settings };
        let projection = told.projection(plane)?;
        let scatter = told.scatter(plane, told.factors.get(factor))?;
        let (range, spread) = (range(&scatter.dots), spread(&scatter.dots));
        Ok(Self {
            told,
            settings,
            projection,
            scatter,
            range,
            spread,
            pictures: BTreeMap::new(),
            reading: None,
            wanted: None,
            is_readable: true,
        })
    }

    /// The same, looked at otherwise; nothing changes where that cannot be.
    pub(crate) fn set_up(&mut self, settings: MapSettings) {
        let factor = self.told.factors.get(settings.factor);
        let projection = self.told.projection(settings.plane);
        let Ok((projection, scatter)) =
            projection.and_then(|found| Ok((found, self.told.scatter(settings.plane, factor)?)))
        else {
            return;
        };
        (self.range, self.spread) = (range(&scatter.dots), spread(&scatter.dots));
        (self.settings, self.projection, self.scatter) = (settings, projection, scatter);
    }

    /// The factor that colours the dots.
    pub(crate) fn factor(&self) -> Option<&MappedFactor> {
        self.told.factors.get(self.settings.factor)
    }

    /// What is said of a dot: which picture it is, and its factors.
    pub(crate) fn said(&self, dot: usize) -> String {
        let mut said = format!("Picture {} of {}", self.told.indices[dot], self.told.data);
        for factor in &self.told.factors {
            let class = factor.classes[dot];
            let value = factor.names.get(class).cloned();
            let value = value.unwrap_or_else(|| format!("{:.3}", factor.values[class]));
            said += &format!("\n{} {value}", factor.name);
        }
        said
    }

    /// The dot nearest to a place, and how far away it is in shares of the range of the axes.
    pub(crate) fn nearest(&self, place: [f64; 2]) -> Option<(usize, f64)> {
        let wide = self.range.map(|[low, high]| (high - low).max(f64::MIN_POSITIVE));
        let away = |dot: &[f64; 2]| ((dot[0] - place[0]) / wide[0]).hypot((dot[1] - place[1]) / wide[1]);
        let all = self.scatter.dots.iter().map(away).enumerate();
        all.min_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// The least and the greatest place by axis, apart also where all are one.
fn range(dots: &[[f64; 2]]) -> [[f64; 2]; 2] {
    [0, 1].map(|axis| {
        let values = || dots.iter().map(|dot| dot[axis]);
        let (low, high) =
            (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        if low < high { [low, high] } else { [low - 0.5, low + 0.5] }
    })
}

/// The first dot of each field of a grid over all.
fn spread(dots: &[[f64; 2]]) -> Vec<usize> {
    let range = range(dots);
    let field = |dot: &[f64; 2]| {
        [0, 1].map(|axis| {
            let [low, high] = range[axis];
            (((dot[axis] - low) / (high - low) * FIELDS as f64) as usize).min(FIELDS - 1)
        })
    };
    let mut taken = BTreeMap::new();
    for (at, dot) in dots.iter().enumerate() {
        taken.entry(field(dot)).or_insert(at);
    }
    taken.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> CodeMap {
        let codes: Vec<Vec<f32>> =
            (0..100).map(|row| vec![(row % 10) as f32, (row / 10) as f32, 0.5]).collect();
        let factor = |name: &str, count: usize| MappedFactor {
            name: name.into(),
            values: (0..count).map(|class| class as f64).collect(),
            names: Vec::new(),
            classes: (0..100).map(|row| row % count).collect(),
        };
        CodeMap {
            data: "dsprites".into(),
            dims: ["c0", "c1", "c2"].map(str::to_owned).to_vec(),
            indices: (0..100).map(|row| 7 * row).collect(),
            codes,
            factors: vec![factor("shape", 3), factor("x", 32)],
            ..CodeMap::default()
        }
    }

    #[test]
    fn it_is_looked_at_on_a_plane_that_there_is() {
        let mut map = MapView::new(told(), MapSettings::default()).expect("two dimensions");
        map.set_up(MapSettings { plane: Plane::Dims([0, 1]), factor: 1, ..MapSettings::default() });
        assert_eq!((map.scatter.dots[13], map.range), ([3.0, 1.0], [[0.0, 9.0]; 2]));
        assert_eq!(map.factor().map(|factor| factor.name.as_str()), Some("x"));
        assert_eq!(map.nearest([3.2, 1.1]).map(|(dot, _)| dot), Some(13));
        map.set_up(MapSettings { plane: Plane::Dims([0, 3]), ..MapSettings::default() });
        assert_eq!(map.settings.factor, 1, "there is no dimension 3, and nothing changes");
        assert_eq!(map.said(4), "Picture 28 of dsprites\nshape 1.000\nx 4.000");
        let flat = CodeMap { dims: vec!["c0".into()], codes: vec![vec![0.0]; 100], ..told() };
        assert!(MapView::new(flat, MapSettings::default()).is_err());
        let of_another = MapSettings { plane: Plane::Dims([0, 9]), factor: 7, is_bare: true };
        let map = MapView::new(told(), of_another).expect("two dimensions");
        assert_eq!(map.settings, MapSettings { is_bare: true, ..MapSettings::default() });
    }

    #[test]
    fn pictures_that_are_shown_lie_apart() {
        let mut map = MapView::new(told(), MapSettings::default()).expect("two dimensions");
        map.set_up(MapSettings { plane: Plane::Dims([0, 1]), ..MapSettings::default() });
        assert_eq!(map.spread.len(), FIELDS * FIELDS);
        assert_eq!(range(&[[2.0, 1.0]]), [[1.5, 2.5], [0.5, 1.5]]);
    }
}
