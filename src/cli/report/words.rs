//! A report as plain text.

use std::fmt::Write;

use super::block::{Block, Report, graph_lines};
use crate::text::printable;
use crate::text::width::{pad, width};

/// Columns that a cell is filled up to, so that one that is long does not make all others wide.
const CELL_MAX: usize = 32;

/// The file.
pub(super) fn words(report: &Report) -> String {
    let mut out = format!("{}\n", printable(&report.title));
    for block in &report.blocks {
        // Writing to a string cannot fail.
        let _ = match block {
            Block::Heading(text) => writeln!(out, "\n{}\n", printable(text).to_uppercase()),
            Block::Paragraph(text) => writeln!(out, "{}", printable(text)),
            Block::Table { rows, .. } => out.write_str(&table(rows)),
            Block::Graph(picture) => writeln!(out, "{}\n", graph_lines(picture).join("\n")),
        };
    }
    out
}

fn table(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| printable(cell).into_owned()).collect()).collect();
    let widest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell));
        cells.filter(|width| *width <= CELL_MAX).max().unwrap_or(0)
    };
    let columns: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(widest).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&columns).map(|(cell, width)| pad(cell, *width)).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}
