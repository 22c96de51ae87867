use custos_store::{Reason, Run, Standing};

use super::*;
use crate::cli::stage::{self, NOON, STYLE};

/// The same on a terminal, where lines must fit.
const TERMINAL: Style = Style { terminal: true, ..STYLE };

/// A run that is judged, at so many ms after noon.
fn run(offset_ms: i64, state: State, text: &str) -> Run {
    let time_ms = NOON.saturating_add(offset_ms);
    let standing =
        Standing { hard: true, attempt: 1, hard_state: state, since_ms: time_ms, ..Standing::default() };
    Run { time_ms, state, standing, text: text.to_owned(), ..Run::default() }
}

fn store(runs: &[(&str, Run)]) -> tempfile::TempDir {
    stage::store(|writer| {
        for (check, run) in runs {
            writer.append(&[(check, run)]).unwrap();
        }
    })
}

/// The status a minute after noon, and its lines without what is said of the agent.
fn shown_in(store: &tempfile::TempDir, line: &[&str], style: Style) -> (State, Vec<String>) {
    let now = "2026-11-22T13:01:00+01:00[Europe/Berlin]".parse().unwrap();
    let mut out = Vec::new();
    let worst = show(&stage::options(store, line), &now, style, &mut out).unwrap();
    let lines = String::from_utf8(out).unwrap();
    (worst, lines.lines().filter(|line| !line.starts_with("agent: ")).map(str::to_owned).collect())
}

fn shown(store: &tempfile::TempDir, line: &[&str]) -> Vec<String> {
    shown_in(store, line, STYLE).1
}

