//! Stores runs that judge many things at once, and measures what that costs.
//!
//! `cargo run --release -p custos-store --example instances -- INSTANCES CHANGED RUNS STORE` writes RUNS runs of one check
//! to a new store, each with so many instances, of which CHANGED differ from those of the run before.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

use custos_store::{Instance, Instances, Options, Reader, Run, State, Writer};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn instance(row: u64, step: u64) -> Instance {
    Instance {
        state: State::ALL[(step % 4) as usize],
        since_ms: 1_700_000_000_000 + step as i64 * 1000,
        text: format!("link is {}", ["up", "down"][(step % 2) as usize]),
        ..Instance::new(vec![
            ("device".to_owned(), format!("switch{:03}", row / 48)),
            ("ifName".to_owned(), format!("GigabitEthernet0/{}", row % 48)),
        ])
    }
}

fn store_bytes(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for file in fs::read_dir(dir)? {
        bytes += file?.metadata()?.len();
    }
    Ok(bytes)
}

/// Peak resident memory of this process in MiB.
fn peak_mib() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?.parse()?;
    Ok(kib / 1024.0)
}

fn per(what: &str, seconds: f64, runs: u64) {
    println!("{what:<30} {:>9.3} µs a run", seconds * 1e6 / runs as f64);
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [rows, changed, runs, dir] = arguments.as_slice() else {
        return Err("usage: instances INSTANCES CHANGED RUNS STORE".into());
    };
    let (rows, changed, runs): (u64, u64, u64) = (rows.parse()?, changed.parse()?, runs.parse()?);
    let dir = Path::new(dir);
    let mut set = Instances::new((0..rows).map(|row| instance(row, 0)))?;
    let options = Options { reserve_bytes: 0, background: false, ..Options::default() };
    let mut writer = Writer::open(dir, options)?;
    let (mut making, mut appending) = (0.0, 0.0);
    for n in 1..=runs {
        let begun = Instant::now();
        for change in 0..changed {
            let row = (n * changed + change).wrapping_mul(0x9e37_79b9_7f4a_7c15) % rows.max(1);
            set.insert(instance(row, n))?;
        }
        let time_ms = 1_700_000_000_000 + n as i64 * 1000;
        let run = Run { time_ms, state: set.worst(), instances: set.clone(), ..Run::default() };
        making += begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        writer.append(&[("x", &run)])?;
        appending += begun.elapsed().as_secs_f64();
    }
    writer.seal()?;
    per("make the sets", making, runs);
    per("append", appending, runs);
    println!("{:<30} {:>9.2} bytes a run", "log", store_bytes(dir)? as f64 / runs as f64);
    let reader = Reader::open(dir)?;
    let read = |what: &str, reader: &Reader| -> Result<()> {
        let begun = Instant::now();
        let mut instances = 0;
        for run in reader.runs("x", i64::MIN..i64::MAX) {
            instances += run?.instances.len() as u64;
        }
        per(what, begun.elapsed().as_secs_f64(), runs);
        if instances != rows * runs {
            return Err(format!("{instances} instances were read").into());
        }
        let begun = Instant::now();
        let last = reader.last("x")?.map_or(0, |run| run.instances.len());
        println!(
            "{:<30} {:>9.3} ms ({last} instances)",
            "  the last run",
            begun.elapsed().as_secs_f64() * 1e3
        );
        Ok(())
    };
    read("read from the log", &reader)?;
    let begun = Instant::now();
    writer.compact()?;
    per("seal", begun.elapsed().as_secs_f64(), runs);
    println!("{:<30} {:>9.2} bytes a run", "sealed", store_bytes(dir)? as f64 / runs as f64);
    read("read from the segment", &Reader::open(dir)?)?;
    println!("{:<30} {:>9.1} MiB", "peak memory", peak_mib()?);
    Ok(())
}
