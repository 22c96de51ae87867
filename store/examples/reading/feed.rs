//! 50 checks whose runs came one after the other, merged: all of them in order of arrival.

use std::path::Path;
use std::time::{Duration, Instant};

use custos_store::{Metric, Options, Position, Reader, limits};

use crate::store::{Dice, make, run, set};
use crate::{Result, figure, ms, on_cpu};

const CHECKS: usize = 50;
const RUNS: usize = 24_000;

/// Memory of this process that is no file's, in bytes.
fn memory() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).ok_or("no RssAnon")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
}

pub(crate) fn measure(dir: &Path) -> Result<()> {
    let store = make(dir, "interleaved", Options::default(), |filling| {
        let labels = ["rta", "rtmax", "rtmin", "pl", "hops"];
        let mut run = run(labels.map(|label| Metric::new(label, None)).into());
        let mut dice = Dice(3);
        for turn in 0..RUNS {
            for check in 0..CHECKS {
                run.time_ms = 1_750_000_000_000 + turn as i64 * 10_000 + check as i64 * 200;
                run.time_ms += (dice.roll() % 5) as i64;
                run.duration_us = 1_000 + dice.roll() % 500;
                set(&mut run, |_| (dice.roll() % 1000) as f64 / 100.0);
                filling.add(&format!("ping {check}"), &run)?;
            }
        }
        Ok(())
    })?;
    let reader = Reader::open(&store)?;
    let before = memory()?;
    let (mut best, mut least) = (Duration::MAX, Duration::MAX);
    let (mut decoded, mut samples, mut peak) = (0, 0, 0);
    for _ in 0..5 {
        let (start, cpu) = (Instant::now(), on_cpu()?);
        let mut arrivals = reader.since(Position::START);
        let (mut runs, mut seen) = (0_u64, 0);
        for arrived in arrivals.by_ref() {
            seen += arrived?.run.metrics.len();
            runs += 1;
            if runs.is_multiple_of(1 << 14) {
                peak = peak.max(memory()?.saturating_sub(before));
            }
        }
        best = best.min(start.elapsed());
        least = least.min(on_cpu()? - cpu);
        (decoded, samples) = (arrivals.chunks_decoded(), seen);
    }
    for (time, of) in [(best, ""), (least, " of CPU")] {
        let rate = samples as f64 / time.as_secs_f64() / 1e6;
        figure(
            &format!("feed of all {samples} samples of {CHECKS} merged, interleaved checks"),
            &format!("{:.0} ms{of}, {rate:.1} M samples/s", ms(time)),
        );
    }
    let once = (RUNS.div_ceil(limits::CHUNK_ROWS) * CHECKS) as u64;
    figure(&format!("chunks decoded for that; there are {once} at least"), &decoded.to_string());
    figure("memory for that at most", &format!("{:.1} MiB", peak as f64 / 1_048_576.0));
    Ok(())
}
