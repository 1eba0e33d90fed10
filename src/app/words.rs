//! Errors in the window's words. The rooms below speak to the command line, whose options a window does not have.

/// What the rooms below say, and what it is called here; the longer ones first, since each is replaced in turn.
const WORDS: &[(&str, &str)] = &[
    // runs
    (
        "add --resume to go on with it, or choose another --out",
        "press Resume… to go on with it, or name another folder",
    ),
    ("start one without --resume", "press Start training to begin one there"),
    ("go on with --resume", "press Resume… to go on"),
    ("and --resume goes on from there", "and Resume… goes on from there"),
    (
        "and check the card with idgan doctor --device cuda",
        "and check the card with idgan doctor on the command line",
    ),
    (
        "start a new run from it, with --start and this folder,",
        "start a new run from it (name this folder under Start)",
    ),
    (
        "or start a new run in another folder with --start",
        "or start a new run in another folder, from another model (Start)",
    ),
    (
        "start a new run in another folder, which --start can give these weights",
        "start a new run in another folder, which can begin with these weights (Start)",
    ),
    ("leave out --start (gan.start, vae.start)", "leave Start empty"),
    ("the GAN named with --start", "the GAN named under Start"),
    ("as the run folders of `idgan train vae` hold it", "as the run folders of stage 1 hold it"),
    ("as the run folders of `idgan train gan` hold them", "as the run folders of stage 2 hold them"),
    ("or choose another --method", "or choose another method"),
    ("--set takes KEY=VALUE", "a value is written KEY=VALUE"),
    ("; see --dry-run for the names", "; a run's config.toml has the names"),
    ("--start needs", "Start needs"),
    ("--start does not fit", "the model under Start does not fit"),
    ("name another --out", "name another folder"),
    ("and another --out", "and another folder"),
    ("with another --seed", "with another seed"),
    (
        "--set gan.learning_rate_generator= and --set gan.learning_rate_discriminator=",
        "gan.learning_rate_generator and gan.learning_rate_discriminator of a configuration of your own",
    ),
    ("(--set 'vae.beta={", "(in a configuration of your own: 'vae.beta={"),
    ("--set vae.learning_rate=", "vae.learning_rate of a configuration of your own"),
    ("(--set ", "(in a configuration of your own: "),
    ("--set ", ""),
    ("leave out --vae (gan.vae)", "leave VAE empty"),
    ("the file named with --vae", "the file named under VAE"),
    ("name it with --vae FILE or --vae RUN", "name its file or its run folder under VAE"),
    ("or name another --vae", "or name another VAE"),
    ("than that of --vae", "than the one named under VAE"),
    (" (--data2 SPEC)", ""),
    ("and idgan traverse --image varies a picture", "and Traverse varies a picture"),
    ("--picture (picture)", "the picture"),
    ("(--picture FILE for another)", "(picture in a configuration of your own for another)"),
    ("; name another folder with --cache DIR", "; XDG_CACHE_HOME names another folder before a start"),
    ("; --cache DIR names another", "; XDG_CACHE_HOME names another before a start"),
    ("; raise --cache-size to hold all", ""),
    ("; raise --cache-size", ""),
    ("`idgan data --help` explains them", "the Data field's tooltip explains them"),
    // models
    (
        "--c-dim is for files that do not say how many codes they have, and IB-GAN's do; leave it out",
        "the option c-dim is for files that do not say how many codes they have, and IB-GAN's do; start the window without it",
    ),
    ("say how many are by --c-dim", "say how many are by the option c-dim on the command line"),
    ("open it by itself, without --gan", "open it by itself (File > Open)"),
    ("say it by --c-dim", "say it by the option c-dim on the command line"),
    ("idgan stats --normalisation gathers", "idgan stats on the command line gathers"),
    ("leave --pixels out", "start the window without that"),
    ("leave --trained-on out", "start the window without that"),
    ("--pixels says", "the range that the window was started with says"),
    ("open it by itself, without --vae", "open it by itself (File > Open)"),
    ("; say otherwise by --pixels", "; on the command line the option pixels says otherwise"),
    ("the encoder by --encoder", "its encoder by File > Open its encoder"),
    ("by --mean and --logvar", "by the options mean and logvar on the command line"),
    ("say by --posterior whether", "say by the option posterior on the command line whether"),
    ("leave --discrete-latents out", "measure them as continuous ones"),
    ("--encoder", "the option encoder"),
    ("--pixels", "the option pixels"),
    ("--mean", "the option mean"),
    ("--logvar", "the option logvar"),
    ("--posterior", "the option posterior"),
    ("codes go with --codes", "codes are drawn by the command line (idgan sample)"),
    ("name the model; pictures go with --images", "open a model first, then drop the picture on it"),
    ("give its file with --vae, beside --gan", "pair it with its VAE (File > Pair with a VAE)"),
    ("give the VAE's file with --vae, beside --gan", "pair it with its VAE (File > Pair with a VAE)"),
    ("give its file with --vae", "pair it with its VAE (File > Pair with a VAE)"),
    (
        "open it with its VAE (--vae), or say how many of its inputs are c (--c-dim)",
        "pair it with its VAE (File > Pair with a VAE)",
    ),
    ("(a GAN's file goes with --gan)", "(a GAN's file is opened with File > Open)"),
    ("(a VAE's file goes with --vae)", "(a VAE's file is opened with File > Open)"),
    ("leave --c-dim out", "start the window without that"),
    ("--c-dim says", "the width of c that the window was started with says"),
    ("build with `cargo build --release --features cuda`", "build it with CUDA"),
    ("build with `cargo build --release --features metal`", "build it with Metal"),
    ("or --device cpu", "or the CPU (Model > Device)"),
    ("or a card with --device cuda", "or a CUDA card in the same menu"),
    ("use --precision f32", "choose f32 (Model > Device)"),
    ("use --device cpu", "choose CPU (Model > Device)"),
    ("use --precision f32, or a card with --device cuda", "choose another device (Model > Device)"),
    ("use --precision f32", "choose CUDA without tf32 (Model > Device)"),
    // figures and measurements
    ("measure them with idgan stats MODEL --images DIR", "measure them (File > Measure on my images)"),
    ("or use --from prior", "or draw from the prior"),
    ("or use --order sensitivity", "or order the dimensions by their effect"),
    ("--order kl needs statistics", "an order by KL divergence needs statistics"),
    ("--row ", "row "),
    ("--dims: ", ""),
    ("--names has ", "there are "),
    ("choose smaller cells with --cell PX, or insist with --force", "choose fewer columns or rows"),
    ("--out takes", "the name has to be that of"),
    ("use --decoder vae", "choose the VAE's pictures"),
    ("use --decoder gan", "choose the generator's pictures"),
    ("leave --decoder out to draw with what there is", "choose the pictures that there are"),
    ("; name one with --out", "; open a bundle (.safetensors) to measure it"),
    (
        "name a bundle to write with --out FILE.safetensors",
        "open a bundle of your own (.safetensors) to measure it",
    ),
    ("name a bundle to write with --out", "open a bundle (.safetensors) to measure it"),
    ("name pictures to measure on with --data SPEC", "name pictures to measure on under Data"),
    (
        "name the Inception weights with --inception FILE or those of a DINOv2 with --dinov2 FILE",
        "name the file of the Inception weights or of a DINOv2 under Features by",
    ),
    (
        "with idgan train features and name it with --features FILE",
        "(idgan train features) and name its file there",
    ),
    ("or raise --samples", "or raise Samples"),
    ("and more --samples bring the two together", "and more Samples bring the two together"),
    ("choose fewer with --threads", "start the window with fewer threads"),
];

