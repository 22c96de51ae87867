//! Which characters and colours there are. What is drawn need not care: it is muted before it is written.

use ratatui_core::buffer::Buffer;
use ratatui_core::style::{Color, Modifier};

use crate::graph::Glyphs;

/// How pages may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Which characters are used.
    pub glyphs: Glyphs,
    /// Whether colours are used; bold and reversed text is without them, too.
    pub color: bool,
}

impl Look {
    /// Takes out of a page what the terminal is not to have: colours, and characters beyond ASCII.
    pub fn mute(self, page: &mut Buffer) {
        for cell in &mut page.content {
            if !self.color {
                (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
                cell.modifier.remove(Modifier::DIM);
            }
            // The cell behind a wide character is blank, so its place stays as wide.
            if self.glyphs == Glyphs::Ascii && !cell.symbol().is_ascii() {
                cell.set_char('?');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui_core::layout::Rect;
    use ratatui_core::style::Style;

    use super::*;

    #[test]
    fn what_the_terminal_is_not_to_have_is_taken_out() {
        let page = || {
            let mut page = Buffer::empty(Rect::new(0, 0, 6, 1));
            page.set_string(0, 0, "é日ab", Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
            page
        };
        let text = |page: &Buffer| page.content.iter().map(|cell| cell.symbol()).collect::<String>();
        let mut muted = page();
        Look { glyphs: Glyphs::Ascii, color: true }.mute(&mut muted);
        assert_eq!((text(&muted).as_str(), muted.content[0].fg), ("?? ab ", Color::Red));
        let mut muted = page();
        Look { glyphs: Glyphs::Braille, color: false }.mute(&mut muted);
        assert_eq!((text(&muted), muted.content[0].fg), (text(&page()), Color::Reset));
        assert_eq!(muted.content[0].modifier, Modifier::BOLD);
    }
}
