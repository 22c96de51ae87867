//! An agent that is stopped is said to be, at once, and keeps nobody from reading.

use nix::sys::signal::Signal;

use crate::stage::{Daemon, Stage, text};

/// An agent that has run a check, and was stopped.
fn stopped() -> (Stage, Daemon) {
    let stage = Stage::new();
    stage
        .configure("defaults: { check_interval: 200ms }", "  a: { command: /bin/echo fine, timeout: 60s }\n");
    let daemon = stage.start();
    stage.runs("a", 1);
    daemon.signal(Signal::SIGSTOP);
    (stage, daemon)
}

#[test]
fn a_stopped_agent_is_named_and_its_store_is_read() {
    let (stage, daemon) = stopped();
    let status = stage.custos(&["status"]);
    let table = text(&status.stdout);
    assert_eq!(status.status.code(), Some(0), "{table}");
    assert!(table.contains("agent: the running agent does not answer: it is stopped, or hangs"), "{table}");
    assert!(table.contains(" a ") && table.contains("fine"), "{table}");
    // Long before the check's own timeout, or the test would wait for a minute.
    let check = stage.custos(&["check", "a"]);
    assert_eq!(check.status.code(), Some(3));
    let said = text(&check.stdout);
    assert!(
        said.starts_with("UNKNOWN: ")
            && said.contains("does not answer: it is stopped, or hangs")
            && !said.contains("os error"),
        "{said}"
    );
    assert_eq!(text(&check.stderr), "");
    let check = stage.custos(&["check", "b"]);
    assert_eq!((check.status.code(), text(&check.stderr)), (Some(3), String::new()));
    assert!(text(&check.stdout).starts_with("UNKNOWN: "), "{}", text(&check.stdout));
    daemon.signal(Signal::SIGCONT);
    assert_eq!(stage.custos(&["check", "a"]).status.code(), Some(0));
    assert!(daemon.end().success());
}

#[test]
fn what_a_stopped_agent_was_asked_in_vain_is_not_done_later() {
    let (stage, daemon) = stopped();
    let silence = stage.custos(&["silence", "add", "a", "--for", "1h"]);
    assert!(text(&silence.stderr).contains("does not answer"), "{}", text(&silence.stderr));
    daemon.signal(Signal::SIGCONT);
    // Asked after the silence, and answered after it.
    assert_eq!(stage.custos(&["check", "a"]).status.code(), Some(0));
    let silences = stage.custos(&["silence", "list"]);
    assert_eq!(silences.status.code(), Some(0), "{}", text(&silences.stderr));
    assert!(
        !text(&silences.stdout).contains("check=\"a\"") && !text(&silences.stdout).contains(" a "),
        "{}",
        text(&silences.stdout)
    );
    assert!(daemon.end().success());
}
