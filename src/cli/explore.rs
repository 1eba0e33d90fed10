//! `idgan [explore] [MODEL]`: the window.

use std::path::PathBuf;

use super::{DeviceArgs, ModelArgs};

/// Arguments of `idgan explore`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    idgan explore                                     go on where you were, or start with a bundled model\n  \
    idgan explore runs/sprites                        follow a run while it trains\n  \
    idgan explore --vae celeba/last --gan celeba/model.pt\n  \
    idgan explore a.safetensors --beside b.safetensors  two models, the same codes\n  \
    idgan explore sprites.safetensors --screenshot window.png --size 1600x1000")]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    device: DeviceArgs,

    /// Open a second model beside, to compare pictures of the same codes.
    #[arg(long, value_name = "MODEL", help_heading = "Window", value_parser = super::args::model_parser())]
    beside: Option<PathBuf>,

    /// Draw the window into this PNG, without a display, and end.
    #[arg(long, value_name = "FILE", help_heading = "Window")]
    screenshot: Option<PathBuf>,

    /// Start with the codes of an .npz: `c` (N, c_dim) and, if you like, `s` (N, s_dim); or of an .npy with c alone. Where no
    /// model is named they are taken to be the bundled one's.
    #[arg(long, value_name = "FILE", help_heading = "Window")]
    codes: Option<PathBuf>,

    /// The row of --codes.
    #[arg(long, value_name = "R", default_value_t = 0, requires = "codes", help_heading = "Window")]
    row: usize,

    /// Size of the window in points, instead of that of the last time (1440x900 at first).
    #[arg(long, value_name = "WxH", value_parser = parse_size, help_heading = "Window")]
    size: Option<[u32; 2]>,

    /// The tool on the right to begin with, instead of that of the last time: inspect, traverse, matrix, animation, train,
    /// evaluate or log.
    #[arg(long, value_name = "TOOL", hide_possible_values = true, value_parser = TOOLS,
          help_heading = "Window")]
    tool: Option<String>,

    /// Light or dark colours, whatever was chosen in the window.
    #[arg(long, value_name = "THEME", value_parser = ["light", "dark"], help_heading = "Window")]
    theme: Option<String>,
}

/// What the tools on the right of the window are called.
pub(super) const TOOLS: [&str; 7] =
    ["inspect", "traverse", "matrix", "animation", "train", "evaluate", "log"];

/// Reads `1600x1000`.
pub(super) fn parse_size(text: &str) -> Result<[u32; 2], String> {
    let sides = text.split_once(['x', 'X', '×']).and_then(|(w, h)| Some([w.parse().ok()?, h.parse().ok()?]));
    match sides {
        Some(size) if size.iter().all(|side| (320..=16384).contains(side)) => Ok(size),
        _ => Err("expected a width and a height from 320 to 16384, for instance 1600x1000".to_owned()),
    }
}

impl Args {
    /// Whether a window is opened on a display, not drawn into a file.
    pub(super) fn opens_window(&self) -> bool {
        self.screenshot.is_none()
    }

    /// Whether a model is named.
    pub(super) fn names_a_model(&self) -> bool {
        self.model.is_given()
    }
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
    use crate::app::{Options, Tool, run};
    use crate::checkpoint::BUNDLED;
    use crate::engine::ModelSource;
    use crate::inference::Place;

    let model = &args.model;
    if let Some(path) = model.bundle().filter(|path| !path.exists()) {
        return Err(no_such_model(path));
    }
    let place = args.device.place();
    let device = place.to_string();
    // Codes are for a certain model: where none is named, for the one that everybody has, not for the last session's.
    let bundled = match BUNDLED.first().filter(|_| args.codes.is_some() && !model.is_given()) {
        Some(best) => Some(best.unpack_for_user()?),
        None => None,
    };
    let source = (model.is_given() || bundled.is_some()).then(|| ModelSource {
        model: model.bundle().cloned().or(bundled),
        vae: model.vae.clone(),
        gan: model.gan.clone(),
        c_dim: model.c_dim,
        reading: model.reading.reading(),
        device: device.clone(),
    });
    if let Some(path) = args.beside.as_ref().filter(|path| !path.exists()) {
        return Err(no_such_model(path));
    }
    let beside =
        args.beside.clone().map(|path| ModelSource { device: place.to_string(), ..ModelSource::file(path) });
    let codes = match (&args.codes, &source) {
        (Some(path), Some(source)) => Some(codes_of(source, path, args.row)?),
        _ => None,
    };
    run(Options {
        source,
        begins_bundled: true,
        // Where nobody has chosen, the model is computed where it was the last time.
        device: if place == Place::default() { String::new() } else { device },
        beside,
        codes,
        threads: super::threads(),
        screenshot: args.screenshot.clone(),
        size: args.size,
        tool: args.tool.as_deref().and_then(Tool::named),
        dark: args.theme.as_ref().map(|theme| theme == "dark"),
        config: if args.screenshot.is_none() { settings_folder() } else { None },
        ..Options::default()
    })
}

/// Where settings, sessions and bookmarks are kept; `None` where they are not.
#[cfg(feature = "gui")]
fn settings_folder() -> Option<PathBuf> {
    use crate::base::{config_folder, make_writable, spare_folder};
    let own = config_folder();
    let failure = match own.as_deref().map(make_writable) {
        Some(Ok(())) => return own,
        Some(Err(error)) => error.to_string(),
        None => "there is no home folder".to_owned(),
    };
    let spare = spare_folder("settings");
    let result = make_writable(&spare);
    super::warn(match result {
        Ok(()) => format!(
            "settings, sessions and bookmarks are kept in {} for now, because your own folder cannot be used; \
             XDG_CONFIG_HOME names another: {failure}",
            spare.display()
        ),
        Err(_) => format!(
            "settings, sessions and bookmarks are not kept; XDG_CONFIG_HOME names a folder: {failure}"
        ),
    });
    result.is_ok().then_some(spare)
}

/// Row `row` of the codes in a file, as far as the model has them.
#[cfg(feature = "gui")]
fn codes_of(
    source: &crate::engine::ModelSource,
    path: &std::path::Path,
    row: usize,
) -> anyhow::Result<std::collections::BTreeMap<String, Vec<f32>>> {
    use crate::explore::{CodesFile, Wanted};
    let file = CodesFile::read(path, &crate::checkpoint::describe(&source.sources())?, Wanted::Any)?;
    file.row(row).map_err(|error| super::usage(error.to_string()))
}

fn no_such_model(path: &std::path::Path) -> anyhow::Error {
    super::usage(format!(
        "no command and no file has this name; idgan --help lists the commands: {}",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "gui")]
    #[test]
    fn every_tool_can_be_named() {
        use clap::Parser;
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            args: Args,
        }
        assert_eq!(TOOLS, crate::app::Tool::NAMES);
        for name in crate::app::Tool::NAMES {
            let line = Line::try_parse_from(["explore", "--tool", name]).expect("parses");
            let tool = line.args.tool.as_deref().and_then(crate::app::Tool::named);
            assert_eq!(tool.map(crate::app::Tool::name), Some(name));
        }
        assert!(crate::app::Tool::named("nonsense").is_none());
    }

    #[test]
    fn sizes_are_read_and_nonsense_is_refused() {
        assert_eq!(parse_size("1600x1000"), Ok([1600, 1000]));
        for text in ["", "x", "1600", "1600x", "10x10", "99999x1000", "-5x700", "1e3x1e3"] {
            assert!(parse_size(text).is_err(), "{text:?}");
        }
    }
}
