use std::path::{Path, PathBuf};

/// The path with the user's folder in the place of a leading `~`, which shells leave as it is behind a colon or an equals
/// sign. A file that is really called so is preferred.
pub fn expand_home(path: &Path) -> PathBuf {
    let dirs = directories::BaseDirs::new();
    expand(path, dirs.as_ref().map(directories::BaseDirs::home_dir))
}

fn expand(path: &Path, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) if !path.exists() => home.join(rest),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_tilde_alone_stands_for_the_users_folder() {
        let home = Some(Path::new("/home/me"));
        let expanded = |path: &str| expand(Path::new(path), home);
        assert_eq!(expanded("~/photos/a"), Path::new("/home/me/photos/a"));
        assert_eq!(expanded("~"), Path::new("/home/me"));
        for path in ["~other/photos", "photos/~", "./~/photos", "", "/~"] {
            assert_eq!(expanded(path), Path::new(path));
        }
        assert_eq!(expand(Path::new("~/a"), None), Path::new("~/a"));
    }
}
