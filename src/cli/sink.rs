//! `custos sink`: how sinks do, having them send again what was set aside, and proving what they delivered.

mod verify;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use custos_store::Notes;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::ask::ask_agent;
use super::read::{Failure, ReadArgs, finish, json_line, local_time, now};
use super::style::printable;
use crate::control::{Request, Response};
use crate::exit_code::ExitCode;
use crate::feed::sink::{Aside, Asides, figure_prefix};
use crate::part::{Finding, Part};
use crate::text::human::counted;

/// Entries of what a sink has set aside that are listed.
const ASIDES_SHOWN_MAX: usize = 10;
/// How long the agent may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Says how sinks do, has them send again what was set aside, and proves what they delivered.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SinkArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// How each sink does: how far it is, what it waits for, what was set aside and why
    Status {
        /// Only this sink
        name: Option<String>,
        /// One JSON object for each sink
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        read: ReadArgs,
    },
    /// Has a sink send again all that was set aside
    ///
    /// What a receiver refused is set aside with the reason, and stays in the store. Once its cause is gone, this delivers it.
    Retry {
        /// The sink
        name: String,
        #[command(flatten)]
        read: ReadArgs,
    },
    /// Asks a sink's receiver whether it has what is stored, by series and hour
    ///
    /// Counts, first and last times, least and greatest values of each series and hour of UTC are compared. What differs is looked at
    /// sample by sample, and told with its cause. The status is 1 if something is missing or doubled whose cause is not known to stay.
    Verify(verify::VerifyArgs),
}

/// Runs the command.
pub(super) fn run(args: &SinkArgs) -> ExitCode {
    finish(|out| match &args.command {
        Command::Status { name, json, read } => status(name.as_deref(), *json, read, out),
        Command::Retry { name, read } => retry(name, read, out),
        Command::Verify(args) => verify::run(args, out),
    })
}

fn ask(store: &Path, read: &ReadArgs, request: &Request, command: &str) -> Result<Response, Failure> {
    let response = ask_agent(store, read, request, command, PATIENCE)?;
    response.ok_or_else(|| Failure::new("no agent is running, and nothing is delivered without one"))
}

fn retry(name: &str, read: &ReadArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let (store, _) = read.locate()?;
    match ask(&store, read, &Request::RetrySink(name.to_owned()), &format!("sink retry {name}"))? {
        Response::Done(done) => Ok(writeln!(out, "{done}")?),
        _ => Err(Failure::new("the agent answered another question")),
    }
}

fn status(wanted: Option<&str>, json: bool, read: &ReadArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let (store, _) = read.locate()?;
    let Response::Status(agent) = ask(&store, read, &Request::Status, "sink status")? else {
        return Err(Failure::new("the agent answered another question"));
    };
    let sinks: Vec<(&str, &Part)> = agent
        .parts
        .iter()
        .filter_map(|part| Some((part.name.strip_prefix("sink ")?, part)))
        .filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name))
        .collect();
    match wanted {
        Some(name) if sinks.is_empty() => return Err(Failure::new(format!("there is no sink `{name}`"))),
        None if sinks.is_empty() && !json => writeln!(out, "no sinks: nothing is delivered")?,
        _ => {}
    }
    sinks.into_iter().try_for_each(|(name, part)| match json {
        true => write_sink_json(name, part, &store, out),
        false => write_sink(name, part, &store, out),
    })
}

/// A sink as an object of JSON.
#[derive(Serialize)]
struct SinkJson<'a> {
    sink: &'a str,
    /// `OK`, or the worst of what is wrong.
    state: &'static str,
    summary: &'a str,
    findings: Vec<FindingJson<'a>>,
    /// What it counts, by name.
    figures: BTreeMap<&'a str, u64>,
    set_aside: Vec<Aside>,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    state: &'static str,
    text: &'a str,
}

fn write_sink_json(name: &str, part: &Part, store: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let prefix = format!("{}_", figure_prefix(name));
    let figure = |metric| str::strip_prefix(metric, &*prefix).unwrap_or(metric);
    let json = SinkJson {
        sink: name,
        state: part.state().name(),
        summary: part.summary.as_deref().unwrap_or_default(),
        findings: part
            .findings
            .iter()
            .map(|finding| FindingJson { state: finding.state().name(), text: finding.text() })
            .collect(),
        figures: part.counters.iter().map(|counter| (figure(&counter.metric), counter.value)).collect(),
        set_aside: asides(name, store)?.all,
    };
    json_line(&json, out)
}

fn asides(name: &str, store: &Path) -> Result<Asides, Failure> {
    Asides::read(&Notes::new(store), name).map_err(|why| Failure::new(format!("failed to {why}")))
}

fn write_sink(name: &str, part: &Part, store: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let summary = part.summary.as_deref().unwrap_or_default();
    writeln!(out, "{} {}", printable(name), printable(summary))?;
    for finding in &part.findings {
        let state = match finding {
            Finding::Critical(_) => "CRITICAL",
            Finding::Warning(_) => "WARNING",
        };
        // The paragraph is the sink's.
        let text = finding.text();
        let text = text.strip_prefix(&format!("sink {name}: ")).unwrap_or(text);
        writeln!(out, "  {state}: {}", printable(text))?;
    }
    let prefix = format!("{}_", figure_prefix(name));
    let counted: Vec<String> = part
        .counters
        .iter()
        .filter(|counter| counter.value > 0)
        .map(|counter| {
            let what = counter.metric.strip_prefix(&prefix).unwrap_or(&counter.metric);
            format!("{} {}", what.replace('_', " "), counter.value)
        })
        .collect();
    if !counted.is_empty() {
        writeln!(out, "  {}", counted.join(", "))?;
    }
    let asides = asides(name, store)?;
    let now = now();
    asides
        .all
        .iter()
        .take(ASIDES_SHOWN_MAX)
        .try_for_each(|aside| write_aside(aside, now.time_zone(), out))?;
    match asides.all.len().saturating_sub(ASIDES_SHOWN_MAX) {
        0 => Ok(()),
        more => Ok(writeln!(out, "  set aside: {more} more")?),
    }
}

fn write_aside(aside: &Aside, zone: &TimeZone, out: &mut dyn Write) -> Result<(), Failure> {
    let (first, last) = (local_time(aside.first_ms, zone), local_time(aside.last_ms, zone));
    let times = if aside.first_ms == aside.last_ms { first } else { format!("{first} to {last}") };
    let until = match aside.until_ms {
        Some(until_ms) => format!("; sent again after {}", local_time(until_ms, zone)),
        None => String::new(),
    };
    let samples = counted(aside.samples, "sample");
    let (check, why) = (printable(&aside.check), printable(&aside.why));
    writeln!(out, "  set aside: {samples} of {check}, {times}: {why}{until}")?;
    if !aside.series.is_empty() {
        writeln!(out, "    such as {}", printable(&aside.series))?;
    }
    Ok(())
}
