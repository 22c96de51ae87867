//! `custos history`: the runs of a check or of all checks, the newest last.

use std::io::Write;
use std::ops::Range;

use clap_complete::engine::ArgValueCompleter;
use custos_query::limits::LISTED_RUNS_MAX;
use custos_query::{Listed, NewestRuns, Pick, ReadContext, RunJson, Selector, check_names, merged_runs};
use custos_store::{Metric, Provenance, Reader, Reason, Run, SeriesKey, Value};
use jiff::Zoned;
use jiff::tz::TimeZone;

use super::completion;
use super::listing::PageArgs;
use super::note::{from_first, notes_or_none};
use super::read::{Damage, Failure, Opened, ReadArgs, finish, local_time, now, tell};
use super::style::{Style, printable, remarks, state_column};
use super::unknown::selector;
use crate::exit_code::ExitCode;
use crate::text::human::{Prefixes, counted, duration_ms, quantity};
use crate::text::width::{pad, width};
use crate::timeline::{Between, Marks, TimelineNote};

/// Columns of the names of checks. A longer one shifts its own line only.
const NAME_WIDTH_MAX: usize = 32;
/// Runs that are shown unless told otherwise.
const LIMIT_DEFAULT: usize = 1000;

/// Shows the runs of a check, or of all checks, the newest last.
///
/// A line tells the time, the state, how long the run took and what it said; with a METRIC also its values. What
/// people noted (custos note) stands between them. JSON has everything that is stored of the runs, one object a line, with
/// values in base units.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct HistoryArgs {
    /// A check, and perhaps a metric or a glob over its metrics: load, load:load1, 'disk:/*' [default: all checks]
    #[arg(value_name = "CHECK[:METRIC]", add = ArgValueCompleter::new(completion::check_or_metric))]
    target: Option<String>,
    #[command(flatten)]
    page: PageArgs<LIMIT_DEFAULT>,
    /// Every run, in the order of time
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// One JSON object for each run
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(super) fn run(args: &HistoryArgs) -> ExitCode {
    finish(|out| show(args, &now(), args.read.style(), out))
}

fn show(args: &HistoryArgs, now: &Zoned, style: Style, out: &mut dyn Write) -> Result<(), Failure> {
    let (span, limit) = args.page.page(now)?;
    let Opened { store, reader, mut damage, .. } = args.read.open()?;
    let known = check_names(&reader);
    let selector = args.target.as_ref().map(|target| selector(target, &known)).transpose()?;
    if let Some(selector) = selector.as_ref().filter(|selector| selector.has_metric()) {
        // An unknown metric is an error rather than a list of runs without it.
        selector.series(&reader.series(selector.check())?)?;
    }
    let checks = selector.as_ref().map_or(known, |selector| vec![selector.check().to_owned()]);
    let names = checks.iter().map(|check| width(&printable(check))).max().unwrap_or(0).min(NAME_WIDTH_MAX);
    let page = Page { selector: selector.as_ref(), names, zone: now.time_zone().clone(), style };
    let newest = match args.all {
        true => None,
        false => Some(newest(&reader, &checks, span.clone(), limit, &mut damage)?),
    };
    let first_ms = newest.as_ref().and_then(|(runs, _)| runs.first()).map(|one| one.run.time_ms);
    let is_cut = newest.as_ref().is_some_and(|(_, more)| *more);
    let mut shown = 0_u64;
    let notes = if args.json { Marks::default() } else { notes_or_none(&store) };
    let of = if args.target.is_some() { &checks[..] } else { &[] };
    let mut between = Between::new(notes.within(of, &from_first(&span, first_ms, is_cut)));
    let mut show = |one: &Listed| {
        if args.json {
            page.json(one, out)?;
        } else {
            page.notes(&between.until(one.run.time_ms), out)?;
            page.line(one, out)?;
        }
        shown += 1;
        Ok::<(), Failure>(())
    };
    if let Some((runs, more)) = newest {
        runs.iter().try_for_each(&mut show)?;
        if more && limit == LIMIT_DEFAULT {
            tell(&format!("only the newest {limit} runs are shown; -n N shows more, --all all of them"));
        }
    } else {
        for one in merged_runs(&reader, &checks, span) {
            match one {
                Ok(one) => show(&one)?,
                Err(error) => damage.note(&error),
            }
        }
    }
    page.notes(&between.until(i64::MAX), out)?;
    if shown == 0 && (args.all || limit > 0) {
        let of = selector.map_or(String::new(), |selector| format!(" of {}", selector.check()));
        tell(&format!("no run{of} is within this time"));
    }
    damage.finish(out)
}

