//! A picture as one SVG file that needs nothing else: it follows the browser's light or dark theme, and tells the
//! numbers of a column when the pointer rests on it.

use std::fmt::Write;

use custos_query::{Column, part_of, printable};
use custos_store::State;

use super::axis::ValueAxis;
use super::fit::{fit, fit_label};
use super::ink::{Ink, Line};
use super::series::{NoteMark, Picture, Ribbon, Series, limit_lines};
use super::time_axis;
use super::title::items;
use crate::limits::GRAPH_NOTES_SHOWN;
use crate::text::human::quantity;
use crate::text::local_time::local_time;
use crate::text::markup::escaped;
use crate::text::width::{shorten, shorten_name, width};

/// Columns of time that a series of an SVG has.
pub const SVG_COLUMNS: usize = 600;

/// User units of the drawing; one column is one unit wide.
const LEFT: usize = 80;
const RIGHT: usize = 20;
const TITLE_HEIGHT: usize = 26;
const PLOT_HEIGHT: usize = 200;
const AXIS_HEIGHT: usize = 28;
const RIBBON_HEIGHT: usize = 20;
const NAME_HEIGHT: usize = 18;
const TICKS_MAX: usize = 5;
/// About how many units a character of an axis is wide.
const CHARACTER_WIDTH: usize = 9;
/// Characters of a title and of a label of the axis of values that are sure to fit.
const TITLE_CHARACTERS: usize = (SVG_COLUMNS + RIGHT) / 7;
const LABEL_CHARACTERS: usize = (LEFT - 8) / 7;

