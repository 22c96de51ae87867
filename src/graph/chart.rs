//! A picture as lines of text: panels of series above each other, one axis of time, and the states beneath.
//!
//! ```text
//! load:load1  min 0.02  avg 0.31  max 4.12  last 0.28  warn 5  crit 10
//!       4 ┤
//!       2 ┤        series, thresholds
//!       0 ┤
//!         └───┬───────┬───────┬───
//!           12:00   12:10   12:20
//!    state  ▁▁▁▁▁▁▁▄▄██▁▁▁▁
//! 2026-11-22 12:00 to 12:30 UTC  ▁ ok  ▄ warn  █ crit
//! ▲ 2026-11-22 12:04:00  deploy of shop 4.2 (anna)
//! ```

use custos_query::{part_of, printable};
use custos_store::State;

use super::axis::ValueAxis;
use super::canvas::{ASCII_MARKS, Canvas, Glyphs};
use super::fit::{Item, fit, fit_label};
use super::ink::{Ink, Line};
use super::panels::panels;
use super::series::{Picture, Ribbon, Series, limit_lines};
use super::{time_axis, title};
use crate::limits::GRAPH_NOTES_SHOWN;
use crate::text::human::counted;
use crate::text::local_time::local_time;
use crate::text::width::{shorten, shorten_name, width};

/// Characters left of the axis of values.
const GUTTER: usize = 9;
/// Characters of a panel or ribbon that is still readable, and the most that are drawn.
const CELLS_MIN: usize = 8;
const CELLS_MAX: usize = 2000;
/// The narrowest chart.
const WIDTH_MIN: usize = GUTTER + 1 + CELLS_MIN;
/// Lines of a panel's plot that is still readable; a picture of many panels grows beyond its height.
const PLOT_ROWS_MIN: usize = 4;
const PLOT_ROWS_MAX: usize = 500;
/// Lines between two labels of the axis of values.
const TICK_ROWS: usize = 3;

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextOptions {
    /// Columns of the terminal.
    pub width: usize,
    /// Lines to fill, if the panels fit.
    pub height: usize,
    /// Characters to use.
    pub glyphs: Glyphs,
    /// Whether series of one kind share a panel. Colours distinguish them, in ASCII characters.
    pub overlay: bool,
}

/// Characters of the plot of a chart that is so wide: as many cells belong into a ribbon.
pub fn cells(width: usize) -> usize {
    width.saturating_sub(GUTTER + 1).clamp(CELLS_MIN, CELLS_MAX)
}

/// Columns of time that a series of a chart that is so wide has.
pub fn columns(width: usize, glyphs: Glyphs) -> usize {
    cells(width) * glyphs.dots_x()
}

/// What stands for a state: the worse it is, the more of the cell is filled, so that colours are not needed.
pub fn state_mark(glyphs: Glyphs, state: State) -> char {
    match (glyphs, state) {
        (Glyphs::Ascii, State::Ok) => '.',
        (Glyphs::Ascii, State::Warning) => 'w',
        (Glyphs::Ascii, State::Critical) => 'C',
        (Glyphs::Ascii, State::Unknown) => '?',
        (_, State::Ok) => '▁',
        (_, State::Warning) => '▄',
        (_, State::Critical) => '█',
        (_, State::Unknown) => '▒',
    }
}

/// Draws a picture.
pub fn text(picture: &Picture, options: &TextOptions) -> Vec<Line> {
    let ChartParts { panels, axis, ribbons, legend, notes } = parts(picture, options);
    panels.into_iter().flatten().chain(axis).chain(ribbons).chain([legend]).chain(notes).collect()
}

/// A chart in parts, each of them lines from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartParts {
    /// The panels. They share the height that is left, and none is lower than can be read.
    pub panels: Vec<Vec<Line>>,
    /// The axis of time, with its labels.
    pub axis: Vec<Line>,
    /// The states of the checks.
    pub ribbons: Vec<Line>,
    /// The span in words, and the marks of the states.
    pub legend: Line,
    /// What was written, each with its moment, which is marked on the axis of time.
    pub notes: Vec<Line>,
}

