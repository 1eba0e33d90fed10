use crate::app::action::{
    Action, BoardAction, CodeAction, EvaluateAction, FigureAction, ModelAction, NuisanceAction, Seen,
    SettingAction, StripAction, TrainAction, ViewAction,
};
use crate::app::document::{Document, Start};
use crate::app::model::ModelView;

impl Document {
    /// Does what a person asked for, and gets ready what a panel shows.
    pub(crate) fn apply(&mut self, action: Action) {
        match action {
            Action::Run(command) => command.run(self),
            Action::Model(action) => self.apply_to_model(action),
            Action::Code(action) => self.apply_to_codes(action),
            Action::Nuisance(action) => self.apply_to_nuisance(action),
            Action::View(action) => self.apply_to_view(action),
            Action::Figure(action) => self.apply_to_figure(action),
            Action::Strip(action) => self.apply_to_strip(action),
            Action::Train(action) => self.apply_to_training(action),
            Action::Board(action) => self.apply_to_board(action),
            Action::Evaluate(action) => self.apply_to_measuring(action),
            Action::Setting(action) => self.apply_to_settings(action),
            Action::Seen(seen) => self.get_ready(seen),
        }
    }

    fn apply_to_model(&mut self, action: ModelAction) {
        match action {
            ModelAction::Open(source) => self.open(source, Start::Fresh),
            ModelAction::OpenPath(path) if self.starts_from(&path) => {
                let ctx = self.ctx().clone();
                self.start_from_photo(path, &ctx);
            }
            ModelAction::OpenPath(path) => self.open_path(path),
            ModelAction::OpenBundled(model) => self.open_bundled(model, false),
            ModelAction::OpenBundledBeside(model) => self.open_bundled(model, true),
            ModelAction::Device(device) => self.change_device(device),
            ModelAction::Answer(reading) => self.answer(reading),
        }
    }

    fn apply_to_codes(&mut self, action: CodeAction) {
        match action {
            CodeAction::Select(dimension) => self.select(dimension),
            CodeAction::SelectNext { backwards } => self.select_next(backwards),
            CodeAction::Set { dimension, value, is_scrub } => {
                if is_scrub {
                    self.scrub();
                }
                self.set_value(&dimension.block, dimension.dim, value);
            }
            CodeAction::Nudge { fraction, is_scrub } => {
                if is_scrub {
                    self.scrub();
                }
                self.nudge(fraction);
            }
            CodeAction::Rename(dimension, name) => {
                self.edit(|latent| latent.rename(&dimension.block, dimension.dim, &name));
            }
            CodeAction::Lock(dimension, is_locked) => {
                self.edit(|latent| latent.set_locked(&dimension.block, dimension.dim, is_locked));
            }
            CodeAction::Paste(text) => self.paste(&text),
        }
    }

    fn apply_to_nuisance(&mut self, action: NuisanceAction) {
        match action {
            NuisanceAction::Lock(is_locked) => self.nuisance.locked = is_locked,
            NuisanceAction::Seed(seed) => {
                self.nuisance.visit(seed);
                self.set_nuisance_seed(seed);
            }
            NuisanceAction::Blend { from, to, at } => self.blend_nuisance(from, to, at),
        }
    }

    fn apply_to_view(&mut self, action: ViewAction) {
        match action {
            ViewAction::Pan(delta) => self.views.pan(delta),
            ViewAction::Zoom { factor, anchor } => self.views.zoom(factor, anchor),
            ViewAction::Wipe(at) => self.views.wipe = at,
            ViewAction::Gain(gain) => self.views.gain = gain,
            ViewAction::ChainBeside(name) => self.beside.chain = Some(name),
            ViewAction::Tab(tab) => self.tab = tab,
            ViewAction::CloseNotice => self.log.notice = None,
        }
    }

    fn apply_to_figure(&mut self, action: FigureAction) {
        match action {
            FigureAction::Traversal(settings) => {
                self.traverse.traversal = settings;
                self.update_ranges();
            }
            FigureAction::Matrix(settings) => self.traverse.matrix = settings,
            FigureAction::Animation(settings) => self.player.settings = settings,
            FigureAction::Chain(name) => self.traverse.chain = Some(name),
            FigureAction::CellSize(side) => self.traverse.cell = side,
            FigureAction::AdoptCell(index) => self.adopt_cell(index),
            FigureAction::Copy { recipe, out } => self.copy_line(&recipe, out),
            FigureAction::StopJob(index) => {
                if let Some(job) = self.jobs.running().get(index) {
                    job.stop();
                }
            }
        }
    }

