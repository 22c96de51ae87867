//! The names of checks and metrics that complete what is typed: those of the store, and of the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap_complete::engine::CompletionCandidate;
use custos_promql::{Expr, METRIC_NAME};
use custos_query::{BuiltIn, check_names as stored_names, outbound_series};
use custos_store::Reader;

use super::expression::{Next, next};
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

/// The targets of notifications whose names begin with what is typed.
pub(in crate::cli) fn target(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = unquoted(typed);
    let notify = Place::of_command_line().config.and_then(|config| config.notify);
    let names = notify.into_iter().flat_map(|notify| notify.targets.into_keys());
    candidates(names.filter(|name| name.starts_with(&typed)))
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

/// What a query may go on with: names of metrics, of labels and of their values, and of functions where no metric matches.
///
/// What is offered is what is typed with a name behind it, and only names that mean the same to a shell in and out of quotes.
pub(in crate::cli) fn query(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = unquoted(typed);
    let (next, of_it) = next(&typed);
    let before = &typed[..typed.len() - of_it.len()];
    let Some(reader) = Place::of_command_line().reader() else { return Vec::new() };
    let fitting = |names: BTreeSet<String>| {
        let is_plain = |character: char| character.is_alphanumeric() || " _.,:/@%+=-".contains(character);
        names.into_iter().filter(move |name| name.starts_with(of_it) && name.chars().all(is_plain))
    };
    let mut found: Vec<String> = match next {
        Next::Name => fitting(metrics(&reader)).collect(),
        Next::Label(metric) => {
            let names = of_series(&reader, metric, |labels| labels.keys().cloned().collect());
            fitting(names).map(|name| format!("{name}=")).collect()
        }
        Next::Value(label, metric) => {
            fitting(of_series(&reader, metric, |labels| labels.get(label).cloned().into_iter().collect()))
                .collect()
        }
        Next::Other => Vec::new(),
    };
    if found.is_empty() && next == Next::Name && !of_it.is_empty() {
        found = fitting(custos_promql::function_names().map(str::to_owned).collect()).collect();
    }
    candidates(found.into_iter().map(|name| format!("{before}{name}")))
}

/// The names of metrics that are identifiers: others stand in braces.
fn metrics(reader: &Reader) -> BTreeSet<String> {
    let is_query = |name: &String| matches!(custos_promql::parse(name), Ok(Expr::Selector(selector)) if selector.name.as_ref() == Some(name));
    let built_in = BuiltIn::ALL.iter().map(|one| one.name().to_owned());
    stored_names(reader).into_iter().chain(built_in).filter(is_query).collect()
}

/// What labels of series of this name have, or of all series if it is empty.
fn of_series(
    reader: &Reader,
    metric: &str,
    what: impl Fn(&BTreeMap<String, String>) -> Vec<String>,
) -> BTreeSet<String> {
    let (series, _) = outbound_series(&reader.snapshot(), &[], "");
    let of_name = series.iter().filter(|series| metric.is_empty() || series.labels.metric_name() == metric);
    let labels = of_name.map(|series| {
        let all = series.labels.iter().map(|label| (label.name.to_string(), label.value.to_string()));
        all.filter(|(name, _)| !metric.is_empty() || name != METRIC_NAME).collect::<BTreeMap<_, _>>()
    });
    labels.flat_map(|labels| what(&labels)).collect()
}

/// Checks and metrics of them, and what a query may go on with where it is more than a name.
pub(in crate::cli) fn graph_target(typed: &OsStr) -> Vec<CompletionCandidate> {
    let is_query = unquoted(typed).contains(['(', '{', '[']);
    if is_query { query(typed) } else { check_or_metric(typed) }
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
