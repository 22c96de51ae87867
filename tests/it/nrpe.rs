//! The daemon answers Debian's `check_nrpe`, and what was asked for has a history.

use std::process::Command;

use crate::stage::{Daemon, Stage, text, wait_for};

const CHECK_NRPE: &str = "/usr/lib/nagios/plugins/check_nrpe";

/// The port that the daemon says it answers on.
pub(crate) fn port(daemon: &Daemon) -> String {
    wait_for("the listener", || {
        let log = daemon.log();
        let after = log.split("127.0.0.1:").nth(1)?;
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        after[digits.len()..].starts_with('\n').then_some(digits)
    })
}

/// Asks for a command; gives the status and the text.
pub(crate) fn ask(port: &str, command: &str, options: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(CHECK_NRPE)
        .args(["-H", "127.0.0.1", "-p", port, "-c", command])
        .args(options)
        .output()
        .expect("check_nrpe, of Debian's nagios-nrpe-plugin, is installed");
    (output.status.code(), text(&output.stdout).trim_end().to_owned())
}

fn served() -> Stage {
    let stage = Stage::new();
    stage.plugin("level", "echo \"LEVEL OK - fine | level=42%;80;90\"\n");
    stage.write(
        "nrpe.cfg",
        "nrpe_user=nobody\nnrpe_group=nogroup\nallowed_hosts=127.0.0.1\ncommand_timeout=2\n\
         command[good]=/bin/echo 'GOOD | x=1s;2;3'\n\
         command[lines]=/usr/bin/printf 'first | a=1\\nsecond | b=2\\n'\n\
         command[warn]=/bin/sh -c 'echo WARN; exit 1'\n\
         command[bad]=/bin/sh -c 'echo BAD; exit 2'\n\
         command[slow]=/bin/sleep 100\n",
    );
    stage.configure(
        "nrpe: { config: nrpe.cfg, listen: '127.0.0.1:0' }",
        "  level: { command: level, check_interval: 1h }\n",
    );
    stage
}

#[test]
fn a_graph_stands_below_the_answer_of_a_check_where_it_fits() {
    let stage = Stage::new();
    stage.plugin("level", "echo \"LEVEL OK | level=42%;80;90\"; echo \"more | least=1\"\n");
    stage.plugin("long", "printf 'LONG OK %0970d | v=1\\n' 0\n");
    stage.configure(
        "nrpe: { listen: '127.0.0.1:0', graph: ascii }",
        "  level: { command: level, check_interval: 100ms, thresholds: [{ metric: level, warning: '45%' }] }\n  \
         long: { command: long, check_interval: 100ms }\n",
    );
    let daemon = stage.start();
    let port = port(&daemon);
    ["level", "long"].iter().for_each(|check| drop(stage.runs(check, 3)));
    assert!(
        ask(&port, "level", &[]).1.contains("\nlevel:level  plugin's warn 80%  plugin's crit 90%  warn 45%")
    );
    for options in [&[][..], &["-3"], &["-2"]] {
        let (status, answer) = ask(&port, "level", options);
        let lines: Vec<&str> = answer.lines().collect();
        assert_eq!(
            (status, lines[0], lines[1]),
            (Some(0), "LEVEL OK | level=42%;80;90", "more "),
            "{answer}"
        );
        assert!(lines[2].starts_with("level:least  min 1"), "{options:?}: {answer}");
        assert!((9..=22).contains(&lines.len()), "{options:?}: {answer}");
        let (last, graph) = lines[2..].split_last().unwrap();
        assert_eq!(*last, "| least=1", "{answer}");
        assert!(graph.iter().all(|line| !line.contains('|')), "{answer}");
        assert!(graph.iter().any(|line| line.contains("! ") || line.contains("!*")), "{answer}");
    }
    // Where a graph finds no room, what the plugin printed is whole.
    let (_, answer) = ask(&port, "long", &["-2"]);
    assert_eq!((answer.lines().count(), answer.len()), (1, 984), "{answer}");
    assert!(ask(&port, "long", &[]).1.lines().count() > 9);
    assert!(daemon.end().success());
}

#[test]
fn commands_of_nrpe_cfg_are_answered_and_recorded() {
    let stage = served();
    let daemon = stage.start();
    let port = port(&daemon);
    for options in [&[][..], &["-n"], &["-2"]] {
        // With `-n` the client speaks no TLS, which a server with TLS does not answer.
        let expected = if options == ["-n"] { Some(3) } else { Some(0) };
        let (status, answer) = ask(&port, "good", options);
        assert_eq!(status, expected, "{options:?}: {answer}");
        assert!(expected != Some(0) || answer == "GOOD | x=1s;2;3", "{options:?}: {answer}");
    }
    assert_eq!(ask(&port, "lines", &[]), (Some(0), "first | a=1\nsecond | b=2".to_owned()));
    assert_eq!(ask(&port, "warn", &[]), (Some(1), "WARN".to_owned()));
    assert_eq!(ask(&port, "bad", &[]), (Some(2), "BAD".to_owned()));
    assert_eq!(ask(&port, "none", &[]), (Some(3), "NRPE: Command 'none' not defined".to_owned()));
    let (status, answer) = ask(&port, "slow", &[]);
    assert_eq!(status, Some(3), "{answer}");
    assert!(daemon.end().success());

    let good = stage.history("good");
    assert_eq!(good.len(), 2, "{good:?}");
    assert_eq!((&good[0]["text"], &good[0]["state"]), (&"GOOD".into(), &"OK".into()));
    assert_eq!(good[0]["metrics"][0]["label"], "x");
    assert!(good[0]["origin"].as_str().unwrap().starts_with("nrpe 127.0.0.1"), "{}", good[0]);
    let lines = stage.history("lines");
    assert_eq!(lines[0]["metrics"][1]["label"], "b", "{}", lines[0]);
    assert_eq!(stage.history("bad")[0]["state"], "CRITICAL");
    assert_eq!(stage.history("slow")[0]["reason"], "timeout");
}

#[test]
fn a_check_of_the_configuration_can_be_asked_for() {
    let stage = served();
    let daemon = stage.start();
    let port = port(&daemon);
    assert_eq!(ask(&port, "level", &[]), (Some(0), "LEVEL OK - fine | level=42%;80;90".to_owned()));
    assert!(daemon.end().success());
    let asked = stage.history("level");
    let asked = asked.iter().filter(|run| run["origin"].as_str().is_some_and(|who| who.starts_with("nrpe")));
    assert_eq!(asked.count(), 1);
}
