use std::ffi::OsStr;

/// Files and folders that systems and programs put beside people's pictures: waste baskets, thumbnails, notes of file
/// managers. Names that begin with a dot need no line here.
const NAMES: [&str; 23] = [
    "__MACOSX",
    "Icon\r",
    "Network Trash Folder",
    "Temporary Items",
    "TheVolumeSettingsFolder",
    "Thumbs.db",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "desktop.ini",
    "$RECYCLE.BIN",
    "RECYCLER",
    "RECYCLED",
    "System Volume Information",
    "@eaDir",
    "@tmp",
    "@Recycle",
    "@Recently-Snapshot",
    "@__thumb",
    "#recycle",
    "#snapshot",
    "~snapshot",
    "__pycache__",
    "ZbThumbnail.info",
];

/// Whether a file or folder of this name is hidden, or a file manager's or file server's own.
pub(super) fn is_hidden(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    let is_dotted = bytes.starts_with(b".") && !matches!(bytes, b"." | b"..");
    is_dotted || NAMES.iter().any(|known| bytes.eq_ignore_ascii_case(known.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_leave_beside_pictures_is_hidden() {
        for name in [
            "._a.png",
            ".DS_Store",
            ".ipynb_checkpoints",
            ".Trash-1000",
            ".thumbnails",
            ".@__thumb",
            "@eaDir",
        ] {
            assert!(is_hidden(OsStr::new(name)), "{name}");
        }
        for name in ["THUMBS.DB", "$recycle.bin", "#recycle", "__MACOSX", "Desktop.ini"] {
            assert!(is_hidden(OsStr::new(name)), "{name}");
        }
        for name in ["a.png", "thumbs", "@home", "#1.jpg", "__init__.png", "..", "a.DS_Store", "lost+found"] {
            assert!(!is_hidden(OsStr::new(name)), "{name}");
        }
    }
}
