//! Times at the ends of what a number holds: they are imported, and every command shows them or says what is wrong.

use std::io::Write;
use std::process::Stdio;

use crate::stage::{Stage, text};

#[test]
fn times_at_the_ends_of_the_range_end_no_command() {
    let stage = Stage::new();
    stage.configure("", "  c: { command: /bin/true }\n");
    let mut import = stage.command(&["store", "import"]);
    let mut import = import.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let times =
        [i64::MIN, i64::MIN + 1, -62_167_219_200_001, -1, 0, 1_790_000_000_000, i64::MAX - 1, i64::MAX];
    for time in times {
        let metrics = format!("[{{\"label\":\"x\",\"value\":{time},\"unit\":\"\"}}]");
        let run = format!(
            "{{\"check\":\"c\",\"time_ms\":{time},\"state\":\"OK\",\"text\":\"x\",\"metrics\":{metrics}}}\n"
        );
        import.stdin.as_mut().unwrap().write_all(run.as_bytes()).unwrap();
    }
    // A time that is refused is refused in words.
    assert!(import.wait_with_output().unwrap().status.code().is_some_and(|code| code <= 2));
    for line in [
        "status",
        "status --json",
        "status --at 1970-01-01",
        "history",
        "history c --all",
        "history c --all --json",
        "runs c",
        "events",
        "events c --json",
        "graph c",
        "store info",
        "store verify",
        "store export",
    ] {
        let output = stage.custos(&line.split(' ').collect::<Vec<_>>());
        let said = text(&output.stderr);
        // A panic ends a program with 101.
        assert!(output.status.code().is_some_and(|code| code <= 3), "{line}: {said}");
        assert!(!said.contains("panicked"), "{line}: {said}");
    }
}
