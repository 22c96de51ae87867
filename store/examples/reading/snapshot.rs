//! Snapshots of a store to which a writer appends as fast as it can.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use custos_store::{Metric, Options, Position, Reader, Run, Writer};

use crate::store::{Dice, run, set};
use crate::{Result, figure, ms};

const CHECKS: usize = 100;
const SNAPSHOTS: usize = 1_000;
/// Between two snapshots the writer goes on for so long.
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

fn percent(sorted: &[Duration], percent: usize) -> f64 {
    sorted.get(sorted.len() * percent / 100).copied().map_or(0.0, ms)
}

pub(crate) fn measure(dir: &Path) -> Result<()> {
    let path = dir.join("written");
    let _ = std::fs::remove_dir_all(&path);
    let mut writer = Writer::open(&path, Options::default())?;
    let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let (mut snapshots, mut clones) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    std::thread::scope(|scope| -> Result<()> {
        let writing = scope.spawn(|| write(&mut writer, &stop, &written));
        let mut look = || -> Result<()> {
            let mut reader = Reader::open(&path)?;
            let mut end = Position::START;
            while snapshots.len() < SNAPSHOTS {
                std::thread::sleep(PAUSE);
                let start = Instant::now();
                reader.refresh()?;
                let snapshot = reader.snapshot();
                snapshots.push(start.elapsed());
                if snapshot.end() < end {
                    return Err("a snapshot is older than the one before".into());
                }
                end = snapshot.end();
                let start = Instant::now();
                let clone = snapshot.clone();
                clones.push(start.elapsed());
                drop(clone);
            }
            Ok(())
        };
        let looked = look();
        stop.store(true, Ordering::Relaxed);
        writing.join().map_err(|_| "the writer panicked")??;
        looked
    })?;
    let rate = written.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64() / 1e6;
    writer.close()?;
    snapshots.sort_unstable();
    clones.sort_unstable();
    let [median, most, nearly_all] = [50, 90, 99].map(|part| percent(&snapshots, part));
    figure(
        &format!("snapshot while a writer appends {rate:.1} M samples/s: median, 90 %, 99 %"),
        &format!("{median:.3}, {most:.3}, {nearly_all:.3} ms"),
    );
    figure("another handle on a snapshot: median", &format!("{:.5} ms", percent(&clones, 50)));
    Ok(())
}
