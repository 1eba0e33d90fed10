//! `idgan bench`: how fast this build is on this machine.

use super::{bench_answer, bench_render, bench_scaling, bench_train, bench_ui};

/// Arguments of `idgan bench`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    idgan bench render --arch resnet:1024:16:512 --json\n  \
    idgan bench train --preset dsprites --stage vae\n  \
    idgan bench scaling\n  \
    idgan bench answer\n  \
    idgan bench ui --generator 1024 --json")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum What {
    /// Time from a code to a finished picture.
    Render(bench_render::Args),
    /// Time of one whole training step.
    Train(bench_train::Args),
    /// Rendering over threads, batches and sizes, in one table.
    Scaling(bench_scaling::Args),
    /// How long the VAE decoder keeps a person waiting beside a generator and a training run.
    Answer(bench_answer::Args),
    /// How the window feels while a slider is dragged.
    Ui(bench_ui::Args),
}

/// Measures.
///
/// # Errors
/// When what is measured cannot be started.
pub fn run(args: &Args) -> anyhow::Result<()> {
    match &args.what {
        What::Render(args) => bench_render::run(args),
        What::Train(args) => bench_train::run(args),
        What::Scaling(args) => bench_scaling::run(args),
        What::Answer(args) => bench_answer::run(args),
        What::Ui(args) => bench_ui::run(args),
    }
}
