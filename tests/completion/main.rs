//! The tab key in real shells, at a real terminal: names of commands, checks and metrics.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use stage::{PROGRAM, Stage, text, wait_for};

#[path = "../stage/mod.rs"]
mod stage;

/// A store with a check of a plain name, and one whose name and metric need quotes.
const RUNS: &str = r#"
{"check":"load","time_ms":1770000000000,"state":"OK","metrics":[{"label":"load1","value":1},{"label":"load15","value":2}]}
{"check":"lag:eu west","time_ms":1770000000000,"state":"OK","metrics":[{"label":"/var x$y","value":3}]}
"#;

/// What is typed before the tab key, and the words of the line after it.
const CASES: [(&str, &[&str]); 10] = [
    ("custos hist", &["history"]),
    ("custos store ver", &["store", "verify"]),
    ("custos help tim", &["help", "times"]),
    ("custos help store ver", &["help", "store", "verify"]),
    ("custos query --store store lo", &["query", "--store", "store", "load"]),
    ("custos history --store store lo", &["history", "--store", "store", "load"]),
    ("custos history --store store load:load15", &["history", "--store", "store", "load:load15"]),
    ("custos graph --store=store load:check_du", &["graph", "--store=store", "load:check_duration_seconds"]),
    ("custos history --store store la", &["history", "--store", "store", "lag:eu west"]),
    (r"custos graph --store store lag:eu\ west:/v", &["graph", "--store", "store", "lag:eu west:/var x$y"]),
];

/// What is typed of a query before the tab key, and the words of the line then.
const QUERY_CASES: [(&str, &[&str]); 4] = [
    ("custos query --store store 'sum(lo", &["query", "--store", "store", "sum(load"]),
    ("custos query --store store '{check=\"loa", &["query", "--store", "store", "{check=\"load"]),
    (
        "custos query --store store \"max(check_dur",
        &["query", "--store", "store", "max(check_duration_seconds"],
    ),
    ("custos graph --store store 'rate(lo", &["graph", "--store", "store", "rate(load"]),
];

/// Names of checks that are commands to a shell which takes them as they are.
const HOSTILE_RUNS: &str = r#"
{"check":"$(touch seized)","time_ms":1770000000000,"state":"OK"}
{"check":"`touch${IFS}seized`","time_ms":1770000000000,"state":"OK"}
{"check":"it';touch seized;'","time_ms":1770000000000,"state":"OK"}
{"check":"say\";touch seized;\"","time_ms":1770000000000,"state":"OK"}
{"check":"and\\;touch seized;","time_ms":1770000000000,"state":"OK"}
{"check":"or`touch seized","time_ms":1770000000000,"state":"OK"}
{"check":"un;touch seized;","time_ms":1770000000000,"state":"OK"}
{"check":"turn\u202eed","time_ms":1770000000000,"state":"OK"}
{"check":"line\u2028d","time_ms":1770000000000,"state":"OK"}
{"check":"tag\udb40\udc41ged","time_ms":1770000000000,"state":"OK"}
"#;

/// What is typed of those before the tab key, in quotes and in commands that stand for their output.
/// Not a bare `$` or backquote, behind which a shell asks whether it shall list all there is.
const HOSTILE_CASES: [&str; 14] = [
    "\"$(t",
    "\"",
    "'it",
    "'it\\'",
    "\"sa",
    "\"say\\\"",
    "$'it",
    "\"un\"",
    "un",
    "u\"n",
    "\\$",
    "and",
    "'an",
    "or",
];

/// The same of queries.
const HOSTILE_QUERY_CASES: [&str; 8] = [
    "'{check=\"",
    "'{check=\"it",
    "'{check=\"un",
    "\"{check='$(t",
    "\"{check='it",
    "\"{check=\\\"say",
    "\"sum($(t",
    "{check=\\\"an",
];

/// How often a line is given up before the shell counts as stuck.
const GIVE_UPS_MAX: usize = 20;
/// Looks for what the shell prints then, before the line is given up again.
const LOOKS_MAX: usize = 250;

