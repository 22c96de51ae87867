//! Graphs: from columns of real samples to text or SVG. Pure; no store, no terminal, no clock.
//!
//! Invariants: a column is drawn from its least to its greatest sample, so no spike is averaged away however wide
//! the span; neighbours are joined unless the time between their samples is a gap; a gap stays blank.

mod axis;
mod canvas;
mod chart;
mod fit;
mod ink;
mod panels;
mod series;
mod spark;
mod svg;
mod time_axis;
mod title;

pub use canvas::Glyphs;
pub use chart::{ChartParts, TextOptions, cells, columns, parts, ribbon_lines, state_mark, text};
pub use ink::{Ink, Line};
pub use series::{NoteMark, Picture, Ribbon, Series, Threshold};
pub use spark::spark;
pub use svg::{SVG_COLUMNS, svg};
