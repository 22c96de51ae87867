//! The status as a table. Pure but for the writing.

use std::io::Write;

use custos_store::State;

use super::gather::Status;
use super::row::StatusRow;
use crate::cli::read::{Failure, local_time};
use crate::cli::style::{Style, printable};
use crate::limits::STATUS_TEXT_MAX_COLUMNS;
use crate::part::{Counter, Part};
use crate::text::human::duration_ms;
use crate::text::width::{pad, shorten, width};

/// Columns before the name of the check, with the blank before it.
const NAME_AT: usize = 45;
/// Columns of the text that are shown however narrow the terminal is. What comes before it is never cut.
const TEXT_WIDTH_MIN: usize = 16;
/// Columns of names. A longer name shifts its own text only.
const NAME_WIDTH_MIN: usize = 5;
const NAME_WIDTH_MAX: usize = 32;
/// Lines of checks that are shown however low the terminal is.
const ROWS_MIN: usize = 5;

/// How the table is to look.
pub(super) struct Page {
    pub(super) style: Style,
    /// Whether every line is shown even on a terminal that is too low for them.
    pub(super) whole: bool,
    /// Whether checks that are OK are left out.
    pub(super) problems: bool,
    /// Whether these are checks that were named, of which there is more to say.
    pub(super) named: bool,
}

/// Writes the checks, what there is to say of the agent and the store, and how many checks are in which state.
pub(super) fn write(status: &Status, page: &Page, out: &mut dyn Write) -> Result<(), Failure> {
    let style = page.style;
    let rows: Vec<&StatusRow> = status.rows.iter().filter(|row| !page.problems || row.is_problem()).collect();
    let notes = notes(status, page);
    // The head, the counts and the prompt need a line each.
    let fit = style.height.saturating_sub(notes.len() + 3).max(ROWS_MIN);
    let (shown, hidden) = if style.terminal && !page.whole && rows.len() > fit {
        rows.split_at(fit - 1)
    } else {
        (&rows[..], &[][..])
    };
    let name_width = name_width(shown, style);
    let head = format!(
        "{:<8} {:<9} {:>8} {:>8} {:>7} {:<name_width$} {}",
        "STATE", "TYPE", "SINCE", "LAST", "NEXT", "CHECK", "TEXT"
    );
    writeln!(out, "{}", style.dim(&head))?;
    for row in shown {
        writeln!(out, "{}", line(row, status, page, name_width))?;
        let more = if page.named { row.held_lines(status.now.time_zone()) } else { Vec::new() };
        for line in more {
            writeln!(out, "{}", style.fitted(&format!("         {line}"), 0))?;
        }
    }
    if !hidden.is_empty() {
        let more = format!(
            "{} {} more: {}; --all shows them",
            style.glyphs.ellipsis(),
            hidden.len(),
            counts(hidden)
        );
        writeln!(out, "{}", style.dim(&more))?;
    }
    for note in notes {
        writeln!(out, "{note}")?;
    }
    let all: Vec<&StatusRow> = status.rows.iter().collect();
    Ok(writeln!(out, "{}", counts(&all))?)
}

/// The width of the column of names: that of the longest which leaves the others a text to read.
fn name_width(rows: &[&StatusRow], style: Style) -> usize {
    let free = style.width.saturating_sub(NAME_AT + 1 + TEXT_WIDTH_MIN);
    let most = free.clamp(NAME_WIDTH_MIN, NAME_WIDTH_MAX);
    let widths = rows.iter().map(|row| width(&printable(&row.check)));
    widths.filter(|width| *width <= most).max().unwrap_or(NAME_WIDTH_MIN).max(NAME_WIDTH_MIN)
}

fn line(row: &StatusRow, status: &Status, page: &Page, name_width: usize) -> String {
    let now_ms = status.now.timestamp().as_millisecond();
    let state = format!("{:<8}", row.state);
    let state = match row.severity {
        Some(severity) => page.style.state(severity, &state).into_owned(),
        None => page.style.dim(&state).into_owned(),
    };
    let next = match (row.running, row.next_run_ms) {
        (true, _) => "running".to_owned(),
        (false, Some(ms)) if ms <= now_ms => "due".to_owned(),
        (false, Some(ms)) => short(&duration_ms(ms.saturating_sub(now_ms)), 7),
        (false, None) => "-".to_owned(),
    };
    let columns = format!(
        "{:<9} {:>8} {:>8} {next:>7} {} ",
        kind(row),
        ago(row.since_ms, now_ms),
        ago(row.last_run_ms, now_ms),
        pad(&printable(&row.check), name_width),
    );
    let mut room = STATUS_TEXT_MAX_COLUMNS;
    if page.style.terminal {
        let left = page.style.width.saturating_sub(9 + width(&columns));
        room = room.min(left.max(TEXT_WIDTH_MIN));
    }
    let text = row.said(status.now.time_zone());
    format!("{state} {columns}{}", shorten(&text, room, page.style.glyphs.ellipsis())).trim_end().to_owned()
}

