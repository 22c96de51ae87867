//! `custos events`: every change of state, of every check.

use std::io::Write;

use clap_complete::engine::ArgValueCompleter;
use custos_query::{Event, EventRequest, ReadContext, check_names};
use jiff::Zoned;

use super::completion;
use super::listing::PageArgs;
use super::note::{from_first, note_json, notes_or_none};
use super::read::{Failure, Opened, ReadArgs, finish, json_line, local_time, now, tell};
use super::style::{Style, printable};
use super::unknown::{Among, all_known};
use crate::exit_code::ExitCode;
use crate::graph::Glyphs;
use crate::text::human::duration_ms;
use crate::text::width::{shorten, width};
use crate::timeline::{Between, TimelineNote};

/// Events that are shown unless told otherwise.
const LIMIT_DEFAULT: usize = 50;

/// What stands before a reason that has a line of its own.
const INDENT: &str = "    ";

/// Shows changes of state: problems, confirmed or not, recoveries, and checks that start or stop flapping.
///
/// A line tells the time, the states before and after, what kind of change it is, the check, after how long a problem went
/// away, and why: the thresholds that decided, and what the plugin said. Changes follow from the stored runs, whether the
/// agent was running without a break or not. What people noted (custos note) stands between them. The newest come last.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct EventsArgs {
    /// Only these checks
    #[arg(value_name = "CHECK", add = ArgValueCompleter::new(completion::check))]
    checks: Vec<String>,
    /// Only confirmed problems and their recoveries
    #[arg(long)]
    hard: bool,
    #[command(flatten)]
    page: PageArgs<LIMIT_DEFAULT>,
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

fn show(args: &EventsArgs, now: &Zoned, style: Style, out: &mut dyn Write) -> Result<(), Failure> {
    let (span, limit) = args.page.page(now)?;
    let Opened { store, reader, mut damage, .. } = args.read.open()?;
    all_known(&args.checks, &check_names(&reader), Among::Stored)?;
    let request = EventRequest { checks: &args.checks, span: span.clone(), hard: args.hard, limit };
    let events = request.read(&reader, &mut ReadContext::new(&mut |error| damage.note(error)))?;
    if events.is_empty() && limit > 0 {
        tell("no change of state is within this time");
    }
    let first_ms = events.first().map(|event| event.time_ms);
    let notes = notes_or_none(&store);
    let mut notes = notes.within(&args.checks, &from_first(&span, first_ms, events.len() >= limit));
    notes.drain(..notes.len().saturating_sub(limit));
    let mut notes = Between::new(notes);
    for event in &events {
        noted(&notes.until(event.time_ms), args, now, style, out)?;
        if args.json {
            json_line(event, out)?;
        } else {
            out.write_all(line(event, now, style).as_bytes())?;
        }
    }
    noted(&notes.until(i64::MAX), args, now, style, out)?;
    damage.finish(out)
}

/// Shows notes, in the columns of events.
fn noted(
    notes: &[&TimelineNote],
    args: &EventsArgs,
    now: &Zoned,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    for note in notes {
        if args.json {
            json_line(&note_json(note), out)?;
            continue;
        }
        let time = local_time(note.time_ms, now.time_zone());
        let line = format!("{time}  {:19}  {:<16}  {}", "", "note", note.said());
        writeln!(out, "{}", style.fitted(&line, 0))?;
    }
    Ok(())
}

pub(super) fn line(event: &Event, now: &Zoned, style: Style) -> String {
    // What is confirmed, or flaps, is in the state that it was in.
    let is_same = event.from == Some(event.to);
    let from = format!("{:>8}", if is_same { "" } else { event.from_name() });
    let to = format!("{:<8}", event.to.name());
    let arrow = match style.glyphs {
        Glyphs::Ascii if is_same => "  ",
        Glyphs::Ascii => "->",
        _ if is_same => " ",
        _ => "→",
    };
    let lasted = event.lasted_ms.map(|lasted_ms| format!(" after {}", duration_ms(lasted_ms)));
    let time = local_time(event.time_ms, now.time_zone());
    let kind = event.kind.name().replace('_', " ");
    let which = format!("{}{}:", printable(&event.check), lasted.unwrap_or_default());
    let said = event.said();
    let said = printable(&said);
    let plain = format!("{time}  {from} {arrow} {to}  {kind:<16}  {which}");
    let from = event.from.map_or_else(|| from.as_str().into(), |state| style.state(state, &from));
    let to = style.state(event.to, &to);
    let head = format!("{time}  {from} {arrow} {to}  {kind:<16}  {which}");
    if !style.terminal || width(&plain) + 1 + width(&said) <= style.width {
        return format!("{head} {said}\n");
    }
    let columns = style.width.saturating_sub(INDENT.len());
    format!("{head}\n{INDENT}{}\n", shorten(&said, columns, style.glyphs.ellipsis()))
}

#[cfg(test)]
mod tests {
    use custos_query::PreviousState;
    use custos_store::{Reason, Run, State};

    use super::*;
    use crate::cli::stage::{self, NOON};
    use crate::evaluate::{Counting, advance};
    use crate::timeline::Marks;

