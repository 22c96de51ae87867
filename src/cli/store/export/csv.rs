//! Samples as CSV, in the columns of `custos query --csv`.

use std::io::Write;

use super::series::{Series, number};
use crate::cli::read::Failure;

/// A line a sample; without a value where the series ends.
pub(super) fn export(series: &mut Series<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "series,time_ms,value")?;
    let names: Vec<String> =
        series.all.iter().map(|one| one.labels.to_string().replace('"', "\"\"")).collect();
    for indices in series.by_check() {
        series.walk(&indices, |index, samples| {
            let name = &names[index];
            for sample in samples {
                let value = sample.value.map(number).unwrap_or_default();
                writeln!(out, "\"{name}\",{},\"{value}\"", sample.time_ms)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
