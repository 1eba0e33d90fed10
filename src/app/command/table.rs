//! All commands, one row each, in the order of the palette.

use egui::{Key, KeyboardShortcut, Modifiers, ViewportCommand};

use super::enabled::{
    can_draw_epsilon, can_draw_nuisance, can_measure, can_redo, can_undo, has_model, has_nuisance,
    has_picture, has_sliders, is_not_training, lacks_decoder, lacks_encoder, takes_pictures, was_explained,
};
use super::name::Command as C;
use super::row::{Row, row};
use crate::app::Tool;
use crate::app::dialog::Purpose;
use crate::app::document::stage_picture::StageTarget;
use crate::app::document::strip::StripKind;
use crate::app::document::{Document, Overlay};
use crate::app::view::Compare;

pub(super) const TABLE: &[Row] = &[
    row(
        C::Open,
        "Open model…",
        |state| state.ask(Purpose::Model),
        "Choose a bundle or a published checkpoint (.pt, last)",
    )
    .on(ctrl(Key::O)),
    row(
        C::OpenRun,
        "Open run folder…",
        |state| state.ask(Purpose::Run),
        "Choose the folder of a training run: its newest checkpoint opens",
    ),
    row(
        C::Gallery,
        "Gallery of models…",
        |state| state.show(Overlay::Gallery),
        "The trained models that the program brings along: one click opens one",
    ),
    row(C::OpenPath, "Open by path…", |state| state.show(Overlay::Path), "Type where the model is")
        .on(shift(Key::O)),
    row(
        C::OpenBeside,
        "Open beside…",
        |state| state.ask(Purpose::Beside),
        "Open a second model and compare its pictures of the same codes with this one's: another checkpoint, \
         another method, another seed. Its codes need the same names and numbers of dimensions",
    )
    .when(has_model),
    row(
        C::CloseBeside,
        "Close the model beside",
        Document::close_beside,
        "Go back to this model's own two pictures",
    )
    .when(|state| state.beside.is_open()),
    row(
        C::PairVae,
        "Pair with a VAE…",
        |state| state.ask(Purpose::PairVae),
        "Open this GAN together with the VAE whose encoder it distils, to see both pictures",
    )
    .when(lacks_decoder),
    row(
        C::PairEncoder,
        "Open its encoder…",
        |state| state.ask(Purpose::Encoder),
        "Open this ONNX decoder together with its encoder, which lies in a file of its own: codes can then be read from pictures",
    )
    .when(lacks_encoder),
    row(
        C::AskAgain,
        "Ask about this file again",
        Document::ask_again,
        "Forget what was answered about this model's file: the numbers that its pictures are in, what its encoder's results \
         are, and the data that it was trained on",
    )
    .when(was_explained),
    row(
        C::MeasureData,
        "Measure on my images…",
        |state| state.ask(Purpose::Data),
        "Encode a folder of pictures to learn which factors are active, how informative they are and where \
         the data lies (aggregated posterior); asks where to write the bundle that holds it",
    )
    .when(can_measure),
    row(
        C::StartFromPhoto,
        "Start from a picture…",
        |state| state.ask(Purpose::Photo),
        "Encode a picture of your own and set the factors to what the encoder finds: c = mu of q(c|x). A model that makes \
         pictures of pictures makes them of it",
    )
    .when(takes_pictures),
    row(
        C::StartFromData,
        "Start from the data",
        Document::show_data_pictures,
        "Show nine random pictures of the data the model was trained on; click one to set the factors to \
         what the encoder finds in it: c = mu of q(c|x). Asked again, it shows nine others",
    )
    .when(|state| state.own_data().is_some()),
    row(
        C::SaveCodes,
        "Save codes…",
        |state| state.ask(Purpose::SaveCodes),
        "Write all code values as an npz file that the command line reads (--codes)",
    )
    .when(has_model),
    row(
        C::SavePicture,
        "Save picture…",
        |state| state.ask(Purpose::SavePicture),
        "Write the picture at its own resolution as a PNG with provenance, and its codes beside it",
    )
    .on(ctrl(Key::S))
    .when(has_picture),
    row(
        C::SaveStage,
        "Save the stage…",
        |state| state.ask(Purpose::SaveStage),
        "Write what the middle of the window shows, pictures, table or curves, as a PNG of its own pixels",
    )
    .when(has_model),
    row(
        C::CopyStage,
        "Copy the stage as a picture",
        |state| state.picture_stage(StageTarget::Clipboard),
        "Put what the middle of the window shows, pictures, table or curves, on the clipboard as a picture",
    )
    .when(has_model),
    row(
        C::Traverse,
        "Traverse the factors",
        |state| state.show_tool(Tool::Traverse),
        "A table of pictures: each factor in turn runs through its range",
    )
    .on(ctrl(Key::T))
    .when(has_model),
    row(
        C::Matrix,
        "Codes by nuisances (c × s)",
        |state| state.show_tool(Tool::Matrix),
        "A table of pictures as Figure 8 of the paper: each column one code c, each row one nuisance code s. \
         What a column shares comes from c, what a row shares from s",
    )
    .when(Document::has_matrix),
    row(
        C::Animate,
        "Animate the factors",
        |state| state.show_tool(Tool::Animation),
        "Set up an animation of one factor, or of a path through bookmarked codes, and export it",
    )
    .when(has_model),
    row(
        C::PlayPause,
        "Play or pause",
        Document::toggle_play,
        "Move the selected factor through its range and back, or walk through the bookmarks, as set up in \
         Traverse > Animation; the sliders move along",
    )
    .on(plain(Key::P))
    .when(|state| state.can_play().is_ok()),
    row(
        C::Train,
        "Train a model",
        |state| state.show_tool(Tool::Train),
        "Choose data and a preset, and train a VAE or a GAN beside the explorer",
    ),
    row(
        C::ResumeRun,
        "Resume a run…",
        |state| state.ask(Purpose::ResumeRun),
        "Go on with the run in a folder, from its newest checkpoint, as if it had not stopped",
    )
    .when(is_not_training),
    row(
        C::ListRuns,
        "Overlay runs…",
        |state| state.ask(Purpose::Runs),
        "Choose a folder with training runs and draw the curves of several over each other",
    ),
    row(
        C::ExploreRun,
        "Explore the run in training",
        |state| {
            state.choose_tool(Tool::Inspect);
            state.explore_run();
        },
        "Open the newest checkpoint of the run that is training, and follow it",
    )
    .when(|state| state.train.run.is_some()),
    row(
        C::Evaluate,
        "Evaluate the model",
        |state| state.show_tool(Tool::Evaluate),
        "Measure the model with the metrics of the paper: FVM, MIG, FID and more",
    )
    .when(has_model),
    row(
        C::ExportEvaluation,
        "Export results…",
        |state| state.ask(Purpose::SaveEvaluation),
        "Write the measured values with their intervals as JSON, or as a table (.csv)",
    )
    .when(|state| state.evaluate.results.is_some()),
    row(
        C::ExportTables,
        "Export tables…",
        |state| state.ask(Purpose::SaveTables),
        "Write the tables of factors and dimensions as a page (.pdf, .svg or .png) with the command that makes it again, or \
         as JSON",
    )
    .when(|state| state.pages.tables.is_some()),
    row(
        C::ExportMap,
        "Export map…",
        |state| state.ask(Purpose::SaveMap),
        "Write the map of codes as a page (.pdf, .svg or .png) with the command that makes it again, or its codes as JSON",
    )
    .when(|state| state.pages.map.is_some()),
    row(
        C::ExportTraversal,
        "Export traversal…",
        |state| state.ask(Purpose::SaveTraversal),
        "Write the traversal as a labelled figure (.png), an animation (.gif, .apng, .mp4 by ffmpeg) or arrays (.npz)",
    )
    .when(|state| state.traversal().is_ok()),
    row(
        C::ExportMatrix,
        "Export c × s matrix…",
        |state| state.ask(Purpose::SaveMatrix),
        "Write the matrix of codes and nuisance codes (Figure 8 of the paper) as a labelled figure (.png) or \
         as arrays (.npz), with provenance",
    )
    .when(|state| state.code_matrix().is_ok()),
    row(
        C::ExportAnimation,
        "Export animation…",
        |state| state.ask(Purpose::SaveAnimation),
        "Write the animation as a .gif, an .apng, an .mp4 (by ffmpeg), or its frames as a folder of PNGs, with provenance",
    )
    .when(|state| state.can_play().is_ok()),
    row(
        C::Reload,
        "Reload model",
        Document::reload,
        "Read the file again, for instance while a training run writes it",
    )
    .on(plain(Key::F5))
    .when(has_model),
    row(C::Undo, "Undo", Document::undo, "Take back the last change of the codes")
        .on(ctrl(Key::Z))
        .when(can_undo),
    row(C::Redo, "Redo", Document::redo, "Do again what was taken back").on(shift(Key::Z)).when(can_redo),
    row(
        C::CopyCodes,
        "Copy codes as JSON",
        Document::copy_codes,
        "Put all code values on the clipboard as JSON",
    )
    .on(shift(Key::C))
    .when(has_model),
    row(
        C::PasteCodes,
        "Paste codes",
        |state| state.ctx().send_viewport_cmd(ViewportCommand::RequestPaste),
        "Set the codes from JSON on the clipboard",
    )
    .on(shift(Key::V))
    .when(has_model),
    row(
        C::ResetFactors,
        "Reset factors",
        Document::reset_factors,
        "Set every unlocked factor to its neutral value (c = 0)",
    )
    .on(ctrl(Key::R))
    .when(Document::can_reset),
    row(
        C::RandomFactors,
        "Random factors",
        Document::random_factors,
        "Draw every unlocked factor at random: from the data's codes where they were measured (aggregated \
         posterior), otherwise from the prior N(0, I)",
    )
    .on(plain(Key::R))
    .when(has_sliders),
    row(
        C::NewNuisance,
        "New nuisance sample",
        Document::draw_nuisance,
        "Draw what the factors do not describe anew: s ~ N(0, I), same c; or, where the factors are made of the noise, \
         as IB-GAN's r of z, the noise and the unlocked factors with it",
    )
    .on(plain(Key::S))
    .when(can_draw_nuisance),
    row(
        C::NuisanceBack,
        "Previous nuisance sample",
        Document::nuisance_back,
        "Go back to the nuisance sample seen before",
    )
    .on(plain(Key::OpenBracket))
    .when(|state| has_nuisance(state) && state.nuisance.can_go_back()),
    row(
        C::NuisanceForward,
        "Next nuisance sample",
        Document::nuisance_forward,
        "Go forward again through the nuisance samples seen",
    )
    .on(plain(Key::CloseBracket))
    .when(|state| has_nuisance(state) && state.nuisance.can_go_forward()),
    row(
        C::NeutralNuisance,
        "Neutral nuisance",
        Document::set_nuisance_neutral,
        "Set the nuisance code to s = 0, the centre of its prior",
    )
    .when(can_draw_nuisance),
    row(
        C::NewEpsilon,
        "New epsilon",
        Document::draw_new_epsilon,
        "Where a network makes the factors of noise (IB-GAN's e makes r of z): draw them anew of the same noise",
    )
    .when(can_draw_epsilon),
    row(
        C::NineNuisances,
        "Nine nuisance samples",
        |state| state.show_strip(StripKind::Nine),
        "Show the same factors with nine nuisance samples: one c, nine s. Where the factors are made of the noise, as \
         IB-GAN's r of z, each sample has its own; locked ones stay",
    )
    .on(plain(Key::Num9))
    .when(has_nuisance),
    row(
        C::Bookmark,
        "Bookmark this picture",
        Document::bookmark,
        "Keep these codes with a thumbnail in the film strip",
    )
    .on(ctrl(Key::B))
    .when(has_model),
    row(
        C::ShowBookmarks,
        "Show bookmarks",
        |state| state.show_strip(StripKind::Bookmarks),
        "Show the kept codes in the film strip",
    )
    .when(has_model),
    row(
        C::SideBySide,
        "Compare side by side",
        |state| state.compare(Compare::SideBySide),
        "Both pictures of the same code beside each other",
    )
    .on(plain(Key::Num1))
    .when(Document::can_compare)
    .chosen(|state| state.views.compare == Compare::SideBySide),
    row(
        C::Wipe,
        "Compare by wipe",
        |state| state.compare(Compare::Wipe),
        "Both pictures in one frame with a divider to drag",
    )
    .on(plain(Key::Num2))
    .when(Document::can_compare)
    .chosen(|state| state.views.compare == Compare::Wipe),
    row(
        C::Blink,
        "Compare by blinking",
        |state| state.compare(Compare::Blink),
        "Both pictures in one frame, alternating twice a second",
    )
    .on(plain(Key::Num3))
    .when(Document::can_compare)
    .chosen(|state| state.views.compare == Compare::Blink),
    row(
        C::Difference,
        "Compare by difference",
        |state| state.compare(Compare::Difference),
        "A heat map of where the two pictures differ",
    )
    .on(plain(Key::Num4))
    .when(Document::can_compare)
    .chosen(|state| state.views.compare == Compare::Difference),
    row(
        C::ToggleCrisp,
        "Crisp pixels",
        |state| state.toggle(|settings| &mut settings.crisp),
        "Show pixels that are enlarged twice or more as squares of whole pixels of the screen, instead of \
         blending them",
    )
    .on(plain(Key::X))
    .when(has_model)
    .chosen(|state| state.settings.crisp),
    row(C::Fit, "Fit pictures", |state| state.views.fit(), "Show the whole pictures as large as they fit")
        .on(plain(Key::F))
        .when(has_model),
    row(
        C::ActualSize,
        "Actual size (1:1)",
        |state| state.views.actual_size(),
        "One pixel of the first picture on one pixel of the screen",
    )
    .on(plain(Key::A))
    .when(has_model),
    row(
        C::ToggleFactors,
        "Factors panel",
        |state| state.toggle(|settings| &mut settings.show_factors),
        "Show or hide the sliders",
    )
    .chosen(|state| state.settings.show_factors),
    row(
        C::ToggleTabs,
        "Tools panel",
        |state| state.toggle(|settings| &mut settings.show_tabs),
        "Show or hide the tools on the right",
    )
    .chosen(|state| state.settings.show_tabs),
    row(
        C::ToggleStrip,
        "Film strip",
        |state| state.toggle(|settings| &mut settings.show_strip),
        "Show or hide the thumbnails below the pictures",
    )
    .chosen(|state| state.settings.show_strip),
    row(
        C::ToggleTheme,
        "Light or dark",
        |state| state.toggle(|settings| &mut settings.dark),
        "Switch between light and dark",
    ),
    row(C::LargerInterface, "Larger interface", |state| state.zoom(0.1), "Enlarge text and controls")
        .on(ctrl(Key::Plus)),
    row(C::SmallerInterface, "Smaller interface", |state| state.zoom(-0.1), "Shrink text and controls")
        .on(ctrl(Key::Minus)),
    row(
        C::ResetInterface,
        "Normal interface size",
        Document::reset_zoom,
        "Text and controls at their normal size",
    )
    .on(ctrl(Key::Num0)),
    row(C::Palette, "Command palette", |state| state.show(Overlay::Palette), "Find any command by its name")
        .on(ctrl(Key::P)),
    row(
        C::Help,
        "Keys and help",
        |state| state.show(Overlay::Help),
        "All keys and what the mouse does, the version, the licence, where the documentation is, and the papers",
    )
    .on(plain(Key::F1)),
    row(
        C::Quit,
        "Quit",
        |state| state.ctx().send_viewport_cmd(ViewportCommand::Close),
        "Save the session and close the window",
    )
    .on(ctrl(Key::Q)),
];

/// Ctrl and `key`, or Command on a Mac.
const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

/// The same with Shift.
const fn shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

/// `key` alone.
const fn plain(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}