    /// Judges results a second apart, each as the agent would, and asks for the events.
    fn shown(line: &[&str]) -> Result<String, Failure> {
        stage::shown(&stored().0, line, show)
    }

    /// A store of such results, and how many changes of state there are.
    fn stored() -> (tempfile::TempDir, usize) {
        let mut written = Vec::new();
        for (check, offset_ms, results) in [("disk", 0, &[0_u8, 2, 9, 2, 2, 0][..]), ("load", 500, &[1, 0])] {
            let mut before = None;
            for (number, code) in results.iter().enumerate() {
                let mut run = Run {
                    time_ms: NOON + offset_ms + number as i64 * 1000,
                    text: format!("{check} {number}"),
                    ..Run::default()
                };
                if (check, number) == ("disk", 3) {
                    run.judgement = "CRITICAL: full is 3, outside 2".to_owned();
                }
                match State::from_code(*code) {
                    Some(state) => {
                        run.state = state;
                        let counting = Counting { max_check_attempts: 2, volatile: false, flap_limits: None };
                        run.standing = advance(before, state, run.time_ms, counting).0;
                        before = Some(PreviousState { state, standing: run.standing });
                    }
                    None => run.reason = Reason::Missed,
                }
                written.push((check, run));
            }
        }
        written.sort_by_key(|(_, run)| run.time_ms);
        let store = stage::store(|writer| {
            for (check, run) in &written {
                writer.append(&[(*check, run)]).unwrap();
            }
        });
        (store, 5)
    }

    #[test]
    fn events_of_all_checks_come_in_the_order_of_arrival() {
        assert_eq!(
            shown(&[]).unwrap(),
            "2026-11-22 13:00:00   PENDING → WARNING   soft              load: load 0\n\
             2026-11-22 13:00:01        OK → CRITICAL  soft              disk: disk 1\n\
             2026-11-22 13:00:01   WARNING → OK        soft recovery     load after 1s: load 1\n\
             2026-11-22 13:00:03             CRITICAL  hard              disk: CRITICAL: full is 3, outside 2 - disk 3\n\
             2026-11-22 13:00:05  CRITICAL → OK        hard recovery     disk after 4s: disk 5\n"
        );
    }

    #[test]
    fn a_reason_that_does_not_fit_a_terminal_has_a_line_of_its_own() {
        let event = Event {
            id: String::new(),
            check: "disk".to_owned(),
            time_ms: NOON,
            kind: custos_query::EventKind::Hard,
            from: Some(State::Ok),
            to: State::Critical,
            attempt: 1,
            text: "word ".repeat(20),
            judgement: String::new(),
            lasted_ms: None,
        };
        let now: Zoned = "2026-11-22T13:01:00+01:00[Europe/Berlin]".parse().unwrap();
        let terminal = Style { terminal: true, ..stage::STYLE };
        let shown = line(&event, &now, terminal);
        let head = "2026-11-22 13:00:00        OK → CRITICAL  hard              disk:";
        let words = "word ".repeat(15);
        assert_eq!(shown, format!("{head}\n    {}…\n", words.trim_end()));
        assert!(shown.lines().all(|line| width(line) <= 80), "{shown}");
        assert_eq!(line(&event, &now, stage::STYLE).lines().count(), 1);
    }

    #[test]
    fn notes_stand_between_changes_of_state() {
        let (store, written) = stored();
        let note = |time_ms, check: Option<&str>| {
            let (check, author) = (check.map(str::to_owned), "anna".to_owned());
            let of = |number| TimelineNote { number, time_ms, check, author, text: "deploy\u{7}".to_owned() };
            Marks::add(store.path(), of).unwrap();
        };
        note(NOON + 4500, None);
        note(NOON + 3500, Some("load"));
        note(NOON + 9000, Some("disk"));
        let shown = |line: &[&str]| stage::shown(&store, line, show).unwrap();
        let all = shown(&[]);
        let lines: Vec<&str> = all.lines().collect();
        assert_eq!(lines.len(), written + 3, "{all}");
        assert_eq!(
            lines[4],
            "2026-11-22 13:00:03                       note              load: deploy\\u{7} (anna)"
        );
        assert!(lines[5].ends_with("  deploy\\u{7} (anna)") && lines[7].contains("disk: deploy"), "{all}");
        // Those before the first of the newest would stand alone.
        assert_eq!(shown(&["-n", "1"]).lines().count(), 2);
        assert_eq!(shown(&["load"]).lines().count(), 4);
        let json = shown(&["--json", "--since", "13:00:06"]);
        let expected = r#"{"author":"anna","check":"disk","id":"note/3","kind":"note","text":"deploy\u0007","time_ms":1795348809000}"#;
        assert_eq!(json.trim_end(), expected);
    }

    #[test]
    fn an_event_is_the_same_wherever_the_look_begins() {
        let all = shown(&["disk", "--json"]).unwrap();
        let last = all.lines().last().unwrap();
        assert_eq!(
            last,
            concat!(
                r#"{"id":"disk@1795348805000/hard_recovery","check":"disk","time_ms":1795348805000,"#,
                r#""kind":"hard_recovery","from":"CRITICAL","to":"OK","attempt":1,"text":"disk 5","judgement":"","lasted_ms":4000}"#
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
}
