//! The colours of lines of graphs and of states on a page.

use custos_store::State;
use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::text::{Line, Span};

use crate::graph::{self, Ink};
use crate::text::printable;

/// The series of a panel, as [`custos graph`](crate::cli) colours them.
const SERIES: [Color; 4] = [Color::Cyan, Color::LightBlue, Color::LightYellow, Color::LightMagenta];

/// The colour of a state.
pub fn state_style(state: State) -> Style {
    Style::new().fg(match state {
        State::Ok => Color::Green,
        State::Warning => Color::Yellow,
        State::Critical => Color::Red,
        State::Unknown => Color::Magenta,
    })
}

/// A line of a graph. Titles and units come from plugins, so they are made printable.
pub fn styled(line: &graph::Line) -> Line<'static> {
    let span = |(ink, text): (Ink, &str)| {
        let style = match ink {
            Ink::Plain => Style::new(),
            Ink::Dim => Style::new().add_modifier(Modifier::DIM),
            Ink::Series(index) => Style::new().fg(SERIES[index % SERIES.len()]),
            Ink::State(state) => state_style(state),
        };
        Span::styled(printable(text).into_owned(), style)
    };
    Line::from_iter(line.parts().map(span))
}
