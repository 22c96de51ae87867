//! All silences, those that have not begun among them; the one that ends first is the first.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Modifier, Style};

use crate::cli::top::model::Model;
use crate::cli::top::places::Places;
use crate::notify::Silence;
use crate::text::local_time::local_time;
use crate::text::printable;
use crate::text::width::{pad, shorten};

/// Columns of a number and of a time.
const NUMBER: usize = 6;
const TIME: usize = 20;

pub(super) fn draw(model: &Model, at: usize, places: &Places, page: &mut Buffer) {
    let columns = usize::from(places.width);
    let title = Rect::new(0, places.titles, places.width, 1);
    page.set_style(title, Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED));
    let head = format!("{}{}{}", pad("SILENCE", NUMBER + 2), pad("UNTIL", TIME), "OF WHAT, BY WHOM AND WHY");
    page.set_stringn(0, places.titles, head, columns, Style::new());
    let (start, end) = places.body;
    let dim = Style::new().add_modifier(Modifier::DIM);
    let Some(silences) = &model.silences else {
        page.set_stringn(0, start, "without an agent nobody knows the silences", columns, dim);
        return;
    };
    if silences.is_empty() {
        page.set_stringn(0, start, "no silences", columns, dim);
    }
    let first = (at + 1).saturating_sub(places.rows());
    for (y, (number, silence)) in (start..end).zip(silences.iter().enumerate().skip(first)) {
        let line = printable(&line(model, silence)).into_owned();
        let begun = silence.from_ms <= model.now_ms();
        page.set_stringn(
            0,
            y,
            shorten(&line, columns, model.glyphs.ellipsis()),
            columns,
            if begun { Style::new() } else { dim },
        );
        if number == at {
            page.set_style(Rect::new(0, y, places.width, 1), Style::new().add_modifier(Modifier::REVERSED));
        }
    }
}

fn line(model: &Model, silence: &Silence) -> String {
    let zone = model.now.time_zone();
    let mut text = format!(
        "{}  {}{}",
        pad(&silence.id.to_string(), NUMBER),
        pad(&local_time(silence.until_ms, zone), TIME),
        silence.matchers.join(", ")
    );
    if silence.from_ms > model.now_ms() {
        text += &format!(", from {} on", local_time(silence.from_ms, zone));
    }
    if !silence.remark.author.is_empty() {
        text += &format!(", by {}", silence.remark.author);
    }
    if !silence.remark.comment.is_empty() {
        text += &format!(": {}", silence.remark.comment);
    }
    text
}
