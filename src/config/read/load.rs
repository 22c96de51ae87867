//! From files to a configuration: everything is read, every mistake is collected, and only then is it decided
//! whether there is a configuration.
//!
//! Every key may stand in any of the files, once. `defaults` hold for the checks of the file they stand in and of
//! the files it includes, over the defaults of the file that includes it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::config::keys::settings::{DEFAULTS, NATIVE};
use crate::config::keys::top as keys;
use crate::config::model::check::{Check, Config, Native};
use crate::config::model::snmp::SnmpConfig;
use crate::config::read::check::{self, Named, Shared};
use crate::config::read::command::Lookup;
use crate::config::read::dependency;
use crate::config::read::period;
use crate::config::read::rule_files::{self, RuleFiles};
use crate::config::read::settings::Settings;
use crate::config::read::{askable, http, notify, nrpe, severities, sink, snmp};
use crate::document::diagnostic::{Findings, Mistakes};
use crate::document::fields::{Fields, one_or_more, printable, refuse, refuse_unknown, text, written};
use crate::document::include::{self, Document};
use crate::document::key::Reads as _;
use crate::document::place::Place;
use crate::document::scalar::Kind;
use crate::document::section::Row;
use crate::document::yaml::{Content, Entry, Node};
use crate::limits::{CONCURRENT_CHECKS_MAX, CONCURRENT_CHECKS_PER_CPU, HOST_NAME_MAX_BYTES};
use crate::rules::{Judge, RuleGroup};

/// Where the configuration is unless another file is named.
pub const DEFAULT_PATH: &str = "/etc/custos/custos.yaml";
/// What the machine supplies where the configuration is silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// The name of this host.
    pub host: String,
    /// CPUs that can be used, at least 1.
    pub cpus: usize,
    /// The time zone that periods go by.
    pub zone: TimeZone,
}

impl Surroundings {
    /// Asks this machine.
    pub fn of_this_machine() -> Surroundings {
        let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        Surroundings {
            host: host.filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned()),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            zone: TimeZone::system(),
        }
    }
}

/// A configuration that can be used, and what is odd about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Warnings only.
    pub warnings: Mistakes,
}

/// Reads the configuration at `path` with all that it includes.
///
/// # Errors
/// Every mistake in any of the files, warnings among them, if at least one of them is an error.
pub fn load(path: &Path) -> Result<Loaded, Mistakes> {
    load_with(path, &Surroundings::of_this_machine())
}

/// [`load`], with the machine given.
///
/// # Errors
/// As [`load`].
pub fn load_with(path: &Path, surroundings: &Surroundings) -> Result<Loaded, Mistakes> {
    let mut findings = Findings::default();
    let documents = include::read_all(path, &mut findings);
    let config = resolve(&documents, surroundings, &mut findings);
    let files: Vec<&Path> = config.files.iter().map(PathBuf::as_path).collect();
    let mistakes = findings.into_mistakes(&files);
    if mistakes.has_errors() { Err(mistakes) } else { Ok(Loaded { config, warnings: mistakes }) }
}

