//! `custos config` on files with mistakes, and on none.

use crate::stage::{Stage, text};

/// Seven different mistakes in two files.
pub(crate) const SEVEN: [(&str, &str); 2] = [
    (
        "custos.yaml",
        "stor: /var/lib/custos\ninclude: [more.yaml]\ndefaults: { check_interval: 10 }\nchecks:\n  a:\n    \
         command: /bin/echo 'oops\n    evaluate_perfdata: yes\n",
    ),
    (
        "more.yaml",
        "checks:\n  a: { command: /bin/true }\n  b: {}\n  c:\n    command: /bin/true\n    thresholds:\n      \
         - { metric: x, warning: 9:1 }\n",
    ),
];

/// Where they are.
pub(crate) const SEVEN_PLACES: [&str; 7] = [
    "custos.yaml:1:1: ",
    "custos.yaml:3:29: ",
    "custos.yaml:6:24: ",
    "custos.yaml:7:24: ",
    "more.yaml:2:3: ",
    "more.yaml:3:3: ",
    "more.yaml:7:31: ",
];

#[test]
fn seven_mistakes_are_seven_lines_and_status_2() {
    let stage = Stage::new();
    for (name, text) in SEVEN {
        stage.write(name, text);
    }
    let output = stage.custos(&["config", "check"]);
    assert_eq!(output.status.code(), Some(2));
    let report = text(&output.stderr);
    assert_eq!(report.lines().count(), SEVEN_PLACES.len(), "{report}");
    for (line, place) in report.lines().zip(SEVEN_PLACES) {
        assert!(line.contains(place), "{place}\n{report}");
    }
    assert!(report.contains("did you mean `store`?"), "{report}");
}

#[test]
fn a_good_configuration_is_counted() {
    let stage = Stage::new();
    stage.configure("", "  a: { command: /bin/true }\n  b: { command: /bin/true }\n");
    let output = stage.custos(&["config", "check"]);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "ok: 2 checks in 1 file\n"));
}

#[test]
fn what_is_shown_is_a_configuration_without_secrets() {
    let stage = Stage::new();
    stage.configure(
        "host: h",
        "  a: { command: /bin/true --token hush, environment: { DB_PASSWORD: hush } }\n",
    );
    let shown = text(&stage.custos(&["config", "show"]).stdout);
    assert!(shown.contains("********") && !shown.contains("hush"), "{shown}");
    stage.write("custos.yaml", &shown);
    assert_eq!(text(&stage.custos(&["config", "show"]).stdout), shown);
}

#[test]
fn commands_refuse_a_broken_configuration_and_say_where() {
    let stage = Stage::new();
    stage.configure("", "  a: { comand: /bin/true }\n");
    for (command, status) in [(&["run"][..], 2), (&["check", "a"], 3), (&["store", "repair"], 2)] {
        let output = stage.custos(command);
        assert_eq!(output.status.code(), Some(status), "{command:?}");
        // A check is asked for as a plugin, whose stdout is what is read.
        let said = text(&if command[0] == "check" { output.stdout } else { output.stderr });
        assert!(said.contains("custos.yaml:5:8: "), "{command:?}: {said}");
    }
}

#[test]
fn a_mistake_in_the_configuration_takes_no_reading_command_away() {
    let stage = Stage::new();
    stage.configure("", "  a: { command: /bin/echo fine }\n");
    assert_eq!(stage.custos(&["check", "a"]).status.code(), Some(0));
    stage.configure("", "  a: { comand: /bin/true }\n");
    for command in [
        &["status"][..],
        &["history", "a"],
        &["runs", "a"],
        &["events"],
        &["traps"],
        &["graph", "a"],
        &["changes"],
        &["report", "--since", "-1h"],
        &["store", "info"],
        &["store", "verify"],
        &["store", "export"],
        &["store", "forecast"],
    ] {
        let output = stage.custos(command);
        assert_eq!(output.status.code(), Some(0), "{command:?}: {}", text(&output.stderr));
        let stderr = text(&output.stderr);
        let warnings: Vec<&str> = stderr.lines().filter(|line| line.contains("warning: ")).collect();
        assert_eq!(warnings.len(), 1, "{command:?}: {stderr}");
        assert!(warnings[0].contains("custos.yaml:5:"), "{command:?}: {stderr}");
        assert!(warnings[0].contains(stage.path("store").to_str().unwrap()), "{command:?}: {stderr}");
        let found = command == ["events"] || command == ["traps"] || !output.stdout.is_empty();
        assert!(found, "{command:?}");
    }
}
