use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Frame, Key, Margin, Modifiers, Panel as SidePanel, ThemePreference, Ui};

use super::command::Command;
use super::dialog::{Dialogs, Outcome, Purpose};
use super::gallery::Gallery;
use super::help::Help;
use super::keep::Kept;
use super::layout::Layout;
use super::leave::Leaving;
use super::log::About;
use super::model::ModelView;
use super::palette::Palette;
use super::panels::{
    Evaluate, Factors, GridPanel, Inspect, LogPanel, Menu, Nuisance, Panel, Pictures, Questions, Status,
    StripPanel, Train, Traverse,
};
use super::theme::{self, GRID};
use super::update::keeper::Keeper;
use super::view::Views;
use super::{Options, Tool};
use crate::app::action::{Action, Actions, CodeAction, ModelAction, ViewAction};
use crate::app::document::board::run_name;
use crate::app::document::{Document, Overlay};
use crate::engine::Engine;

/// The explorer's window.
pub struct Explorer {
    pub(super) state: Document,
    /// What was done in this frame and is not carried out yet.
    pub(super) actions: Actions,
    menu: Menu,
    pub(super) factors: Factors,
    pub(super) nuisance: Nuisance,
    pub(super) pictures: Pictures,
    pub(super) grid: GridPanel,
    pub(super) strip: StripPanel,
    pub(super) questions: Questions,
    status: Status,
    /// The panels of [`Tab::ALL`].
    pub(super) tabs: [Box<dyn Panel>; 5],
    palette: Palette,
    gallery: Gallery,
    help: Help,
    dialogs: Dialogs,
    keeper: Keeper,
    pub(super) leaving: Leaving,
    pub(super) layout: Layout,
    /// What the window is called.
    title: String,
    /// Whether the window's place was looked at.
    is_placed: bool,
}

/// Time between two codes of an animation that plays.
const PLAY_EVERY: Duration = Duration::from_millis(33);

impl Explorer {
    /// Builds the window's content and starts the engine. `gpu` is absent where nothing is painted (tests of the
    /// accessibility tree).
    ///
    /// # Errors
    /// When the engine's threads cannot be started.
    pub fn new(
        ctx: &egui::Context,
        gpu: Option<&eframe::egui_wgpu::RenderState>,
        options: &Options,
    ) -> anyhow::Result<Self> {
        theme::install(ctx);
        let repaint = ctx.clone();
        let wake = Arc::new(move || repaint.request_repaint());
        let views = Views::default();
        let engine = Engine::new(Arc::clone(&options.library), options.threads, wake, views.own.tap())?;
        let Kept { session, mut settings, faults } =
            options.config.as_deref().map(Kept::load).unwrap_or_default();
        let keeper = Keeper::new(ctx, settings.clone())?;
        if let Some(dark) = options.dark {
            settings.dark = dark;
        }
        let mut software_gpu = None;
        if let Some(gpu) = gpu {
            super::paint::install(gpu);
            let info = gpu.adapter.get_info();
            let is_software = info.device_type == eframe::egui_wgpu::wgpu::DeviceType::Cpu;
            software_gpu = is_software.then_some(info.name);
        }
        let mut state = Document::new(ctx, engine, views, settings, options);
        for fault in faults {
            state.log.warn(About::Keeping, fault);
        }
        let tool = options.tool.or_else(|| Tool::named(&session.tool)).unwrap_or_default();
        state.begin_with(options, session);
        if let Some(source) = &options.beside {
            state.open_beside(source.clone());
        }
        state.choose_tool(tool);
        let dialogs = Dialogs::new(options.dialogs.clone(), state.settings.folders.clone());
        Ok(Self {
            state,
            actions: Actions::default(),
            menu: Menu,
            factors: Factors::default(),
            nuisance: Nuisance::default(),
            pictures: Pictures,
            grid: GridPanel,
            strip: StripPanel,
            questions: Questions::default(),
            status: Status { software_gpu, ui_time: Duration::ZERO },
            tabs: [
                Box::new(Inspect),
                Box::new(Traverse),
                Box::new(Train),
                Box::new(Evaluate),
                Box::new(LogPanel),
            ],
            palette: Palette::default(),
            gallery: Gallery::default(),
            help: Help::default(),
            dialogs,
            keeper,
            leaving: Leaving::default(),
            layout: Layout::default(),
            title: String::new(),
            is_placed: false,
        })
    }

