//! `custos forecast`: when a metric will reach a limit.

use std::io::Write;

use clap_complete::engine::ArgValueCompleter;
use custos_query::{FORECAST_DAYS, ForecastRequest, ForecastSilent, Forecasted, ReadContext, SimilarSeries};
use custos_store::Reader;
use jiff::Zoned;

use super::completion;
use super::one_series::one_series;
use super::read::{Failure, Opened, ReadArgs, finish, json_line, local_time, now, time_or_now};
use super::style::printable;
use crate::config::Config;
use crate::exit_code::ExitCode;
use crate::limits::FORECAST_STALE_MS;
use crate::text::human::{Prefixes, duration_ms, quantity};
use crate::why::{ForecastLine, MetricLimit, metric_limit};

/// Shows when a metric will reach a limit, by what it did since its rate changed last.
///
/// Whole weeks of what it did are put one behind the other, as they may come, hundreds of times: so rhythms, bursts and
/// cleanups come as often as they did. The range is as wide as it would have had to be before. Where nothing can be known, nothing is
/// said. The limit is that of --limit, else the greatest value that the plugin names, else its critical range or that of the
/// configuration.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ForecastArgs {
    /// A metric of a check: disk:/
    #[arg(value_name = "CHECK:METRIC", add = ArgValueCompleter::new(completion::check_or_metric))]
    target: String,
    /// The limit, in the base unit of the metric
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    limit: Option<f64>,
    /// Look as if it were this time; nothing of later counts
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(super) fn run(args: &ForecastArgs) -> ExitCode {
    finish(|out| answer(args, &now(), out))
}

fn answer(args: &ForecastArgs, now: &Zoned, out: &mut dyn Write) -> Result<(), Failure> {
    let at_ms = time_or_now("--at", args.at.as_deref(), now)?;
    let Opened { reader, config, mut damage, .. } = args.read.open()?;
    let (of, unit) = one_series(&reader, &args.target)?;
    if of.series.is_counter {
        return Err(Failure::usage("a counter has no limit that it could reach"));
    }
    let limit = limit(args, &reader, config.as_ref(), &of, at_ms)?;
    let mut on_damage = |error: &custos_store::Error| damage.note(error);
    let request = ForecastRequest { check: &of.check, series: &of.series, limit: limit.value, at_ms };
    let found = request.read(&reader, &mut ReadContext::new(&mut on_damage))?;
    if args.json {
        json_line(&ForecastLine::of(&of, limit.value, at_ms, &found), out)?;
    } else {
        let name = format!("{}:{}", of.check, of.series.key);
        writeln!(out, "{}", printable(&name))?;
        for line in lines(&found, &limit, &unit, at_ms, now) {
            writeln!(out, "{}", printable(&line))?;
        }
    }
    damage.finish(out)
}

/// The limit that is meant.
fn limit(
    args: &ForecastArgs,
    reader: &Reader,
    config: Option<&Config>,
    of: &SimilarSeries,
    at_ms: i64,
) -> Result<MetricLimit, Failure> {
    if let Some(value) = args.limit {
        if !value.is_finite() {
            return Err(Failure::usage("--limit is not a number"));
        }
        return Ok(MetricLimit { value, whose: "" });
    }
    let known = config.and_then(|config| config.checks.get(&of.check));
    let own = known.iter().flat_map(|check| &check.thresholds).filter(|one| one.is_for(&of.series.key.label));
    let own = own.filter_map(|one| Some(one.critical.as_ref()?.bounds.end));
    metric_limit(reader, of, at_ms, own).ok_or_else(|| {
        Failure::usage("neither the plugin nor the configuration names a limit; give one by --limit")
    })
}

