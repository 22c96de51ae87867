//! `custos events`: every change of state, of every check.
//!
//! Nothing is stored for this: each run keeps where its check stood after it, so the changes follow from the runs, and
//! an event has the same identity whenever it is looked up.

use std::io::Write;

use custos_store::{Reader, Run, State};
use jiff::Zoned;
use serde::Serialize;

use super::listing::SpanArgs;
use super::read::{Damage, Failure, ReadArgs, finish, json_line, local_time, no_check, now, tell};
use super::style::{Style, printable};
use crate::evaluate::{Before, ChangeKind, is_judged, stored_change};
use crate::exit_code::ExitCode;

/// Events that are shown unless told otherwise.
const LIMIT_DEFAULT: usize = 50;

/// Shows changes of state: problems, confirmed or not, recoveries, and checks that begin or stop to flap.
///
/// They follow from the stored runs, whether the agent was running without a break or not. The newest come last.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct EventsArgs {
    /// Only these checks
    #[arg(value_name = "CHECK")]
    checks: Vec<String>,
    /// Only confirmed problems and their recoveries
    #[arg(long)]
    hard: bool,
    #[command(flatten)]
    span: SpanArgs,
    /// Only the newest N events of those
    #[arg(long, short = 'n', value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
    /// One JSON object for each event
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(super) fn run(args: &EventsArgs) -> ExitCode {
    finish(|out| show(args, &now(), args.read.style(), out))
}

/// One event. The order of the keys is part of the format of its JSON; new ones come last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Event {
    /// The same for the same event, whenever it is looked up.
    id: String,
    check: String,
    time_ms: i64,
    kind: &'static str,
    from: &'static str,
    to: &'static str,
    attempt: u32,
    text: String,
    #[serde(skip)]
    state: State,
}

impl Event {
    fn new(check: &str, run: &Run, kind: &'static str, from: State) -> Event {
        Event {
            id: format!("{check}@{}/{kind}", run.time_ms),
            check: check.to_owned(),
            time_ms: run.time_ms,
            kind,
            from: from.name(),
            to: run.state.name(),
            attempt: run.standing.attempt,
            text: run.text.clone(),
            state: run.state,
        }
    }

    fn line(&self, now: &Zoned, style: Style) -> String {
        let state = format!("{:<8}", self.to);
        format!(
            "{}  {}  {:<16}  {}: {}\n",
            local_time(self.time_ms, now.time_zone()),
            style.state(self.state, &state),
            self.kind.replace('_', " "),
            printable(&self.check),
            printable(&self.text),
        )
    }
}

fn show(args: &EventsArgs, now: &Zoned, style: Style, out: &mut dyn Write) -> Result<(), Failure> {
    let span = args.span.range(now)?;
    let reader = args.read.open()?.reader;
    let known: Vec<String> = reader.checks().into_iter().map(|check| check.name).collect();
    if let Some(unknown) = args.checks.iter().find(|check| !known.contains(check)) {
        return Err(no_check(unknown));
    }
    let mut damage = Damage::default();
    let mut events = Vec::new();
    for check in known.iter().filter(|check| args.checks.is_empty() || args.checks.contains(check)) {
        collect(&reader, check, span.clone(), args, &mut events, &mut damage);
        newest(&mut events, args.limit);
    }
    if events.is_empty() {
        tell("no change of state is within this time");
    }
    for event in &events {
        if args.json {
            json_line(event, out)?;
        } else {
            out.write_all(event.line(now, style).as_bytes())?;
        }
    }
    damage.finish(out)
}

/// Keeps the newest events, in the order of time; with equal times the order of finding stays.
fn newest(events: &mut Vec<Event>, limit: usize) {
    events.sort_by_key(|event| event.time_ms);
    events.drain(..events.len().saturating_sub(limit));
}

fn collect(
    reader: &Reader,
    check: &str,
    range: std::ops::Range<i64>,
    args: &EventsArgs,
    events: &mut Vec<Event>,
    damage: &mut Damage,
) {
    let earlier = reader.runs_rev(check, i64::MIN..range.start).flatten().find(|run| is_judged(run.reason));
    let mut before = earlier.map(|run| Before { state: run.state, standing: run.standing });
    for run in reader.runs(check, range) {
        let run = match run {
            Ok(run) if is_judged(run.reason) => run,
            Ok(_) => continue,
            Err(error) => {
                damage.note(&error);
                continue;
            }
        };
        events
            .extend(of_run(check, before, &run).filter(|event| !args.hard || event.kind.starts_with("hard")));
        before = Some(Before { state: run.state, standing: run.standing });
    }
}

