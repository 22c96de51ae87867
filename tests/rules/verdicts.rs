//! Tests of rules, judged by both.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::stage::text;

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/files")
}

fn promtool(file: &Path) -> Output {
    let output = Command::new("promtool").args(["test", "rules"]).arg(file).output();
    output.expect("promtool is there (scripts/test installs it)")
}

fn custos(file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_custos")).args(["rules", "test"]).arg(file).output().unwrap()
}

/// How many expectations each of the two finds not to be met.
fn unmet(file: &Path) -> (usize, usize) {
    let (theirs, ours) = (promtool(file), custos(file));
    let theirs = text(&theirs.stderr);
    let shown = text(&ours.stdout);
    assert!(ours.status.code().is_some_and(|code| code < 2), "{}", text(&ours.stderr));
    let count = |shown: &str, mark: &str| shown.lines().filter(|line| line.contains(mark)).count();
    (count(&theirs, ", time: "), count(&shown, ": test `"))
}

#[test]
fn both_find_that_all_expectations_are_met() {
    let file = files().join("host.test.yml");
    let (theirs, ours) = (promtool(&file), custos(&file));
    assert!(theirs.status.success(), "{}", text(&theirs.stderr));
    assert!(ours.status.success(), "{}{}", text(&ours.stdout), text(&ours.stderr));
    assert_eq!(text(&ours.stdout), "ok: 2 tests in 1 file\n");
}

/// Each number of the expectations is changed by itself; then both must find as many that are not met.
#[test]
fn both_find_the_same_expectations_not_to_be_met() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(files().join("host.rules.yml"), directory.path().join("host.rules.yml")).unwrap();
    let whole = std::fs::read_to_string(files().join("host.test.yml")).unwrap();
    let file = directory.path().join("changed.test.yml");
    let mut changed = 0;
    for (old, new) in [
        ("eval_time: 21m\n        alertname", "eval_time: 15m\n        alertname"),
        ("eval_time: 19m", "eval_time: 20m"),
        ("eval_time: 40m", "eval_time: 33m"),
        ("96.25%", "96.26%"),
        ("severity: critical, instance", "severity: warning, instance"),
        ("value: 0.9625", "value: 0.9626"),
        ("alertstate=\"pending\"}'", "alertstate=\"firing\"}'"),
        ("5.5MiB", "5.4MiB"),
        ("team: NODE", "team: node"),
        (
            "device: /dev/sdz }\n            exp_annotations",
            "device: /dev/sdy }\n            exp_annotations",
        ),
        ("eval_time: 7m30s", "eval_time: 8m30s"),
        ("eval_time: 12m", "eval_time: 11m"),
        ("          - {}\n", "          - {}\n          - {}\n"),
        ("value: 360", "value: 300"),
        ("eval_time: 25m", "eval_time: 14m"),
        ("0x4 1x3 0x3", "0x4 1x4 0x3"),
        ("600+1.5x12", "600+2.5x12"),
    ] {
        assert!(whole.contains(old), "{old}");
        std::fs::write(&file, whole.replacen(old, new, 1)).unwrap();
        let (theirs, ours) = unmet(&file);
        assert_eq!(theirs, ours, "{old} -> {new}");
        changed += usize::from(ours > 0);
    }
    assert!(changed >= 12, "{changed} of the changes make a difference");
}

#[test]
fn what_neither_takes_is_refused_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let rules = directory.path().join("broken.yml");
    for (content, message) in [
        ("groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'sum(x}'}\n", "broken.yml:4:28: "),
        ("groups:\n- name: g\n  rules:\n  - {alert: A, expr: x, fro: 1m}\n", "did you mean `for`?"),
        ("groups:\n- name: g\n- name: g\n", "is there twice"),
        ("groups:\n- name: g\n  rules:\n  - {record: a, expr: x, for: 1m}\n", "which has no `for`"),
        (
            "groups:\n- name: g\n  rules:\n  - {alert: A, expr: x, labels: {a: '{{ $y }}'}}\n",
            "template of `a`",
        ),
    ] {
        std::fs::write(&rules, content).unwrap();
        let theirs = Command::new("promtool").args(["check", "rules"]).arg(&rules).output().unwrap();
        assert!(!theirs.status.success(), "promtool takes {content}");
        let ours =
            Command::new(env!("CARGO_BIN_EXE_custos")).args(["rules", "check"]).arg(&rules).output().unwrap();
        assert_eq!(ours.status.code(), Some(2), "{content}");
        assert!(text(&ours.stderr).contains(message), "{content}: {}", text(&ours.stderr));
    }
    let good = files().join("host.rules.yml");
    let theirs = Command::new("promtool").args(["check", "rules"]).arg(&good).output().unwrap();
    let ours =
        Command::new(env!("CARGO_BIN_EXE_custos")).args(["rules", "check"]).arg(&good).output().unwrap();
    assert!(
        theirs.status.success() && text(&theirs.stdout).contains("8 rules found"),
        "{}",
        text(&theirs.stdout)
    );
    assert_eq!(text(&ours.stdout), "ok: 8 rules in 1 file\n");
}
