use egui::{DragValue, RichText, ScrollArea, Ui};

use super::pages::controls;
use super::{Panel, heading};
use crate::app::action::{Actions, EvaluateAction};
use crate::app::command::Command;
use crate::app::document::Document;
use crate::app::document::evaluate::EvaluateSettings;
use crate::app::theme::{GRID, Palette, SMALL, figures};
use crate::app::words::in_window;
use crate::data::KNOWN_SPECS;
use crate::metrics::{Metric, figure};

/// Measures the open model with the metrics of the paper.
#[derive(Default)]
pub(crate) struct Evaluate;

impl Panel for Evaluate {
    fn title(&self) -> &'static str {
        "Evaluate"
    }

    fn hint(&self) -> &'static str {
        "Measure the model with the metrics of the paper: FVM, MIG, FID and more"
    }

    fn ui(&mut self, ui: &mut Ui, state: &Document, actions: &mut Actions) {
        if state.model.is_none() {
            ui.label(RichText::new("Open a model to measure it.").color(Palette::of(ui).quiet));
            return;
        }
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            choose(ui, state, actions);
            start(ui, state, actions);
            controls(ui, state, actions);
            results(ui, state, actions);
        });
    }
}

/// What is measured, on what.
fn choose(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    heading(ui, "Metrics", "", "How well the code is disentangled, and how good the pictures are");
    let has_encoder = state.model.as_ref().is_some_and(|model| model.opened.encoded().is_some());
    let mut set = state.evaluate.settings.clone();
    let (further, usual): (Vec<_>, Vec<_>) =
        set.chosen.iter_mut().partition(|(metric, _)| EvaluateSettings::is_further(**metric));
    usual.into_iter().for_each(|(metric, chosen)| checkbox(ui, *metric, chosen, has_encoder));
    let more = egui::CollapsingHeader::new("Further metrics of codes").show(ui, |ui| {
        further.into_iter().for_each(|(metric, chosen)| checkbox(ui, *metric, chosen, has_encoder));
    });
    more.header_response.on_hover_text("DCI, SAP, InfoMEC and others that papers report");
    ui.add_space(GRID);
    // A grid grows with its fields, so they are told how wide they may be.
    let width = (ui.available_width() - GRID * 10.5).max(GRID * 8.0);
    egui::Grid::new("evaluate").num_columns(2).spacing([GRID, GRID]).show(ui, |ui| {
        let label = ui.label("Data");
        let edit = egui::TextEdit::singleline(&mut set.data).desired_width(width).hint_text("dsprites");
        ui.add(edit).labelled_by(label.id).on_hover_text(RichText::new(KNOWN_SPECS).font(figures()).size(SMALL));
        ui.end_row();
        if set.chosen.iter().any(|(metric, chosen)| *chosen && metric.needs_features()) {
            let label = ui.label("Features by");
            let edit = egui::TextEdit::singleline(&mut set.network).desired_width(width);
            let edit = edit.hint_text("the program's own network");
            let hint = "The network that describes pictures: the file of the Inception weights, or one of idgan train \
                        features. The program has its own for dsprites and scenes; photographs need Inception";
            ui.add(edit).labelled_by(label.id).on_hover_text(hint);
            ui.end_row();
        }
        let label = ui.label("Samples");
        let field = DragValue::new(&mut set.samples).speed(20.0).range(0..=1_000_000);
        let field = field.custom_formatter(|value, _| if value < 1.0 { "published".into() } else { format!("{value:.0}") });
        ui.add(field).labelled_by(label.id).on_hover_text(
            "Pictures behind each value; 0 for the published number of each metric (10,000 for MIG, 50,000 for FID, ...)",
        );
        ui.end_row();
        let label = ui.label("Seed");
        let field = DragValue::new(&mut set.seed).speed(0.1);
        ui.add(field).labelled_by(label.id).on_hover_text("Every random choice; equal seeds give equal results");
        ui.end_row();
    });
    if set != state.evaluate.settings {
        actions.push(EvaluateAction::SetUp(set));
    }
}

/// Whether a metric is measured.
fn checkbox(ui: &mut Ui, metric: Metric, chosen: &mut bool, has_encoder: bool) {
    let is_possible = has_encoder || !metric.needs_encoder();
    ui.add_enabled_ui(is_possible, |ui| {
        ui.checkbox(chosen, metric.title())
            .on_hover_text(hint(metric))
            .on_disabled_hover_text("This model has no encoder to measure");
    });
}