const STYLE: &str = "
  svg { font: 12px system-ui, sans-serif; background: #fff; fill: #222; }
  .grid { stroke: #ddd; } .dim { fill: #777; } .hover { fill: transparent; } .hover:hover { fill: #8883; }
  .line { stroke: #06c; fill: none; } .area { stroke: #06c; fill: none; }
  .WARNING { stroke: #c80; } .CRITICAL { stroke: #c00; } .normal { fill: #4a43; } .limit { stroke-dasharray: 6 4; } .consolidated { fill: url(#hatched); } .mean { stroke: #06c; fill: none; stroke-dasharray: 3 3; } .note { stroke: #80c; stroke-width: 2; stroke-dasharray: 2 3; }
  .state.OK { fill: #4a4; stroke: none; } .state.WARNING { fill: #ea0; stroke: none; }
  .state.CRITICAL { fill: #d22; stroke: none; } .state.UNKNOWN { fill: #a4c; stroke: none; }
  @media (prefers-color-scheme: dark) {
    svg { background: #181818; fill: #ddd; } .grid { stroke: #333; } .dim { fill: #999; }
    .line, .area, .mean { stroke: #6af; }
  }
";

/// What is consolidated is hatched, so that it is not taken for samples where there are no colours.
const HATCHED: &str = "<defs><pattern id=\"hatched\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
    patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" fill=\"#06c\" fill-opacity=\".12\"/>\
    <line y2=\"6\" stroke=\"#06c\" stroke-width=\"2\"/></pattern></defs>\n";

/// Draws a picture whose series have [`SVG_COLUMNS`] columns.
pub fn svg(picture: &Picture) -> String {
    let panel_height = TITLE_HEIGHT + PLOT_HEIGHT + AXIS_HEIGHT;
    let width = LEFT + SVG_COLUMNS + RIGHT;
    let ribbons: usize = picture.ribbons.iter().map(ribbon_height).sum();
    let written = picture.notes.len().min(GRAPH_NOTES_SHOWN);
    let height = picture.series.len() * panel_height + ribbons + RIBBON_HEIGHT + 6 + written * NAME_HEIGHT;
    let mut drawing = Drawing { picture, out: String::new() };
    drawing.put(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\">\n<style>{STYLE}</style>\n"
    ));
    if picture.series.iter().any(|series| series.consolidated_range().is_some()) {
        drawing.put(format_args!("{HATCHED}"));
    }
    let mut top = 0;
    for series in &picture.series {
        drawing.panel(series, top);
        top += panel_height;
    }
    for ribbon in &picture.ribbons {
        drawing.ribbon(ribbon, top);
        top += ribbon_height(ribbon);
    }
    let span = time_axis::span(picture.start_ms, picture.end_ms, &picture.zone);
    drawing.put(format_args!(
        "<text class=\"dim\" x=\"{LEFT}\" y=\"{}\">{}</text>\n",
        top + 14,
        escaped(&span)
    ));
    for note in &picture.notes[picture.notes.len() - written..] {
        top += NAME_HEIGHT;
        let line = drawing.note_line(note);
        let line = escaped(&shorten(&line, TITLE_CHARACTERS, "…"));
        drawing.put(format_args!("<text x=\"{LEFT}\" y=\"{}\">▲ {line}</text>\n", top + 14));
    }
    drawing.out.push_str("</svg>\n");
    drawing.out
}

/// Whether the name of a row of states has room at its left; one that has none stands above it.
fn has_room(ribbon: &Ribbon) -> bool {
    width(&printable(&ribbon.title)) <= LABEL_CHARACTERS
}

fn ribbon_height(ribbon: &Ribbon) -> usize {
    RIBBON_HEIGHT + 6 + if has_room(ribbon) { 0 } else { NAME_HEIGHT }
}

struct Drawing<'a> {
    picture: &'a Picture,
    out: String,
}

impl Drawing<'_> {
    fn put(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.out.write_fmt(arguments);
    }

    fn panel(&mut self, series: &Series, top: usize) {
        let title = shorten_name(&printable(&series.title()), TITLE_CHARACTERS, "…").into_owned();
        let free = TITLE_CHARACTERS.saturating_sub(width(&title));
        let numbers = fit(Line::default(), "", items(series, self.picture.prefixes, |text| text), free, "…");
        self.put(format_args!(
            "<text x=\"{LEFT}\" y=\"{}\" xml:space=\"preserve\"><tspan font-weight=\"bold\">{}</tspan>",
            top + 17,
            escaped(&title)
        ));
        for (ink, part) in numbers.parts() {
            let class = if ink == Ink::Plain { "number" } else { "dim" };
            self.put(format_args!("<tspan class=\"{class}\">{}</tspan>", escaped(part)));
        }
        self.put(format_args!("</text>\n"));
        let Some(range) = series.range() else { return };
        let limits = series.thresholds.iter().flat_map(|threshold| limit_lines(&threshold.limit));
        let axis = ValueAxis::fit(range, limits, &series.unit, self.picture.prefixes, TICKS_MAX);
        let plot_top = top + TITLE_HEIGHT;
        let y = |value: f64| (plot_top + PLOT_HEIGHT) as f64 - axis.share(value) * PLOT_HEIGHT as f64;
        for (value, label) in axis.ticks() {
            let (y, label) = (y(value), escaped(fit_label(&label, LABEL_CHARACTERS)));
            self.put(format_args!(
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"dim\" text-anchor=\"end\" x=\"{}\" y=\"{:.1}\">{label}</text>\n",
                LEFT + SVG_COLUMNS,
                LEFT - 8,
                y + 4.0
            ));
        }
        self.band(series, &y);
        self.consolidated(series, &y);
        self.time_ticks(plot_top);
        self.lines(series, &y);
        for limit in series.thresholds.iter().map(|threshold| &threshold.limit) {
            for value in limit_lines(limit).filter(|value| axis.contains(*value)) {
                let (state, y) = (limit.state.name(), y(value));
                self.put(format_args!(
                    "<line class=\"limit {state}\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"><title>{state} {}</title></line>\n",
                    LEFT + SVG_COLUMNS,
                    escaped(&quantity(value, &series.unit, self.picture.prefixes))
                ));
            }
        }
        for (index, column) in series.columns.iter().enumerate() {
            if let Some(column) = column {
                self.hover(series, index, column, plot_top);
            }
        }
        // Above what is hovered, so that it can be.
        self.notes(plot_top);
    }

    fn time_ticks(&mut self, plot_top: usize) {
        let Picture { start_ms, end_ms, zone, .. } = self.picture;
        for tick in time_axis::ticks(*start_ms, *end_ms, zone, SVG_COLUMNS / CHARACTER_WIDTH) {
            let span = (i128::from(*end_ms) - i128::from(*start_ms)) as f64;
            let share = (i128::from(tick.time_ms) - i128::from(*start_ms)) as f64 / span;
            let x = LEFT as f64 + share * SVG_COLUMNS as f64;
            self.put(format_args!(
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{plot_top}\" y2=\"{}\"/>\
                 <text class=\"dim\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{}\">{}</text>\n",
                plot_top + PLOT_HEIGHT,
                plot_top + PLOT_HEIGHT + 16,
                escaped(&tick.label)
            ));
        }
    }

    /// Where the series normally is: equal neighbours are one rectangle.
    fn band(&mut self, series: &Series, y: &dyn Fn(f64) -> f64) {
        let mut start = 0;
        for part in series.band.chunk_by(|one, other| one == other) {
            if let Some((low, high)) = part[0] {
                let shown = |value: f64| quantity(value, &series.unit, self.picture.prefixes);
                let title = escaped(&format!("normally {} to {}", shown(low), shown(high)));
                // One that has no height is still seen.
                let (top, height) = (y(high), (y(low) - y(high)).max(1.0));
                self.put(format_args!(
                    "<rect class=\"normal\" x=\"{}\" y=\"{top:.1}\" width=\"{}\" height=\"{height:.1}\"><title>{title}</title></rect>\n",
                    LEFT + start,
                    part.len()
                ));
            }
            start += part.len();
        }
    }

    /// What was consolidated, hatched from its least to its greatest value, with its mean.
    fn consolidated(&mut self, series: &Series, y: &dyn Fn(f64) -> f64) {
        let columns: Vec<_> = (0..series.consolidated.len()).map(|at| series.consolidated_at(at)).collect();
        let shown = |value: f64| quantity(value, &series.unit, self.picture.prefixes);
        let mut path = String::new();
        let mut start = 0;
        for part in columns.chunk_by(|one, other| one == other) {
            let (x, len) = (LEFT + start, part.len());
            start += len;
            let Some(column) = part[0] else { continue };
            let mean = column.mean.map(|mean| format!(", mean {}", shown(mean))).unwrap_or_default();
            let title = format!("consolidated: {} to {}{mean}", shown(column.low), shown(column.high));
            let (top, height) = (y(column.high), (y(column.low) - y(column.high)).max(1.0));
            self.out.push_str(&format!(
                "<rect class=\"consolidated\" x=\"{x}\" y=\"{top:.1}\" width=\"{len}\" height=\"{height:.1}\"><title>{}</title></rect>\n",
                escaped(&title)
            ));
            if let Some(mean) = column.mean {
                let _ = write!(path, "M{x} {:.1}h{len}", y(mean));
            }
        }
        if !path.is_empty() {
            self.put(format_args!("<path class=\"mean\" d=\"{path}\"/>\n"));
        }
    }

    /// What was written of a moment, in one line.
    fn note_line(&self, note: &NoteMark) -> String {
        format!("{}  {}", local_time(note.time_ms, &self.picture.zone), printable(&note.text))
    }

    /// A line at each moment of which something was written.
    fn notes(&mut self, plot_top: usize) {
        let Picture { start_ms, end_ms, notes, .. } = self.picture;
        for note in notes {
            let Some(at) = part_of(note.time_ms, *start_ms, *end_ms, SVG_COLUMNS) else { continue };
            let (x, title) = (LEFT + at, escaped(&self.note_line(note)));
            self.put(format_args!(
                "<line class=\"note\" x1=\"{x}\" x2=\"{x}\" y1=\"{plot_top}\" y2=\"{}\"><title>{title}</title></line>\n",
                plot_top + PLOT_HEIGHT
            ));
        }
    }

    /// One path: each column from its least to its greatest value, joined with the one before.
    fn lines(&mut self, series: &Series, y: &dyn Fn(f64) -> f64) {
        let mut path = String::new();
        let mut before: Option<&Column> = None;
        for (index, column) in series.columns.iter().enumerate() {
            let Some(column) = column else { continue };
            let x = (LEFT + index) as f64 + 0.5;
            let start = if before.is_some_and(|before| series.joined(before, column)) { 'L' } else { 'M' };
            let (first, min, max, last) = (y(column.first), y(column.min), y(column.max), y(column.last));
            let _ = write!(path, "{start}{x} {first:.1}V{min:.1}V{max:.1}V{last:.1}");
            if start == 'M' {
                // A dot, in case nothing joins it.
                let _ = write!(path, "h.5h-.5");
            }
            before = Some(column);
        }
        self.put(format_args!("<path class=\"line\" d=\"{path}\"/>\n"));
    }

    fn hover(&mut self, series: &Series, index: usize, column: &Column, plot_top: usize) {
        let shown = |value: f64| quantity(value, &series.unit, self.picture.prefixes);
        let time = local_time(column.first_ms, &self.picture.zone);
        let values = if column.mean.count() == 1 {
            shown(column.first)
        } else {
            let (min, max, last) = (shown(column.min), shown(column.max), shown(column.last));
            format!("{} samples, min {min}, max {max}, last {last}", column.mean.count())
        };
        self.put(format_args!(
            "<rect class=\"hover\" x=\"{}\" y=\"{plot_top}\" width=\"1\" height=\"{PLOT_HEIGHT}\"><title>{time}: {}</title></rect>\n",
            LEFT + index,
            escaped(&values)
        ));
    }

    /// Equal neighbours are one rectangle.
    fn ribbon(&mut self, ribbon: &Ribbon, top: usize) {
        let cells = ribbon.states.cells();
        let (anchor, x) = if has_room(ribbon) { ("end", LEFT - 8) } else { ("start", LEFT) };
        let name = shorten_name(&printable(&ribbon.title), TITLE_CHARACTERS, "…").into_owned();
        self.put(format_args!(
            "<text class=\"dim\" text-anchor=\"{anchor}\" x=\"{x}\" y=\"{}\">{}</text>\n",
            top + 14,
            escaped(&name)
        ));
        let top = top + ribbon_height(ribbon) - RIBBON_HEIGHT - 6;
        let unit = SVG_COLUMNS as f64 / cells.len() as f64;
        let mut start = 0;
        for part in cells.chunk_by(|one, other| one == other) {
            if let Some(state) = part[0] {
                self.state(state, LEFT as f64 + start as f64 * unit, part.len() as f64 * unit, top);
            }
            start += part.len();
        }
    }

    fn state(&mut self, state: State, x: f64, width: f64, top: usize) {
        let name = state.name();
        self.put(format_args!(
            "<rect class=\"state {name}\" x=\"{x:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{RIBBON_HEIGHT}\"><title>{name}</title></rect>\n"
        ));
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::text::human::Prefixes;
    use custos_query::{Columns, StateBar};

    #[test]
    fn what_was_written_is_no_markup() {
        let note = NoteMark { time_ms: 1_795_348_860_000, text: "</text><script>\u{1b}&\"".to_owned() };
        let mut columns = Columns::new(1_795_348_800_000, 1_795_352_400_000, SVG_COLUMNS);
        columns.add(1_795_348_800_000, 1.0);
        let band = vec![Some((0.0, 1.0)); SVG_COLUMNS];
        let series = Series { columns: columns.into_vec(), band, ..Series::default() };
        let drawn = svg(&Picture {
            start_ms: 1_795_348_800_000,
            end_ms: 1_795_352_400_000,
            zone: TimeZone::UTC,
            prefixes: Prefixes::Si,
            series: vec![series],
            ribbons: Vec::new(),
            notes: vec![note],
        });
        let written = "2026-11-22 12:01:00  &lt;/text&gt;&lt;script&gt;\\u{1b}&amp;&quot;";
        let line = format!(
            "<line class=\"note\" x1=\"90\" x2=\"90\" y1=\"26\" y2=\"226\"><title>{written}</title></line>"
        );
        assert!(drawn.contains(&line), "{drawn}");
        assert_eq!(drawn.matches("<rect class=\"normal\"").count(), 1, "{drawn}");
        assert!(drawn.contains(&format!(">▲ {written}</text>")) && !drawn.contains("<script"), "{drawn}");
    }

    #[test]
    fn the_name_of_a_row_of_states_is_never_cut_at_the_left() {
        let (start_ms, end_ms) = (1_795_348_800_000, 1_795_352_400_000);
        let ribbons = ["memory", "load_average"].map(|name| {
            let mut states = StateBar::new(start_ms, end_ms, SVG_COLUMNS);
            states.cover(start_ms, end_ms, State::Ok);
            Ribbon { title: name.to_owned(), states }
        });
        let (zone, prefixes) = (TimeZone::UTC, Prefixes::Si);
        let drawn = svg(&Picture {
            start_ms,
            end_ms,
            zone,
            prefixes,
            series: Vec::new(),
            ribbons: ribbons.into(),
            notes: Vec::new(),
        });
        // One stands at the left of its row, the other above it.
        let expected = [
            r#"height="96" role"#,
            r#"<text class="dim" text-anchor="end" x="72" y="14">memory</text>"#,
            r#"<rect class="state OK" x="80.0" y="0" width="600.0""#,
            r#"<text class="dim" text-anchor="start" x="80" y="40">load_average</text>"#,
            r#"<rect class="state OK" x="80.0" y="44" width="600.0""#,
        ];
        for part in expected {
            assert!(drawn.contains(part), "{part}: {drawn}");
        }
    }
}
