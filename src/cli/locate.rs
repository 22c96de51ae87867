//! Where the store is: as the command line or the configuration names it.

use std::path::{Path, PathBuf};

use super::config::report;
use super::config_option::ConfigOption;
use super::failure::{Failure, tell};
use super::style::printable;
use crate::config::{self, Config, DEFAULT_STORE};
use crate::document::{Mistakes, Severity};
use crate::text::width::shorten;
use crate::whole_file;

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
    named: &ConfigOption,
) -> Result<(PathBuf, Option<Config>), Failure> {
    let path = named.path();
    let chosen = |configured: PathBuf| store.map_or(configured, Path::to_owned);
    if named.named().is_none() && !path.exists() {
        return Ok((chosen(DEFAULT_STORE.into()), None));
    }
    let (configured, loaded) = read_with_mistakes(&path);
    match loaded {
        Ok(config) => Ok((chosen(configured), Some(config))),
        Err(mistakes) if named.named().is_some() && whole_file::open_at_once(&path).is_err() => {
            Err(refused(named, &mistakes, Some("the store with --store DIR")))
        }
        Err(mistakes) => {
            let store = chosen(configured);
            tell(&warning(&mistakes, &store, &named.repeated()));
            Ok((store, None))
        }
    }
}

/// The store that the configuration at a path names even if there are mistakes elsewhere, else the usual one; and the
/// configuration, if there are none.
pub(super) fn read_with_mistakes(path: &Path) -> (PathBuf, Result<Config, Mistakes>) {
    match config::load(path) {
        Ok(loaded) => (loaded.config.store.clone(), Ok(loaded.config)),
        Err(mistakes) => (config::store_named(path).unwrap_or_else(|| DEFAULT_STORE.into()), Err(mistakes)),
    }
}

/// The store and the configuration for a command that does more than read, so that nothing may be guessed.
///
/// # Errors
/// A message for the user: the configuration cannot be read or has mistakes; `other` is what can be named instead.
pub(super) fn locate_strictly(
    store: Option<&Path>,
    named: &ConfigOption,
    other: Option<&str>,
) -> Result<(PathBuf, Option<Config>), Failure> {
    let path = named.path();
    let config = match named.named().is_some() || path.exists() {
        true => Some(config::load(&path).map_err(|mistakes| refused(named, &mistakes, other))?.config),
        false => None,
    };
    let configured = || config.as_ref().map_or_else(|| DEFAULT_STORE.into(), |config| config.store.clone());
    Ok((store.map_or_else(configured, Path::to_owned), config))
}

/// The configuration cannot be used: why, and what the user can do.
fn refused(named: &ConfigOption, mistakes: &Mistakes, other: Option<&str>) -> Failure {
    let found = report(mistakes, false);
    Failure::usage(if whole_file::open_at_once(&named.path()).is_err() {
        let or = other.map(|other| format!(", or {other}")).unwrap_or_default();
        format!("failed to read the configuration {}; name one with --config FILE{or}", found.trim_end())
    } else {
        let or = other.map(|other| format!(", or name {other}")).unwrap_or_default();
        let repeated = named.repeated();
        format!(
            "{found}correct the configuration first{or}; custos config check{repeated} shows its mistakes"
        )
    })
}

/// The first mistake, how many more there are, and what is done all the same, in one line.
fn warning(mistakes: &Mistakes, store: &Path, repeated: &str) -> String {
    let errors = || mistakes.list.iter().filter(|mistake| mistake.severity == Severity::Error);
    let first = errors().next().map(ToString::to_string).unwrap_or_default();
    let more = match errors().count().saturating_sub(1) + mistakes.dropped {
        0 => String::new(),
        more => format!(" (and {more} more, see custos config check{repeated})"),
    };
    let first = printable(&first);
    let first = shorten(&first, MISTAKE_COLUMNS, "…");
    format!(
        "warning: {first}{more}; continuing without the configuration, with the store {}",
        store.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_takes_the_configuration_away_and_not_the_store() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("custos.yaml");
        let named = ConfigOption::of(&path);
        for text in ["store: s\nchecks: { a: { comand: x } }\n", "store: s\nchecks: { a: [\n"] {
            std::fs::write(&path, text).unwrap();
            let (store, config) = locate(None, &named).unwrap();
            assert_eq!(store, directory.path().join("s"), "{text}");
            assert!(config.is_none());
            assert_eq!(locate(Some(Path::new("/x")), &named).unwrap().0, Path::new("/x"));
            let strict = locate_strictly(None, &named, Some("the DIR")).unwrap_err().message;
            let advice = format!(
                "correct the configuration first, or name the DIR; custos config check --config {} shows its mistakes",
                path.display()
            );
            assert!(strict.contains("custos.yaml:") && strict.ends_with(&advice), "{strict}");
            let line = warning(&config::load(&path).unwrap_err(), Path::new("/s"), "");
            assert!(line.starts_with("warning: ") && line.contains("custos.yaml:"), "{line}");
            assert!(
                line.ends_with("; continuing without the configuration, with the store /s")
                    && !line.contains('\n'),
                "{line}"
            );
        }
        std::fs::write(&path, "store: s\nchecks: { a: { command: /bin/true } }\n").unwrap();
        assert!(locate(None, &named).unwrap().1.is_some());
    }

    #[test]
    fn a_configuration_that_is_not_there_is_named_once_with_what_can_be_done() {
        let named = ConfigOption::of("/none/custos.yaml");
        let missing = "failed to read the configuration /none/custos.yaml: No such file or directory; name one with \
                       --config FILE";
        assert_eq!(locate_strictly(None, &named, None).unwrap_err().message, missing);
        let other = format!("{missing}, or the store with --store DIR");
        assert_eq!(locate(None, &named).unwrap_err().message, other);
    }
}
