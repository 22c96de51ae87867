//! A week of samples every ten seconds, taken in, given out and drawn.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Output, Stdio};

use crate::stage::{self, Stage, text};

const START_MS: i64 = 1_770_000_000_000;
const SAMPLES: i64 = 7 * 8640;
/// The only sample that is not about 1.
const SPIKE: i64 = 30_000;

fn custos(stage: &Stage, arguments: &[&str], input: &str) -> Output {
    let mut child = stage::custos(arguments)
        .current_dir(stage.root())
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn week() -> Stage {
    let mut lines = String::new();
    for index in 0..SAMPLES {
        let value = if index == SPIKE { 100.0 } else { 1.0 + (index % 7) as f64 / 10.0 };
        let time_ms = START_MS + index * 10_000;
        writeln!(
            lines,
            r#"{{"check":"load","time_ms":{time_ms},"state":"OK","reason":"exited","exit_code":0,"duration_ms":3.5,"text":"LOAD OK","long_text":"","metrics":[{{"label":"load1","value":{value},"unit":"","warn":null,"crit":null,"min":0,"max":null}}]}}"#
        )
        .unwrap();
    }
    let stage = Stage::new();
    let output = custos(&stage, &["store", "import", "store"], &lines);
    assert!(output.status.success(), "{}", text(&output.stderr));
    stage
}

fn graph(stage: &Stage, further: &[&str]) -> String {
    let week =
        ["graph", "load:load1", "--store", "store", "--since", "@1770000000", "--until", "@1770604800"];
    let output = custos(stage, &[&week[..], &["--width", "80", "--height", "24"], further].concat(), "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// The columns in which something stands on the line that begins with this tick.
fn columns(graph: &str, tick: &str) -> Vec<usize> {
    let line = graph.lines().find(|line| line.trim_start().starts_with(tick)).expect("the tick is drawn");
    let after = line.chars().position(|c| c == '┤' || c == '+').expect("the axis is drawn") + 1;
    line.chars().enumerate().skip(after).filter(|(_, c)| !c.is_whitespace()).map(|(at, _)| at).collect()
}

#[test]
fn one_sample_of_a_week_is_seen_in_a_graph_of_the_week() {
    let stage = week();
    for further in [&[][..], &["--ascii"]] {
        let graph = graph(&stage, further);
        assert_eq!(graph.lines().count(), 24, "{graph}");
        assert!(graph.lines().all(|line| line.chars().count() <= 80), "{graph}");
        assert!(further.is_empty() || graph.is_ascii(), "{graph}");
        assert_eq!(columns(&graph, "100 ").len(), 1, "{graph}");
        assert!(columns(&graph, "0 ").len() >= 69, "{graph}");
    }
    assert_eq!(graph(&stage, &["--svg", "week.svg"]), "");
    let svg = std::fs::read_to_string(stage.path("week.svg")).unwrap();
    assert!(svg.contains("<svg") && svg.trim_end().ends_with("</svg>"));
}

#[test]
fn what_is_exported_is_what_was_imported_and_imports_once() {
    let stage = week();
    let exported = text(&custos(&stage, &["store", "export", "store"], "").stdout);
    assert_eq!(exported.lines().count() as i64, SAMPLES);
    assert!(custos(&stage, &["store", "import", "store"], &exported).status.success());
    let again = text(&custos(&stage, &["store", "export", "store"], "").stdout);
    assert!(again == exported, "an import of what is there changed it");
}

#[test]
fn an_import_refuses_names_and_times_that_no_command_takes_with_the_line() {
    let stage = week();
    let before = text(&custos(&stage, &["store", "export", "store"], "").stdout);
    let good = before.lines().next().unwrap();
    for (bad, why) in [
        (good.replace(r#""load","#, r#""","#), "found an empty name"),
        (good.replace(r#""load","#, &format!("{:?},", "x".repeat(100_000))), "more than 255 bytes"),
        (good.replace(r#""load","#, r#""a\u001b[31m","#), "found a control character"),
        (good.replace(r#""load","#, r#""a\nb","#), "found a control character"),
        (good.replace(r#""load","#, r#""a\u0000","#), "found a control character"),
        (good.replace("1770000000000", "-9223372036854775808"), "found the time -9223372036854775808"),
    ] {
        assert_ne!(bad, good);
        let output = custos(&stage, &["store", "import", "store"], &format!("{good}\n{bad}\n"));
        let stderr = text(&output.stderr);
        assert!(!output.status.success(), "{why}: {stderr}");
        assert!(stderr.contains("line 2 of the input: ") && stderr.contains(why), "{stderr}");
    }
    let after = text(&custos(&stage, &["store", "export", "store"], "").stdout);
    assert!(after == before, "a refused import changed the store");
}
