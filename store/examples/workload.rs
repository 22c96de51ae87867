//! Stores a month of runs as a daemon would, and measures.
//!
//! `cargo run --release -p custos-store --example workload -- DIR [STORE]` reads the `.runs` files in DIR: 8 bytes
//! `RUNS0001`, u32 metrics, u32 zero, u64 runs, then per run an i64 time in ms and an f64 a metric, little-endian.
//! With `-` as DIR only an existing STORE is measured. All checks are stored in order of time, checks named as the
//! files, metrics `m00`, `m01`, … A year is measured of a check that has one: `make_workload 1 1 365 10 DIR`. The
//! memory that 10,000 series need is that of `make_workload 1 1570 1 10 DIR`.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use custos_store::{Metric, Options, Reader, Run, SeriesKey, Value, Writer};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const BATCH: usize = 64;

/// Bytes that all files together are read ahead: this is charged to the store's memory.
const READ_AHEAD: usize = 8 << 20;

/// One `.runs` file, a run at a time.
struct Source {
    name: String,
    input: BufReader<File>,
    record: Vec<u8>,
    left: u64,
    run: Run,
}

impl Source {
    fn open(path: &Path, read_ahead: usize) -> Result<Source> {
        let mut input = BufReader::with_capacity(read_ahead, File::open(path)?);
        let mut header = [0; 24];
        input.read_exact(&mut header)?;
        if &header[..8] != b"RUNS0001" {
            return Err(format!("{} is not a file of runs", path.display()).into());
        }
        let metrics = u32::from_le_bytes(header[8..12].try_into()?);
        let left = u64::from_le_bytes(header[16..24].try_into()?);
        let metric = |index| Metric::new(format!("m{index:02}"), None);
        let run = Run {
            text: "OK".to_owned(),
            exit_code: Some(0),
            metrics: (0..metrics).map(metric).collect(),
            ..Run::default()
        };
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Source { name, input, record: vec![0; 8 * (metrics as usize + 1)], left, run })
    }

    /// Reads the next run; `false` at the end.
    fn advance(&mut self) -> Result<bool> {
        if self.left == 0 {
            return Ok(false);
        }
        self.left -= 1;
        self.input.read_exact(&mut self.record)?;
        let (time, values) = self.record.split_at(8);
        self.run.time_ms = i64::from_le_bytes(time.try_into()?);
        for (metric, value) in self.run.metrics.iter_mut().zip(values.chunks_exact(8)) {
            metric.value = Some(Value::from(f64::from_le_bytes(value.try_into()?)));
        }
        Ok(true)
    }
}

/// All sources joined in order of time.
struct Joined {
    sources: Vec<Source>,
    next: BinaryHeap<Reverse<(i64, usize)>>,
}

impl Joined {
    fn open(dir: &Path) -> Result<Joined> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        paths.retain(|path| path.extension().is_some_and(|end| end == "runs"));
        paths.sort();
        let mut joined = Joined { sources: Vec::new(), next: BinaryHeap::new() };
        let read_ahead = (READ_AHEAD / paths.len().max(1)).clamp(4 << 10, 64 << 10);
        for path in paths {
            let mut source = Source::open(&path, read_ahead)?;
            if source.advance()? {
                joined.next.push(Reverse((source.run.time_ms, joined.sources.len())));
            }
            joined.sources.push(source);
        }
        Ok(joined)
    }

    /// Index of the source with the next run, which it holds until the next call.
    fn next(&mut self, before: Option<usize>) -> Result<Option<usize>> {
        if let Some(index) = before
            && self.sources[index].advance()?
        {
            self.next.push(Reverse((self.sources[index].run.time_ms, index)));
        }
        Ok(self.next.pop().map(|Reverse((_, index))| index))
    }
}

/// User and system time of this process.
fn cpu() -> Duration {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF);
    let time =
        |value: nix::sys::time::TimeVal| Duration::new(value.tv_sec() as u64, value.tv_usec() as u32 * 1000);
    usage.map_or(Duration::ZERO, |usage| time(usage.user_time()) + time(usage.system_time()))
}

