//! How fast queries are in the process itself, without HTTP.
//!
//! `cargo run --release -p custos-query --example speed -- STORE CHECK METRIC [ONLY]`
//! measures over the last 30 days of a store; ONLY is a part of the names of the lines that are wanted.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use custos_promql::{Answer, Options, instant, parse, range};
use custos_query::{StoreSource, query_threads};
use custos_store::Reader;

const DAY_MS: i64 = 86_400_000;

/// The best of many goes, in as much time as a second.
fn best(
    mut go: impl FnMut() -> Result<Answer, Box<dyn Error>>,
) -> Result<(Duration, Answer), Box<dyn Error>> {
    let begun = Instant::now();
    let (mut best, mut answer) = (Duration::MAX, None);
    while answer.is_none() || begun.elapsed() < Duration::from_secs(1) {
        let start = Instant::now();
        answer = Some(go()?);
        best = best.min(start.elapsed());
    }
    answer.map(|answer| (best, answer)).ok_or_else(|| "nothing measured".into())
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [store, check, metric, rest @ ..] = words.as_slice() else {
        return Err("usage: speed STORE CHECK METRIC [ONLY]".into());
    };
    let snapshot = Reader::open(Path::new(store))?.snapshot();
    let end_ms = snapshot.check(check)?.ok_or("no such check")?.check.last_ms;
    let one = format!("{check}{{metric=\"{metric}\"}}");
    let all = "{metric=~\".+\"}";
    let lines = [
        (format!("{one} > 0"), 1, 1),
        (format!("max_over_time({one}[30d])"), 1, 1),
        (format!("max_over_time({all}[30d])"), 1, 1),
        (all.to_owned(), 1, 1),
        (format!("{one}[30d]"), 1, 1),
        (format!("quantile_over_time(0.9, {one}[30d])"), 1, 1),
        (format!("quantile_over_time(0.9, {all}[30d])"), 1, query_threads()),
        (format!("stddev_over_time({one}[30d])"), 1, 1),
        (format!("sum_over_time({one}[5m])"), 10_000, 1),
        (format!("rate({one}[5m])"), 1_000, 1),
        (format!("rate({one}[1h])"), 10_000, 1),
        (format!("max_over_time({one}[1h])"), 10_000, 1),
        (format!("avg_over_time({one}[6h])"), 10_000, 1),
        (format!("stddev_over_time({one}[1h])"), 1_000, 1),
        (format!("stddev_over_time({one}[1d])"), 10_000, 1),
        (format!("predict_linear({one}[6h], 3600)"), 1_000, 1),
        (format!("quantile_over_time(0.9, {one}[1d])"), 120, 1),
        (format!("quantile_over_time(0.9, {one}[1d])"), 3_000, 1),
        (format!("avg by (metric) ({all})"), 200, query_threads()),
        (format!("avg by (metric) ({all})"), 1_000, query_threads()),
        (check.clone(), 10_800, 1),
    ];
    for (query, steps, threads) in lines.iter().filter(|(query, ..)| query.contains(&rest.join(" "))) {
        let expr = parse(query)?;
        let options = Options { threads: *threads, ..Options::default() };
        let step_ms = 30 * DAY_MS / steps;
        let (took, answer) = best(|| {
            let source = StoreSource::new(&snapshot);
            Ok(match *steps {
                1 => instant(query, &expr, &source, end_ms, &options)?,
                _ => {
                    let times = (end_ms - step_ms * (steps - 1), end_ms, step_ms);
                    range(query, &expr, &source, times, &options)?
                }
            })
        })?;
        let samples = answer.samples.max(answer.reads.iter().map(|read| read.summed_up).sum());
        println!(
            "{:>10.3} ms {:>9.1} M samples/s {steps:>6} steps {threads} threads  {query}",
            took.as_secs_f64() * 1e3,
            samples as f64 / took.as_secs_f64() / 1e6,
        );
    }
    Ok(())
}
