//! How large the terminal is.

use std::os::fd::AsFd;

use ratatui_core::layout::Rect;

use crate::limits::{TERMINAL_COLUMNS_MAX, TERMINAL_LINES_MAX};

/// Columns and lines where the terminal does not tell.
const USUAL: (u16, u16) = (80, 24);

/// The size of a terminal, up to what is ever drawn.
pub(super) fn size(terminal: impl AsFd) -> Rect {
    let (columns, lines) = match terminal_size::terminal_size_of(terminal) {
        Some((terminal_size::Width(columns), terminal_size::Height(lines))) if columns > 0 && lines > 0 => {
            (columns, lines)
        }
        _ => USUAL,
    };
    Rect::new(0, 0, columns.min(TERMINAL_COLUMNS_MAX), lines.min(TERMINAL_LINES_MAX))
}
