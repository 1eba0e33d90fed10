//! The window in the hands of libraries: whatever they do on a display or driver that is not as it should be, a person
//! hears one sentence of ours.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use eframe::egui_wgpu::WgpuError;

use super::display::Display;

/// What can be done without a window, as the end of a sentence.
const INSTEAD: &str = "work without one: idgan explore MODEL --screenshot FILE.png draws the window into a file, \
                       idgan traverse and idgan sample draw pictures, or connect with ssh -X";

/// What a driver is needed for, as a whole sentence.
pub(super) const NO_DRIVER: &str = "there is no graphics driver to draw with, neither for Vulkan nor for OpenGL; install one (Mesa's, in the package \
     mesa-vulkan-drivers, needs no GPU), or work without a window: idgan traverse and idgan sample draw pictures";

/// Whether the window has been there.
static IS_OPEN: AtomicBool = AtomicBool::new(false);

/// Whether a library of windows has panicked.
static OF_THE_DISPLAY: AtomicBool = AtomicBool::new(false);

/// Opens the window that `create` fills, and runs until it is closed.
///
/// # Errors
/// When there is no display or no driver, they cannot show the window, or the display goes away.
pub(super) fn run(
    options: eframe::NativeOptions,
    create: impl FnOnce(&eframe::CreationContext<'_>) -> anyhow::Result<Box<dyn eframe::App>> + 'static,
) -> anyhow::Result<()> {
    let display =
        Display::find(|name| std::env::var_os(name)).map_err(|missing| anyhow!("{missing}; {INSTEAD}"))?;
    let create = move |creation: &eframe::CreationContext<'_>| {
        let app = create(creation)?;
        IS_OPEN.store(true, Ordering::Relaxed);
        Ok(app)
    };
    keep_libraries_quiet();
    #[cfg(all(unix, not(target_os = "macos")))]
    if display == Display::X11 {
        xlib::let_us_speak();
    }
    let result = catch_unwind(AssertUnwindSafe(|| eframe::run_native("idgan", options, Box::new(create))));
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(sentence(&error)),
        Err(_) if OF_THE_DISPLAY.load(Ordering::Relaxed) => Err(anyhow!(unusable())),
        Err(_) => Err(anyhow!(
            "the window ended by a fault of the program; runs and notes are as they were last saved"
        )),
    }
}

/// A panic of this thread that begins in a library of windows is told as a sentence, by [`run`]; others as ever.
fn keep_libraries_quiet() {
    let window = std::thread::current().id();
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == window && is_of_the_display(info) {
            OF_THE_DISPLAY.store(true, Ordering::Relaxed);
            log::debug!("{info}");
        } else {
            tell(info);
        }
    }));
}

/// Whether a panic was raised by a library that speaks with the display or draws on it.
fn is_of_the_display(info: &PanicHookInfo<'_>) -> bool {
    const LIBRARIES: [&str; 7] =
        ["/winit-", "/x11", "/wayland", "/smithay", "/wgpu", "/egui-wgpu-", "/eframe-"];
    info.location().is_some_and(|place| LIBRARIES.iter().any(|library| place.file().contains(library)))
}

/// What `error` means for a person.
fn sentence(error: &eframe::Error) -> anyhow::Error {
    log::debug!("{error}");
    match error {
        eframe::Error::AppCreation(error) => anyhow!("the window cannot be opened: {error}"),
        eframe::Error::Wgpu(
            WgpuError::CreateSurfaceError(_)
            | WgpuError::RequestAdapterError(_)
            | WgpuError::RequestDeviceError(_),
        ) => anyhow!(NO_DRIVER),
        _ => anyhow!(unusable()),
    }
}

/// What to say of a display that was found, but is of no use.
fn unusable() -> String {
    let value = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let display = value("DISPLAY").or_else(|| value("WAYLAND_DISPLAY")).unwrap_or_default();
    if IS_OPEN.load(Ordering::Relaxed) {
        format!(
            "the display has gone, and the window with it; runs and notes are as they were last saved: {display}"
        )
    } else {
        format!(
            "the display does not answer, or cannot show this window, which needs 24-bit colours and a graphics driver for \
             Vulkan or OpenGL; {INSTEAD}: {display}"
        )
    }
}

/// Xlib ends the process itself when its server goes away, with a word of its own.
#[cfg(all(unix, not(target_os = "macos")))]
mod xlib {
    use std::ffi::c_int;
    use std::io::Write;

    use x11_dl::xlib::{Display, Xlib};

    use crate::base::visible;

    /// From now on it is told in our words. Without Xlib there is nothing to do.
    pub(super) fn let_us_speak() {
        if let Ok(xlib) = Xlib::open() {
            // SAFETY: the handler is a function of this program, there as long as the process is, and may be called on
            // any thread: it only reads the environment and writes a line.
            unsafe { (xlib.XSetIOErrorHandler)(Some(end)) };
        }
    }

    unsafe extern "C" fn end(_display: *mut Display) -> c_int {
        // Nothing to do when nobody reads stderr.
        let _ = writeln!(std::io::stderr(), "error: {}", visible(&super::unusable()));
        std::process::exit(1)
    }
}
