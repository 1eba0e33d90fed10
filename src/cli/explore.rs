//! `idgan [explore] [MODEL]`: the window.

use super::ModelArgs;

/// Arguments of `idgan explore`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    idgan explore                                     start with the bundled models\n  \
    idgan explore runs/sprites                        follow a run while it trains\n  \
    idgan explore --vae celeba/last --gan celeba/model.pt")]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
}

/// Opens the window.
///
/// # Errors
/// When this build has no window, or the window cannot be opened.
#[cfg(not(feature = "gui"))]
pub fn run(args: &Args) -> anyhow::Result<()> {
    // A mistyped command reads as a model; say so rather than talk about windows.
    if let Some(path) = args.model.bundle().filter(|path| !path.exists()) {
        return Err(no_such_model(path));
    }
    anyhow::bail!(
        "this idgan was built without its window (feature `gui`); the other commands work, see idgan --help"
    )
}

/// Opens the window.
///
/// # Errors
/// When the window cannot be opened.
#[cfg(feature = "gui")]
pub fn run(args: &Args) -> anyhow::Result<()> {
    if let Some(path) = args.model.bundle().filter(|path| !path.exists()) {
        return Err(no_such_model(path));
    }
    anyhow::bail!("the window is not wired to this command yet")
}

fn no_such_model(path: &std::path::Path) -> anyhow::Error {
    super::usage(format!(
        "no command and no file has this name; idgan --help lists the commands: {}",
        path.display()
    ))
}
