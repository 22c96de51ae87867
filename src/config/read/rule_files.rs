//! `rules`: files with rules of Prometheus, each of which becomes a check.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use custos_shim::Warm;

use crate::config::keys::settings;
use crate::config::keys::top::RULES;
use crate::config::model::check::{Check, Command, Priority, Process, Serving};
use crate::config::model::check_name::CheckNameFault;
use crate::config::model::notify::CheckNotify;
use crate::config::read::check::is_reserved;
use crate::config::read::settings::FLAPPING;
use crate::document::diagnostic::{Findings, Mistakes};
use crate::document::fields::{one_or_more, text};
use crate::document::glob::{self, GlobError};
use crate::document::include::{Document, file_named_at};
use crate::document::place::Place;
use crate::document::section::Row as _;
use crate::document::yaml::Node;
use crate::limits::CONFIG_FILES_MAX;
use crate::rules::{
    AlertState, Group, Rule, RuleCheck, RuleFile, RuleGroup, RuleKind, SEVERITY, Severities, read_file,
};

/// What the rule files of a configuration come to.
#[derive(Default)]
pub(crate) struct RuleFiles {
    /// The files, in their order.
    pub(crate) files: Vec<PathBuf>,
    /// The groups.
    pub(crate) groups: Vec<Arc<RuleGroup>>,
    /// The checks that the rules are.
    pub(crate) checks: Vec<Arc<Check>>,
}

/// Reads the rule files that the documents name. `taken` are names of checks that no rule can have.
pub(crate) fn read_all(
    documents: &[Document],
    taken: &HashSet<&str>,
    severities: &Arc<Severities>,
    findings: &mut Findings,
) -> RuleFiles {
    let (mut paths, mut places): (Vec<PathBuf>, Vec<Place>) = Default::default();
    for document in documents {
        let Some(entry) = document.get(RULES.name()) else { continue };
        for (path, place) in named(&entry.value, document, findings) {
            if paths.len() >= CONFIG_FILES_MAX {
                findings.error(&entry.value.place, format!("more than {CONFIG_FILES_MAX} rule files"));
                break;
            }
            if !paths.contains(&path) {
                paths.push(path);
                places.push(place);
            }
        }
    }
    let read = paths.iter().zip(&places).filter_map(|(path, place)| {
        let file = file_named_at(path, true, Some(place), findings)?;
        Some(read_file(&file, findings))
    });
    let files: Vec<RuleFile> = read.collect();
    let names = names(&files, taken, findings);
    let mut names = names.into_iter();
    let state = AlertState::BySeverity(Arc::clone(severities));
    let mut found = RuleFiles { files: paths, ..RuleFiles::default() };
    for (file, group) in files.iter().flat_map(|file| file.groups.iter().map(move |group| (file, group))) {
        let names: Vec<String> = names.by_ref().take(group.rules.len()).collect();
        let judged = RuleGroup::of_file(&file.path, group, names.iter().map(String::as_str), &state);
        let checks = group.rules.iter().zip(names).zip(&judged.rules);
        found.checks.extend(checks.map(|((rule, name), of)| Arc::new(check(rule, name, group, of))));
        found.groups.push(Arc::new(judged));
    }
    found
}

/// The paths that a document names, and where it does; globs in lexical order.
fn named(node: &Node, document: &Document, findings: &mut Findings) -> Vec<(PathBuf, Place)> {
    let mut paths = Vec::new();
    for item in one_or_more(node) {
        let Some(pattern) = text(item, "the path of a rule file or a glob", findings) else { continue };
        let path = document.base().join(pattern);
        if !glob::is_glob(pattern) {
            paths.push((path, item.place.clone()));
            continue;
        }
        match glob::files(&path) {
            Ok(files) => {
                if files.is_empty() {
                    let why = lacking(&path);
                    findings.warning(&item.place, format!("the glob `{pattern}` has no rule file: {why}"));
                }
                paths.extend(files.into_iter().map(|file| (file, item.place.clone())));
            }
            Err(GlobError::Pattern(reason)) => {
                findings.error(&item.place, format!("the glob `{pattern}` is not valid: {reason}"));
            }
            Err(GlobError::Read(directory, error)) => {
                findings.error(&item.place, format!("failed to list {}: {error}", directory.display()));
            }
        }
    }
    paths
}

