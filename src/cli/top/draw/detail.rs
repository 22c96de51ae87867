//! A check: why it is in its state, a graph, its runs and its changes of state, as one text that is scrolled.

use custos_query::threshold_lines;
use custos_store::State;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::text::{Line, Span};

use crate::cli::style::Style as TextStyle;
use crate::cli::top::check::{Check, Muted};
use crate::cli::top::model::{AgentView, Model, View, Why};
use crate::cli::top::places::Places;
use crate::cli::top::story::Story;
use crate::cli::{events, runs};
use crate::graph::{TextOptions, text};
use crate::limits::TOP_STORY_LINES_MAX;
use crate::terminal::{state_style, styled};
use crate::text::human::{age, duration_ms};
use crate::text::local_time::local_time;
use crate::text::printable;
use crate::text::width::{shorten_name, width};
use crate::text::wrap::wrap;

/// What stands before what a line of a run or of a change goes on with.
const INDENT: &str = "    ";
/// Lines of the graph: a part of the page, within these.
const GRAPH_LINES_MIN: usize = 10;
const GRAPH_LINES_MAX: usize = 22;

pub(super) fn draw(model: &mut Model, places: &Places, page: &mut Buffer) {
    let View::Check { name, scroll } = &model.view else { return };
    let (start, end) = places.body;
    let rows = usize::from(end - start);
    let title = Rect::new(0, places.titles, places.width, 1);
    page.set_style(title, Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED));
    let Some(check) = model.check(name) else {
        let gone = format!("{} is no longer there", printable(name));
        page.set_stringn(0, places.titles, gone, usize::from(places.width), Style::new());
        return;
    };
    let lines = lines(model, check, usize::from(places.width), rows);
    let scrolled = (*scroll).min(lines.len().saturating_sub(rows));
    page.set_line(0, places.titles, &head(model, check, usize::from(places.width)), places.width);
    for (y, line) in (start..end).zip(&lines[scrolled..]) {
        page.set_line(0, y, line, places.width);
    }
    let below = lines.len() - scrolled.min(lines.len());
    if below > rows {
        let more = format!(" {} more lines ", below - rows);
        let at = places.width.saturating_sub(more.len() as u16);
        page.set_string(at, end - 1, more, Style::new().add_modifier(Modifier::REVERSED));
    }
    if let View::Check { scroll, .. } = &mut model.view {
        *scroll = scrolled;
    }
}

/// The check in a line.
fn head(model: &Model, check: &Check, columns: usize) -> Line<'static> {
    let row = &check.row;
    let state = row.severity.map_or(Style::new(), state_style);
    let mut words = Vec::new();
    if row.severity.is_some_and(|state| state != State::Ok) {
        let kind = row.state_type.to_lowercase();
        words.push(match row.max_check_attempts {
            Some(most) if most > 1 => format!("{kind} {}/{most}", row.attempt),
            _ => kind,
        });
    }
    words.extend(row.flapping.then(|| "flapping".to_owned()));
    words.extend(
        row.since_ms
            .map(|since_ms| format!("for {}", whole_seconds(model.now_ms().saturating_sub(since_ms)))),
    );
    match (row.running, row.next_run_ms) {
        (true, _) => words.push(match row.running_since_ms {
            Some(since_ms) => {
                format!("running for {}", whole_seconds(model.now_ms().saturating_sub(since_ms)))
            }
            None => "waits for its turn to run".to_owned(),
        }),
        (false, Some(next_ms)) if next_ms <= model.now_ms() => words.push("due".to_owned()),
        (false, Some(next_ms)) => {
            words.push(format!("next in {}", whole_seconds(next_ms.saturating_sub(model.now_ms()))));
        }
        (false, None) => {}
    }
    let words = format!("  {}", words.join(", "));
    let name = printable(&row.check);
    let room = columns.saturating_sub(row.state.len() + 1 + width(&words)).max(8);
    let name = shorten_name(&name, room, model.glyphs.ellipsis()).into_owned();
    Line::from_iter([
        Span::styled(format!("{} ", row.state), state.add_modifier(Modifier::BOLD)),
        Span::raw(name),
        Span::styled(words, Style::new()),
    ])
}

/// A time without parts of seconds, on a page that is drawn once a second.
fn whole_seconds(ms: i64) -> String {
    match ms.max(0).div_euclid(1000) {
        0 => "0s".to_owned(),
        seconds => duration_ms(seconds * 1000),
    }
}

/// All there is to say of the check.
fn lines(model: &Model, check: &Check, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let mut lines = Lines { lines: Vec::new(), columns, model };
    lines.why(check);
    if let Some((_, why)) = model.why.as_ref().filter(|(of, _)| *of == check.row.check) {
        lines.unlike(why);
    }
    match model.story.as_ref().filter(|story| story.check == check.row.check) {
        Some(story) => lines.story(story, rows),
        None => lines.plain("", "nothing is stored of it"),
    }
    lines.lines
}

struct Lines<'a> {
    lines: Vec<Line<'static>>,
    columns: usize,
    model: &'a Model,
}

