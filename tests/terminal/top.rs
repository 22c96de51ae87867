//! `custos top`.

use nix::sys::signal::Signal;

use crate::pane::Pane;
use crate::stage::{Stage, children, send, text, wait_for};

/// A stage with a store of checks that do not change, and no agent.
fn stored() -> Stage {
    let stage = Stage::new();
    stage.configure(
        "host: web1",
        "  load: { command: 'true' }\n  evil: { command: 'true' }\n  disk: { command: 'true' }",
    );
    stage.import(RUNS);
    stage
}

const RUNS: &str = r#"
{"check":"load","time_ms":1770000000000,"state":"OK","text":"LOAD OK - 1.5","duration_ms":12.5,"metrics":[{"label":"load1","value":1.5}]}
{"check":"disk","time_ms":1770000001000,"state":"CRITICAL","text":"DISK CRITICAL - /var is full","long_text":"/var 307MiB","stderr":"warning: slow","duration_ms":31,"metrics":[{"label":"/var","value":99,"unit":"%"}]}
{"check":"evil","time_ms":1770000002000,"state":"WARNING","text":"évil \u001b[2J\u001b]0;x\u0007\u202e日本","duration_ms":1}
"#;

fn golden(name: &str, shown: &str) {
    let path = format!("{}/tests/terminal/golden/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("CUSTOS_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, shown).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == shown, "{name} is not as expected:\n{shown}");
}

#[test]
fn pages_are_as_expected_in_every_size_and_character_set() {
    let stage = stored();
    for (size, locale, name) in [
        ((80, 24), "C.UTF-8", "80x24_utf8"),
        ((200, 60), "C.UTF-8", "200x60_utf8"),
        ((80, 24), "C", "80x24_ascii"),
        ((200, 60), "C", "200x60_ascii"),
    ] {
        let pane = Pane::start(&stage, size, locale);
        pane.type_custos_at("2026-02-02 02:45:00", "top --config custos.yaml");
        let shown =
            pane.wait("the list", |shown| shown.contains("LOAD OK") && shown.contains("no agent is running"));
        assert!(!shown.contains('\u{202e}') && shown.is_ascii() == (locale == "C"), "{shown}");
        golden(&format!("list_{name}"), &shown);
        pane.keys(&["Enter"]);
        let shown = pane.wait("the check", |shown| shown.contains("Esc:back") && shown.contains("RUNS"));
        golden(&format!("check_{name}"), &shown);
        pane.keys(&["q", "Down", "Enter"]);
        let shown = pane.wait("the states", |shown| shown.contains("STATES over time"));
        golden(&format!("states_{name}"), &shown);
        pane.keys(&["s", "BSpace", "Left", "3", "Enter"]);
        let shown = pane.wait("why it is no time", |shown| shown.contains("expected a time"));
        assert!(shown.contains("\nSilence evil for: 32"), "{shown}");
        pane.keys(&["Escape"]);
        pane.wait("the check", |shown| shown.contains("Esc:back"));
        pane.keys(&["q", "?"]);
        let shown = pane.wait("the help", |shown| shown.contains("goes back"));
        golden(&format!("help_{name}"), &shown);
    }
}

#[test]
fn it_follows_the_size_of_the_terminal() {
    let stage = stored();
    let pane = Pane::start(&stage, (80, 24), "C.UTF-8");
    pane.type_custos("top --config custos.yaml --color never");
    pane.wait("the list", |shown| shown.contains("LOAD OK") && shown.contains("no agent"));
    let coloured = pane.coloured();
    let has_color = (0..8).any(|color| coloured.contains(&format!("\u{1b}[3{color}m")));
    assert!(!has_color && coloured.contains("\u{1b}[1m"), "no colours, but bold text: {coloured}");
    pane.resize(120, 30);
    let shown = pane.wait("a wider page", |shown| shown.lines().any(|line| line.chars().count() == 120));
    assert!(shown.contains("DISK CRITICAL - /var is full"), "{shown}");
    pane.resize(30, 5);
    pane.wait("its excuse", |shown| shown.starts_with("custos top needs 40 x 8"));
    pane.resize(80, 24);
    pane.wait("the list", |shown| shown.contains("LOAD OK") && !shown.contains("needs"));
    pane.keys(&["q"]);
    pane.wait("the shell", |shown| !shown.contains("STATE"));
}

/// The `custos top` that the shell of a pane runs.
fn program(pane: &Pane) -> i32 {
    wait_for("custos top", || children(pane.shell()).first().copied())
}

/// Whether the terminal is as a shell wants it: what is typed is shown, lines are edited, and the cursor is seen.
fn assert_restored(pane: &Pane) {
    pane.keys(&[
        "stty -a | tr ' ' '\\n' | grep -xE -e '-?(icanon|echo|isig|opost)' | xargs echo set",
        "Enter",
    ]);
    let shown = pane.wait("the settings", |shown| shown.lines().any(|line| line.starts_with("set ")));
    let settings = shown.lines().find(|line| line.starts_with("set ")).unwrap();
    for setting in ["icanon", "echo", "isig", "opost"] {
        assert!(settings.split(' ').any(|word| word == setting), "{settings}");
    }
    let flags = pane.format("#{alternate_on} #{cursor_flag} #{mouse_any_flag}");
    assert_eq!(flags, "0 1 0", "no page of its own, a cursor, no mouse");
}