/// Why a glob has no file.
fn lacking(pattern: &Path) -> String {
    let fixed: PathBuf =
        pattern.components().take_while(|part| !glob::is_glob(&part.as_os_str().to_string_lossy())).collect();
    match fixed.is_dir() {
        true => "no file matches it".to_owned(),
        false => format!("{} is no directory", fixed.display()),
    }
}

/// The rules of these files that cannot be checks, each with its place and why.
pub fn rules_not_checks(files: &[RuleFile]) -> Mistakes {
    let mut findings = Findings::default();
    names(files, &HashSet::new(), &mut findings);
    let order: Vec<&Path> = files.iter().map(|file| file.path.as_path()).collect();
    findings.into_mistakes(&order)
}

/// The name of the check of each rule, in their order: that of its alert or series. Where several rules would share one, or a
/// check has it: `NAME:SEVERITY` if that makes all of them differ, else `NAME:GROUP`, else `NAME:NUMBER`.
fn names(files: &[RuleFile], taken: &HashSet<&str>, findings: &mut Findings) -> Vec<String> {
    let groups = files.iter().flat_map(|file| &file.groups);
    let rules: Vec<(&Group, &Rule)> =
        groups.flat_map(|group| group.rules.iter().map(move |rule| (group, rule))).collect();
    let mut sharing: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, (_, rule)) in rules.iter().enumerate() {
        sharing.entry(rule.name()).or_default().push(index);
    }
    let mut used: HashSet<String> = taken.iter().map(|name| (*name).to_owned()).collect();
    used.extend(sharing.keys().map(|name| (*name).to_owned()));
    let mut names = vec![String::new(); rules.len()];
    let sharing: BTreeMap<&str, Vec<usize>> = sharing.into_iter().collect();
    for (name, indices) in sharing {
        let fault = CheckNameFault::of(name).map(|fault| fault.to_string());
        let reserved =
            is_reserved(name).then(|| format!("found the name `{name}`, which the agent keeps for itself"));
        if let Some(why) = fault.or(reserved) {
            let place = &rules[indices[0]].1.place;
            findings.error(place, format!("the rule `{name}` cannot be a check: {why}"));
        }
        if indices.len() == 1 && !taken.contains(name) {
            names[indices[0]] = name.to_owned();
            continue;
        }
        let by_severity = |index: usize| Some(format!("{name}:{}", severity(rules[index].1)?));
        let by_group = |index: usize| Some(format!("{name}:{}", rules[index].0.name));
        let chosen = differing(&indices, by_severity, &used).or_else(|| differing(&indices, by_group, &used));
        let chosen = chosen.unwrap_or_else(|| {
            let numbered = (1..).map(|number: usize| format!("{name}:{number}"));
            numbered.filter(|name| !used.contains(name)).take(indices.len()).collect()
        });
        for (index, name) in indices.into_iter().zip(chosen) {
            used.insert(name.clone());
            names[index] = name;
        }
    }
    names
}

/// Names for these rules, if each has one that no other has.
fn differing(
    indices: &[usize],
    name: impl Fn(usize) -> Option<String>,
    used: &HashSet<String>,
) -> Option<Vec<String>> {
    let names: Vec<String> = indices.iter().map(|index| name(*index)).collect::<Option<_>>()?;
    let distinct: HashSet<&String> = names.iter().collect();
    let free = names.iter().all(|name| !used.contains(name) && CheckNameFault::of(name).is_none());
    (distinct.len() == names.len() && free).then_some(names)
}

/// The value of the label `severity`, if it is the same for all of its alerts.
fn severity(rule: &Rule) -> Option<&str> {
    let (_, text) = rule.labels.iter().find(|(name, _)| name == SEVERITY)?;
    Some(text.source()).filter(|source| text.is_fixed() && !source.is_empty())
}

