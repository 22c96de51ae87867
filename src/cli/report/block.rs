//! A report in parts, in no format's words. Their texts are as they came: whoever writes a format makes them safe for it.

use crate::graph::{Glyphs, Picture, SVG_COLUMNS, TextOptions, cells, columns, text};

/// Columns and lines of a graph in characters.
const WIDTH: usize = 80;
const HEIGHT: usize = 18;

/// A part of a report.
pub(super) enum Block {
    /// Above what follows.
    Heading(String),
    /// One or more sentences.
    Paragraph(String),
    /// Rows of as many cells as the head has.
    Table {
        head: Vec<&'static str>,
        rows: Vec<Vec<String>>,
    },
    Graph(Box<Picture>),
}

/// A report.
pub(super) struct Report {
    pub(super) title: String,
    pub(super) blocks: Vec<Block>,
}

/// What a report is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Html,
    Markdown,
    Text,
}

impl Format {
    /// Columns and cells of a graph.
    pub(super) fn resolution(self) -> (usize, usize) {
        match self {
            Format::Html => (SVG_COLUMNS, SVG_COLUMNS),
            Format::Markdown | Format::Text => (columns(WIDTH, Glyphs::Braille), cells(WIDTH)),
        }
    }
}

/// A graph in characters, line by line.
pub(super) fn graph_lines(picture: &Picture) -> Vec<String> {
    let options = TextOptions { width: WIDTH, height: HEIGHT, glyphs: Glyphs::Braille, overlay: false };
    text(picture, &options).iter().map(|line| line.plain().trim_end().to_owned()).collect()
}
