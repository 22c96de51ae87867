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

    fn await_shown(&self, expected: &str) {
        wait_for(expected, || {
            let shown = self.shown.lock().unwrap();
            text(&shown).contains(expected).then_some(())
        });
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // The end of its stdin ends the terminal, and so the shell.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("the terminal showed:\n{}", text(&self.shown.lock().unwrap()));
        }
    }
}

fn stage() -> Stage {
    let stage = Stage::new();
    let mut import = stage::custos(&["store", "import", "store"])
        .current_dir(stage.root())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    import.stdin.take().unwrap().write_all(RUNS.trim_start().as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    stage
}

fn completes(command: &str, setup: &str) {
    let stage = stage();
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
    shell.send("exit\n");
}

#[test]
fn bash_completes_names() {
    completes("bash --norc -i", "eval \"$(custos completions bash)\"");
}

#[test]
fn zsh_completes_names() {
    let setup = "bindkey -e; autoload -U compinit; compinit -u -D; eval \"$(custos completions zsh)\"";
    completes("zsh -f -i", setup);
}

#[test]
fn fish_completes_names() {
    completes("fish --no-config -i", "custos completions fish | source");
}
