//! `custos import rrd`: files of RRDtool.
//!
//! All files are looked at before anything is stored, so that a mistake in what is meant costs nothing.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use custos_compat::pnp::Description;
use custos_compat::rrd::Rrd;

use super::covered::Covered;
use super::faults::Faults;
use super::files::files;
use super::hosts::several;
use super::target::{Target, TargetArgs, said_of_files};
use crate::cli::read::{Failure, now};
use crate::cli::store::failed;
use crate::cli::style::printable;
use crate::config::CheckNameFault;
use crate::import::{Names, RrdRuns, collectd_names, munin_names, plain_names, pnp_names};
use crate::limits::{PNP_FILE_MAX_BYTES, RRD_FILE_MAX_BYTES};
use crate::text::human::{counted, duration_ms};
use crate::text::local_time::local_time;
use crate::whole_file;

/// Takes in RRD files of PNP4Nagios, collectd and Munin, or any, with the rows of AVERAGE, MIN, MAX and LAST
///
/// No row of such a file is a sample: each is stored as what it is, a value for a span of time, apart from the runs of the check: under
/// load@average, load@minimum, load@maximum and load@last. For each moment the finest archive counts. custos graph load draws
/// these stretches otherwise than samples.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct RrdArgs {
    /// Files, and directories with files that end with .rrd
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Only files of this host
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// The check, whatever the files are called
    #[arg(long, value_name = "NAME")]
    check: Option<String>,
    /// How the files lie [default: pnp4nagios where an .xml describes the file, munin where its source is 42, collectd within a
    /// directory of that name, else plain]
    #[arg(long, value_enum)]
    layout: Option<Layout>,
    #[command(flatten)]
    target: TargetArgs,
}

/// Who lays files out how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Layout {
    /// HOST/SERVICE.rrd with a description in HOST/SERVICE.xml
    Pnp4nagios,
    /// HOST/PLUGIN-INSTANCE/TYPE-INSTANCE.rrd
    Collectd,
    /// GROUP/HOST-PLUGIN-FIELD-g.rrd
    Munin,
    /// Any file: the check has its name, the metrics those of its sources
    Plain,
}

/// A file, and of what it is.
struct Planned {
    path: PathBuf,
    names: Names,
}

pub(super) fn import(args: &RrdArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let mut faults = Faults::default();
    let planned = plan(args, &mut faults)?;
    if args.target.dry_run {
        for one in &planned {
            show(one, &mut faults, out)?;
        }
        out.flush()?;
        return faults.finish();
    }
    let (imported, covered) = args.target.take_in(|target| {
        let mut covered = 0;
        for Planned { path, names } in &planned {
            match whole_file::bytes(path, RRD_FILE_MAX_BYTES) {
                Ok(bytes) => match Rrd::parse(&bytes) {
                    Ok(rrd) if rrd.sources.len() == names.metrics.len() => {
                        covered += store(&rrd, names, target)?;
                    }
                    Ok(_) => faults.tell(path, "it has changed meanwhile"),
                    Err(error) => faults.tell(path, &error.to_string()),
                },
                Err(error) => faults.tell(path, &error.to_string()),
            }
        }
        Ok(covered)
    })?;
    writeln!(out, "{}", said_of_files(planned.len(), &imported, covered))?;
    out.flush()?;
    faults.finish()
}

/// Stores the runs of a file. Returns how many were not, as the store has their spans in finer runs.
fn store(rrd: &Rrd<'_>, names: &Names, target: &mut Target<'_>) -> Result<u64, Failure> {
    let mut left_out = 0;
    for runs in RrdRuns::of(rrd, names) {
        let metric = names.metrics.first().map(|template| &template.metric);
        let mut covered = Covered::read(target.reader, &runs.check, metric)
            .map_err(|error| failed("read what is there already", &error))?;
        for one in runs.runs() {
            if covered.covers(one.span_ms, one.run.time_ms) {
                left_out += 1;
            } else {
                target.add(&runs.check, one.run)?;
            }
        }
    }
    Ok(left_out)
}

