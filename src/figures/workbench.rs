use std::path::Path;

use crate::base::{Array, Background, Picture, Pool};
use crate::explore::{
    CodeSource, Codes, CodesFile, Form, Posterior, Wanted, draw_posterior, draw_prior, render_rows,
};
use crate::inference::{self, Computer, Encoder, Networks, Outcome, Renderer};
use crate::model::{Chain, ChainId, CodeBlock, CodeKind, Model, ModelDescription};

use super::export::Provenance;
use super::{ChainChoice, DrawOptions, FigureError};

/// A model with its networks ready to run: what every figure is drawn with.
pub struct Workbench {
    /// The model.
    pub model: Model,
    /// Its networks.
    pub networks: Networks,
    /// Where they compute.
    pub computer: Computer,
    /// What the model is without the render chains that cannot be run here.
    pub description: ModelDescription,
    posterior: Option<Posterior>,
}

impl Workbench {
    /// Makes the networks of `model` ready on `computer`, and on `threads` of its processor.
    ///
    /// # Errors
    /// When the system refuses threads, the weights do not fit the description or the device, or the statistics are none.
    pub fn new(model: Model, computer: Computer, threads: usize) -> Result<Self, FigureError> {
        let pool = Pool::new("render", threads).map_err(FigureError::Threads)?;
        let networks = inference::open(&model, &computer, &pool)?;
        let code = model.description.encoded().and_then(|code| model.description.block(code));
        let posterior =
            model.stats.as_ref().zip(code).map(|(stats, code)| Posterior::new(stats, code)).transpose()?;
        let mut description = model.description.clone();
        description.render.retain(|chain| networks.renderers.contains_key(&chain.name));
        Ok(Self { model, networks, computer, description, posterior })
    }

    /// What can be done with the model here.
    pub fn description(&self) -> &ModelDescription {
        &self.description
    }

    /// The statistics and the block that they are about.
    pub fn posterior(&self) -> Option<(&str, &Posterior)> {
        Some((self.model.description.encoded()?, self.posterior.as_ref()?))
    }

    /// The name of a render chain.
    pub fn chain_name(&self, id: ChainId) -> String {
        self.description().render_chain(id).map(|chain| chain.name.clone()).unwrap_or_default()
    }

    /// The tag beside a chain's row in a figure.
    pub(super) fn tag(&self, chain: &str) -> String {
        self.description().chain(chain).map_or_else(|_| chain.to_owned(), Chain::tag)
    }

    /// The render chains to draw with, the main one last. Without a wish those that there are.
    pub(super) fn chains(&self, wish: Option<&ChainChoice>) -> Result<Vec<String>, FigureError> {
        let lacking = |sentence: String| Err(FigureError::Lacking(sentence));
        let mut chains: Vec<String> =
            self.description().render.iter().rev().map(|chain| chain.name.clone()).collect();
        let Some(main) = chains.last() else {
            return lacking("this model has neither a generator nor a VAE, so nothing can draw".to_owned());
        };
        match wish {
            Some(ChainChoice::Both) if chains.len() < 2 => {
                return lacking(format!(
                    "this model draws with {main} alone; leave --decoder out to draw with what there is"
                ));
            }
            Some(ChainChoice::Named(name)) => chains = vec![self.description().chain(name)?.name.clone()],
            Some(ChainChoice::Both) | None => {}
        }
        Ok(chains)
    }

    /// What runs the chain of this name.
    ///
    /// # Errors
    /// When the model has none, or none that runs here.
    pub fn renderer(&mut self, chain: &str) -> Result<&mut (dyn Renderer + 'static), FigureError> {
        let renderer = self.networks.renderers.get_mut(chain);
        let renderer = renderer.map(AsMut::as_mut);
        renderer.ok_or_else(|| FigureError::Lacking(format!("this model draws nothing called {chain}")))
    }

    /// What reads codes from pictures.
    ///
    /// # Errors
    /// When the model has none.
    pub fn encoder(&mut self) -> Result<&mut (dyn Encoder + 'static), FigureError> {
        let lacking = self.description.lacks_encoder();
        self.networks.encoder.as_deref_mut().ok_or_else(|| FigureError::Lacking(lacking.to_owned()))
    }

    /// The form that the encoder takes pictures in: cut to a square of `crop` pixels where one is named, on `background` or
    /// what the model was trained with.
    ///
    /// # Errors
    /// As [`Workbench::encoder`].
    pub fn form(&mut self, crop: Option<u32>, background: Option<Background>) -> Result<Form, FigureError> {
        let background = background.unwrap_or_else(|| self.description().background());
        let [channels, size, _] = self.encoder()?.picture_shape();
        Ok(Form { channels, size, crop: crop.map(|crop| crop as usize), background })
    }

