//! `custos status`: where every check stands, worst first.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use custos_store::{Reader, State};
use jiff::tz::TimeZone;

use super::read::{Failure, ReadArgs, chain, finish, json_line, local_time};
use super::status_row::{StatusRow, was_asked};
use super::style::{Style, printable};
use crate::agent::verdict_text;
use crate::clock;
use crate::config::{AGENT_CHECK, Config};
use crate::control::{self, AgentStatus, Answered, AskError, Patience, Request, Response, Stranger};
use crate::exit_code::ExitCode;
use crate::part::{Counter, Part};
use crate::text::human;

/// Characters of the state, with the blank behind it.
const STATE_WIDTH: usize = 9;
/// Characters of the text that are shown however narrow the terminal is. What comes before it is never cut.
const TEXT_WIDTH_MIN: usize = 16;

/// Shows the state of every check, worst first: soft or hard, since when, and what its last run said.
///
/// What is stored is read from the store; a running agent adds when each check runs next, and tells what it could not
/// store. The check `custos` is the agent itself.
#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    /// Only these checks
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// One JSON object for each check
    #[arg(long)]
    json: bool,
    /// End with the worst hard state as exit status: 0 to 3
    #[arg(long)]
    exit_code: bool,
    /// Also checks that are no longer defined
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    read: ReadArgs,
}

/// Runs the command.
pub(super) fn run(args: &StatusArgs) -> ExitCode {
    let mut worst = State::Ok;
    let ended = finish(|out| {
        let status = Status::read(args)?;
        worst = status.rows.iter().fold(State::Ok, |worst, row| worst.worst(row.hard_severity));
        if args.json { status.write_json(out) } else { status.write_table(args.read.style(), out) }
    });
    match ended {
        ExitCode::Success if args.exit_code => ExitCode::Verdict(worst),
        _ if args.exit_code => ExitCode::Verdict(State::Unknown),
        ended => ended,
    }
}

struct Status {
    agent: Result<AgentStatus, AskError>,
    /// Why it may not be the agent that the store is written by.
    doubt: Option<Stranger>,
    store_error: Option<String>,
    rows: Vec<StatusRow>,
}

impl Status {
    fn read(args: &StatusArgs) -> Result<Status, Failure> {
        let (store, config) = args.read.locate()?;
        let (agent, doubt) = match ask_agent(&store) {
            Ok((agent, doubt)) => (Ok(agent), doubt),
            Err(error) => (Err(error), None),
        };
        let reader = Reader::open(&store).map_err(|error| chain(&error));
        if let (Err(error), Err(_)) = (&reader, &agent) {
            return Err(Failure::new(format!("failed to open the store {}: {error}", store.display())));
        }
        let mut names: BTreeSet<String> = match &config {
            Some(config) => config.checks.keys().cloned().collect(),
            None => BTreeSet::new(),
        };
        if let Ok(agent) = &agent {
            names.extend(agent.rows.iter().map(|row| row.check.clone()));
        }
        if let Ok(reader) = &reader {
            names.extend(stored_names(reader, config.as_ref(), args)?);
        }
        if !args.names.is_empty() {
            if let Some(missing) = args.names.iter().find(|name| !names.contains(*name)) {
                return Err(Failure::usage(format!("no check {missing} is defined or was ever run")));
            }
            names.retain(|name| args.names.contains(name));
        }
        let mut rows = Vec::with_capacity(names.len());
        for name in names {
            let check = config.as_ref().and_then(|config| config.checks.get(&name));
            let mut row = match &reader {
                Ok(reader) => StatusRow::from_store(reader, &name, check.map(|check| &**check))?,
                Err(_) => StatusRow::pending(&name),
            };
            let live = agent.as_ref().ok().and_then(|agent| agent.rows.iter().find(|r| r.check == name));
            if let Some(live) = live {
                row.add_live(live);
            }
            if let Some(check) = check {
                row.add_period(check, clock::now_ms());
            }
            rows.push(row);
        }
        rows.sort_by_key(StatusRow::rank);
        Ok(Status { agent, doubt, store_error: reader.err(), rows })
    }

