//! From the end of a plugin to an observation: state, text and metrics by `docs/plugin-output.md`.
//!
//! Invariants: the exit code alone decides the plugin's state, never its text. Whatever is dropped or guessed leaves a
//! remark in the run's `judgement`, one line for each kind, ahead of what the thresholds will add. No two metrics of a
//! run have the same label. When the run started, its lateness, origin and standing are left to the agent.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Duration;

use custos_compat::nagios::{ByteUnits, Metric as PrintedMetric, Number, Options, Output, Perfdata, Range};
use custos_store::{Bounds, Metric, Reason, Run, State, Value};
use nix::sys::signal::Signal;

use super::observation::{Observation, Printed};
use crate::config::{self, Check};
use crate::limits::REMARKS_MAX;
use crate::text::human::counted_were;

/// What a plugin left behind, whether a process ran or the agent did its work itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginEnd {
    /// How it ended.
    pub ending: Ending,
    /// The head of its stdout.
    pub stdout: Vec<u8>,
    /// Bytes that it wrote to stdout in all, kept or dropped.
    pub stdout_bytes: u64,
    /// The head of its stderr.
    pub stderr: Vec<u8>,
    /// From when it was to be started to its start, in microseconds.
    pub wait_us: u64,
    /// From start to end, in microseconds.
    pub wall_us: u64,
    /// What was used; `None` if nothing was begun.
    pub usage: Option<Usage>,
    /// Processes that outlived it and were ended.
    pub left_behind: u32,
}

/// How a plugin ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It exited with this status.
    Exited(u8),
    /// A signal that the agent did not send ended it.
    Signalled(u8),
    /// It ran longer than its timeout and was ended.
    TimedOut,
    /// It ran longer than its timeout, and not even KILL ended it: it hangs in the kernel and was given up.
    Stuck,
    /// It could not be started; what failed, with the path.
    NotStarted(String),
    /// The agent or its shim ended before the plugin did.
    NotFinished,
}

/// What the process of a plugin used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// User and system time, with that of the children it waited for, in microseconds.
    pub cpu_us: u64,
    /// Peak resident memory, in bytes; `None` if there was no process.
    pub max_rss_bytes: Option<u64>,
}

impl PluginEnd {
    /// The end of a plugin that printed this, and all of it was kept; it took no time and no process.
    pub fn printed(ending: Ending, stdout: Vec<u8>) -> PluginEnd {
        PluginEnd {
            ending,
            stdout_bytes: stdout.len() as u64,
            stdout,
            stderr: Vec::new(),
            wait_us: 0,
            wall_us: 0,
            usage: None,
            left_behind: 0,
        }
    }
}

/// What the definition of a check says about reading its plugin's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The meaning of `KB`, `MB` and so on.
    pub byte_units: ByteUnits,
    /// Whether a label hands its `prefix::` on.
    pub check_multi: bool,
    /// The state of a plugin that exits with 0 and prints nothing on stdout.
    pub silent: State,
    /// How long the plugin was allowed to run, for the text of a run that was not done by then.
    pub timeout: Duration,
    /// The state of such a run.
    pub timeout_state: State,
}

impl From<&Check> for Reading {
    fn from(check: &Check) -> Reading {
        Reading {
            byte_units: match check.byte_units {
                config::ByteUnits::Si => ByteUnits::Si,
                config::ByteUnits::Iec => ByteUnits::Iec,
            },
            check_multi: check.check_multi,
            silent: check.silent,
            timeout: check.timeout,
            timeout_state: check.timeout_state,
        }
    }
}