/// Draws a picture in parts, for those who show some of them.
pub fn parts(picture: &Picture, options: &TextOptions) -> ChartParts {
    // What is narrower could not be read: a number that is cut is another number.
    let options = &TextOptions { width: options.width.max(WIDTH_MIN), ..*options };
    let panels = panels(&picture.series, options.overlay);
    let notes_rows = picture.notes.len().min(GRAPH_NOTES_SHOWN + 1);
    let footer_rows = 3 + ribbon_lines(&picture.ribbons) + notes_rows;
    let free = options.height.saturating_sub(footer_rows + picture.series.len());
    let plot_rows = (free / panels.len().max(1)).clamp(PLOT_ROWS_MIN, PLOT_ROWS_MAX);
    let chart = Chart { picture, options, cells: cells(options.width), plot_rows };
    let lines = |draw: &dyn Fn(&mut Vec<Line>)| {
        let mut lines = Vec::new();
        draw(&mut lines);
        lines
    };
    ChartParts {
        panels: panels.iter().map(|panel| lines(&|lines| chart.panel(panel, lines))).collect(),
        axis: lines(&|lines| chart.time_axis(lines)),
        ribbons: lines(&|lines| picture.ribbons.iter().for_each(|ribbon| chart.ribbon(ribbon, lines))),
        legend: chart.legend(),
        notes: chart.notes(),
    }
}

/// Lines that the states of checks take: a name that is too long to stand beside them has one of its own.
pub fn ribbon_lines(ribbons: &[Ribbon]) -> usize {
    let long_names = ribbons.iter().filter(|ribbon| width(&printable(&ribbon.title)) >= GUTTER).count();
    ribbons.len() + long_names
}

struct Chart<'a> {
    picture: &'a Picture,
    options: &'a TextOptions,
    cells: usize,
    plot_rows: usize,
}