/// Looks at all files, and finds out of what each is.
fn plan(args: &RrdArgs, faults: &mut Faults) -> Result<Vec<Planned>, Failure> {
    let mut described = Descriptions::default();
    let mut planned: Vec<Planned> = Vec::new();
    let mut of_others = 0_usize;
    for path in files(&args.paths, "rrd")? {
        match look(args, &path, &mut described) {
            Ok(names) => match (&args.host, &names.host) {
                (Some(host), Some(of)) if host != of => of_others += 1,
                _ => planned.push(Planned { path, names }),
            },
            Err(why) => faults.tell(&path, &why),
        }
    }
    let mut hosts: Vec<&str> = planned.iter().filter_map(|one| one.names.host.as_deref()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    if hosts.len() > 1 {
        return Err(several(&hosts));
    }
    if planned.is_empty() && of_others > 0 {
        return Err(Failure::usage(format!("{} are of other hosts", counted(of_others as u64, "file"))));
    }
    Ok(planned)
}

/// Of what a file is.
fn look(args: &RrdArgs, path: &Path, described: &mut Descriptions) -> Result<Names, String> {
    let bytes = whole_file::bytes(path, RRD_FILE_MAX_BYTES).map_err(|error| error.to_string())?;
    let rrd = Rrd::parse(&bytes).map_err(|error| error.to_string())?;
    let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let by_description = |described: &mut Descriptions| pnp_names(&*described.of(path)?, file_name, &rrd);
    let by_path = |layout| match layout {
        Layout::Collectd => collectd_names(path, &rrd),
        Layout::Munin => munin_names(path, args.host.as_deref(), &rrd),
        Layout::Pnp4nagios | Layout::Plain => plain_names(path, &rrd),
    };
    let names = match args.layout {
        Some(Layout::Pnp4nagios) => {
            by_description(described).ok_or("no .xml of PNP4Nagios beside it describes it")?
        }
        Some(layout) => by_path(layout).ok_or("its name is not one of that layout")?,
        None => match by_description(described) {
            Some(names) => names,
            None => {
                by_path(guessed(path, &rrd)).ok_or("its name tells no check; give one with --check NAME")?
            }
        },
    };
    let names = Names { check: args.check.clone().unwrap_or(names.check), ..names };
    match CheckNameFault::of(&names.check) {
        Some(fault) => Err(format!("as the name of its check {fault}; give one with --check NAME")),
        None => Ok(names),
    }
}

/// The layout of a file that nothing describes.
fn guessed(path: &Path, rrd: &Rrd<'_>) -> Layout {
    if matches!(&rrd.sources[..], [one] if one.name == "42") {
        Layout::Munin
    } else if path.components().any(|part| part.as_os_str() == "collectd") {
        Layout::Collectd
    } else {
        Layout::Plain
    }
}

/// What PNP4Nagios wrote beside files, each read once. With a file for each metric it is not named as these are.
#[derive(Default)]
struct Descriptions {
    by_directory: HashMap<PathBuf, HashMap<String, Rc<Description>>>,
}

impl Descriptions {
    fn of(&mut self, path: &Path) -> Option<Rc<Description>> {
        let (directory, name) = (path.parent()?, path.file_name()?.to_str()?);
        let known = self.by_directory.entry(directory.to_owned()).or_insert_with(|| described(directory));
        known.get(name).cloned()
    }
}

/// For each RRD file of a directory what describes it. What cannot be read describes nothing.
fn described(directory: &Path) -> HashMap<String, Rc<Description>> {
    let mut all = HashMap::new();
    // The directory of a file that is named without one.
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    for path in files(&[directory.to_owned()], "xml").unwrap_or_default() {
        if path.parent() != Some(directory) {
            continue;
        }
        let Ok(bytes) = whole_file::bytes(&path, PNP_FILE_MAX_BYTES) else { continue };
        let Some(description) = Description::parse(&String::from_utf8_lossy(&bytes)) else { continue };
        let description = Rc::new(description);
        let own = path.with_extension("rrd").file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let named = description.sources.iter().map(|source| source.file.clone());
        let names: Vec<String> = named.chain(own).filter(|name| !name.is_empty()).collect();
        all.extend(names.into_iter().map(|name| (name, Rc::clone(&description))));
    }
    all
}

/// Says what becomes of a file.
fn show(planned: &Planned, faults: &mut Faults, out: &mut dyn Write) -> Result<(), Failure> {
    let Planned { path, names } = planned;
    let bytes = match whole_file::bytes(path, RRD_FILE_MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) => {
            faults.tell(path, &error.to_string());
            return Ok(());
        }
    };
    let rrd = match Rrd::parse(&bytes) {
        Ok(rrd) => rrd,
        Err(error) => {
            faults.tell(path, &error.to_string());
            return Ok(());
        }
    };
    let zone = now().time_zone().clone();
    let metrics: Vec<String> = names
        .metrics
        .iter()
        .map(|template| match template.metric.unit.as_str() {
            "" => template.metric.label.clone(),
            unit => format!("{} ({unit})", template.metric.label),
        })
        .collect();
    let shown = format!("{} -> {}: {}", path.display(), names.check, metrics.join(", "));
    writeln!(out, "{}", printable(&shown))?;
    for runs in RrdRuns::of(&rrd, names) {
        let lengths = runs.lengths().into_iter().map(|(span_s, count)| {
            let span_ms = i64::try_from(span_s).unwrap_or(i64::MAX).saturating_mul(1000);
            format!("{count} of {}", duration_ms(span_ms))
        });
        let span_ms = runs.span_ms();
        writeln!(
            out,
            "    {:<8} {} to {}: {}",
            runs.function.name(),
            local_time(span_ms.start, &zone),
            local_time(span_ms.end, &zone),
            lengths.collect::<Vec<_>>().join(", ")
        )?;
    }
    let left_out = RrdRuns::left_out(&rrd);
    if !left_out.is_empty() {
        writeln!(out, "    left out: {}, which were not measured", printable(&left_out.join(", ")))?;
    }
    Ok(())
}