impl Lines<'_> {
    fn push(&mut self, line: Line<'static>) {
        if self.lines.len() < TOP_STORY_LINES_MAX {
            self.lines.push(line);
        }
    }

    /// A line, or several if it is long. Nothing of it is left out, as it may be what somebody looks for.
    fn wrapped(&mut self, mark: &str, text: &str, style: Style) {
        let text = printable(text);
        // What is indented goes on below its beginning.
        let said = text.trim_start_matches(' ');
        let indent = (text.len() - said.len()).min(self.columns / 2);
        let hanging = width(mark) + indent;
        let dim = Style::new().add_modifier(Modifier::DIM);
        for (at, piece) in wrap(said, self.columns.saturating_sub(hanging).max(8)).into_iter().enumerate() {
            let lead = if at == 0 { format!("{mark}{}", " ".repeat(indent)) } else { " ".repeat(hanging) };
            self.push(Line::from_iter([Span::styled(lead, dim), Span::styled(piece.to_owned(), style)]));
        }
    }

    fn plain(&mut self, mark: &str, text: &str) {
        self.wrapped(mark, text, Style::new());
    }

    fn title(&mut self, title: &str) {
        if !self.lines.is_empty() {
            self.push(Line::default());
        }
        let style = Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD);
        self.push(Line::styled(title.to_owned(), style));
    }

    /// Why it is in its state, since when, and who is told.
    fn why(&mut self, check: &Check) {
        let (row, zone, now_ms) = (&check.row, self.model.now.time_zone(), self.model.now_ms());
        self.title("WHY");
        let limits = threshold_lines(&row.judgement);
        let state = row.severity.map_or(Style::new(), state_style);
        for limit in &limits {
            self.wrapped("  threshold  ", limit, state);
        }
        if limits.is_empty() && row.severity.is_some() {
            self.wrapped("  plugin     ", &row.text, state);
        } else {
            self.plain("  plugin     ", &row.text);
        }
        for remark in row.judgement.lines().filter(|line| !limits.contains(line)) {
            self.plain("  agent      ", remark);
        }
        if let Some(since_then) = &row.since_then {
            self.plain("  since then ", since_then);
        }
        if let Some(since_ms) = row.since_ms {
            let ago = age(now_ms, since_ms);
            let hard = if row.hard_state == row.state { "" } else { ", confirmed is " };
            let hard_state = if hard.is_empty() { "" } else { row.hard_state };
            self.plain("  since      ", &format!("{} ({ago}){hard}{hard_state}", local_time(since_ms, zone)));
        }
        if let (Some(last_ms), Some(duration_ms_of)) = (row.last_run_ms, row.duration_ms) {
            let took = runs::took((duration_ms_of * 1000.0) as u64);
            let cpu =
                check.cpu_us.map(|us| format!(", {} of a processor", runs::took(us))).unwrap_or_default();
            let time = local_time(last_ms, zone);
            self.plain("  last run   ", &format!("{time} ({}), took {took}{cpu}", age(now_ms, last_ms)));
        }
        if let Some(period) = &row.outside_period {
            self.plain("  period     ", &format!("outside of {period}"));
        }
        match &check.muted {
            Some(Muted::Acked(by)) => self.plain("  told       ", &format!("nobody: acknowledged {by}")),
            Some(Muted::Silenced(by)) => self.plain("  told       ", &format!("nobody: silence {by}")),
            None => {}
        }
        if !matches!(self.model.agent, AgentView::Runs { .. }) {
            self.plain("  agent      ", "does not answer: whether somebody acknowledged it is not known");
        }
    }

    /// What else was unlike its past.
    fn unlike(&mut self, why: &Why) {
        self.title("WHAT ELSE WAS UNLIKE ITS PAST");
        match why {
            Why::Searched => self.plain("  ", "is looked for; w gives that up"),
            Why::Told(Ok(text)) => text.lines().for_each(|line| self.plain("", line)),
            Why::Told(Err(why)) => self.wrapped("  ", why, Style::new().fg(Color::Red)),
        }
    }

    fn story(&mut self, story: &Story, rows: usize) {
        if let Some(damage) = &story.damage {
            self.wrapped("  store      ", damage, Style::new().fg(Color::Red));
        }
        if let Some(picture) = &story.picture {
            let of_states = picture.series.is_empty();
            self.title(if of_states { "STATES over time; it reports no metrics" } else { "GRAPH" });
            let options = TextOptions {
                width: self.columns,
                height: (rows / 2).clamp(GRAPH_LINES_MIN, GRAPH_LINES_MAX),
                glyphs: self.model.glyphs,
                overlay: true,
            };
            text(picture, &options).iter().for_each(|line| self.push(styled(line)));
        }
        // Without colours: what is a state is coloured here.
        let style = TextStyle {
            color: false,
            glyphs: self.model.glyphs,
            terminal: true,
            width: self.columns,
            height: rows,
        };
        self.title("RUNS, the newest first");
        for run in &story.runs {
            let paragraph = runs::paragraph(run, &self.model.now, style);
            for (at, line) in paragraph.lines().enumerate() {
                if at == 0 { self.with_state(line, run.state) } else { self.plain("", line) }
            }
        }
        self.title("CHANGES OF STATE of the last day, the newest first");
        if story.changes.is_empty() {
            self.plain("  ", "none");
        }
        for change in &story.changes {
            let line = events::line(change, &self.model.now, style);
            for (at, line) in line.lines().enumerate() {
                if at == 0 { self.with_state(line, change.to) } else { self.plain("", line) }
            }
        }
    }

    /// A line, or several, in which the last mention of a state before its texts is coloured.
    fn with_state(&mut self, line: &str, state: State) {
        let name = state.name();
        let head_end = line.char_indices().nth(48).map_or(line.len(), |(at, _)| at);
        let Some(at) = line[..head_end].rfind(name) else { return self.plain("", line) };
        let pieces = wrap(line, self.columns);
        // It may have been cut within the state.
        let Some(behind) = pieces[0].get(at + name.len()..) else { return self.plain("", line) };
        self.push(Line::from_iter([
            Span::raw(line[..at].to_owned()),
            Span::styled(name, state_style(state)),
            Span::raw(behind.to_owned()),
        ]));
        let rest = pieces[1..].join(" ");
        if !rest.is_empty() {
            self.plain(INDENT, &rest);
        }
    }
}
