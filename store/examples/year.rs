//! Writes a store with a year of a check: a run every ten seconds, each with four metrics, and an hour of trouble each week.
//!
//!     cargo run --release -p custos-store --example year -- DIRECTORY

use std::path::Path;

use custos_store::{Metric, Options, Run, Standing, State, Value, Writer};

const RUNS: i64 = 365 * 24 * 360;
const STEP_MS: i64 = 10_000;
/// The first of January of 2026.
const START_MS: i64 = 1_767_225_600_000;
const WEEK: i64 = 7 * 24 * 360;
const HOUR: i64 = 360;

/// A number from 0 to 1 that looks like chance.
fn noise(n: i64, of: u64) -> f64 {
    let mut bits = (n as u64 ^ of << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

fn run(n: i64, since_ms: &mut i64) -> Run {
    let time_ms = START_MS + n * STEP_MS + (noise(n, 9) * 8.0) as i64;
    let is_trouble = n % WEEK >= WEEK - HOUR;
    if n % WEEK == WEEK - HOUR || n % WEEK == 0 {
        *since_ms = time_ms;
    }
    let day = (n as f64 / (24.0 * HOUR as f64) * std::f64::consts::TAU).sin();
    let worse = if is_trouble { 20.0 } else { 0.0 };
    let metrics = [(1, "load1"), (2, "load5"), (3, "load15"), (4, "queue")].map(|(of, label)| {
        let value = 10.0 + day * 4.0 + worse + noise(n, of) * 3.0;
        Metric::new(label, Some(Value::from((value * 100.0).round() / 100.0)))
    });
    let state = if is_trouble { State::Critical } else { State::Ok };
    let standing =
        Standing { hard: true, attempt: 1, hard_state: state, since_ms: *since_ms, ..Standing::default() };
    let text = if is_trouble { "LOAD CRITICAL" } else { "LOAD OK" };
    Run {
        time_ms,
        state,
        plugin_state: state,
        standing,
        duration_us: 900,
        text: text.to_owned(),
        metrics: metrics.to_vec(),
        ..Run::default()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1).ok_or("the directory of the store is missing")?;
    let mut writer = Writer::open(Path::new(&directory), Options::default())?;
    let mut since_ms = START_MS;
    for n in 0..RUNS {
        writer.append(&[("load", &run(n, &mut since_ms))])?;
    }
    writer.compact()?;
    writer.close()?;
    Ok(())
}
