//! `custos import openmetrics`: samples as text, of Prometheus.

use std::io::Write;

use custos_compat::open_metrics::TextSample;
use custos_store::{Metric, SERIES_NAME, Value};

use super::lines::{LineFiles, Outcome};
use super::samples::SamplesArgs;
use crate::cli::read::Failure;
use crate::import::{Sample, SeriesNames};

/// Takes in OpenMetrics with times, as promtool tsdb dump-openmetrics writes it, or promtool tsdb dump: exact samples
///
/// Each series keeps its name and labels, so that queries select it as before; its job is the check.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct OpenmetricsArgs {
    #[command(flatten)]
    files: LineFiles,
    /// Times are in milliseconds, as promtool tsdb dump and the older text format of Prometheus have them, and not in seconds
    #[arg(long)]
    milliseconds: bool,
    /// The check, whatever the series say
    #[arg(long, value_name = "NAME")]
    check: Option<String>,
    #[command(flatten)]
    samples: SamplesArgs,
}

pub(super) fn import(args: &OpenmetricsArgs, out: &mut dyn Write) -> Result<(), Failure> {
    args.samples.take_in("sample", out, |samples| {
        args.files.each(|line| {
            let sample = match TextSample::parse(line) {
                Ok(Some(sample)) => sample,
                Ok(None) => return Ok(Outcome::Taken),
                Err(fault) => return Ok(Outcome::Wrong(fault.to_string())),
            };
            let time_ms = if args.milliseconds { sample.time_ms() } else { sample.time_of_seconds_ms() };
            let Some(time_ms) = time_ms else {
                return Ok(Outcome::Wrong("it has no time".to_owned()));
            };
            let value = match sample.exact_integer() {
                Some(integer) => Some(Value::from(integer)),
                None => Some(sample.value()).filter(|value| !value.is_nan()).map(Value::from),
            };
            let mut labels = sample.labels;
            labels.push((SERIES_NAME.to_owned(), sample.name));
            let Some(names) = SeriesNames::of(&labels, args.check.as_deref()) else {
                samples.leave_out("built-in sample", 1);
                return Ok(Outcome::Taken);
            };
            let SeriesNames { host, check, metric } = names;
            samples.add(Sample { host, check, time_ms, metric: Metric { value, ..metric } })?;
            Ok(Outcome::Taken)
        })
    })
}
