//! Snapshots of a store to which a writer appends as fast as it can.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use custos_store::{Metric, Options, Reader, Run, Writer};

use crate::store::{Dice, run, set};
use crate::{Result, figure, ms, on_cpu};

const CHECKS: usize = 100;
const LOOKS: usize = 1_000;
/// Between two looks the writer goes on for so long.
const PAUSE: Duration = Duration::from_millis(2);

/// Appends batches until it is to stop. Counts the samples.
fn write(writer: &mut Writer, stop: &AtomicBool, written: &AtomicU64) -> custos_store::Result<()> {
    let labels = ["load1", "load5", "load15", "users", "uptime"];
    let mut dice = Dice(4);
    let mut runs: Vec<(String, Run)> = (0..CHECKS)
        .map(|check| (format!("check {check}"), run(labels.map(|label| Metric::new(label, None)).into())))
        .collect();
    let mut time_ms = 1_750_000_000_000;
    while !stop.load(Ordering::Relaxed) {
        time_ms += 10_000;
        for (_, run) in &mut runs {
            run.time_ms = time_ms + (dice.roll() % 5) as i64;
            set(run, |_| (dice.roll() % 1000) as f64 / 100.0);
        }
        let batch: Vec<(&str, &Run)> = runs.iter().map(|(check, run)| (check.as_str(), run)).collect();
        writer.append(&batch)?;
        writer.wait_for_backlog(2);
        written.fetch_add((CHECKS * labels.len()) as u64, Ordering::Relaxed);
    }
    Ok(())
}

/// What one look at the store took.
#[derive(Clone, Copy)]
struct Look {
    refresh: Duration,
    /// Of that, on a processor.
    refresh_cpu: Duration,
    snapshot: Duration,
    clone: Duration,
    /// Runs that had been written since the look before.
    runs: u64,
}

fn look(reader: &mut Reader) -> Result<Look> {
    let before = reader.end();
    let (start, cpu) = (Instant::now(), on_cpu()?);
    reader.refresh()?;
    let (refresh, refresh_cpu) = (start.elapsed(), on_cpu()? - cpu);
    let start = Instant::now();
    let snapshot = reader.snapshot();
    let taken = start.elapsed();
    if snapshot.end() < before {
        return Err("a snapshot is older than the one before".into());
    }
    let start = Instant::now();
    let another = snapshot.clone();
    let clone = start.elapsed();
    drop(another);
    let runs = snapshot.end().0 - before.0;
    Ok(Look { refresh, refresh_cpu, snapshot: taken, clone, runs })
}

/// Median, 90 % and 99 %.
fn percentiles(looks: &[Look], of: impl Fn(&Look) -> Duration) -> String {
    let mut sorted: Vec<Duration> = looks.iter().map(of).collect();
    sorted.sort_unstable();
    let at = |percent: usize| sorted.get(sorted.len() * percent / 100).copied().map_or(0.0, ms);
    format!("{:.5}, {:.5}, {:.5} ms", at(50), at(90), at(99))
}

pub(crate) fn measure(dir: &Path) -> Result<()> {
    let path = dir.join("written");
    let _ = std::fs::remove_dir_all(&path);
    let mut writer = Writer::open(&path, Options::default())?;
    let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut looks = Vec::new();
    let begun = Instant::now();
    std::thread::scope(|scope| -> Result<()> {
        let writing = scope.spawn(|| write(&mut writer, &stop, &written));
        let mut look_on = || -> Result<()> {
            let mut reader = Reader::open(&path)?;
            while looks.len() < LOOKS {
                std::thread::sleep(PAUSE);
                looks.push(look(&mut reader)?);
            }
            Ok(())
        };
        let looked = look_on();
        stop.store(true, Ordering::Relaxed);
        writing.join().map_err(|_| "the writer panicked")??;
        looked
    })?;
    let rate = written.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64() / 1e6;
    writer.close()?;
    let writing = format!("while a writer appends {rate:.1} M samples/s");
    figure(&format!("snapshot {writing}: median, 90 %, 99 %"), &percentiles(&looks, |look| look.snapshot));
    figure("another handle on a snapshot", &percentiles(&looks, |look| look.clone));
    figure("refresh before each: it reads what was written since", &percentiles(&looks, |look| look.refresh));
    figure("… of CPU", &percentiles(&looks, |look| look.refresh_cpu));
    let idle: Vec<Look> = looks.iter().filter(|look| look.runs == 0).copied().collect();
    figure("… of CPU, where nothing was", &percentiles(&idle, |look| look.refresh_cpu));
    let cpu: Duration = looks.iter().map(|look| look.refresh_cpu).sum();
    let runs: u64 = looks.iter().map(|look| look.runs).sum();
    figure(
        &format!("… of CPU, for each of {runs} runs of 5 samples that it read"),
        &format!("{:.0} ns", cpu.as_secs_f64() * 1e9 / runs as f64),
    );
    Ok(())
}
