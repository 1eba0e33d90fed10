//! The codes of pictures on a plane, for whoever wants to see how they lie beside their factors.

use std::fmt::Display;
use std::io::Write;
use std::path::Path;

use faer::Mat;
use serde::{Deserialize, Serialize};

use crate::base::{Array, FileError, write_atomic};
use crate::checkpoint::CheckpointError;
use crate::figures::drawing::{Colouring, Scatter};
use crate::figures::export::{FigureTarget, Provenance, TargetKind};
use crate::figures::{FigureError, Print};

use super::linear_algebra::principal_components;
use super::{CodeSample, EncodedData, Metric, MetricError, Watch};

/// Pictures on a map when not said.
pub const MAPPED_PICTURES: usize = 2000;

/// The file of a run folder, or beside a model's notes, in which the window keeps its map.
pub const CODE_MAP_FILE: &str = "map.json";

/// Width of the page in pixels where neither its paper nor its type has a size.
const WIDTH: f32 = 640.0;

/// Codes of pictures, and what is known of each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CodeMap {
    /// Whose codes: a data set's specification, or a file of codes.
    pub data: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// Names of the dimensions.
    pub dims: Vec<String>,
    /// Which pictures of the data, in random order.
    pub indices: Vec<usize>,
    /// The means of their posteriors, `[picture][dimension]`.
    pub codes: Vec<Vec<f32>>,
    /// The factors that vary.
    pub factors: Vec<MappedFactor>,
    /// The model whose codes they are, and the command that makes them again.
    #[serde(default)]
    pub provenance: Provenance,
}

/// A factor of the pictures of a [`CodeMap`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MappedFactor {
    /// Its name.
    pub name: String,
    /// The value of each class, in the factor's own unit.
    pub values: Vec<f64>,
    /// What each class is called, where its value does not say it; empty otherwise.
    pub names: Vec<String>,
    /// The class of each picture.
    pub classes: Vec<usize>,
}

/// A plane that codes are looked at on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plane {
    /// The first two principal components of the codes on the map.
    #[default]
    Components,
    /// Two dimensions: across, and up.
    Dims([usize; 2]),
}

/// How a plane lies among the codes: through `origin`, along two axes of length 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    origin: Vec<f64>,
    axes: [Vec<f64>; 2],
    /// What the axes measure: across, and up; of a principal component its share of the variance, too.
    pub labels: [String; 2],
}

impl Projection {
    /// Where `code` lies on the plane.
    pub fn at(&self, code: &[f32]) -> [f64; 2] {
        let along = |axis: &Vec<f64>| {
            let parts = code.iter().zip(&self.origin).zip(axis);
            parts.map(|((&value, origin), axis)| (f64::from(value) - origin) * axis).sum()
        };
        [along(&self.axes[0]), along(&self.axes[1])]
    }

    /// The code nearest to `code` that lies at `place`.
    pub fn moved(&self, code: &[f32], place: [f64; 2]) -> Vec<f32> {
        let now = self.at(code);
        let shift = |dim: usize| -> f64 {
            self.axes.iter().zip([0, 1]).map(|(axis, at)| (place[at] - now[at]) * axis[dim]).sum()
        };
        code.iter().enumerate().map(|(dim, &value)| (f64::from(value) + shift(dim)) as f32).collect()
    }
}

impl CodeMap {
    /// What the map can be drawn as.
    pub const KINDS: [TargetKind; 3] = [TargetKind::Png, TargetKind::Svg, TargetKind::Pdf];

    /// The codes of `count` random pictures of `encoded_data`, whose dimensions are those of the block `code`, and which is
    /// called `data`.
    ///
    /// # Errors
    /// When pictures cannot be encoded, or the watch stops it.
    pub fn measure(
        encoded_data: &mut dyn EncodedData,
        (data, code): (&str, &str),
        count: usize,
        seed: u64,
        watch: &mut Watch<'_>,
    ) -> Result<Self, MetricError> {
        watch.begin(Metric::Kl);
        let sample = CodeSample::draw_shuffled(encoded_data, count, seed, watch)?;
        let classes: Vec<Vec<usize>> =
            sample.indices.iter().map(|&index| encoded_data.classes(index)).collect();
        let varying = encoded_data.factors().iter().enumerate().filter(|(_, factor)| factor.values.len() > 1);
        let factors = varying.map(|(place, factor)| MappedFactor {
            name: factor.name.clone(),
            values: factor.values.clone(),
            names: factor.names.clone(),
            classes: classes.iter().map(|classes| classes[place]).collect(),
        });
        Ok(Self {
            data: data.to_owned(),
            seed,
            dims: (0..encoded_data.code_dim()).map(|dim| format!("{code}{dim}")).collect(),
            factors: factors.collect(),
            codes: rows(&sample.mu),
            indices: sample.indices,
            provenance: Provenance::default(),
        })
    }

