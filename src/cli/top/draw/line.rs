//! The last line: what is asked and typed, what was said, or the keys. What was said takes more lines if it is long.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style};

use crate::cli::top::model::{Model, View};
use crate::cli::top::prompt::Prompt;
use crate::graph::Glyphs;
use crate::text::printable;
use crate::text::width::{shorten, width};
use crate::text::wrap::wrap;

const KEYS_OF_LIST: &str = "?:keys /:filter F6:sort Enter:open a:ack s:silence r:run p:problems q:quit";
const KEYS_OF_SILENCES: &str = "?:keys Esc:back x:end it F10:quit";
const KEYS_OF_CHECK: &str = "?:keys Esc:back Tab:next +-:time a:ack u:unack s:silence r:run w:why F10:quit";

/// Lines that something said may take; of a longer text the last line says that there is more.
const SAID_LINES_MAX: usize = 4;

pub(super) fn draw(model: &Model, page: &mut Buffer) {
    let line = page.area.height - 1;
    let columns = usize::from(page.area.width);
    if let Some(prompt) = &model.prompt {
        if let Some(error) = &prompt.error {
            let red = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
            said(error, red, model.glyphs, line - 1, page);
        }
        return ask(prompt, model.glyphs, page);
    }
    let dim = Style::new().add_modifier(Modifier::DIM);
    let keys = match (&model.message, &model.view) {
        (Some(message), _) => {
            return said(message, Style::new().add_modifier(Modifier::BOLD), model.glyphs, line, page);
        }
        (None, View::List) => KEYS_OF_LIST,
        (None, View::Check { .. }) => KEYS_OF_CHECK,
        (None, View::Silences { .. }) => KEYS_OF_SILENCES,
        (None, View::Help(_)) => "Esc, q or ? goes back",
    };
    page.set_string(0, line, shorten(keys, columns, model.glyphs.ellipsis()), dim);
}

/// Writes what was said, over what is on the page, so that it ends in this line.
fn said(text: &str, style: Style, glyphs: Glyphs, last: u16, page: &mut Buffer) {
    let columns = usize::from(page.area.width);
    let text = printable(text);
    let pieces = wrap(&text, columns);
    let lines = pieces.len().min(SAID_LINES_MAX).min(usize::from(last) + 1);
    let first = last + 1 - lines as u16;
    for (at, (y, piece)) in (first..=last).zip(&pieces).enumerate() {
        let is_cut = at + 1 == lines && pieces.len() > lines;
        let piece = if is_cut {
            shorten(&pieces[at..].join(" "), columns, glyphs.ellipsis()).into_owned()
        } else {
            (*piece).to_owned()
        };
        blank(page, y);
        page.set_string(0, y, piece, style);
    }
}

/// Writes a question and what was typed, with the cursor in view.
fn ask(prompt: &Prompt, glyphs: Glyphs, page: &mut Buffer) {
    let line = page.area.height - 1;
    let columns = usize::from(page.area.width);
    let title = format!("{}: ", printable(&prompt.title()));
    let title = shorten(&title, columns / 2, glyphs.ellipsis());
    let (before, behind) = prompt.halves();
    let (before, behind) = (printable(before), printable(behind));
    let room = columns.saturating_sub(width(&title) + 2);
    let mut from = 0;
    while width(&before[from..]) > room {
        from += before[from..].chars().next().map_or(1, char::len_utf8);
    }
    page.set_stringn(0, line, &title, columns, Style::new().add_modifier(Modifier::BOLD));
    let at = width(&title) as u16 + u16::from(!title.ends_with(' '));
    page.set_stringn(at, line, &before[from..], columns, Style::new());
    let cursor = at + width(&before[from..]) as u16;
    let left = columns.saturating_sub(usize::from(cursor));
    page.set_string(cursor, line, shorten(&behind, left, glyphs.ellipsis()), Style::new());
    let under = behind.chars().next().unwrap_or(' ').to_string();
    page.set_stringn(
        cursor,
        line,
        &under,
        width(&under).max(1),
        Style::new().add_modifier(Modifier::REVERSED),
    );
}

fn blank(page: &mut Buffer, y: u16) {
    let columns = usize::from(page.area.width);
    page.set_style(Rect::new(0, y, page.area.width, 1), Style::reset());
    page.set_string(0, y, " ".repeat(columns), Style::new());
}
