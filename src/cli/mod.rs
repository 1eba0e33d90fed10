//! The command line: one subcommand per file. They read and check arguments, ask the rooms above, lay out figures, and
//! say what came of it.
//!
//! Every subcommand is a file with `pub struct Args` ([`clap::Args`]) and
//! `pub fn run(args: &Args) -> anyhow::Result<()>`, one line in [`Command`] and one in [`Command::run`].
//! Exit codes: 0 done, 1 failure, 2 usage. An error is one sentence on stderr after `error: `.

mod args;
mod beside;
mod environment;
mod error;
mod figure;
mod logging;
mod output;
mod pictures_in;
mod reading;
#[cfg(test)]
mod round_trip;
mod threads;
mod train_features;
mod workbench;

pub mod animate;
pub mod bench;
pub mod bench_answer;
pub mod bench_render;
pub mod bench_report;
pub mod bench_scaling;
pub mod bench_train;
pub mod bench_ui;
pub mod convert;
pub mod curves;
pub mod data;
pub mod disentanglement;
pub mod doctor;
#[doc(hidden)]
pub mod door;
pub mod encode;
pub mod eval;
pub mod explore;
pub mod grid;
pub mod inspect;
pub mod map;
mod normalisation;
pub mod pages;
pub mod progress;
pub mod sample;
pub mod stats;
pub mod sweep;
pub mod table;
pub mod train;
pub mod translate;
pub mod traverse;
pub mod udr;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::base::{FileError, survive_file_limit};
use crate::checkpoint::{BUNDLED, BundledModel};

pub use args::{BackgroundArgs, DeviceArgs, ModelArgs, OpeningArgs};
pub use error::{Usage, one_sentence, usage};
pub use figure::FigureArgs;
pub use output::{TerminalProgress, print, print_json, tell, warn};
pub use threads::threads;

/// Explore, draw, measure and train disentangled representations (ID-GAN: a beta-VAE, and a GAN that distils it).
#[derive(Debug, Parser)]
#[command(
    name = "idgan",
    version,
    override_usage = "idgan [MODEL]\n       idgan <COMMAND> [OPTIONS]",
    max_term_width = 110,
    after_help = "A MODEL is a bundle (.safetensors), a run folder, the name of a bundled model (scenes-128, sprites-64), \
                  or published PyTorch files given as --vae FILE and/or --gan FILE.\n\n\
                  Examples:\n  \
                  idgan sprites.safetensors                                       open the window\n  \
                  idgan inspect celeba/last celeba/model.pt                       what is in these files\n  \
                  idgan convert --vae last --gan model.pt --out celeba.safetensors\n  \
                  idgan traverse celeba.safetensors --out grid.png                one row a dimension\n  \
                  idgan sample celeba.safetensors --count 16 --seed 1 --out DIR   random pictures\n\n\
                  `idgan COMMAND --help` explains a command and ends with examples; `man idgan-COMMAND` says the same.\n\
                  Documentation: README.md and docs/ (questions and answers, other people's models, CUDA), which packages \
                  install in share/doc/idgan.\n\
                  Exit codes: 0 done, 1 failure, 2 wrong usage. Errors and warnings go to stderr."
)]
struct Cli {
    /// Threads that compute; all cores when left out (or RAYON_NUM_THREADS where it is set).
    #[arg(long, value_name = "N", global = true, value_parser = clap::value_parser!(u16).range(1..=1024),
          help_heading = "Machine")]
    threads: Option<u16>,

    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    explore: explore::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Open the window on a model (the same as `idgan MODEL`).
    Explore(explore::Args),
    /// Draw a traversal: one row a dimension, one column a step.
    Traverse(traverse::Args),
    /// Draw every code c with every nuisance s (the paper's Figure 8).
    Grid(grid::Args),
    /// Walk through chosen codes: an animation, or its frames.
    Animate(animate::Args),
    /// Draw pictures of given or random codes.
    Sample(sample::Args),
    /// Make pictures of one domain into pictures of another (CycleIAE).
    Translate(translate::Args),
    /// Find the codes of pictures.
    Encode(encode::Args),
    /// Measure where the codes of real pictures lie, and keep it in the bundle.
    Stats(stats::Args),
    /// Measure a model: disentanglement, picture quality, alignment.
    Eval(eval::Args),
    /// Draw what each dimension of the code has to do with each factor.
    Disentanglement(disentanglement::Args),
    /// Draw where the codes of pictures lie, coloured by a factor.
    Map(map::Args),
    /// Rank models by how far they agree (UDR): disentanglement without known factors.
    Udr(udr::Args),
    /// Say what is in model files.
    Inspect(inspect::Args),
    /// Make a bundle of published files, or published files of a model.
    Convert(convert::Args),
    /// Look at data sets, and prepare them before training.
    Data(data::Args),
    /// Measure how fast this build is on this machine.
    Bench(bench::Args),
    /// Check that this machine computes rightly.
    Doctor(doctor::Args),
    /// Train a VAE (stage 1) or a GAN that distils it (stage 2).
    Train(train::Args),
    /// Train and measure many models: methods times data sets times seeds, from one file.
    Sweep(sweep::Args),
    /// Put the results of runs into the paper's tables and figures.
    Table(table::Args),
    /// Draw what runs have logged: losses over steps.
    Curves(curves::Args),
    /// Make an animation of a run's sample grids.
    Progress(progress::Args),
    /// Write manual pages and shell completions, for packages.
    #[command(hide = true)]
    Pages(pages::Args),
}