/// Makes an observation of what a plugin left behind. The run's `state` is the plugin's own; the thresholds come later.
pub fn observe_plugin(end: PluginEnd, reading: &Reading) -> Observation {
    let cut_off = end.stdout_bytes > end.stdout.len() as u64;
    let output = Output::parse(&end.stdout, cut_off);
    let mut meaning = Meaning::of(&end.ending, reading);
    // Output ends at a NUL, as it does for nrpe.
    let printed = end.stdout.split(|byte| *byte == 0).next().unwrap_or_default();
    if meaning.exit_code == Some(0) && printed.iter().all(u8::is_ascii_whitespace) {
        meaning.printed_nothing(reading.silent);
    }
    let stderr = String::from_utf8_lossy(&end.stderr).trim_end().to_owned();
    let mut remarks = Remarks::default();
    if let Some(remark) = &meaning.remark {
        remarks.add(remark);
    }
    if cut_off {
        let (kept, all) = (end.stdout.len(), end.stdout_bytes);
        remarks.add(&format!("output: {kept} of {all} bytes kept"));
    }
    if end.left_behind > 0 {
        remarks.add(&format!("{} left behind and ended", counted_were(end.left_behind, "process")));
    }
    let metrics = if meaning.perf_counts {
        metrics(&output, reading, &mut remarks)
    } else {
        if !output.perf.is_empty() {
            remarks.add("perfdata: dropped, as the plugin did not end by itself");
        }
        Vec::new()
    };
    let run = Run {
        duration_us: end.wall_us,
        cpu_us: end.usage.map(|usage| usage.cpu_us),
        max_rss_bytes: end.usage.and_then(|usage| usage.max_rss_bytes),
        state: meaning.state,
        plugin_state: meaning.state,
        reason: meaning.reason,
        exit_code: meaning.exit_code,
        signal: meaning.signal,
        text: text(&output, &stderr, &meaning),
        long_text: output.long_text,
        stderr,
        judgement: remarks.text,
        metrics,
        ..Run::default()
    };
    let stderr = match end.ending {
        Ending::NotStarted(message) => message.into_bytes(),
        _ => end.stderr,
    };
    Observation {
        run,
        printed: Printed::ByPlugin { stdout: end.stdout, stderr },
        wait_us: end.wait_us,
        uptime: None,
    }
}

/// What the way in which a plugin ended means for its run.
struct Meaning {
    state: State,
    reason: Reason,
    exit_code: Option<u8>,
    signal: Option<u8>,
    /// Stands in for the summary where there is none, and before it if it is a remark, too.
    note: String,
    /// A remark for the run, even if there is a summary.
    remark: Option<String>,
    /// Whether the perfdata can be relied on.
    perf_counts: bool,
}

impl Meaning {
    fn of(ending: &Ending, reading: &Reading) -> Meaning {
        let unknown = |reason, note: String| Meaning {
            state: State::Unknown,
            reason,
            exit_code: None,
            signal: None,
            remark: Some(note.clone()),
            note,
            perf_counts: false,
        };
        match ending {
            Ending::Exited(code) => Meaning::exited(*code),
            Ending::Signalled(number) => {
                let name = Signal::try_from(i32::from(*number)).map_or("", Signal::as_str);
                let note = format!("killed by signal {number} {name}").trim_end().to_owned();
                Meaning { signal: Some(*number), ..unknown(Reason::Signal, note) }
            }
            Ending::TimedOut => {
                let note = format!("timed out after {}s", reading.timeout.as_secs_f64());
                Meaning { state: reading.timeout_state, ..unknown(Reason::Timeout, note) }
            }
            Ending::Stuck => {
                let allowed = reading.timeout.as_secs_f64();
                let note =
                    format!("timed out after {allowed}s and hangs in the kernel: not even KILL ends it");
                Meaning { state: reading.timeout_state, ..unknown(Reason::Timeout, note) }
            }
            Ending::NotStarted(message) => {
                Meaning { remark: None, ..unknown(Reason::NotStarted, message.clone()) }
            }
            Ending::NotFinished => {
                unknown(Reason::NotFinished, "the agent or its shim ended before the plugin did".into())
            }
        }
    }

    fn exited(code: u8) -> Meaning {
        let (remark, perf_counts) = match code {
            0..=3 => (None, true),
            126 => (Some("exit status 126: command not executable".to_owned()), false),
            127 => (Some("exit status 127: command not found".to_owned()), false),
            _ => (Some(format!("exit status {code} is none of 0 to 3")), true),
        };
        Meaning {
            state: State::from_code(code).unwrap_or(State::Unknown),
            reason: Reason::Exited,
            exit_code: Some(code),
            signal: None,
            note: remark.clone().unwrap_or_else(|| "no output".to_owned()),
            remark,
            perf_counts,
        }
    }
}

