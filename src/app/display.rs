//! Which display server the window is opened on.

use std::ffi::OsString;

/// A display server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Display {
    /// A Wayland compositor, or the only one that the system has.
    Usual,
    /// An X server; if the environment names a compositor too, that one is not there.
    X11,
}

/// Why there is no display server, as the beginning of a sentence.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoDisplay {
    /// The environment names none.
    #[error("there is no display to open a window on")]
    None,
    /// The compositor that it names is not there.
    #[error("the display that {name} names does not answer ({value})")]
    Silent {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
    },
}

impl Display {
    /// The server that `variable`, which looks into the environment, names. Libraries take Wayland wherever a variable
    /// speaks of it; sessions that have ended leave such variables behind in multiplexers and containers.
    ///
    /// # Errors
    /// When none is named, or only a compositor that does not answer.
    #[cfg(all(unix, not(target_os = "macos")))]
    pub(crate) fn find(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, NoDisplay> {
        let named = |name: &'static str| variable(name).filter(|value| !value.is_empty());
        let silent =
            |name, value: OsString| NoDisplay::Silent { name, value: value.to_string_lossy().into_owned() };
        // in the order that libwayland asks in
        let no_wayland = if let Some(socket) = named("WAYLAND_SOCKET") {
            if wayland::is_socket(&socket) {
                return Ok(Self::Usual);
            }
            silent("WAYLAND_SOCKET", socket)
        } else if let Some(display) = named("WAYLAND_DISPLAY") {
            if wayland::answers(&display, named("XDG_RUNTIME_DIR")) {
                return Ok(Self::Usual);
            }
            silent("WAYLAND_DISPLAY", display)
        } else {
            NoDisplay::None
        };
        named("DISPLAY").map(|_| Self::X11).ok_or(no_wayland)
    }

    /// Elsewhere there always is one.
    #[cfg(not(all(unix, not(target_os = "macos"))))]
    pub(crate) fn find(_variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, NoDisplay> {
        Ok(Self::Usual)
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
mod wayland {
    use std::ffi::{OsStr, OsString};
    use std::io::{self, Read, Write};
    use std::os::unix::net::UnixStream;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    /// How long a compositor may take to answer.
    const PATIENCE: Duration = Duration::from_secs(2);

    /// Whether a compositor listens at `display`: a path, or a name in the folder `runtime`.
    pub(super) fn answers(display: &OsStr, runtime: Option<OsString>) -> bool {
        let path = match runtime {
            Some(runtime) => PathBuf::from(runtime).join(display),
            None => PathBuf::from(display),
        };
        path.is_absolute() && greet(&path).unwrap_or(false)
    }

    /// Asks the compositor to call back, the smallest question of its protocol (`wl_display.sync`).
    fn greet(path: &Path) -> io::Result<bool> {
        const DISPLAY: u32 = 1;
        const CALLBACK: u32 = 2;
        let mut socket = UnixStream::connect(path)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        // object, then length and number of the request, then its only argument: the new object
        let question = [DISPLAY, 12 << 16, CALLBACK].map(u32::to_ne_bytes);
        socket.write_all(question.as_flattened())?;
        let mut who = [0; 4];
        socket.read_exact(&mut who)?;
        Ok(u32::from_ne_bytes(who) == CALLBACK)
    }

    /// Whether this is the number of an open socket that the process was started with.
    pub(super) fn is_socket(number: &OsStr) -> bool {
        let number = number.to_str().and_then(|number| number.parse::<u32>().ok());
        let target = number.and_then(|number| std::fs::read_link(format!("/proc/self/fd/{number}")).ok());
        target.is_some_and(|target| target.to_string_lossy().starts_with("socket:"))
    }
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    fn find(variables: &[(&str, &Path)]) -> Result<Display, NoDisplay> {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
        Display::find(|name| value(name).map(|value| value.as_os_str().to_owned()))
    }

    /// A server that reads the question and says `answer`.
    fn serve(path: &Path, answer: Vec<u8>) {
        let listener = UnixListener::bind(path).expect("listens");
        std::thread::spawn(move || {
            while let Ok((mut client, _)) = listener.accept() {
                let mut question = [0; 12];
                let _ = client.read_exact(&mut question).and_then(|()| client.write_all(&answer));
            }
        });
    }

    #[test]
    fn a_compositor_that_does_not_answer_makes_way_for_the_x_server() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let folder = folder.path();
        let x = ("DISPLAY", Path::new(":7"));
        let runtime = ("XDG_RUNTIME_DIR", folder);
        let done = [2u32, 12 << 16, 0].map(u32::to_ne_bytes).concat();
        serve(&folder.join("alive"), done);
        serve(&folder.join("another"), b"HTTP/1.1 400".to_vec());
        drop(UnixListener::bind(folder.join("ended")).expect("listens"));
        std::fs::write(folder.join("file"), "").expect("writes");
        let alive = folder.join("alive");
        assert_eq!(find(&[("WAYLAND_DISPLAY", Path::new("alive")), runtime, x]), Ok(Display::Usual));
        assert_eq!(find(&[("WAYLAND_DISPLAY", &alive), x]), Ok(Display::Usual));
        for stale in ["ended", "another", "file", "nowhere", "."] {
            let stale = ("WAYLAND_DISPLAY", Path::new(stale));
            assert_eq!(find(&[stale, runtime, x]), Ok(Display::X11), "{stale:?}");
            let error = find(&[stale, runtime]).expect_err("nothing answers");
            assert!(error.to_string().contains("WAYLAND_DISPLAY"), "{error}");
        }
        // without the folder a name leads nowhere, and an empty variable names nothing
        assert_eq!(find(&[("WAYLAND_DISPLAY", Path::new("alive")), x]), Ok(Display::X11));
        assert_eq!(find(&[("WAYLAND_DISPLAY", Path::new("")), x]), Ok(Display::X11));
        assert_eq!(find(&[("DISPLAY", Path::new(""))]), Err(NoDisplay::None));
        for stale in ["99999", "x", "-1"] {
            assert_eq!(find(&[("WAYLAND_SOCKET", Path::new(stale)), x]), Ok(Display::X11), "{stale}");
        }
    }
}
