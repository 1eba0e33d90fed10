//! The grids that show a run's progress: the same pictures and codes every time.

use crate::base::{Cancel, Picture, Stream};
use crate::data::Dataset;
use crate::explore::{Codes, SourcePictures, evenly};
use crate::figures::drawing::{Band, PictureTable, captions};
use crate::inference::{Networks, Renderer};
use crate::metrics::kl_divergence;
use crate::model::{Chain, CodeKind, ModelDescription};

use super::TrainError;

/// Columns of the grid.
const COLUMNS: usize = 8;
/// Dimensions that are traversed, those with most information.
const TRAVERSED: usize = 6;
/// Pictures that say which dimensions carry information.
const RANKED: usize = 64;
/// Largest side of a cell in pixels.
const LARGEST_CELL: usize = 256;
/// Rows of what a chain makes of the data's pictures, each with another noise.
const NOISES: usize = 3;

/// Fixed pictures of the data set, as the encoder sees them and as they are shown.
pub(super) struct SampleSet {
    /// `(RANKED, channels, side, side)` in [0, 1].
    encoder_pictures: Vec<f32>,
    shown: Vec<Picture>,
    /// The same as chains take them that make pictures of pictures.
    sources: Option<SourcePictures>,
    seed: u64,
}

impl SampleSet {
    /// Draws the pictures of a run with `seed`, for an encoder that takes pictures of `side` pixels each way.
    pub(super) fn new(data: &dyn Dataset, seed: u64, side: usize) -> Result<Self, TrainError> {
        let [channels, height, width] = data.picture_shape();
        let mut stream = Stream::new(seed, "samples");
        let mut picture = vec![0.0; channels * height * width];
        let (mut encoder_pictures, mut shown, mut sources) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..RANKED {
            data.read(stream.below(data.len()), i as u64, &mut picture)?;
            encoder_pictures.extend(box_downsample(&picture, height, width, side));
            if i < COLUMNS {
                shown.extend(Picture::from_chw(&picture, channels, height, width));
                sources.extend_from_slice(&picture);
            }
        }
        let sources = SourcePictures::new([channels, height, width], sources);
        Ok(Self { encoder_pictures, shown, sources, seed })
    }

    /// Draws the grid: the data, what each network makes of its codes, and traversals of the dimensions that
    /// carry most information. Without an encoder nobody knows them, and the codes are random. Chains that make pictures of
    /// pictures are given the data's, with several noises where they take any.
    pub(super) fn draw(
        &self,
        networks: &mut Networks,
        description: &ModelDescription,
    ) -> Result<Picture, TrainError> {
        let (mut mu, mut ranked, mut dims) = (Vec::new(), Vec::new(), 0);
        if let Some(encoder) = &mut networks.encoder {
            dims = encoder.code_dim();
            mu.resize(RANKED * dims, 0.0);
            let mut logvar = vec![0.0; RANKED * dims];
            encoder.encode(&self.encoder_pictures, &mut mu, &mut logvar)?;
            ranked = rank(&mu, &logvar, dims);
        }

        let code = description.encoded().unwrap_or_default();
        // the cheap pictures first, those of the main chain below
        let all = description.render.iter().rev();
        let chains: Vec<(&str, usize)> = all.flat_map(|chain| self.rows_of(description, chain)).collect();
        // what a traversal does not move is drawn among the samples alone, as what IB-GAN makes of z
        let moved: Vec<(&str, usize)> =
            chains.iter().copied().filter(|(chain, _)| description.inputs(chain).contains(&code)).collect();
        let tags_of =
            |chains: &[(&str, usize)]| chains.iter().map(|(name, _)| name.to_uppercase()).collect::<Vec<_>>();
        let shape = description.render.first().and_then(|chain| description.picture_shape(&chain.name));
        let side = shape
            .or(description.encoder_shape())
            .map_or(LARGEST_CELL, |[_, _, width]| width.min(LARGEST_CELL));
        let mut figure = PictureTable { cell: [side; 2], columns: COLUMNS, bands: Vec::new(), line: None };
        let mut tags = vec!["data".to_owned()];
        tags.extend(tags_of(&chains));
        figure.bands.push(Band { title: "samples".into(), tags, ..Band::default() });
        let block = description.block(code);
        let values = evenly(block.map_or([-3.0, 3.0], |block| block.range), COLUMNS);
        // where training draws between two bounds; against such a prior nats would be other ones
        let bounds = block.filter(|block| block.kind == CodeKind::Uniform).map(|block| block.range);
        for &(dim, kl) in ranked.iter().take(TRAVERSED) {
            figure.bands.push(Band {
                title: format!("{code}{dim}"),
                notes: if bounds.is_none() { vec![format!("{kl:.2} nats")] } else { Vec::new() },
                captions: captions(&values),
                tags: tags_of(&moved),
            });
        }
        let fail = |error: &dyn std::fmt::Display| TrainError::Mismatch(error.to_string());
        let mut canvas = figure.canvas().map_err(|error| fail(&error))?;
        for (column, picture) in self.shown.iter().enumerate() {
            canvas.place(0, column, picture);
        }
        let mut row = 1;
        for band in 0..=ranked.len().min(TRAVERSED) {
            let mut codes = Codes::neutral(description, COLUMNS);
            for column in 0..COLUMNS {
                if dims > 0 {
                    let mut c = mu[..dims].to_vec();
                    match band.checked_sub(1).map(|i| ranked[i].0) {
                        None => c.copy_from_slice(&mu[column * dims..(column + 1) * dims]),
                        Some(dim) => c[dim] = values[column],
                    }
                    if let Some([low, high]) = bounds {
                        c.iter_mut().for_each(|value| *value = value.clamp(low, high));
                    }
                    codes.set_row(code, column, &c).map_err(|error| fail(&error))?;
                }
            }
            if let Some(sources) = &self.sources {
                codes.set_pictures(sources.clone()).map_err(|error| fail(&error))?;
            }
            for (chain, noise) in if band == 0 { &chains } else { &moved } {
                let Some(renderer) = networks.renderers.get_mut(*chain) else { continue };
                for column in 0..COLUMNS {
                    let item = if band == 0 { (noise * COLUMNS + column) as u64 } else { 0 };
                    self.set_nuisance(&mut codes, description, code, item, column)
                        .map_err(|error| fail(&error))?;
                }
                let input = codes.input(description, chain).map_err(|error| fail(&error))?;
                place_row(&mut canvas, row, renderer.as_mut(), input.data())?;
                row += 1;
            }
        }
        Ok(canvas.into_picture())
    }

