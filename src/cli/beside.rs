//! What keeps the cores busy while something else is measured.

use std::path::Path;
#[cfg(feature = "gui")]
use std::process::{Child, Command, Stdio};

use anyhow::Context;

use crate::data::OpenOptions;
use crate::engine::Training;
use crate::inference::{DeviceChoice, Place};
use crate::training::{Family, Session, preset};

/// Trains the first stage on the rendered sprites into `folder` as the Train panel does, until it is stopped.
pub(super) fn train_behind(folder: &Path) -> anyhow::Result<Training> {
    let config = preset(Family::Vae, "dsprites-small").context("the preset dsprites-small is missing")?;
    let folder = folder.join("run");
    let open = move |machine| Session::start(&folder, config, machine);
    let place = Place { device: DeviceChoice::Cpu, precision: None };
    let (threads, data) = (super::threads(), OpenOptions::default());
    Ok(Training::spawn_behind(threads, place, data, open)?)
}

/// A command of this program, beside the window, that runs meanwhile; it ends when this is dropped.
#[cfg(feature = "gui")]
pub(super) struct Beside(Option<Child>);

#[cfg(feature = "gui")]
impl Beside {
    /// Starts `words` as a command of this program; no words start nothing.
    pub(super) fn start(words: &[String]) -> anyhow::Result<Self> {
        if words.is_empty() {
            return Ok(Self(None));
        }
        let child = Command::new(std::env::current_exe()?)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(Some(child)))
    }
}

#[cfg(feature = "gui")]
impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
