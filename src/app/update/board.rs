use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::board::{Follower, Look, Order, RunFacts};
use crate::app::document::Document;
use crate::app::document::board::{BoardView, OVERLAID, Overlaid};
use crate::app::document::tool::Tab;
use crate::app::log::About;
use crate::training::RunFolder;

impl Document {
    /// Whether the stage shows the training board.
    pub(crate) fn shows_board(&self) -> bool {
        self.settings.show_tabs && self.tab == Tab::Train && !self.board.runs.is_empty()
    }

    /// Draws the run in `folder` over the others, or no longer does.
    pub(crate) fn overlay(&mut self, folder: PathBuf, is_shown: bool) {
        let runs = &mut self.board.runs;
        let known = runs.iter().position(|run| run.folder == folder);
        match (known, is_shown) {
            (None, true) if runs.len() >= OVERLAID => {
                let text = format!("at most {OVERLAID} runs can be told apart; take one away first");
                self.log.warn(About::Training, text);
            }
            (None, true) => {
                let is_free = |colour: &usize| runs.iter().all(|run| run.colour != *colour);
                let colour = (0..OVERLAID).find(is_free).unwrap_or_default();
                runs.push(Overlaid { folder, colour, is_own: false });
            }
            (Some(at), false) => drop(runs.remove(at)),
            _ => {}
        }
    }

    /// Draws the run that is trained here and the one that is explored, and no longer those that were.
    pub(crate) fn overlay_own(&mut self) {
        let trained = self.train.run.as_ref().map(|run| run.folder.clone());
        let path = self.model.as_ref().map(|model| model.opened.source.path());
        self.board.followed = path.filter(|path| RunFolder::log_of(path).is_file()).map(Path::to_owned);
        let own: Vec<PathBuf> = trained.into_iter().chain(self.board.followed.clone()).collect();
        self.board.runs.retain(|run| !run.is_own || own.contains(&run.folder));
        for folder in own {
            if self.board.colour(&folder).is_none() && self.board.runs.len() < OVERLAID {
                self.overlay(folder, true);
                self.board.runs.last_mut().into_iter().for_each(|run| run.is_own = true);
            }
        }
        let first = self.board.runs.first().and_then(|run| run.folder.parent());
        self.board.folder = self.board.folder.take().or_else(|| first.map(Path::to_owned));
    }

    /// The run that goes on, whoever trains it, and how far it has come: the one that is trained here, else the one that is
    /// explored.
    pub(crate) fn going_run(&self) -> Option<(&Path, String)> {
        let trained = self.train.run.as_ref().filter(|run| !run.is_over()).map(|run| run.folder.as_path());
        let is_running = |folder: &&Path| self.board.facts(folder).is_some_and(|facts| facts.is_running);
        let folder = trained.or_else(|| self.board.followed.as_deref().filter(is_running))?;
        Some((folder, self.progress(folder)?))
    }

    /// How far the run in `folder` has come, in a line; `None` where nobody knows.
    pub(crate) fn progress(&self, folder: &Path) -> Option<String> {
        let trained = self.train.run.as_ref().filter(|run| run.folder == folder && !run.is_over());
        let Some(run) = trained else { return self.board.facts(folder).map(RunFacts::words) };
        let news = run.news();
        let is_paused = run.control().is_paused();
        let facts = RunFacts {
            step: news.step,
            steps: news.steps,
            pictures_per_second: news.pictures_per_second,
            seconds_left: (news.pictures_per_second > 0.0).then_some(news.seconds_left),
            is_running: !is_paused,
            ..RunFacts::default()
        };
        Some(if is_paused { format!("paused, {}", facts.words()) } else { facts.words() })
    }

    /// Lists the runs in `folder`.
    pub(crate) fn list_runs(&mut self, folder: PathBuf) {
        self.board.folder = Some(folder);
        self.tab = Tab::Train;
        self.settings.show_tabs = true;
    }

    /// Asks for what the board shows, where it is not what was asked last.
    pub(crate) fn ask_board(&mut self) {
        let is_shown = self.shows_board();
        let lists = self.settings.show_tabs && self.tab == Tab::Train;
        let board = &mut self.board;
        let settings = &board.settings;
        let look = Look {
            x: settings.x,
            range: settings.range,
            log_y: settings.log_y,
            smoothing: settings.smoothing,
            pixels: board.pixels,
        };
        let order = Order {
            runs: board.runs.iter().map(|run| run.folder.clone()).collect(),
            folder: board.folder.clone().filter(|_| lists),
            look: (is_shown && settings.view == BoardView::Curves && board.pixels > 0).then_some(look),
            grid: board.wanted_grid().filter(|_| is_shown && settings.view == BoardView::Samples),
        };
        if order == board.asked.1 {
            return;
        }
        if board.follower.is_none() {
            match Follower::new(&mut self.tasks, &self.ctx) {
                Ok(follower) => board.follower = Some(follower),
                Err(message) => {
                    board.asked.1 = order; // The same is not asked again.
                    self.log.fail(About::Training, message);
                    return;
                }
            }
        }
        board.asked.0 += 1;
        if let Some(follower) = &board.follower {
            follower.ask(board.asked.0, order.clone());
        }
        board.asked.1 = order;
    }

    /// Takes in what the board's thread has found out.
    pub(crate) fn receive_board(&mut self) {
        let Some(follower) = &self.board.follower else { return };
        if let Some(told) = follower.told() {
            if let Some(fault) = &told.fault
                && self.board.told.fault.as_ref() != Some(fault)
            {
                self.log.warn(About::Training, fault.clone());
            }
            self.board.told = told;
        }
        if let Some((run, step, picture)) = follower.grid() {
            self.board.grid.show(Arc::new(picture), None);
            self.board.grid_of = Some((run, step));
        }
        if let Some(fault) = follower.fault() {
            self.log.fail(About::Training, format!("the training board has stopped: {fault}"));
            (self.board.follower, self.board.asked) = (None, Default::default());
        }
    }
}