impl Meaning {
    /// Takes a success without a word for what it mostly is, a program that a full disk or a failed deployment has left
    /// empty, unless the check expects it. nrpe does the same.
    fn printed_nothing(&mut self, silent: State) {
        if silent != State::Ok {
            self.state = State::Unknown;
            self.note = "exit status 0, but nothing was printed".to_owned();
            self.remark = Some("nothing was printed, so the state is UNKNOWN".to_owned());
        }
    }
}

/// The first line of a run: the first line of stdout that has text, after what decided the state if the exit status did
/// not; else what happened with the first line of stderr that says anything.
fn text(output: &Output, stderr: &str, meaning: &Meaning) -> String {
    let note = &meaning.note;
    let printed = std::iter::once(output.summary.as_str()).chain(output.long_text.lines());
    if let Some(line) = printed.map(str::trim).find(|line| !line.is_empty()) {
        return if meaning.remark.is_some() { format!("{note}: {line}") } else { line.to_owned() };
    }
    match stderr.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) if note == "no output" => line.to_owned(),
        Some(line) => format!("({note}) {line}"),
        None => format!("({note})"),
    }
}

/// The metrics in order, of equal labels the first.
fn metrics(output: &Output, reading: &Reading, remarks: &mut Remarks) -> Vec<Metric> {
    let options = Options {
        byte_units: reading.byte_units,
        check_multi: reading.check_multi,
        cut_off: output.perf_cut_off,
    };
    let Perfdata { mut metrics, warnings } = Perfdata::parse(&output.perf, &options);
    if !warnings.is_empty() {
        let shown: Vec<String> = warnings.kept().iter().take(REMARKS_MAX).map(ToString::to_string).collect();
        remarks.add_list("perfdata", &shown, warnings.count());
    }
    let mut seen = HashSet::with_capacity(metrics.len());
    let mut repeated = Vec::new();
    let mut repeated_count = 0;
    metrics.retain(|metric| {
        let is_first = seen.insert(metric.label.clone());
        if !is_first {
            repeated_count += 1;
            if repeated.len() < REMARKS_MAX {
                repeated.push(format!("'{}'", metric.label.escape_debug()));
            }
        }
        is_first
    });
    if repeated_count > 0 {
        remarks.add_list("perfdata: label repeated, first kept", &repeated, repeated_count);
    }
    metrics.into_iter().map(stored_metric).collect()
}

/// A metric as the store has it.
pub fn stored_metric(metric: PrintedMetric) -> Metric {
    let bounds = |range: Range| Bounds { start: range.start(), end: range.end(), inside: range.inside() };
    Metric {
        label: metric.label,
        labels: Vec::new(),
        value: metric.value.map(|number| match number {
            Number::Float(value) => Value::from(value),
            Number::Integer(value) => Value::from(value),
        }),
        unit: metric.unit,
        printed_unit: metric.printed_unit,
        warn: metric.warn.map(bounds),
        crit: metric.crit.map(bounds),
        min: metric.min,
        max: metric.max,
    }
}

/// Lines about one run.
#[derive(Default)]
struct Remarks {
    text: String,
}

impl Remarks {
    fn add(&mut self, line: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(line);
    }

