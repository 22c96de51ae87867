//! The names of checks and metrics that complete what is typed: those of the store, and of the configuration.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap_complete::engine::CompletionCandidate;
use custos_promql::Expr;
use custos_query::{BuiltIn, check_names as stored_names};
use custos_store::Reader;

use crate::cli::config_option::ConfigOption;
use crate::cli::locate::read_with_mistakes;
use crate::config::Config;
use crate::text::printable;

/// The checks of the store and of the configuration whose names begin with what is typed.
pub(in crate::cli) fn check_names(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = unquoted(typed);
    let place = Place::of_command_line();
    let mut names = place.defined();
    names.extend(place.reader().iter().flat_map(|reader| stored_names(reader)));
    candidates(names.into_iter().filter(|name| name.starts_with(&typed)))
}

/// The checks of the configuration whose names begin with what is typed.
pub(in crate::cli) fn defined_check(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = unquoted(typed);
    candidates(Place::of_command_line().defined().into_iter().filter(|name| name.starts_with(&typed)))
}

/// Checks, and behind the name of one and a colon its metrics.
pub(in crate::cli) fn check_or_metric(typed: &OsStr) -> Vec<CompletionCandidate> {
    let mut found = check_names(typed);
    let typed = unquoted(typed);
    let Some(reader) = Place::of_command_line().reader() else { return found };
    let of_check =
        |name: &String| typed.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(':'));
    for name in stored_names(&reader).into_iter().filter(of_check) {
        let stored = reader.series(&name).unwrap_or_default().into_iter().map(|series| series.key.label);
        let built_in = BuiltIn::ALL.iter().map(|series| series.name().to_owned());
        let metrics: BTreeSet<String> = stored.collect();
        let metrics = metrics.into_iter().chain(built_in).map(|metric| format!("{name}:{metric}"));
        found.extend(candidates(metrics.filter(|metric| metric.starts_with(&typed))));
    }
    found
}

/// The checks whose names are queries as they are: others stand in a label, within braces.
pub(in crate::cli) fn query(typed: &OsStr) -> Vec<CompletionCandidate> {
    let is_query = |name: &str| matches!(custos_promql::parse(name), Ok(Expr::Selector(selector)) if selector.name.as_deref() == Some(name));
    let mut found = check_names(typed);
    found.retain(|candidate| candidate.get_value().to_str().is_some_and(is_query));
    found
}

/// A word as the shell would hand it to a program, if what is typed of it so far ended there.
fn unquoted(typed: &OsStr) -> String {
    let typed = typed.to_string_lossy();
    let quote = typed.chars().next().filter(|first| matches!(first, '"' | '\''));
    let closed = format!("{typed}{}", quote.map(String::from).unwrap_or_default());
    match shell_words::split(&closed).as_deref() {
        Ok([word]) => word.clone(),
        _ => typed.into_owned(),
    }
}

fn candidates(names: impl Iterator<Item = String>) -> Vec<CompletionCandidate> {
    names.filter(|name| is_offered(name)).map(CompletionCandidate::new).collect()
}

/// Whether a name can be shown and typed. Of one with a backquote or a backslash a shell in backquotes makes a command.
fn is_offered(name: &str) -> bool {
    printable(name) == name && !name.contains(['`', '\\'])
}

/// The store and the configuration that the line names which is being typed.
struct Place {
    store: PathBuf,
    config: Option<Config>,
}

impl Place {
    /// A shell hands the words of the line behind `--`.
    fn of_command_line() -> Place {
        Place::of(std::env::args_os().skip_while(|word| word != "--").skip(1).collect())
    }

    /// What cannot be read is done without: there is no place for messages beside what is being typed.
    fn of(words: Vec<OsString>) -> Place {
        let named = option(&words, "--config").or_else(|| option(&words, "-c"));
        let (configured, loaded) = read_with_mistakes(&ConfigOption::new(named).path());
        Place { store: option(&words, "--store").unwrap_or(configured), config: loaded.ok() }
    }

    fn reader(&self) -> Option<Reader> {
        Reader::open(&self.store).ok()
    }

    fn defined(&self) -> BTreeSet<String> {
        self.config.iter().flat_map(|config| config.checks.keys().cloned()).collect()
    }
}

/// The value of an option: `--store DIR` or `--store=DIR`.
fn option(words: &[OsString], name: &str) -> Option<PathBuf> {
    words.iter().enumerate().rev().find_map(|(at, word)| {
        if word == name {
            return words.get(at + 1).map(PathBuf::from);
        }
        word.to_str()?.strip_prefix(name)?.strip_prefix('=').map(PathBuf::from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_taken_off_what_is_typed() {
        let typed = ["", "load:", r"lag:eu\ west:/v", "'lag:eu west", "\"lag:eu", "'", r"\"];
        let words = typed.map(|typed| unquoted(OsStr::new(typed)));
        assert_eq!(words, ["", "load:", "lag:eu west:/v", "lag:eu west", "lag:eu", "", r"\"]);
    }

    #[test]
    fn the_line_that_is_typed_names_the_store() {
        let place = |words: &[&str]| Place::of(words.iter().map(OsString::from).collect()).store;
        assert_eq!(place(&["custos", "history", "--store", "/a", ""]), PathBuf::from("/a"));
        assert_eq!(place(&["custos", "history", "--store=/b", "lo"]), PathBuf::from("/b"));
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("broken.yaml");
        std::fs::write(&file, "store: s\nchecks: [").unwrap();
        let named = place(&["custos", "graph", "--config", file.to_str().unwrap(), ""]);
        assert_eq!(named, directory.path().join("s"));
        let named = place(&["custos", "graph", "-c", file.to_str().unwrap(), ""]);
        assert_eq!(named, directory.path().join("s"));
    }
}
