//! From the cells that changed to the bytes that change them on the terminal. Pure.

use std::fmt::Write as _;

use ratatui_core::buffer::{Buffer, Cell};
use ratatui_core::style::{Color, Modifier};

use crate::text::width::width;

/// What a page has to be cleared by before it is drawn whole.
pub(super) const CLEAR: &str = "\x1b[0m\x1b[2J";

/// What makes a terminal that shows `before` show `after`, which has the same size. Colours are as before at its end.
pub(super) fn changes(before: &Buffer, after: &Buffer) -> String {
    let mut out = String::new();
    let mut next = None;
    let mut style = None;
    for (x, y, cell) in before.diff(after) {
        if next != Some((x, y)) {
            let _ = write!(out, "\x1b[{};{}H", y + 1, x + 1);
        }
        let wanted = (cell.fg, cell.bg, cell.modifier);
        if style != Some(wanted) {
            set_style(cell, &mut out);
            style = Some(wanted);
        }
        out.push_str(cell.symbol());
        next = Some((x.saturating_add(width(cell.symbol()) as u16), y));
    }
    if style.is_some() {
        out.push_str("\x1b[0m");
    }
    out
}

fn set_style(cell: &Cell, out: &mut String) {
    out.push_str("\x1b[0");
    for (modifier, code) in [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::ITALIC, 3),
        (Modifier::UNDERLINED, 4),
        (Modifier::REVERSED, 7),
    ] {
        if cell.modifier.contains(modifier) {
            let _ = write!(out, ";{code}");
        }
    }
    color(cell.fg, 30, out);
    color(cell.bg, 40, out);
    out.push('m');
}

/// A colour; `base` is 30 for text and 40 for what is behind it.
fn color(color: Color, base: u8, out: &mut String) {
    let (index, bright) = match color {
        Color::Reset => return,
        Color::Black => (0, false),
        Color::Red => (1, false),
        Color::Green => (2, false),
        Color::Yellow => (3, false),
        Color::Blue => (4, false),
        Color::Magenta => (5, false),
        Color::Cyan => (6, false),
        Color::Gray => (7, false),
        Color::DarkGray => (0, true),
        Color::LightRed => (1, true),
        Color::LightGreen => (2, true),
        Color::LightYellow => (3, true),
        Color::LightBlue => (4, true),
        Color::LightMagenta => (5, true),
        Color::LightCyan => (6, true),
        Color::White => (7, true),
        Color::Indexed(index) => {
            let _ = write!(out, ";{};5;{index}", base + 8);
            return;
        }
        Color::Rgb(red, green, blue) => {
            let _ = write!(out, ";{};2;{red};{green};{blue}", base + 8);
            return;
        }
    };
    let _ = write!(out, ";{}", base + index + if bright { 60 } else { 0 });
}

#[cfg(test)]
mod tests {
    use ratatui_core::layout::Rect;
    use ratatui_core::style::Style;

    use super::*;

    fn page(text: &str, style: Style) -> Buffer {
        let mut page = Buffer::empty(Rect::new(0, 0, 8, 2));
        page.set_string(0, 1, text, style);
        page
    }

    #[test]
    fn only_what_changed_is_written() {
        let plain = Style::new();
        let before = page("load 1", plain);
        assert_eq!(changes(&before, &before), "");
        assert_eq!(changes(&before, &page("load 2", plain)), "\x1b[2;6H\x1b[0m2\x1b[0m");
        let red = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
        assert_eq!(changes(&page("", plain), &page("ab", red)), "\x1b[2;1H\x1b[0;1;31mab\x1b[0m");
        let bright = Style::new().fg(Color::LightBlue).bg(Color::Indexed(240));
        assert_eq!(changes(&page("", plain), &page("x", bright)), "\x1b[2;1H\x1b[0;94;48;5;240mx\x1b[0m");
    }

    #[test]
    fn a_wide_character_takes_two_columns() {
        let plain = Style::new();
        assert_eq!(changes(&page("", plain), &page("日x", plain)), "\x1b[2;1H\x1b[0m日x\x1b[0m");
    }
}