    /// A line of several things, with the number of those that are not shown.
    fn add_list(&mut self, topic: &str, shown: &[String], count: usize) {
        let mut line = format!("{topic}: {}", shown.join("; "));
        if count > shown.len() {
            // Writing to a string cannot fail.
            let _ = write!(line, "; and {} more", count - shown.len());
        }
        self.add(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READING: Reading = Reading {
        byte_units: ByteUnits::Si,
        check_multi: true,
        silent: State::Unknown,
        timeout: Duration::from_millis(2500),
        timeout_state: State::Unknown,
    };

    fn end(ending: Ending, stdout: &str, stderr: &str) -> PluginEnd {
        let usage = match ending {
            Ending::NotStarted(_) => None,
            _ => Some(Usage { cpu_us: 700, max_rss_bytes: Some(4096) }),
        };
        PluginEnd { stderr: stderr.into(), wall_us: 1500, usage, ..PluginEnd::printed(ending, stdout.into()) }
    }

    fn run_of(ending: Ending, stdout: &str, stderr: &str) -> Run {
        observe_plugin(end(ending, stdout, stderr), &READING).run
    }

    #[test]
    fn a_success_without_a_word_is_unknown_unless_it_is_expected() {
        let remark = "nothing was printed, so the state is UNKNOWN";
        for stdout in ["", "\n", " \r\n\t\n", "\0", "\0OK - fine | a=1", " \n\0x"] {
            let run = run_of(Ending::Exited(0), stdout, "");
            assert_eq!((run.state, run.plugin_state), (State::Unknown, State::Unknown), "{stdout:?}");
            assert_eq!(run.text, "(exit status 0, but nothing was printed)");
            assert_eq!(run.judgement, remark);
            let reading = Reading { silent: State::Ok, ..READING };
            let run = observe_plugin(end(Ending::Exited(0), stdout, ""), &reading).run;
            assert_eq!((run.state, run.judgement.as_str()), (State::Ok, ""));
        }
        assert!(run_of(Ending::Exited(0), "", "oops").text.ends_with("oops"));
        for (code, state) in [(1, State::Warning), (2, State::Critical), (3, State::Unknown)] {
            assert_eq!(run_of(Ending::Exited(code), "", "").state, state);
        }
        assert_eq!(run_of(Ending::Exited(0), "|a=1", "").state, State::Ok);
    }

    #[test]
    fn each_ending_has_its_state_text_and_metrics() {
        use Ending::{Exited, NotFinished, Signalled, TimedOut};
        use State::{Critical, Ok, Unknown, Warning};
        let table = [
            (Exited(0), "OK - fine | a=1", "", Ok, "OK - fine", 1, ""),
            (Exited(1), "CRITICAL - says the text | a=1", "", Warning, "CRITICAL - says the text", 1, ""),
            (Exited(2), "", "\n  disk gone \nmore", Critical, "disk gone", 0, ""),
            (Exited(3), "", "", Unknown, "(no output)", 0, ""),
            (Exited(0), "| a=1", " \n", Ok, "(no output)", 1, ""),
            (
                Exited(4),
                "odd | a=1",
                "",
                Unknown,
                "exit status 4 is none of 0 to 3: odd",
                1,
                "exit status 4 is none of 0 to 3",
            ),
            (Exited(0), "\n  \n  second | a=1", "noise", Ok, "second", 1, ""),
            (Exited(2), "| a=1\nsecond", "noise", Critical, "second", 1, ""),
            (
                Exited(255),
                "",
                "",
                Unknown,
                "(exit status 255 is none of 0 to 3)",
                0,
                "exit status 255 is none of 0 to 3",
            ),
            (
                Exited(126),
                "",
                "sh: x: Permission denied",
                Unknown,
                "(exit status 126: command not executable) sh: x: Permission denied",
                0,
                "exit status 126: command not executable",
            ),
            (
                Exited(127),
                "x | a=1",
                "",
                Unknown,
                "exit status 127: command not found: x",
                0,
                "exit status 127: command not found\nperfdata: dropped, as the plugin did not end by itself",
            ),
            (
                Signalled(9),
                "half | a=1",
                "",
                Unknown,
                "killed by signal 9 SIGKILL: half",
                0,
                "killed by signal 9 SIGKILL\nperfdata: dropped, as the plugin did not end by itself",
            ),
            (Signalled(64), "", "", Unknown, "(killed by signal 64)", 0, "killed by signal 64"),
            (TimedOut, "starting", "", Unknown, "timed out after 2.5s: starting", 0, "timed out after 2.5s"),
            (
                TimedOut,
                "\nstarting",
                "",
                Unknown,
                "timed out after 2.5s: starting",
                0,
                "timed out after 2.5s",
            ),
            (TimedOut, "", "waiting", Unknown, "(timed out after 2.5s) waiting", 0, "timed out after 2.5s"),
            (
                NotFinished,
                "",
                "",
                Unknown,
                "(the agent or its shim ended before the plugin did)",
                0,
                "the agent or its shim ended before the plugin did",
            ),
            (
                Ending::NotStarted("failed to execute /x: No such file".into()),
                "",
                "",
                Unknown,
                "(failed to execute /x: No such file)",
                0,
                "",
            ),
        ];
        for (ending, stdout, stderr, state, text, metric_count, judgement) in table {
            let run = run_of(ending.clone(), stdout, stderr);
            assert_eq!((run.state, run.plugin_state), (state, state), "{ending:?}");
            assert_eq!(run.text, text, "{ending:?}");
            assert_eq!(run.metrics.len(), metric_count, "{ending:?}");
            assert_eq!(run.judgement, judgement, "{ending:?}");
        }
    }

    #[test]
    fn reasons_codes_and_costs_are_kept() {
        let run = run_of(Ending::Exited(42), "x", "e\n");
        assert_eq!((run.reason, run.exit_code, run.signal), (Reason::Exited, Some(42), None));
        assert_eq!((run.duration_us, run.cpu_us, run.max_rss_bytes), (1500, Some(700), Some(4096)));
        assert_eq!(run.stderr, "e");
        let run = run_of(Ending::Signalled(11), "", "");
        assert_eq!((run.reason, run.exit_code, run.signal), (Reason::Signal, None, Some(11)));
        let run = run_of(Ending::NotStarted("x".into()), "", "");
        assert_eq!((run.reason, run.cpu_us, run.max_rss_bytes), (Reason::NotStarted, None, None));
    }

    #[test]
    fn a_timeout_has_the_state_of_its_check() {
        let reading = Reading { timeout_state: State::Critical, ..READING };
        let run = observe_plugin(end(Ending::TimedOut, "half a line", ""), &reading).run;
        assert_eq!(
            (run.state, run.reason, run.text.as_str()),
            (State::Critical, Reason::Timeout, "timed out after 2.5s: half a line")
        );
    }

    #[test]
    fn metrics_are_converted_and_the_first_of_equal_labels_is_kept() {
        let stdout = "OK | a=9007199254740993c b=U;~:5;@1:2;0;9 a=2 'x y'=3KB a=4";
        let run = run_of(Ending::Exited(0), stdout, "");
        assert_eq!(
            run.metrics.iter().map(|metric| metric.label.as_str()).collect::<Vec<_>>(),
            ["a", "b", "x y"]
        );
        assert_eq!(run.metrics[0].value, Some(Value::Integer(9007199254740993)));
        assert_eq!(run.metrics[1].value, None);
        assert_eq!(run.metrics[1].warn, Some(Bounds { start: f64::NEG_INFINITY, end: 5.0, inside: false }));
        assert_eq!(run.metrics[1].crit, Some(Bounds { start: 1.0, end: 2.0, inside: true }));
        assert_eq!((run.metrics[1].min, run.metrics[1].max), (Some(0.0), Some(9.0)));
        assert_eq!((run.metrics[2].unit.as_str(), run.metrics[2].printed_unit.as_str()), ("B", "KB"));
        assert_eq!(run.judgement, "perfdata: label repeated, first kept: 'a'; 'a'");
    }

    #[test]
    fn what_the_parser_dropped_is_told_in_few_words() {
        let stdout = format!("OK | a=1.2.3 {}", "x=? ".repeat(100));
        let run = run_of(Ending::Exited(0), &stdout, "");
        assert!(
            run.judgement.starts_with("perfdata: 'a=1.2.3': value is followed by what cannot be a unit; ")
        );
        assert!(run.judgement.ends_with(&format!("; and {} more", 101 - REMARKS_MAX)), "{}", run.judgement);
    }

    #[test]
    fn cut_output_and_leftovers_are_told() {
        let mut cut = end(Ending::Exited(0), "OK | a=1 b=2", "");
        cut.stdout_bytes = 100;
        cut.left_behind = 2;
        let run = observe_plugin(cut, &READING).run;
        assert_eq!(run.metrics.len(), 1);
        assert_eq!(
            run.judgement,
            "output: 12 of 100 bytes kept\n2 processes were left behind and ended\nperfdata: 'b=2': perhaps cut off"
        );
    }
}
