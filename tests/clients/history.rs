//! The history that every client asks for: an hour of checks of many kinds, which ended just now, as clients ask for now.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

const STEP_S: i64 = 10;
const RUNS: i64 = 360;
/// Runs of `load` until it is WARNING.
const LOAD_OK_RUNS: i64 = 300;

/// An hour of runs, and when the last ones were (s since the epoch).
pub(crate) struct History {
    pub(crate) lines: String,
    pub(crate) end_s: i64,
}

/// Makes the history up to now. Every run n, from 1 to 360, is the same at any time:
///
/// - `load`: `load1` is n / 100, `load5` is 1; OK up to run 300, then WARNING.
/// - `memory`: `used` is 4 GiB, `used_percent` 25.
/// - `net`: `in` counts 1,000 each run, of `if="eth0"` and, twice as much, of an interface with a hostile name.
/// - `switch.1`: `ifInOctets`, a counter with the label `if.name`; such names need quotes in PromQL.
/// - `über`: `time` is 0.25 s.
/// - `backup`: each hour, `age` 5 h; the last run was half an hour ago.
pub(crate) fn history() -> History {
    // Clients ask for now, so this is the one thing that no test can choose.
    let end_s = Timestamp::now().as_second() / STEP_S * STEP_S;
    let mut lines = String::new();
    let mut run = |check: &str, time_s: i64, state: &str, metrics: Value| {
        let run = json!({"check": check, "time_ms": time_s * 1000, "state": state, "duration_ms": 20.0, "metrics": metrics});
        writeln!(lines, "{run}").unwrap();
    };
    for n in 1..=RUNS {
        let time_s = end_s - (RUNS - n) * STEP_S;
        let load_state = if n <= LOAD_OK_RUNS { "OK" } else { "WARNING" };
        let load1 = n as f64 / 100.0;
        run("load", time_s, load_state, json!([metric("load1", load1, ""), metric("load5", 1.0, "")]));
        let used = metric("used", 4_294_967_296.0, "B");
        run("memory", time_s, "OK", json!([used, metric("used_percent", 25.0, "%")]));
        let count = (n * 1000) as f64;
        let interfaces =
            [labelled("in", "if", "eth0", count), labelled("in", "if", "Gigabit \"0\"\\1 é", count * 2.0)];
        run("net", time_s, "OK", json!(interfaces));
        run("switch.1", time_s, "OK", json!([labelled("ifInOctets", "if.name", "uplink", count)]));
        run("über", time_s, "OK", json!([metric("time", 0.25, "s")]));
    }
    for hours in [3, 2, 1, 0] {
        run("backup", end_s - 1800 - hours * 3600, "OK", json!([metric("age", 18_000.0, "s")]));
    }
    History { lines, end_s }
}

fn metric(label: &str, value: f64, unit: &str) -> Value {
    json!({"label": label, "value": value, "unit": unit})
}

fn labelled(label: &str, name: &str, value: &str, count: f64) -> Value {
    json!({"label": label, "labels": {name: value}, "value": count, "unit": "c"})
}