    /// A program that draws on the CPU gains nothing by waiting for a screen's rhythm, but loses time.
    pub(super) fn prepare_surface(&self, frame: &mut eframe::Frame) {
        if self.status.software_gpu.is_none() {
            return;
        }
        let wanted = eframe::egui_wgpu::SurfaceConfig {
            present_mode: eframe::egui_wgpu::wgpu::PresentMode::AutoNoVsync,
            desired_maximum_frame_latency: Some(1),
        };
        if frame.wgpu_surface_config().is_some_and(|config| config != wanted) {
            frame.set_wgpu_surface_config(wanted);
        }
    }

    /// Draws one frame of the window.
    pub fn update(&mut self, ui: &mut Ui) {
        let start = Instant::now();
        let ctx = ui.ctx().clone();
        self.apply_settings(&ctx);
        if self.dialogs.is_out() {
            swallow_keys(&ctx);
        }
        self.state.begin_frame(&ctx);
        self.name_window(&ctx);
        self.dropped_files(&ctx);
        self.keys(&ctx);
        self.apply_actions(&ctx);

        // The window is cleared in the panels' colour, so that they need no fill of their own: on a software
        // rasteriser every filled pixel counts.
        let bare = Frame::side_top_panel(ui.style()).fill(egui::Color32::TRANSPARENT);
        let menu_frame = bare.inner_margin(Margin::symmetric(8, 2));
        SidePanel::top("menu")
            .frame(menu_frame)
            .show(ui, |ui| self.menu.ui(ui, &self.state, &mut self.actions));
        let status_frame = bare.inner_margin(Margin::symmetric(12, 0));
        SidePanel::bottom("status")
            .frame(status_frame)
            .exact_size(GRID * 3.5)
            .show(ui, |ui| self.status.ui(ui, &self.state, &mut self.actions));
        self.fit_sides(ui);
        self.left(ui, bare);
        // What a slider asks for is rendered while the rest of the window is laid out.
        self.apply_actions(&ctx);
        self.state.sync();
        self.right(ui, bare);
        self.centre(ui, bare);

        if let Some(command) = self.palette.show(&ctx, &self.state) {
            self.actions.push(command);
        }
        self.gallery.show(&ctx, &self.state, &mut self.actions);
        self.help.show(&ctx);
        self.leave(&ctx);
        match self.dialogs.show(&ctx) {
            Some(Outcome::Path(purpose, path)) => {
                self.state.remember_folders(self.dialogs.folders());
                if let Some((purpose, proposal)) = self.state.on_path(purpose, path, &ctx) {
                    self.dialogs.choose_near(purpose, &proposal, &mut self.state.tasks, &ctx);
                }
            }
            Some(Outcome::Nothing(purpose)) => {
                self.state.log.remark(format!("Nothing was chosen: {}", purpose.title()));
            }
            None => {}
        }
        self.apply_actions(&ctx);
        for overlay in self.state.take_overlays() {
            self.open(overlay, &ctx);
        }
        self.state.sync();
        self.state.forget_hint();
        if let Some(until) = self.state.scrubbing_until {
            ctx.request_repaint_after(until.saturating_duration_since(Instant::now()));
        }
        if self.state.player.is_playing() {
            ctx.request_repaint_after(PLAY_EVERY);
        }
        self.keep(false);
        let time = start.elapsed();
        self.status.ui_time =
            if self.status.ui_time.is_zero() { time } else { (self.status.ui_time * 7 + time) / 8 };
    }

    /// Carries out what was done so far; what a person did is seen in a frame that follows at once.
    fn apply_actions(&mut self, ctx: &egui::Context) {
        for action in self.actions.take() {
            if !matches!(action, Action::Seen(_)) {
                ctx.request_repaint();
            }
            self.state.apply(action);
        }
        self.state.find_nuisance_seed();
    }