    fn apply_to_strip(&mut self, action: StripAction) {
        match action {
            StripAction::Show(kind) => self.strip.kind = kind,
            StripAction::Adopt(index) => self.adopt_thumbnail(index),
            StripAction::Remove(index) => {
                if index < self.strip.bookmarks.len() {
                    self.strip.bookmarks.remove(index);
                }
            }
        }
    }

    fn apply_to_training(&mut self, action: TrainAction) {
        match (action, &mut self.train.run) {
            (TrainAction::Form(form), _) => self.fill_in(|own| *own = form),
            (TrainAction::Preset(family, name), _) => self.fill_in(|form| form.choose(family, name)),
            (TrainAction::Family(family), _) => self.fill_in(|form| form.choose_family(family)),
            (TrainAction::Method(method), _) => self.fill_in(|form| form.choose_method(method)),
            (TrainAction::Value(key, text), _) => self.fill_in(|form| form.set(&key, &text)),
            (TrainAction::Copy, _) => self.copy_train_command(),
            (TrainAction::Resume(folder), _) => self.resume_training(&folder),
            (TrainAction::Start, _) => self.start_training(),
            (TrainAction::Explore, _) => self.explore_run(),
            (TrainAction::Pause(is_paused), Some(run)) => run.control().set_paused(is_paused),
            (TrainAction::Stop, Some(run)) => run.stop(),
            (TrainAction::Save, Some(run)) => run.control().save(),
            (TrainAction::Preview, Some(run)) => run.control().sample(),
            (TrainAction::PreviewEvery(steps), Some(run)) => {
                run.sample_every = steps;
                run.control().set_sample_every(steps);
            }
            (_, None) => {} // There is no run to steer.
        }
    }

    fn apply_to_board(&mut self, action: BoardAction) {
        match action {
            BoardAction::SetUp(settings) => self.board.settings = settings,
            BoardAction::Overlay(folder, is_shown) => self.overlay(folder, is_shown),
        }
    }

    fn apply_to_measuring(&mut self, action: EvaluateAction) {
        match action {
            EvaluateAction::SetUp(settings) => self.evaluate.settings = settings,
            EvaluateAction::Start => self.start_evaluation(),
            EvaluateAction::Cancel => self.evaluate.cancel(),
            EvaluateAction::Make(page) => self.make_page(page),
            EvaluateAction::CancelPage => self.pages.cancel(),
            EvaluateAction::Show(page) => self.pages.chosen = page,
            EvaluateAction::Map(settings) => self.pages.map.iter_mut().for_each(|map| map.set_up(settings)),
            EvaluateAction::MoveOnMap { place, is_scrub } => {
                if is_scrub {
                    self.scrub();
                }
                self.move_on_map(place);
            }
            EvaluateAction::StartFromDot(dot) => self.start_from_dot(dot),
            EvaluateAction::Independence => self.measure(),
        }
    }

    fn apply_to_settings(&mut self, action: SettingAction) {
        let settings = &mut self.settings;
        match action {
            SettingAction::SortByInformation(by_information) => {
                settings.sort_by_information = by_information;
                self.model.iter_mut().for_each(ModelView::sort_anew);
            }
            SettingAction::ShowCollapsed(is_shown) => settings.show_collapsed = is_shown,
            SettingAction::ShowFactors(is_shown) => settings.show_factors = is_shown,
            SettingAction::ShowTabs(is_shown) => settings.show_tabs = is_shown,
            SettingAction::ShowStrip(is_shown) => settings.show_strip = is_shown,
            SettingAction::Sides(sides) => settings.sides = sides,
            SettingAction::StripHeight(height) => settings.strip_height = Some(height),
            SettingAction::HintSeen => settings.hint_seen = true,
        }
    }

    fn get_ready(&mut self, seen: Seen) {
        match seen {
            Seen::Strip => self.update_strip(),
            Seen::HeatMaps => self.update_heat(),
            Seen::Table { table, side } => self.update_grid(table, side),
            Seen::Map => self.read_map_pictures(),
            Seen::Dot(dot) => self.look_at_dot(dot),
            Seen::Curves { pixels } => self.board.pixels = pixels,
            Seen::Pictures { side, screen } => self.views.drawn_at = Some((side, screen)),
        }
    }
}