impl Chart<'_> {
    fn panel(&self, panel: &[&Series], lines: &mut Vec<Line>) {
        for (index, series) in panel.iter().enumerate() {
            lines.push(self.title(series, index, panel.len() > 1));
        }
        let ranges = || panel.iter().filter_map(|series| series.range());
        let min = ranges().map(|(min, _)| min).fold(f64::INFINITY, f64::min);
        let max = ranges().map(|(_, max)| max).fold(f64::NEG_INFINITY, f64::max);
        if min > max {
            self.empty_plot(lines);
            return;
        }
        let limits = panel.iter().flat_map(|series| &series.thresholds).map(|threshold| &threshold.limit);
        let axis = ValueAxis::fit(
            (min, max),
            limits.clone().flat_map(limit_lines),
            &panel[0].unit,
            self.picture.prefixes,
            (self.plot_rows / TICK_ROWS).max(2),
        );
        let mut canvas = Canvas::new(self.options.glyphs, self.cells, self.plot_rows);
        for (index, series) in panel.iter().enumerate() {
            draw(&mut canvas, series, index, &axis);
        }
        let row_of = |value: f64| {
            let dots_y = self.options.glyphs.dots_y();
            self.plot_rows - 1 - axis.height(value, self.plot_rows * dots_y) / dots_y
        };
        let mut thresholds: Vec<Option<State>> = vec![None; self.plot_rows];
        for limit in limits {
            for value in limit_lines(limit).filter(|value| axis.contains(*value)) {
                let row = &mut thresholds[row_of(value)];
                *row = Some(row.map_or(limit.state, |state| state.worst(limit.state)));
            }
        }
        let mut labels: Vec<Option<String>> = vec![None; self.plot_rows];
        for (value, label) in axis.ticks() {
            labels[row_of(value)].get_or_insert(label);
        }
        for row in 0..self.plot_rows {
            let mut line = self.gutter(labels[row].as_deref());
            for (at, cell) in canvas.row(row).enumerate() {
                let is_normal = || {
                    let bands = panel.iter().filter_map(|series| self.band(series, at));
                    let mut rows = bands.map(|(low, high)| row_of(high)..=row_of(low));
                    rows.any(|rows| rows.contains(&row))
                };
                let consolidated = || {
                    panel.iter().position(|series| {
                        let mut columns = self.consolidated(series, at);
                        columns.any(|(low, high)| (row_of(high)..=row_of(low)).contains(&row))
                    })
                };
                if let (None, Some(series)) = (cell, consolidated()) {
                    line.push_char(Ink::Series(series), self.consolidated_mark());
                    continue;
                }
                match (cell, thresholds[row]) {
                    (Some((character, series)), _) => line.push_char(Ink::Series(series), character),
                    (None, Some(state)) => line.push_char(Ink::State(state), self.threshold_mark(state)),
                    (None, None) if is_normal() => line.push_char(Ink::Dim, self.normal_mark()),
                    (None, None) => line.push_char(Ink::Plain, ' '),
                }
            }
            lines.push(line);
        }
    }

    fn title(&self, series: &Series, index: usize, marked: bool) -> Line {
        let mut line = Line::default();
        if marked {
            let mark = if self.options.glyphs == Glyphs::Ascii {
                ASCII_MARKS[index % ASCII_MARKS.len()]
            } else {
                '█'
            };
            line.push_char(Ink::Series(index), mark);
            line.push(Ink::Plain, " ");
        }
        let items = title::items(series, self.picture.prefixes, |text| ascii_if(self.options.glyphs, text));
        let mark = self.options.glyphs.ellipsis();
        fit(line, &printable(&series.title()), items, self.options.width, mark)
    }

    fn empty_plot(&self, lines: &mut Vec<Line>) {
        for row in 0..self.plot_rows {
            let mut line = self.gutter(None);
            if row == self.plot_rows / 2 {
                line.push(Ink::Dim, "  no samples in this span");
            }
            lines.push(line);
        }
    }

    /// The label of a line and its part of the axis.
    fn gutter(&self, label: Option<&str>) -> Line {
        let mut line = Line::default();
        let ascii = self.options.glyphs == Glyphs::Ascii;
        let axis = match (label.is_some(), ascii) {
            (true, false) => '┤',
            (false, false) => '│',
            (true, true) => '+',
            (false, true) => '|',
        };
        let label = ascii_if(self.options.glyphs, label.unwrap_or_default().to_owned());
        line.push(Ink::Dim, &format!("{:>width$} {axis}", fit_label(&label, GUTTER - 1), width = GUTTER - 1));
        line
    }

    fn threshold_mark(&self, state: State) -> char {
        match (self.options.glyphs, state) {
            (Glyphs::Ascii, State::Critical) => '=',
            (Glyphs::Ascii, _) => '-',
            (_, State::Critical) => '━',
            _ => '╌',
        }
    }

    fn time_axis(&self, lines: &mut Vec<Line>) {
        let Picture { start_ms, end_ms, zone, .. } = self.picture;
        let (corner, tick_mark, between) = match self.options.glyphs {
            Glyphs::Ascii => ('+', '+', '-'),
            _ => ('└', '┬', '─'),
        };
        let mut axis = vec![between; self.cells];
        let mut labels: Vec<char> = vec![' '; GUTTER + 1 + self.cells];
        let mut free_from = 0;
        for tick in time_axis::ticks(*start_ms, *end_ms, zone, self.cells) {
            let Some(cell) = part_of(tick.time_ms, *start_ms, *end_ms, self.cells) else {
                continue;
            };
            axis[cell] = tick_mark;
            let len = tick.label.chars().count();
            let place = (GUTTER + 1 + cell).saturating_sub(len / 2).min(labels.len().saturating_sub(len));
            if place >= free_from {
                for (offset, character) in tick.label.chars().enumerate() {
                    labels[place + offset] = character;
                }
                free_from = place + len + 1;
            }
        }
        let mark = self.note_mark();
        for note in &self.picture.notes {
            if let Some(cell) = part_of(note.time_ms, *start_ms, *end_ms, self.cells) {
                axis[cell] = mark;
            }
        }
        let mut line = Line::default();
        line.push(Ink::Dim, &" ".repeat(GUTTER));
        line.push_char(Ink::Dim, corner);
        for character in axis {
            line.push_char(if character == mark { Ink::Plain } else { Ink::Dim }, character);
        }
        lines.push(line);
        let mut line = Line::default();
        line.push(Ink::Dim, &labels.into_iter().collect::<String>());
        lines.push(line);
    }

    /// Where a series normally is in a cell.
    fn band(&self, series: &Series, cell: usize) -> Option<(f64, f64)> {
        let dots_x = self.options.glyphs.dots_x();
        series.band.iter().skip(cell * dots_x).take(dots_x).flatten().next().copied()
    }

    /// What is consolidated of a series in the columns of a cell.
    fn consolidated(&self, series: &Series, cell: usize) -> impl Iterator<Item = (f64, f64)> {
        let dots_x = self.options.glyphs.dots_x();
        let columns = cell * dots_x..(cell + 1) * dots_x;
        columns.filter_map(|at| series.consolidated_at(at)).map(|column| (column.low, column.high))
    }

    fn consolidated_mark(&self) -> char {
        if self.options.glyphs == Glyphs::Ascii { '%' } else { '▒' }
    }

    fn normal_mark(&self) -> char {
        if self.options.glyphs == Glyphs::Ascii { ':' } else { '░' }
    }

    fn note_mark(&self) -> char {
        if self.options.glyphs == Glyphs::Ascii { '^' } else { '▲' }
    }

    /// The newest of what was written, a line each, and how much more there is.
    fn notes(&self) -> Vec<Line> {
        let notes = &self.picture.notes;
        let more = notes.len().saturating_sub(GRAPH_NOTES_SHOWN);
        let text = |text: String| {
            let text = shorten(&text, self.options.width, self.options.glyphs.ellipsis()).into_owned();
            let mut line = Line::default();
            line.push(Ink::Dim, &ascii_if(self.options.glyphs, text));
            line
        };
        let mark = self.note_mark();
        let before = (more > 0).then(|| text(format!("{mark} {} earlier", counted(more as u64, "note"))));
        let newest = notes[more..].iter().map(|note| {
            let time = local_time(note.time_ms, &self.picture.zone);
            text(format!("{mark} {time}  {}", printable(&note.text)))
        });
        before.into_iter().chain(newest).collect()
    }

    /// The states of a check, beneath its name if that is too long to stand beside them.
    fn ribbon(&self, ribbon: &Ribbon, lines: &mut Vec<Line>) {
        let title = printable(&ribbon.title);
        let mut line = Line::default();
        let beside = width(&title) < GUTTER;
        if !beside {
            let mut above = Line::default();
            above.push(Ink::Dim, &shorten_name(&title, self.options.width, self.options.glyphs.ellipsis()));
            lines.push(above);
        }
        let label = if beside { &*title } else { "" };
        line.push(Ink::Dim, &" ".repeat(GUTTER - 1 - width(label)));
        line.push(Ink::Dim, &format!("{label}  "));
        for cell in ribbon.states.cells() {
            match *cell {
                Some(state) => line.push_char(Ink::State(state), state_mark(self.options.glyphs, state)),
                None => line.push_char(Ink::Plain, ' '),
            }
        }
        lines.push(line);
    }

    /// The span in words, and the marks of the states that occur.
    fn legend(&self) -> Line {
        let span = time_axis::span(self.picture.start_ms, self.picture.end_ms, &self.picture.zone);
        let cells = || self.picture.ribbons.iter().flat_map(|ribbon| ribbon.states.cells());
        // The worse a state, the more it matters.
        let mut items = vec![Item { weight: 5, parts: vec![(Ink::Dim, span)] }];
        for (state, name) in State::ALL.into_iter().zip(["ok", "warn", "crit", "unknown"]) {
            if cells().any(|cell| *cell == Some(state)) {
                let mark = (Ink::State(state), state_mark(self.options.glyphs, state).to_string());
                let parts = vec![(Ink::Plain, "  ".to_owned()), mark, (Ink::Dim, format!(" {name}"))];
                items.push(Item { weight: 1 + state.severity(), parts });
            }
        }
        if self.picture.series.iter().any(|series| !series.band.is_empty()) {
            let parts = vec![(Ink::Dim, format!("  {} normal", self.normal_mark()))];
            items.push(Item { weight: 1, parts });
        }
        if self.picture.series.iter().any(|series| series.consolidated_range().is_some()) {
            let parts = vec![(Ink::Dim, format!("  {} consolidated", self.consolidated_mark()))];
            items.push(Item { weight: 2, parts });
        }
        if cells().any(Option::is_none) {
            items.push(Item { weight: 0, parts: vec![(Ink::Dim, "  blank: no run".to_owned())] });
        }
        fit(Line::default(), "", items, self.options.width, self.options.glyphs.ellipsis())
    }
}

