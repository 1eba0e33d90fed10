use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::drawing::{Drawing, Look};
use super::facts::RunFacts;
use crate::app::tasks::{Task, Tasks};
use crate::base::{Cancel, Picture};
use crate::engine::Latest;
use crate::training::{RunFolder, RunLog};

/// What the window wants to know of runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Order {
    /// The runs that are drawn or followed.
    pub(crate) runs: Vec<PathBuf>,
    /// The folder whose runs are listed.
    pub(crate) folder: Option<PathBuf>,
    /// How their curves are looked at; `None` while nobody does.
    pub(crate) look: Option<Look>,
    /// The sample grid that is looked at: the run, and the steps after which it was drawn.
    pub(crate) grid: Option<(PathBuf, u64)>,
}

/// What the thread has found out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// The number of the order that this answers.
    pub(crate) number: u64,
    pub(crate) facts: BTreeMap<PathBuf, RunFacts>,
    pub(crate) drawing: Arc<Drawing>,
    /// Runs in the folder that is listed.
    pub(crate) listed: Arc<Vec<PathBuf>>,
    /// What could not be read.
    pub(crate) fault: Option<String>,
}

/// Reads what runs write, on a thread of its own. Dropping it ends that.
pub(crate) struct Follower {
    orders: Latest<(u64, Order)>,
    told: Latest<Told>,
    grids: Latest<(PathBuf, u64, Picture)>,
    task: Task<()>,
}

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// Most runs that are listed, and how deep they may lie in the folder.
const LISTED: usize = 500;
const DEPTH: usize = 3;

impl Follower {
    /// Starts the thread.
    pub(crate) fn new(tasks: &mut Tasks, ctx: &egui::Context) -> Result<Self, String> {
        let (orders, told, grids) = (Latest::new(), Latest::new(), Latest::new());
        let mut work = Work {
            orders: orders.clone(),
            told: told.clone(),
            grids: grids.clone(),
            ctx: ctx.clone(),
            number: 0,
            order: Order::default(),
            logs: Vec::new(),
            drawing: Arc::default(),
            listed: Arc::default(),
            grid: None,
        };
        let task = tasks.start("idgan-board", ctx, move |cancel| work.go_on(cancel))?;
        Ok(Self { orders, told, grids, task })
    }

    /// Asks for something else; answers carry `number`.
    pub(crate) fn ask(&self, number: u64, order: Order) {
        self.orders.put((number, order));
        self.task.wake();
    }

    /// What is new.
    pub(crate) fn told(&self) -> Option<Told> {
        self.told.take()
    }

    /// The sample grid that was asked for, once it is read: the run, the steps, the picture.
    pub(crate) fn grid(&self) -> Option<(PathBuf, u64, Picture)> {
        self.grids.take()
    }

    /// What the thread's panic said, if it is gone.
    pub(crate) fn fault(&self) -> Option<String> {
        self.task.take().and_then(Result::err)
    }
}

/// The thread's own part.
struct Work {
    orders: Latest<(u64, Order)>,
    told: Latest<Told>,
    grids: Latest<(PathBuf, u64, Picture)>,
    ctx: egui::Context,
    number: u64,
    order: Order,
    logs: Vec<(PathBuf, RunLog)>,
    drawing: Arc<Drawing>,
    listed: Arc<Vec<PathBuf>>,
    /// The sample grid that was read last.
    grid: Option<(PathBuf, u64)>,
}

impl Work {
    fn go_on(&mut self, cancel: &Cancel) {
        let mut facts = BTreeMap::new();
        let mut looked: Option<Instant> = None;
        while !cancel.is_cancelled() {
            let mut is_due = looked.is_none_or(|at| at.elapsed() >= EVERY);
            let mut must_draw = false;
            let is_asked = self.orders.take().map(|(number, order)| {
                is_due |= order.runs != self.order.runs || order.folder != self.order.folder;
                must_draw = order.look != self.order.look || order.runs != self.order.runs;
                (self.number, self.order) = (number, order);
            });
            let (mut fault, mut has_news) = (None, is_asked.is_some());
            if is_due {
                looked = Some(Instant::now());
                let (has_more, problem) = self.read(cancel);
                fault = problem;
                must_draw |= has_more;
                let now = self.logs.iter().map(|(run, log)| (run.clone(), RunFacts::of(run, log.logged())));
                let now: BTreeMap<_, _> = now.collect();
                let listed = self.order.folder.as_deref().map(runs_in).unwrap_or_default();
                has_news |= now != facts || *self.listed != listed || fault.is_some();
                facts = now;
                self.listed = Arc::new(listed);
            }
            if must_draw && let Some(look) = self.order.look {
                let runs: Vec<_> = self.logs.iter().map(|(run, log)| (run.clone(), log.logged())).collect();
                self.drawing = Arc::new(Drawing::new(&runs, look));
                has_news = true;
            }
            has_news |= self.read_grid();
            if has_news {
                self.told.put(Told {
                    number: self.number,
                    facts: facts.clone(),
                    drawing: Arc::clone(&self.drawing),
                    listed: Arc::clone(&self.listed),
                    fault,
                });
                self.ctx.request_repaint();
            }
            let rest = looked.map_or(Duration::ZERO, |at| EVERY.saturating_sub(at.elapsed()));
            std::thread::park_timeout(rest);
        }
    }

