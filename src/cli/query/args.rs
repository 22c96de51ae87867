//! The command: what is asked, for when, and how the answer is shown.

use std::io::Write;

use clap_complete::engine::ArgValueCompleter;
use custos_promql::{
    Answer, AnswerValue, Error, ErrorKind, Expr, Options, instant, parse, parse_duration, range,
};
use custos_query::{StoreSource, query_threads, unit_of};
use custos_store::Reader;
use jiff::Zoned;

use super::span::Span;
use super::{chart, explain, table};
use crate::cli::completion;
use crate::cli::read::{Failure, ReadArgs, finish, now, tell, time_or_now};
use crate::cli::style::Style;
use crate::cli::unknown::offer;
use crate::clock;
use crate::exit_code::ExitCode;
use crate::limits::QUERY_STEPS_SHOWN;
use crate::rules::{ALERTS, ALERTS_FOR_STATE};

/// Answers a PromQL query from the store.
///
/// Without a span it is answered for one moment, as a table; with --since it is answered every --step and drawn. A metric
/// of a check is the series CHECK{check="CHECK", metric="METRIC"}; every check also has check_state,
/// check_duration_seconds and the other built-in series, with the label check.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct QueryArgs {
    /// The query: 'load{metric="load1"}', 'max by (check) (max_over_time({metric="rta"}[30d]))'
    #[arg(value_name = "EXPR", add = ArgValueCompleter::new(completion::query))]
    expr: String,
    /// The moment to answer for: -1h, 'yesterday 03:00', 2026-03-01, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with_all = ["since", "until", "step"])]
    at: Option<String>,
    /// Start of a span
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// End of the span [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, requires = "since")]
    until: Option<String>,
    /// How far apart the answers are: 10s, 5m [default: as many as are drawn]
    #[arg(long, value_name = "DURATION", requires = "since")]
    step: Option<String>,
    /// How long the newest value of a series counts [default: 5m, or a little more than its check's interval]
    #[arg(long, value_name = "DURATION")]
    lookback: Option<String>,
    /// Print a JSON object a line: the labels, the time in ms and the value as a text
    #[arg(long, group = "format")]
    json: bool,
    /// Print lines of series, time in ms and value, with a header
    #[arg(long, group = "format")]
    csv: bool,
    /// Print a table also of a span
    #[arg(long, group = "format")]
    table: bool,
    /// Print what each selector read in place of the answer
    #[arg(long, group = "format")]
    explain: bool,
    /// ASCII characters only
    #[arg(long)]
    ascii: bool,
    #[command(flatten)]
    read: ReadArgs,
}

/// How an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
    Table,
    Chart,
}

/// Runs the command.
pub(in crate::cli) fn run(args: &QueryArgs) -> ExitCode {
    finish(|out| answer(args, &now(), args.read.style(), out))
}

fn answer(args: &QueryArgs, now: &Zoned, style: Style, out: &mut dyn Write) -> Result<(), Failure> {
    let expr = parse(&args.expr).map_err(|error| {
        tell_of_quotes(args);
        Failure::usage(error.with_caret(&args.expr))
    })?;
    let span = span(args, now, style)?;
    let mut opened = args.read.open()?;
    let mut damage = std::mem::take(&mut opened.damage);
    let snapshot = opened.reader.snapshot();
    let source = StoreSource::new(&snapshot);
    let lookback_ms = args.lookback.as_deref().map(|text| duration("--lookback", text)).transpose()?;
    let clock: &(dyn Fn() -> u64 + Sync) = &|| clock::now().mono_us;
    let clock = args.explain.then_some(clock);
    let options = Options { lookback_ms, threads: query_threads(), clock, ..Options::default() };
    let answered = match span {
        Span::At(at_ms) => instant(&args.expr, &expr, &source, at_ms, &options),
        Span::Range(start_ms, end_ms, step_ms) => {
            range(&args.expr, &expr, &source, (start_ms, end_ms, step_ms), &options)
        }
    };
    let answer = answered.map_err(|error| failed(&error, &args.expr))?;
    for line in answer.warnings.iter().chain(&answer.infos) {
        tell(line);
    }
    source.damages().iter().for_each(|text| damage.note_text(text));
    if args.explain {
        explain::explain(&args.expr, &expr, &answer, out)?;
        return damage.finish(out);
    }
    let unit = unit_of(&expr, &mut |selector| source.unit(&selector.matchers)).unwrap_or_default();
    show(args, &answer, (span, &unit), now, style, out)?;
    if is_empty(&answer) {
        out.flush()?;
        if !is_odd_check(&args.expr, &opened.reader) {
            advise(&expr, &opened.reader);
        }
    }
    damage.finish(out)
}