/// Draws each column from its least to its greatest value and joins it with the one before.
fn draw(canvas: &mut Canvas, series: &Series, index: usize, axis: &ValueAxis) {
    let rows = canvas.height();
    let height = |value| axis.height(value, rows);
    let mut before = None;
    for (x, column) in series.columns.iter().enumerate() {
        let Some(column) = column else { continue };
        if let Some((before_x, before)) = before.filter(|(_, before)| series.joined(before, column)) {
            let (from, to) = (height(before.last), height(column.first));
            let steps = x - before_x;
            let mut last = from;
            for step in 1..=steps {
                let share = step as f64 / steps as f64;
                let next = (from as f64 + (to as f64 - from as f64) * share).round() as usize;
                canvas.vertical(before_x + step, last, next, index);
                last = next;
            }
        }
        canvas.vertical(x, height(column.min), height(column.max), index);
        before = Some((x, *column));
    }
}

/// Replaces the few other characters of units where only ASCII can be shown.
fn ascii_if(glyphs: Glyphs, text: String) -> String {
    if glyphs != Glyphs::Ascii || text.is_ascii() {
        return text;
    }
    text.replace('µ', "u").replace('Ω', "Ohm").replace('°', " deg ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use custos_query::{Columns, Limit, StateBar};
    use custos_store::Bounds;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::super::series::{NoteMark, Threshold};
    use super::*;
    use crate::text::human::Prefixes;

    const MINUTE: i64 = 60_000;
    const DAY: i64 = 1440 * MINUTE;
    /// 2026-11-22 12:00 UTC, a Sunday.
    const START: i64 = 1_795_348_800_000;

    const BRAILLE: TextOptions =
        TextOptions { width: 80, height: 23, glyphs: Glyphs::Braille, overlay: false };
    const ASCII: TextOptions = TextOptions { width: 80, height: 23, glyphs: Glyphs::Ascii, overlay: true };

    fn picture(span_ms: i64) -> Picture {
        Picture {
            start_ms: START,
            end_ms: START + span_ms,
            zone: TimeZone::UTC,
            prefixes: Prefixes::Si,
            series: Vec::new(),
            ribbons: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a series of samples at equal distances; `value` gives none where there was no sample.
    fn add(
        picture: &mut Picture,
        options: &TextOptions,
        (title, unit): (&str, &str),
        interval_ms: i64,
        value: impl Fn(i64) -> Option<f64>,
    ) {
        let count = columns(options.width, options.glyphs);
        let mut columns = Columns::new(picture.start_ms, picture.end_ms, count);
        for index in 0..(picture.end_ms - picture.start_ms) / interval_ms {
            if let Some(value) = value(index) {
                columns.add(picture.start_ms + index * interval_ms, value);
            }
        }
        picture.series.push(Series {
            check: title.split_once(':').unwrap().0.to_owned(),
            name: title.split_once(':').unwrap().1.to_owned(),
            unit: unit.to_owned(),
            columns: columns.into_vec(),
            bridge_ms: interval_ms * 3 / 2,
            ..Series::default()
        });
    }

    fn threshold(state: State, end: f64) -> Threshold {
        let bounds = Bounds { start: 0.0, end, inside: false };
        Threshold { limit: Limit { state, bounds }, of_plugin: true }
    }

    fn drawn(picture: &Picture, options: &TextOptions) -> String {
        text(picture, options).iter().map(|line| line.plain() + "\n").collect()
    }

    /// Compares with a file of `golden/`, which `CUSTOS_WRITE_GOLDEN=1` writes anew.
    fn assert_golden(name: &str, picture: &Picture, options: &TextOptions) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/graph/golden").join(name);
        let drawn = drawn(picture, options);
        if std::env::var_os("CUSTOS_WRITE_GOLDEN").is_some() {
            std::fs::write(&path, &drawn).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        assert_eq!(drawn, expected, "{name} is now drawn as\n{drawn}");
        let is_ascii = options.glyphs == Glyphs::Ascii;
        assert!(!is_ascii || drawn.is_ascii());
        assert!(drawn.lines().all(|line| line.chars().count() <= options.width));
        assert!(drawn.lines().count() <= options.height);
    }

    /// An hour of load with a wave, a peak, a gap of ten minutes, and thresholds.
    fn hour(options: &TextOptions) -> Picture {
        let mut picture = picture(60 * MINUTE);
        add(&mut picture, options, ("load:load1", ""), 10_000, |index| match index {
            200..=260 => None,
            100 => Some(6.4),
            _ => Some(1.6 + (index as f64 / 20.0).sin()),
        });
        picture.series[0].thresholds = vec![threshold(State::Warning, 5.0), threshold(State::Critical, 6.0)];
        let mut states = StateBar::new(picture.start_ms, picture.end_ms, cells(options.width));
        for index in (0..200).chain(261..360) {
            let state = match index {
                100..=104 => State::Critical,
                300..=310 => State::Warning,
                330..=333 => State::Unknown,
                _ => State::Ok,
            };
            states.cover(START + index * 10_000, START + (index + 1) * 10_000, state);
        }
        picture.ribbons.push(Ribbon { title: "load".to_owned(), states });
        picture
    }

    #[test]
    fn where_a_series_normally_is_stands_behind_it() {
        let mut picture = hour(&ASCII);
        let columns = picture.series[0].columns.len();
        picture.series[0].band = (0..columns).map(|at| (at > columns / 2).then_some((2.0, 8.0))).collect();
        let drawn = drawn(&picture, &ASCII);
        let lines: Vec<&str> = drawn.lines().collect();
        let plot = &lines[1..lines.len() - 4];
        let of = |skipped: usize, taken: usize| {
            plot.iter().filter(|line| line.chars().skip(skipped).take(taken).any(|of| of == ':')).count()
        };
        // Most of the plot is within it, of the right half only.
        assert!(of(11, 33) == 0 && of(46, 34) > plot.len() / 2, "{drawn}");
        // The highest is above all samples, and so the axis goes there.
        assert!(
            plot[0].trim_start().starts_with("8 +") || plot[1].trim_start().starts_with("8 +"),
            "{drawn}"
        );
        assert!(lines[lines.len() - 1].contains(": normal"), "{drawn}");
    }

    #[test]
    fn notes_are_marked_on_the_axis_and_stand_beneath() {
        let mut picture = hour(&ASCII);
        let note = |minute, text: &str| NoteMark { time_ms: START + minute * MINUTE, text: text.to_owned() };
        picture.notes = (0..7).map(|number| note(number * 9, &format!("{number}\u{1b}[2J"))).collect();
        picture.notes.push(note(59, &"long ".repeat(40)));
        let all = drawn(&picture, &ASCII);
        assert!(all.lines().count() <= ASCII.height && all.lines().all(|line| width(line) <= 80), "{all}");
        let lines: Vec<&str> = all.lines().collect();
        let axis = lines.iter().find(|line| line.contains("+^")).unwrap();
        assert_eq!(axis.matches('^').count(), 8, "{axis}");
        let beneath = &lines[lines.len() - 6..];
        assert_eq!(beneath[0], "^ 3 notes earlier");
        assert_eq!(beneath[1], "^ 2026-11-22 12:27:00  3\\u{1b}[2J");
        assert!(beneath[5].starts_with("^ 2026-11-22 12:59:00  long "), "{all}");
    }

    #[test]
    fn an_hour_in_braille() {
        assert_golden("hour_braille.txt", &hour(&BRAILLE), &BRAILLE);
    }

    #[test]
    fn an_hour_in_ascii() {
        assert_golden("hour_ascii.txt", &hour(&ASCII), &ASCII);
    }

    #[test]
    fn an_hour_in_blocks() {
        let options = TextOptions { glyphs: Glyphs::Blocks, width: 60, height: 15, ..BRAILLE };
        assert_golden("hour_blocks.txt", &hour(&options), &options);
    }

    #[test]
    fn one_sample_of_a_week_is_seen() {
        let mut picture = picture(7 * DAY);
        add(&mut picture, &BRAILLE, ("time:offset", "s"), 10_000, |index| {
            Some(if index == 40_000 { 0.9 } else { 0.002 + 0.001 * (index as f64 / 700.0).sin() })
        });
        assert_golden("week_spike_braille.txt", &picture, &BRAILLE);
        let mut week = super::tests::picture(7 * DAY);
        add(&mut week, &ASCII, ("time:offset", "s"), 10_000, |index| {
            Some(if index == 40_000 { 0.9 } else { 0.002 })
        });
        assert_golden("week_spike_ascii.txt", &week, &ASCII);
    }

    #[test]
    fn few_samples_are_joined_across_empty_columns() {
        let mut picture = picture(10 * MINUTE);
        add(&mut picture, &BRAILLE, ("disk:/", "B"), MINUTE, |index| {
            (index != 6).then_some(7e9 + index as f64 * 2.5e8)
        });
        let options = TextOptions { height: 14, ..BRAILLE };
        assert_golden("sparse_braille.txt", &picture, &options);
    }

    #[test]
    fn series_of_one_kind_share_a_panel_only_where_they_can_be_told_apart() {
        let both = |options: &TextOptions| {
            let mut picture = picture(2 * DAY);
            for (title, height) in [("load:load1", 3.0), ("load:load5", 2.0)] {
                add(&mut picture, options, (title, ""), 5 * MINUTE, |index| {
                    Some(height + (index as f64 / 60.0).cos() * height / 2.0)
                });
            }
            add(&mut picture, options, ("users:users", "%"), 5 * MINUTE, |index| Some((index / 144) as f64));
            picture
        };
        assert_golden("panels_ascii.txt", &both(&ASCII), &ASCII);
        let options = TextOptions { height: 30, ..BRAILLE };
        assert_golden("panels_braille.txt", &both(&options), &options);
    }

    #[test]
    fn a_span_without_samples_says_so() {
        let mut picture = picture(60 * MINUTE);
        add(&mut picture, &ASCII, ("load:load1", ""), MINUTE, |_| None);
        let drawn = drawn(&picture, &ASCII);
        assert!(drawn.contains("no samples in this span"), "{drawn}");
        assert_eq!(picture.series[0].summary(), None);
    }

    proptest! {
        #[test]
        fn every_column_with_a_sample_shows_its_extremes(
            samples in prop::collection::vec((0..MINUTE, -1e9..1e9_f64), 1..60),
            glyphs in prop::sample::select(vec![Glyphs::Braille, Glyphs::Blocks, Glyphs::Ascii]),
            height in 0..40_usize,
        ) {
            let options = TextOptions { width: 60, height, glyphs, overlay: true };
            let mut samples = samples;
            samples.sort_by_key(|(time_ms, _)| *time_ms);
            let mut columns = Columns::new(START, START + MINUTE, columns(options.width, glyphs));
            for (time_ms, value) in &samples {
                columns.add(START + time_ms, *value);
            }
            let mut picture = picture(MINUTE);
            picture.series.push(Series { columns: columns.into_vec(), ..Series::default() });
            let lines = drawn(&picture, &options);
            let plot: Vec<Vec<char>> = lines.lines().skip(1).map(|line| line.chars().skip(GUTTER + 1).collect()).collect();
            let rows = plot.len() - 3;
            let extremes = |series: &Series| {
                let summary = series.summary().unwrap();
                (summary.min, summary.max)
            };
            let axis = ValueAxis::fit(
                extremes(&picture.series[0]), std::iter::empty(), "", Prefixes::Si, (rows / TICK_ROWS).max(2),
            );
            let dots_y = glyphs.dots_y();
            for (x, column) in picture.series[0].columns.iter().enumerate() {
                let Some(column) = column else { continue };
                for value in [column.min, column.max] {
                    let row = rows - 1 - axis.height(value, rows * dots_y) / dots_y;
                    let cell = plot[row].get(x / glyphs.dots_x()).copied().unwrap_or(' ');
                    prop_assert!(cell != ' ', "{value} at {x}\n{lines}");
                }
            }
        }
    }

    #[test]
    fn every_size_can_be_drawn() {
        for (width, height) in [(0, 0), (1, 1), (20, 3), (500, 200)] {
            for glyphs in [Glyphs::Braille, Glyphs::Blocks, Glyphs::Ascii] {
                let options = TextOptions { width, height, glyphs, overlay: true };
                for line in text(&hour(&options), &options) {
                    assert!(line.width() <= width.max(WIDTH_MIN));
                }
            }
        }
    }

    #[test]
    fn no_number_is_cut_at_any_width() {
        let with_digits = |line: &str| -> Vec<String> {
            let words = line.split_whitespace().filter(|word| word.contains(|c: char| c.is_ascii_digit()));
            words.map(str::to_owned).collect()
        };
        let wide = TextOptions { width: 300, ..BRAILLE };
        let whole: Vec<String> =
            text(&hour(&wide), &wide).iter().flat_map(|line| with_digits(&line.plain())).collect();
        for width in 0..120 {
            let options = TextOptions { width, ..BRAILLE };
            let lines = text(&hour(&options), &options);
            for line in [&lines[0], lines.last().unwrap()] {
                for word in with_digits(&line.plain()) {
                    assert!(whole.contains(&word) || word == "load:load…", "{word} at {width}");
                }
            }
        }
    }
}
