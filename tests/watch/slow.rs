//! A terminal that takes nothing for a while.

use nix::sys::signal::Signal;

use crate::own::start;
use crate::stage::{Stage, send, text, wait_for};
use crate::terminal::Terminal;

/// Memory that a process has resident, in KiB.
pub(crate) fn resident_kib(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Whether a process waits for a terminal to take what it writes.
fn waits_in_poll(pid: i32) -> bool {
    let waits_for = std::fs::read_to_string(format!("/proc/{pid}/wchan")).unwrap_or_default();
    waits_for.contains("poll") || waits_for == "0"
}

#[test]
fn a_terminal_that_takes_nothing_holds_nothing_up_and_is_shown_the_newest_afterwards() {
    let stage = Stage::new();
    let agent = start(&stage);
    let config = stage.shown("custos.yaml");
    let terminal = Terminal::start(
        &stage,
        (200, 60),
        &[("LC_ALL", "C.UTF-8"), ("TERM", "screen-256color")],
        &["watch", "wave", "--config", &config, "--every", "100ms", "--window", "10s"],
    );
    terminal.wait("a picture", |screen| screen.contains("wave:runs  min "));
    let (pid, reader) = (terminal.pid(), terminal.reader_pid());
    let before_kib = resident_kib(pid);
    send(reader, Signal::SIGSTOP);
    let count = || text(&stage.custos(&["stream", "wave@watched"]).stdout).lines().count();
    let begun = count();
    // The clone goes on as if nothing were: whoever watches takes its lines.
    wait_for("runs that are not shown", || (count() > begun + 150).then_some(()));
    assert!(waits_in_poll(pid));
    let newest = count();
    let after_kib = resident_kib(pid);
    send(reader, Signal::SIGCONT);
    let shown = |screen: &str| {
        let title = screen.lines().find(|line| line.contains("wave:runs"))?;
        title.split("  last ").nth(1)?.split_whitespace().next()?.parse::<usize>().ok()
    };
    terminal.wait("the newest", |screen| shown(screen).is_some_and(|last| last + 1 >= newest));
    assert!(after_kib < before_kib + 8 * 1024, "{before_kib} KiB before, {after_kib} KiB after");
    assert!(!terminal.screen().contains("were left out"), "{}", terminal.screen());
    terminal.keys(&["q"]);
    assert_eq!(terminal.ended(), "0");
    assert!(agent.end().success());
}
