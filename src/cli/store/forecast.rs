//! `custos store forecast`: how the store grows, and when the disk will be full.

use std::io::Write;

use custos_store::{CheckInfo, Reader};
use serde::Serialize;

use super::directory::{StoreDir, failed};
use crate::cli::read::{Failure, json_line};

const DAY_MS: f64 = 86_400_000.0;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct ForecastArgs {
    #[command(flatten)]
    directory: StoreDir,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ForecastJson<'a> {
    bytes_a_day: f64,
    free_bytes: Option<u64>,
    days_left: Option<f64>,
    checks: Vec<CheckJson<'a>>,
}

#[derive(Serialize)]
struct CheckJson<'a> {
    check: &'a str,
    bytes_a_day: f64,
}

/// Bytes a day of a check, from the time between its first and last run; at least an hour is assumed.
fn rate(check: &CheckInfo, bytes: u64) -> f64 {
    let span_ms = (check.last_ms as f64 - check.first_ms as f64).max(DAY_MS / 24.0);
    bytes as f64 * DAY_MS / span_ms
}

pub(super) fn forecast(args: &ForecastArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let reader = Reader::open(&args.directory.dir()?).map_err(|error| failed("open the store", &error))?;
    let bytes = reader.bytes_by_check();
    let mut rates: Vec<(String, f64)> = reader
        .checks()
        .into_iter()
        .map(|check| {
            let rate = rate(&check, bytes.get(&check.name).copied().unwrap_or(0));
            (check.name, rate)
        })
        .collect();
    rates.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    // The sum of nothing is a negative zero.
    let total = rates.iter().map(|(_, rate)| rate).sum::<f64>() + 0.0;
    let free = reader.free_bytes();
    let days = free.filter(|_| total > 0.0).map(|free| free as f64 / total);
    if args.json {
        let checks = rates.iter().map(|(check, rate)| CheckJson { check, bytes_a_day: *rate }).collect();
        let json = ForecastJson { bytes_a_day: total, free_bytes: free, days_left: days, checks };
        return json_line(&json, out);
    }
    writeln!(out, "{:>14}  check", "bytes a day")?;
    for (check, rate) in &rates {
        writeln!(out, "{rate:>14.0}  {}", crate::cli::style::printable(check))?;
    }
    writeln!(out, "{total:>14.0}  all")?;
    match (free, days) {
        (Some(free), Some(days)) => {
            writeln!(out, "{free} bytes are free: full in {days:.0} days at this rate")?
        }
        (Some(free), None) => writeln!(out, "{free} bytes are free; nothing is stored yet")?,
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_by_the_day() {
        let check = |last_ms| CheckInfo { name: "x".to_owned(), runs: 1, first_ms: 0, last_ms };
        assert_eq!(rate(&check(86_400_000), 500), 500.0);
        assert_eq!(rate(&check(43_200_000), 500), 1000.0);
        assert_eq!(rate(&check(0), 1), 24.0);
    }
}