fn start(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    ui.horizontal(|ui| {
        if state.evaluate.is_running() {
            if ui.button("Cancel measuring").on_hover_text("End here; what is finished stays").clicked() {
                actions.push(EvaluateAction::Cancel);
            }
            ui.spinner();
            if let Some((metric, before, count)) = state.evaluate.progress() {
                let text = format!("{} ({} of {count})", metric.title(), before + 1);
                ui.label(RichText::new(text).size(SMALL).color(Palette::of(ui).quiet));
            }
            return;
        }
        let set = &state.evaluate.settings;
        let can = !set.data.trim().is_empty() && set.chosen.values().any(|chosen| *chosen);
        let hint = "Runs idgan eval beside the window, one metric after the other. Some take minutes";
        let button = ui.add_enabled(can, egui::Button::new("Evaluate this model")).on_hover_text(hint);
        if button.on_disabled_hover_text("Choose a metric, and name the data to measure on").clicked() {
            actions.push(EvaluateAction::Start);
        }
    });
}

/// The values with their intervals.
fn results(ui: &mut Ui, state: &Document, actions: &mut Actions) {
    let Some(results) = &state.evaluate.results else { return };
    let palette = Palette::of(ui);
    ui.add_space(GRID);
    let explanation = format!("On {}, seed {}, with 95 % intervals", results.data, results.seed);
    heading(ui, "Results", "", &explanation);
    ui.label(RichText::new(explanation).size(SMALL).color(palette.quiet));
    egui::Grid::new("results").num_columns(3).spacing([GRID, GRID * 0.5]).show(ui, |ui| {
        for (metric, score) in &results.metrics {
            ui.label(RichText::new(metric.title()).size(12.0)).on_hover_text(hint(*metric));
            ui.label(RichText::new(metric.figure(score.value)).font(figures()).strong());
            let interval = format!("{} to {}", metric.figure(score.low), metric.figure(score.high));
            let parts = score.parts.iter().map(|part| format!("{}: {}", part.name, figure(part.value)));
            let parts = parts.collect::<Vec<_>>().join("\n");
            let samples = results.samples.get(metric).copied().unwrap_or_default();
            let setting = results.settings.get(metric).map(String::as_str).unwrap_or_default();
            ui.label(RichText::new(interval).font(figures()).size(SMALL).color(palette.quiet))
                .on_hover_text(format!("{samples} samples\n{setting}\n{parts}").trim().to_owned());
            ui.end_row();
        }
    });
    for warning in results.left_out.values().chain(&results.warnings) {
        ui.label(RichText::new(in_window(warning)).size(SMALL).color(palette.warning));
    }
    if ui.button("Export results…").on_hover_text(Command::ExportEvaluation.hint()).clicked() {
        actions.push(Command::ExportEvaluation);
    }
}