/// The forecast in words.
fn lines(
    found: &Result<Forecasted, ForecastSilent>,
    limit: &MetricLimit,
    unit: &str,
    at_ms: i64,
    now: &Zoned,
) -> Vec<String> {
    let value = |value: f64| quantity(value, unit, Prefixes::Si);
    let whose = if limit.whose.is_empty() { String::new() } else { format!(" ({})", limit.whose) };
    let of_limit = format!("{}{whose}", value(limit.value));
    let found = match found {
        Ok(found) => found,
        Err(ForecastSilent::Short) => {
            return vec![format!("to {of_limit}: too little history to say anything")];
        }
        Err(ForecastSilent::Jumps) => {
            return vec![format!("to {of_limit}: no rule: it jumps, and forecasts made before did not hold")];
        }
    };
    let zone = now.time_zone();
    let sign = if found.per_day < 0.0 { "" } else { "+" };
    let rate = format!("{sign}{} a day since {}", value(found.per_day), local_time(found.since_ms, zone));
    let mut lines = vec![format!("{} now, {rate}", value(found.value))];
    let span = |time_ms: i64| duration_ms(time_ms.saturating_sub(at_ms).max(0));
    let bound = |time_ms: Option<i64>| time_ms.map_or(format!("more than {FORECAST_DAYS} days"), span);
    lines.push(match (found.median_ms, found.low_ms) {
        (Some(median), low) => format!(
            "{of_limit} in {}, at {}; in 8 of 10 cases in {} to {}",
            span(median),
            local_time(median, zone),
            bound(low),
            bound(found.high_ms)
        ),
        (None, Some(low)) => {
            format!("{of_limit} probably not within {FORECAST_DAYS} days, at the earliest in {}", span(low))
        }
        (None, None) => format!("{of_limit} not within {FORECAST_DAYS} days"),
    });
    let percent = |share: f64| format!("{:.0}%", share * 100.0);
    let [week, month] = found.probability.map(percent);
    lines.push(format!("within 7 days: {week}, within 30 days: {month}"));
    if found.held.1 > 0 {
        lines.push(format!("of {} such forecasts made before {} held", found.held.1, found.held.0));
    }
    if at_ms.saturating_sub(found.now_ms) > FORECAST_STALE_MS {
        lines.push(format!("the newest value is of {}", local_time(found.now_ms, zone)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use custos_store::{Bounds, Metric, Run, Value, Writer};

    use super::*;
    use crate::cli::stage::{self, NOON};

    const HOUR: i64 = 3_600_000;

    /// Forty days of a disk that grows by 24 a day, and of a metric without a limit.
    fn store() -> tempfile::TempDir {
        stage::store(|writer: &mut Writer| {
            for hour in 0..40 * 24 {
                let time_ms = NOON - (40 * 24 - hour) * HOUR + HOUR / 2;
                let used = Metric {
                    unit: "B".to_owned(),
                    crit: Some(Bounds { start: 0.0, end: 1500.0, inside: false }),
                    max: Some(1200.0),
                    ..Metric::new("used", Value::from(hour as f64))
                };
                let free = Metric::new("free", Value::from(5000.0 - hour as f64));
                let grown = Metric { unit: "c".to_owned(), ..Metric::new("grown", Value::from(hour as f64)) };
                let run = Run { time_ms, metrics: vec![used, free, grown], ..Run::default() };
                writer.append(&[("disk", &run)]).unwrap();
            }
        })
    }

    fn shown(line: &[&str]) -> Result<String, Failure> {
        stage::shown(&store(), line, |args, now, _, out| answer(args, now, out))
    }

    #[test]
    fn it_says_when_how_sure_and_since_when() {
        let shown = shown(&["disk:used"]).unwrap();
        let expected = "\
disk:used
959 B now, +24 B a day since 2026-10-13 15:01:00
1.2 kB (the greatest value) in 10d 1h, at 2026-12-02 14:01:00; in 8 of 10 cases in 10d 1h to 10d 1h
within 7 days: 0%, within 30 days: 100%
of 25 such forecasts made before 25 held
";
        assert_eq!(shown, expected, "{shown}");
    }

    #[test]
    fn a_limit_may_lie_below_and_must_be_known() {
        let line = ["disk:free", "--limit", "4000", "--json"];
        let found: serde_json::Value = serde_json::from_str(&shown(&line).unwrap()).unwrap();
        assert_eq!(found["probability"]["7d"], 1.0);
        assert!(found["low_ms"].as_i64() <= found["median_ms"].as_i64(), "{found}");
        for (line, reason) in [
            (&["disk:free"][..], "give one by --limit"),
            (&["disk:grown"], "a counter has no limit"),
            (&["disk"], "is several metrics"),
            (&["disk:used", "--limit", "nan"], "is not a number"),
        ] {
            let failure = shown(line).unwrap_err();
            assert!(failure.message.contains(reason), "{}", failure.message);
        }
    }

    #[test]
    fn it_is_silent_where_nothing_can_be_known() {
        let early = shown(&["disk:used", "--at", "2026-10-15"]).unwrap();
        assert_eq!(early, "disk:used\nto 1.2 kB (the greatest value): too little history to say anything\n");
        let json = shown(&["disk:used", "--at", "2026-10-15", "--json"]).unwrap();
        assert!(json.contains(r#""median_ms":null"#) && json.contains(r#""reason":"short""#), "{json}");
        let far = shown(&["disk:used", "--limit", "1e9"]).unwrap();
        assert!(far.contains("1 GB not within 60 days\n"), "{far}");
    }
}
