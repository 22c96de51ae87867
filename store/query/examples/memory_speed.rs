//! How fast history is searched for what is alike, from the store.
//!
//! `cargo run --release -p custos-query --example memory_speed -- STORE HOURS [--full]` takes the last HOURS of the first metric
//! of the first check of a store, searches that metric and then all metrics of the store for what is like it, and prints samples a
//! second: by the clock, and by the time that this thread had a processor, which is what counts on a busy machine with one thread.
//! `taskset -c 0` before it measures one core.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use custos_query::{
    Bucketed, ReadContext, Similar, SimilarForm, SimilarRequest, SimilarSeries, query_threads,
};
use custos_store::{Reader, Snapshot};

const HOUR_MS: i64 = 3_600_000;

/// How long this thread had a processor.
fn on_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0))
}

/// The best of several goes: by the clock, by the processor, and what was found.
fn best(
    snapshot: &Snapshot,
    request: &SimilarRequest<'_>,
) -> Result<(Duration, Duration, Similar), Box<dyn Error>> {
    let begun = Instant::now();
    let mut best: Option<(Duration, Duration, Similar)> = None;
    while best.is_none() || begun.elapsed() < Duration::from_secs(4) {
        let (start, before) = (Instant::now(), on_processor());
        let mut ignored = |_: &custos_store::Error| {};
        let found = request.read(snapshot, &mut ReadContext::new(&mut ignored))?;
        let (took, busy) = (start.elapsed(), on_processor().saturating_sub(before));
        best = Some(match best {
            Some((least, least_busy, _)) => (took.min(least), busy.min(least_busy), found),
            None => (took, busy, found),
        });
    }
    best.ok_or_else(|| "nothing measured".into())
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [store, hours, rest @ ..] = words.as_slice() else {
        return Err("usage: memory_speed STORE HOURS [--full]".into());
    };
    let full_resolution = rest.iter().any(|word| word == "--full");
    let hours: f64 = hours.parse()?;
    let snapshot = Reader::open(Path::new(store))?.snapshot();
    let mut all = Vec::new();
    let mut until_ms = 0;
    for check in snapshot.catalogue().checks {
        until_ms = until_ms.max(check.check.last_ms + 1);
        all.extend(check.series.into_iter().map(|info| SimilarSeries {
            check: check.check.name.clone(),
            series: Bucketed::new(info.key, &info.unit),
        }));
    }
    let mut out = std::io::stdout().lock();
    let varied = all.iter().find_map(|of| {
        let request = SimilarRequest {
            of,
            span: until_ms - (hours * HOUR_MS as f64) as i64..until_ms,
            among: std::slice::from_ref(of),
            until_ms,
            form: SimilarForm::Usual,
            warp: false,
            full_resolution,
        };
        let found = best(&snapshot, &request).ok()?;
        Some((request, found))
    });
    let (request, one) = varied.ok_or("no metric varies in that time")?;
    let every = SimilarRequest { among: &all, ..request.clone() };
    for (what, (took, busy, found)) in [("one metric", one), ("all metrics", best(&snapshot, &every)?)] {
        let samples = found.samples[1] as f64;
        writeln!(
            out,
            "{what}, {} points of {} s, {} threads: {:.1} M samples in {:.1} ms: {:.1} M/s, {:.1} M/s of this thread; {} stretches",
            found.samples[0].min((hours * HOUR_MS as f64) as u64 / found.point_ms as u64),
            found.point_ms / 1000,
            query_threads(),
            samples / 1e6,
            took.as_secs_f64() * 1e3,
            samples / took.as_secs_f64() / 1e6,
            samples / busy.as_secs_f64().max(1e-9) / 1e6,
            found.stretches,
        )?;
    }
    Ok(())
}
