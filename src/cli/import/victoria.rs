//! `custos import victoria`: series as VictoriaMetrics exports them.

use std::io::Write;

use custos_compat::victoria::{VictoriaLine, VictoriaValue};
use custos_store::{Metric, Value};

use super::lines::{LineFiles, Outcome};
use super::samples::SamplesArgs;
use crate::cli::read::Failure;
use crate::import::{Sample, SeriesNames};

/// Takes in what VictoriaMetrics exports at /api/v1/export: exact samples
///
/// Each series keeps its name and labels, so that queries select it as before; its job is the check. What custos wrote is what it was.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct VictoriaArgs {
    #[command(flatten)]
    files: LineFiles,
    /// The check, whatever the series say
    #[arg(long, value_name = "NAME")]
    check: Option<String>,
    #[command(flatten)]
    samples: SamplesArgs,
}

pub(super) fn import(args: &VictoriaArgs, out: &mut dyn Write) -> Result<(), Failure> {
    args.samples.take_in("sample", out, |samples| {
        args.files.each(|line| {
            if line.trim().is_empty() {
                return Ok(Outcome::Taken);
            }
            let series = match VictoriaLine::parse(line) {
                Ok(series) => series,
                Err(why) => return Ok(Outcome::Wrong(why)),
            };
            let labels: Vec<(String, String)> =
                series.metric.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            let Some(SeriesNames { host, check, metric }) = SeriesNames::of(&labels, args.check.as_deref())
            else {
                samples.leave_out("built-in sample", series.samples().count() as u64);
                return Ok(Outcome::Taken);
            };
            for (time_ms, value) in series.samples() {
                let value = match value {
                    VictoriaValue::Float(value) => Some(Value::from(value)),
                    VictoriaValue::Integer(value) => Some(Value::from(value)),
                    VictoriaValue::Unknown => None,
                };
                let metric = Metric { value, ..metric.clone() };
                samples.add(Sample { host: host.clone(), check: check.clone(), time_ms, metric })?;
            }
            Ok(Outcome::Taken)
        })
    })
}
