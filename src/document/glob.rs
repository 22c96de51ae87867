//! The files that a glob names: `conf.d/*.yaml`, in lexical order.
//!
//! `*`, `?`, `[…]` and `{…}` work within one part of a path. Names that begin with a dot are matched only by a
//! part that begins with one, so that editors' leftovers are not read.

use std::io;
use std::path::{Component, Path, PathBuf};

use globset::GlobBuilder;

/// `true` if the path has a character with a meaning in globs.
pub(crate) fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '[', '{'])
}

/// The regular files that match, sorted by the bytes of their paths; a directory that is not there has none.
pub(crate) fn files(pattern: &Path) -> Result<Vec<PathBuf>, GlobError> {
    let mut paths = vec![PathBuf::new()];
    for part in pattern.components() {
        let text = part.as_os_str().to_string_lossy();
        match part {
            Component::Normal(_) if is_glob(&text) => {
                let mut found = Vec::new();
                for directory in &paths {
                    found.append(&mut matches(directory, &text)?);
                }
                paths = found;
            }
            _ => paths.iter_mut().for_each(|path| path.push(part)),
        }
    }
    paths.retain(|path| path.is_file());
    paths.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    paths.dedup();
    Ok(paths)
}

fn matches(directory: &Path, part: &str) -> Result<Vec<PathBuf>, GlobError> {
    if part.contains("**") {
        return Err(GlobError::Pattern("`**` is not supported; name each directory".to_owned()));
    }
    let glob =
        GlobBuilder::new(part).build().map_err(|error| GlobError::Pattern(error.kind().to_string()))?;
    let matcher = glob.compile_matcher();
    let here = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let listing = match std::fs::read_dir(here) {
        Ok(listing) => listing,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(GlobError::Read(here.to_owned(), error)),
    };
    let mut found = Vec::new();
    for entry in listing {
        let name = entry.map_err(|error| GlobError::Read(here.to_owned(), error))?.file_name();
        let hidden = name.as_encoded_bytes().starts_with(b".") && !part.starts_with('.');
        if !hidden && matcher.is_match(&name) {
            found.push(directory.join(&name));
        }
    }
    Ok(found)
}

/// Why a glob names no files.
#[derive(Debug)]
pub(crate) enum GlobError {
    /// It is not a glob.
    Pattern(String),
    /// A directory could not be read.
    Read(PathBuf, io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for path in ["a/10.yaml", "a/9.yaml", "a/.hidden.yaml", "a/x.yaml~", "b/1.yaml", "b/deep/2.yaml"] {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::fs::create_dir(directory.path().join("a/dir.yaml")).unwrap();
        directory
    }

    fn found(pattern: &str) -> Vec<String> {
        let tree = tree();
        files(&tree.path().join(pattern))
            .unwrap()
            .iter()
            .map(|path| path.strip_prefix(tree.path()).unwrap().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn files_come_in_lexical_order_without_hidden_ones_and_directories() {
        assert_eq!(found("a/*.yaml"), ["a/10.yaml", "a/9.yaml"]);
        assert_eq!(found("*/[0-9].yaml"), ["a/9.yaml", "b/1.yaml"]);
        assert_eq!(found("{b,a}/?.yaml"), ["a/9.yaml", "b/1.yaml"]);
        assert_eq!(found("a/.*.yaml"), ["a/.hidden.yaml"]);
    }

    #[test]
    fn a_directory_that_is_not_there_has_no_files() {
        assert!(found("c/*.yaml").is_empty());
        assert!(found("a/10.yaml/*").is_empty());
    }

    #[test]
    fn what_is_no_glob_is_refused() {
        let tree = tree();
        assert!(matches!(files(&tree.path().join("**/x")), Err(GlobError::Pattern(_))));
        assert!(matches!(files(&tree.path().join("a/[")), Err(GlobError::Pattern(_))));
    }
}
