//! The history that pages look back at: thirty days of the host web1, of which the last night is the one that somebody
//! is woken in, seven months of two checks of it, and a week of one check with a single sample that is far from the others.
//!
//! A backup that began at 02:30 fills `/var`, which is CRITICAL from 02:41 on; the load rises meanwhile and falls again;
//! at 03:00 the backup itself has failed.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::stage::Stage;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// 27 November 2026, 00:00 UTC, in which the machine's clock stands at 03:12.
const MIDNIGHT_MS: i64 = 1_795_737_600_000;
const END_MS: i64 = MIDNIGHT_MS + 3 * 60 * MINUTE_MS + 12 * MINUTE_MS;
const DAYS: i64 = 30;
/// What is kept of two of the checks where a page looks back for months.
const MONTHS_DAYS: i64 = 224;
/// The night seven months before in which it was the same: 21 April 2026.
const BEFORE_MS: i64 = MIDNIGHT_MS - 220 * DAY_MS;
/// The backup of every night begins at half past two.
const BACKUP_MINUTE: i64 = 150;

const ATTEMPTS_MAX: u32 = 3;
const STATES: [&str; 4] = ["OK", "WARNING", "CRITICAL", "UNKNOWN"];

/// What a plugin measured and printed.
#[derive(Default)]
struct Result {
    plugin_state: usize,
    state: usize,
    text: String,
    judgement: String,
    stderr: String,
    metrics: Vec<Value>,
}

/// A check and its plugin.
struct Check {
    name: &'static str,
    /// Offset of its slots from the full minute.
    phase_ms: i64,
    interval_ms: i64,
    duration_ms: f64,
    plugin: fn(i64) -> Result,
}

const CHECKS: &[Check] = &[
    Check { name: "load", phase_ms: 21_000, interval_ms: MINUTE_MS, duration_ms: 2.4, plugin: load },
    Check { name: "var", phase_ms: 38_000, interval_ms: 5 * MINUTE_MS, duration_ms: 3.1, plugin: var },
    Check { name: "memory", phase_ms: 5_000, interval_ms: 5 * MINUTE_MS, duration_ms: 6.2, plugin: memory },
    Check { name: "web", phase_ms: 47_000, interval_ms: 5 * MINUTE_MS, duration_ms: 4.8, plugin: web },
    Check {
        name: "backup",
        phase_ms: 12_000,
        interval_ms: 60 * MINUTE_MS,
        duration_ms: 48.0,
        plugin: backup,
    },
];

/// Puts the history of a machine beside its session.
pub(crate) fn put(stage: &Stage, machine: &str) {
    match machine {
        "night" => {
            drop(stage.write("night", &CHECKS.iter().map(|check| history(check, DAYS)).collect::<String>()))
        }
        "months" => {
            let long = CHECKS.iter().filter(|check| ["var", "memory"].contains(&check.name));
            drop(stage.write("months", &long.map(|check| history(check, MONTHS_DAYS)).collect::<String>()));
        }
        "week" => drop(stage.write("week", &week())),
        _ => {}
    }
}

/// The runs of a check, a line each.
fn history(check: &Check, days: i64) -> String {
    let mut lines = String::new();
    let mut time_ms = MIDNIGHT_MS - days * DAY_MS + check.phase_ms;
    let (mut state, mut hard_state, mut attempt, mut since_ms) = (0, 0, 1, time_ms);
    while time_ms < END_MS {
        let result = (check.plugin)(time_ms);
        let was_soft = attempt < ATTEMPTS_MAX && state != 0;
        if result.state != state {
            since_ms = time_ms;
        }
        attempt = match (state, result.state) {
            (_, 0) | (0, _) => 1,
            _ => (attempt + u32::from(was_soft)).min(ATTEMPTS_MAX),
        };
        state = result.state;
        let hard = state == 0 || attempt == ATTEMPTS_MAX;
        if hard {
            hard_state = state;
        }
        let run = json!({
            "check": check.name, "time_ms": time_ms, "state": STATES[state], "reason": "exited",
            "exit_code": result.plugin_state, "duration_ms": check.duration_ms + noise(time_ms, 9),
            "text": result.text, "long_text": "", "metrics": result.metrics,
            "plugin_state": STATES[result.plugin_state], "signal": null, "lateness_ms": 0.4,
            "cpu_ms": check.duration_ms * 0.6, "max_rss_bytes": 3_600_384, "stderr": result.stderr, "origin": "",
            "judgement": result.judgement, "hard": hard, "attempt": attempt, "missed_slots": 0,
            "hard_state": STATES[hard_state], "since_ms": since_ms, "flapping": false, "flap_history": 0,
        });
        writeln!(lines, "{run}").unwrap();
        time_ms += if hard { check.interval_ms } else { MINUTE_MS };
    }
    lines
}