    /// Calls the window after its models, and after the run that goes on.
    fn name_window(&mut self, ctx: &egui::Context) {
        let model = |view: &Option<ModelView>| Some(view.as_ref()?.description().name.clone());
        let name = match (model(&self.state.model), model(&self.state.beside.model)) {
            (Some(first), Some(second)) => format!("{first} and {second} – idgan"),
            (Some(first), None) => format!("{first} – idgan"),
            _ => "idgan".to_owned(),
        };
        let title = match self.state.going_run() {
            Some((run, progress)) => format!("{}: {progress} – {name}", run_name(run)),
            None => name,
        };
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    fn apply_settings(&self, ctx: &egui::Context) {
        let settings = &self.state.settings;
        let theme = if settings.dark { ThemePreference::Dark } else { ThemePreference::Light };
        if ctx.options(|options| options.theme_preference) != theme {
            ctx.set_theme(theme);
        }
        if ctx.zoom_factor() != settings.zoom {
            ctx.set_zoom_factor(settings.zoom);
        }
    }

    /// Files dropped on the window: a model to open.
    fn dropped_files(&mut self, ctx: &egui::Context) {
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        if let Some(path) = dropped.first().map(|file| file.path().to_owned()) {
            self.actions.push(ModelAction::OpenPath(path));
        }
    }

    /// Shortcuts and the keys that move the selected factor.
    fn keys(&mut self, ctx: &egui::Context) {
        let is_typing = ctx.text_edit_focused();
        // Escape takes the focus from a field before anybody sees it, and closes what lies over the window.
        let is_covered = ctx.memory(|memory| memory.top_modal_layer().is_some());
        // Those with Shift first: egui lets a pattern without it match, too, so that Ctrl+Shift+Z would undo.
        let with_shift = |command: &Command| command.shortcut().is_some_and(|keys| keys.modifiers.shift);
        let (specific, plain): (Vec<Command>, Vec<Command>) = Command::all().partition(with_shift);
        for command in specific.into_iter().chain(plain) {
            let Some(shortcut) = command.shortcut() else { continue };
            // A text field has an undo of its own.
            let is_for_text =
                shortcut.modifiers.is_none() || matches!(command, Command::Undo | Command::Redo);
            if (is_typing || is_covered) && is_for_text {
                continue;
            }
            if ctx.input_mut(|input| input.consume_shortcut(&shortcut)) && command.is_enabled(&self.state) {
                self.actions.push(command);
            }
        }
        let pasted = ctx.input(|input| {
            input.events.iter().find_map(|event| match event {
                egui::Event::Paste(text) => Some(text.clone()),
                _ => None,
            })
        });
        if let Some(text) = pasted.filter(|_| !is_typing && !is_covered) {
            self.actions.push(CodeAction::Paste(text));
        }
        if is_typing || is_covered || ctx.memory(|memory| memory.focused().is_some()) {
            return;
        }
        if ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            self.actions.push(ViewAction::CloseNotice);
        }
        let arrows = [Key::ArrowLeft, Key::ArrowRight, Key::ArrowUp, Key::ArrowDown];
        let [left, right, up, down] = arrows.map(|key| ctx.input(|input| input.num_presses(key)));
        let size = if ctx.input(|input| input.modifiers.shift) { 0.1 } else { 0.01 };
        if left != right {
            let fraction = size * (right as f32 - left as f32);
            self.actions.push(CodeAction::Nudge { fraction, is_scrub: true });
        }
        for _ in 0..up {
            self.actions.push(CodeAction::SelectNext { backwards: true });
        }
        for _ in 0..down {
            self.actions.push(CodeAction::SelectNext { backwards: false });
        }
    }

    /// Opens what lies over the window.
    fn open(&mut self, overlay: Overlay, ctx: &egui::Context) {
        match overlay {
            Overlay::Dialog(purpose) => self.dialogs.choose(purpose, &mut self.state.tasks, ctx),
            Overlay::Path => self.dialogs.ask_path(Purpose::Model),
            Overlay::Gallery => self.gallery.open(ctx),
            Overlay::Help => self.help.open(),
            Overlay::Palette => self.palette.toggle(),
        }
    }

    fn keep(&mut self, is_closing: bool) {
        let tool = self.state.tool();
        self.keeper.keep(&mut self.state, tool, is_closing);
    }
}

/// Takes away what is typed: it is meant for a dialog, whether or not that has appeared yet.
fn swallow_keys(ctx: &egui::Context) {
    let is_typed = |event: &egui::Event| {
        matches!(
            event,
            egui::Event::Key { .. }
                | egui::Event::Text(_)
                | egui::Event::Ime(_)
                | egui::Event::Copy
                | egui::Event::Cut
                | egui::Event::Paste(_)
        )
    };
    ctx.input_mut(|input| input.events.retain(|event| !is_typed(event)));
}

impl eframe::App for Explorer {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.watch_end(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        if !std::mem::replace(&mut self.is_placed, true) {
            super::window_place::bring_back(frame, ui.ctx());
        }
        self.prepare_surface(frame);
        self.update(ui);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }

    fn on_exit(&mut self) {
        // Once is enough, closed or not.
        self.state.settings.hint_seen |= self.state.model.is_some();
        self.keep(true);
    }
}
