//! Where a path leads.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// The path without symbolic links and `..`, as far as it is there.
pub(crate) fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                found.pop();
            }
            part => found.push(part),
        }
        // What is not there, or out of reach, is taken as it is written.
        found = fs::canonicalize(&found).unwrap_or(found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_on_the_way_are_followed_and_what_is_not_there_is_taken_as_it_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        fs::create_dir(root.join("store")).unwrap();
        std::os::unix::fs::symlink("store", root.join("link")).unwrap();
        for (path, expected) in [
            ("link/x", "store/x"),
            ("link/none/../y", "store/y"),
            ("none/../link/x", "store/x"),
            ("store2/x", "store2/x"),
        ] {
            assert_eq!(real(&root.join(path)), root.join(expected), "{path}");
        }
        assert!(!real(&root.join("store2/x")).starts_with(real(&root.join("link"))));
    }
}
