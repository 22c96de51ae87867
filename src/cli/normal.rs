//! `custos normal`: where a metric normally is at each hour of the week.

use std::io::Write;

use clap_complete::engine::ArgValueCompleter;
use custos_query::{Normal, NormalRequest, ReadContext, SimilarSeries};
use custos_store::Reader;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::json;

use super::completion;
use super::one_series::one_series;
use super::read::{Failure, Opened, ReadArgs, finish, json_line, local_time, now, time_or_now};
use super::style::{Style, printable};
use crate::exit_code::ExitCode;
use crate::graph::spark;
use crate::text::human::{Prefixes, counted, quantity};

/// Days of a week as bands have them.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// A Monday.
const MONDAY: Date = jiff::civil::date(1970, 1, 5);

/// Shows where a metric normally is at each hour of the week, by all of its history, and where it is now.
///
/// The band leaves out the lowest and the greatest twentieth of what it was in that hour, and an hour before and after. Weeks in which it was
/// far from where it is in the others do not count. With less than three weeks all days count as the same, and with less than three days
/// nothing is said. custos graph --normal draws the band behind a metric.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct NormalArgs {
    /// A metric of a check: load:load1
    #[arg(value_name = "CHECK:METRIC", add = ArgValueCompleter::new(completion::check_or_metric))]
    target: String,
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
pub(super) fn run(args: &NormalArgs) -> ExitCode {
    finish(|out| answer(args, &now(), args.read.style(), out))
}

fn answer(args: &NormalArgs, now: &Zoned, style: Style, out: &mut dyn Write) -> Result<(), Failure> {
    let at_ms = time_or_now("--at", args.at.as_deref(), now)?;
    let Opened { reader, mut damage, .. } = args.read.open()?;
    let (of, unit) = one_series(&reader, &args.target)?;
    let mut on_damage = |error: &custos_store::Error| damage.note(error);
    let normal = normal(&reader, &of, at_ms, now.time_zone(), &mut ReadContext::new(&mut on_damage))?;
    if args.json {
        json_line(&object(&of, at_ms, &normal, now.time_zone()), out)?;
    } else {
        let unit = if of.series.is_counter { "/s" } else { unit.as_str() };
        for line in lines(&of, unit, &normal, now.time_zone(), style) {
            writeln!(out, "{}", printable(&line))?;
        }
    }
    damage.finish(out)
}

/// What a series normally is, by all before a time, at the hours of a zone.
pub(super) fn normal(
    reader: &Reader,
    of: &SimilarSeries,
    until_ms: i64,
    zone: &TimeZone,
    context: &mut ReadContext<'_>,
) -> Result<Normal, Failure> {
    let hour_of = |time_ms| hour_of(time_ms, zone);
    Ok(NormalRequest { check: &of.check, series: &of.series, until_ms, hour_of: &hour_of }
        .read(reader, context)?)
}

/// The day since a Monday, and the hour of it.
pub(super) fn hour_of(time_ms: i64, zone: &TimeZone) -> (i64, usize) {
    let Ok(time) = Timestamp::from_millisecond(time_ms) else { return (0, 0) };
    let local = time.to_zoned(zone.clone());
    let days = MONDAY.until(local.date()).map(|span| i64::from(span.get_days())).unwrap_or(0);
    (days, usize::try_from(local.hour()).unwrap_or(0))
}

/// Which hour of the week a time is.
pub(super) fn week_hour(time_ms: i64, zone: &TimeZone) -> usize {
    let (day, hour) = hour_of(time_ms, zone);
    day.rem_euclid(7) as usize * 24 + hour
}

/// An hour of the week as people say it: `Mon 14:00`, or `14:00` if all days are the same.
pub(super) fn week_hour_name(hour: usize, by_day: bool) -> String {
    let (day, hour) = (DAYS[hour / 24 % DAYS.len()], hour % 24);
    if by_day { format!("{hour:02}:00") } else { format!("{day} {hour:02}:00") }
}