    /// Reads on in all logs; whether there was more, and what went wrong.
    fn read(&mut self, cancel: &Cancel) -> (bool, Option<String>) {
        let mut before = std::mem::take(&mut self.logs);
        for run in &self.order.runs {
            let known = before.iter().position(|(own, _)| own == run);
            let log = known.map_or_else(|| RunLog::new(run), |at| before.swap_remove(at).1);
            self.logs.push((run.clone(), log));
        }
        let (mut has_more, mut fault) = (!before.is_empty(), None);
        for (_, log) in &mut self.logs {
            match log.read_on(cancel) {
                Ok(more) => has_more |= more,
                Err(error) => fault = Some(error.to_string()),
            }
        }
        (has_more, fault)
    }

    /// Reads the sample grid that is asked for, unless it is the one that was read last; whether there is another.
    fn read_grid(&mut self) -> bool {
        if self.grid == self.order.grid {
            return false;
        }
        let Some((run, step)) = self.order.grid.clone() else { return false };
        // A grid that cannot be read yet is asked for again when the runs are looked at next.
        let Some(picture) = read(&RunFolder::samples_at(&run, step)) else { return false };
        self.grids.put((run.clone(), step, picture));
        self.grid = Some((run, step));
        true
    }
}

fn read(path: &Path) -> Option<Picture> {
    let image = image::open(path).ok()?.to_rgba8();
    let (width, height) = image.dimensions();
    Picture::from_rgba(width as usize, height as usize, image.into_raw())
}

/// The run folders below `folder` that have a log, by name.
fn runs_in(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut pending) = (Vec::new(), vec![(folder.to_owned(), 0)]);
    while let Some((folder, depth)) = pending.pop() {
        if RunFolder::log_of(&folder).is_file() {
            found.push(folder);
            continue;
        }
        if depth == DEPTH || found.len() >= LISTED {
            continue;
        }
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        pending.extend(folders.take(LISTED).map(|entry| (entry.path(), depth + 1)));
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::board::XAxis;

    fn run(folder: &Path, name: &str) -> PathBuf {
        let run = folder.join(name);
        std::fs::create_dir_all(&run).expect("makes");
        std::fs::write(RunFolder::log_of(&run), "{\"step\":20,\"loss\":2.5}\n").expect("writes");
        run
    }

    /// Waits for what `is` true of.
    fn told(follower: &Follower, is: impl Fn(&Told) -> bool) -> Told {
        let start = Instant::now();
        loop {
            if let Some(told) = follower.told().filter(|told| is(told)) {
                return told;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "waited in vain");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_run_that_somebody_else_writes_is_followed() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (mut tasks, ctx) = (Tasks::default(), egui::Context::default());
        let follower = Follower::new(&mut tasks, &ctx).expect("starts");
        let look = Look { x: XAxis::Steps, range: None, log_y: false, smoothing: 0.0, pixels: 100 };
        let runs = vec![run(folder.path(), "a"), run(folder.path(), "sweep/b")];
        std::fs::create_dir(folder.path().join("no run")).expect("makes");
        let mut order = Order { runs: runs.clone(), folder: Some(folder.path().into()), ..Order::default() };
        order.look = Some(look);
        follower.ask(7, order.clone());
        let first = told(&follower, |told| told.number == 7);
        assert_eq!((*first.listed).clone(), runs);
        assert_eq!((first.facts[&runs[0]].step, first.drawing.plots[0].curves.len()), (20, 2));
        let grid = RunFolder::samples_at(&runs[1], 20);
        std::fs::create_dir(grid.parent().expect("a folder")).expect("makes");
        image::RgbaImage::new(3, 2).save(&grid).expect("writes");
        std::fs::write(RunFolder::log_of(&runs[1]), "{\"step\":20,\"loss\":2.5}\n{\"step\":40,\"loss\":1}\n")
            .expect("writes");
        let second = told(&follower, |told| told.facts[&runs[1]].step == 40);
        assert_eq!(second.facts[&runs[1]].sampled, [20]);
        assert_eq!(second.drawing.whole, [20.0, 40.0]);
        order.grid = Some((runs[1].clone(), 20));
        follower.ask(8, order);
        told(&follower, |told| told.number == 8);
        let (of, step, picture) = follower.grid().expect("is read first");
        assert_eq!((of, step, picture.width()), (runs[1].clone(), 20, 3));
    }
}
