use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crossbeam::channel::{Receiver, bounded};

use super::tasks::{Task, Tasks};
use crate::base::Cancel;

/// Watches the checkpoint of a run folder while a training writes it, on a thread of its own. Dropping it ends the
/// watch.
pub(crate) struct Watch {
    changed: Receiver<()>,
    _task: Task<()>,
}

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

impl Watch {
    /// Watches run folder `folder`; `None` when that is no folder or no thread can be had.
    pub(crate) fn new(folder: &Path, tasks: &mut Tasks, ctx: &egui::Context) -> Option<Self> {
        if !folder.is_dir() {
            return None;
        }
        let path = folder.join("checkpoint.safetensors");
        let (sender, changed) = bounded(1);
        let repaint = ctx.clone();
        let work = move |cancel: &Cancel| {
            let mut last = modified(&path);
            while !cancel.is_cancelled() {
                std::thread::park_timeout(EVERY);
                let now = modified(&path);
                if now.is_some() && now != last {
                    last = now;
                    let _ = sender.try_send(()); // One unread change is as good as two.
                    repaint.request_repaint();
                }
            }
        };
        let task = tasks.start("idgan-watch", ctx, work).ok()?;
        Some(Self { changed, _task: task })
    }

    /// Whether the checkpoint changed since the last call.
    pub(crate) fn has_changed(&self) -> bool {
        self.changed.try_recv().is_ok()
    }
}

fn modified(path: &PathBuf) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_new_checkpoint_is_noticed() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (mut tasks, ctx) = (Tasks::default(), egui::Context::default());
        assert!(Watch::new(&folder.path().join("missing"), &mut tasks, &ctx).is_none());
        let watch = Watch::new(folder.path(), &mut tasks, &ctx).expect("starts");
        assert!(!watch.has_changed());
        std::thread::sleep(Duration::from_millis(100));
        std::fs::write(folder.path().join("checkpoint.safetensors"), b"new").expect("writes");
        let start = Instant::now();
        while !watch.has_changed() {
            assert!(start.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
