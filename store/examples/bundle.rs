//! Measures what the runs of a store cost as bundles.
//!
//! `cargo run --release -p custos-store --example bundle -- STORE RUNS` makes bundles of so many runs each of a store, once in order
//! of arrival and once check by check, and prints bytes a sample and samples a second.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use custos_store::{Bundle, Position, Reader, Run, read_bundle};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Default)]
struct Total {
    bundles: u64,
    runs: u64,
    samples: u64,
    bytes: usize,
    taken: Duration,
    read: Duration,
}

impl Total {
    fn add(&mut self, bundle: &mut Bundle, most: usize, run: (&str, u64, &Run)) -> Result<()> {
        let begun = Instant::now();
        bundle.add(run.0, run.1, run.2);
        self.taken += begun.elapsed();
        if bundle.runs() >= most { self.finish(bundle) } else { Ok(()) }
    }

    fn finish(&mut self, bundle: &mut Bundle) -> Result<()> {
        self.bundles += 1;
        self.runs += bundle.runs() as u64;
        self.samples += bundle.samples();
        let begun = Instant::now();
        let bytes = bundle.finish()?;
        self.taken += begun.elapsed();
        self.bytes += bytes.len();
        let begun = Instant::now();
        read_bundle(&bytes)?;
        self.read += begun.elapsed();
        Ok(())
    }

    fn print(&self, what: &str) {
        let samples = self.samples as f64;
        println!(
            "{what:<12} {} bundles, {} runs, {} samples: {:.2} bytes a sample, {:.1} a run; made at {:.2} M samples/s, read at {:.2}",
            self.bundles,
            self.runs,
            self.samples,
            self.bytes as f64 / samples,
            self.bytes as f64 / self.runs as f64,
            samples / self.taken.as_secs_f64() / 1e6,
            samples / self.read.as_secs_f64() / 1e6,
        );
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, most] = arguments.as_slice() else { return Err("usage: bundle STORE RUNS".into()) };
    let most: usize = most.parse()?;
    let reader = Reader::open(Path::new(dir))?;
    let (mut total, mut bundle) = (Total::default(), Bundle::default());
    for arrived in reader.since(Position::START) {
        let arrived = arrived?;
        total.add(&mut bundle, most, (&arrived.check, arrived.position.0, &arrived.run))?;
    }
    total.finish(&mut bundle)?;
    total.print("by arrival");
    let mut total = Total::default();
    for check in reader.checks() {
        for run in reader.runs(&check.name, i64::MIN..i64::MAX) {
            total.add(&mut bundle, most, (&check.name, 0, &run?))?;
        }
    }
    total.finish(&mut bundle)?;
    total.print("by check");
    Ok(())
}