fn lines(of: &SimilarSeries, unit: &str, normal: &Normal, zone: &TimeZone, style: Style) -> Vec<String> {
    let value = |value: f64| quantity(value, unit, Prefixes::Si);
    let mut lines = vec![format!("{}:{}", of.check, of.series.key)];
    if normal.bands.iter().all(Option::is_none) {
        lines.push("too little history: what is normal can be said after three days".to_owned());
        return lines;
    }
    if let Some((time_ms, own)) = normal.newest {
        let hour = week_hour(time_ms, zone);
        let at = local_time(time_ms, zone);
        if let Some(band) = &normal.bands[hour] {
            let what = match own {
                own if own < band.low => "lower than normal",
                own if own > band.high => "higher than normal",
                _ => "as normal",
            };
            let of = counted(band.of, if band.by_day { "day" } else { "week" });
            let (day, next) = (DAYS[hour / 24], (hour % 24 + 1) % 24);
            lines.push(format!("{} at {at}, {what}", value(own)));
            lines.push(format!(
                "{day} {:02}:00 to {next:02}:00: {} to {}, by {of}",
                hour % 24,
                value(band.low),
                value(band.high)
            ));
        }
    }
    let columns = style.glyphs.dots_x();
    let curve: Vec<Option<(f64, f64)>> = normal
        .bands
        .iter()
        .flat_map(|band| std::iter::repeat_n(band.map(|band| (band.low, band.high)), columns))
        .collect();
    let curve: Vec<char> = spark(&curve, style.glyphs).chars().collect();
    lines.push("     00    06    12    18".to_owned());
    for (day, curve) in DAYS.iter().zip(curve.chunks(24)) {
        let of_day = DAYS.iter().position(|name| name == day).unwrap_or(0) * 24;
        let bands = || normal.bands[of_day..of_day + 24].iter().flatten();
        let low = bands().map(|band| band.low).fold(f64::INFINITY, f64::min);
        let high = bands().map(|band| band.high).fold(f64::NEG_INFINITY, f64::max);
        let range = if low <= high { format!("{} to {}", value(low), value(high)) } else { String::new() };
        lines.push(format!("{day}  {}  {range}", curve.iter().collect::<String>()).trim_end().to_owned());
    }
    lines
}

fn object(of: &SimilarSeries, at_ms: i64, normal: &Normal, zone: &TimeZone) -> serde_json::Value {
    let band = |hour: usize| {
        normal.bands[hour].map(|band| {
            let by = if band.by_day { "day" } else { "week" };
            json!({ "low": band.low, "middle": band.middle, "high": band.high, "of": band.of, "by": by })
        })
    };
    json!({
        "check": of.check,
        "metric": of.series.key.to_string(),
        "time_ms": normal.newest.map(|(time_ms, _)| time_ms),
        "value": normal.newest.map(|(_, value)| value),
        "now": band(week_hour(at_ms, zone)),
        "hours": (0..normal.bands.len()).map(band).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use custos_store::{Metric, Run, Value};

    use super::*;
    use crate::cli::stage::{self, NOON};

    /// Five weeks up to noon, busy from nine to five where people are, and low in the last hour.
    fn store(days: i64) -> tempfile::TempDir {
        stage::store(|writer| {
            let slots = days * 288;
            for slot in 0..slots {
                let left = slots - slot;
                let time_ms = NOON - left * 300_000;
                // Noon is one o'clock in Berlin.
                let hour = (13 * 12 - left).rem_euclid(288) / 12;
                let noise = (slot * 7919 % 1009) as f64 / 1009.0;
                let level = if (9..17).contains(&hour) && left > 12 { 50.0 } else { 10.0 };
                let metrics = vec![Metric::new("load1", Value::from(level + noise))];
                writer.append(&[("load", &Run { time_ms, metrics, ..Run::default() })]).unwrap();
            }
        })
    }

    #[test]
    fn where_a_metric_is_normally_and_where_it_is() {
        let shown = stage::shown(&store(35), &["load:load1"], answer).unwrap();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "load:load1");
        assert!(lines[1].ends_with(" at 2026-11-22 12:55:00, lower than normal"), "{shown}");
        assert!(
            lines[2].starts_with("Sun 12:00 to 13:00: 5") && lines[2].ends_with(", by 4 weeks"),
            "{shown}"
        );
        assert_eq!(lines.len(), 11, "{shown}");
        assert!(lines[4].starts_with("Mon  ⣀⣀⣀") && lines[4].contains("⠉⠉⠉"), "{shown}");
        let json = stage::shown(&store(35), &["load:load1", "--json"], answer).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["hours"].as_array().unwrap().len(), 168);
        assert!(json["hours"][2 * 24 + 3]["high"].as_f64().unwrap() < 11.5, "{json}");
        assert!(json["hours"][2 * 24 + 12]["low"].as_f64().unwrap() > 49.0, "{json}");
        assert_eq!(json["now"]["by"], "week");
    }

    #[test]
    fn too_little_history_says_nothing() {
        let shown = stage::shown(&store(2), &["load:load1"], answer).unwrap();
        assert_eq!(
            shown.lines().nth(1),
            Some("too little history: what is normal can be said after three days")
        );
    }
}
