//! An answer for a span, drawn.

use std::io::Write;

use custos_promql::{SeriesPoints, is_ended};
use custos_query::Columns;
use jiff::Zoned;

use super::span::Span;
use super::table::shown;
use crate::cli::read::{Failure, tell};
use crate::cli::style::Style;
use crate::graph::{Glyphs, Picture, Series, TextOptions, columns, text};
use crate::limits::GRAPH_SERIES_MAX;
use crate::text::human::Prefixes;

/// Draws the series of a span, one line each.
pub(super) fn chart(
    series: &[SeriesPoints],
    span: Span,
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
    // The last step is drawn, too.
    let end_ms = end_ms.saturating_add(1);
    let drawn = series.iter().take(GRAPH_SERIES_MAX).map(|series| {
        let mut columns = Columns::new(start_ms, end_ms, count);
        for point in &series.points {
            if !is_ended(point.value) {
                columns.add(point.time_ms, point.value);
            }
        }
        Series {
            name: shown(&series.labels),
            columns: columns.into_vec(),
            bridge_ms: step_ms.saturating_mul(3) / 2,
            ..Series::default()
        }
    });
    let picture = Picture {
        start_ms,
        end_ms,
        zone: now.time_zone().clone(),
        prefixes: Prefixes::Si,
        series: drawn.collect(),
        ribbons: Vec::new(),
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
