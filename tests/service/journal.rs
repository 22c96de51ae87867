//! The agent's log in the journal of a real journald, which runs in a mount namespace with a /run of its own.

use std::path::PathBuf;
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::stage::{Daemon, PROGRAM, Running, Stage, as_root, text, wait_for};

const JOURNALD: &str = "/lib/systemd/systemd-journald";

struct Journal {
    journald: Running,
}

impl Journal {
    fn start() -> Journal {
        as_root();
        let script = format!(
            "mount --make-rprivate / && mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal && \
             exec {JOURNALD} 2>/dev/null"
        );
        let journald = Running::start(Command::new("unshare").args(["-m", "sh", "-c", &script]));
        let root = PathBuf::from(format!("/proc/{}/root", journald.0.id()));
        wait_for("journald", || root.join("run/systemd/journal/stdout").exists().then_some(()));
        Journal { journald }
    }

    /// A program in the namespace of journald.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.arg("-m").arg("-t").arg(self.journald.0.id().to_string()).args(words);
        command
    }

    /// The entries that `journalctl` finds.
    fn entries(&self, wanted: &[&str]) -> Vec<Value> {
        let journalctl = ["journalctl", "-D", "/run/log/journal", "-o", "json", "--all", "-t", "custos"];
        let output = self.command(&journalctl).args(wanted).output().unwrap();
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits for one of them whose message has these words.
    fn entry(&self, wanted: &[&str], words: &str) -> Value {
        wait_for(words, || {
            let has_words =
                |entry: &Value| entry["MESSAGE"].as_str().is_some_and(|text| text.contains(words));
            self.entries(wanted).into_iter().find(has_words)
        })
    }
}

#[test]
fn the_journal_has_the_priority_and_the_check_of_each_line() {
    let (journal, stage) = (Journal::start(), Stage::new());
    stage.plugin("bad", "printf 'bad\\033[2J\\n'; exit 2");
    let check = "  load: { command: bad, check_interval: 1s, timeout: 500ms, max_check_attempts: 1 }\n";
    stage.configure("", check);
    let config = stage.shown("custos.yaml");
    // Stderr is connected with the journal, and the variable says so, as the service manager has it.
    let connected = "JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec \"$0\" run --config \"$1\"";
    let run = ["systemd-cat", "-t", "by-stderr", "sh", "-c", connected, PROGRAM, &config];
    let mut agent = Daemon::start_with(&mut journal.command(&run), &stage.path("log"));

    let entry = journal.entry(&["CUSTOS_CHECK=load"], "CRITICAL");
    assert_eq!(entry["MESSAGE"], "load: PENDING to CRITICAL HARD: bad\\u{1b}[2J");
    assert_eq!(entry["PRIORITY"], "4");
    assert_eq!(entry["_TRANSPORT"], "journal");
    assert_eq!(entry["_PID"], agent.pid().to_string());
    assert_eq!(journal.entry(&[], "running")["CUSTOS_STORE"], stage.shown("store"));
    assert!(journal.entries(&["-p", "err"]).is_empty());

    stage.configure("", "  load: { comand: bad }\n");
    agent.signal(Signal::SIGHUP);
    let error = journal.entry(&["-p", "err"], "the configuration is not reloaded");
    assert!(error["MESSAGE"].as_str().unwrap().contains("\n"), "{error}");

    agent.signal(Signal::SIGTERM);
    assert!(agent.wait().success());
    assert_eq!(journal.entry(&[], "stopped")["PRIORITY"], "6");
    let by_stderr =
        journal.command(&["journalctl", "-D", "/run/log/journal", "-t", "by-stderr", "-o", "cat"]).output();
    assert_eq!(text(&by_stderr.unwrap().stdout), "");
}
