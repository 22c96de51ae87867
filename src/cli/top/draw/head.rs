//! The head: the host, the agent, the time, how many checks are in which state, and what is wrong.

use ratatui_core::buffer::Buffer;
use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::text::{Line, Span};

use crate::cli::top::model::{AgentView, Model};
use crate::cli::top::places::Places;
use crate::terminal::state_style;
use crate::text::human::duration_ms;
use crate::text::local_time::local_time;
use crate::text::printable;
use crate::text::width::{shorten, width};

pub(super) fn draw(model: &Model, places: &Places, page: &mut Buffer) {
    let dim = Style::new().add_modifier(Modifier::DIM);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let columns = usize::from(places.width);
    let mark = model.glyphs.ellipsis();
    let clock = local_time(model.now_ms(), model.now.time_zone());
    let room = columns.saturating_sub(width(&clock) + 2);
    let host = printable(&model.host);
    let host = shorten(&host, room, mark);
    page.set_string(0, 0, &host, bold);
    let agent = match &model.agent {
        AgentView::Unknown => String::new(),
        AgentView::Runs { pid, started_ms } => {
            let up = duration_ms(model.now_ms().saturating_sub(*started_ms).max(0));
            format!("agent up {up}, pid {pid}")
        }
        AgentView::Gone(_) => "no agent".to_owned(),
    };
    let at = width(&host) + 2;
    page.set_stringn(at as u16, 0, shorten(&agent, room.saturating_sub(at), mark), room, dim);
    page.set_string((columns - width(&clock).min(columns)) as u16, 0, clock, Style::new());

    let mut spans = Vec::new();
    for (state, count) in model.counts() {
        let name = state.map_or("pending".to_owned(), |state| state.name().to_lowercase());
        let style = match state {
            Some(state) if count > 0 => state_style(state).add_modifier(Modifier::BOLD),
            _ => dim,
        };
        if state.is_some() || count > 0 {
            spans.push(Span::styled(format!("{count} {name}"), style));
            spans.push(Span::raw("  "));
        }
    }
    let mut shown = Vec::new();
    if model.problems {
        shown.push("problems only".to_owned());
    }
    if !model.filter.is_empty() {
        shown.push(format!("with \"{}\"", printable(&model.filter)));
    }
    if !shown.is_empty() {
        shown.push(format!("{} of {}", model.order.len(), model.checks.len()));
        spans.push(Span::styled(shown.join(", "), Style::new().add_modifier(Modifier::UNDERLINED)));
    }
    page.set_line(0, 1, &Line::from_iter(spans), places.width);
    for (line, text) in (2..).zip(&places.trouble) {
        let style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
        page.set_string(0, line, shorten(text, columns, mark), style);
    }
}