/// `text` with the window's words in place of the command line's. An option that nobody foresaw loses its dashes.
pub(crate) fn in_window(text: &str) -> String {
    let mut said = text.to_owned();
    for (there, here) in WORDS {
        if said.contains("--") || said.contains("idgan ") {
            said = said.replace(there, here);
        }
    }
    without_dashes(&said)
}

/// Takes the dashes from the beginning of words that look like options.
fn without_dashes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let is_start = before.is_whitespace() || "(`'\"".contains(before);
        if let Some(option) = rest.strip_prefix("--").filter(|_| is_start)
            && option.starts_with(|c: char| c.is_ascii_lowercase())
        {
            rest = option;
            before = '-';
            continue;
        }
        plain.push(next);
        before = next;
        rest = &rest[next.len_utf8()..];
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn what_the_command_line_says_is_said_in_the_windows_words() {
        let error = crate::training::TrainError::Occupied { path: "runs/a".into() }.to_string();
        assert_eq!(
            in_window(&error),
            "the folder already holds a run; press Resume… to go on with it, or name another folder: runs/a"
        );
        assert_eq!(in_window("choose --other VALUE (--more)"), "choose other VALUE (more)");
        for text in ["a--b", "minus --3", "x -- y", "nothing of the kind: /tmp/--odd.png", "ä--"] {
            assert_eq!(in_window(text), text, "{text}");
        }
    }

    /// Rust files below `folder`, but those of the command line's own, its doctor's, and of sweeps, which make
    /// commands.
    fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder of the sources") {
            let path = entry.expect("an entry").path();
            let is_left_out =
                ["cli", "app", "compare", "doctor"].iter().any(|room| path.ends_with(format!("src/{room}")));
            if path.is_dir() && !is_left_out {
                sources(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                into.push(path);
            }
        }
    }

    /// The sentences in a source file, before its tests, that name an option; a word of a command is none.
    fn sentences(text: &str) -> Vec<String> {
        let text = text.split("mod tests {").next().unwrap_or_default();
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let joined = code.join("\n");
        // A backslash at the end of a line leaves out the white space up to the next one.
        let mut pieces = joined.split("\\\n");
        let mut whole = pieces.next().unwrap_or_default().to_owned();
        pieces.for_each(|piece| whole += piece.trim_start());
        let quoted = whole.split('"').skip(1).step_by(2).map(str::to_owned);
        let names_option =
            |text: &String| text.contains(" --") || text.starts_with("--") || text.contains("(--");
        quoted.filter(|text| text.contains(' ') && names_option(text)).collect()
    }

    #[test]
    fn every_option_that_an_error_names_has_a_word_here() {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        let mut found = 0;
        let mut without = Vec::new();
        for file in files {
            for sentence in sentences(&std::fs::read_to_string(&file).expect("reads")) {
                found += 1;
                let mut said = sentence.replace("{0}", "cuda");
                for (there, here) in WORDS {
                    said = said.replace(there, here);
                }
                if said.contains("--") {
                    without.push(format!("{}: {said}", file.display()));
                }
            }
        }
        assert!(without.is_empty(), "no word for these:\n{}", without.join("\n"));
        assert!(found > 20, "the sentences are found: {found}");
    }
}
