//! Lines of text whose parts know what they show, so that colours can be given to them, or not.

use custos_store::State;

use crate::text::width::width;

/// What a part of a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Text.
    Plain,
    /// Axes and notes.
    Dim,
    /// The series with this index within its panel.
    Series(usize),
    /// A state, or the threshold that leads to it.
    State(State),
}

/// One line of a graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    parts: Vec<(Ink, String)>,
}

impl Line {
    /// Adds text.
    pub(crate) fn push(&mut self, ink: Ink, text: &str) {
        match self.parts.last_mut() {
            Some((last, part)) if *last == ink => part.push_str(text),
            _ => self.parts.push((ink, text.to_owned())),
        }
    }

    /// Adds one character.
    pub(crate) fn push_char(&mut self, ink: Ink, character: char) {
        self.push(ink, character.encode_utf8(&mut [0; 4]));
    }

    /// Columns of a terminal that it takes.
    pub(crate) fn width(&self) -> usize {
        self.parts.iter().map(|(_, part)| width(part)).sum()
    }

    /// The parts from left to right.
    pub fn parts(&self) -> impl Iterator<Item = (Ink, &str)> {
        self.parts.iter().map(|(ink, text)| (*ink, text.as_str()))
    }

    /// The text alone, without blanks at the end.
    pub fn plain(&self) -> String {
        let text: String = self.parts.iter().map(|(_, text)| text.as_str()).collect();
        text.trim_end().to_owned()
    }
}
