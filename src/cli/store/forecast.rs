//! `custos store forecast`: how the store grows, and when the disk will be full.

use std::io::Write;

use custos_store::Reader;
use serde::Serialize;

use super::directory::{StoreDir, not_opened};
use crate::cli::read::{Failure, json_line};
use crate::cli::style::printable;
use crate::clock;
use crate::limits::{FORECAST_HISTORY_MIN, FORECAST_SPAN, STORE_YOUNG};
use crate::text::human;

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
    /// None if the history is too short to tell, as with each check.
    bytes_a_day: Option<f64>,
    free_bytes: Option<u64>,
    days_left: Option<f64>,
    checks: Vec<CheckJson<'a>>,
    /// The time between the first and the last run that the figures go by.
    measured_ms: i64,
}

#[derive(Serialize)]
struct CheckJson<'a> {
    check: &'a str,
    bytes_a_day: Option<f64>,
}

/// The runs of a check in the last weeks.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    runs: u64,
    first_ms: i64,
    last_ms: i64,
}

impl Recent {
    fn of(reader: &Reader, check: &str, now_ms: i64) -> Result<Recent, Failure> {
        let mut recent = Recent { runs: 0, first_ms: i64::MAX, last_ms: i64::MIN };
        let span = now_ms.saturating_sub(FORECAST_SPAN.as_millis() as i64)..now_ms.saturating_add(1);
        for batch in reader.states(check, span) {
            let batch = batch?;
            recent.runs += batch.len() as u64;
            for run in batch {
                recent.first_ms = recent.first_ms.min(run.time_ms);
                recent.last_ms = recent.last_ms.max(run.time_ms);
            }
        }
        Ok(recent)
    }

    /// The time between the first and the last, in ms.
    fn span_ms(self) -> i64 {
        if self.runs == 0 { 0 } else { self.last_ms.saturating_sub(self.first_ms) }
    }
}

/// Bytes a day of a check at the rate of its recent runs, each of which takes what its runs take on the average; at least
/// an hour is assumed.
fn rate(recent: Recent, runs: u64, bytes: u64) -> f64 {
    let span_ms = (recent.span_ms() as f64).max(DAY_MS / 24.0);
    bytes as f64 / runs.max(1) as f64 * recent.runs as f64 * DAY_MS / span_ms
}

pub(super) fn forecast(args: &ForecastArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let dir = args.directory.dir()?;
    let reader = Reader::open(&dir).map_err(|error| not_opened(&dir, &error))?;
    let bytes = reader.bytes_by_check();
    let now_ms = clock::now_ms();
    let mut rates: Vec<(String, f64)> = Vec::new();
    let mut span_ms = 0;
    for check in reader.checks() {
        let recent = Recent::of(&reader, &check.name, now_ms)?;
        span_ms = span_ms.max(recent.span_ms());
        let rate = rate(recent, check.runs, bytes.get(&check.name).copied().unwrap_or(0));
        rates.push((check.name, rate));
    }
    rates.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    // The sum of nothing is a negative zero.
    let total = rates.iter().map(|(_, rate)| rate).sum::<f64>() + 0.0;
    let free = reader.free_bytes();
    let too_young = total > 0.0 && span_ms < FORECAST_HISTORY_MIN.as_millis() as i64;
    let days = free.filter(|_| total > 0.0 && !too_young).map(|free| free as f64 / total);
    if args.json {
        let told = |rate: f64| (!too_young).then_some(rate);
        let checks =
            rates.iter().map(|(check, rate)| CheckJson { check, bytes_a_day: told(*rate) }).collect();
        let json = ForecastJson {
            bytes_a_day: told(total),
            free_bytes: free,
            days_left: days,
            checks,
            measured_ms: span_ms,
        };
        return json_line(&json, out);
    }
    if too_young {
        if let Some(free) = free {
            writeln!(out, "{} are free", human::bytes(free))?;
        }
        let least = human::duration_ms(FORECAST_HISTORY_MIN.as_millis() as i64);
        writeln!(
            out,
            "too young to tell: the runs cover {}, and a forecast needs {least}",
            human::duration_ms(span_ms)
        )?;
        return Ok(());
    }
    writeln!(out, "{:>14}  check", "a day")?;
    for (check, rate) in &rates {
        writeln!(out, "{:>14}  {}", human::bytes(*rate as u64), printable(check))?;
    }
    writeln!(out, "{:>14}  all", human::bytes(total as u64))?;
    match (free, days) {
        (Some(free), Some(days)) => {
            writeln!(out, "{} are free: full in {} at this rate", human::bytes(free), days_text(days))?;
        }
        (Some(free), None) => {
            writeln!(out, "{} are free; nothing was stored in the last two weeks", human::bytes(free))?;
        }
        _ => {}
    }
    if total > 0.0 && span_ms < STORE_YOUNG.as_millis() as i64 {
        writeln!(out, "the store is young: this goes by {} only", human::duration_ms(span_ms))?;
    }
    Ok(())
}

/// Days as far as anybody looks ahead.
fn days_text(days: f64) -> String {
    if days >= 36_525.0 {
        "more than 100 years".to_owned()
    } else {
        human::counted(days.round() as u64, "day")
    }
}

#[cfg(test)]
mod tests {
    use custos_store::Run;

    use super::*;
    use crate::cli::stage;

    fn shown(first_ms: &[i64]) -> String {
        let store = stage::store(|writer| {
            for time_ms in first_ms {
                writer.append(&[("x", &Run { time_ms: *time_ms, ..Run::default() })]).unwrap();
            }
        });
        let mut out = Vec::new();
        let directory = StoreDir { dir: Some(store.path().to_owned()), ..StoreDir::default() };
        forecast(&ForecastArgs { directory, json: false }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_rate_is_by_the_day_of_the_last_weeks() {
        let recent = |runs, last_ms| Recent { runs, first_ms: 0, last_ms };
        assert_eq!(rate(recent(10, 86_400_000), 10, 500), 500.0);
        assert_eq!(rate(recent(10, 43_200_000), 10, 500), 1000.0);
        assert_eq!(rate(recent(1, 0), 1, 1), 24.0);
        // Half of the runs are old.
        assert_eq!(rate(recent(10, 86_400_000), 20, 500), 250.0);
        assert_eq!(rate(recent(0, 0), 20, 500), 0.0);
    }

    #[test]
    fn a_run_of_1970_is_no_history_and_a_young_store_says_so() {
        let now_ms = clock::now_ms();
        let hours: Vec<i64> = (0..30).map(|minute| now_ms - minute * 180_000).collect();
        let young = shown(&[&[5_000][..], &hours].concat());
        assert!(young.contains("the store is young: this goes by 1h 27m only"), "{young}");
        let newborn = shown(&[now_ms - 71_000, now_ms]);
        assert!(newborn.contains("too young to tell: the runs cover 1m 11s"), "{newborn}");
        assert!(!newborn.contains("full in"), "{newborn}");
        let of_1970 = shown(&[5_000]);
        assert!(of_1970.contains("nothing was stored in the last two weeks"), "{of_1970}");
        let days: Vec<i64> = (0..100).map(|hour| now_ms - hour * 3_600_000).collect();
        assert!(!shown(&days).contains("young"));
    }

    #[test]
    fn nobody_looks_further_than_a_century_ahead() {
        assert_eq!(days_text(12.4), "12 days");
        assert_eq!(days_text(1.2), "1 day");
        assert_eq!(days_text(24_062_468_334_974.0), "more than 100 years");
    }
}
