//! Rule files with the structures of public collections: what they come to at each minute, as `custos rules test` finds it, is what
//! Debian's `promtool` finds.
//!
//! The files beside have rules and series, and no expectations. Custos is asked what comes of them; its answers are written as
//! expectations, which `promtool` then has to find met, to the last bit of each value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use custos::rules::{RuleKind, read_files};
use custos_promql::{Labels, notation::metric};

use crate::stage::text;

/// Minutes that are looked at. With samples each 59 s, none of which is at the beginning, no range begins at one.
const MINUTES: u64 = 52;

fn parity() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/files/parity")
}

fn run(program: &str, args: &[&str], file: &Path) -> Output {
    Command::new(program).args(args).arg(file).output().unwrap_or_else(|error| panic!("{program}: {error}"))
}

pub(crate) fn custos(file: &Path) -> Output {
    run(env!("CARGO_BIN_EXE_custos"), &["rules", "test"], file)
}

/// What a test file expects at a time of an alert or of an expression.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Question {
    Alert(String),
    Expression(String),
}

/// Labels with annotations or a value.
pub(crate) type Answers = BTreeMap<(u64, Question), Vec<(Labels, String)>>;

/// A mapping of YAML on one line.
fn mapping(labels: &Labels) -> String {
    let pairs = labels.iter().map(|label| format!("{:?}: {}", &*label.name, quoted(&label.value)));
    format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// The test file with questions and their answers.
fn with_expectations(series: &str, questions: &[Question], answers: &Answers) -> String {
    let mut out = series.to_owned();
    let nothing = Vec::new();
    let at = |question: &Question, minute: u64| answers.get(&(minute, question.clone())).unwrap_or(&nothing);
    out.push_str("    alert_rule_test:\n");
    for question in questions {
        let Question::Alert(name) = question else { continue };
        for minute in 0..=MINUTES {
            let _ = write!(out, "      - {{ eval_time: {minute}m, alertname: {name}, exp_alerts: [");
            for (labels, annotations) in at(question, minute) {
                let labels = mapping(&labels.with("alertname", ""));
                let _ = write!(out, "{{ exp_labels: {labels}, exp_annotations: {annotations} }}, ");
            }
            out.push_str("] }\n");
        }
    }
    out.push_str("    promql_expr_test:\n");
    for question in questions {
        let Question::Expression(query) = question else { continue };
        for minute in 0..=MINUTES {
            let _ = write!(out, "      - {{ eval_time: {minute}m, expr: {}, exp_samples: [", quoted(query));
            for (labels, value) in at(question, minute) {
                let _ = write!(out, "{{ labels: {}, value: {value} }}, ", quoted(&labels.in_braces()));
            }
            out.push_str("] }\n");
        }
    }
    out
}

/// What `custos rules test` says that it got where nothing was expected.
fn got(output: &Output) -> Answers {
    let mut answers = Answers::new();
    let mut asked = None;
    for line in text(&output.stdout).lines() {
        if let Some((_, question)) = line.split_once(": test `unnamed#0`: ") {
            let (what, time) = question.rsplit_once(" at ").unwrap();
            asked = Some((minute(time), question_of(what)));
        } else if let Some(line) = line.strip_prefix("  got:      ") {
            let (labels, rest) = metric_and_rest(line);
            let rest = match rest.strip_prefix("with annotations ") {
                Some(annotations) => mapping(&metric_and_rest(annotations).0),
                None => rest.to_owned(),
            };
            answers.entry(asked.clone().unwrap()).or_default().push((labels, rest));
        }
    }
    answers
}

fn metric_and_rest(line: &str) -> (Labels, &str) {
    let (labels, rest) = metric(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    (labels, rest.trim_start())
}

fn question_of(what: &str) -> Question {
    match what.strip_prefix("alerts `") {
        Some(name) => Question::Alert(name.trim_end_matches('`').to_owned()),
        None => Question::Expression(what.trim_matches('`').to_owned()),
    }
}

/// `52m`, `1h 2m`, `0ms`.
fn minute(time: &str) -> u64 {
    match time.strip_suffix('m') {
        Some(minutes) => minutes.parse().unwrap(),
        None => {
            assert_eq!(time, "0ms");
            0
        }
    }
}

/// The questions that a rule file gives rise to: its alerts, and each series that it writes.
fn questions(rules: &Path) -> (Vec<Question>, BTreeSet<String>) {
    let (read, mistakes) = read_files(&[rules.to_owned()]).unwrap();
    assert!(mistakes.is_empty(), "{mistakes}");
    let all = read.iter().flat_map(|file| &file.groups).flat_map(|group| &group.rules);
    let (mut alerts, mut records) = (BTreeSet::new(), BTreeSet::new());
    for rule in all {
        let of = if matches!(rule.kind, RuleKind::Alert(_)) { &mut alerts } else { &mut records };
        of.insert(rule.name().to_owned());
    }
    let series = records.into_iter().chain(["ALERTS".to_owned(), "ALERTS_FOR_STATE".to_owned()]);
    let questions = alerts.iter().cloned().map(Question::Alert).chain(series.map(Question::Expression));
    (questions.collect(), alerts)
}

/// The names of the groups of a rule file, in their order.
fn group_names(rules: &Path) -> Vec<String> {
    let (read, _) = read_files(&[rules.to_owned()]).unwrap();
    read.iter().flat_map(|file| &file.groups).map(|group| quoted(&group.name)).collect()
}

/// Compares the two over one rule file of the directory of this test.
fn compare(name: &str) {
    let directory = tempfile::tempdir().unwrap();
    let rules = directory.path().join(format!("{name}.rules.yml"));
    std::fs::copy(parity().join(format!("{name}.rules.yml")), &rules).unwrap();
    let series = std::fs::read_to_string(parity().join(format!("{name}.series.yml"))).unwrap();
    let answers = both(&rules, &series);
    for alert in &questions(&rules).1 {
        let fires =
            answers.keys().filter(|(_, question)| *question == Question::Alert(alert.clone())).count();
        assert!(fires > 0 && fires < MINUTES as usize, "{alert} fires at {fires} minutes");
    }
}

/// What both come to of a rule file, over series that stand in a test file without expectations beside it.
pub(crate) fn both(rules: &Path, series: &str) -> Answers {
    let (questions, _) = questions(rules);
    // Without an order promtool judges groups in any.
    let series = &format!("group_eval_order: [{}]\n{series}", group_names(rules).join(", "));
    let file = rules.with_file_name("asked.yml");
    std::fs::write(&file, with_expectations(series, &questions, &Answers::new())).unwrap();
    let asked = custos(&file);
    assert!(asked.status.code().is_some_and(|code| code < 2), "{}", text(&asked.stderr));
    let answers = got(&asked);
    std::fs::write(&file, with_expectations(series, &questions, &answers)).unwrap();
    let ours = custos(&file);
    assert!(ours.status.success(), "{}", text(&ours.stdout));
    let theirs = run("promtool", &["test", "rules"], &file);
    assert!(theirs.status.success(), "{}: {}", rules.display(), text(&theirs.stderr));
    answers
}

#[test]
fn rules_of_the_documentation_come_to_the_same() {
    compare("documentation");
}

#[test]
fn rules_for_hosts_come_to_the_same() {
    compare("node");
}

#[test]
fn rules_for_kubernetes_come_to_the_same() {
    compare("kubernetes");
}

#[test]
fn rules_of_collections_come_to_the_same() {
    compare("collection");
}