/// The newest runs, and whether there are more.
fn newest(
    reader: &Reader,
    checks: &[String],
    span: Range<i64>,
    limit: usize,
    damage: &mut Damage,
) -> Result<(Vec<Listed>, bool), Failure> {
    if limit >= LISTED_RUNS_MAX {
        let most = LISTED_RUNS_MAX - 1;
        return Err(Failure::usage(format!("-n is {most} at most; --all shows all runs")));
    }
    let request = NewestRuns { checks, span, limit: limit + 1, pick: &|_| Pick::Take };
    let mut runs = request.read(reader, &mut ReadContext::new(&mut |error| damage.note(error)))?;
    let beyond = runs.len().saturating_sub(limit);
    runs.drain(..beyond);
    Ok((runs, beyond > 0))
}

/// How runs are shown.
struct Page<'a> {
    /// Which check, and which of its metrics; all checks without one.
    selector: Option<&'a Selector>,
    /// Columns of the names of checks.
    names: usize,
    zone: TimeZone,
    style: Style,
}

impl Page<'_> {
    fn metrics<'r>(&self, run: &'r Run) -> impl Iterator<Item = &'r Metric> + use<'r, '_> {
        let selector = self.selector.filter(|selector| selector.has_metric());
        run.metrics.iter().filter(move |metric| {
            let key = || SeriesKey { label: metric.label.clone(), labels: metric.labels.clone() };
            selector.is_none_or(|selector| selector.selects(&key()))
        })
    }

    fn notes(&self, notes: &[&TimelineNote], out: &mut dyn Write) -> Result<(), Failure> {
        for note in notes {
            let time = local_time(note.time_ms, &self.zone);
            writeln!(out, "{time}  {:<8}  {}", "note", printable(&note.said()))?;
        }
        Ok(())
    }

    fn line(&self, Listed { check, run }: &Listed, out: &mut dyn Write) -> Result<(), Failure> {
        write!(out, "{}  {}  ", local_time(run.time_ms, &self.zone), state_column(run, self.style))?;
        if self.selector.is_none() {
            write!(out, "{}  ", pad(&printable(check), self.names))?;
        }
        let took = duration_ms((run.duration_us / 1000).min(i64::MAX as u64) as i64);
        match run.reason {
            Reason::Missed => {
                let why = run.text.split_once(" missed: ").map(|(_, why)| format!(": {}", printable(why)));
                writeln!(out, "{} in {took}{}", counted(run.missed_slots, "slot"), why.unwrap_or_default())?;
                return Ok(());
            }
            Reason::Skipped => {
                let why = run.text.strip_prefix("skipped: ").unwrap_or(&run.text);
                writeln!(out, "{}", printable(why))?;
                return Ok(());
            }
            Reason::Exited => write!(out, "{took:>7}  ")?,
            Reason::Imported => {
                let span = match run.provenance {
                    Provenance::Consolidated { span_ms, .. } => {
                        format!("of {}", duration_ms(i64::try_from(span_ms).unwrap_or(i64::MAX)))
                    }
                    _ => String::new(),
                };
                write!(out, "{span:>7}  ")?;
            }
            reason => write!(out, "{took:>7}  {}: ", reason.name())?,
        }
        if let Some(one) = self.selector.and_then(Selector::built_in) {
            let shown = |value: Value| quantity(value.to_f64(), one.unit(), Prefixes::Si);
            let value = one.value(run).map_or_else(|| "U".to_owned(), shown);
            write!(out, "{}={value}  ", one.name())?;
        } else if self.selector.is_some_and(Selector::has_metric) || run.reason == Reason::Imported {
            for metric in self.metrics(run) {
                let value = metric.value.map_or_else(
                    || "U".to_owned(),
                    |value| quantity(value.to_f64(), &metric.unit, Prefixes::Si),
                );
                write!(out, "{}  ", printable(&format!("{}={value}", metric.label)))?;
            }
        }
        write!(out, "{}", printable(&run.text))?;
        let remarks = remarks(run).collect::<Vec<_>>().join("; ");
        if !remarks.is_empty() {
            write!(out, "{}", self.style.dim(&format!("  [{}]", printable(&remarks))))?;
        }
        writeln!(out)?;
        Ok(())
    }

    fn json(&self, Listed { check, run }: &Listed, out: &mut dyn Write) -> Result<(), Failure> {
        Ok(RunJson::with(check, run, self.metrics(run)).write(out)?)
    }
}