/// What a metric says, in plain words.
fn hint(metric: Metric) -> &'static str {
    match metric {
        Metric::Fvm => {
            "FactorVAE metric: fix one true factor; does one dimension of the code stand still? Accuracy of guessing \
             the factor from it. Higher is better, at most 1. Needs data with known factors"
        }
        Metric::Mig => {
            "Mutual information gap: how much more the best dimension knows of a factor than the second best. Higher \
             is better, at most 1. Needs data with known factors"
        }
        Metric::BetaVae => {
            "How often a linear classifier tells which factor pairs of pictures share, from the distances of their codes. At \
             most 1, and lenient: it may use several dimensions. Needs data with known factors"
        }
        Metric::DciD => {
            "Disentanglement: how far a dimension matters for one factor only, to boosted trees that read the factors from the \
             code. At most 1. Takes a minute or two. Needs data with known factors"
        }
        Metric::DciC => {
            "Completeness: how far a factor needs one dimension only, to the same trees. At most 1. Needs data with known factors"
        }
        Metric::DciI => {
            "Informativeness: how often the same trees tell the factors of codes they have not seen. At most 1. Needs data with \
             known factors"
        }
        Metric::Irs => {
            "Interventional robustness: how little dimensions move while the factor that they stand for does not. At most 1; \
             noise is not 0. Needs data with known factors"
        }
        Metric::InfoM => {
            "InfoMEC's modularity: how far an active dimension knows of one factor only, by nearest neighbours. From 0, where \
             all are alike, to 1. Needs data with known factors"
        }
        Metric::InfoE => {
            "InfoMEC's explicitness: how much of the factors a linear classifier reads from the code. At most 1. Needs data with \
             known factors"
        }
        Metric::InfoC => {
            "InfoMEC's compactness: how far a factor is known to one active dimension only. From 0 to 1. Needs data with known \
             factors"
        }
        Metric::Sap => {
            "Separated attribute predictability: how much better a line on the best dimension tells a factor than one on the \
             second best. Low wherever factors have many values. Needs data with known factors"
        }
        Metric::Modularity => {
            "How far each dimension knows of one factor only. Higher is better, at most 1; pure noise is not 0. Needs data \
             with known factors"
        }
        Metric::Explicitness => {
            "How well a linear classifier reads the factors from the whole code: 0.5 is chance, 1 the most. Needs data with \
             known factors"
        }
        Metric::Correlation => {
            "The largest correlation of each true factor with a dimension of the code, and which dimension that is. At \
             most 1. Needs data with known factors"
        }
        Metric::ClusteringError => {
            "How often the clusters of a categorical code tell the label wrong: each half of the pictures is judged by what most of \
             a cluster's pictures in the other half are. Lower is better. Needs data with labels"
        }
        Metric::ClassificationError => {
            "How often the choice of a code that was trained with labels is not the label. Lower is better. Needs data with labels"
        }
        Metric::Reconstruction => {
            "Mean squared error, values in [0, 1], of what is drawn of a picture's own code. Lower is better"
        }
        Metric::Spread => {
            "How much the noise changes pictures of the same code: their variance, values in [0, 1]. 0: nothing"
        }
        Metric::Information => {
            "I_L of an IB-GAN or its InfoGAN: what its pictures know of z at least, in nats. At most KL of r"
        }
        Metric::Bottleneck => {
            "KL of an IB-GAN: what its pictures can know of z at most, in nats, by dimension of r. Falls as beta rises"
        }
        Metric::OneHotL1 => {
            "How far an OOGAN's reader is off, |c - mu|, on pictures of which one control is 1 and the others 0. Lower is better"
        }
        Metric::UniformL1 => {
            "How far an OOGAN's reader is off, |c - mu|, on pictures whose controls are uniform from 0 to 1. Lower is better"
        }
        Metric::Cosine => {
            "How alike the kernels of an OOGAN's reader are: mean squared cosine, at least 1 / their number or 1/16. Lower is better"
        }
        Metric::Diversity => {
            "Perceptual diversity: how far features are apart where two dimensions of the code change places. Compare it only \
             where the same network describes the pictures. Higher is better"
        }
        Metric::Fid => {
            "Frechet distance between features of real and of drawn pictures: how good and how varied the pictures \
             are. Lower is better"
        }
        Metric::FdInfinity => {
            "What FID tends to as ever more pictures are drawn, by a line through the distances of five numbers of them. Lower is \
             better. Takes longer than FID"
        }
        Metric::Kid => {
            "Squared maximum mean discrepancy of the same features, in thousandths: like FID, but not larger for few pictures. \
             Lower is better"
        }
        Metric::Precision => {
            "How many of the drawn pictures lie within reach of a real one: how good they are. At most 1"
        }
        Metric::Recall => {
            "How many of the real pictures lie within reach of a drawn one: how varied those are. At most 1"
        }
        Metric::Density => {
            "How densely real pictures lie around the drawn ones: 1 where both are alike, and more where drawn ones keep to the \
             middle"
        }
        Metric::Coverage => "How many of the real pictures have a drawn one within reach. At most 1",
        Metric::Swd => {
            "Sliced Wasserstein distance between patches of real and of drawn pictures, by level of a Laplacian pyramid: how \
             alike the textures are, whatever the colours. Lower is better; needs no network"
        }
        Metric::RId => {
            "E[log q(c|G(s,c))]: how well the encoder reads back the code that a picture was made from"
        }
        Metric::ReadBack => {
            "Correlation of the codes that pictures were made from with what the encoder reads in them, by active \
             dimension. At most 1"
        }
        Metric::Gilbo => "R_ID with encoders trained on the generator's own pictures: takes long",
        Metric::Kl => {
            "How much the code says about a picture: KL of its posterior from the prior, by dimension"
        }
        Metric::Active => {
            "Dimensions whose mean varies over the data; the others have collapsed onto the prior"
        }
        Metric::Tc => {
            "Total correlation of the code: how far its dimensions are from independent. Lower is better. By the \
             posteriors of all pictures: takes a minute"
        }
        Metric::GaussianTc => {
            "The same of a Gaussian fitted to the means: quick, and blind to what is not linear"
        }
        Metric::GaussianWc => {
            "How far a Gaussian fitted to the means is from one whose dimensions are independent, by their variance. Lower is \
             better"
        }
        Metric::MeanMi => {
            "What two dimensions of the code know of one another, averaged over pairs. Lower is better; sees what no Gaussian \
             does"
        }
    }
}
