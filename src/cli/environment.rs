use std::ffi::OsString;

/// Variables that libraries read and nobody need set or unset (`None`): `main` does before there is a second thread.
/// `opens_window` where that is what the process is for.
pub(super) fn variables(threads: usize, opens_window: bool) -> Vec<(&'static str, Option<OsString>)> {
    let mut variables = vec![
        // gemm's and candle's share of the CPU
        ("RAYON_NUM_THREADS", Some(threads.to_string().into())),
        // Candle's elementwise operations have a spinning pool of their own behind one lock for the whole process:
        // it took a fifth of a training step's time, and a small job would queue behind a large one.
        ("CANDLE_NUM_THREADS", Some("1".into())),
    ];
    if std::env::var_os("EGL_LOG_LEVEL").is_none() {
        // What Mesa cannot do is told by us, where it matters.
        variables.push(("EGL_LOG_LEVEL", Some("fatal".into())));
    }
    if let Some(folder) = runtime_folder() {
        variables.push(("XDG_RUNTIME_DIR", Some(folder)));
    }
    if opens_window && has_stale_wayland() {
        variables.extend([("WAYLAND_DISPLAY", None), ("WAYLAND_SOCKET", None)]);
    }
    variables
}

/// The user's folder for sockets, where nobody has named one (in a container, by `su` or `cron`): without it the
/// libraries of windows complain on stderr before they open one all the same. It need not exist.
#[cfg(target_os = "linux")]
fn runtime_folder() -> Option<OsString> {
    use std::os::unix::fs::MetadataExt;
    let named = std::env::var_os("XDG_RUNTIME_DIR").map(std::path::PathBuf::from);
    if named.is_some_and(|folder| folder.is_absolute()) {
        return None;
    }
    let user = std::fs::metadata("/proc/self").ok()?.uid();
    Some(format!("/run/user/{user}").into())
}

#[cfg(not(target_os = "linux"))]
fn runtime_folder() -> Option<OsString> {
    None
}

/// Whether a Wayland compositor is named that does not answer, beside an X server: every library that is asked for a
/// window, a driver or the clipboard would try it first.
#[cfg(feature = "gui")]
fn has_stale_wayland() -> bool {
    use crate::app::Display;
    let names_wayland =
        ["WAYLAND_DISPLAY", "WAYLAND_SOCKET"].map(std::env::var_os).iter().any(Option::is_some);
    names_wayland && Display::find(|name| std::env::var_os(name)) == Ok(Display::X11)
}

#[cfg(not(feature = "gui"))]
fn has_stale_wayland() -> bool {
    false
}
