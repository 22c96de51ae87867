//! What a configuration has graphs drawn with.

use crate::config::GraphStyle;
use crate::graph::Glyphs;

/// The characters that graphs are drawn with; `None` for no graphs.
pub fn glyphs(style: GraphStyle) -> Option<Glyphs> {
    match style {
        GraphStyle::Braille => Some(Glyphs::Braille),
        GraphStyle::Ascii => Some(Glyphs::Ascii),
        GraphStyle::None => None,
    }
}
