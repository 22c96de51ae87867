//! The command, on a store in which something happens in the last night.

use custos_store::{Metric, Run, Standing, State, Value, Writer};

use super::run::answer;
use crate::cli::read::Failure;
use crate::cli::stage::{self, NOON};
use crate::timeline::{Marks, TimelineNote};

const MINUTE: i64 = 60_000;
const DAYS: i64 = 20;

fn noise(slot: i64, of: u64) -> f64 {
    let mut bits = (slot as u64 ^ of << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Twenty days up to noon. Ten hours before it a disk has a new level, and a little later a check is CRITICAL for an hour.
fn store(happens: bool) -> tempfile::TempDir {
    let store = stage::store(|writer: &mut Writer| {
        let slots = DAYS * 288;
        for slot in 0..slots {
            let time_ms = NOON - (slots - slot) * 5 * MINUTE;
            let left = (slots - slot) * 5;
            let standing = Standing { hard: true, attempt: 1, hard_state: State::Ok, ..Standing::default() };
            let run = Run { time_ms, standing, ..Run::default() };
            let disk = 40.0 + noise(slot, 1) + if happens && left <= 600 { 10.0 } else { 0.0 };
            let disk = Run { metrics: vec![Metric::new("used", Value::from(disk))], ..run.clone() };
            let usual = 5.0 + noise(slot, 2) + (slot as f64 / 288.0 * std::f64::consts::TAU).sin() * 3.0;
            let mut load = Run { metrics: vec![Metric::new("load1", Value::from(usual))], ..run };
            if happens && (530..=590).contains(&left) {
                load.state = State::Critical;
                load.standing.hard_state = State::Critical;
                load.text = "LOAD CRITICAL\u{1b}[2J".to_owned();
            }
            writer.append(&[("disk", &disk), ("load", &load)]).unwrap();
        }
    });
    let (author, text) = ("anna".to_owned(), "deploy".to_owned());
    let of = |number| TimelineNote { number, time_ms: NOON - 610 * MINUTE, check: None, author, text };
    Marks::add(store.path(), of).unwrap();
    store
}

fn shown(happens: bool, line: &[&str]) -> Result<String, Failure> {
    stage::shown(&store(happens), line, answer)
}

#[test]
fn what_changed_is_one_group_with_what_came_first_on_top() {
    let shown = shown(true, &[]).unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], "2026-11-21 13:01:00 to 2026-11-22 13:01:00, 2 metrics against up to 8d before");
    assert!(lines[1].starts_with("2026-11-22 03:00:00") && lines[1].contains("  for "), "{shown}");
    assert!(lines[2].ends_with("note deploy (anna)"), "{shown}");
    assert!(lines[3].starts_with("    2026-11-22 03:00:00") && lines[3].contains("disk:used"), "{shown}");
    assert!(lines[3].contains("higher than ever, for "), "{shown}");
    assert!(lines[4].contains("load OK to CRITICAL: LOAD CRITICAL\\u{1b}[2J"), "{shown}");
    assert_eq!(lines[lines.len() - 1], "nothing else changed");
    assert!(lines.len() <= 7, "{shown}");
}

#[test]
fn where_nothing_happened_nothing_changed() {
    let shown = shown(false, &["--since", "-7d"]).unwrap();
    assert_eq!(shown.lines().skip(1).collect::<Vec<_>>(), ["nothing changed"]);
    assert!(self::shown(false, &["--since", "12:00", "--until", "11:00"]).is_err());
}

#[test]
fn each_change_is_a_line_of_json() {
    let shown = shown(true, &["--json"]).unwrap();
    let lines: Vec<serde_json::Value> =
        shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).count();
    assert_eq!((of("series"), of("note")), (1, 1), "{shown}");
    assert!(of("state") >= 1 && lines.iter().all(|line| line["group"] == 1), "{shown}");
    let onset_ms = lines[0]["onset_ms"].as_i64().unwrap();
    assert!((onset_ms - (NOON - 600 * MINUTE)).abs() <= 10 * MINUTE, "{shown}");
    assert!(
        lines[0]["now"].as_f64().unwrap() > 49.0 && lines[0]["before"].as_f64().unwrap() < 42.0,
        "{shown}"
    );
}
