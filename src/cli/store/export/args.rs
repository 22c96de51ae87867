//! The command: what is written, and of which time.

use std::io::Write;
use std::ops::Range;

use custos_compat::open_metrics::Escaping;
use custos_query::check_names;
use custos_store::Reader;

use super::super::directory::{StoreDir, not_opened};
use super::series::Series;
use super::{csv, open_metrics, runs, vm_json};
use crate::cli::locate::locate;
use crate::cli::read::{Failure, now, time};
use crate::cli::unknown::{Among, all_known};
use crate::config::Surroundings;

#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli::store) struct ExportArgs {
    #[command(flatten)]
    directory: StoreDir,
    /// Only this check; may be given more than once
    #[arg(long, value_name = "NAME")]
    check: Vec<String>,
    /// What is written
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Only from this time on: -7d, 2026-03-01, RFC 3339
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// Only before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
    /// The label host of every series, '' for none [default: that of the configuration; none of a DIR]
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// How OpenMetrics has names that are no identifiers [default: allow-utf-8, in quotes]
    #[arg(long, value_name = "WAY", value_parser = escaping)]
    escaping: Option<Escaping>,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Every run as a line of JSON, check by check, by time; what import takes
    Json,
    /// Series as text that promtool makes blocks of Prometheus of
    Openmetrics,
    /// Series as lines of JSON that VictoriaMetrics takes at /api/v1/import
    Vmjson,
    /// A line a sample: series, time in ms, value
    Csv,
}

fn escaping(text: &str) -> Result<Escaping, String> {
    let known = Escaping::ALL.into_iter().find(|(name, _)| *name == text);
    known.map(|(_, escaping)| escaping).ok_or_else(|| {
        let names = Escaping::ALL.map(|(name, _)| name);
        format!("expected one of {}", names.join(", "))
    })
}

pub(in crate::cli::store) fn export(args: &ExportArgs, out: &mut dyn Write) -> Result<(), Failure> {
    for (option, is_given, format, name) in [
        ("--host", args.host.is_some(), args.format != Format::Json, "series"),
        ("--escaping", args.escaping.is_some(), args.format == Format::Openmetrics, "--format openmetrics"),
    ] {
        if is_given && !format {
            return Err(Failure::usage(format!("{option} is for {name}, see --format")));
        }
    }
    let range = range(args)?;
    let dir = args.directory.dir()?;
    let reader = Reader::open(&dir).map_err(|error| not_opened(&dir, &error))?;
    all_known(&args.check, &check_names(&reader), Among::Stored)?;
    if args.format == Format::Json {
        return runs::export(&reader, &args.check, range, out);
    }
    let snapshot = reader.snapshot();
    let mut series = Series::of(&snapshot, &args.check, &host(args)?, range);
    match args.format {
        Format::Openmetrics => open_metrics::export(&mut series, args.escaping.unwrap_or_default(), out)?,
        Format::Csv => csv::export(&mut series, out)?,
        Format::Vmjson | Format::Json => vm_json::export(&mut series, out)?,
    }
    series.finish(out)
}

/// The times that are wanted, in ms since the epoch, the end excluded.
fn range(args: &ExportArgs) -> Result<Range<i64>, Failure> {
    let now = now();
    let moment = |option: &str, text: &Option<String>| match text {
        Some(text) => time(option, text, &now).map(Some),
        None => Ok(None),
    };
    let start_ms = moment("--since", &args.since)?.unwrap_or(i64::MIN);
    let end_ms = moment("--until", &args.until)?.unwrap_or(i64::MAX);
    if start_ms >= end_ms {
        return Err(Failure::usage("the start of the span is not before its end"));
    }
    Ok(start_ms..end_ms)
}

/// The name of the host whose history it is, if that is known. A directory that is named may be that of any host.
fn host(args: &ExportArgs) -> Result<String, Failure> {
    let config = &args.directory.config;
    if let Some(host) = &args.host {
        return Ok(host.clone());
    }
    if args.directory.dir.is_some() && config.named().is_none() {
        return Ok(String::new());
    }
    match locate(None, config)?.1 {
        Some(config) => Ok(config.host),
        None if config.path().exists() => {
            Err(Failure::usage("the configuration cannot be read, so name the host with --host NAME"))
        }
        None => Ok(Surroundings::of_this_machine().host),
    }
}
