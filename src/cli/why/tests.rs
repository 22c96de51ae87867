//! The command, on a store in which something happens at the end.

use custos_store::{Metric, Run, Standing, State, Value, Writer};

use super::run::answer;
use crate::cli::read::Failure;
use crate::cli::stage::{self, NOON};

const MINUTE: i64 = 60_000;
const MINUTES: i64 = 10 * 24 * 60;

fn noise(minute: i64, of: u64) -> f64 {
    let mut bits = (minute as u64 ^ of << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Ten days up to the look; a disk fills for the last forty minutes, and a check turns CRITICAL for the last twenty.
fn store(happens: bool) -> tempfile::TempDir {
    stage::store(|writer: &mut Writer| {
        for minute in 0..MINUTES {
            let time_ms = NOON - (MINUTES - minute) * MINUTE;
            let left = MINUTES - minute;
            let run = Run { time_ms, standing: hard(State::Ok), ..Run::default() };
            let disk = 40.0 + noise(minute, 1) + if happens && left <= 40 { (41 - left) as f64 } else { 0.0 };
            let usual = 5.0 + noise(minute, 2) + (minute as f64 / 1440.0 * std::f64::consts::TAU).sin() * 3.0;
            let mut disk = Run { metrics: vec![Metric::new("used", Value::from(disk))], ..run.clone() };
            disk.text = format!("DISK OK - {minute} of 99999");
            if happens && left <= 30 {
                disk.text = "DISK OK - journal aborted\u{1b}[2J".to_owned();
            }
            let mut load = Run { metrics: vec![Metric::new("load1", Value::from(usual))], ..run };
            if happens && left <= 20 {
                (load.state, load.standing) = (State::Critical, hard(State::Critical));
                load.text = "LOAD CRITICAL".to_owned();
            }
            writer.append(&[("disk", &disk), ("load", &load)]).unwrap();
        }
    })
}

fn hard(state: State) -> Standing {
    Standing { hard: true, attempt: 1, hard_state: state, ..Standing::default() }
}

fn shown(happens: bool, line: &[&str]) -> Result<String, Failure> {
    stage::shown(&store(happens), line, answer)
}

#[test]
fn what_changed_with_a_problem_is_listed_with_when() {
    let shown = shown(true, &["load"]).unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("load CRITICAL since 2026-11-22 12:40:00, for 21m"), "{shown}");
    assert_eq!(lines[1], "    LOAD CRITICAL");
    assert!(
        lines[2].starts_with("2026-11-22 12:25:00 to 13:01:00") || lines[2].contains("2 metrics"),
        "{shown}"
    );
    assert!(lines[3].starts_with("2026-11-22 12:2") && lines[3].contains("disk:used"), "{shown}");
    assert!(lines[3].contains("never so far"), "{shown}");
    assert!(lines[4].contains("load OK to CRITICAL: LOAD CRITICAL"), "{shown}");
    let new = "2026-11-22 12:30:00  disk says for the first time in ";
    assert!(
        lines[5].starts_with(new) && lines[5].ends_with(": DISK OK - journal aborted\\u{1b}[2J"),
        "{shown}"
    );
    assert_eq!(lines[6], "1 other metric was as before", "{shown}");
}

/// A check that changes its state with every run for half an hour, beside the others.
fn flapping() -> tempfile::TempDir {
    stage::store(|writer: &mut Writer| {
        for minute in 0..MINUTES {
            let left = MINUTES - minute;
            let time_ms = NOON - left * MINUTE;
            let state = |is_bad: bool| if is_bad { State::Warning } else { State::Ok };
            let run = |state: State| Run { time_ms, state, standing: hard(state), ..Run::default() };
            let door = run(state(left <= 30 && left % 2 == 0));
            let disk = run(state(left <= 10));
            writer.append(&[("door", &door), ("disk", &disk)]).unwrap();
        }
    })
}

#[test]
fn a_check_that_goes_back_and_forth_is_one_line() {
    let shown = stage::shown(&flapping(), &[], answer).unwrap();
    let of = |check: &str| shown.lines().filter(|line| line.contains(check)).collect::<Vec<_>>();
    let expected =
        "2026-11-22 12:30:00  door changed 30 times until 2026-11-22 12:59:00, at last WARNING to OK: ";
    assert_eq!(of("door"), [expected], "{shown}");
    assert_eq!(of("disk"), ["2026-11-22 12:50:00  disk OK to WARNING: "], "{shown}");
    assert!(!shown.contains(" more"), "{shown}");
    let lines = stage::shown(&flapping(), &["--json"], answer).unwrap();
    assert_eq!(
        lines.lines().filter(|line| line.contains("\"door\"")).count(),
        30,
        "all of them are data: {lines}"
    );
}

#[test]
fn nothing_is_listed_where_nothing_happened() {
    let shown = shown(false, &[]).unwrap();
    assert!(shown.ends_with("\nnothing is unlike its past\n"), "{shown}");
    assert_eq!(shown.lines().count(), 2, "{shown}");
}

#[test]
fn each_metric_and_change_of_state_is_a_line_of_json() {
    let shown = shown(true, &["load", "--json"]).unwrap();
    let lines: Vec<serde_json::Value> =
        shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["series", "series", "state", "text"]);
    assert_eq!((lines[0]["metric"].as_str(), lines[0]["listed"].as_bool()), (Some("used"), Some(true)));
    assert_eq!((lines[1]["metric"].as_str(), lines[1]["listed"].as_bool()), (Some("load1"), Some(false)));
    assert!(lines[0]["onset_ms"].as_i64().unwrap() < NOON - 20 * MINUTE, "{shown}");
    assert_eq!(lines[2]["now"].as_str(), Some("CRITICAL"));
    let before = self::shown(true, &["load", "--json", "--at", "12:00"]).unwrap();
    assert!(!before.contains(r#""listed":true"#) && !before.contains("state"), "{before}");
}

/// The same, with a night before on which it was so, too.
#[test]
fn when_it_was_like_this_before_is_said_with_how_it_ended() {
    let store = stage::store(|writer: &mut Writer| {
        let state_at = |left: i64| if (1..=20).contains(&left) { State::Critical } else { State::Ok };
        for minute in 0..MINUTES {
            let (time_ms, left) = (NOON - (MINUTES - minute) * MINUTE, MINUTES - minute);
            let night = left - 5000;
            let risen = |left: i64| if (1..=40).contains(&left) { (41 - left) as f64 } else { 0.0 };
            let used = 40.0 + noise(minute, 1) + risen(left) + 1.1 * risen(night);
            let state = state_at(left).worst(state_at(night));
            let metrics = vec![
                Metric::new("used", Value::from(used)),
                Metric::new("other", Value::from(noise(minute, 3))),
            ];
            let run = Run { time_ms, metrics, state, standing: hard(state), ..Run::default() };
            writer.append(&[("disk", &run)]).unwrap();
        }
    });
    let shown = |line: &[&str]| stage::shown(&store, line, answer).unwrap();
    let said = shown(&["disk"]);
    let before = said.lines().find(|line| line.starts_with("like it ")).unwrap_or_else(|| panic!("{said}"));
    assert!(before.starts_with("like it 2026-11-19 01:"), "{before}");
    assert!(before.contains(": disk:used, x") && before.contains("; then OK, CRITICAL after "), "{before}");
    assert!(before.contains(", OK again after "), "{before}");
    let json = shown(&["disk", "--json"]);
    let last: serde_json::Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    assert_eq!((last["kind"].as_str(), last["metric"].as_str()), (Some("similar"), Some("used")));
    // Of that night nothing of before is like it.
    let night = shown(&["disk", "--at", "2026-11-19 01:41"]);
    assert!(night.contains("disk CRITICAL") && !night.contains("like it"), "{night}");
}
