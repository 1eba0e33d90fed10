use egui::{Align2, Id, RichText, ScrollArea, Ui, vec2};

use super::command::Command;
use super::theme::{GRID, Palette, SMALL, figures};

/// The sheet of keys and gestures, with version, licence, documentation and papers.
#[derive(Default)]
pub(crate) struct Help {
    is_open: bool,
}

/// What the mouse does, and keys that no command stands for.
const GESTURES: &[[&str; 2]] = &[
    ["Drag a slider", "Moves its factor"],
    ["Drag on a picture", "Moves the selected factor"],
    ["Wheel", "On a picture, or on the selected slider: moves the selected factor"],
    [
        "Ctrl+wheel, pinch",
        "Zooms the pictures; Alt and dragging moves what is zoomed, a double click fits it again",
    ],
    ["←  →", "Move the selected factor by a hundredth of its range, with Shift by a tenth"],
    ["↑  ↓", "Select another factor"],
    ["Double click a name", "Gives the dimension a name, which is kept with the model"],
    ["Drop a file", "Opens a model, or starts from a picture"],
    ["Escape", "Closes what lies over the window"],
];

/// The papers whose methods the program trains and explores, and where they are read.
const PAPERS: &[[&str; 2]] = &[
    ["ID-GAN: Lee et al., ECCV 2020", "https://arxiv.org/abs/2001.04296"],
    ["OOGAN: Liu et al., AAAI 2020", "https://arxiv.org/abs/1905.10836"],
    ["Implicit autoencoders: Makhzani, 2018", "https://arxiv.org/abs/1805.09804"],
];

/// Width of the sheet in points.
const WIDTH: f32 = 560.0;

impl Help {
    pub(crate) fn open(&mut self) {
        self.is_open = true;
    }

    /// Shows it while it is open.
    pub(crate) fn show(&mut self, ctx: &egui::Context) {
        if !self.is_open {
            return;
        }
        let area = egui::Modal::default_area(Id::unique("help")).anchor(Align2::CENTER_TOP, vec2(0.0, 48.0));
        let height = ctx.content_rect().height() - 96.0;
        let mut is_done = false;
        let modal = egui::Modal::new(Id::unique("help")).area(area).show(ctx, |ui| {
            ui.set_width(WIDTH.min(ctx.content_rect().width() - 64.0));
            ui.heading(format!("idgan {}", env!("CARGO_PKG_VERSION")));
            about(ui);
            ui.separator();
            let room = (height - GRID * 24.0).max(GRID * 12.0);
            ScrollArea::vertical().max_height(room).auto_shrink([false, true]).show(ui, |ui| {
                sheet(
                    ui,
                    "Mouse and arrows",
                    GESTURES.iter().map(|[what, does]| ((*what).to_owned(), *does)),
                );
                ui.add_space(GRID);
                let commands = Command::all().filter(|command| !command.keys().is_empty());
                sheet(ui, "Keys", commands.map(|command| (command.keys(), command.title())));
            });
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                is_done |= ui.button("Close help").on_hover_text("Back to the window").clicked();
            });
        });
        if is_done || modal.should_close() {
            self.is_open = false;
        }
    }
}

/// Where more is written, what may be done with the program, and the papers.
fn about(ui: &mut Ui) {
    let quiet = Palette::of(ui).quiet;
    let small = |text: &str| RichText::new(text).size(SMALL).color(quiet);
    ui.label(small(
        "Documentation: README.md and the folder docs beside the program's source, which packages install in share/doc/idgan; \
         idgan COMMAND --help explains a command. Licensed under MIT or Apache-2.0, as you like.",
    ));
    ui.horizontal_wrapped(|ui| {
        ui.label(small("Papers:"));
        for [name, address] in PAPERS {
            let link = RichText::new(*name).size(SMALL);
            ui.hyperlink_to(link, *address).on_hover_text(*address);
        }
        ui.label(small("IB-GAN: Jeon et al., AAAI 2021"));
    });
}

/// A table of two columns.
fn sheet(ui: &mut Ui, title: &str, rows: impl Iterator<Item = (String, &'static str)>) {
    ui.label(RichText::new(title).strong());
    egui::Grid::new(title).num_columns(2).spacing([GRID * 2.0, GRID * 0.5]).show(ui, |ui| {
        for (keys, does) in rows {
            ui.label(RichText::new(keys).font(figures()));
            ui.add(egui::Label::new(does).wrap());
            ui.end_row();
        }
    });
}
