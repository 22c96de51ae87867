//! The last line: what is asked and typed, what was said, or the keys.

use ratatui_core::buffer::Buffer;
use ratatui_core::style::{Modifier, Style};

use crate::cli::top::model::{Model, View};
use crate::text::printable;
use crate::text::width::{shorten, width};

const KEYS_OF_LIST: &str = "?:keys /:filter F6:sort Enter:open a:ack s:silence r:run p:problems q:quit";
const KEYS_OF_SILENCES: &str = "?:keys Esc:back x:end it F10:quit";
const KEYS_OF_CHECK: &str = "?:keys Esc:back Tab:next +-:time a:ack u:unack s:silence r:run w:why F10:quit";

pub(super) fn draw(model: &Model, page: &mut Buffer) {
    let line = page.area.height - 1;
    let columns = usize::from(page.area.width);
    let mark = model.glyphs.ellipsis();
    let dim = Style::new().add_modifier(Modifier::DIM);
    if let Some(prompt) = &model.prompt {
        let title = format!("{}: ", printable(&prompt.title()));
        let title = shorten(&title, columns / 2, mark);
        let typed = printable(&prompt.typed);
        // The end of what is typed is in view.
        let room = columns.saturating_sub(width(&title) + 2);
        let mut from = 0;
        while width(&typed[from..]) > room {
            from += typed[from..].chars().next().map_or(1, char::len_utf8);
        }
        let bold = Style::new().add_modifier(Modifier::BOLD);
        page.set_stringn(0, line, &title, columns, bold);
        let at = width(&title) as u16 + u16::from(!title.ends_with(' '));
        page.set_stringn(at, line, &typed[from..], columns, Style::new());
        let cursor = at + width(&typed[from..]) as u16;
        page.set_stringn(cursor, line, " ", 1, Style::new().add_modifier(Modifier::REVERSED));
        return;
    }
    let (text, style) = match (&model.message, &model.view) {
        (Some(said), _) => (printable(said).into_owned(), Style::new().add_modifier(Modifier::BOLD)),
        (None, View::List) => (KEYS_OF_LIST.to_owned(), dim),
        (None, View::Check { .. }) => (KEYS_OF_CHECK.to_owned(), dim),
        (None, View::Silences { .. }) => (KEYS_OF_SILENCES.to_owned(), dim),
        (None, View::Help(_)) => ("Esc, q or ? goes back".to_owned(), dim),
    };
    page.set_string(0, line, shorten(&text, columns, mark), style);
}
