//! A configuration that an import writes: checks, and behind them what is not carried over.

use std::fmt::Write;

use crate::config::yaml_word;
use crate::text::printable;

/// A key of a check with its value, as it is written.
pub(super) type Setting = (&'static str, String);

/// The page as far as it is written.
pub(super) struct Page(String);

impl Page {
    /// By which import, `nagios` or another, and of what it was read.
    pub(super) fn begin(import: &str, of: &str) -> Page {
        Page(format!(
            "# Written by custos import {import}, by {}. docs/configuration.md describes every key.\n",
            printable(of)
        ))
    }

    /// The head of a section, which is empty if there is nothing in it.
    pub(super) fn section(&mut self, name: &str, is_empty: bool) {
        self.0 += &format!("\n{name}:{}\n", if is_empty { " {}" } else { "" });
    }

    /// Text of a section as it is.
    pub(super) fn push(&mut self, yaml: &str) {
        self.0 += yaml;
    }

    /// A check that stands at a line of a file.
    pub(super) fn check<'a>(
        &mut self,
        (file, line): (&str, usize),
        name: &str,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "  # {}:{line}\n  {}:", printable(file), yaml_word(name));
        for (key, value) in settings {
            let _ = writeln!(self.0, "    {key}: {value}");
        }
    }

    /// The whole page, with what is not carried over, each with its file and its line; the line 0 stands for the whole file.
    pub(super) fn end<'a>(mut self, notes: impl IntoIterator<Item = (&'a str, usize, &'a str)>) -> String {
        let mut notes = notes.into_iter().peekable();
        if notes.peek().is_some() {
            self.0 += "\n# Not carried over:\n#\n";
        }
        for (file, line, what) in notes {
            let at = if line == 0 { String::new() } else { format!(":{line}") };
            let _ = writeln!(self.0, "# - {}{at}: {}", printable(file), printable(what));
        }
        self.0
    }
}

/// Settings as a page takes them.
pub(super) fn written(settings: &[Setting]) -> impl Iterator<Item = (&str, &str)> {
    settings.iter().map(|(key, value)| (*key, value.as_str()))
}