/// A number from 0 to 1 that follows from a time and a series.
fn noise(time_ms: i64, series: u64) -> f64 {
    let mut bits =
        (time_ms as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ series.wrapping_mul(0xd1b5_4a32_d192_ed03);
    bits = (bits ^ (bits >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 29)) >> 11) as f64 / (1_u64 << 53) as f64
}

fn minute_of_day(time_ms: i64) -> f64 {
    time_ms.rem_euclid(DAY_MS) as f64 / MINUTE_MS as f64
}

/// How busy the host is at a time of the day, from 0 to 1: most at four in the afternoon.
fn busy(time_ms: i64) -> f64 {
    (1.0 - ((minute_of_day(time_ms) - 240.0) / 1440.0 * std::f64::consts::TAU).cos()) / 2.0
}

/// Minutes since the backup of the last night began, or of that seven months before until somebody ended it; negative at all other
/// times.
fn backup_minutes(time_ms: i64) -> f64 {
    let minutes = minute_of_day(time_ms) - BACKUP_MINUTE as f64;
    match time_ms {
        MIDNIGHT_MS.. => minutes,
        BEFORE_MS.. if time_ms < BEFORE_MS + DAY_MS && minutes < 95.0 => minutes,
        _ => -1.0,
    }
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

fn metric(label: &str, value: f64, unit: &str, warn: Option<f64>, crit: Option<f64>) -> Value {
    let range = |end: f64| json!({ "start": 0, "end": end, "inside": false });
    json!({ "label": label, "value": value, "unit": unit, "warn": warn.map(range), "crit": crit.map(range),
            "min": 0, "max": null })
}

fn load(time_ms: i64) -> Result {
    let minutes = backup_minutes(time_ms);
    let backup = match minutes {
        m if m < 0.0 => 0.0,
        m if m < 12.0 => 7.5 * (m / 5.0).min(1.0),
        m => (7.5 - (m - 12.0)).max(0.0),
    };
    let value = rounded(0.2 + 1.4 * busy(time_ms) + 0.5 * noise(time_ms, 1) + backup, 2);
    let load5 = rounded(value * 0.8 + 0.1, 2);
    let load15 = rounded(value * 0.5 + 0.3, 2);
    let state = usize::from(value > 5.0) + usize::from(value > 10.0);
    Result {
        plugin_state: state,
        state,
        text: format!("LOAD {} - total load average: {value:.2}, {load5:.2}, {load15:.2}", STATES[state]),
        metrics: vec![
            metric("load1", value, "", Some(5.0), Some(10.0)),
            metric("load5", load5, "", Some(4.0), Some(8.0)),
            metric("load15", load15, "", Some(3.0), Some(6.0)),
        ],
        ..Result::default()
    }
}

/// The file system grows by logs, and is cleaned on Sundays; the backup of the last night fills it.
fn var(time_ms: i64) -> Result {
    const SIZE_MIB: f64 = 20_480.0;
    let days = (time_ms - (MIDNIGHT_MS - 33 * DAY_MS)).rem_euclid(7 * DAY_MS) as f64 / DAY_MS as f64;
    let dump = (backup_minutes(time_ms).max(0.0) * 720.0).min(8_500.0);
    let used = (9_000.0 + 620.0 * days + 40.0 * noise(time_ms, 2) + dump).min(SIZE_MIB - 307.0).round();
    let free = SIZE_MIB - used;
    let percent = (free / SIZE_MIB * 100.0).round();
    let state = usize::from(percent < 10.0) + usize::from(percent < 5.0);
    let bytes = 1_048_576.0;
    let limit = |share: f64| Some(SIZE_MIB * share * bytes);
    let mut metric = metric("/var", used * bytes, "B", limit(0.9), limit(0.95));
    metric["max"] = json!(SIZE_MIB * bytes);
    Result {
        plugin_state: state,
        state,
        text: format!("DISK {} - free space: /var {free}MiB ({percent}% inode=91%)", STATES[state]),
        metrics: vec![metric],
        ..Result::default()
    }
}

/// The plugin says OK always; the configuration has limits.
fn memory(time_ms: i64) -> Result {
    let backup = if backup_minutes(time_ms) >= 0.0 { 27.0 } else { 0.0 };
    let used = rounded(42.0 + 12.0 * busy(time_ms) + 2.0 * noise(time_ms, 3) + backup + backup / 2.0, 1);
    let state = usize::from(used > 80.0);
    let judgement =
        if state == 1 { format!("WARNING: used_percent is {used}%, outside 80%") } else { String::new() };
    Result {
        state,
        text: format!("MEMORY OK - {used:.1}% of 16384 MiB in use"),
        judgement,
        metrics: vec![metric("used_percent", used, "%", None, None)],
        ..Result::default()
    }
}

/// Did not answer for seven minutes on the afternoon before.
fn web(time_ms: i64) -> Result {
    let minute = (time_ms - (MIDNIGHT_MS - DAY_MS)) as f64 / MINUTE_MS as f64;
    if (860.0..869.0).contains(&minute) {
        return Result {
            plugin_state: 2,
            state: 2,
            text: "connect to address 127.0.0.1 and port 80: Connection refused".to_owned(),
            ..Result::default()
        };
    }
    let seconds = rounded(0.0004 + 0.0003 * busy(time_ms) + 0.0001 * noise(time_ms, 4), 6);
    Result {
        text: format!("TCP OK - {seconds:.3} second response time on localhost port 80"),
        metrics: vec![metric("time", seconds, "s", None, None)],
        ..Result::default()
    }
}

fn backup(time_ms: i64) -> Result {
    let age = rounded((minute_of_day(time_ms) - BACKUP_MINUTE as f64).rem_euclid(1440.0) / 60.0, 1);
    if backup_minutes(time_ms) >= 0.0 {
        return Result {
            plugin_state: 2,
            state: 2,
            text: "BACKUP CRITICAL - the dump of 2026-11-27 02:30 is not complete".to_owned(),
            stderr: "gzip: /var/backups/db.sql.gz: No space left on device\n".to_owned(),
            metrics: vec![metric("age_hours", rounded(age + 24.0, 1), "", Some(25.0), None)],
            ..Result::default()
        };
    }
    Result {
        text: format!("BACKUP OK - {age} hours old, 6.1 GB"),
        metrics: vec![metric("age_hours", age, "", Some(25.0), None)],
        ..Result::default()
    }
}

/// A sample every ten seconds, of which one is 100 and all others are near 1.
fn week() -> String {
    const START_MS: i64 = 1_770_000_000_000;
    const SAMPLES: i64 = 7 * 8640;
    const SPIKE: i64 = 30_000;
    let mut lines = String::new();
    for index in 0..SAMPLES {
        let value = if index == SPIKE { 100.0 } else { 1.0 + (index % 7) as f64 / 10.0 };
        let run = json!({
            "check": "load", "time_ms": START_MS + index * 10_000, "state": "OK", "reason": "exited", "exit_code": 0,
            "duration_ms": 3.5, "text": "LOAD OK", "long_text": "",
            "metrics": [{ "label": "load1", "value": value, "unit": "", "warn": null, "crit": null, "min": 0,
                          "max": null }],
        });
        writeln!(lines, "{run}").unwrap();
    }
    lines
}
