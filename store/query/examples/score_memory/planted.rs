//! `similar`: stretches in which something was seen, copied elsewhere with a change, and searched for among all metrics of the
//! host.

use std::error::Error;
use std::io::Write;

use custos_query::{Bucketed, ReadContext, SimilarForm, SimilarRequest, SimilarSeries};
use custos_store::{Metric, Options, Reader, Run, SeriesKey, Value, Writer};

use super::dice::Dice;
use super::host::Host;

/// Stretches that are planted of one host.
const STRETCHES: usize = 12;
/// Rows of the shortest and the longest stretch.
const ROWS: std::ops::Range<usize> = 10..1500;

const CHANGES: [&str; 8] = [
    "copy",
    "noise 20 %",
    "level +1 sd",
    "height x0.6",
    "height x1.6",
    "length +-15 %",
    "10 % lost",
    "all at once",
];

/// In the own metric, and in all metrics, by change.
type Scores = [[Score; CHANGES.len()]; 2];

/// A stretch that was planted.
struct Case {
    change: usize,
    check: String,
    /// Rows of the stretch, and of its copy.
    asked: std::ops::Range<usize>,
    planted: std::ops::Range<usize>,
}

/// How often it was found.
#[derive(Clone, Copy, Default)]
struct Score {
    cases: u32,
    first: u32,
    five: u32,
    shown: u32,
}

fn deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

/// The stretch as it is planted: its values, of which those that are lost are not numbers.
fn changed(stretch: &[f64], change: usize, series: f64, dice: &mut Dice) -> Vec<f64> {
    let own = deviation(stretch);
    let first = stretch[0];
    let all = change == 7;
    let length = match change {
        5 | 7 if dice.part() < 0.5 => 0.85,
        5 | 7 => 1.15,
        _ => 1.0,
    };
    let height = match change {
        3 => 0.6,
        4 => 1.6,
        7 if dice.part() < 0.5 => 0.6,
        7 => 1.6,
        _ => 1.0,
    };
    let level = if change == 2 || all { series } else { 0.0 };
    let noise = if change == 1 || all { 0.2 * own } else { 0.0 };
    let lost = if change == 6 || all { 0.1 } else { 0.0 };
    let rows = (stretch.len() as f64 * length).round() as usize;
    let value = |row: usize| stretch[((row as f64 / length) as usize).min(stretch.len() - 1)];
    (0..rows)
        .map(|row| match dice.part() < lost {
            true => f64::NAN,
            false => first + (value(row) - first) * height + level + noise * dice.bell(),
        })
        .collect()
}

/// Scores some hosts, and prints a table.
pub(crate) fn score(title: &str, hosts: &[Host], out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let mut scores = [[Score::default(); CHANGES.len()]; 2];
    for host in hosts {
        one_host(host, &mut scores)?;
    }
    table(&format!("{title}, searched for in its metric"), &scores[0], out)?;
    table(&format!("{title}, searched for in all metrics of the host"), &scores[1], out)
}

fn table(title: &str, scores: &[Score], out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "similar, {title}")?;
    writeln!(out, "  {:<14} {:>5}  {:>5}  {:>7}  {:>5}", "change", "cases", "first", "in five", "shown")?;
    let mut all = Score::default();
    let mut line = |name: &str, score: Score| {
        let share = |count: u32| f64::from(count) / f64::from(score.cases.max(1));
        let Score { cases, first, five, shown } = score;
        writeln!(
            out,
            "  {name:<14} {cases:>5}  {:>5.2}  {:>7.2}  {:>5.2}",
            share(first),
            share(five),
            share(shown)
        )
    };
    for (name, score) in CHANGES.iter().zip(scores) {
        line(name, *score)?;
        all = Score {
            cases: all.cases + score.cases,
            first: all.first + score.first,
            five: all.five + score.five,
            shown: all.shown + score.shown,
        };
    }
    line("all", all)?;
    Ok(())
}