/// The check of a rule. Problems are hard at once: `for` is what confirms them. Of `defaults` nothing holds.
fn check(rule: &Rule, name: String, group: &Group, rule_check: &Arc<RuleCheck>) -> Check {
    let interval = Duration::from_millis(group.every_ms().unsigned_abs());
    Check {
        name,
        command: Command::Rule(Arc::clone(rule_check)),
        environment: BTreeMap::new(),
        process: Process::default(),
        check_interval: interval,
        retry_interval: interval,
        max_check_attempts: 1,
        volatile: false,
        clone: false,
        native: settings::NATIVE.built_in(),
        warm: Warm::default(),
        check_period: None,
        depends_on: Vec::new(),
        priority: Priority::Normal,
        timeout: settings::TIMEOUT.built_in(),
        timeout_state: settings::TIMEOUT_STATE.built_in(),
        byte_units: settings::BYTE_UNITS.built_in(),
        check_multi: settings::CHECK_MULTI.built_in(),
        silent: settings::SILENT.built_in(),
        evaluate_perfdata: false,
        flapping: matches!(rule.kind, RuleKind::Alert(_)).then_some(FLAPPING),
        serving: Serving::Fresh,
        notify: CheckNotify::All,
        on_change: None,
        thresholds: Vec::new(),
        defined_at: rule.place.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, load};
    use crate::rules::When;
    use custos_store::State;

    /// Loads a configuration with these files beside it.
    fn loaded(text: &str, files: &[(&str, &str)]) -> Result<Config, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::create_dir(path("rules")).unwrap();
        std::fs::write(path("custos.yaml"), text).unwrap();
        for (name, text) in files {
            std::fs::write(path("rules").join(name), text).unwrap();
        }
        let shown = format!("{}/", directory.path().display());
        load(&path("custos.yaml"))
            .map(|loaded| loaded.config)
            .map_err(|mistakes| mistakes.to_string().replace(&shown, ""))
    }

    fn group(name: &str, rules: &str) -> String {
        format!("groups:\n- name: {name}\n  rules:\n{rules}")
    }

    #[test]
    fn each_rule_is_a_check_under_a_name_that_no_other_has() {
        let one = group(
            "one",
            "  - { record: 'a:b', expr: x }\n  - { alert: Down, expr: x > 1, labels: { severity: warning } }\n  \
             - { alert: Down, expr: x > 2, labels: { severity: critical } }\n  - { alert: Same, expr: x > 1 }\n  \
             - { alert: taken, expr: x }\n  - { alert: Twice, expr: x > 1 }\n  - { alert: Twice, expr: x > 2 }\n",
        );
        let two = group("two", "  - { alert: Same, expr: x > 1, for: 5m, keep_firing_for: 1m }\n");
        let config = loaded(
            "rules: 'rules/*.yml'\nchecks: { taken: { command: /bin/true, depends_on: Same:two } }\n",
            &[("1.yml", &one), ("2.yml", &two), ("3.yaml", "groups: 5\n")],
        );
        let config = config.unwrap();
        let names: Vec<&str> = config.checks.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "Down:critical",
                "Down:warning",
                "Same:one",
                "Same:two",
                "Twice:1",
                "Twice:2",
                "a:b",
                "taken",
                "taken:one",
            ]
        );
        let groups: Vec<(usize, &When)> =
            config.groups.iter().map(|group| (group.rules.len(), &group.when)).collect();
        assert!(matches!(groups[..], [(7, When::Grid { interval_ms: 60_000, .. }), (1, When::Grid { .. })]));
        assert!(config.groups.iter().all(|group| group.name.contains(".yml;")));
        let state = |check: &str, severity: &str| match &config.checks[check].command {
            Command::Rule(rule) => match &rule.state {
                AlertState::BySeverity(severities) => {
                    severities.states.get(severity).copied().unwrap_or(severities.otherwise)
                }
                AlertState::Always(state) => *state,
            },
            other => panic!("{other:?}"),
        };
        assert_eq!((state("a:b", "warning"), state("a:b", "info")), (State::Warning, State::Ok));
        assert_eq!((state("a:b", ""), state("a:b", "page")), (State::Critical, State::Critical));
    }

    #[test]
    fn a_glob_without_a_file_is_a_warning() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("custos.yaml");
        std::fs::write(&path, "rules: ['gone/*.yml', '*.rules']\n").unwrap();
        let warnings = load(&path).unwrap().warnings.to_string();
        let shown = warnings.replace(&format!("{}/", directory.path().display()), "");
        assert_eq!(
            shown.lines().collect::<Vec<_>>(),
            [
                "custos.yaml:1:9: warning: the glob `gone/*.yml` has no rule file: gone is no directory",
                "custos.yaml:1:23: warning: the glob `*.rules` has no rule file: no file matches it",
            ]
        );
    }

    #[test]
    fn every_mistake_has_its_place() {
        let rules = group("g", "  - { alert: A, expr: x > }\n  - { alert: '-a', expr: x }\n");
        let text = "rules: [rules/r.yml, rules/none.yml, 'rules/[']\nseverities: { x: bad }\nexternal_labels: 5\n\
                    checks:\n  a: { query: 'x[5m]', on: sometimes, for: 5, state: bad }\n  b: { command: /bin/true, for: 5m }\n  \
                    c: { query: up, trap: {} }\n  d: { query: up, annotations: { s: '{{ nothing }}' } }\n  \
                    e: { command: /bin/true, depends_on: off }\n  u: { query: up, user: 0 }\n  off: { command: \"'\", enabled: false }\n";
        let mistakes = loaded(text, &[("r.yml", &rules)]).unwrap_err();
        for expected in [
            "custos.yaml:1:38: the glob `rules/[` is not valid",
            "custos.yaml:2:18: found `bad`, expected",
            "custos.yaml:3:18: found the number `5`, expected a mapping of names to values",
            "custos.yaml:5:16: the expression of check `a` cannot be used: a rule needs an instant vector",
            "custos.yaml:5:28: found `sometimes`, expected `samples` or `interval`",
            "custos.yaml:5:44: found the number `5`, expected a duration",
            "custos.yaml:5:54: found `bad`, expected",
            "custos.yaml:6:28: check `b` has `for`, which is for checks with a `query`",
            "check `c` has `",
            "custos.yaml:8:37: the template of `s` cannot be used",
            "custos.yaml:10:19: check `u` has `user`, but no process is run for a `query`",
            "custos.yaml:11:20: this quote ' is never closed",
            "rules/r.yml:4:26: the expression of the rule `A` cannot be used",
            "rules/r.yml:5:5: the rule `-a` cannot be a check",
            "custos.yaml:1:22: failed to read rules/none.yml: No such file or directory",
        ] {
            assert!(
                mistakes.lines().any(|line| line.starts_with(expected) || line.contains(expected)),
                "{expected}\n{mistakes}"
            );
        }
        assert_eq!(mistakes.lines().count(), 15, "{mistakes}");
    }

    #[test]
    fn a_rule_whose_name_no_check_can_have_is_named_without_a_configuration() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("r.yml");
        let rule = |name| format!("  - alert: {name}\n    expr: up\n");
        let rules = ["\"a\\r\\0\"", "custos", "fine"].map(rule).concat();
        std::fs::write(&path, group("g", &rules)).unwrap();
        let (files, _) = crate::rules::read_files(std::slice::from_ref(&path)).unwrap();
        let mistakes = rules_not_checks(&files).to_string();
        let [control, reserved] = mistakes.lines().collect::<Vec<_>>()[..] else { panic!("{mistakes}") };
        assert!(
            control.contains("r.yml:4:5: the rule `a") && control.contains("cannot be a check"),
            "{control}"
        );
        assert!(reserved.contains("r.yml:6:5: the rule `custos` cannot be a check"), "{reserved}");
    }

    #[test]
    fn a_query_has_a_state_by_what_is_said_of_it_and_an_end_where_it_is_not_enabled() {
        let text = "severities: { low: warning, otherwise: ok }\nchecks:\n  plain: { query: up }\n  \
                    said: { query: up, state: warning, on: interval, check_interval: 10s }\n  \
                    labelled: { query: up, labels: { severity: low } }\n  \
                    limited: { query: up, thresholds: [{ metric: value, warning: 1 }] }\n  \
                    off: { query: up, enabled: false }\n  behind: { command: /bin/true, depends_on: off }\n";
        let config = loaded(text, &[]).unwrap();
        assert!(!config.checks.contains_key("off") && config.groups.len() == 4);
        let rule = |check: &str| match &config.checks[check].command {
            Command::Rule(rule) => Arc::clone(rule),
            other => panic!("{other:?}"),
        };
        assert_eq!(rule("plain").state, AlertState::Always(State::Critical));
        assert_eq!(rule("said").state, AlertState::Always(State::Warning));
        assert_eq!(rule("limited").state, AlertState::Always(State::Ok));
        assert!(matches!(&rule("labelled").state, AlertState::BySeverity(of) if of.otherwise == State::Ok));
        let when = |name: &str| config.groups.iter().find(|group| *group.name == *name).unwrap().when;
        assert_eq!(when("plain"), When::Samples { at_the_latest_ms: 60_000 });
        assert!(matches!(when("said"), When::Grid { interval_ms: 10_000, .. }));
        assert_eq!(config.checks["plain"].max_check_attempts, 1);
    }
}
