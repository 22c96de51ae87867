//! `custos store info`, `verify`, `repair` and `salvage`.

use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;

use custos_query::RunJson;
use custos_store::{AmendmentKind, FileReport, Finding, Reader};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::directory::{StoreDir, failed, not_opened, not_verified};
use crate::cli::progress::Progress;
use crate::cli::read::{Failure, finish, json_line, local_time, tell};
use crate::cli::style::printable;
use crate::exit_code::ExitCode;
use crate::limits::STORE_YOUNG;
use crate::text::human::{counted, counted_were};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct InfoArgs {
    #[command(flatten)]
    directory: StoreDir,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct InfoJson {
    identity: Option<String>,
    checks: u64,
    series: u64,
    samples: u64,
    runs: u64,
    bytes: u64,
    bytes_per_sample: Option<f64>,
    first_ms: Option<i64>,
    last_ms: Option<i64>,
    writer_pid: Option<u32>,
    damages: Vec<String>,
}

pub(super) fn info(args: &InfoArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let dir = args.directory.dir()?;
    let reader = Reader::open(&dir).map_err(|error| not_opened(&dir, &error))?;
    let info = reader.info().map_err(|error| failed("read the store", &error))?;
    let bytes_per_sample = (info.samples > 0).then(|| info.bytes as f64 / info.samples as f64);
    let writer_pid = custos_store::writer_pid(&dir);
    let damages: Vec<String> = reader.damages().iter().map(ToString::to_string).collect();
    let torn = reader.torn_tails();
    if args.json {
        let json = InfoJson {
            identity: reader.identity().map(|identity| identity.to_string()),
            checks: info.checks,
            series: info.series,
            samples: info.samples,
            runs: info.runs,
            bytes: info.bytes,
            bytes_per_sample,
            first_ms: info.first_ms,
            last_ms: info.last_ms,
            writer_pid,
            damages,
        };
        return json_line(&json, out);
    }
    let zone = TimeZone::system();
    let time = |time: Option<i64>| time.map_or_else(|| "none".to_owned(), |time| local_time(time, &zone));
    if let Some(identity) = reader.identity() {
        writeln!(out, "identity          {identity}")?;
    }
    writeln!(out, "checks            {}", info.checks)?;
    writeln!(out, "series            {}", info.series)?;
    writeln!(out, "samples           {}", info.samples)?;
    writeln!(out, "runs              {}", info.runs)?;
    writeln!(out, "bytes             {}", info.bytes)?;
    if let Some(bytes) = bytes_per_sample {
        let span_ms = info.last_ms.unwrap_or(0).saturating_sub(info.first_ms.unwrap_or(0));
        let young = span_ms < STORE_YOUNG.as_millis() as i64;
        let remark =
            if young { ", as the store is young: most of it is set aside for what is to come" } else { "" };
        writeln!(out, "bytes per sample  {bytes:.2}{remark}")?;
    }
    writeln!(out, "first run         {}", time(info.first_ms))?;
    writeln!(out, "last run          {}", time(info.last_ms))?;
    match writer_pid {
        Some(0) => writeln!(out, "written by        a process that the kernel does not name")?,
        Some(pid) => writeln!(out, "written by        process {pid}")?,
        None => writeln!(out, "written by        no process at the moment")?,
    }
    for damage in damages {
        writeln!(out, "damaged           failed to {damage}")?;
    }
    for tail in torn {
        writeln!(out, "ends early        failed to {tail}")?;
    }
    Ok(())
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    directory: StoreDir,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct VerifyJson<'a> {
    intact: bool,
    newest_ms: Option<i64>,
    files: Vec<FileJson<'a>>,
}

#[derive(Serialize)]
struct FileJson<'a> {
    name: &'a str,
    bytes: u64,
    runs: u64,
    findings: Vec<FindingJson<'a>>,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    offset: u64,
    what: String,
    damage: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    lost: Option<LostJson<'a>>,
}

/// Which runs damage costs: those numbered from `start` to before `end`, of one check or of any.
#[derive(Serialize)]
struct LostJson<'a> {
    check: Option<&'a str>,
    start: u64,
    /// None if they may be any from `start` on.
    end: Option<u64>,
    lost_runs: Option<u64>,
    lost_samples: Option<u64>,
}

