//! 2,000 checks with 5 series each in as many segments as a year of 1-minute runs takes.

use std::path::Path;

use custos_store::{Metric, Options, Reader};

use crate::store::{Dice, make, run, set};
use crate::{Result, best, figure, ms};

const CHECKS: usize = 2_000;
/// A year of runs every hour. In segments of this size they make as many segments as runs every minute do, which take
/// sixty times as much, in segments of the usual size.
const RUNS: i64 = 365 * 24;
const SEGMENT_BYTES: u64 = (512 << 20) / 60;

pub(crate) fn measure(dir: &Path) -> Result<()> {
    let options = Options { segment_bytes_max: SEGMENT_BYTES, ..Options::default() };
    let store = make(dir, "year", options, |filling| {
        let labels = ["load1", "load5", "load15", "users", "uptime"];
        let mut run = run(labels.map(|label| Metric::new(label, None)).into());
        let names: Vec<String> =
            (0..CHECKS).map(|check| format!("host{:03}/check_{}", check / 8, check % 8)).collect();
        let mut dice = Dice(2);
        for hour in 0..RUNS {
            for (check, name) in names.iter().enumerate() {
                run.time_ms =
                    1_730_000_000_000 + hour * 3_600_000 + check as i64 * 1_800 + (dice.roll() % 5) as i64;
                set(&mut run, |_| (dice.roll() % 1000) as f64 / 100.0);
                filling.add(name, &run)?;
            }
        }
        Ok(())
    })?;
    let files = std::fs::read_dir(&store)?
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".seg"));
    let segments = files.count();
    let (took, reader) = best(20, || Ok(Reader::open(&store)?))?;
    figure(
        &format!("open a store of 2,000 checks, 10,000 series, a year in {segments} segments"),
        &format!("{:.2} ms", ms(took)),
    );
    let (took, (_, catalogue)) = best(20, || {
        let reader = Reader::open(&store)?;
        let catalogue = reader.catalogue();
        Ok((reader, catalogue))
    })?;
    let series: usize = catalogue.checks.iter().map(|of_check| of_check.series.len()).sum();
    figure(&format!("open it and list all its {series} series"), &format!("{:.2} ms", ms(took)));
    let (took, _) = best(20, || Ok(reader.catalogue()))?;
    figure("list them, opened before", &format!("{:.2} ms", ms(took)));
    let (took, _) = best(20, || Ok(reader.series("host100/check_3")?))?;
    figure("list the series of one check", &format!("{:.3} ms", ms(took)));
    let (took, _) = best(20, || Ok(reader.checks()))?;
    figure("list the checks", &format!("{:.2} ms", ms(took)));
    Ok(())
}
