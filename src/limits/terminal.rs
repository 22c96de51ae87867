//! The bounds of programs that fill a terminal.

use std::time::Duration;

/// Columns of a terminal that are drawn.
pub const TERMINAL_COLUMNS_MAX: u16 = 1000;
/// Lines of a terminal that are drawn.
pub const TERMINAL_LINES_MAX: u16 = 500;
/// Bytes of a sequence that a terminal sends for one key; a longer one is left out.
pub const TERMINAL_SEQUENCE_MAX_BYTES: usize = 64;
/// Bytes that are read of what was typed before it is looked at.
pub const TERMINAL_READ_BYTES: usize = 1024;
/// What follows an ESC within this belongs to it; later it was the key.
pub const TERMINAL_ESCAPE_WAIT: Duration = Duration::from_millis(50);
/// How long a terminal that takes no output is waited for before it is left as it is.
pub const TERMINAL_RESTORE_MAX: Duration = Duration::from_millis(500);