#[cfg(test)]
mod tests {
    use custos_store::{Bounds, State};

    use super::*;
    use crate::cli::stage::{self, NOON};

    fn store() -> tempfile::TempDir {
        let metric = |label: &str, value: Option<Value>| Metric {
            unit: "B".to_owned(),
            printed_unit: "KB".to_owned(),
            warn: Some(Bounds { start: f64::NEG_INFINITY, end: 5000.0, inside: true }),
            min: Some(0.5),
            ..Metric::new(label, value)
        };
        let exited = Run {
            time_ms: NOON,
            duration_us: 3100,
            cpu_us: Some(2000),
            exit_code: Some(1),
            state: State::Warning,
            plugin_state: State::Warning,
            text: "DISK WARNING\u{1b}[2J".to_owned(),
            long_text: "a\nb".to_owned(),
            metrics: vec![metric("/", Some(Value::from(9007199254740993_i64))), metric("/var", None)],
            ..Run::default()
        };
        let at = |offset_ms: i64, text: &str| Run {
            time_ms: NOON + offset_ms,
            duration_us: 1_250_000,
            exit_code: Some(0),
            text: text.to_owned(),
            ..Run::default()
        };
        let missed = Run {
            time_ms: NOON + 10_000,
            duration_us: 30_000_000,
            reason: Reason::Missed,
            state: State::Unknown,
            missed_slots: 3,
            text: "3 slots missed: the agent was not running".to_owned(),
            ..Run::default()
        };
        let judgement = "timed out after 1s\nCRITICAL: late".to_owned();
        let timeout = Run { reason: Reason::Timeout, exit_code: None, judgement, ..at(50_000, "half") };
        // The two at 40 s came in this order.
        let runs = [exited, missed, at(40_000, "one"), at(40_000, "two"), timeout];
        stage::store(|writer| {
            for run in &runs {
                writer.append(&[("disk", run)]).unwrap();
            }
        })
    }

    fn shown(line: &[&str]) -> String {
        stage::shown(&store(), line, show).unwrap()
    }

    #[test]
    fn a_run_is_a_line() {
        assert_eq!(
            shown(&["disk"]),
            "2026-11-22 13:00:00  WARNING       3ms  DISK WARNING\\u{1b}[2J\n\
             2026-11-22 13:00:10  missed    3 slots in 30s: the agent was not running\n\
             2026-11-22 13:00:40  OK           1.2s  one\n\
             2026-11-22 13:00:40  OK           1.2s  two\n\
             2026-11-22 13:00:50  OK           1.2s  timeout: half  [timed out after 1s; CRITICAL: late]\n"
        );
        assert!(
            shown(&["disk:/*"])
                .starts_with("2026-11-22 13:00:00  WARNING       3ms  /=9.01 PB  /var=U  DISK WARNING")
        );
    }

    #[test]
    fn a_slot_without_a_run_has_no_state() {
        let skipped = Run {
            time_ms: NOON,
            reason: Reason::Skipped,
            state: State::Unknown,
            text: "skipped: router is CRITICAL".to_owned(),
            ..Run::default()
        };
        let store = stage::store(|writer| {
            writer.append(&[("disk", &skipped)]).unwrap();
        });
        let line = stage::shown(&store, &["disk"], show).unwrap();
        assert_eq!(line, "2026-11-22 13:00:00  skipped   router is CRITICAL\n");
    }

    #[test]
    fn the_runs_themselves_have_values() {
        let first = |metric: &str| shown(&[metric]).lines().next().unwrap().to_owned();
        assert!(first("disk:check_cpu_seconds").contains("  check_cpu_seconds=2 ms  DISK"));
        assert!(first("disk:check_max_rss_bytes").contains("  check_max_rss_bytes=U  DISK"));
        assert!(first("disk:check_state").contains("  check_state=1  DISK"));
    }

