//! As whom, where and within which bounds plugins run, and the same for somebody who asks in a shell.

use std::process::Command;

use crate::stage::{self, Stage, as_root, text, wait_for};

#[test]
fn a_plugin_gets_what_its_check_says_and_a_shell_can_have_the_same() {
    let stage = Stage::new();
    stage.plugin(
        "tell",
        "echo told\nenv | grep -v CUSTOS_RUN | sort\npwd\nulimit -n\nulimit -t\nnice\ngrep NoNew /proc/self/status\n",
    );
    let directory = stage.path("work here");
    std::fs::create_dir(&directory).unwrap();
    let settings = format!(
        "  a:\n    command: tell\n    check_interval: 200ms\n    working_directory: \"{}\"\n    nice: 3\n    \
         ioprio: idle\n    no_new_privileges: true\n    environment: {{ EXTRA: 1 }}\n    \
         limits: {{ open_files: 77, cpu_time: 5s, output: 4KiB }}\n",
        directory.display()
    );
    stage.configure("", &settings);
    let daemon = stage.start();
    let run = wait_for("a run", || stage.history("a").first().cloned());
    let told = run["long_text"].as_str().unwrap().to_owned();
    // It is added to that of whoever runs the tests.
    let own = text(&Command::new("nice").output().unwrap().stdout).trim().parse::<i32>().unwrap();
    let nice = (own + 3).min(19).to_string();
    let directory = directory.display().to_string();
    for expected in ["EXTRA=1", "LC_ALL=C", &directory, "77", "5", &nice, "NoNewPrivs:\t1"] {
        assert!(told.lines().any(|line| line == expected), "{expected}\n{told}");
    }
    let here = stage.custos(&["check", "a", "--as-agent"]);
    assert_eq!(text(&here.stdout).trim_end(), format!("told\n{told}").trim_end(), "{}", text(&here.stderr));
    let shown = text(&stage.custos(&["config", "show"]).stdout);
    for expected in ["nice: 3", "ioprio: idle", "limits: { cpu_time: 5s, open_files: 77, output: 4096 }"] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert!(daemon.end().success());
}

#[test]
fn a_check_may_have_a_user_of_its_own() {
    as_root();
    let stage = Stage::new();
    let checks = "  a: { command: /usr/bin/id -un, user: daemon, check_interval: 200ms }\n  \
                  b: { command: /usr/bin/id -G, user: daemon, group: 7, groups: [8], check_interval: 200ms }\n";
    stage.configure("", checks);
    let daemon = stage.start();
    let said = |check: &str| wait_for("a run", || Some(stage.history(check).first()?["text"].clone()));
    assert_eq!((said("a"), said("b")), ("daemon".into(), "7 8".into()));
    assert_eq!(text(&stage.custos(&["check", "a", "--as-agent"]).stdout), "daemon\n");
    assert!(daemon.end().success());
    stage.configure("", "  a: { command: /usr/bin/id, user: daemon, working_directory: /root }\n");
    let doctor = stage.custos(&["doctor"]);
    assert_eq!(doctor.status.code(), Some(1));
    assert!(text(&doctor.stdout).contains("a: fails: the user may not enter the directory /root"));
}

#[test]
fn a_relative_configuration_means_the_same_programs() {
    let stage = Stage::new();
    stage.plugin("tell", "pwd\n");
    std::fs::rename(stage.plugin("here", "pwd\n"), stage.path("here")).unwrap();
    stage.configure("", "  a: { command: tell }\n  b: { command: ./here }\n");
    let custos = |arguments: &[&str]| {
        let mut command = stage::custos(arguments);
        command.args(["--config", "custos.yaml"]).current_dir(stage.root()).output().unwrap()
    };
    for check in ["a", "b"] {
        for option in [&[][..], &["--dry-run"], &["--as-agent"]] {
            let output = custos(&[&["check", check], option].concat());
            assert_eq!(text(&output.stdout), "/\n", "{option:?} {}", text(&output.stderr));
        }
    }
    let doctor = custos(&["doctor", "a", "b"]);
    assert_eq!(text(&doctor.stdout), "2 commands examined: 0 reasons to fail, 0 risks\n");
    // What is said of the files goes by the names that were given.
    stage.configure("", "  a: { comand: tell }\n");
    assert!(text(&custos(&["config", "check"]).stderr).starts_with("custos.yaml:"));
}
