//! An answer for a span, drawn.

use std::io::Write;

use custos_promql::{SeriesPoints, is_ended};
use custos_query::{Columns, series_title};
use jiff::Zoned;

use super::span::Span;
use crate::cli::read::{Failure, tell};
use crate::cli::style::Style;
use crate::graph::{Glyphs, Picture, Series, TextOptions, columns, text};
use crate::limits::GRAPH_SERIES_MAX;
use crate::text::human::Prefixes;

/// Draws the series of a span, one line each, in the unit that they have.
pub(super) fn chart(
    series: &[SeriesPoints],
    (span, unit): (Span, &str),
    ascii: bool,
    now: &Zoned,
    style: Style,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let Span::Range(start_ms, end_ms, step_ms) = span else { return Ok(()) };
    let glyphs = if ascii { Glyphs::Ascii } else { style.glyphs };
    let options = TextOptions {
        width: style.width,
        // The prompt needs a line, too.
        height: style.height.saturating_sub(1),
        glyphs,
        overlay: style.color || glyphs == Glyphs::Ascii,
    };
    let count = columns(options.width, glyphs);
    let moments = (start_ms, end_ms, step_ms);
    let shown = series.iter().take(GRAPH_SERIES_MAX).map(|series| drawn(series, moments, count, unit));
    let picture = Picture {
        start_ms,
        // The last step is drawn, too.
        end_ms: end_ms.saturating_add(1),
        zone: now.time_zone().clone(),
        prefixes: Prefixes::Si,
        series: shown.collect(),
        ribbons: Vec::new(),
        notes: Vec::new(),
    };
    for line in text(&picture, &options) {
        writeln!(out, "{}", style.line(&line))?;
    }
    if series.len() > GRAPH_SERIES_MAX {
        out.flush()?;
        tell(&format!("{} more series are not drawn", series.len() - GRAPH_SERIES_MAX));
    }
    Ok(())
}

/// A series at these moments (start, end and step, in ms) in so many columns.
pub(in crate::cli) fn drawn(
    series: &SeriesPoints,
    (start_ms, end_ms, step_ms): (i64, i64, i64),
    count: usize,
    unit: &str,
) -> Series {
    // The last step is drawn, too.
    let mut columns = Columns::new(start_ms, end_ms.saturating_add(1), count);
    for point in &series.points {
        if !is_ended(point.value) {
            columns.add(point.time_ms, point.value);
        }
    }
    Series {
        name: series_title(&series.labels),
        unit: unit.to_owned(),
        columns: columns.into_vec(),
        bridge_ms: step_ms.saturating_mul(3) / 2,
        ..Series::default()
    }
}
