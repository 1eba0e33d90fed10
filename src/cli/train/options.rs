//! What both stages take.

use std::path::PathBuf;

use crate::cli::{DeviceArgs, OpeningArgs};

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The run folder: config, log, samples, checkpoints.
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    pub(super) out: Option<PathBuf>,
    /// What to train on, for instance dsprites, scenes or images:DIR; see `idgan data --help`.
    #[arg(long, value_name = "SPEC")]
    pub(super) data: Option<String>,
    /// For cycle-iae: the pictures of the second domain, which stand in the place of codes of those of --data.
    #[arg(long, value_name = "SPEC")]
    pub(super) data2: Option<String>,
    /// A named set of values to start from; a wrong name lists them. Left out: the small preset that fits --data.
    #[arg(long, value_name = "NAME")]
    pub(super) preset: Option<String>,
    /// A TOML file with values that replace the preset's.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Replaces one value, for instance vae.beta=4 or gan.s_dim=16; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// Stage 1: vae, beta-vae, factor-vae, annealed-vae, beta-tcvae, dip-vae-i or dip-vae-ii; stage 2: idgan, or one that it is compared with: gan,
    /// infogan, cgan, idgan-no-distill, idgan-end-to-end, vae-gan.
    #[arg(long, value_name = "NAME")]
    pub(super) method: Option<String>,
    /// The VAE whose code idgan, idgan-no-distill and cgan take: a run folder, a bundle or a published PyTorch file.
    #[arg(long, value_name = "FILE|RUN", value_parser = crate::cli::args::model_parser())]
    pub(super) vae: Option<PathBuf>,
    /// The model that the networks start from instead of random weights. Stage 1: a VAE of the same sizes. Stage 2: a GAN
    /// of the same sizes, or one of half the picture size and half the gan.nfilter_max, which grows by a level; it should
    /// have learnt from the same VAE, or from one that --start made of it.
    #[arg(long, value_name = "FILE|RUN", value_parser = crate::cli::args::model_parser())]
    pub(super) start: Option<PathBuf>,
    /// Picture height and width in pixels: 64 for the VAE, 64 to 1024 for the GAN.
    #[arg(long, value_name = "N")]
    pub(super) size: Option<usize>,
    /// Steps to train in all; may be raised when resuming.
    #[arg(long, value_name = "N")]
    pub(super) steps: Option<u64>,
    /// Pictures a step.
    #[arg(long, value_name = "N")]
    pub(super) batch: Option<usize>,
    /// Seed of every random stream.
    #[arg(long, value_name = "K")]
    pub(super) seed: Option<u64>,
    /// Steps between checkpoints.
    #[arg(long, value_name = "N")]
    pub(super) checkpoint_every: Option<u64>,
    /// Steps between sample grids; 0 for none.
    #[arg(long, value_name = "N")]
    pub(super) sample_every: Option<u64>,
    /// Go on with the run in --out; its saved configuration holds.
    #[arg(long)]
    pub(super) resume: bool,
    /// Print the effective configuration and end.
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) opening: OpeningArgs,
    #[command(flatten)]
    pub(super) device: DeviceArgs,
}
