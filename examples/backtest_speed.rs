//! How fast rules are judged over the past, in the process itself.
//!
//! `cargo run --release --example backtest_speed -- STORE [DAYS [PART]]` makes a store with a run every ten seconds, if it is not
//! there yet, and measures over all of it; only what has PART in its name, if that is given.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use custos::backtest::{backtest_rules, rule_curve};
use custos::rules::{AlertRule, AlertState, External, Judge, RuleCheck, RuleGroup, RuleKind, When};
use custos_promql::parse;
use custos_store::{Metric, Options, Reader, Run, SeriesKey, State, Value, Writer};

/// How far apart runs are.
const INTERVAL_MS: i64 = 10_000;
/// 2026-01-01 UTC.
const START_MS: i64 = 1_767_225_600_000;
/// Runs that are written at once.
const BATCH: usize = 1000;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [store, rest @ ..] = words.as_slice() else {
        return Err("usage: backtest_speed STORE [DAYS [PART]]".into());
    };
    let days = rest.first().map_or(Ok(30), |days| days.parse())?;
    if !Path::new(store).exists() {
        make(Path::new(store), days)?;
    }
    let part = rest.get(1).map_or("", String::as_str);
    if "decoding".contains(part) {
        for metric in ["m", "n"] {
            let (took, samples) = best(Path::new(store), |snapshot| decoded(snapshot, metric))?;
            println!(
                "{:>9.2} ms  {samples:>9} samples     decoding {metric} and its times",
                took.as_secs_f64() * 1e3
            );
        }
    }
    let lines = [
        ("m > c for 5m", "c{metric=\"m\"} > 90", 300_000),
        ("m > c", "c{metric=\"m\"} > 90", 0),
        ("m > c, often", "c{metric=\"m\"} > 50", 0),
        ("avg_over_time(m[5m]) > c for 5m", "avg_over_time(c{metric=\"m\"}[5m]) > 80", 300_000),
        ("rate(m[5m]) > c for 5m", "rate(c{metric=\"n\"}[5m]) > 9.5", 300_000),
        ("max_over_time(m[5m]) > c for 5m", "max_over_time(c{metric=\"m\"}[5m]) > 95", 300_000),
    ];
    for (name, query, for_ms) in lines.into_iter().filter(|line| line.0.contains(part)) {
        let (took, found) = best(Path::new(store), |snapshot| {
            let found = backtest_rules(&group(query, for_ms)?, snapshot, None, &External::default())?;
            let all = found.into_iter().next().ok_or("a rule that alerts")?.backtest;
            Ok((all.judged, all.intervals.len()))
        })?;
        println!(
            "{:>9.2} ms  {:>9} judgements  {:>6} alerts  {name}",
            took.as_secs_f64() * 1e3,
            found.0,
            found.1
        );
    }
    if "100 rules".contains(part) {
        let (took, alerts) = best(Path::new(store), |snapshot| {
            let found = backtest_rules(&hundred()?, snapshot, None, &External::default())?;
            Ok(found.iter().map(|rule| rule.backtest.intervals.len()).sum::<usize>())
        })?;
        println!("{:>9.2} ms  {alerts:>6} alerts of 100 rules every minute", took.as_secs_f64() * 1e3);
    }
    if "the curve".contains(part) {
        let (name, query, for_ms) = lines[0];
        let (took, points) = best(Path::new(store), |snapshot| {
            let (points, _) = rule_curve(&group(query, for_ms)?, snapshot, None, 1)?;
            Ok(points.len())
        })?;
        println!("{:>9.2} ms  {points} thresholds of the curve of {name}", took.as_secs_f64() * 1e3);
    }
    Ok(())
}

/// Decodes all values of a series and their times, which is the least that anything that looks at them all has to do; one thread.
fn decoded(snapshot: &custos_store::Snapshot, metric: &str) -> Result<usize> {
    let mut floats = Vec::new();
    let mut samples = 0;
    for batch in snapshot.scan("c", &[SeriesKey::new(metric)], 0..i64::MAX) {
        let batch = batch?;
        floats.clear();
        batch.append_floats(0, &mut floats)?;
        samples += std::hint::black_box(batch.times()?.len().min(floats.len()));
    }
    Ok(samples)
}

