use egui::{Key, KeyboardShortcut, Modifiers};

use super::state::State;
use super::view::Compare;

/// Everything a person can tell the program to do without pointing at a place: menus, shortcuts and the
/// palette are lists of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Open,
    OpenRun,
    Gallery,
    OpenPath,
    OpenBeside,
    CloseBeside,
    PairVae,
    MeasureData,
    StartFromPhoto,
    StartFromData,
    SaveCodes,
    SavePicture,
    ExportTraversal,
    ExportMatrix,
    ExportAnimation,
    Traverse,
    Matrix,
    Animate,
    PlayPause,
    Train,
    ResumeRun,
    ExploreRun,
    Evaluate,
    ExportEvaluation,
    Reload,
    Quit,
    Undo,
    Redo,
    CopyCodes,
    PasteCodes,
    ResetFactors,
    RandomFactors,
    NewNuisance,
    NuisanceBack,
    NuisanceForward,
    NeutralNuisance,
    NineNuisances,
    Bookmark,
    ShowBookmarks,
    SideBySide,
    Wipe,
    Blink,
    Difference,
    ToggleCrisp,
    Fit,
    ActualSize,
    ToggleFactors,
    ToggleTabs,
    ToggleStrip,
    ToggleTheme,
    LargerInterface,
    SmallerInterface,
    ResetInterface,
    Palette,
}

use Command as C;

impl Command {
    /// All of them, in the order of the palette.
    pub(crate) const ALL: &[Self] = &[
        C::Open,
        C::OpenRun,
        C::Gallery,
        C::OpenPath,
        C::OpenBeside,
        C::CloseBeside,
        C::PairVae,
        C::MeasureData,
        C::StartFromPhoto,
        C::StartFromData,
        C::SaveCodes,
        C::SavePicture,
        C::Traverse,
        C::Matrix,
        C::Animate,
        C::PlayPause,
        C::Train,
        C::ResumeRun,
        C::ExploreRun,
        C::Evaluate,
        C::ExportEvaluation,
        C::ExportTraversal,
        C::ExportMatrix,
        C::ExportAnimation,
        C::Reload,
        C::Undo,
        C::Redo,
        C::CopyCodes,
        C::PasteCodes,
        C::ResetFactors,
        C::RandomFactors,
        C::NewNuisance,
        C::NuisanceBack,
        C::NuisanceForward,
        C::NeutralNuisance,
        C::NineNuisances,
        C::Bookmark,
        C::ShowBookmarks,
        C::SideBySide,
        C::Wipe,
        C::Blink,
        C::Difference,
        C::ToggleCrisp,
        C::Fit,
        C::ActualSize,
        C::ToggleFactors,
        C::ToggleTabs,
        C::ToggleStrip,
        C::ToggleTheme,
        C::LargerInterface,
        C::SmallerInterface,
        C::ResetInterface,
        C::Palette,
        C::Quit,
    ];

