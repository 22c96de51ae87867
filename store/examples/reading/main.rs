//! Measures what reads a store: listing series, scanning a table, following in order of arrival, taking snapshots.
//!
//! `cargo run --release -p custos-store --example reading -- [list|scan|feed|snapshot]… [DIR]` makes the stores that it
//! needs below DIR, or in a temporary directory, and prints a figure a line. Stores that are there are used again.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

mod feed;
mod list;
mod scan;
mod snapshot;
mod store;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The best of many goes: the first ones warm caches, and others share the machine.
fn best<T>(goes: usize, mut go: impl FnMut() -> Result<T>) -> Result<(Duration, T)> {
    let mut best = None;
    for _ in 0..goes {
        let start = Instant::now();
        let result = go()?;
        let took = start.elapsed();
        if best.as_ref().is_none_or(|(least, _)| took < *least) {
            best = Some((took, result));
        }
    }
    best.ok_or_else(|| "nothing measured".into())
}

/// How long this thread has been on a processor: others that share the machine do not count.
fn on_cpu() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn figure(what: &str, measured: &str) {
    println!("{what:<72} {measured}");
}

fn main() -> Result<()> {
    let (parts, dirs): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|word| ["list", "scan", "feed", "snapshot"].contains(&word.as_str()));
    let temporary = tempfile::tempdir()?;
    let dir = dirs.first().map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|word| word == part);
    let run = |part: &str, go: fn(&Path) -> Result<()>| if wanted(part) { go(&dir) } else { Ok(()) };
    run("list", list::measure)?;
    run("scan", scan::measure)?;
    run("feed", feed::measure)?;
    run("snapshot", snapshot::measure)
}