    /// The rows of a chain, by the numbers of their noises; none for one that takes pictures of another shape than the data's.
    fn rows_of<'a>(&self, description: &ModelDescription, chain: &'a Chain) -> Vec<(&'a str, usize)> {
        let Ok(wiring) = description.wiring(chain) else { return Vec::new() };
        let rows = match wiring.picture_taken() {
            None => 1,
            taken if taken != self.sources.as_ref().map(SourcePictures::shape) => 0,
            Some(_) if wiring.codes().is_empty() => 1,
            Some(_) => NOISES,
        };
        (0..rows).map(|noise| (chain.name.as_str(), noise)).collect()
    }

    /// Every sample has its own nuisance code, a traversal keeps one.
    fn set_nuisance(
        &self,
        codes: &mut Codes,
        description: &ModelDescription,
        code: &str,
        item: u64,
        column: usize,
    ) -> Result<(), crate::explore::CodesError> {
        for block in description.codes.iter().filter(|block| block.name != code) {
            let values = Stream::for_item(self.seed, &block.name, item).normals(block.dims);
            codes.set_row(&block.name, column, &values)?;
        }
        Ok(())
    }
}

fn place_row(
    canvas: &mut crate::figures::drawing::Canvas,
    row: usize,
    renderer: &mut dyn Renderer,
    codes: &[f32],
) -> Result<(), TrainError> {
    let mut picture = Picture::default();
    for (column, code) in codes.chunks_exact(renderer.code_dim().max(1)).enumerate() {
        renderer.render_picture(code, &mut picture, &Cancel::new())?;
        canvas.place(row, column, &picture);
    }
    Ok(())
}

/// The picture as PNG.
pub(super) fn encode_png(picture: &Picture) -> Result<Vec<u8>, TrainError> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    image::ImageEncoder::write_image(encoder, picture.rgba(), width, height, image::ExtendedColorType::Rgba8)
        .map_err(|error| TrainError::Mismatch(format!("a sample grid cannot be encoded: {error}")))?;
    Ok(bytes)
}

/// Dimensions with their mean KL divergence in nats, most first.
fn rank(mu: &[f32], logvar: &[f32], dims: usize) -> Vec<(usize, f64)> {
    let rows = mu.len() / dims.max(1);
    let mut ranked: Vec<(usize, f64)> = (0..dims)
        .map(|dim| {
            let sum: f64 =
                (0..rows).map(|row| kl_divergence(mu[row * dims + dim], logvar[row * dims + dim])).sum();
            (dim, sum / rows.max(1) as f64)
        })
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked
}

/// The mean over blocks of `(channels, height, width)`, down to `side`; a picture that is not a multiple of it
/// larger is returned as it is.
fn box_downsample(picture: &[f32], height: usize, width: usize, side: usize) -> Vec<f32> {
    let factor = height / side;
    if factor <= 1 || factor * side != height || height != width {
        return picture.to_vec();
    }
    let scale = 1.0 / (factor * factor) as f32;
    let mut out = Vec::with_capacity(picture.len() / (factor * factor));
    for plane in picture.chunks_exact(height * width) {
        for y in 0..side {
            for x in 0..side {
                let rows = (0..factor).map(|i| &plane[(y * factor + i) * width + x * factor..][..factor]);
                out.push(rows.flatten().sum::<f32>() * scale);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_averaged_channel_by_channel() {
        let picture: Vec<f32> = (0..32).map(|i| i as f32).collect();
        let small = box_downsample(&picture, 4, 4, 2);
        assert_eq!(small, [2.5, 4.5, 10.5, 12.5, 18.5, 20.5, 26.5, 28.5]);
        assert_eq!(box_downsample(&picture, 4, 4, 4), picture);
    }

    #[test]
    fn dimensions_are_ranked_by_information() {
        let ranked = rank(&[0.0, 3.0, 1.0, 0.0, -3.0, -1.0], &[0.0; 6], 3);
        assert_eq!(ranked.iter().map(|r| r.0).collect::<Vec<_>>(), [1, 2, 0]);
        assert_eq!(ranked[0].1, 4.5);
    }
}