/// How long ago a moment was, in eight columns; one that is ahead has a plus.
pub(in crate::cli) fn ago(ms: Option<i64>, now_ms: i64) -> String {
    let Some(ms) = ms else { return "-".to_owned() };
    let passed = now_ms.saturating_sub(ms);
    // Clocks of two processes may differ by a moment.
    if passed > -1000 {
        return short(&duration_ms(passed.max(0)), 8);
    }
    format!("+{}", short(&duration_ms(passed.saturating_neg()), 7))
}

/// A duration in so many columns: its largest unit alone where two do not fit.
pub(in crate::cli) fn short(duration: &str, columns: usize) -> String {
    if width(duration) <= columns {
        return duration.to_owned();
    }
    let largest = duration.split(' ').next().unwrap_or_default();
    if width(largest) <= columns { largest.to_owned() } else { "ages".to_owned() }
}

fn kind(row: &StatusRow) -> String {
    if let Some(held) = row.held_word() {
        return held;
    }
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

/// How many checks are in which state, worst first: `1 critical, 2 warning, 9 ok`.
fn counts(rows: &[&StatusRow]) -> String {
    let kinds = [
        (Some(State::Critical), "critical"),
        (Some(State::Unknown), "unknown"),
        (Some(State::Warning), "warning"),
        (Some(State::Ok), "ok"),
        (None, "pending"),
    ];
    let count = |state| rows.iter().filter(|row| row.severity == state).count();
    let counts = kinds.map(|(state, name)| (count(state), name)).into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, name)| format!("{count} {name}")).collect();
    if counts.is_empty() { "no checks".to_owned() } else { counts.join(", ") }
}

/// What there is to say besides the checks, a line each.
fn notes(status: &Status, page: &Page) -> Vec<String> {
    let style = page.style;
    let mut notes = Vec::new();
    let now_ms = status.now.timestamp().as_millisecond();
    match &status.agent {
        None => {
            let at = local_time(now_ms, status.now.time_zone());
            notes.push(style.dim(&format!("as it stood at {at}")).into_owned());
        }
        Some(Ok(agent)) => {
            let up = duration_ms(now_ms.saturating_sub(agent.started_ms).max(0));
            let mut line = format!("agent: pid {}, up {up}", agent.pid);
            for part in agent.parts.iter().filter(|part| !part.addresses.is_empty()) {
                line += &format!(", {} on {}", part.name, part.addresses.join(" "));
            }
            notes.push(style.dim(&printable(&line)).into_owned());
            let counted = agent.parts.iter().filter_map(counted);
            notes.extend(counted.map(|line| style.dim(&printable(&line)).into_owned()));
            notes.extend(status.doubt.iter().map(|doubt| format!("agent: {doubt}")));
            let findings = agent.parts.iter().flat_map(findings);
            notes.extend(findings.map(|line| printable(&line).into_owned()));
        }
        Some(Err(error)) => {
            let line = format!("agent: {error}; shown is what was stored");
            notes.push(style.dim(&printable(&line)).into_owned());
        }
    }
    if let Some(error) = &status.store_error {
        notes.push(format!("store: cannot be read: {}", printable(error)));
    }
    notes.extend(ahead(&status.rows));
    notes
}

/// Checks that are named as having runs ahead of now.
const AHEAD_NAMED_MAX: usize = 3;

/// Says that there are runs with times ahead of now: the clock was.
fn ahead(rows: &[StatusRow]) -> Option<String> {
    let furthest_ms = rows.iter().filter_map(|row| row.ahead_ms).max()?;
    let names: Vec<&str> =
        rows.iter().filter(|row| row.ahead_ms.is_some()).map(|row| row.check.as_str()).collect();
    let named = names[..names.len().min(AHEAD_NAMED_MAX)].join(", ");
    let more = match names.len().saturating_sub(AHEAD_NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "store: runs with times up to {} ahead of now, of {}{more}: the clock was ahead when they ran",
        duration_ms(furthest_ms),
        printable(&named)
    ))
}

/// What a part has counted that is not zero, in a line that begins with its name; nothing of a part whose summary stands
/// in the row of the agent's own check.
fn counted(part: &Part) -> Option<String> {
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

#[cfg(test)]
mod tests;
