//! Making the stores that are measured.

use std::path::{Path, PathBuf};

use custos_store::{Metric, Options, Run, Value, Writer};

use crate::Result;

/// SplitMix64: the same numbers everywhere.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Runs appended at once.
const BATCH: usize = 500;

/// A run as the checks of this benchmark have it, with metrics whose values are set later.
pub(crate) fn run(metrics: Vec<Metric>) -> Run {
    Run { text: "OK".to_owned(), exit_code: Some(0), duration_us: 1000, metrics, ..Run::default() }
}

/// Sets the value of each metric of a run.
pub(crate) fn set(run: &mut Run, mut value: impl FnMut(usize) -> f64) {
    run.metrics.iter_mut().enumerate().for_each(|(at, metric)| metric.value = Some(Value::from(value(at))));
}

/// The store below a directory that `fill` fills, unless it is there.
pub(crate) fn make(
    dir: &Path,
    name: &str,
    options: Options,
    fill: impl FnOnce(&mut Filling) -> Result<()>,
) -> Result<PathBuf> {
    let path = dir.join(name);
    if path.join("done").exists() {
        return Ok(path);
    }
    let mut filling = Filling { writer: Writer::open(&path, options)?, batch: Vec::new() };
    fill(&mut filling)?;
    filling.flush()?;
    filling.writer.compact()?;
    filling.writer.close()?;
    std::fs::write(path.join("done"), "")?;
    Ok(path)
}

/// A store that is being filled.
pub(crate) struct Filling {
    writer: Writer,
    batch: Vec<(String, Run)>,
}

impl Filling {
    pub(crate) fn add(&mut self, check: &str, run: &Run) -> Result<()> {
        self.batch.push((check.to_owned(), run.clone()));
        if self.batch.len() < BATCH { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<()> {
        let batch: Vec<(&str, &Run)> = self.batch.iter().map(|(check, run)| (check.as_str(), run)).collect();
        self.writer.append(&batch)?;
        self.batch.clear();
        self.writer.wait_for_backlog(2);
        Ok(())
    }
}