fn span(args: &QueryArgs, now: &Zoned, style: Style) -> Result<Span, Failure> {
    let moment = |option: &str, text: &Option<String>| time_or_now(option, text.as_deref(), now);
    if args.since.is_none() {
        return moment("--at", &args.at).map(Span::At);
    }
    let (start_ms, end_ms) = (moment("--since", &args.since)?, moment("--until", &args.until)?);
    if start_ms >= end_ms {
        return Err(Failure::usage("the start of the span is not before its end"));
    }
    let step_ms = match &args.step {
        Some(text) => duration("--step", text)?,
        None => {
            let steps = i64::try_from(style.width.min(QUERY_STEPS_SHOWN)).unwrap_or(1).max(1);
            // Whole seconds, so that times are easy to read.
            (end_ms.saturating_sub(start_ms) / steps / 1000).max(1).saturating_mul(1000)
        }
    };
    Ok(Span::Range(start_ms, end_ms, step_ms))
}

/// A length of time as PromQL writes it.
fn duration(option: &str, text: &str) -> Result<i64, Failure> {
    match parse_duration(text).map(|seconds| seconds * 1e3) {
        Some(ms) if ms >= 1.0 => Ok(ms as i64),
        _ => {
            Err(Failure::usage(format!("{option}: {text:?} is no length of time, such as 30s, 5m or 1h30m")))
        }
    }
}

/// Why a query has no answer.
pub(in crate::cli) fn failed(error: &Error, query: &str) -> Failure {
    match error.kind {
        ErrorKind::Parse | ErrorKind::Execution | ErrorKind::Limit => Failure::usage(error.with_caret(query)),
        _ => Failure::new(error.to_string()),
    }
}

fn show(
    args: &QueryArgs,
    answer: &Answer,
    (span, unit): (Span, &str),
    now: &Zoned,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let format = match (args.json, args.csv, args.table, &answer.value, span) {
        (true, ..) => Format::Json,
        (_, true, ..) => Format::Csv,
        (false, false, false, AnswerValue::Matrix(_), Span::Range(..)) => Format::Chart,
        _ => Format::Table,
    };
    match format {
        Format::Json => table::json(&answer.value, out),
        Format::Csv => table::csv(&answer.value, out),
        Format::Table => table::table(&answer.value, now, style, out),
        Format::Chart => {
            let AnswerValue::Matrix(series) = &answer.value else { return Ok(()) };
            chart::chart(series, (span, unit), args.ascii, now, style, out)
        }
    }
}

fn is_empty(answer: &Answer) -> bool {
    match &answer.value {
        AnswerValue::Vector(values) => values.is_empty(),
        AnswerValue::Matrix(series) => series.is_empty(),
        AnswerValue::Scalar(_) | AnswerValue::Text(..) => false,
    }
}

/// Says how a name has to be written, if the text that is no query is that of a check.
fn tell_of_quotes(args: &QueryArgs) {
    if let Ok(opened) = args.read.open() {
        is_odd_check(&args.expr, &opened.reader);
    }
}

/// Whether the whole query is the name of a check that PromQL reads as something else; then it says how to write it.
fn is_odd_check(query: &str, reader: &Reader) -> bool {
    let name = query.trim();
    let is_odd = custos_query::check_names(reader).iter().any(|check| check == name);
    if is_odd && names_itself(name) {
        return false;
    }
    if is_odd {
        tell(&format!("the check {name} is written {{{name:?}}} in a query"));
    }
    is_odd
}

/// Whether a name is a selector as it stands.
fn names_itself(name: &str) -> bool {
    parse(name).is_ok_and(|expr| names(&expr) == [name])
}

/// Says why an answer may be empty: a name that no check has.
fn advise(expr: &Expr, reader: &Reader) {
    let checks = custos_query::check_names(reader);
    let snapshot = reader.snapshot();
    let written = snapshot.own_names();
    let is_known = |name: &str| {
        checks.iter().any(|check| check == name)
            || custos_query::BuiltIn::named(name).is_some()
            || [ALERTS, ALERTS_FOR_STATE].contains(&name)
            || written.contains_key(name)
    };
    let unknown = names(expr).into_iter().find(|name| !is_known(name));
    match unknown {
        Some(name) => {
            tell(&format!("no series match: the store has no check {name:?}{}", offer(name, &checks)));
        }
        None => tell("no series match, or none has a value then"),
    }
}

/// The names of metrics that a query has before its braces.
fn names(expr: &Expr) -> Vec<&str> {
    match expr {
        Expr::Selector(selector) => selector.name.as_deref().into_iter().collect(),
        Expr::Range(range) => range.selector.name.as_deref().into_iter().collect(),
        _ => expr.children().into_iter().flat_map(names).collect(),
    }
}
