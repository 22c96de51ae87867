//! `custos import whisper`: files of Graphite.

use std::io::Write;
use std::path::{Path, PathBuf};

use custos_compat::whisper::{Aggregation, Whisper};
use custos_store::Metric;

use super::covered::Covered;
use super::faults::Faults;
use super::files::files;
use super::hosts::several;
use super::table::Table;
use super::target::{Target, TargetArgs, said_of_files};
use crate::cli::read::Failure;
use crate::cli::store::failed;
use crate::import::{WhisperNames, whisper_runs};
use crate::limits::WHISPER_FILE_MAX_BYTES;
use crate::text::human::counted;
use crate::whole_file;

/// Takes in files of Graphite's whisper
///
/// The finest archive has the last value of each slot, whose own time is not known, so each is stored for its span, under load@last; coarser
/// archives under the function by which they were made, as load@average. Of files in a directory that is given, the last name is the metric
/// and those before it are the check; those of Icinga are metrics of their service.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct WhisperArgs {
    /// Files, and directories with files that end with .wsp
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Only files of this host
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// The check, whatever the files are called
    #[arg(long, value_name = "NAME")]
    check: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
}

/// A file, and of what it is.
type Planned = (PathBuf, WhisperNames);

pub(super) fn import(args: &WhisperArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let (planned, no_metric) = plan(args)?;
    let mut faults = Faults::default();
    if args.target.dry_run {
        let mut table = Table::default();
        for (path, names) in &planned {
            read(path, &mut faults, |file| {
                whisper_runs(file, names).iter().for_each(|one| table.add(&one.check, &one.run));
                Ok(())
            })?;
        }
        table.show(out)?;
    } else {
        let (imported, covered) = args.target.take_in(|target| {
            let mut covered = 0;
            for (path, names) in &planned {
                read(path, &mut faults, |file| {
                    covered += store(file, names, target)?;
                    Ok(())
                })?;
            }
            Ok(covered)
        })?;
        writeln!(out, "{}", said_of_files(planned.len(), &imported, covered))?;
    }
    if no_metric > 0 {
        writeln!(out, "left out: {} beside values of Icinga", counted(no_metric, "file"))?;
    }
    out.flush()?;
    faults.finish()
}

/// Finds out of what each file is, and how many are of no metric.
fn plan(args: &WhisperArgs) -> Result<(Vec<Planned>, u64), Failure> {
    let mut planned: Vec<Planned> = Vec::new();
    let mut no_metric = 0;
    for given in &args.paths {
        for path in files(std::slice::from_ref(given), "wsp")? {
            let below = path.strip_prefix(given).ok().filter(|below| !below.as_os_str().is_empty());
            let below = below.or_else(|| path.file_name().map(Path::new)).unwrap_or(&path);
            match WhisperNames::of(below) {
                None => no_metric += 1,
                Some(names) if args.host.is_some() && names.host.is_some() && names.host != args.host => {}
                Some(names) => {
                    let check = args.check.clone().unwrap_or(names.check);
                    planned.push((path, WhisperNames { check, ..names }));
                }
            }
        }
    }
    let mut hosts: Vec<&str> = planned.iter().filter_map(|(_, names)| names.host.as_deref()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    match hosts.len() > 1 {
        true => Err(several(&hosts)),
        false => Ok((planned, no_metric)),
    }
}

/// Reads a file, or tells why it cannot be.
fn read(
    path: &Path,
    faults: &mut Faults,
    take: impl FnOnce(&Whisper<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let bytes = match whole_file::bytes(path, WHISPER_FILE_MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) => {
            faults.tell(path, &error.to_string());
            return Ok(());
        }
    };
    match Whisper::parse(&bytes) {
        Ok(file) => {
            if file.aggregation == Aggregation::Absolute && file.archives.len() > 1 {
                let why = "its coarser archives are of the value furthest from or nearest to 0; only the finest is taken";
                faults.tell(path, why);
            }
            take(&file)
        }
        Err(error) => {
            faults.tell(path, &error.to_string());
            Ok(())
        }
    }
}

/// Stores the runs of a file. Returns how many were not, as the store has their spans in finer runs.
fn store(file: &Whisper<'_>, names: &WhisperNames, target: &mut Target<'_>) -> Result<u64, Failure> {
    let metric = Metric::new(names.label.clone(), None);
    let mut left_out = 0;
    let runs = whisper_runs(file, names);
    // What is the last value of a slot is finer than a mean, whatever name it is stored under.
    let mut known: Vec<Covered> = Vec::new();
    let mut checks: Vec<&str> = runs.iter().map(|one| one.check.as_str()).collect();
    checks.dedup();
    for check in checks {
        let covered = Covered::read(target.reader, check, Some(&metric));
        known.push(covered.map_err(|error| failed("read what is there already", &error))?);
    }
    for one in runs {
        if known.iter_mut().any(|known| known.covers(one.span_ms, one.run.time_ms)) {
            left_out += 1;
        } else {
            target.add(&one.check, one.run)?;
        }
    }
    Ok(left_out)
}