/// The configuration as far as it can be read; only to be used if there were no errors.
fn resolve(documents: &[Document], surroundings: &Surroundings, findings: &mut Findings) -> Config {
    for document in documents {
        refuse_unknown_keys(document, findings);
    }
    let mut single = |key: &dyn Row| only(documents, key.name(), findings);
    let store = single(&keys::STORE);
    let sync = single(&keys::SYNC);
    let plugins = single(&keys::PLUGINS);
    let host = single(&keys::HOST);
    let concurrent = single(&keys::MAX_CONCURRENT_CHECKS);
    let nrpe = single(&keys::NRPE_OF);
    let http = single(&keys::HTTP_OF);
    let snmp = single(&keys::SNMP_OF);
    let notify = single(&keys::NOTIFY_OF);
    let sinks = single(&keys::SINKS);
    let severities = single(&keys::SEVERITIES);
    let external_url = single(&keys::EXTERNAL_URL);
    let external_labels = single(&keys::EXTERNAL_LABELS);
    let plugins = match plugins {
        Some((document, entry)) => paths(&entry.value, document.base(), findings),
        None => keys::PLUGINS.built_in().iter().map(PathBuf::from).collect(),
    };
    let snmp =
        snmp.map(|(document, entry)| snmp::read(&entry.value, document.base(), findings)).unwrap_or_default();
    let periods = period::read_all(documents, &surroundings.zone, findings);
    let targets = notify::target_names(notify.map(|(_, entry)| &entry.value));
    let notify = notify.and_then(|(document, entry)| {
        let lookup = Lookup { plugins: &plugins, base: document.base(), snmp: &snmp };
        notify::read(&entry.value, &lookup, &periods, findings)
    });
    let severities = severities.map(|(_, entry)| severities::read(&entry.value, findings));
    let severities = Arc::new(severities.unwrap_or_default());
    let named = Named { periods: &periods, targets: &targets, severities: &severities };
    let Checks { by_name: checks, groups, rule_files, native } =
        checks(documents, &plugins, &snmp, &named, findings);
    if nrpe.is_some() {
        let names = documents.iter().flat_map(|document| check_entries(document, &mut Findings::default()));
        names.for_each(|check| askable::warn(check, findings));
    }
    let store = store
        .and_then(|(document, entry)| Some(document.base().join(path(&entry.value, findings)?)))
        .unwrap_or_else(|| PathBuf::from(keys::STORE.built_in()));
    Config {
        files: documents
            .iter()
            .map(|document| document.file.path().to_owned())
            .chain(rule_files.iter().cloned())
            .collect(),
        sync: sync
            .and_then(|(_, entry)| keys::SYNC.kind().read(&entry.value, findings))
            .unwrap_or(keys::SYNC.built_in()),
        plugins,
        host: host
            .and_then(|(_, entry)| host_name(&entry.value, findings))
            .unwrap_or_else(|| surroundings.host.clone()),
        max_concurrent_checks: concurrent
            .and_then(|(_, entry)| keys::MAX_CONCURRENT_CHECKS.kind().read(&entry.value, findings))
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(
                surroundings.cpus.saturating_mul(CONCURRENT_CHECKS_PER_CPU).min(CONCURRENT_CHECKS_MAX),
            ),
        nrpe: nrpe.and_then(|(document, entry)| nrpe::read(&entry.value, document.base(), findings)),
        http: http.and_then(|(document, entry)| http::read(&entry.value, document.base(), findings)),
        sinks: sinks
            .map(|(document, entry)| sink::read(&entry.value, document.base(), &store, findings))
            .unwrap_or_default(),
        store,
        snmp,
        periods,
        notify,
        rule_files,
        groups,
        external_url: external_url
            .and_then(|(_, entry)| text(&entry.value, "an address", findings))
            .unwrap_or_default()
            .to_owned(),
        external_labels: external_labels.map(|(_, entry)| labels(&entry.value, findings)).unwrap_or_default(),
        severities,
        native,
        checks,
    }
}

fn labels(node: &Node, findings: &mut Findings) -> BTreeMap<String, String> {
    let Content::Map(entries) = &node.content else {
        refuse(node, "a mapping of names to values", findings);
        return BTreeMap::new();
    };
    let pair = |entry: &Entry, findings: &mut Findings| {
        Some((entry.key.clone(), written(&entry.value, "a value", findings)?.to_owned()))
    };
    entries.iter().filter_map(|entry| pair(entry, findings)).collect()
}

fn refuse_unknown_keys(document: &Document, findings: &mut Findings) {
    if let Some(Node { content: Content::Map(entries), .. }) = &document.root {
        let own = entries.iter().filter(|entry| !entry.key.starts_with(keys::FREE_PREFIX));
        refuse_unknown(own, "the configuration", &keys::TOP, findings);
    }
}

/// The only definition of a key in all files; a second one is a mistake that names both.
fn only<'d>(
    documents: &'d [Document],
    key: &str,
    findings: &mut Findings,
) -> Option<(&'d Document, &'d Entry)> {
    let mut definitions = documents.iter().filter_map(|document| Some((document, document.get(key)?)));
    let first = definitions.next()?;
    for (_, entry) in definitions {
        let message = format!("the key `{key}` is given in two files");
        findings.error_beside(&entry.key_place, message, "first", &first.1.key_place);
    }
    Some(first)
}