    fn write_json(&self, out: &mut dyn Write) -> Result<(), Failure> {
        for row in &self.rows {
            json_line(row, out)?;
        }
        Ok(())
    }

    fn write_table(&self, style: Style, out: &mut dyn Write) -> Result<(), Failure> {
        let now_ms = clock::now_ms();
        let name_width =
            self.rows.iter().map(|row| row.check.chars().count()).max().unwrap_or(5).clamp(5, 32);
        let head = format!(
            "{:<8} {:<9} {:>8} {:>8} {:>7} {:<name_width$} {}",
            "STATE", "TYPE", "SINCE", "LAST", "NEXT", "CHECK", "TEXT"
        );
        writeln!(out, "{}", style.dim(&head))?;
        for row in &self.rows {
            let state = format!("{:<8}", row.state);
            let state = match row.severity {
                Some(severity) => style.state(severity, &state).into_owned(),
                None => style.dim(&state).into_owned(),
            };
            let ago =
                |ms: Option<i64>| ms.map_or("-".to_owned(), |ms| human::duration_ms((now_ms - ms).max(0)));
            let next = match (row.running, row.next_run_ms) {
                (true, _) => "running".to_owned(),
                (false, Some(ms)) => human::duration_ms((ms - now_ms).max(0)),
                (false, None) => "-".to_owned(),
            };
            let columns = format!(
                "{:<9} {:>8} {:>8} {:>7} {:<name_width$} ",
                kind(row),
                short(&ago(row.since_ms)),
                short(&ago(row.last_run_ms)),
                short(&next),
                printable(&row.check),
            );
            let room = style.width.saturating_sub(STATE_WIDTH + columns.chars().count());
            writeln!(out, "{state} {columns}{}", cut(&said(row), room))?;
        }
        self.write_agent(style, out)
    }

    fn write_agent(&self, style: Style, out: &mut dyn Write) -> Result<(), Failure> {
        match &self.agent {
            Ok(agent) => {
                let up = human::duration_ms((clock::now_ms() - agent.started_ms).max(0));
                let mut line = format!("agent: pid {}, up {up}", agent.pid);
                for part in agent.parts.iter().filter(|part| !part.addresses.is_empty()) {
                    line += &format!(", {} on {}", part.name, part.addresses.join(" "));
                }
                writeln!(out, "{}", style.dim(&printable(&line)))?;
                for line in agent.parts.iter().filter_map(counts) {
                    writeln!(out, "{}", style.dim(&printable(&line)))?;
                }
                if let Some(doubt) = &self.doubt {
                    writeln!(out, "agent: {doubt}")?;
                }
                for line in agent.parts.iter().flat_map(findings) {
                    writeln!(out, "{}", printable(&line))?;
                }
            }
            Err(error) => writeln!(
                out,
                "{}",
                style.dim(&printable(&format!("agent: {error}; shown is what was stored")))
            )?,
        }
        if let Some(error) = &self.store_error {
            writeln!(out, "store: cannot be read: {error}")?;
        }
        Ok(())
    }
}

/// What a part has counted that is not zero, in a line that begins with its name; nothing of a part whose summary stands
/// in the row of the agent's own check.
fn counts(part: &Part) -> Option<String> {
    if part.summary.is_some() {
        return None;
    }
    let name = part.name.to_ascii_lowercase();
    let count = |counter: &Counter| {
        let metric = &counter.metric;
        let short = metric.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('_'));
        format!("{} {}", short.unwrap_or(metric), counter.value)
    };
    let counts: Vec<String> = part.counters.iter().filter(|counter| counter.value > 0).map(count).collect();
    (!counts.is_empty()).then(|| format!("{name}: {}", counts.join(", ")))
}

