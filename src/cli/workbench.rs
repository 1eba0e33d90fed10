use std::path::Path;
use std::str::FromStr;

use anyhow::Context;

use crate::base::{Array, Picture, Pool};
use crate::checkpoint;
use crate::explore::export::Provenance;
use crate::explore::{Codes, Form, Posterior, Source, draw_posterior, draw_prior};
use crate::inference::{self, Computer, Encoder, Networks, Purpose, Renderer};
use crate::model::{Chain, ChainId, CodeBlock, CodeKind, Model, ModelDescription};

use super::codes_file::{CodesFile, Wanted};
use super::{BackgroundArgs, DeviceArgs, ModelArgs, threads, usage, warn};

/// A model with its networks ready to run: what every drawing command works with.
pub(super) struct Workbench {
    pub(super) model: Model,
    pub(super) networks: Networks,
    pub(super) computer: Computer,
    pub(super) posterior: Option<Posterior>,
}

/// Which render chains draw: `gan`, `vae`, what else the model calls them, or `both`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainChoice {
    /// All, the main one last: the VAE's decoder above the generator.
    Both,
    /// The one of this name.
    Named(String),
}

impl FromStr for ChainChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("expected gan, vae, both, or the name of one of the model's chains".to_owned()),
            "both" => Ok(Self::Both),
            name => Ok(Self::Named(name.to_owned())),
        }
    }
}

/// Opens the model that `args` name and prints its warnings.
pub(super) fn open_model(args: &ModelArgs) -> anyhow::Result<Model> {
    let opened = checkpoint::open(&args.sources()?)?;
    opened.warnings.iter().for_each(warn);
    Ok(opened.model)
}

impl Workbench {
    pub(super) fn open(model: &ModelArgs, device: &DeviceArgs) -> anyhow::Result<Self> {
        Self::new(open_model(model)?, device)
    }

    pub(super) fn new(model: Model, device: &DeviceArgs) -> anyhow::Result<Self> {
        let pool = Pool::new("render", threads()).context("cannot start threads")?;
        let computer = device.open(Purpose::Pictures)?;
        let networks = inference::open(&model, &computer.device, &pool)?;
        networks.warnings.iter().for_each(warn);
        let posterior = model.stats.as_ref().map(Posterior::new).transpose()?;
        Ok(Self { model, networks, computer, posterior })
    }

    pub(super) fn description(&self) -> &ModelDescription {
        &self.model.description
    }

    /// The statistics and the block that they are about.
    pub(super) fn posterior(&self) -> Option<(&str, &Posterior)> {
        Some((self.model.description.encoded()?, self.posterior.as_ref()?))
    }

    /// The name of a render chain.
    pub(super) fn chain_name(&self, id: ChainId) -> String {
        self.description().render_chain(id).map(|chain| chain.name.clone()).unwrap_or_default()
    }

    /// The tag beside a chain's row in a figure.
    pub(super) fn tag(&self, chain: &str) -> String {
        self.description().chain(chain).map_or_else(|_| chain.to_owned(), Chain::tag)
    }

    /// The render chains to draw with, the main one last. Without a wish those that there are.
    pub(super) fn chains(&self, wish: Option<&ChainChoice>) -> anyhow::Result<Vec<String>> {
        let mut chains: Vec<String> =
            self.description().render.iter().rev().map(|chain| chain.name.clone()).collect();
        let Some(main) = chains.last() else {
            anyhow::bail!("this model has neither a generator nor a VAE, so nothing can draw");
        };
        match wish {
            Some(ChainChoice::Both) if chains.len() < 2 => anyhow::bail!(
                "this model draws with {main} alone; leave --decoder out to draw with what there is"
            ),
            Some(ChainChoice::Named(name)) => chains = vec![self.description().chain(name)?.name.clone()],
            Some(ChainChoice::Both) | None => {}
        }
        Ok(chains)
    }

    pub(super) fn renderer(&mut self, chain: &str) -> anyhow::Result<&mut (dyn Renderer + 'static)> {
        let renderer = self.networks.renderers.get_mut(chain);
        Ok(renderer.with_context(|| format!("this model draws nothing called {chain}"))?.as_mut())
    }

    pub(super) fn encoder(&mut self) -> anyhow::Result<&mut (dyn Encoder + 'static)> {
        self.networks.encoder.as_deref_mut().context(
            "this model has no encoder, because it has no VAE; give the VAE's file with --vae, beside --gan",
        )
    }

    /// The form that the encoder takes pictures in.
    pub(super) fn form(&mut self, crop: Option<u32>, background: &BackgroundArgs) -> anyhow::Result<Form> {
        let background = background.or(self.description());
        let [channels, size, _] = self.encoder()?.picture_shape();
        Ok(Form { channels, size, crop: crop.map(|crop| crop as usize), background })
    }

    /// Channels, height and width of a chain's pictures.
    pub(super) fn picture_shape(&mut self, chain: &str) -> anyhow::Result<[usize; 3]> {
        Ok(self.renderer(chain)?.picture_shape())
    }

    /// What a chain takes for these codes.
    pub(super) fn input(&self, chain: &str, codes: &Codes) -> anyhow::Result<Array> {
        Ok(codes.input(self.description(), chain)?)
    }

    /// Provenance of what this command makes, without details.
    pub(super) fn provenance(&self) -> Provenance {
        let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
        let provenance = Provenance {
            command: std::iter::once("idgan".to_owned()).chain(words).collect(),
            model: self.model.description.name.clone(),
            checkpoint: self.model.hash.clone(),
            ..Provenance::default()
        };
        if self.computer.device.is_cpu() {
            return provenance;
        }
        // What a GPU computes depends on both.
        let precision = self.computer.precision.to_string();
        provenance.with("device", self.computer.name()).with("precision", precision)
    }

    /// The statistics that codes are drawn from, where `source` asks for them.
    pub(super) fn posterior_for(&self, source: Source) -> anyhow::Result<Option<(&str, &Posterior)>> {
        match (source, self.posterior()) {
            (Source::Prior, _) => Ok(None),
            (Source::Posterior, Some(posterior)) => Ok(Some(posterior)),
            (Source::Posterior, None) => anyhow::bail!(
                "drawing from the posterior needs statistics of the data, and this model has none; measure them with \
                 idgan stats MODEL --images DIR, or use --from prior"
            ),
        }
    }

    /// Fills the rows of `block` with draws of `seed`.
    pub(super) fn draw(
        &self,
        codes: &mut Codes,
        block: &CodeBlock,
        seed: u64,
        source: Source,
    ) -> anyhow::Result<()> {
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
    pub(super) fn read_codes(&self, path: &Path, seed: u64) -> anyhow::Result<(Codes, Vec<String>)> {
        let CodesFile { mut codes, held, .. } = CodesFile::read(path, self.description(), Wanted::All)?;
        let mut drawn = Vec::new();
        for block in &self.description().codes {
            if block.kind == CodeKind::Noise && !held.contains(&block.name) {
                self.draw(&mut codes, block, seed, Source::Prior)?;
                drawn.push(block.name.clone());
            }
        }
        Ok((codes, drawn))
    }
}

/// The picture of one row of rendered values.
pub(super) fn picture(values: &[f32], [channels, height, width]: [usize; 3]) -> anyhow::Result<Picture> {
    Picture::from_chw(values, channels, height, width).context("a picture must have 1 or 3 channels")
}

/// Refuses an option that makes no sense here, with exit code 2.
pub(super) fn refuse(condition: bool, sentence: &str) -> anyhow::Result<()> {
    if condition { Err(usage(sentence)) } else { Ok(()) }
}
