//! Whether this Linux has anything that shows file dialogs. The library that asks for one says nothing but that no path
//! was chosen when there is none, as when a person chooses none.

use std::ffi::OsStr;
use std::time::Duration;

/// The service that shows file dialogs to programs, and its object.
const PORTAL: (&str, &str) = ("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop");

/// The part of it that does.
const FILE_CHOOSER: &str = "org.freedesktop.portal.FileChooser";

/// The longest that it may take to answer, or to be started.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks for the desktop portal on the session's message bus, else for zenity.
///
/// # Errors
/// When there is neither.
pub(super) fn check() -> Result<(), String> {
    let Err(no_portal) = pollster::block_on(portal_version()) else { return Ok(()) };
    if is_on_path("zenity", std::env::var_os("PATH").as_deref()) {
        return Ok(());
    }
    log::info!("no desktop portal: {no_portal}");
    Err("This system has no file dialog: neither a desktop portal (xdg-desktop-portal) nor zenity."
        .to_owned())
}

/// The version of the portal's file chooser, which it tells only where something can show one.
async fn portal_version() -> zbus::Result<zbus::zvariant::OwnedValue> {
    let bus = zbus::connection::Builder::session()?.method_timeout(PATIENCE).build().await?;
    let properties = Some("org.freedesktop.DBus.Properties");
    let words = (FILE_CHOOSER, "version");
    let reply = bus.call_method(Some(PORTAL.0), PORTAL.1, properties, "Get", &words).await?;
    reply.body().deserialize()
}

/// Whether one of the folders of `path` holds `program`.
fn is_on_path(program: &str, path: Option<&OsStr>) -> bool {
    path.is_some_and(|path| std::env::split_paths(path).any(|folder| folder.join(program).is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_on_the_path() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = std::env::join_paths(["/nonexistent".as_ref(), folder.path()]).expect("joins");
        assert!(!is_on_path("zenity", Some(&path)) && !is_on_path("zenity", None));
        std::fs::write(folder.path().join("zenity"), "").expect("writes");
        assert!(is_on_path("zenity", Some(&path)));
    }
}