/// What one run changed: its check's state, or whether that flaps, or both.
fn of_run(check: &str, before: Option<Before>, run: &Run) -> impl Iterator<Item = Event> {
    let from = before.map_or(State::Ok, |before| before.state);
    let change = stored_change(before, run.state, &run.standing).map(|change| match change.kind {
        ChangeKind::Soft => "soft",
        ChangeKind::Hard => "hard",
        ChangeKind::SoftRecovery => "soft_recovery",
        ChangeKind::HardRecovery => "hard_recovery",
    });
    let flapped = before.is_some_and(|before| before.standing.flapping);
    let flapping = match (flapped, run.standing.flapping) {
        (false, true) => Some("flapping_started"),
        (true, false) => Some("flapping_stopped"),
        _ => None,
    };
    [change, flapping].into_iter().flatten().map(move |kind| Event::new(check, run, kind, from))
}

#[cfg(test)]
mod tests {
    use custos_store::Reason;

    use super::*;
    use crate::cli::stage::{self, NOON};
    use crate::evaluate::{Counting, advance};

    /// Judges results a second apart, each as the agent would, and asks for the events.
    fn shown(line: &[&str]) -> Result<String, Failure> {
        let store = stage::store(|writer| {
            for (check, offset_ms, results) in
                [("disk", 0, &[0_u8, 2, 9, 2, 2, 0][..]), ("load", 500, &[1, 0])]
            {
                let mut before = None;
                for (number, code) in results.iter().enumerate() {
                    let mut run = Run {
                        time_ms: NOON + offset_ms + number as i64 * 1000,
                        text: format!("{check} {number}"),
                        ..Run::default()
                    };
                    match State::from_code(*code) {
                        Some(state) => {
                            run.state = state;
                            let counting =
                                Counting { max_check_attempts: 2, volatile: false, flap_limits: None };
                            run.standing = advance(before, state, run.time_ms, counting).0;
                            before = Some(Before { state, standing: run.standing });
                        }
                        None => run.reason = Reason::Missed,
                    }
                    writer.append(&[(check, &run)]).unwrap();
                }
            }
        });
        stage::shown(&store, line, show)
    }

    #[test]
    fn events_of_all_checks_come_in_the_order_of_time() {
        assert_eq!(
            shown(&[]).unwrap(),
            "2026-11-22 13:00:00  WARNING   soft              load: load 0\n\
             2026-11-22 13:00:01  CRITICAL  soft              disk: disk 1\n\
             2026-11-22 13:00:01  OK        soft recovery     load: load 1\n\
             2026-11-22 13:00:03  CRITICAL  hard              disk: disk 3\n\
             2026-11-22 13:00:05  OK        hard recovery     disk: disk 5\n"
        );
    }

    #[test]
    fn an_event_is_the_same_wherever_the_look_begins() {
        let all = shown(&["disk", "--json"]).unwrap();
        let last = all.lines().last().unwrap();
        assert_eq!(
            last,
            concat!(
                r#"{"id":"disk@1795348805000/hard_recovery","check":"disk","time_ms":1795348805000,"#,
                r#""kind":"hard_recovery","from":"CRITICAL","to":"OK","attempt":1,"text":"disk 5"}"#
            )
        );
        let late = shown(&["disk", "--json", "--since", "13:00:04"]).unwrap();
        assert_eq!(late.lines().collect::<Vec<_>>(), [last]);
    }

    #[test]
    fn the_newest_and_the_confirmed_can_be_had_alone() {
        let hard = shown(&["--hard"]).unwrap();
        assert_eq!(hard.lines().count(), 2);
        assert!(shown(&["-n", "1"]).unwrap().contains("hard recovery"));
        assert_eq!(shown(&["--hard", "load"]).unwrap(), "");
        assert!(shown(&["nothing"]).is_err());
    }

    #[test]
    fn flapping_is_an_event_of_its_own() {
        let mut run = Run::default();
        run.standing.flapping = true;
        run.standing.hard = true;
        let kinds = |before, run: &Run| of_run("x", before, run).map(|event| event.kind).collect::<Vec<_>>();
        assert_eq!(kinds(None, &run), ["flapping_started"]);
        let before = Some(Before { state: run.state, standing: run.standing });
        assert!(kinds(before, &run).is_empty());
        run.standing.flapping = false;
        run.state = State::Critical;
        assert_eq!(kinds(before, &run), ["hard", "flapping_stopped"]);
    }
}
