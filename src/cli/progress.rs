//! Progress, shown on a terminal.

use std::io::{IsTerminal, Write};

use crate::cli::style::printable;

/// Runs between two looks at the terminal.
pub(in crate::cli) const STATUS_LINES: u64 = 10_000;

/// A line on a terminal's stderr that is written over and over.
pub(in crate::cli) struct Progress {
    shown: bool,
}

impl Progress {
    pub(in crate::cli) fn new() -> Progress {
        Progress { shown: false }
    }

    pub(in crate::cli) fn show(&mut self, text: &str) {
        let mut stderr = std::io::stderr();
        if stderr.is_terminal() {
            // Nothing is lost but progress if stderr is gone.
            let _ = write!(stderr, "\r\x1b[K{}", printable(text));
            self.shown = true;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
