//! What other programs print must not steer the terminal of whoever looks at it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use custos_query::is_unsafe;

use crate::stage::{PROGRAM, Stage, as_root, custos, free_port, python, text, wait_for};

/// An escape sequence of each kind, single control characters, C1 controls in UTF-8 and as a byte, and marks that turn
/// text around. None is a colour.
const HOSTILE: &str = "\\x1b]0;owned\\x07\\x1b[2J\\x05\\x7f\\x9b3A\\xc2\\x9b2J\\xc2\\x85\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xe2\\x80\\xa8\\xef\\xbf\\xb9";

fn hostile() -> String {
    "\u{1b}]0;owned\u{7}\u{1b}[2J\u{5}\u{7f}\u{9b}2J\u{85}\u{202e}\u{2066}\u{2028}\u{fff9}\u{e0041}"
        .to_owned()
}

/// A stage with a check that prints what is hostile everywhere, and the same imported in each field of a run.
fn stage() -> Stage {
    as_root();
    let stage = Stage::new();
    let program = format!(
        "#!/usr/bin/python3\nimport sys\nh = b'{HOSTILE}'\n\
         sys.stdout.buffer.write(b'CRITICAL '+h+b' text | l'+h+b'=5u'+h+b';1;2 b=2\\nlong '+h+b' | c'+h+b'=3\\n')\n\
         sys.stderr.buffer.write(h)\nsys.exit(2)\n"
    );
    stage.write("plugins/evil", &program);
    fs::set_permissions(stage.path("plugins/evil"), fs::Permissions::from_mode(0o755)).unwrap();
    let port = free_port();
    stage.configure(
        &format!("defaults: {{ check_interval: 200ms }}\nnrpe: {{ listen: [\"127.0.0.1:{port}\"], allowed_hosts: [127.0.0.1], tls: false }}"),
        "  evil: { command: evil }\n  \"right\\u202Eleft\": { command: \"/bin/echo \\u202E\" }\n",
    );
    stage.write("port", &port.to_string());
    stage
}

/// As hostile as a name may be: control characters are refused, by the configuration and by the import.
const NAME: &str = "n\u{202e}\u{2066}left";

