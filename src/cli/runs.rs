//! `custos runs`: how the runs of a check ended and what they took, with what they wrote to stderr.

use std::io::Write;

use clap_complete::engine::ArgValueCompleter;
use custos_query::{Listed, NewestRuns, Pick, ReadContext, RunJson, check_names};
use custos_store::{Reason, Run, State};
use jiff::Zoned;

use super::completion;
use super::listing::PageArgs;
use super::read::{Failure, Opened, ReadArgs, finish, local_time, now, tell};
use super::style::{Style, printable, remarks, state_column};
use super::unknown::{Among, all_known};
use crate::exit_code::ExitCode;
use crate::text::human::{bytes, duration_ms};
use crate::text::width::width;

/// Runs that are shown by default.
const LIMIT_DEFAULT: usize = 20;

/// Columns of a line as far as how long the run took.
const HEAD_COLUMNS: usize = 19 + 2 + 8 + 2 + 10 + 2 + 7;
/// What stands before the figures that go on in a further line.
const INDENT: &str = "    ";

/// Shows how the newest runs of a check ended and what they took: last night's traceback is still there.
///
/// A run is a line: time, state, how it ended, how long it took, CPU time, peak memory, how late it started and who
/// asked for it. Below it are its text, the agent's remarks, and what it wrote to stderr.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct RunsArgs {
    /// The check
    #[arg(value_name = "CHECK", add = ArgValueCompleter::new(completion::check))]
    check: String,
    /// Only runs whose plugin did not exit with 0: other statuses, timeouts, signals, missed slots
    #[arg(long)]
    failed: bool,
    #[command(flatten)]
    page: PageArgs<LIMIT_DEFAULT>,
    /// One JSON object for each run, as `custos history --json` prints them
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(super) fn run(args: &RunsArgs) -> ExitCode {
    finish(|out| show(args, &now(), args.read.style(), out))
}

fn show(args: &RunsArgs, now: &Zoned, style: Style, out: &mut dyn Write) -> Result<(), Failure> {
    let (span, limit) = args.page.page(now)?;
    let Opened { reader, mut damage, .. } = args.read.open()?;
    all_known([&args.check], &check_names(&reader), Among::Stored)?;
    let pick = |run: &Run| if !args.failed || has_failed(run) { Pick::Take } else { Pick::Pass };
    let request = NewestRuns { checks: std::slice::from_ref(&args.check), span, limit, pick: &pick };
    let runs = request.read(&reader, &mut ReadContext::new(&mut |error| damage.note(error)))?;
    for Listed { check, run } in &runs {
        match args.json {
            true => RunJson::new(check, run).write(out)?,
            false => out.write_all(paragraph(run, now, style).as_bytes())?,
        }
    }
    if runs.is_empty() && limit > 0 {
        let which = if args.failed { "failed run" } else { "run" };
        tell(&format!("no {which} of {} is within this time", args.check));
    }
    damage.finish(out)
}

/// A skipped run was not meant to take place.
fn has_failed(run: &Run) -> bool {
    match run.reason {
        Reason::Skipped => false,
        Reason::Exited => run.exit_code.is_some_and(|code| code != 0) || run.plugin_state != State::Ok,
        _ => true,
    }
}

pub(super) fn paragraph(run: &Run, now: &Zoned, style: Style) -> String {
    let mut line = format!(
        "{}  {}  {:<10}  {:>7}",
        local_time(run.time_ms, now.time_zone()),
        state_column(run, style),
        ending(run),
        took(run.duration_us),
    );
    let figures = [
        run.cpu_us.map(|us| format!("cpu {}", took(us))),
        run.max_rss_bytes.map(|count| format!("memory {}", bytes(count))),
        run.lateness_us.map(|us| format!("late {}", took(us))),
        (!run.origin.is_empty()).then(|| format!("for {}", printable(&run.origin))),
    ];
    // The state takes the same columns in colour and without.
    let mut column = HEAD_COLUMNS;
    for figure in figures.into_iter().flatten() {
        let columns = 2 + width(&figure);
        if style.terminal && column > INDENT.len() && column + columns > style.width {
            line.push('\n');
            line.push_str(INDENT);
            column = INDENT.len();
        } else {
            line.push_str("  ");
            column += 2;
        }
        line.push_str(&figure);
        column += columns - 2;
    }
    line.push('\n');
    let said = run.text.lines().chain(run.long_text.lines()).map(|text| ("", text));
    let remarks = remarks(run).map(|text| ("agent: ", text));
    let stderr = run.stderr.lines().map(|text| ("stderr: ", text));
    for (mark, text) in said.chain(remarks).chain(stderr) {
        line.push_str(&format!("    {}{}\n", style.dim(mark), printable(text)));
    }
    line
}

