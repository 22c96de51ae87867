//! `custos history`: every run of a check, the newest last.

use std::io::Write;

use custos_query::{RunJson, Selector, check_names, newest_runs};
use custos_store::{Metric, Reason, Run, SeriesKey, Value};
use jiff::Zoned;
use jiff::tz::TimeZone;

use super::listing::{SpanArgs, show_runs};
use super::read::{Damage, Failure, ReadArgs, finish, local_time, now, tell};
use super::style::{Style, printable};
use crate::exit_code::ExitCode;
use crate::text::human::{Prefixes, duration_ms, quantity};

/// Shows every run of a check, the newest last.
///
/// A line tells the time, the state, how long the run took and what it said; with a METRIC also its values. JSON
/// has everything that is stored, one object a line, with values in base units.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct HistoryArgs {
    /// A check, and perhaps a metric or a glob over its metrics: load, load:load1, 'disk:/*'
    #[arg(value_name = "CHECK[:METRIC]")]
    target: String,
    #[command(flatten)]
    span: SpanArgs,
    /// Only the newest N runs of those
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<u64>,
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
    let span = args.span.range(now)?;
    let reader = args.read.open()?.reader;
    let selector = Selector::parse(&args.target, &check_names(&reader))?;
    if selector.has_metric() {
        // An unknown metric is an error rather than a list of runs without it.
        selector.series(&reader.series(selector.check())?)?;
    }
    let page = Page { selector: &selector, zone: now.time_zone().clone(), style };
    let mut damage = Damage::default();
    let show = |run: &Run| if args.json { page.json(run, out) } else { page.line(run, out) };
    let runs = newest_runs(&reader, selector.check(), span, args.limit, |_| true);
    if show_runs(runs, &mut damage, show)? == 0 {
        tell(&format!("no run of {} is within this time", selector.check()));
    }
    damage.finish(out)
}

/// How runs are shown.
struct Page<'a> {
    selector: &'a Selector,
    zone: TimeZone,
    style: Style,
}

impl Page<'_> {
    fn metrics<'r>(&self, run: &'r Run) -> impl Iterator<Item = &'r Metric> + use<'r, '_> {
        let selector = self.selector;
        run.metrics.iter().filter(move |metric| {
            let key = || SeriesKey { label: metric.label.clone(), labels: metric.labels.clone() };
            !selector.has_metric() || selector.selects(&key())
        })
    }

    fn line(&self, run: &Run, out: &mut dyn Write) -> Result<(), Failure> {
        let state = format!("{:<8}", run.state.name());
        write!(out, "{}  {}  ", local_time(run.time_ms, &self.zone), self.style.state(run.state, &state))?;
        let took = duration_ms((run.duration_us / 1000).min(i64::MAX as u64) as i64);
        match run.reason {
            Reason::Missed => {
                writeln!(out, "{} {} slots in {took}", self.style.dim("missed"), run.missed_slots)?;
                return Ok(());
            }
            Reason::Skipped => {
                writeln!(out, "{}", self.style.dim(&printable(&run.text)))?;
                return Ok(());
            }
            Reason::Exited => write!(out, "{took:>7}  ")?,
            reason => write!(out, "{took:>7}  {}: ", reason.name())?,
        }
        if let Some(one) = self.selector.built_in() {
            let shown = |value: Value| quantity(value.to_f64(), one.unit(), Prefixes::Si);
            let value = one.value(run).map_or_else(|| "U".to_owned(), shown);
            write!(out, "{}={value}  ", one.name())?;
        } else if self.selector.has_metric() {
            for metric in self.metrics(run) {
                let value = metric.value.map_or_else(
                    || "U".to_owned(),
                    |value| quantity(value.to_f64(), &metric.unit, Prefixes::Si),
                );
                write!(out, "{}  ", printable(&format!("{}={value}", metric.label)))?;
            }
        }
        write!(out, "{}", printable(&run.text))?;
        if !run.judgement.is_empty() {
            let judgement = run.judgement.lines().collect::<Vec<_>>().join("; ");
            write!(out, "{}", self.style.dim(&format!("  [{}]", printable(&judgement))))?;
        }
        writeln!(out)?;
        Ok(())
    }

    fn json(&self, run: &Run, out: &mut dyn Write) -> Result<(), Failure> {
        Ok(RunJson::with(self.selector.check(), run, self.metrics(run)).write(out)?)
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
             2026-11-22 13:00:10  UNKNOWN   missed 3 slots in 30s\n\
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
        assert_eq!(texts(&["disk", "-n", "4"]), "30s one two half");
        assert_eq!(texts(&["disk", "-n", "0"]), "");
        assert_eq!(shown(&["disk", "-n", "99"]).lines().count(), 5);
    }

    #[test]
    fn times_bound_the_runs() {
        assert_eq!(shown(&["disk", "--since", "13:00:40", "--until", "13:00:50"]).lines().count(), 2);
        assert_eq!(shown(&["disk", "--since", "-1h", "--until", "-1m"]).lines().count(), 0);
    }
}