    /// What menus and palette call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            C::Open => "Open model…",
            C::OpenRun => "Open run folder…",
            C::OpenPath => "Open by path…",
            C::OpenBeside => "Open beside…",
            C::CloseBeside => "Close the model beside",
            C::PairVae => "Pair with a VAE…",
            C::MeasureData => "Measure on my images…",
            C::StartFromPhoto => "Start from a picture…",
            C::StartFromData => "Start from the data",
            C::Gallery => "Gallery of models…",
            C::SaveCodes => "Save codes…",
            C::SavePicture => "Save picture…",
            C::ExportTraversal => "Export traversal…",
            C::ExportMatrix => "Export c × s matrix…",
            C::ExportAnimation => "Export animation…",
            C::Traverse => "Traverse the factors",
            C::Matrix => "Codes by nuisances (c × s)",
            C::Animate => "Animate the factors",
            C::PlayPause => "Play or pause",
            C::Train => "Train a model",
            C::Evaluate => "Evaluate the model",
            C::ExportEvaluation => "Export results…",
            C::ResumeRun => "Resume a run…",
            C::ExploreRun => "Explore the run in training",
            C::Reload => "Reload model",
            C::Quit => "Quit",
            C::Undo => "Undo",
            C::Redo => "Redo",
            C::CopyCodes => "Copy codes as JSON",
            C::PasteCodes => "Paste codes",
            C::ResetFactors => "Reset factors",
            C::RandomFactors => "Random factors",
            C::NewNuisance => "New nuisance sample",
            C::NuisanceBack => "Previous nuisance sample",
            C::NuisanceForward => "Next nuisance sample",
            C::NeutralNuisance => "Neutral nuisance",
            C::NineNuisances => "Nine nuisance samples",
            C::Bookmark => "Bookmark this picture",
            C::ShowBookmarks => "Show bookmarks",
            C::SideBySide => "Compare side by side",
            C::Wipe => "Compare by wipe",
            C::Blink => "Compare by blinking",
            C::Difference => "Compare by difference",
            C::ToggleCrisp => "Crisp pixels",
            C::Fit => "Fit pictures",
            C::ActualSize => "Actual size (1:1)",
            C::ToggleFactors => "Factors panel",
            C::ToggleTabs => "Tools panel",
            C::ToggleStrip => "Film strip",
            C::ToggleTheme => "Light or dark",
            C::LargerInterface => "Larger interface",
            C::SmallerInterface => "Smaller interface",
            C::ResetInterface => "Normal interface size",
            C::Palette => "Command palette",
        }
    }

    /// What it does, in plain words and in the paper's terms.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            C::Open => "Choose a bundle or a published checkpoint (.pt, last)",
            C::OpenRun => "Choose the folder of a training run: its newest checkpoint opens",
            C::OpenPath => "Type where the model is",
            C::OpenBeside => {
                "Open a second model and compare its pictures of the same codes with this one's: another checkpoint, \
                 another method, another seed. Its codes need the same names and numbers of dimensions"
            }
            C::CloseBeside => "Go back to this model's own two pictures",
            C::PairVae => {
                "Open this GAN together with the VAE whose encoder it distils, to see both pictures"
            }
            C::MeasureData => {
                "Encode a folder of pictures to learn which factors are active, how informative they are and where \
                 the data lies (aggregated posterior); asks where to write the bundle that holds it"
            }
            C::StartFromData => {
                "Show nine random pictures of the data the model was trained on; click one to set the factors to what the \
                 encoder finds in it: c = mu of q(c|x). Asked again, it shows nine others"
            }
            C::Gallery => "The trained models that the program brings along: one click opens one",
            C::StartFromPhoto => {
                "Encode a picture of your own and set the factors to what the encoder finds: c = mu of q(c|x)"
            }
            C::SaveCodes => "Write all code values as an npz file that the command line reads (--codes)",
            C::SavePicture => {
                "Write the picture at its own resolution as a PNG with provenance, and its codes beside it"
            }
            C::ExportTraversal => {
                "Write the traversal as a labelled figure (.png), an animation (.gif) or arrays (.npz)"
            }
            C::ExportMatrix => {
                "Write the matrix of codes and nuisance codes (Figure 8 of the paper) as a labelled figure (.png) or as \
                 arrays (.npz), with provenance"
            }
            C::ExportAnimation => {
                "Write the animation as a .gif, or its frames as a folder of PNGs, with provenance"
            }
            C::Matrix => {
                "A table of pictures as Figure 8 of the paper: each column one code c, each row one nuisance code s. \
                 What a column shares comes from c, what a row shares from s"
            }
            C::Animate => {
                "Set up an animation of one factor, or of a path through bookmarked codes, and export it"
            }
            C::PlayPause => {
                "Move the selected factor through its range and back, or walk through the bookmarks, as set up in \
                 Traverse > Animation; the sliders move along"
            }
            C::Evaluate => "Measure the model with the metrics of the paper: FVM, MIG, FID and more",
            C::ExportEvaluation => {
                "Write the measured values with their intervals as JSON, or as a table (.csv)"
            }
            C::Train => "Choose data and a preset, and train a VAE or a GAN beside the explorer",
            C::ResumeRun => {
                "Go on with the run in a folder, from its newest checkpoint, as if it had not stopped"
            }
            C::ExploreRun => "Open the newest checkpoint of the run that is training, and follow it",
            C::Traverse => "A table of pictures: each factor in turn runs through its range",
            C::Reload => "Read the file again, for instance while a training run writes it",
            C::Quit => "Save the session and close the window",
            C::Undo => "Take back the last change of the codes",
            C::Redo => "Do again what was taken back",
            C::CopyCodes => "Put all code values on the clipboard as JSON",
            C::PasteCodes => "Set the codes from JSON on the clipboard",
            C::ResetFactors => "Set every unlocked factor to its neutral value (c = 0)",
            C::RandomFactors => {
                "Draw every unlocked factor at random: from the data's codes where they were measured \
                 (aggregated posterior), otherwise from the prior N(0, I)"
            }
            C::NewNuisance => "Draw what the factors do not describe anew: s ~ N(0, I), same c",
            C::NuisanceBack => "Go back to the nuisance sample seen before",
            C::NuisanceForward => "Go forward again through the nuisance samples seen",
            C::NeutralNuisance => "Set the nuisance code to s = 0, the centre of its prior",
            C::NineNuisances => "Show the same factors with nine nuisance samples: one c, nine s",
            C::Bookmark => "Keep these codes with a thumbnail in the film strip",
            C::ShowBookmarks => "Show the kept codes in the film strip",
            C::SideBySide => "Both pictures of the same code beside each other",
            C::Wipe => "Both pictures in one frame with a divider to drag",
            C::Blink => "Both pictures in one frame, alternating twice a second",
            C::Difference => "A heat map of where the two pictures differ",
            C::ToggleCrisp => {
                "Show pixels that are enlarged twice or more as squares of whole pixels of the screen, instead of blending \
                 them"
            }
            C::Fit => "Show the whole pictures as large as they fit",
            C::ActualSize => "One pixel of the first picture on one pixel of the screen",
            C::ToggleFactors => "Show or hide the sliders",
            C::ToggleTabs => "Show or hide the tools on the right",
            C::ToggleStrip => "Show or hide the thumbnails below the pictures",
            C::ToggleTheme => "Switch between light and dark",
            C::LargerInterface => "Enlarge text and controls",
            C::SmallerInterface => "Shrink text and controls",
            C::ResetInterface => "Text and controls at their normal size",
            C::Palette => "Find any command by its name",
        }
    }

    /// The keys that trigger it in words, empty where there are none: "Ctrl+Shift+Z", "[".
    pub(crate) fn keys(self) -> String {
        let Some(shortcut) = self.shortcut() else { return String::new() };
        let is_mac = cfg!(target_os = "macos");
        let modifiers = egui::ModifierNames::NAMES.format(&shortcut.modifiers, is_mac);
        let key = shortcut.logical_key.symbol_or_name();
        if modifiers.is_empty() { key.to_owned() } else { format!("{modifiers}+{key}") }
    }

    /// The keys that trigger it.
    pub(crate) fn shortcut(self) -> Option<KeyboardShortcut> {
        let ctrl = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND, key));
        let shift = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND | Modifiers::SHIFT, key));
        let plain = |key| Some(KeyboardShortcut::new(Modifiers::NONE, key));
        match self {
            C::Open => ctrl(Key::O),
            C::OpenPath => shift(Key::O),
            C::Reload => plain(Key::F5),
            C::Quit => ctrl(Key::Q),
            C::SavePicture => ctrl(Key::S),
            C::Traverse => ctrl(Key::T),
            C::PlayPause => plain(Key::P),
            C::Undo => ctrl(Key::Z),
            C::Redo => shift(Key::Z),
            C::CopyCodes => shift(Key::C),
            C::PasteCodes => shift(Key::V),
            C::ResetFactors => ctrl(Key::R),
            C::RandomFactors => plain(Key::R),
            C::NewNuisance => plain(Key::S),
            C::NuisanceBack => plain(Key::OpenBracket),
            C::NuisanceForward => plain(Key::CloseBracket),
            C::NineNuisances => plain(Key::Num9),
            C::Bookmark => ctrl(Key::B),
            C::SideBySide => plain(Key::Num1),
            C::Wipe => plain(Key::Num2),
            C::Blink => plain(Key::Num3),
            C::Difference => plain(Key::Num4),
            C::ToggleCrisp => plain(Key::X),
            C::Fit => plain(Key::F),
            C::ActualSize => plain(Key::A),
            C::LargerInterface => ctrl(Key::Plus),
            C::SmallerInterface => ctrl(Key::Minus),
            C::ResetInterface => ctrl(Key::Num0),
            C::Palette => ctrl(Key::P),
            C::OpenRun
            | C::Train
            | C::ResumeRun
            | C::ExploreRun
            | C::Evaluate
            | C::ExportEvaluation
            | C::PairVae
            | C::MeasureData
            | C::StartFromPhoto
            | C::StartFromData
            | C::Gallery
            | C::SaveCodes
            | C::ExportTraversal
            | C::ExportMatrix
            | C::ExportAnimation
            | C::Matrix
            | C::Animate
            | C::OpenBeside
            | C::CloseBeside
            | C::NeutralNuisance
            | C::ShowBookmarks
            | C::ToggleFactors
            | C::ToggleTabs
            | C::ToggleStrip
            | C::ToggleTheme => None,
        }
    }

    /// Whether it would do anything now.
    pub(crate) fn is_enabled(self, state: &State) -> bool {
        let has_model = state.model.is_some();
        let has_noise = || state.model.as_ref().is_some_and(|model| model.has_noise());
        match self {
            C::Reload | C::OpenBeside => has_model,
            C::CloseBeside => state.beside.is_open(),
            C::Undo => state.latent.as_ref().is_some_and(|latent| latent.can_undo()),
            C::Redo => state.latent.as_ref().is_some_and(|latent| latent.can_redo()),
            C::CopyCodes
            | C::PasteCodes
            | C::Bookmark
            | C::ShowBookmarks
            | C::SaveCodes
            | C::Traverse
            | C::Animate => has_model,
            C::Matrix => state.has_matrix(),
            C::ExportMatrix => state.code_matrix().is_ok(),
            C::PlayPause | C::ExportAnimation => state.can_play().is_ok(),
            C::SavePicture => {
                let main = state.model.as_ref().and_then(|model| model.main_chain());
                main.is_some_and(|chain| state.views.own.frame(chain).is_some())
            }
            C::Evaluate => has_model,
            C::ExportEvaluation => state.evaluate.results.is_some(),
            C::ExploreRun => state.train.run.is_some(),
            C::ResumeRun => state.train.run.as_ref().is_none_or(|run| run.is_over()),
            C::ExportTraversal => state.traversal().is_ok(),
            C::PairVae => {
                let lone = |m: &super::model::ModelView| {
                    m.description().generator().is_some() && m.description().decoder().is_none()
                };
                state.model.as_ref().is_some_and(lone)
            }
            C::MeasureData => {
                let can = |m: &super::model::ModelView| {
                    m.opened.encoded().is_some() && m.opened.source.path().exists()
                };
                state.model.as_ref().is_some_and(can)
            }
            C::StartFromData => state.own_data().is_some(),
            C::StartFromPhoto => state.model.as_ref().is_some_and(|m| m.opened.encoded().is_some()),
            C::RandomFactors => state.model.as_ref().is_some_and(|m| m.slider_blocks().next().is_some()),
            C::ResetFactors => state.can_reset(),
            C::NewNuisance | C::NeutralNuisance => has_noise() && !state.nuisance.locked,
            C::NineNuisances => has_noise(),
            C::NuisanceBack => has_noise() && state.nuisance.can_go_back(),
            C::NuisanceForward => has_noise() && state.nuisance.can_go_forward(),
            C::SideBySide | C::Wipe | C::Blink | C::Difference => state.can_compare(),
            C::Fit | C::ActualSize | C::ToggleCrisp => has_model,
            _ => true,
        }
    }

    /// Whether it is a choice that is made at the moment; `None` when it is not a choice.
    pub(crate) fn is_chosen(self, state: &State) -> Option<bool> {
        let settings = &state.settings;
        match self {
            C::SideBySide => Some(state.views.compare == Compare::SideBySide),
            C::Wipe => Some(state.views.compare == Compare::Wipe),
            C::Blink => Some(state.views.compare == Compare::Blink),
            C::Difference => Some(state.views.compare == Compare::Difference),
            C::ToggleCrisp => Some(settings.crisp),
            C::ToggleFactors => Some(settings.show_factors),
            C::ToggleTabs => Some(settings.show_tabs),
            C::ToggleStrip => Some(settings.show_strip),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_and_shortcuts_are_unique() {
        let titles: HashSet<_> = Command::ALL.iter().map(|command| command.title()).collect();
        assert_eq!(titles.len(), Command::ALL.len());
        let shortcuts: Vec<_> = Command::ALL.iter().filter_map(|command| command.shortcut()).collect();
        for (index, shortcut) in shortcuts.iter().enumerate() {
            assert!(!shortcuts[index + 1..].contains(shortcut), "{shortcut:?} is taken twice");
        }
    }
}