impl Command {
    fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Explore(args) => explore::run(args),
            Self::Traverse(args) => traverse::run(args),
            Self::Grid(args) => grid::run(args),
            Self::Animate(args) => animate::run(args),
            Self::Sample(args) => sample::run(args),
            Self::Translate(args) => translate::run(args),
            Self::Encode(args) => encode::run(args),
            Self::Stats(args) => stats::run(args),
            Self::Eval(args) => eval::run(args),
            Self::Disentanglement(args) => disentanglement::run(args),
            Self::Map(args) => map::run(args),
            Self::Udr(args) => udr::run(args),
            Self::Inspect(args) => inspect::run(args),
            Self::Convert(args) => convert::run(args),
            Self::Data(args) => data::run(args),
            Self::Bench(args) => bench::run(args),
            Self::Doctor(args) => doctor::run(args),
            Self::Train(args) => train::run(args),
            Self::Sweep(args) => sweep::run(args),
            Self::Table(args) => table::run(args),
            Self::Curves(args) => curves::run(args),
            Self::Progress(args) => progress::run(args),
            Self::Pages(args) => pages::run(args),
        }
    }
}

/// A command line that makes sense, not run yet.
#[derive(Debug)]
pub struct CommandLine {
    cli: Cli,
    threads: usize,
}

impl CommandLine {
    /// Reads the process's arguments.
    ///
    /// # Errors
    /// The exit code where there is nothing to run: help was asked for, or the words make no sense; both are printed.
    pub fn read() -> Result<Self, ExitCode> {
        // Where the system refuses this, the limit ends the process, as it does with others.
        let _ = survive_file_limit();
        let cli = Cli::try_parse().map_err(|error| explain(&error))?;
        let threads = threads::choose(cli.threads.map(usize::from));
        Ok(Self { cli, threads })
    }

    /// What belongs into the environment, or out of it (`None`), before [`CommandLine::run`] and while the process has
    /// one thread only.
    pub fn environment(&self) -> Vec<(&'static str, Option<OsString>)> {
        let opens_window = match &self.cli.command {
            None => self.cli.explore.opens_window(),
            Some(Command::Explore(args)) => args.opens_window(),
            Some(_) => false,
        };
        environment::variables(self.threads, opens_window)
    }

    /// Fixes the thread count, runs the command, reports its error.
    pub fn run(self) -> ExitCode {
        logging::start();
        match self.started() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => report(&error),
        }
    }

    fn started(self) -> anyhow::Result<()> {
        threads::fix()?;
        match &self.cli.command {
            Some(_) if self.cli.explore.names_a_model() => {
                Err(usage("the command comes before its model: idgan COMMAND MODEL; see idgan --help"))
            }
            Some(command) => command.run(),
            None => explore::run(&self.cli.explore),
        }
    }
}

/// Prints help, or what is wrong with the command line, and says the exit code.
fn explain(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Printing fails only when nobody reads, and then there is nobody to tell.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    // A bundled model that cannot be unpacked is no mistake of the command line.
    if let Some(error) =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<FileError>())
    {
        tell(format!("error: {error}"));
        return ExitCode::FAILURE;
    }
    let arguments = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    match mistyped_command(arguments) {
        Some(word) => tell(format!(
            "error: there is no command and no file called {word}; idgan --help lists the commands"
        )),
        None => tell(error.render().to_string().trim_end()),
    }
    ExitCode::from(2)
}

/// The first word of a command line that does not parse, where it is neither an option, a command nor a file.
///
/// Without a command the first word is a model, so clap would complain of the word after it.
fn mistyped_command(arguments: impl Iterator<Item = String>) -> Option<String> {
    use clap::CommandFactory;
    let mut arguments = arguments;
    let word = loop {
        match arguments.next()? {
            // the options that may stand before a command, each with its value
            option if option == "--threads" || option == "--device" => drop(arguments.next()),
            word => break word,
        }
    };
    let is_known = word == "help"
        || Cli::command().find_subcommand(&word).is_some()
        || BundledModel::find(BUNDLED, &word).is_some();
    (!word.starts_with('-') && !is_known && !std::path::Path::new(&word).exists()).then_some(word)
}

/// Prints `error` unless it only says that the reader of our output has gone, and chooses the exit code.
fn report(error: &anyhow::Error) -> ExitCode {
    if error.is::<output::ReaderGone>() {
        return ExitCode::SUCCESS;
    }
    tell(format!("error: {}", one_sentence(error)));
    ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_ends_its_help_with_an_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let call = format!("idgan {}", command.get_name());
            assert!(help.contains("Example") && help.contains(&call), "{}: {help:?}", command.get_name());
        }
    }

    #[test]
    fn a_mistyped_command_is_told_from_options_and_commands() {
        let word = |line: &str| mistyped_command(line.split(' ').map(str::to_owned));
        assert_eq!(word("--threads 2 sampel x").as_deref(), Some("sampel"));
        assert_eq!(word("sample --nonsense"), None);
        assert_eq!(word("--nonsense sampel"), None);
        assert_eq!(word("src x"), None, "a file or folder of this name exists");
        assert_eq!(word("sprites-64 --help"), None, "a bundled model");
    }

    #[test]
    fn a_lone_model_and_a_command_are_told_apart() {
        let cli = Cli::try_parse_from(["idgan", "a.safetensors"]).expect("parses");
        assert!(cli.command.is_none());
        let cli =
            Cli::try_parse_from(["idgan", "explore", "a.safetensors", "--threads", "3"]).expect("parses");
        assert!(matches!(cli.command, Some(Command::Explore(_))));
        assert_eq!(cli.threads, Some(3));
        let cli =
            Cli::try_parse_from(["idgan", "--threads", "2", "explore", "a.safetensors"]).expect("parses");
        assert!(cli.command.is_some() && !cli.explore.names_a_model());
        let cli = Cli::try_parse_from(["idgan", "a.safetensors", "explore"]).expect("parses");
        assert!(cli.command.is_some() && cli.explore.names_a_model());
    }
}