    /// Channels, height and width of a chain's pictures.
    pub(super) fn picture_shape(&mut self, chain: &str) -> Result<[usize; 3], FigureError> {
        Ok(self.renderer(chain)?.picture_shape())
    }

    /// What a chain takes for these codes.
    pub(super) fn input(&self, chain: &str, codes: &Codes) -> Result<Array, FigureError> {
        Ok(codes.input(self.description(), chain)?)
    }

    /// Provenance of what `command` makes of the model, without details.
    pub fn provenance(&self, command: Vec<String>) -> Provenance {
        let provenance = Provenance {
            command,
            model: self.model.description.name.clone(),
            checkpoint: self.model.hash.clone(),
            ..Provenance::default()
        };
        if self.computer.device.is_cpu() && self.computer.precision.is_single() {
            return provenance;
        }
        // What is computed depends on both.
        let precision = self.computer.precision.to_string();
        provenance.with("device", self.computer.name()).with("precision", precision)
    }

    /// The statistics that codes are drawn from, where `source` asks for them.
    pub(super) fn posterior_for(
        &self,
        source: CodeSource,
    ) -> Result<Option<(&str, &Posterior)>, FigureError> {
        match (source, self.posterior()) {
            (CodeSource::Prior, _) => Ok(None),
            (CodeSource::Posterior, Some(posterior)) => Ok(Some(posterior)),
            (CodeSource::Posterior, None) => Err(FigureError::Lacking(
                "drawing from the posterior needs statistics of the data, and this model has none; measure them with \
                 idgan stats MODEL --images DIR, or use --from prior"
                    .to_owned(),
            )),
        }
    }

    /// Fills the rows of `block` with draws of `seed`.
    pub(super) fn draw(
        &self,
        codes: &mut Codes,
        block: &CodeBlock,
        seed: u64,
        source: CodeSource,
    ) -> Result<(), FigureError> {
        // Blocks that no statistics are about, the nuisance among them, have only their prior.
        let posterior = self.posterior_for(source)?.filter(|(code, _)| *code == block.name).map(|(_, p)| p);
        for row in 0..codes.rows() {
            let values = match posterior {
                Some(posterior) => draw_posterior(block, posterior, seed, row),
                None => draw_prior(block, seed, row),
            };
            codes.set_row(&block.name, row, &values)?;
        }
        Ok(())
    }

    /// Reads codes `(N, dims)` for every block from a file. Nuisance that the file lacks is drawn from `seed`; the names
    /// of such blocks come second.
    pub(super) fn read_codes(&self, path: &Path, seed: u64) -> Result<(Codes, Vec<String>), FigureError> {
        let CodesFile { mut codes, held, .. } = CodesFile::read(path, self.description(), Wanted::All)?;
        let mut random_blocks = Vec::new();
        for block in &self.description().codes {
            if block.kind == CodeKind::Noise && !held.contains(&block.name) {
                self.draw(&mut codes, block, seed, CodeSource::Prior)?;
                random_blocks.push(block.name.clone());
            }
        }
        Ok((codes, random_blocks))
    }

    /// Draws the rows of codes by the chain beside them, one chain after the other. `each` gets the number of the chain and
    /// of the row, the picture's values in [0, 1] and their shape.
    ///
    /// # Errors
    /// When the codes do not fit, drawing fails or was stopped, or `each` fails.
    pub(super) fn render<'a>(
        &mut self,
        parts: impl IntoIterator<Item = (&'a str, &'a Codes)>,
        options: &mut DrawOptions<'_>,
        mut each: impl FnMut(usize, usize, &[f32], [usize; 3]) -> Result<(), FigureError>,
    ) -> Result<(), FigureError> {
        let parts: Vec<_> = parts.into_iter().collect();
        let (mut done, of) = (0, parts.iter().map(|(_, codes)| codes.rows()).sum());
        for (at, (chain, codes)) in parts.into_iter().enumerate() {
            let (input, shape) = (self.input(chain, codes)?, self.picture_shape(chain)?);
            let outcome = render_rows(self.renderer(chain)?, &input, options.cancel, |row, values| {
                options.check()?;
                each(at, row, values, shape)?;
                done += 1;
                options.observer.progress(done, of);
                Ok::<(), FigureError>(())
            })?;
            if outcome == Outcome::Cancelled {
                return Err(FigureError::Stopped);
            }
        }
        Ok(())
    }
}

/// The picture of one row of rendered values.
///
/// # Errors
/// When it has neither 1 nor 3 channels.
pub fn picture(values: &[f32], [channels, height, width]: [usize; 3]) -> Result<Picture, FigureError> {
    let picture = Picture::from_chw(values, channels, height, width);
    picture.ok_or_else(|| FigureError::Lacking("a picture must have 1 or 3 channels".to_owned()))
}