/// The checks of a configuration.
struct Checks {
    by_name: BTreeMap<String, Arc<Check>>,
    /// What judges those that are rules.
    groups: Vec<Arc<RuleGroup>>,
    /// The files with rules.
    rule_files: Vec<PathBuf>,
    /// What the defaults of the first document say of plugins without a process.
    native: Native,
}

fn checks(
    documents: &[Document],
    plugins: &[PathBuf],
    snmp: &SnmpConfig,
    named: &Named<'_>,
    findings: &mut Findings,
) -> Checks {
    let mut defaults: Vec<Settings> = Vec::new();
    let mut first_places: HashMap<&str, &Place> = HashMap::new();
    let (mut checks, mut depending, mut own_groups) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for document in documents {
        let inherited = document.parent.map(|parent| defaults[parent].clone()).unwrap_or_default();
        let own = document.get(keys::DEFAULTS_OF.name()).and_then(|entry| {
            let fields = Fields::of(&entry.value, "`defaults`", &DEFAULTS, findings)?;
            let own = Settings::read(&fields, "`defaults`", named.periods, findings);
            if let (Some(Native::Required), Some(node)) = (own.native, fields.get(&NATIVE)) {
                let message = "`native: true` is for a check; expected `auto` or `false` here";
                findings.error(&node.place, message.to_owned());
            }
            Some(own)
        });
        let here = own.unwrap_or_default().over(&inherited);
        let lookup = Lookup { plugins, base: document.base(), snmp };
        let shared = Shared { defaults: &here, lookup: &lookup, named };
        for entry in check_entries(document, findings) {
            let read = check::read(entry, &shared, findings);
            if let Some(first) = first_places.get(entry.key.as_str()) {
                let message = format!("the check `{}` is defined twice", entry.key);
                findings.error_beside(&entry.key_place, message, "first", first);
                continue;
            }
            first_places.insert(&entry.key, &entry.key_place);
            depending.insert(entry.key.clone(), read.depends_on);
            if let Some(check) = read.check.filter(|_| read.enabled) {
                checks.insert(entry.key.clone(), Arc::new(check));
                own_groups.extend(read.group.map(Arc::new));
            }
        }
        defaults.push(here);
    }
    let taken: HashSet<&str> = first_places.keys().copied().collect();
    let RuleFiles { files, mut groups, checks: rules } =
        rule_files::read_all(documents, &taken, named.severities, findings);
    let known: Vec<&str> = taken.into_iter().chain(rules.iter().map(|check| check.name.as_str())).collect();
    dependency::verify(&known, &depending, findings);
    for rule in own_groups.iter().flat_map(|group: &Arc<RuleGroup>| &group.rules) {
        if let (Judge::Sequence(sequence), Some(place)) = (&rule.judge, first_places.get(&*rule.check)) {
            let unknown = sequence.checks.iter().filter(|check| !known.contains(&check.as_str()));
            unknown.for_each(|check| {
                findings.error(place, format!("its sequence names the check `{check}`, and none is defined"));
            });
        }
    }
    checks.extend(rules.iter().map(|check| (check.name.clone(), Arc::clone(check))));
    groups.extend(own_groups);
    let native = defaults.first().and_then(|first| first.native).unwrap_or_default();
    Checks { by_name: checks, groups, rule_files: files, native }
}

fn check_entries<'d>(document: &'d Document, findings: &mut Findings) -> &'d [Entry] {
    let Some(entry) = document.get(keys::CHECKS.name()) else { return &[] };
    match &entry.value.content {
        Content::Map(entries) => entries,
        // `checks:` with all of them commented out.
        Content::Scalar(scalar) if scalar.kind == Kind::Null => &[],
        _ => {
            refuse(&entry.value, "a mapping of check names to checks", findings);
            &[]
        }
    }
}

fn path<'n>(node: &'n Node, findings: &mut Findings) -> Option<&'n str> {
    text(node, "a path", findings).filter(|path| printable(path, &node.place, findings))
}

