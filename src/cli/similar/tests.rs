//! The command, on a store with a curve that comes again.

use custos_store::{Metric, Reason, Run, Standing, State, Value, Writer};

use super::run::answer;
use crate::cli::read::Failure;
use crate::cli::stage::{self, NOON};

const MINUTE: i64 = 60_000;
/// Two weeks before the look, by the minute.
const START: i64 = NOON - 14 * 24 * 60 * MINUTE;

/// Noise that never comes again.
fn noise(minute: i64) -> f64 {
    let mut bits = (minute as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// How a disk fills in an hour, at 3000 minutes from the start and in the last hour.
fn filling(minute: i64, from: i64) -> f64 {
    match minute - from {
        at @ 0..20 => at as f64,
        20..24 => 5.0,
        24..60 => 20.0,
        _ => 0.0,
    }
}

fn store() -> tempfile::TempDir {
    stage::store(|writer: &mut Writer| {
        let last = (NOON - START) / MINUTE;
        for minute in 0..last {
            let time_ms = START + minute * MINUTE;
            let mut run = Run { time_ms, ..Run::default() };
            let value = 50.0 + noise(minute) + filling(minute, last - 60) + 1.2 * filling(minute, 3000);
            run.metrics = vec![
                Metric { unit: "%".to_owned(), ..Metric::new("used", Value::from(value)) },
                Metric::new("other", Value::from(noise(minute + 77_777))),
            ];
            run.standing = Standing { hard: true, attempt: 1, ..Standing::default() };
            if (3040..3075).contains(&minute) {
                (run.state, run.standing.hard_state) = (State::Critical, State::Critical);
                run.text = "DISK CRITICAL".to_owned();
            }
            // A night without the agent.
            if (9000..9500).contains(&minute) {
                continue;
            }
            if minute == 5000 {
                run = Run { time_ms, reason: Reason::Missed, missed_slots: 1, ..Run::default() };
            }
            writer.append(&[("disk", &run)]).unwrap();
        }
    })
}

fn shown(line: &[&str]) -> Result<String, Failure> {
    stage::shown(&store(), line, answer)
}

const ASKED: [&str; 5] = ["disk:used", "--since", "12:00", "--until", "13:00"];

#[test]
fn what_was_like_it_is_shown_with_how_it_ended() {
    let shown = shown(&ASKED).unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], "disk:used");
    assert!(lines[1].starts_with("2026-11-22 12:00:00  for 1h, 60 samples  "), "{shown}");
    assert!(lines[2].starts_with("searched 19752 samples in "), "{shown}");
    assert!(lines[4].starts_with(" 1  2026-11-10 15:00:00 Tue  100.00%   x1.19"), "{shown}");
    let curve = |line: &str| line.split("  ").last().unwrap().trim().chars().count();
    assert_eq!((curve(lines[1]), curve(lines[4])), (22, 22), "{shown}");
    assert!(lines[5].contains("higher; disk was OK, CRITICAL after 40m, OK again after 1h 15m"), "{shown}");
    assert!(shown.ends_with("left out, as more than a fifth of each is missing\n"), "{shown}");
}

#[test]
fn what_is_not_clearly_nearer_is_not_shown() {
    let quiet = ["disk:used", "--since", "10:00", "--until", "11:00"];
    let shown = shown(&quiet).unwrap();
    assert!(shown.contains("\nnothing is like it: the nearest, 2026-11-"), "{shown}");
    assert!(shown.lines().count() == 4, "{shown}");
}

#[test]
fn nothing_of_later_counts() {
    let line = ["disk:used", "--since", "2026-11-10 15:00", "--until", "2026-11-10 16:00"];
    assert!(shown(&line).unwrap().contains(" 1  2026-11-22 12:00:00 Sun"));
    let before = shown(&[&line[..], &["--at", "2026-11-15"]].concat()).unwrap();
    assert!(before.contains("nothing is like it") && !before.contains("2026-11-22"), "{before}");
}

#[test]
fn each_of_the_nearest_is_a_line_of_json() {
    let shown = shown(&[&ASKED[..], &["--json", "--any", "-n", "2"]].concat()).unwrap();
    let lines: Vec<serde_json::Value> =
        shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    let first = &lines[0];
    assert_eq!((first["check"].as_str(), first["metric"].as_str()), (Some("disk"), Some("used")));
    assert_eq!((first["rank"].as_i64(), first["since_ms"].as_i64()), (Some(1), Some(START + 3000 * MINUTE)));
    assert_eq!((first["listed"].as_bool(), lines[1]["listed"].as_bool()), (Some(true), Some(false)));
    assert!((first["height"].as_f64().unwrap() - 1.2).abs() < 0.05, "{first}");
    assert_eq!(first["turns"][0]["state"].as_str(), Some("CRITICAL"));
}

#[test]
fn the_best_is_drawn_over_it() {
    let shown = shown(&[&ASKED[..], &["--graph"]].concat()).unwrap();
    assert!(shown.contains("used 2026-11-22 12:00:00"), "{shown}");
    assert!(shown.contains("used 2026-11-10 15:00:00"), "{shown}");
}

#[test]
fn what_cannot_be_searched_for_is_refused_with_the_reason() {
    for (line, reason) in [
        (["disk", "--since", "12:00", "--until", "13:00"], "is several metrics; name one of them"),
        (["disk:check_state", "--since", "12:00", "--until", "13:00"], "check_state is not a metric"),
        (["disk:used", "--since", "12:58", "--until", "13:00"], "fewer than 8 samples"),
        (["disk:used", "--since", "13:00", "--until", "12:00"], "--since is not before --until"),
        (["nothing:used", "--since", "12:00", "--until", "13:00"], "nothing"),
    ] {
        let failure = shown(&line).unwrap_err();
        assert!(failure.message.contains(reason), "{}", failure.message);
    }
}
