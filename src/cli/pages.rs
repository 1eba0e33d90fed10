//! `idgan pages`: manual pages and shell completions, for packages.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::{Shell, generate_to};

use super::Cli;

/// Write the program's manual pages and shell completions, as packages install them.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    idgan pages --out share     share/man/man1, share/bash-completion/completions, share/zsh/site-functions and\n  \
                                share/fish/vendor_completions.d\n\n\
    scripts/package makes a tarball and a Debian package with them.")]
pub struct Args {
    /// The folder that gets `man` and the folders of the shells.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs `idgan pages`.
///
/// # Errors
/// When a file cannot be written.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let folder = |inside: &str| -> anyhow::Result<PathBuf> {
        let path = args.out.join(inside);
        std::fs::create_dir_all(&path)
            .with_context(|| format!("cannot make the folder: {}", path.display()))?;
        Ok(path)
    };
    let failed = |path: &Path| format!("cannot write into the folder: {}", path.display());

    let man = folder("man/man1")?;
    clap_mangen::generate_to(Cli::command(), &man).with_context(|| failed(&man))?;
    for (shell, inside) in [
        (Shell::Bash, "bash-completion/completions"),
        (Shell::Zsh, "zsh/site-functions"),
        (Shell::Fish, "fish/vendor_completions.d"),
    ] {
        let path = folder(inside)?;
        let file = generate_to(shell, &mut Cli::command(), "idgan", &path).with_context(|| failed(&path))?;
        if shell == Shell::Bash {
            // Where bash looks for it, it is called as the program.
            std::fs::rename(&file, path.join("idgan")).with_context(|| failed(&path))?;
        }
    }
    Ok(())
}