fn paths(node: &Node, base: &Path, findings: &mut Findings) -> Vec<PathBuf> {
    one_or_more(node).iter().filter_map(|item| Some(base.join(path(item, findings)?))).collect()
}

fn host_name(node: &Node, findings: &mut Findings) -> Option<String> {
    let name = text(node, "the name of this host", findings)?;
    if name.len() > HOST_NAME_MAX_BYTES || name.trim() != name {
        refuse(node, "a name of at most 255 bytes without blanks around it", findings);
        return None;
    }
    printable(name, &node.place, findings).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use custos_store::State;
    use proptest::prelude::*;

    use super::*;
    use crate::config::{ByteUnits, Command, SyncPolicy};

    /// A directory with these files, of which the first is the main one.
    struct Files {
        directory: tempfile::TempDir,
        main: PathBuf,
    }

    impl Files {
        fn new(files: &[(&str, &[u8])]) -> Files {
            let directory = tempfile::tempdir().unwrap();
            for (path, bytes) in files {
                let path = directory.path().join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, bytes).unwrap();
            }
            let main = directory.path().join(files[0].0);
            Files { directory, main }
        }

        fn load(&self) -> Result<Loaded, Mistakes> {
            load_with(&self.main, &Surroundings { host: "here".to_owned(), cpus: 2, zone: TimeZone::UTC })
        }

        /// What is wrong, without the path of the directory.
        fn mistakes(&self) -> Vec<String> {
            let prefix = format!("{}/", self.directory.path().display());
            let text = match self.load() {
                Ok(loaded) => loaded.warnings.to_string(),
                Err(mistakes) => mistakes.to_string(),
            };
            text.lines().map(|line| line.replace(&prefix, "")).collect()
        }
    }

    fn one(text: &str) -> Files {
        Files::new(&[("custos.yaml", text.as_bytes())])
    }

    fn config(text: &str) -> Config {
        one(text).load().map(|loaded| loaded.config).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    #[test]
    fn what_is_not_given_is_built_in() {
        let config = config("checks: {a: {command: /bin/true}}\n");
        assert_eq!(config.store, Path::new("/var/lib/custos"));
        assert_eq!(config.sync, SyncPolicy::Interval(Duration::from_secs(1)));
        assert_eq!(config.host, "here");
        assert_eq!(config.max_concurrent_checks, 32);
        assert_eq!(config.plugins.len(), 3);
        assert_eq!(config.nrpe, None);
        let check = &config.checks["a"];
        assert_eq!(check.command, Command::Program(vec!["/bin/true".to_owned()]));
        assert_eq!(check.check_interval, Duration::from_secs(60));
        assert_eq!(check.retry_interval, Duration::from_secs(60));
        assert_eq!((check.max_check_attempts, check.timeout), (3, Duration::from_secs(10)));
        assert_eq!((check.timeout_state, check.byte_units), (State::Unknown, ByteUnits::Si));
        assert_eq!((check.check_multi, check.evaluate_perfdata), (true, false));
        assert_eq!(check.flapping, Some((20.0, 30.0)));
        assert!(check.defined_at.ends_with("custos.yaml:1:10"), "{}", check.defined_at);
    }

    #[test]
    fn a_file_of_every_key_is_read() {
        let files = Files::new(&[
            (
                "custos.yaml",
                b"store: data\nsync: always\nplugins: [plugins]\nhost: web1\nmax_concurrent_checks: 7\n\
                  include: [conf.d/*.yaml]\ndefaults: {check_interval: 10s, retry_interval: 5s}\n\
                  nrpe: {listen: '127.0.0.1:0'}\nx-mine: &mine {timeout: 4s}\n\
                  checks:\n  load:\n    <<: *mine\n    command: check_it -w '5 4'\n  line:\n    command: a | b\n    shell: true\n",
            ),
            ("conf.d/2.yaml", b"checks: {two: {command: [../plugins/check_it, 10%]}}\n"),
            ("conf.d/1.yaml", b"defaults: {check_interval: 1m}\nchecks: {one: {command: /bin/true}}\n"),
            ("conf.d/3.yml", b"checks: {three: {command: /bin/true}}\n"),
            ("plugins/check_it", b"#!/bin/sh\n"),
        ]);
        let Loaded { config, warnings } = files.load().unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let warning = "3.yml is not included, by its ending";
        assert!(warnings.to_string().ends_with(warning), "{warnings}");
        assert_eq!(warnings.list.len(), 1);
        let base = files.directory.path();
        assert_eq!(config.files.len(), 3);
        assert!(config.files[1].ends_with("conf.d/1.yaml"));
        assert_eq!(config.store, base.join("data"));
        assert_eq!(
            (config.sync, config.max_concurrent_checks, config.host.as_str()),
            (SyncPolicy::Always, 7, "web1")
        );
        assert_eq!(config.nrpe.unwrap().keys.listen, ["127.0.0.1:0"]);
        let program = base.join("plugins/check_it").to_string_lossy().into_owned();
        assert_eq!(config.checks["load"].command, Command::Program(vec![program, "-w".into(), "5 4".into()]));
        assert_eq!(config.checks["load"].timeout, Duration::from_secs(4));
        assert_eq!(config.checks["line"].command, Command::Shell("a | b".to_owned()));
        let intervals = ["load", "one", "two"].map(|name| config.checks[name].check_interval.as_secs());
        assert_eq!(intervals, [10, 60, 10]);
        let retries = ["load", "one", "two"].map(|name| config.checks[name].retry_interval.as_secs());
        assert_eq!(retries, [5, 5, 5]);
    }

    #[test]
    fn seven_mistakes_in_two_files_are_seven_messages_with_their_places() {
        let files = Files::new(&[
            (
                "custos.yaml",
                b"stor: /var/lib/custos\ninclude: [more.yaml]\ndefaults: {check_interval: 10}\nchecks:\n  \
                  a:\n    command: check_x 'oops\n    evaluate_perfdata: yes\n",
            ),
            (
                "more.yaml",
                b"checks:\n  a: {command: /bin/true}\n  b: {}\n  c:\n    command: /bin/true\n    thresholds:\n      \
                  - {metric: x, warning: 9:1}\n",
            ),
        ]);
        let mistakes = files.mistakes();
        let expected = [
            "custos.yaml:1:1: unknown key `stor` in the configuration; did you mean `store`?",
            "custos.yaml:3:28: found the number `10`, expected a duration with its unit",
            "custos.yaml:6:22: this quote ' is never closed",
            "custos.yaml:7:24: found `yes`, expected `true` or `false`; write `true`",
            "more.yaml:2:3: the check `a` is defined twice (first at custos.yaml:5:3)",
            "more.yaml:3:3: check `b` has no `command`, expected one",
            "more.yaml:7:30: found `9:1`, expected a range",
        ];
        assert_eq!(mistakes.len(), expected.len(), "{mistakes:#?}");
        for expected in expected {
            assert!(
                mistakes.iter().any(|mistake| mistake.starts_with(expected)),
                "{expected}\n{mistakes:#?}"
            );
        }
    }

    #[test]
    fn a_sequence_is_read_whole_and_shown_as_what_means_the_same() {
        let text = "checks:\n  backup: { command: /bin/true }\n  s:\n    sequence:\n      by: [path]\n      within: 1h\n      \
                    until: 'c > 0'\n      recovery: any\n      steps:\n        - { name: full, query: 'a > 0', for: 2m }\n        \
                    - { check: backup, becomes: [critical, unknown], hard: true, within: 30m, times: 2 }\n        \
                    - { not: 'd > 0' }\n        - { all: ['e > 0', { query: f, for: 5s }] }\n        \
                    - { not: { check: backup, becomes: ok }, within: 5m }\n    \
                    labels: { at: '{{ $steps.full.value }}' }\n    keep_firing_for: 10m\n";
        let first = config(text);
        let shown = crate::config::show(&first);
        let again = config(&shown);
        assert_eq!(crate::config::show(&again), shown);
        let of = |config: &Config| match &config.groups[0].rules[0].judge {
            Judge::Sequence(of) => {
                (of.steps.clone(), of.conditions.clone(), of.until, of.recovery, of.by.clone())
            }
            Judge::Query { .. } => panic!("{shown}"),
        };
        assert_eq!(of(&first), of(&again));
    }

    #[test]
    fn mistakes_of_a_sequence_have_their_places() {
        for (sequence, mistake) in [
            ("{}", "3:15: the sequence of check `s` has no `steps`, expected a list of steps"),
            ("{ steps: [] }", "3:24: found a list, expected a list of steps"),
            ("{ steps: [{ query: 'a >' }] }", "3:38: the expression cannot be used: unexpected end of input"),
            (
                "{ steps: [{ query: a }, { query: b }] }",
                "3:39: nothing says how long this may take; expected `within` in the step or in the sequence",
            ),
            (
                "{ within: 1h, steps: [{ not: a, within: 5s }] }",
                "3:37: a sequence cannot begin with `not`: nothing says from when on",
            ),
            (
                "{ within: 1h, steps: [{ query: a }, { not: b }] }",
                "3:51: a `not` without `within` holds until the next step, and there is none; expected `within`",
            ),
            ("{ within: 1h, steps: [{ all: [a, b], times: 2 }] }", "3:52: a step with `all` has no `times`"),
            ("{ within: 1h, steps: [{ all: [a] }] }", "3:44: found 1 condition, expected from 2 to 5"),
            (
                "{ steps: [{ check: a, becomes: bad }] }",
                "3:46: found `bad`, expected `ok`, `warning`, `critical`, `unknown` or `problem`",
            ),
            ("{ steps: [{ query: a, becomes: ok }] }", "3:37: `becomes` is for a `check`"),
            ("{ steps: [{ within: 1h }] }", "3:25: found neither `query` nor `check`, expected one of them"),
            (
                "{ steps: [{ query: 5 }] }",
                "3:34: a condition needs an expression that returns an instant vector, and this is a scalar",
            ),
            (
                "{ steps: [{ check: x, becomes: ok }] }",
                "2:3: its sequence names the check `x`, and none is defined",
            ),
        ] {
            let mistakes = one(&format!("checks:\n  s:\n    sequence: {sequence}\n")).mistakes();
            assert!(mistakes.len() == 1 && mistakes[0].contains(mistake), "{sequence}: {mistakes:?}");
        }
        let mistakes = one("checks:\n  s: { query: a, labels: { x: '{{ $steps }}' } }\n").mistakes();
        assert!(mistakes[0].contains("undefined variable"), "{mistakes:?}");
    }

    #[test]
    fn a_syntax_error_ends_only_its_own_file() {
        let files = Files::new(&[
            ("custos.yaml", b"include: [bad.yaml, worse.yaml]\nhots: x\n"),
            ("bad.yaml", b"checks: [\n"),
            ("worse.yaml", b"checks: 5\n"),
        ]);
        let mistakes = files.mistakes();
        assert_eq!(mistakes.len(), 3, "{mistakes:#?}");
        assert!(mistakes.iter().any(|mistake| mistake.starts_with("bad.yaml:")));
        assert!(mistakes.contains(
            &"worse.yaml:1:9: found the number `5`, expected a mapping of check names to checks".to_owned()
        ));
    }

    #[test]
    fn includes_that_loop_repeat_or_are_missing_are_told_apart() {
        let files = Files::new(&[
            ("custos.yaml", b"include:\n  - a.yaml\n  - none.yaml\n  - none/*.yaml\n  - b.yaml\n"),
            ("a.yaml", b"include: b.yaml\n"),
            ("b.yaml", b"include: [custos.yaml]\n"),
        ]);
        assert_eq!(
            files.mistakes(),
            [
                "custos.yaml:3:5: failed to read none.yaml: No such file or directory",
                "custos.yaml:5:5: warning: b.yaml is included a second time; it is read once",
                "b.yaml:1:11: custos.yaml includes itself: custos.yaml → a.yaml → b.yaml → custos.yaml",
            ]
        );
    }

    #[test]
    fn files_that_are_no_text_or_empty_are_refused_with_their_place() {
        assert_eq!(one("").mistakes(), ["custos.yaml: the file is empty, expected keys such as `checks`"]);
        assert_eq!(
            one("[]\n").mistakes(),
            ["custos.yaml:1:1: found a list, expected a mapping with keys such as `checks`"]
        );
        let latin1 = Files::new(&[("custos.yaml", b"host: a\nstore: M\xfcnchen\n")]);
        assert_eq!(latin1.mistakes(), ["custos.yaml:2:9: found the byte 0xfc, expected UTF-8"]);
        let marked = Files::new(&[
            ("custos.yaml", b"\xef\xbb\xbfinclude: empty.yaml\n"),
            ("empty.yaml", b"# nothing\n"),
        ]);
        assert!(marked.mistakes().is_empty());
        let missing = Path::new("/nonexistent/custos.yaml");
        assert_eq!(
            load(missing).unwrap_err().to_string(),
            "/nonexistent/custos.yaml: No such file or directory"
        );
    }

    #[test]
    fn a_name_that_no_client_of_nrpe_can_ask_for_is_a_warning() {
        let warnings = |nrpe: &str, name: &str| {
            let text = format!("{nrpe}checks:\n  {name}: {{ command: /bin/true }}\n");
            one(&text).load().unwrap_or_else(|mistakes| panic!("{mistakes}")).warnings.to_string()
        };
        let nrpe = "nrpe: { listen: ['127.0.0.1:0'] }\n";
        for name in ["\"it's\"", "'a|b'", "'a!b'", "'a[0]'", "'x&y'"] {
            let warned = warnings(nrpe, name);
            assert!(warned.contains(":3:3: warning: nobody can ask for the check"), "{name}: {warned}");
            assert_eq!(warnings("", name), "", "{name}");
        }
        assert_eq!(warnings(nrpe, "'a/b c:ü'"), "");
    }

    #[test]
    fn a_counter_that_is_compared_raw_is_a_warning() {
        let warnings = |thresholds: &str| {
            one(&format!(
                "snmp: {{ profiles: {{ p: {{ version: 2c, community: public }} }} }}\nchecks:\n  a:\n    \
                 snmp: {{ target: sw, profile: p, table: {{ index: ifName, columns: [ifInErrors, ifMtu] }} }}\n    \
                 thresholds:\n      - {thresholds}\n"
            ))
            .mistakes()
        };
        let expected = "custos.yaml:6:9: warning: `ifInErrors` is a counter, and this compares all that it counted since \
                        the device started; `rate: true` compares how fast it grows, per second";
        let found = |thresholds: &str| warnings(thresholds).iter().any(|line| line == expected);
        for metric in ["ifInErrors", "'*'", "if*Errors"] {
            let limit = format!("{{ metric: {metric}, critical: 5 }}");
            assert!(found(&limit), "{metric}: {:?}", warnings(&limit));
            assert!(!found(&format!("{{ metric: {metric}, critical: 5, rate: true }}")), "{metric}");
        }
        assert!(!found("{ metric: ifMtu, critical: 5 }"));
    }

    #[test]
    fn what_a_broken_check_depends_on_is_looked_at_too() {
        let files = one("checks:\n  a: { command: \"'\", depends_on: [b, zz] }\n  b: { depends_on: a }\n");
        assert_eq!(
            files.mistakes(),
            [
                "custos.yaml:2:18: this quote ' is never closed",
                "custos.yaml:2:38: no check `zz` is defined",
                "custos.yaml:3:3: check `b` has no `command`, expected one",
                "custos.yaml:3:20: the check `a` depends on itself: a → b → a",
            ]
        );
    }

    #[test]
    fn a_mistake_behind_an_anchor_is_told_once() {
        let files =
            one("x-slow: &slow { check_interval: 10 }\nchecks:\n  a: { <<: *slow, command: /bin/true }\n  \
             b: { <<: *slow, command: /bin/true }\n");
        assert_eq!(
            files.mistakes(),
            [
                "custos.yaml:1:33: found the number `10`, expected a duration with its unit: `ms`, `s`, `m`, `h`, `d` or `w`"
            ]
        );
    }

    #[test]
    fn a_key_given_in_two_files_names_both() {
        let files =
            Files::new(&[("custos.yaml", b"include: [b.yaml]\nhost: one\n"), ("b.yaml", b"host: two\n")]);
        assert_eq!(
            files.mistakes(),
            ["b.yaml:1:1: the key `host` is given in two files (first at custos.yaml:2:1)"]
        );
    }

    #[test]
    fn what_is_odd_is_a_warning_and_no_more() {
        let files = one("plugins: [/nonexistent/plugins]\nchecks:\n  \
                         a: {command: check_none 5, check_interval: 5s, timeout: 5s}\n  \
                         b: {command: /nonexistent/x | wc}\n");
        assert!(files.load().is_ok());
        assert_eq!(
            files.mistakes(),
            [
                "custos.yaml:3:16: warning: no program `check_none` in `plugins` now (searched: /nonexistent/plugins)",
                "custos.yaml:3:59: warning: the timeout 5s of check `a` is not below its interval 5s; a run that hangs will miss slots",
                "custos.yaml:4:16: warning: there is no program /nonexistent/x now",
                "custos.yaml:4:31: warning: `|` is handed to the program as it is; write `shell: true` if it is meant for a shell",
            ]
        );
    }

    #[test]
    fn names_of_checks_can_be_typed() {
        for name in ["disk /", "C:\\ %", "größe", "a/b", "5"] {
            let config = config(&format!("checks: {{'{name}': {{command: /bin/true}}}}\n"));
            assert!(config.checks.contains_key(name));
        }
        let long = "x".repeat(256);
        for name in ["''", "' a'", "-a", "custos", r#""a\tb""#, &long] {
            let mistakes = one(&format!("checks: {{{name}: {{command: /bin/true}}}}\n")).mistakes();
            assert_eq!(mistakes.len(), 1, "{name}: {mistakes:#?}");
        }
    }

    #[test]
    fn sync_is_a_word_or_an_interval() {
        assert_eq!(config("sync: never\n").sync, SyncPolicy::Never);
        assert_eq!(config("sync: 250ms\n").sync, SyncPolicy::Interval(Duration::from_millis(250)));
        for bad in ["1ms", "5", "sometimes", "[always]", ""] {
            assert_eq!(one(&format!("sync: {bad}\n")).mistakes().len(), 1, "{bad}");
        }
    }

    #[test]
    fn an_included_directory_or_pipe_is_refused() {
        let files = Files::new(&[("custos.yaml", b"include: [sub, pipe]\n"), ("sub/x", b"")]);
        nix::unistd::mkfifo(&files.directory.path().join("pipe"), nix::sys::stat::Mode::S_IRUSR).unwrap();
        assert_eq!(
            files.mistakes(),
            [
                "custos.yaml:1:11: failed to read sub: it is not a regular file",
                "custos.yaml:1:16: failed to read pipe: it is not a regular file"
            ]
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Files::new(&[("custos.yaml", &bytes)]).load();
        }

        #[test]
        fn no_text_of_the_characters_of_yaml_panics(text in "[-:?,\\[\\]{}#&*!|>'\"%@`~<a \n\t]{0,120}") {
            let _ = one(&text).load();
        }

        #[test]
        fn no_damaged_configuration_panics(at in 0..WHOLE.len(), junk in "[-:?\\[{}'\"\n\t a0]{0,3}") {
            let _ = one(&format!("{}{junk}{}", &WHOLE[..at], &WHOLE[at..])).load();
            let _ = one(&WHOLE[..at]).load();
        }
    }

    #[test]
    fn what_is_damaged_is_whole_before() {
        one(WHOLE).load().unwrap_or_else(|mistakes| panic!("{mistakes}"));
    }

    const WHOLE: &str = "store: s\nsync: 1s\nhost: h\nnrpe: {listen: ['a:1'], tls: true}\n\
                         periods: {p: {monday - friday: 08:00-09:00, day -1: [], may 1 - 5: 1:00-2:00, exclude: q}, q: {}}\ndefaults: &d {timeout: 5s}\n\
                         checks:\n  b: {command: y, depends_on: [a], check_period: p, priority: low}\n  a:\n    <<: *d\n    command: x 'y z'\n    environment: {A: 1}\n    thresholds:\n    \
                         - {metric: 'a*', warning: '1:2', for: 1m}\n";
}