#[test]
fn the_worst_comes_first_and_the_counts_come_last() {
    let store = store(&[
        ("a", run(0, State::Ok, "fine")),
        ("b", run(10_000, State::Critical, "disk full: 257 GB")),
        ("c", run(20_000, State::Unknown, "who knows")),
        ("d", run(30_000, State::Ok, "fine too")),
        ("e", Run { reason: Reason::NotFinished, text: "lost".to_owned(), ..Run::default() }),
    ]);
    let (worst, lines) = shown_in(&store, &[], STYLE);
    assert_eq!(worst, State::Critical);
    assert_eq!(
        lines,
        [
            "STATE    TYPE         SINCE     LAST    NEXT CHECK TEXT",
            "CRITICAL hard           50s      50s       - b     disk full: 257 GB",
            "UNKNOWN  hard           40s      40s       - c     who knows",
            "PENDING  -                - 56y 339d       - e     [lost]",
            "OK       hard            1m       1m       - a     fine",
            "OK       hard           30s      30s       - d     fine too",
            "1 critical, 1 unknown, 2 ok, 1 pending",
        ]
    );
    let problems = shown(&store, &["--problems"]);
    assert_eq!(problems.len(), 4);
    assert_eq!(problems.last().unwrap(), "1 critical, 1 unknown, 2 ok, 1 pending");
    let json = shown(&store, &["--problems", "--json"]);
    assert_eq!(json.len(), 2);
    assert!(json[0].contains(r#""check":"b","state":"CRITICAL""#), "{json:?}");
}

#[test]
fn a_screen_keeps_the_worst_in_view() {
    let mut runs: Vec<(String, Run)> =
        (0..90).map(|n| (format!("check{n:02}"), run(n, State::Ok, "fine"))).collect();
    runs[70].1 = run(70, State::Critical, "broken");
    runs[80].1 = run(80, State::Warning, "nearly");
    let runs: Vec<(&str, Run)> = runs.iter().map(|(check, run)| (check.as_str(), run.clone())).collect();
    let store = store(&runs);
    let (_, lines) = shown_in(&store, &[], TERMINAL);
    // With the line of the agent and the prompt.
    assert_eq!(lines.len() + 2, STYLE.height, "{lines:#?}");
    assert!(lines[1].starts_with("CRITICAL") && lines[2].starts_with("WARNING"), "{lines:#?}");
    assert_eq!(lines[lines.len() - 2], "… 71 more: 71 ok; --all shows them");
    assert_eq!(lines[lines.len() - 1], "1 critical, 1 warning, 88 ok");
    assert_eq!(shown_in(&store, &["--all"], TERMINAL).1.len(), 92);
    assert_eq!(shown_in(&store, &[], Style { height: 1, ..TERMINAL }).1.len(), 7);
    assert_eq!(shown(&store, &[]).len(), 92);
}

#[test]
fn texts_are_bounded_and_no_number_in_them_is_cut() {
    let long = "12345 ".repeat(2000);
    let store = store(&[("a", run(0, State::Ok, &long)), ("b", run(0, State::Ok, &"x".repeat(9000)))]);
    for (style, columns) in [(TERMINAL, 80), (STYLE, 45 + 6 + 300)] {
        for line in &shown_in(&store, &[], style).1[1..3] {
            assert!(line.chars().count() <= columns && line.ends_with('…'), "{line}");
            let text = line[45 + 6..].trim_end_matches('…');
            assert!(text.split_whitespace().all(|word| word == "12345" || word.starts_with('x')), "{line}");
        }
    }
    assert!(shown(&store, &["--json"])[0].contains(&long), "JSON has all of it");
}

#[test]
fn wide_characters_are_aligned_and_a_long_name_takes_room_from_itself_only() {
    let long = "n".repeat(60);
    let store = store(&[
        ("磁盘", run(0, State::Ok, "text of it")),
        ("load", run(0, State::Ok, "text of it")),
        ("e\u{301}te\u{301}", run(0, State::Ok, "text of it")),
        (&long, run(0, State::Ok, "text of it")),
    ]);
    let (_, lines) = shown_in(&store, &[], TERMINAL);
    let at = |line: &str| crate::text::width::width(&line[..line.find("text").unwrap()]);
    for line in &lines[1..4] {
        assert_eq!(at(line), if line.contains(&long) { 45 + 61 } else { 45 + 6 }, "{line}");
        assert!(line.ends_with("text of it"), "{line}");
    }
}

#[test]
fn the_machine_as_it_stood() {
    let store = store(&[
        ("a", run(0, State::Ok, "fine")),
        ("a", run(20_000, State::Critical, "broken")),
        ("a", run(40_000, State::Ok, "mended")),
        ("b", run(30_000, State::Warning, "late")),
        ("gone", run(-3 * 24 * 3600 * 1000, State::Critical, "no longer defined")),
    ]);
    let at = |time: &str, line: &[&str]| {
        let lines = shown(&store, &[&["--at", time], line].concat());
        lines[1..]
            .iter()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        at("13:00:25", &[]),
        ["CRITICAL hard 5s 5s - a broken", "as it stood at 2026-11-22 13:00:25", "1 critical"]
    );
    assert_eq!(
        at("13:00:30", &[])[..2],
        ["CRITICAL hard 10s 10s - a broken", "WARNING hard 0ms 0ms - b late"]
    );
    assert_eq!(at("13:00:45", &["a"])[0], "OK hard 5s 5s - a mended");
    assert_eq!(at("13:00:25", &["--all"]).len(), 4);
    assert_eq!(at("2026-01-01", &[]), ["as it stood at 2026-01-01 00:00:00", "no checks"]);
    let (worst, _) = shown_in(&store, &["--at", "13:00:25"], STYLE);
    assert_eq!(worst, State::Critical);
}

#[test]
fn times_at_the_ends_of_what_can_be_stored_are_harmless() {
    for time_ms in [i64::MIN, i64::MIN + 1, -1, 1, i64::MAX - 1, i64::MAX] {
        for since_ms in [i64::MIN, 1, i64::MAX] {
            let mut run = Run { time_ms, ..run(0, State::Critical, "x") };
            run.standing.since_ms = since_ms;
            let store = store(&[("a", run)]);
            let lines = shown(&store, &[]);
            assert!(lines[1].starts_with("CRITICAL hard ") && lines[1].ends_with(" a     x"), "{lines:?}");
            for at in ["@0", "@-9223372036", "@253402207200"] {
                shown(&store, &["--at", at]);
            }
        }
    }
}

#[test]
fn runs_ahead_of_now_are_named() {
    let hour = 3_600_000;
    let ahead = |check, offset_ms| (check, run(offset_ms, State::Ok, "from the future"));
    let store =
        store(&[ahead("a", 2 * hour + 60_000), ahead("b", hour), ahead("c", 90_000), ahead("d", 61_000)]);
    let lines = shown(&store, &[]);
    assert_eq!(
        lines[lines.len() - 2],
        "store: runs with times up to 2h ahead of now, of a, b: the clock was ahead when they ran"
    );
    assert!(lines[1].contains("   +2h      +2h "), "{lines:?}");
    let json = shown(&store, &["a", "--json"]);
    assert!(json[0].contains(r#""ahead_ms":7200000"#), "{json:?}");
}

#[test]
fn an_unknown_check_is_said_as_everywhere() {
    let store = store(&[("load", run(0, State::Ok, "x"))]);
    let args = stage::options(&store, &["lod"]);
    let now = "2026-11-22T13:01:00+01:00[Europe/Berlin]".parse().unwrap();
    let failure = show(&args, &now, STYLE, &mut Vec::new()).unwrap_err();
    assert_eq!(failure.message, "failed to find the check \"lod\" in the store; did you mean load?");
    assert_eq!(failure.code, ExitCode::Usage);
}

#[test]
fn what_comes_from_plugins_is_printable() {
    let store = store(&[("a\u{1b}b", run(0, State::Ok, "\u{9b}2J\u{202e}x\ny"))]);
    let all = shown(&store, &[]).join("\n");
    assert!(!all.replace('\n', "").contains(custos_query::is_unsafe), "{all:?}");
    assert!(all.contains("a\\u{1b}b") && all.contains("\\u{9b}2J\\u{202e}x\\ny"), "{all}");
}

#[test]
fn a_check_that_is_defined_is_shown_at_any_time() {
    let store = store(&[("a", run(0, State::Ok, "fine")), ("gone", run(0, State::Ok, "fine"))]);
    let config = store.path().join("custos.yaml");
    std::fs::write(&config, "checks: { a: { command: /bin/true }, new: { command: /bin/true } }\n").unwrap();
    let config = config.display().to_string();
    let states = |at: &str| -> Vec<String> {
        let lines = shown(&store, &["--config", &config, "--at", at]);
        let rows = lines.iter().filter(|line| line.starts_with("PENDING") || line.starts_with("OK"));
        rows.map(|line| {
            line.split_whitespace()
                .filter(|word| ["OK", "PENDING", "a", "new", "gone"].contains(word))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
    };
    assert_eq!(states("-30s"), ["PENDING new", "OK a", "OK gone"]);
    assert_eq!(states("-1h"), ["PENDING a", "PENDING new"]);
}

#[test]
fn the_last_run_is_one_that_took_place() {
    let skipped = Run { reason: Reason::Skipped, ..run(50_000, State::Unknown, "skipped: b is CRITICAL") };
    let store = store(&[("a", run(0, State::Ok, "fine")), ("a", skipped)]);
    let line = shown(&store, &[]).remove(1);
    assert_eq!(line, "OK       hard            1m       1m       - a     fine [skipped: b is CRITICAL]");
}
