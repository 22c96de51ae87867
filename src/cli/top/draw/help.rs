//! The keys.

use ratatui_core::buffer::Buffer;
use ratatui_core::style::{Modifier, Style};

use crate::cli::top::keys::HELP;
use crate::cli::top::places::Places;
use crate::text::width::shorten;

/// Columns of the keys.
const KEYS_WIDTH: u16 = 18;

pub(super) fn draw(places: &Places, page: &mut Buffer) {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let columns = usize::from(places.width);
    let at = KEYS_WIDTH.min(places.width / 3);
    for (line, (keys, what)) in (places.titles..places.body.1).zip(HELP) {
        page.set_stringn(0, line, keys, usize::from(at).saturating_sub(1), bold);
        page.set_string(at, line, shorten(what, columns - usize::from(at), "..."), Style::new());
    }
}