impl<'a> FindingJson<'a> {
    fn of(finding: &'a Finding) -> FindingJson<'a> {
        let lost = match finding {
            Finding::Damage(damage) => Some(LostJson {
                check: damage.check.as_deref(),
                start: damage.start.0,
                end: Some(damage.end.0).filter(|end| *end < u64::MAX),
                lost_runs: damage.runs,
                lost_samples: damage.samples,
            }),
            Finding::Torn { .. } => finding.missing().map(|runs| LostJson {
                check: None,
                start: runs.start.0,
                end: Some(runs.end.0),
                lost_runs: Some(runs.end.0 - runs.start.0),
                lost_samples: None,
            }),
        };
        FindingJson { offset: finding.offset(), what: finding.what(), damage: is_damage(finding), lost }
    }
}

pub(super) fn verify(args: &VerifyArgs) -> ExitCode {
    let mut worst = 0;
    let ended = finish(|out| {
        let dir = args.directory.dir()?;
        let mut status = Progress::new();
        let reports = custos_store::verify(&dir, &mut |progress| {
            status.show(&format!("{} of {}: {}", progress.done + 1, progress.total, progress.name));
        });
        drop(status);
        let reports = reports.map_err(|error| not_verified(&dir, &error))?;
        if reports.is_empty() {
            return Err(Failure::usage(format!("there is no store in {}", dir.display())));
        }
        let newest_ms =
            Reader::open(&dir).and_then(|reader| reader.info()).ok().and_then(|info| info.last_ms);
        let severity = |finding: &Finding| if is_damage(finding) { 2 } else { 1 };
        worst = reports.iter().flat_map(|report| &report.findings).map(severity).max().unwrap_or(0);
        if args.json { verify_json(&reports, newest_ms, out) } else { verify_text(&reports, newest_ms, out) }
    });
    if ended == ExitCode::Success { ExitCode::Raw(worst) } else { ended }
}

fn verify_json(reports: &[FileReport], newest_ms: Option<i64>, out: &mut dyn Write) -> Result<(), Failure> {
    let intact = reports.iter().all(|report| report.findings.is_empty());
    let files = reports.iter().map(|report| FileJson {
        name: &report.name,
        bytes: report.bytes,
        runs: report.runs,
        findings: report.findings.iter().map(FindingJson::of).collect(),
    });
    json_line(&VerifyJson { intact, newest_ms, files: files.collect() }, out)
}

fn verify_text(reports: &[FileReport], newest_ms: Option<i64>, out: &mut dyn Write) -> Result<(), Failure> {
    let (mut runs, mut bytes) = (0, 0);
    for report in reports {
        runs += report.runs;
        bytes += report.bytes;
        for finding in &report.findings {
            writeln!(out, "{}", line(&report.name, finding))?;
        }
    }
    let bad = reports.iter().filter(|report| !report.findings.is_empty()).count();
    let verdict = if bad == 0 { "intact".to_owned() } else { format!("{bad} not intact") };
    writeln!(
        out,
        "{}, {}, {} read: {verdict}",
        counted(reports.len() as u64, "file"),
        counted(bytes, "byte"),
        counted(runs, "run")
    )?;
    if let Some(newest_ms) = newest_ms {
        writeln!(out, "newest run {}", local_time(newest_ms, &TimeZone::system()))?;
    }
    Ok(())
}

/// A finding in words.
fn line(name: &str, finding: &Finding) -> String {
    let kind = match finding {
        Finding::Damage(_) => "damaged",
        Finding::Torn { .. } => "ends early",
    };
    let (name, offset, what) = (printable(name), finding.offset(), finding.what());
    format!("{name}: {kind} at offset {offset}: {what}{}", lost(finding))
}

/// Which runs a finding costs, as far as that is known.
fn lost(finding: &Finding) -> String {
    match finding {
        Finding::Damage(damage) if damage.start < damage.end => {
            let (check, numbers) = (damage.check.as_deref(), damage.start.0..damage.end.0);
            format!(" ({})", which(check, numbers, damage.runs, damage.samples))
        }
        Finding::Damage(_) => String::new(),
        Finding::Torn { synced: None, .. } => " (whether they cost runs is not known)".to_owned(),
        Finding::Torn { .. } => match finding.missing() {
            Some(Range { start, end }) => {
                let runs = which(None, start.0..end.0, Some(end.0 - start.0), None);
                format!(" ({runs}, which had been synced)")
            }
            None => " (no run that had been synced)".to_owned(),
        },
    }
}

/// Whether a finding costs runs that were there durably.
fn is_damage(finding: &Finding) -> bool {
    finding.is_damage() || finding.missing().is_some()
}

/// Runs in words: "3 runs of disk, numbered 5 to 9, with 12 samples".
fn which(check: Option<&str>, numbers: Range<u64>, runs: Option<u64>, samples: Option<u64>) -> String {
    let runs = match runs {
        Some(runs) => counted(runs, "run"),
        None => "runs".to_owned(),
    };
    let check = check.map_or_else(String::new, |check| format!(" of {}", printable(check)));
    let numbers = match (numbers.start, numbers.end) {
        (start, u64::MAX) => format!("numbered from {start} on"),
        (start, end) if end - start == 1 => format!("numbered {start}"),
        (start, end) => format!("numbered {start} to {}", end - 1),
    };
    let samples =
        samples.map_or_else(String::new, |samples| format!(", with {}", counted(samples, "sample")));
    format!("{runs}{check}, {numbers}{samples}")
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct RepairArgs {
    #[command(flatten)]
    directory: StoreDir,
}

pub(super) fn repair(args: &RepairArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let repaired = custos_store::repair(&args.directory.dir_to_write()?)
        .map_err(|error| failed("repair the store", &error))?;
    if !repaired.forbidden.is_empty() {
        let names = repaired.forbidden.join(", ");
        let names = printable(&names);
        let why = "the owner of the store may not open";
        return Err(Failure::new(format!(
            "failed to repair the store: {why} {names}; give them back with chown"
        )));
    }
    for report in &repaired.torn {
        for finding in &report.findings {
            writeln!(out, "{}", line(&report.name, finding))?;
        }
        let name = printable(&report.name);
        writeln!(
            out,
            "{name} is left as it is: the agent goes on behind these bytes when it starts next, and sealing drops them"
        )?;
    }
    if repaired.set_aside.is_empty() {
        return match repaired.torn.len() {
            0 => Ok(writeln!(out, "nothing is damaged")?),
            _ => Ok(writeln!(out, "nothing else is damaged")?),
        };
    }
    for name in &repaired.set_aside {
        writeln!(out, "set aside {}", printable(name))?;
    }
    writeln!(out, "{} carried over", counted_were(repaired.kept_runs, "run"))?;
    if repaired.lost_chunks + repaired.lost_series > 0 {
        writeln!(
            out,
            "not carried over: chunks {}, columns of metrics {}",
            repaired.lost_chunks, repaired.lost_series
        )?;
    }
    for amendment in &repaired.amendments {
        let kind = match amendment.kind {
            AmendmentKind::Lost => "lost",
            AmendmentKind::Restored => "restored",
        };
        let (check, numbers) = (amendment.check.as_deref(), amendment.start.0..amendment.end.0);
        writeln!(out, "{kind}: {}", which(check, numbers, amendment.runs, amendment.samples))?;
    }
    Ok(())
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct SalvageArgs {
    /// A log or segment, also one that has been set aside
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn salvage(args: &SalvageArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let mut written = Ok(());
    let salvaged = custos_store::salvage(&args.file, &mut |check, run| {
        if written.is_ok() {
            written = RunJson::new(check, &run).write(out);
        }
        if written.is_ok() { Ok(()) } else { Err(custos_store::Error::Cancelled) }
    });
    written?;
    let salvaged = salvaged.map_err(|error| failed("salvage", &error))?;
    let lost = format!(
        "{} and {} lost",
        counted(salvaged.lost_parts, "part"),
        counted(salvaged.lost_series, "metric column")
    );
    // The runs are on stdout.
    tell(&format!("{} read, {lost}", counted(salvaged.runs, "run")));
    Ok(())
}