/// A run in which each text is hostile.
fn import(stage: &Stage) {
    let h = hostile();
    let run = serde_json::json!({
        "check": NAME, "time_ms": 1_700_000_000_000_i64, "state": "CRITICAL", "reason": "exited",
        "text": h, "long_text": h, "stderr": h, "origin": h, "judgement": format!("{h}: outside"),
        "metrics": [{"label": h, "labels": {h.clone(): h}, "value": 5, "unit": h, "printed_unit": h}],
        "instances": [{"labels": {h.clone(): h}, "state": "CRITICAL", "since_ms": 5, "text": h}],
    });
    stage.write("import", &format!("{run}\n"));
    let mut command = stage.command(&["store", "import"]);
    let output = command.stdin(fs::File::open(stage.path("import")).unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// What is wrong with an output: the first character that a terminal would obey. Colours are ours.
fn obeyed(output: &[u8]) -> Option<String> {
    let text = text(output);
    let mut rest = String::new();
    let mut parts = text.split("\u{1b}[");
    rest.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(part.len());
        rest.push_str(part[end..].strip_prefix('m').unwrap_or("\u{1b}"));
    }
    let at = rest.find(|c: char| is_unsafe(c) && c != '\n' && c != '\r')?;
    let around = rest[at..].chars().take(20).collect::<String>();
    Some(around.escape_debug().to_string())
}

#[test]
fn no_command_prints_what_a_terminal_obeys() {
    let stage = stage();
    let agent = stage.start();
    stage.runs("evil", 2);
    let with_agent = |stage: &Stage| {
        for arguments in [&["status"][..], &["status", "--json"], &["status", "--color", "always"]] {
            assert_eq!(obeyed(&stage.custos(arguments).stdout), None, "{arguments:?}");
        }
    };
    with_agent(&stage);
    assert!(agent.end().success());
    import(&stage);
    let name = NAME;
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["status", "--color", "always"],
        &["status", "--at", "2023-11-15"],
        &["history"],
        &["history", "--json"],
        &["history", "evil", "--color", "always"],
        &["history", name],
        &["history", name, "--json"],
        &["runs", name],
        &["runs", name, "--json"],
        &["runs", "evil"],
        &["runs", "--failed"],
        &["events"],
        &["events", "--json"],
        &["traps"],
        &["traps", "--json"],
        &["graph", "evil"],
        &["graph", "evil", "--color", "always"],
        &["graph", name, "--since", "2023-11-14", "--until", "2023-11-16"],
        &["graph", "evil", "--svg", "-"],
        &["graph", "no such check"],
        &["store", "info"],
        &["store", "info", "--json"],
        &["store", "verify"],
        &["store", "verify", "--json"],
        &["store", "forecast"],
        &["store", "forecast", "--json"],
        &["store", "export"],
        &["config", "check"],
        &["config", "show"],
        &["doctor"],
        &["check", name],
        &["history", "\u{1b}[2J\u{202e}"],
        &["events", "--since", "\u{1b}]0;x\u{7}\u{202e}"],
    ] {
        let output = stage.custos(arguments);
        assert_eq!(obeyed(&output.stdout), None, "{arguments:?} on stdout");
        assert_eq!(obeyed(&output.stderr), None, "{arguments:?} on stderr");
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(obeyed(&fs::read(stage.path("log")).unwrap()), None, "the log");
}

#[test]
fn mistakes_in_a_configuration_are_shown_without_what_a_terminal_obeys() {
    as_root();
    let stage = Stage::new();
    let yaml = "checks: { \"a\\u202E\": { comand\u{202e}\u{2066}: \"\\e[2J\\u009B\", command: \"\\e\" } }\n";
    stage.write("custos.yaml", yaml);
    for arguments in [&["config", "check"][..], &["config", "show"], &["run"], &["status"], &["doctor"]] {
        let output = stage.custos(arguments);
        assert!(!output.stderr.is_empty(), "{arguments:?}");
        assert_eq!(obeyed(&[output.stdout, output.stderr].concat()), None, "{arguments:?}");
    }
}

/// Runs `custos` on a terminal of its own; returns what it printed there.
fn on_a_terminal(arguments: &[&str]) -> Vec<u8> {
    let program = "import pty, sys\npty.spawn(sys.argv[1:])";
    let mut command = Command::new(python());
    command.args(["-c", program, PROGRAM]).args(arguments).stdin(Stdio::null());
    command.output().unwrap().stdout
}

#[test]
fn plugin_output_is_printable_on_a_terminal_and_as_it_came_in_a_pipe() {
    let stage = stage();
    let config = stage.shown("custos.yaml");
    let dry = ["check", "evil", "--dry-run", "--config", &config];
    let shown = on_a_terminal(&dry);
    assert!(text(&shown).contains("owned"), "{}", text(&shown));
    assert_eq!(obeyed(&shown), None, "{:?}", text(&shown));
    assert!(obeyed(&custos(&dry).output().unwrap().stdout).is_some());
    let agent = stage.start();
    let port = fs::read_to_string(stage.path("port")).unwrap();
    let ask = ["check_nrpe", "-n", "-H", "127.0.0.1", "-p", &port, "-c", "evil"];
    wait_for("an answer", || text(&custos(&ask).output().unwrap().stdout).contains("owned").then_some(()));
    let shown = on_a_terminal(&ask);
    assert!(text(&shown).contains("owned"), "{}", text(&shown));
    assert_eq!(obeyed(&shown), None, "{:?}", text(&shown));
    let shown = on_a_terminal(&["check", "evil", "--config", &config]);
    assert!(text(&shown).contains("owned"), "{}", text(&shown));
    assert_eq!(obeyed(&shown), None, "{:?}", text(&shown));
    assert!(agent.end().success());
}