/// What is wrong with a part, each in a line that begins with its name.
fn findings(part: &Part) -> impl Iterator<Item = String> {
    let name = part.name.to_ascii_lowercase();
    part.findings.iter().map(move |finding| format!("{name}: {}: {}", finding.state().name(), finding.text()))
}

fn ask_agent(store: &Path) -> Result<(AgentStatus, Option<Stranger>), AskError> {
    let Answered { response, doubt } = control::ask(store, &Request::Status, Patience::STATUS)?;
    match response {
        Response::Status(status) => Ok((status, doubt)),
        Response::Refused(why) => Err(AskError::Unreadable(why)),
        Response::Ran { .. } | Response::Accepted => {
            Err(AskError::Unreadable("to another question".to_owned()))
        }
    }
}

/// Checks of the store that belong into the status: the defined, the asked for and the agent; all if wanted.
fn stored_names(reader: &Reader, config: Option<&Config>, args: &StatusArgs) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for known in reader.checks() {
        let defined = config.is_none_or(|config| config.checks.contains_key(&known.name));
        let wanted = args.all || args.names.contains(&known.name) || known.name == AGENT_CHECK;
        if defined || wanted || reader.last(&known.name)?.is_some_and(|run| was_asked(&run)) {
            names.push(known.name);
        }
    }
    Ok(names)
}

fn kind(row: &StatusRow) -> String {
    match (row.severity, row.flapping) {
        (None, _) => "-".to_owned(),
        (Some(_), true) => "flapping".to_owned(),
        (Some(State::Ok), false) => "hard".to_owned(),
        (Some(_), false) => {
            let kind = row.state_type.to_ascii_lowercase();
            match row.max_check_attempts {
                Some(max) if max > 1 => format!("{kind} {}/{max}", row.attempt),
                _ => kind,
            }
        }
    }
}

/// The text, with what the thresholds say.
fn said(row: &StatusRow) -> String {
    let state = State::ALL.into_iter().find(|state| state.name() == row.state).unwrap_or_default();
    let mut said = printable(&verdict_text(state, &row.judgement, &row.text)).into_owned();
    if let Some(since_then) = &row.since_then {
        said = format!("[{}] {said}", printable(since_then));
    }
    if let Some(period) = &row.outside_period {
        let until = match row.outside_until_ms {
            Some(ms) => format!("until {}", local_time(ms, &TimeZone::system())),
            None => "for more than a year".to_owned(),
        };
        said = format!("[outside its period {} {until}] {said}", printable(period));
    }
    said
}

/// A duration in the room of a column: its largest unit alone where two do not fit.
fn short(duration: &str) -> String {
    if duration.chars().count() <= 7 {
        return duration.to_owned();
    }
    duration.split(' ').next().unwrap_or_default().to_owned()
}

/// Cuts a text to the room that a terminal has for it, or a little more where there is next to none; a pipe gets all of it.
fn cut(text: &str, room: usize) -> String {
    let room = room.max(TEXT_WIDTH_MIN);
    if !std::io::IsTerminal::is_terminal(&std::io::stdout()) || text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::stage::STYLE;

    #[test]
    fn nothing_that_an_agent_says_of_itself_steers_a_terminal() {
        let odd = "\u{1b}]0;x\u{7}\u{9b}31m\u{202e}";
        let mut part = Part::new(odd).with_addresses([odd]).with_totals(odd, [(odd, 1)]);
        part.critical(odd);
        let agent = AgentStatus { pid: 1, started_ms: 0, rows: Vec::new(), parts: vec![part] };
        let status = Status { agent: Ok(agent), doubt: None, store_error: None, rows: Vec::new() };
        let mut out = Vec::new();
        status.write_agent(STYLE, &mut out).unwrap();
        let shown = String::from_utf8(out).unwrap();
        assert!(
            !shown.contains(|c: char| c.is_control() && c != '\n') && !shown.contains('\u{202e}'),
            "{shown}"
        );
        assert_eq!(shown.lines().count(), 3, "{shown}");
    }
}
