//! The files that are meant by names of files and directories.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::read::Failure;
use crate::limits::{IMPORT_DEPTH_MAX, IMPORT_FILES_MAX};

/// All files of an ending: those that are given, and those within directories that are given, by name. Links within directories are
/// followed to files, not to directories.
pub(super) fn files(given: &[PathBuf], ending: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in given {
        match fs::metadata(path).map_err(|error| unreadable(path, &error))?.is_dir() {
            true => within(path, ending, IMPORT_DEPTH_MAX, &mut found)?,
            false => found.push(path.clone()),
        }
    }
    if found.is_empty() {
        return Err(Failure::new(format!("found no file that ends with .{ending}")));
    }
    Ok(found)
}

fn within(directory: &Path, ending: &str, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = entries.map_err(|error| unreadable(directory, &error))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
        if kind.is_dir() {
            if depth == 0 {
                let why = format!("it is more than {IMPORT_DEPTH_MAX} directories deep");
                return Err(Failure::new(format!("failed to look through {}: {why}", path.display())));
            }
            within(&path, ending, depth - 1, found)?;
        } else if path.extension().is_some_and(|of| of == ending) {
            if found.len() == IMPORT_FILES_MAX {
                return Err(Failure::new(format!(
                    "found more than {IMPORT_FILES_MAX} files; name fewer at once"
                )));
            }
            found.push(path);
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("failed to read {}: {error}", path.display()))
}
