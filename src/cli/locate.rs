//! Where the store is: as the command line or the configuration names it.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::config::report;
use super::failure::{Failure, tell};
use super::style::printable;
use crate::config::{self, Config, DEFAULT_PATH, DEFAULT_STORE, Mistakes, Severity};
use crate::text::width::shorten;

/// Columns of the first mistake in a warning.
const MISTAKE_COLUMNS: usize = 200;

/// The store and the configuration for a command that only reads.
///
/// A configuration with mistakes is done without, as history is needed most while somebody edits it; a warning says so.
///
/// # Errors
/// A message for the user: a configuration was named and cannot be read at all.
pub(super) fn locate(
    store: Option<&Path>,
    named: Option<&Path>,
) -> Result<(PathBuf, Option<Config>), Failure> {
    let path = named.unwrap_or(Path::new(DEFAULT_PATH));
    let chosen = |configured: PathBuf| store.map_or(configured, Path::to_owned);
    if named.is_none() && !path.exists() {
        return Ok((chosen(DEFAULT_STORE.into()), None));
    }
    match config::load(path) {
        Ok(loaded) => Ok((chosen(loaded.config.store.clone()), Some(loaded.config))),
        Err(mistakes) if named.is_some() && File::open(path).is_err() => {
            Err(refused(path, &mistakes, "--store DIR does without"))
        }
        Err(mistakes) => {
            let store = chosen(config::store_named(path).unwrap_or_else(|| DEFAULT_STORE.into()));
            tell(&warning(&mistakes, &store));
            Ok((store, None))
        }
    }
}

/// The store and the configuration for a command that does more than read, so that nothing may be guessed.
///
/// # Errors
/// A message for the user: the configuration cannot be read or has mistakes; the `hint` says how to do without.
pub(super) fn locate_strictly(
    store: Option<&Path>,
    named: Option<&Path>,
    hint: &str,
) -> Result<(PathBuf, Option<Config>), Failure> {
    let path = named.unwrap_or(Path::new(DEFAULT_PATH));
    let config = match named.is_some() || path.exists() {
        true => Some(config::load(path).map_err(|mistakes| refused(path, &mistakes, hint))?.config),
        false => None,
    };
    let configured = || config.as_ref().map_or_else(|| DEFAULT_STORE.into(), |config| config.store.clone());
    Ok((store.map_or_else(configured, Path::to_owned), config))
}

fn refused(path: &Path, mistakes: &Mistakes, hint: &str) -> Failure {
    Failure::usage(format!("{}failed to read {}; {hint}", report(mistakes, false), path.display()))
}

/// The first mistake, how many more there are, and what is done all the same, in one line.
fn warning(mistakes: &Mistakes, store: &Path) -> String {
    let errors = || mistakes.list.iter().filter(|mistake| mistake.severity == Severity::Error);
    let first = errors().next().map(ToString::to_string).unwrap_or_default();
    let more = match errors().count().saturating_sub(1) + mistakes.dropped {
        0 => String::new(),
        more => format!(" (and {more} more, see custos config check)"),
    };
    let first = printable(&first);
    let first = shorten(&first, MISTAKE_COLUMNS, "…");
    format!("warning: {first}{more}; going on without it, with the store {}", store.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_takes_the_configuration_away_and_not_the_store() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("custos.yaml");
        for text in ["store: s\nchecks: { a: { comand: x } }\n", "store: s\nchecks: { a: [\n"] {
            std::fs::write(&path, text).unwrap();
            let (store, config) = locate(None, Some(&path)).unwrap();
            assert_eq!(store, directory.path().join("s"), "{text}");
            assert!(config.is_none());
            assert_eq!(locate(Some(Path::new("/x")), Some(&path)).unwrap().0, Path::new("/x"));
            let strict = locate_strictly(None, Some(&path), "hint").unwrap_err().message;
            assert!(strict.contains("custos.yaml:") && strict.ends_with("; hint"), "{strict}");
            let line = warning(&config::load(&path).unwrap_err(), Path::new("/s"));
            assert!(line.starts_with("warning: ") && line.contains("custos.yaml:"), "{line}");
            assert!(
                line.ends_with("; going on without it, with the store /s") && !line.contains('\n'),
                "{line}"
            );
        }
        std::fs::write(&path, "store: s\nchecks: { a: { command: /bin/true } }\n").unwrap();
        assert!(locate(None, Some(&path)).unwrap().1.is_some());
        let none = directory.path().join("none.yaml");
        assert!(locate(None, Some(&none)).unwrap_err().message.ends_with("; --store DIR does without"));
    }
}
