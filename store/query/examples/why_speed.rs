//! How fast a whole host is looked at: what `custos why` and `custos changes` ask of a store.
//!
//! `cargo run --release -p custos-query --example why_speed -- STORE` asks, as of the end of the store, for what was unlike its past in
//! the last hour and a half, for new texts then, and for what changed in the last day, of all series; each as often as it can in four seconds, and prints
//! the best time.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use custos_query::{
    Bucketed, ChangesRequest, NewTextsRequest, ReadContext, ShiftRequest, SimilarSeries, query_threads,
};
use custos_store::Reader;

const HOUR_MS: i64 = 3_600_000;

/// The best time of several goes, and what came of the last.
fn best<T>(mut ask: impl FnMut() -> custos_query::Result<T>) -> custos_query::Result<(Duration, T)> {
    let begun = Instant::now();
    let (mut best, mut last) = (Duration::MAX, None);
    loop {
        let start = Instant::now();
        let found = ask()?;
        best = best.min(start.elapsed());
        if begun.elapsed() >= Duration::from_secs(4) {
            return Ok((best, last.unwrap_or(found)));
        }
        last = Some(found);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let store = std::env::args().nth(1).ok_or("usage: why_speed STORE")?;
    let snapshot = Reader::open(Path::new(&store))?.snapshot();
    let (mut among, mut checks, mut until_ms) = (Vec::new(), Vec::new(), 0);
    for check in snapshot.catalogue().checks {
        until_ms = until_ms.max(check.check.last_ms + 1);
        among.extend(check.series.into_iter().map(|info| SimilarSeries {
            check: check.check.name.clone(),
            series: Bucketed::new(info.key, &info.unit),
        }));
        checks.push(check.check.name);
    }
    let mut damage = |error: &custos_store::Error| eprintln!("{error}");
    let mut context = ReadContext::new(&mut damage);
    let span = until_ms - HOUR_MS * 3 / 2..until_ms;
    let (unlike, shifts) =
        best(|| ShiftRequest { among: &among, span: span.clone() }.read(&snapshot, &mut context))?;
    let (new, texts) =
        best(|| NewTextsRequest { checks: &checks, span: &span }.read(&snapshot, &mut context))?;
    let day = until_ms - 24 * HOUR_MS..until_ms;
    let (changed, changes) =
        best(|| ChangesRequest { among: &among, span: day.clone() }.read(&snapshot, &mut context))?;
    let listed = shifts.ranked.iter().filter(|one| one.shift.is_listed()).count();
    println!("{} series of {} checks, {} threads", among.len(), checks.len(), query_threads());
    println!("unlike their past: {:.0} ms, {listed} listed", unlike.as_secs_f64() * 1e3);
    println!("new texts: {:.0} ms, {}", new.as_secs_f64() * 1e3, texts.len());
    println!("why, all: {:.0} ms", (unlike + new).as_secs_f64() * 1e3);
    println!("changes of a day: {:.0} ms, {}", changed.as_secs_f64() * 1e3, changes.len());
    Ok(())
}
