use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use crossbeam::channel::{Receiver, bounded};

/// Watches the checkpoint of a run folder while a training writes it, on a thread of its own. Dropping it ends the
/// watch.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    changed: Receiver<()>,
}

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

impl Watch {
    /// Watches run folder `folder`; `None` when that is no folder or no thread can be had.
    pub(crate) fn new(folder: &Path, ctx: egui::Context) -> Option<Self> {
        if !folder.is_dir() {
            return None;
        }
        let path = folder.join("checkpoint.safetensors");
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, changed) = bounded(1);
        let is_over = Arc::clone(&stop);
        let body = move || {
            let mut last = modified(&path);
            while !is_over.load(Ordering::Relaxed) {
                std::thread::sleep(EVERY);
                let now = modified(&path);
                if now.is_some() && now != last {
                    last = now;
                    let _ = sender.try_send(()); // One unread change is as good as two.
                    ctx.request_repaint();
                }
            }
        };
        std::thread::Builder::new().name("idgan-watch".to_owned()).spawn(body).ok()?;
        Some(Self { stop, changed })
    }

    /// Whether the checkpoint changed since the last call.
    pub(crate) fn has_changed(&self) -> bool {
        self.changed.try_recv().is_ok()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
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
        assert!(Watch::new(&folder.path().join("missing"), egui::Context::default()).is_none());
        let watch = Watch::new(folder.path(), egui::Context::default()).expect("starts");
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