#[test]
fn whatever_ends_it_leaves_the_terminal_as_it_was() {
    let stage = stored();
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        let pane = Pane::start(&stage, (80, 24), "C.UTF-8");
        pane.type_custos("top --config custos.yaml");
        pane.wait("the list", |shown| shown.contains("STATE"));
        assert_eq!(pane.format("#{alternate_on} #{cursor_flag} #{mouse_any_flag}"), "1 0 1");
        send(program(&pane), signal);
        pane.wait("the shell", |shown| !shown.contains("STATE"));
        pane.keys(&["echo ended $?", "Enter"]);
        let ended = format!("ended {}", 128 + signal as i32);
        pane.wait(&ended, |shown| shown.contains(&ended));
        assert_restored(&pane);
    }
}

#[test]
fn it_is_stopped_and_goes_on() {
    let stage = stored();
    let pane = Pane::start(&stage, (80, 24), "C.UTF-8");
    pane.type_custos("top --config custos.yaml");
    pane.wait("the list", |shown| shown.contains("LOAD OK"));
    pane.keys(&["C-z"]);
    pane.wait("the shell", |shown| shown.contains("Stopped"));
    assert_restored(&pane);
    pane.keys(&["fg", "Enter"]);
    pane.wait("the list", |shown| shown.contains("LOAD OK") && !shown.contains("Stopped"));
    // Somebody else stops it without a word, and the shell has the terminal meanwhile.
    send(program(&pane), Signal::SIGSTOP);
    pane.wait("the shell", |shown| shown.contains("Stopped"));
    pane.keys(&["fg", "Enter"]);
    pane.wait("the list", |shown| shown.contains("LOAD OK") && shown.contains("?:keys"));
    pane.keys(&["q"]);
    pane.wait("the shell", |shown| !shown.contains("STATE"));
    assert_restored(&pane);
}

#[test]
fn a_terminal_that_vanishes_ends_it() {
    let stage = stored();
    let pane = Pane::start(&stage, (80, 24), "C.UTF-8");
    // Neither the signal nor the shell ends it.
    pane.keys(&["trap '' HUP", "Enter"]);
    pane.type_custos("top --config custos.yaml");
    pane.wait("the list", |shown| shown.contains("LOAD OK"));
    let pid = program(&pane);
    drop(pane);
    wait_for("the end of custos top", || {
        (!std::path::Path::new(&format!("/proc/{pid}/stat")).exists()).then_some(())
    });
}

#[test]
fn it_shows_what_happens_and_does_what_it_is_told() {
    let stage = Stage::new();
    let root = stage.root().display();
    stage.plugin("state", &format!("cat {root}/state\nexit $(cat {root}/code)"));
    stage.write("state", "all is well | x=1\n");
    stage.write("code", "0");
    stage.configure(
        "host: web1\nnotify: { targets: { me: { command: [/bin/true] } } }",
        "  door: { command: state, check_interval: 1s, max_check_attempts: 1 }\n  \
         asked: { command: state, check_interval: 10h }",
    );
    let mut agent = stage.start();
    let pane = Pane::start(&stage, (100, 30), "C.UTF-8");
    stage.runs("door", 1);
    pane.type_custos("top --config custos.yaml --every 200ms");
    pane.wait("the agent", |shown| shown.contains("agent up") && shown.contains("all is well"));
    stage.write("state", "the door is open | x=2\n");
    stage.write("code", "2");
    pane.wait("the problem", |shown| {
        shown.lines().any(|line| line.starts_with("CRITICAL") && line.contains("the door is open"))
    });
    pane.keys(&["/", "door", "Enter", "Enter"]);
    pane.wait("the check", |shown| shown.contains("WHY") && shown.contains("the door is open"));
    pane.keys(&["a", "known", "Enter"]);
    pane.wait("who acknowledged it", |shown| {
        shown.contains("nobody: acknowledged") && shown.contains(": known")
    });
    pane.keys(&["u"]);
    pane.wait("that taken back", |shown| {
        shown.contains("unack door") && !shown.contains("nobody: acknowledged")
    });
    pane.keys(&["s", "Enter", "Enter"]);
    pane.wait("the silence", |shown| shown.contains("nobody: silence number 1 until"));
    pane.keys(&["w"]);
    pane.wait("what else changed", |shown| {
        shown.contains("WHAT ELSE WAS UNLIKE ITS PAST") && shown.contains(" before, ")
    });
    pane.keys(&["q", "z"]);
    pane.wait("the silences", |shown| {
        shown.lines().any(|line| line.starts_with("1 ") && line.contains("door"))
    });
    pane.keys(&["x"]);
    pane.wait("a question", |shown| shown.contains("End silence 1 of "));
    pane.keys(&["y"]);
    pane.wait("no silences", |shown| shown.contains("no silences") && shown.contains("silence expire 1: "));
    pane.keys(&["q", "/", "C-u", "asked", "Enter", "r"]);
    pane.wait("the run", |shown| shown.contains("run asked: CRITICAL: the door is open"));
    agent.signal(Signal::SIGTERM);
    agent.wait();
    pane.wait("that the agent is gone", |shown| {
        shown.contains("no agent is running; shown is what was stored")
    });
    stage.write("state", "all is well again | x=1\n");
    stage.write("code", "0");
    let _agent = stage.start();
    pane.keys(&["Escape"]);
    pane.wait("the agent", |shown| shown.contains("agent up") && shown.contains("all is well again"));
    pane.keys(&["F10"]);
    pane.wait("the shell", |shown| !shown.contains("STATE"));
}

#[test]
fn without_a_terminal_it_says_so() {
    let output = stored().custos(&["top"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("custos top fills a terminal, and stdout is none"), "{output:?}");
}