/// How the run ended, in a word or two.
fn ending(run: &Run) -> String {
    match (run.reason, run.exit_code, run.signal) {
        (Reason::Exited, Some(code), _) => format!("exit {code}"),
        (Reason::Signal, _, Some(signal)) => format!("signal {signal}"),
        (Reason::Missed, ..) => format!("missed {}", run.missed_slots),
        (reason, ..) => reason.name().replace('_', " "),
    }
}

pub(super) fn took(us: u64) -> String {
    match us {
        0..1000 => format!("{us}us"),
        _ => duration_ms(i64::try_from(us / 1000).unwrap_or(i64::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::stage::{self, NOON};

    fn shown(line: &[&str]) -> Result<String, Failure> {
        let store = stage::store(|writer| {
            let fine = Run {
                time_ms: NOON,
                duration_us: 3100,
                exit_code: Some(0),
                text: "fine".into(),
                ..Run::default()
            };
            let crashed = Run {
                time_ms: NOON + 10_000,
                duration_us: 210_000,
                lateness_us: Some(700),
                cpu_us: Some(190_000),
                max_rss_bytes: Some(31_000_000),
                exit_code: Some(1),
                state: State::Warning,
                plugin_state: State::Warning,
                stderr: "Traceback (most recent call last):\n  File \"x\"\u{7}".into(),
                origin: "nrpe 192.0.2.7".into(),
                ..Run::default()
            };
            let killed = Run {
                time_ms: NOON + 20_000,
                reason: Reason::Signal,
                signal: Some(11),
                state: State::Unknown,
                plugin_state: State::Unknown,
                judgement: "killed by signal 11".into(),
                ..Run::default()
            };
            for run in [&fine, &crashed, &killed] {
                writer.append(&[("disk", run)]).unwrap();
            }
        });
        stage::shown(&store, line, show)
    }

    #[test]
    fn a_run_is_a_line_with_what_it_said_below() {
        assert_eq!(
            shown(&["disk"]).unwrap(),
            "2026-11-22 13:00:00  OK        exit 0          3ms\n    fine\n\
             2026-11-22 13:00:10  WARNING   exit 1        210ms  cpu 190ms  memory 31 MB  late 700us  \
             for nrpe 192.0.2.7\n    stderr: Traceback (most recent call last):\n    \
             stderr:   File \"x\"\\u{7}\n\
             2026-11-22 13:00:20  UNKNOWN   signal 11       0us\n    agent: killed by signal 11\n"
        );
    }

    #[test]
    fn figures_that_do_not_fit_a_terminal_go_on_in_a_further_line() {
        let run = Run {
            time_ms: NOON,
            duration_us: 210_000,
            cpu_us: Some(190_000),
            max_rss_bytes: Some(31_000_000),
            lateness_us: Some(700),
            exit_code: Some(0),
            ..Run::default()
        };
        let now: Zoned = "2026-11-22T13:01:00+01:00[Europe/Berlin]".parse().unwrap();
        let terminal = Style { terminal: true, ..stage::STYLE };
        assert_eq!(
            paragraph(&run, &now, terminal),
            "2026-11-22 13:00:00  OK        exit 0        210ms  cpu 190ms  memory 31 MB\n    late 700us\n"
        );
        assert_eq!(paragraph(&run, &now, stage::STYLE).lines().count(), 1);
    }

    #[test]
    fn failures_can_be_had_alone_and_the_newest_of_them() {
        let failed = shown(&["disk", "--failed"]).unwrap();
        assert!(!failed.contains("fine") && failed.contains("exit 1") && failed.contains("signal 11"));
        let newest = shown(&["disk", "--failed", "-n", "1", "--json"]).unwrap();
        assert_eq!(newest.lines().count(), 1);
        assert!(newest.contains(r#""reason":"signal""#) && newest.contains(r#""signal":11"#));
        assert_eq!(shown(&["disk", "-n", "0"]).unwrap(), "");
    }

    #[test]
    fn an_unknown_check_is_an_error() {
        assert_eq!(
            shown(&["dsk"]).unwrap_err().message,
            "failed to find the check \"dsk\" in the store; did you mean disk?"
        );
    }
}