/// The best of some goes, each of a store that was opened anew; opening it is not part of it.
fn best<T>(store: &Path, go: impl Fn(&custos_store::Snapshot) -> Result<T>) -> Result<(Duration, T)> {
    let begun = Instant::now();
    let mut best: Option<(Duration, T)> = None;
    while best.is_none() || begun.elapsed() < Duration::from_secs(2) {
        let snapshot = Reader::open(store)?.snapshot();
        let start = Instant::now();
        let found = go(&snapshot)?;
        let took = start.elapsed();
        if best.as_ref().is_none_or(|(known, _)| took < *known) {
            best = Some((took, found));
        }
    }
    best.ok_or_else(|| "nothing measured".into())
}

/// A rule that is judged whenever a run arrives.
fn group(query: &str, for_ms: i64) -> Result<RuleGroup> {
    let alert = AlertRule { name: "A".to_owned(), for_ms, keep_firing_ms: 0, annotations: Vec::new() };
    let rule = RuleCheck {
        check: "A".into(),
        judge: Judge::Query { query: query.to_owned(), expr: parse(query)? },
        labels: Vec::new(),
        kind: RuleKind::Alert(alert),
        limit: 0,
        state: AlertState::Always(State::Critical),
    };
    Ok(RuleGroup {
        name: "A".into(),
        when: When::Samples { at_the_latest_ms: 60_000 },
        query_offset_ms: 0,
        period: None,
        rules: vec![Arc::new(rule)],
    })
}

/// A group of a hundred rules that are judged every minute.
fn hundred() -> Result<RuleGroup> {
    let forms = [
        "avg_over_time(c{metric=\"m\"}[5m]) >",
        "c{metric=\"m\"} >",
        "rate(c{metric=\"n\"}[5m]) * 10 >",
        "max_over_time(c{metric=\"m\"}[10m]) >",
    ];
    let mut all = group(&format!("{} 0", forms[0]), 0)?;
    all.when = When::Grid { interval_ms: 60_000, phase_ms: 0 };
    let rules = (0..100).map(|number| {
        let one = group(&format!("{} {}", forms[number % forms.len()], number), 300_000)?;
        one.rules.into_iter().next().ok_or_else(|| "a rule".into())
    });
    all.rules = rules.collect::<Result<_>>()?;
    Ok(all)
}

/// A gauge that wanders, with a day and noise, and a counter.
fn make(store: &Path, days: i64) -> Result<()> {
    let mut writer = Writer::open(store, Options::default())?;
    let (mut random, mut counter, mut wander) = (88_172_645_463_325_252_u64, 0_i64, 0.0_f64);
    let mut runs = Vec::with_capacity(BATCH);
    for number in 0..days * 86_400_000 / INTERVAL_MS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let noise = (random % 1000) as f64 / 1000.0;
        wander = wander * 0.999 + (noise - 0.5);
        let day = (number as f64 / 8640.0 * std::f64::consts::TAU).sin();
        let value = (45.0 + 25.0 * day + wander * 1.5 + noise * 5.0).clamp(0.0, 100.0);
        counter += (value as i64) + (random % 7) as i64;
        let metrics = vec![
            Metric::new("m", Value::from((value * 100.0).round() / 100.0)),
            Metric::new("n", Value::from(counter)),
        ];
        let time_ms = START_MS + number * INTERVAL_MS + (random % 4) as i64;
        runs.push(Run { time_ms, metrics, text: "OK".to_owned(), ..Run::default() });
        if runs.len() == BATCH {
            append(&mut writer, &mut runs)?;
        }
    }
    append(&mut writer, &mut runs)?;
    writer.seal()?;
    writer.compact()?;
    writer.settle()?;
    Ok(writer.close()?)
}

fn append(writer: &mut Writer, runs: &mut Vec<Run>) -> Result<()> {
    let batch: Vec<(&str, &Run)> = runs.iter().map(|run| ("c", run)).collect();
    writer.append(&batch)?;
    runs.clear();
    Ok(())
}
