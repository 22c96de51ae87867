//! The list of checks.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style};

use crate::cli::status::{ago, short};
use crate::cli::top::check::Check;
use crate::cli::top::model::Model;
use crate::cli::top::places::{Column, Places};
use crate::graph::Glyphs;
use crate::terminal::state_style;
use crate::text::human::duration_ms;
use crate::text::printable;
use crate::text::width::{shorten, shorten_name};

pub(super) fn draw(model: &Model, places: &Places, page: &mut Buffer) {
    titles(model, places, page);
    let cursor = model.cursor();
    let (start, end) = places.body;
    for (y, at) in (start..end).zip(model.first..model.order.len()) {
        let check = &model.checks[model.order[at]];
        for &(column, x, columns) in &places.columns {
            let (text, style) = cell(column, check, model, usize::from(columns));
            page.set_stringn(x, y, text, usize::from(columns), style);
        }
        if at == cursor {
            // In one colour, as the colours of a small graph would be a bar.
            let chosen = Style::new().fg(Color::Reset).add_modifier(Modifier::REVERSED);
            page.set_style(Rect::new(0, y, places.width, 1), chosen);
        }
    }
    if model.order.is_empty() {
        let why =
            if model.checks.is_empty() { "no checks" } else { "no check is like that; p and Esc show all" };
        page.set_stringn(0, start, why, usize::from(places.width), Style::new().add_modifier(Modifier::DIM));
    }
}

fn titles(model: &Model, places: &Places, page: &mut Buffer) {
    let line = Rect::new(0, places.titles, places.width, 1);
    page.set_style(line, Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED));
    let marked = places.columns.iter().position(|(column, ..)| column.sort() == Some(model.sort));
    for (at, &(column, x, columns)) in places.columns.iter().enumerate() {
        let mark = match (Some(at) == marked, model.reversed, model.glyphs == Glyphs::Ascii) {
            (false, ..) => "",
            (true, false, false) => "▼",
            (true, true, false) => "▲",
            (true, false, true) => "v",
            (true, true, true) => "^",
        };
        let title = format!("{}{mark}", column.title());
        let columns = usize::from(columns);
        let title = if column.is_number() { format!("{title:>columns$}") } else { title };
        page.set_stringn(x, places.titles, title, columns, Style::new());
    }
}

fn cell(column: Column, check: &Check, model: &Model, columns: usize) -> (String, Style) {
    let plain = Style::new();
    let (row, mark) = (&check.row, model.glyphs.ellipsis());
    let number = |text: String| format!("{:>columns$}", short(&text, columns));
    match column {
        Column::State => {
            let style = match row.severity {
                // What is not confirmed, and what nobody is told, is less loud.
                Some(state) if row.state_type == "HARD" && check.muted.is_none() => {
                    state_style(state).add_modifier(Modifier::BOLD)
                }
                Some(state) => state_style(state),
                None => plain.add_modifier(Modifier::DIM),
            };
            (row.state.to_owned(), style)
        }
        Column::Note => (check.note(), plain.fg(Color::Cyan)),
        Column::Age if row.running => (number("runs".to_owned()), plain.fg(Color::Cyan)),
        Column::Age => (number(age(row.last_run_ms, model.now_ms())), plain),
        Column::Recent => {
            let recent = check.recent.as_ref();
            let line = recent.map(|recent| recent.sparkline(model.now_ms(), columns, model.glyphs));
            (line.unwrap_or_default(), plain.fg(Color::Cyan))
        }
        Column::Time => (number(cost(row.duration_ms.map(|ms| (ms * 1000.0) as u64))), plain),
        Column::Cpu => (number(cost(check.cpu_us)), plain),
        Column::Check => {
            let name = printable(&row.check);
            (shorten_name(&name, columns, mark).into_owned(), plain.add_modifier(Modifier::BOLD))
        }
        Column::Text => {
            let said = row.said(model.now.time_zone());
            (shorten(&said, columns, mark).into_owned(), plain)
        }
    }
}

/// How long ago a moment was, in whole seconds: a page that is drawn once a second shows no parts of them.
fn age(then_ms: Option<i64>, now_ms: i64) -> String {
    let passed_ms = then_ms.map(|then_ms| now_ms.saturating_sub(then_ms));
    match passed_ms {
        // Clocks of two processes may differ by a moment.
        Some(-999..1000) => "0s".to_owned(),
        Some(passed_ms) => ago(Some(now_ms.saturating_sub(passed_ms - passed_ms.rem_euclid(1000))), now_ms),
        None => ago(None, now_ms),
    }
}

/// A time of a run (µs).
fn cost(us: Option<u64>) -> String {
    match us {
        // The agent's check of itself runs nothing.
        None | Some(0) => "-".to_owned(),
        Some(us @ 1..1000) => format!("{us}us"),
        Some(us) => duration_ms(i64::try_from(us / 1000).unwrap_or(i64::MAX)),
    }
}