/// A line of `/proc/self/status` in KiB.
fn memory_kib(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The best of many goes: the first ones warm caches, and others share the machine.
fn measure<T>(what: &str, mut go: impl FnMut() -> Result<T>) -> Result<T> {
    let mut best = Duration::MAX;
    let mut result = None;
    for _ in 0..99 {
        let start = Instant::now();
        result = Some(go()?);
        best = best.min(start.elapsed());
    }
    println!("{what:<44} {:>10.3} ms", best.as_secs_f64() * 1e3);
    result.ok_or_else(|| "nothing measured".into())
}

fn ingest(dir: &Path, store: &Path) -> Result<u64> {
    let mut joined = Joined::open(dir)?;
    let (start, cpu_before) = (Instant::now(), cpu());
    let mut writer = Writer::open(store, Options::default())?;
    let (mut samples, mut runs, mut anonymous, mut reading) = (0_u64, 0_u64, 0, Duration::ZERO);
    let mut synced = Instant::now();
    // A batch holds copies, so that the next run of a source can be read.
    let mut batch: Vec<(usize, Run)> = Vec::with_capacity(BATCH);
    let mut spare: Vec<Vec<Run>> = vec![Vec::new(); joined.sources.len()];
    let mut at = None;
    loop {
        let reading_from = Instant::now();
        while batch.len() < BATCH {
            at = joined.next(at)?;
            let Some(index) = at else { break };
            let source = &joined.sources[index];
            let mut run = spare[index].pop().unwrap_or_else(|| source.run.clone());
            run.time_ms = source.run.time_ms;
            run.metrics.iter_mut().zip(&source.run.metrics).for_each(|(to, from)| to.value = from.value);
            samples += run.metrics.len() as u64;
            batch.push((index, run));
        }
        reading += reading_from.elapsed();
        if batch.is_empty() {
            break;
        }
        let borrowed: Vec<(&str, &Run)> =
            batch.iter().map(|(index, run)| (joined.sources[*index].name.as_str(), run)).collect();
        writer.append(&borrowed)?;
        runs += batch.len() as u64;
        batch.drain(..).for_each(|(index, run)| spare[index].push(run));
        if synced.elapsed() > Duration::from_secs(1) {
            writer.sync()?;
            synced = Instant::now();
        }
        if runs % (1 << 14) < BATCH as u64 {
            anonymous = anonymous.max(memory_kib("RssAnon"));
            writer.wait_for_backlog(2);
        }
    }
    let appended = start.elapsed();
    writer.compact()?;
    anonymous = anonymous.max(memory_kib("RssAnon"));
    writer.close()?;
    let (wall, cpu) = (start.elapsed(), cpu().saturating_sub(cpu_before));
    println!("runs {runs}, samples {samples}");
    println!(
        "appended after {:.2} s, sealed and merged after {:.2} s",
        appended.as_secs_f64(),
        wall.as_secs_f64()
    );
    println!("reading the input took {:.2} s of that, on the same thread", reading.as_secs_f64());
    let rate = samples as f64 / wall.as_secs_f64();
    let without = samples as f64 / wall.saturating_sub(reading).as_secs_f64();
    println!("ingest {:.2} M samples/s ({:.2} without reading the input)", rate / 1e6, without / 1e6);
    let each = |time: Duration| time.as_secs_f64() / samples as f64 * 1e6;
    println!(
        "CPU {:.2} s, {:.3} µs a sample ({:.3} without reading the input)",
        cpu.as_secs_f64(),
        each(cpu),
        each(cpu.saturating_sub(reading))
    );
    println!(
        "peak anonymous memory {:.1} MiB, peak RSS {:.1} MiB",
        anonymous as f64 / 1024.0,
        memory_kib("VmHWM") as f64 / 1024.0
    );
    Ok(samples)
}

fn queries(store: &Path) -> Result<()> {
    let reader = measure("open", || Ok(Reader::open(store)?))?;
    let checks = reader.checks();
    let check = checks.first().ok_or("an empty store")?;
    let series = reader.series(&check.name)?;
    let key: &SeriesKey = &series.first().ok_or("no series")?.key;
    let end = check.last_ms + 1;
    let spans = [("30 days", 30_i64 * 86_400_000), ("1 year", 365 * 86_400_000)];
    for (name, span) in spans {
        if check.last_ms - check.first_ms < span * 9 / 10 && name != "30 days" {
            continue;
        }
        let range = end - span..end;
        let sum = measure(&format!("count, sum, min, max of {name} of one series"), || {
            Ok(reader.envelope(&check.name, key, range.clone(), 1)?)
        })?;
        let count = measure(&format!("read all of {name} of one series"), || {
            let mut count = 0;
            for batch in reader.samples(&check.name, key, range.clone()) {
                count += batch?.len();
            }
            Ok(count)
        })?;
        println!("    ({count} samples, sum {:.6e})", sum[0].sum);
        measure(&format!("200 columns of {name} of one series"), || {
            Ok(reader.envelope(&check.name, key, range.clone(), 200)?)
        })?;
    }
    let middle = check.first_ms + (check.last_ms - check.first_ms) / 2;
    let hour = middle..middle + 3_600_000;
    measure("count, sum, min, max of 1 hour of one series", || {
        Ok(reader.envelope(&check.name, key, hour.clone(), 1)?)
    })?;
    measure("read all of 1 hour of one series", || {
        Ok(reader
            .samples(&check.name, key, hour.clone())
            .map(|batch| batch.map(|b| b.len()))
            .sum::<std::result::Result<usize, _>>()?)
    })?;
    measure("the last run of one check", || Ok(reader.last(&check.name)?))?;
    Ok(())
}

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1);
    let usage = "usage: workload DIR [STORE]";
    let dir = PathBuf::from(args.next().ok_or(usage)?);
    let temporary = tempfile::tempdir()?;
    let store = args.next().map_or_else(|| temporary.path().join("store"), PathBuf::from);
    if dir == Path::new("-") {
        return queries(&store);
    }
    let samples = ingest(&dir, &store)?;
    let bytes: u64 = fs::read_dir(&store)?.map(|entry| Ok(entry?.metadata()?.len())).sum::<Result<u64>>()?;
    println!("bytes {bytes}, {:.4} bytes a sample", bytes as f64 / samples as f64);
    queries(&store)
}
