//! `custos import influx`: points of InfluxDB, exact samples.

use std::io::Write;

use custos_compat::line::InfluxPoint;

use super::lines::{LineFiles, Outcome};
use super::samples::SamplesArgs;
use crate::cli::read::Failure;
use crate::import::influx_samples;

/// Takes in InfluxDB's line protocol: exact samples, of Icinga, Telegraf or whatever wrote them
///
/// influx_inspect export and influxd inspect export-lp write it. Points of Icinga are metrics of their service; of others the measurement is
/// the check, fields are metrics and tags labels.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct InfluxArgs {
    #[command(flatten)]
    files: LineFiles,
    /// What times are counted in
    #[arg(long, value_enum, default_value_t = Precision::Ns)]
    precision: Precision,
    /// The check, whatever the points say
    #[arg(long, value_name = "NAME")]
    check: Option<String>,
    #[command(flatten)]
    samples: SamplesArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Precision {
    Ns,
    Us,
    Ms,
    S,
}

impl Precision {
    /// A time in milliseconds; what is finer is cut off.
    fn ms(self, time: i64) -> Option<i64> {
        match self {
            Precision::Ns => Some(time.div_euclid(1_000_000)),
            Precision::Us => Some(time.div_euclid(1000)),
            Precision::Ms => Some(time),
            Precision::S => time.checked_mul(1000),
        }
    }
}

pub(super) fn import(args: &InfluxArgs, out: &mut dyn Write) -> Result<(), Failure> {
    args.samples.take_in("sample", out, |samples| {
        args.files.each(|line| {
            let point = match InfluxPoint::parse(line) {
                Ok(Some(point)) => point,
                Ok(None) => return Ok(Outcome::Taken),
                // The head of what influx_inspect exports.
                Err(_) if line.starts_with("CREATE DATABASE") => return Ok(Outcome::Taken),
                Err(fault) => return Ok(Outcome::Wrong(fault.to_string())),
            };
            let Some(time) = point.time else { return Ok(Outcome::Wrong("it has no time".to_owned())) };
            let Some(time_ms) = args.precision.ms(time) else {
                return Ok(Outcome::Wrong("its time is beyond all that can be".to_owned()));
            };
            let (found, others) = influx_samples(&point, args.check.as_deref(), time_ms);
            samples.leave_out("text field", others);
            found.into_iter().try_for_each(|sample| samples.add(sample))?;
            Ok(Outcome::Taken)
        })
    })
}