    #[test]
    fn json_has_everything_in_a_fixed_order() {
        let first = shown(&["disk", "--json"]);
        assert_eq!(
            first.lines().next().unwrap(),
            concat!(
                r#"{"check":"disk","time_ms":1795348800000,"state":"WARNING","reason":"exited","exit_code":1,"#,
                r#""duration_ms":3.1,"text":"DISK WARNING\u001b[2J","long_text":"a\nb","metrics":["#,
                r#"{"label":"/","value":9007199254740993,"unit":"B","#,
                r#""warn":{"start":null,"end":5000,"inside":true},"crit":null,"min":0.5,"max":null,"printed_unit":"KB"},"#,
                r#"{"label":"/var","value":null,"unit":"B","#,
                r#""warn":{"start":null,"end":5000,"inside":true},"crit":null,"min":0.5,"max":null,"printed_unit":"KB"}],"#,
                r#""plugin_state":"WARNING","signal":null,"lateness_ms":null,"cpu_ms":2,"max_rss_bytes":null,"#,
                r#""stderr":"","origin":"","judgement":"","hard":false,"attempt":0,"missed_slots":0,"#,
                r#""hard_state":"OK","since_ms":0,"flapping":false,"flap_history":0}"#
            )
        );
        assert_eq!(first.lines().count(), 5);
        assert!(shown(&["disk:/var", "--json"]).contains(r#""metrics":[{"label":"/var","value":null"#));
    }

    #[test]
    fn a_limit_keeps_the_newest_even_among_equal_times() {
        let last = |line: &str| line.split("  [").next().unwrap().rsplit(' ').next().unwrap().to_owned();
        let texts = |line: &[&str]| shown(line).lines().map(last).collect::<Vec<_>>().join(" ");
        assert_eq!(texts(&["disk", "-n", "1"]), "half");
        assert_eq!(texts(&["disk", "-n", "2"]), "two half");
        assert_eq!(texts(&["disk", "-n", "3"]), "one two half");
        assert_eq!(texts(&["disk", "-n", "4"]), "running one two half");
        assert_eq!(texts(&["disk", "-n", "0"]), "");
        assert_eq!(shown(&["disk", "-n", "99"]).lines().count(), 5);
        assert_eq!(shown(&["disk", "--all"]), shown(&["disk", "-n", "99"]));
        assert!(stage::shown(&store(), &["-n", "99999"], show).is_err());
    }

    #[test]
    fn without_a_check_all_are_shown() {
        let store = stage::store(|writer| {
            for (check, offset_ms) in [("disk", 0), ("load", 500), ("disk", 1000), ("load", 1500)] {
                let run = Run { time_ms: NOON + offset_ms, text: "fine".to_owned(), ..Run::default() };
                writer.append(&[(check, &run)]).unwrap();
            }
        });
        let newest = "2026-11-22 13:00:01  OK        disk      0ms  fine\n\
                      2026-11-22 13:00:01  OK        load      0ms  fine\n";
        assert_eq!(stage::shown(&store, &["-n", "2"], show).unwrap(), newest);
        assert_eq!(stage::shown(&store, &["--since", "13:00:01"], show).unwrap(), newest);
        assert_eq!(stage::shown(&store, &["--all", "--json"], show).unwrap().lines().count(), 4);
    }

    #[test]
    fn runs_ahead_of_the_clock_are_not_the_newest() {
        let store = stage::store(|writer| {
            for (offset_ms, text) in [(0, "before"), (7_200_000, "ahead"), (10_000, "after")] {
                let run = Run { time_ms: NOON + offset_ms, text: text.to_owned(), ..Run::default() };
                writer.append(&[("disk", &run)]).unwrap();
            }
        });
        assert!(stage::shown(&store, &["disk", "-n", "1"], show).unwrap().ends_with("after\n"));
        assert!(stage::shown(&store, &["disk", "--all"], show).unwrap().ends_with("ahead\n"));
    }

    #[test]
    fn times_bound_the_runs() {
        assert_eq!(shown(&["disk", "--since", "13:00:40", "--until", "13:00:50"]).lines().count(), 2);
        assert_eq!(shown(&["disk", "--since", "-1h", "--until", "-1m"]).lines().count(), 0);
    }
}