fn one_host(host: &Host, scores: &mut Scores) -> Result<(), Box<dyn Error>> {
    let directory = std::env::temp_dir().join(format!("score-memory-{}-{}", host.name, std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let scored = with_store(host, &directory, scores);
    std::fs::remove_dir_all(&directory)?;
    scored
}

fn with_store(host: &Host, directory: &std::path::Path, scores: &mut Scores) -> Result<(), Box<dyn Error>> {
    let mut dice = Dice(host.times.len() as u64 + host.labels.len() as u64);
    let mut writer = Writer::open(directory, Options::default())?;
    for (row, time_ms) in host.times.iter().enumerate() {
        let metric =
            |(name, values): &(String, Vec<f64>)| Metric::new(name.as_str(), Value::from(values[row]));
        let run =
            Run { time_ms: *time_ms, metrics: host.metrics.iter().map(metric).collect(), ..Run::default() };
        writer.append(&[("host", &run)])?;
    }
    let mut cases = Vec::new();
    let usable: Vec<(usize, std::ops::Range<usize>)> = stretches(host);
    let step = (usable.len() / STRETCHES).max(1);
    for (number, (metric, asked)) in usable.iter().step_by(step).take(STRETCHES).enumerate() {
        let values = &host.metrics[*metric].1;
        for change in 0..CHANGES.len() {
            let series = deviation(values);
            let stretch = changed(&values[asked.clone()], change, series, &mut dice);
            // Somewhere in the first half, in which nothing is labelled.
            let start = dice.below(host.times.len() / 2 - stretch.len());
            let planted = start..start + stretch.len();
            let check = format!("case-{number}-{change}");
            for (row, time_ms) in host.times.iter().enumerate() {
                let value = if planted.contains(&row) { stretch[row - start] } else { values[row] };
                if value.is_finite() {
                    let metrics = vec![Metric::new("x", Value::from(value))];
                    let run = Run { time_ms: *time_ms, metrics, ..Run::default() };
                    writer.append(&[(&check, &run)])?;
                }
            }
            cases.push((Case { change, check, asked: asked.clone(), planted }, *metric));
        }
    }
    writer.compact()?;
    writer.close()?;
    let reader = Reader::open(directory)?;
    let series = |check: &str, name: &str| SimilarSeries {
        check: check.to_owned(),
        series: Bucketed::new(SeriesKey::new(name), ""),
    };
    for (case, metric) in &cases {
        let of = series(&case.check, "x");
        let others = host.metrics.iter().enumerate().filter(|(index, _)| index != metric);
        let among: Vec<SimilarSeries> =
            std::iter::once(of.clone()).chain(others.map(|(_, (name, _))| series("host", name))).collect();
        let step_ms = host.times[1] - host.times[0];
        for (among, scores) in [&among[..1], &among[..]].into_iter().zip(&mut *scores) {
            let request = SimilarRequest {
                of: &of,
                span: host.times[case.asked.start]..host.times[case.asked.end - 1] + step_ms,
                among,
                until_ms: i64::MAX,
                form: SimilarForm::Usual,
                warp: false,
                full_resolution: false,
            };
            let mut ignored = |_: &custos_store::Error| {};
            let score = &mut scores[case.change];
            let Ok(found) = request.read(&reader, &mut ReadContext::new(&mut ignored)) else { continue };
            score.cases += 1;
            let length = (host.times[case.planted.end - 1] - host.times[case.planted.start]) as f64;
            let is_it = |one: &custos_query::SimilarMatch| {
                one.series == 0
                    && (one.span.start - host.times[case.planted.start]).abs() as f64 <= 0.3 * length
            };
            let place = found.matches.iter().position(is_it);
            score.first += u32::from(place == Some(0));
            score.five += u32::from(place.is_some_and(|place| place < 5));
            score.shown += u32::from(place.is_some_and(|place| found.matches[place].is_clear));
        }
    }
    Ok(())
}

/// Labelled stretches that vary, with a quarter of their length around them.
fn stretches(host: &Host) -> Vec<(usize, std::ops::Range<usize>)> {
    let mut found = Vec::new();
    for label in &host.labels {
        let start = host.times.partition_point(|time| *time < label.since_ms);
        let end = host.times.partition_point(|time| *time < label.until_ms);
        let around = ((end - start) / 4).max(2);
        let rows = start.saturating_sub(around)..(end + around).min(host.times.len());
        if !ROWS.contains(&rows.len()) {
            continue;
        }
        for name in &label.metrics {
            let Some(index) = host.metrics.iter().position(|(known, _)| known == name) else { continue };
            let values = &host.metrics[index].1;
            if deviation(&values[rows.clone()]) > 0.5 * deviation(values) {
                found.push((index, rows.clone()));
            }
        }
    }
    found
}