    /// How `plane` lies among the codes.
    ///
    /// # Errors
    /// When there is no such dimension, or there are fewer than two dimensions or pictures.
    pub fn projection(&self, plane: Plane) -> Result<Projection, MetricError> {
        let count = self.dims.len();
        if count < 2 || self.codes.len() < 2 {
            return Err(MetricError::request("a map needs two pictures, and codes of two dimensions"));
        }
        match plane {
            Plane::Components => self.components(),
            Plane::Dims([across, up]) => {
                if let Some(dim) = [across, up].into_iter().find(|dim| *dim >= count) {
                    let last = count - 1;
                    let what = format!("there is no dimension {dim}; name two from 0 to {last}");
                    return Err(MetricError::request(what));
                }
                if across == up {
                    return Err(MetricError::request("a map needs two different dimensions"));
                }
                let unit = |dim: usize| (0..count).map(|other| f64::from(u8::from(other == dim))).collect();
                let labels = [across, up].map(|dim| self.dims[dim].clone());
                Ok(Projection { origin: vec![0.0; count], axes: [unit(across), unit(up)], labels })
            }
        }
    }

    fn components(&self) -> Result<Projection, MetricError> {
        let (count, size) = (self.codes.len() as f64, self.dims.len());
        let column = |dim: usize| self.codes.iter().map(move |code| f64::from(code[dim]));
        let origin: Vec<f64> = (0..size).map(|dim| column(dim).sum::<f64>() / count).collect();
        let covariance = Mat::from_fn(size, size, |a, b| {
            let products = column(a).zip(column(b)).map(|(x, y)| (x - origin[a]) * (y - origin[b]));
            products.sum::<f64>() / count
        });
        let found = principal_components(&covariance);
        let found = found.ok_or_else(|| MetricError::request("these codes are not finite numbers"))?;
        let all: f64 = found.iter().map(|(variance, _)| variance.max(0.0)).sum();
        let label = |at: usize| {
            let share = 100.0 * found[at].0.max(0.0) / all.max(f64::MIN_POSITIVE);
            format!("Principal component {} ({share:.0} %)", at + 1)
        };
        let labels = [label(0), label(1)];
        Ok(Projection { origin, axes: [0, 1].map(|at| found[at].1.clone()), labels })
    }

    /// The factor called `name`.
    ///
    /// # Errors
    /// A sentence with the names of those that there are.
    pub fn factor(&self, name: &str) -> Result<&MappedFactor, MetricError> {
        self.factors.iter().find(|factor| factor.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.factors.iter().map(|factor| factor.name.as_str()).collect();
            MetricError::request(match known[..] {
                [] => format!("the factors of {} are not known, so nothing is called {name}", self.data),
                _ => format!("no factor that varies is called {name:?}; there are {}", known.join(", ")),
            })
        })
    }

    /// The codes on a plane, coloured by `factor` where there is one.
    ///
    /// # Errors
    /// As [`CodeMap::projection`].
    pub fn scatter(&self, plane: Plane, factor: Option<&MappedFactor>) -> Result<Scatter, MetricError> {
        let projection = self.projection(plane)?;
        let colouring = factor.map_or(Colouring::Nothing, |factor| {
            Colouring::of_classes(&factor.name, &factor.names, &factor.values, &factor.classes)
        });
        let dots = self.codes.iter().map(|code| projection.at(code)).collect();
        Ok(Scatter { axes: projection.labels, dots, colouring })
    }

    /// Draws what [`CodeMap::scatter`] says as a page; the same map is the same file.
    ///
    /// # Errors
    /// When the page is too large for a picture, or cannot be written.
    pub fn draw(&self, scatter: &Scatter, print: Print, target: &FigureTarget) -> Result<(), FigureError> {
        let (width, paper) = print.page_width(WIDTH, Scatter::LINE)?;
        let page = scatter.page(width)?;
        let provenance = self.provenance.clone().with("data", self.data.as_str());
        let provenance = provenance.with("samples", self.codes.len()).with("seed", self.seed);
        Print::write_page(&page, paper, target, &provenance)
    }

    /// Reads what [`CodeMap::write`] wrote.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Self, MetricError> {
        let text = std::fs::read_to_string(path).map_err(|error| FileError::new(error, path))?;
        let refuse = |why: &dyn Display| {
            let what = format!("this is no map of idgan map ({why}); make it again");
            CheckpointError::content(what, path)
        };
        let map: Self = serde_json::from_str(&text).map_err(|error| refuse(&error))?;
        if !map.is_whole() {
            return Err(refuse(&"codes, factors and pictures do not belong together").into());
        }
        Ok(map)
    }

    /// Whether every picture has a code of all dimensions, and a class of every factor.
    fn is_whole(&self) -> bool {
        let (count, dims) = (self.indices.len(), self.dims.len());
        let is_code = |code: &Vec<f32>| code.len() == dims && code.iter().all(|value| value.is_finite());
        let is_factor = |factor: &MappedFactor| {
            let known = factor.values.len();
            factor.classes.len() == count
                && factor.classes.iter().all(|&class| class < known)
                && (factor.names.is_empty() || factor.names.len() == known)
        };
        self.codes.len() == count && self.codes.iter().all(is_code) && self.factors.iter().all(is_factor)
    }

    /// Writes a JSON document, all of it or nothing.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), MetricError> {
        write_atomic(path, |writer| {
            serde_json::to_writer(&mut *writer, self)
                .map_err(std::io::Error::from)
                .and_then(|()| writer.write_all(b"\n"))
                .map_err(|error| FileError::new(error, path).into())
        })
    }
}