/// A shell at a terminal of its own. It is ended with the test.
struct Shell {
    process: Child,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Shell {
    fn start(stage: &Stage, command: &str) -> Shell {
        let programs = std::path::Path::new(PROGRAM).parent().unwrap().display().to_string();
        let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
        let mut process = Command::new("script")
            .args(["--quiet", "--flush", "--command", command, "/dev/null"])
            .current_dir(stage.root())
            .env("PATH", path)
            .env("HOME", stage.root())
            .env("TERM", "dumb")
            .env("PS1", "$ ")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut stdout, kept) = (process.stdout.take().unwrap(), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stdout.read(&mut buffer) {
                kept.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        Shell { process, shown }
    }

    fn send(&mut self, keys: &str) {
        let stdin = self.process.stdin.as_mut().unwrap();
        stdin.write_all(keys.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Gives up whatever is open at the end of the line, until the shell takes a command again: a key that comes while it is
    /// busy may be lost.
    #[expect(
        clippy::disallowed_methods,
        reason = "a terminal tells nothing of what a shell has done with a key"
    )]
    fn give_up_line(&mut self, number: usize) {
        let expected = format!("done-{}", number + 1000);
        for _ in 0..GIVE_UPS_MAX {
            self.send("\x03");
            std::thread::sleep(std::time::Duration::from_millis(30));
            self.send(&format!("\x15echo done-$(expr {number} + 1000)\n"));
            for _ in 0..LOOKS_MAX {
                if text(&self.shown.lock().unwrap()).contains(&expected) {
                    return;
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
        panic!("the shell takes no command after line {number}");
    }

    fn await_shown(&self, expected: &str) {
        wait_for(expected, || {
            let shown = self.shown.lock().unwrap();
            text(&shown).contains(expected).then_some(())
        });
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // The end of its stdin ends the terminal, and so the shell; one that waits for a key is ended with its terminal.
        drop(self.process.stdin.take());
        if std::thread::panicking() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("the terminal showed:\n{}", text(&self.shown.lock().unwrap()));
        }
    }
}

fn stage(runs: &str) -> Stage {
    let stage = Stage::new();
    stage.import(runs);
    stage
}

fn completes(command: &str, setup: &str, closes_quotes: bool) {
    let stage = stage(RUNS);
    let mut shell = Shell::start(&stage, command);
    // What is shown by the first line is not what was typed.
    shell.send(&format!("{setup}; echo ready-$(expr 1 + 1)\n"));
    shell.await_shown("ready-2");
    for (typed, words) in CASES {
        // To the beginning of the line, so that the words are printed instead of run, and to its end.
        shell.send(&format!("{typed}\t\x01printf '<%s>' \x05\n"));
        let words: String = words.iter().map(|word| format!("<{word}>")).collect();
        shell.await_shown(&format!("<custos>{words}"));
    }
    for (typed, words) in QUERY_CASES {
        // A query goes on behind a name; where the shell closes its quotes all the same, nothing is left to do.
        let quote = if typed.contains('\'') { "'" } else { "\"" };
        let after = if closes_quotes { "" } else { quote };
        shell.send(&format!("{typed}\t{after}\x01printf '[%s]' \x05\n"));
        let words: String = words.iter().map(|word| format!("[{word}]")).collect();
        shell.await_shown(&format!("[custos]{words}"));
    }
    shell.send("exit\n");
}

#[test]
fn bash_completes_names() {
    completes("bash --norc -i", "eval \"$(custos completions bash)\"", false);
}

#[test]
fn zsh_completes_names() {
    let setup = "bindkey -e; autoload -U compinit; compinit -u -D; eval \"$(custos completions zsh)\"";
    completes("zsh -f -i", setup, true);
}

#[test]
fn fish_completes_names() {
    completes("fish --no-config -i", "custos completions fish | source", true);
}

/// Every hostile name is offered in quotes and in the two forms of a command that stands for its output, and each line is run.
#[expect(clippy::disallowed_methods, reason = "a terminal tells nothing of what a shell has done with a key")]
fn takes_no_name_for_a_command(command: &str, setup: &str) {
    let stage = stage(HOSTILE_RUNS);
    let mut shell = Shell::start(&stage, command);
    shell.send(&format!("{setup}; echo ready-$(expr 1 + 1)\n"));
    shell.await_shown("ready-2");
    let histories = HOSTILE_CASES.iter().map(|typed| format!("custos history --store store {typed}"));
    let queries = HOSTILE_QUERY_CASES.iter().map(|typed| format!("custos query --store store {typed}"));
    let typed = histories.chain(queries).flat_map(|line| {
        ["", "echo `", "echo $(", "echo \"$(", "echo \"`"].map(|before| format!("{before}{line}"))
    });
    for (at, line) in typed.enumerate() {
        shell.send(&format!("{line}\t\n"));
        std::thread::sleep(std::time::Duration::from_millis(120));
        shell.give_up_line(at);
        assert!(!stage.root().join("seized").exists(), "a name became a command: {line}");
    }
    for unseen in ['\u{202e}', '\u{2028}', '\u{e0041}'] {
        assert!(!text(&shell.shown.lock().unwrap()).contains(unseen), "{unseen:?} is shown");
    }
    shell.send("exit\n");
}

#[test]
fn bash_takes_no_name_for_a_command() {
    takes_no_name_for_a_command("bash --norc -i", "eval \"$(custos completions bash)\"");
}

#[test]
fn zsh_takes_no_name_for_a_command() {
    let setup = "bindkey -e; autoload -U compinit; compinit -u -D; eval \"$(custos completions zsh)\"";
    takes_no_name_for_a_command("zsh -f -i", setup);
}

#[test]
fn fish_takes_no_name_for_a_command() {
    takes_no_name_for_a_command("fish --no-config -i", "custos completions fish | source");
}