fn rows(values: &Array) -> Vec<Vec<f32>> {
    (0..values.shape()[0]).map(|row| values.row(row).to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Cancel;
    use crate::metrics::KnownCodes;

    /// 200 codes: 3 and 4 times a value along (0.6, 0.8), a tenth of another across it, and nothing.
    fn map() -> CodeMap {
        let mu = (0..200).flat_map(|row| {
            let (far, near) = (row as f32 / 50.0 - 2.0, (row % 7) as f32 / 30.0);
            [0.6 * far - 0.8 * near, 0.8 * far + 0.6 * near, 0.25]
        });
        let mu = Array::new([200, 3], mu.collect()).expect("fits");
        let columns = vec![
            ("half".to_owned(), (0..200).map(|row| f64::from(row >= 100)).collect()),
            ("constant".to_owned(), vec![1.0; 200]),
        ];
        let mut codes = KnownCodes::with_values(mu, None, columns);
        let (mut follow, cancel) = (|_| {}, Cancel::new());
        let mut watch = Watch::new(&cancel, &mut follow);
        CodeMap::measure(&mut codes, ("codes", "z"), 150, 3, &mut watch).expect("encodes")
    }

    #[test]
    fn pictures_are_random_and_keep_their_codes_and_classes() {
        let map = map();
        assert_eq!((map.codes.len(), map.dims.join(" ")), (150, "z0 z1 z2".to_owned()));
        assert_eq!(map.factors.len(), 1, "what does not vary is left out");
        assert!(!map.indices.is_sorted());
        for ((&index, code), &class) in map.indices.iter().zip(&map.codes).zip(&map.factors[0].classes) {
            assert_eq!((code[2], class), (0.25, usize::from(index >= 100)));
        }
        assert_eq!(map, self::map());
    }

    #[test]
    fn the_first_component_lies_where_the_codes_vary_most() {
        let map = map();
        let plane = map.projection(Plane::Components).expect("a plane");
        let expected = [0.6, 0.8, 0.0];
        assert!(plane.axes[0].iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.02), "{plane:?}");
        assert!(plane.labels[0].starts_with("Principal component 1 (100 %"), "{plane:?}");
        let mean = [0, 1].map(|at| map.codes.iter().map(|code| plane.at(code)[at]).sum::<f64>());
        assert!(mean.iter().all(|sum| sum.abs() < 1e-3), "{mean:?}");
    }

    #[test]
    fn a_code_is_moved_along_the_plane_alone() {
        let map = map();
        for plane in [Plane::Components, Plane::Dims([2, 0])] {
            let projection = map.projection(plane).expect("a plane");
            let code = [0.5, -1.0, 2.0];
            let there = projection.moved(&code, [1.5, -0.25]);
            let place = projection.at(&there);
            assert!((place[0] - 1.5).abs() < 1e-5 && (place[1] + 0.25).abs() < 1e-5, "{place:?}");
            if plane == Plane::Dims([2, 0]) {
                assert_eq!(there, [-0.25, -1.0, 1.5], "the other dimension stays");
            }
        }
    }

    #[test]
    fn what_there_is_not_is_said() {
        let map = map();
        let said = |plane| map.projection(plane).expect_err("refuses").to_string();
        assert_eq!(said(Plane::Dims([0, 3])), "there is no dimension 3; name two from 0 to 2");
        assert!(said(Plane::Dims([1, 1])).contains("two different"));
        let error = map.factor("hue").expect_err("refuses").to_string();
        assert!(error.contains("no factor that varies is called \"hue\"; there are half"), "{error}");
        assert_eq!(map.factor("half").expect("is there").classes.len(), 150);
    }

    #[test]
    fn a_map_survives_the_disk_and_other_files_are_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("map.json");
        let map = map();
        map.write(&path).expect("writes");
        assert_eq!(CodeMap::read(&path).expect("reads"), map);
        let mut damaged = map.clone();
        damaged.factors[0].classes[7] = 2;
        damaged.write(&path).expect("writes");
        for others in [std::fs::read_to_string(&path).expect("reads"), "[]".to_owned()] {
            std::fs::write(&path, others).expect("writes");
            assert!(CodeMap::read(&path).is_err_and(|error| error.to_string().contains("make it again")));
        }
    }
}
