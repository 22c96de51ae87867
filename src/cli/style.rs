//! How output may look where it goes: colours, characters and size.
//!
//! The decisions are pure functions of the environment; [`Style::detect`] reads it. Text from plugins passes
//! through [`printable`], so that no escape sequence of theirs reaches a terminal.

use std::borrow::Cow;
use std::io::{self, IsTerminal};

use custos_store::{Provenance, Reason, Run, State};

use crate::graph::{Glyphs, Ink, Line};
pub(super) use crate::text::printable;
use crate::text::width::shorten;

/// Columns and lines where neither the terminal nor the environment tells.
pub(super) const DEFAULT_SIZE: (usize, usize) = (80, 24);

/// The option `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ColorChoice {
    /// Colours on a terminal that knows them, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Colours always.
    Always,
    /// No colours.
    Never,
}

/// The characters that locale and terminal can show. `variable` looks up the environment.
pub(super) fn choose_glyphs(variable: impl Fn(&str) -> Option<String>) -> Glyphs {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    let utf8 = locale.contains("utf-8") || locale.contains("utf8");
    match set("TERM").as_deref() {
        _ if !utf8 => Glyphs::Ascii,
        Some("dumb") => Glyphs::Ascii,
        Some("linux") => Glyphs::Blocks,
        _ => Glyphs::Braille,
    }
}

/// Whether to use colours. `variable` looks up the environment.
pub(super) fn use_color(
    choice: ColorChoice,
    is_terminal: bool,
    variable: impl Fn(&str) -> Option<String>,
) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            is_terminal && set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
        }
    }
}

/// The state of a run in a column of eight; a slot that passed without a run has none, but says what became of it.
pub(super) fn state_column(run: &Run, style: Style) -> String {
    match run.reason {
        Reason::Missed | Reason::Skipped => style.dim(&format!("{:<8}", run.reason.name())).into_owned(),
        Reason::Imported => style.dim(&format!("{:<8}", consolidated_by(run))).into_owned(),
        _ => style.state(run.state, &format!("{:<8}", run.state.name())).into_owned(),
    }
}

/// How a value of another system came about, in a word.
fn consolidated_by(run: &Run) -> &'static str {
    match run.provenance {
        Provenance::Consolidated { function, .. } => function.name(),
        _ => run.reason.name(),
    }
}

/// What the agent has to say of a run, a line each, but for what decided its state if the text begins with that.
pub(super) fn remarks(run: &Run) -> impl Iterator<Item = &str> {
    let text = run.text.strip_prefix('(').unwrap_or(&run.text);
    run.judgement.lines().filter(move |line| !text.starts_with(line))
}

/// How to write to stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    /// Whether colours are used.
    pub color: bool,
    /// Which characters are used.
    pub glyphs: Glyphs,
    /// Whether a person reads it as it comes: lines must fit.
    pub terminal: bool,
    /// Columns that fit.
    pub width: usize,
    /// Lines that fit.
    pub height: usize,
}

impl Style {
    /// What stdout and the environment allow.
    pub(super) fn detect(choice: ColorChoice) -> Style {
        let variable = |name: &str| std::env::var(name).ok();
        let number =
            |name| variable(name).and_then(|value| value.parse::<usize>().ok()).filter(|&count| count > 0);
        let stdout = io::stdout();
        let (width, height) = match terminal_size::terminal_size_of(&stdout) {
            Some((terminal_size::Width(width), terminal_size::Height(height))) if width > 0 && height > 0 => {
                (usize::from(width), usize::from(height))
            }
            _ => DEFAULT_SIZE,
        };
        Style {
            color: use_color(choice, stdout.is_terminal(), variable),
            glyphs: choose_glyphs(variable),
            terminal: stdout.is_terminal(),
            width: number("COLUMNS").unwrap_or(width),
            height: number("LINES").unwrap_or(height),
        }
    }

    /// A line that may have text of plugins, made [`printable`], and cut where a person reads it in lines of which so many columns are taken.
    pub(super) fn fitted(&self, line: &str, taken: usize) -> String {
        let line = printable(line);
        match self.terminal {
            true => shorten(&line, self.width.saturating_sub(taken), self.glyphs.ellipsis()).into_owned(),
            false => line.into_owned(),
        }
    }

    /// A text in the colour of a state, if there are colours.
    pub(super) fn state<'a>(&self, state: State, text: &'a str) -> Cow<'a, str> {
        self.paint(state_color(state), text)
    }

    /// A text that matters less than what is around it.
    pub(super) fn dim<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.paint(DIM, text)
    }

    /// A line of a graph. Titles and units come from plugins, so they are made [`printable`].
    pub(super) fn line(&self, line: &Line) -> String {
        if !self.color {
            return printable(&line.plain()).into_owned();
        }
        let mut text = String::new();
        for (ink, part) in line.parts() {
            let part = printable(part);
            text.push_str(&match ink {
                Ink::Plain => Cow::Borrowed(&*part),
                Ink::Dim => self.dim(&part),
                Ink::Series(index) => self.paint(SERIES_COLORS[index % SERIES_COLORS.len()], &part),
                Ink::State(state) => self.state(state, &part),
            });
        }
        text
    }

    /// A text with the parameters of an SGR escape sequence, if there are colours.
    pub(crate) fn paint<'a>(&self, parameters: &str, text: &'a str) -> Cow<'a, str> {
        if self.color && !text.is_empty() {
            Cow::Owned(format!("\x1b[{parameters}m{text}\x1b[0m"))
        } else {
            Cow::Borrowed(text)
        }
    }
}

/// Lines of another program as a terminal may have them: no escape sequence of theirs gets there.
pub(super) fn printable_lines(output: &[u8]) -> String {
    let line = |line: &str| match line.strip_suffix('\n') {
        Some(line) => format!("{}\n", printable(line)),
        None => printable(line).into_owned(),
    };
    String::from_utf8_lossy(output).split_inclusive('\n').map(line).collect()
}

/// SGR parameters of text in the background.
pub(crate) const DIM: &str = "2";

/// SGR parameters of the series of a panel: cyan, bright blue, bright yellow, bright magenta.
const SERIES_COLORS: [&str; 4] = ["36", "94", "93", "95"];

/// SGR parameters of a state: green, yellow, red, magenta.
pub(crate) fn state_color(state: State) -> &'static str {
    match state {
        State::Ok => "32",
        State::Warning => "33",
        State::Critical => "31",
        State::Unknown => "35",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn locale_and_terminal_choose_the_characters() {
        for (pairs, glyphs) in [
            (&[("LANG", "en_GB.UTF-8"), ("TERM", "xterm-256color")][..], Glyphs::Braille),
            (&[("LANG", "en_GB.UTF-8"), ("LC_ALL", "C")], Glyphs::Ascii),
            (&[("LANG", "C"), ("LC_CTYPE", "C.utf8")], Glyphs::Braille),
            (&[("LC_ALL", ""), ("LANG", "de_DE.UTF-8")], Glyphs::Braille),
            (&[("LANG", "C.UTF-8"), ("TERM", "linux")], Glyphs::Blocks),
            (&[("LANG", "C.UTF-8"), ("TERM", "dumb")], Glyphs::Ascii),
            (&[("LANG", "POSIX"), ("TERM", "linux")], Glyphs::Ascii),
            (&[], Glyphs::Ascii),
        ] {
            assert_eq!(choose_glyphs(environment(pairs)), glyphs, "{pairs:?}");
        }
    }

    #[test]
    fn what_the_text_begins_with_is_not_said_again() {
        let said = |text: &str| {
            let judgement = "timed out after 1s\nCRITICAL: x is 5, outside 4".to_owned();
            remarks(&Run { text: text.to_owned(), judgement, ..Run::default() })
                .collect::<Vec<_>>()
                .join("; ")
        };
        for text in ["timed out after 1s: starting", "(timed out after 1s)", "(timed out after 1s) Traceback"]
        {
            assert_eq!(said(text), "CRITICAL: x is 5, outside 4", "{text}");
        }
        assert_eq!(said("starting"), "timed out after 1s; CRITICAL: x is 5, outside 4");
    }

    #[test]
    fn nothing_that_another_program_prints_steers_a_terminal() {
        let output = b"OK \x1b[2J\xc2\x9b31m \xe2\x80\xae\xff | a=1\r\nmore\tof it\n";
        let shown = printable_lines(output);
        assert_eq!(shown, "OK \\u{1b}[2J\\u{9b}31m \\u{202e}\u{fffd} | a=1\\r\nmore of it\n");
    }

    #[test]
    fn colours_are_for_terminals_unless_asked_for() {
        for (choice, is_terminal, pairs, expected) in [
            (ColorChoice::Auto, true, &[][..], true),
            (ColorChoice::Auto, false, &[], false),
            (ColorChoice::Auto, true, &[("NO_COLOR", "1")], false),
            (ColorChoice::Auto, true, &[("NO_COLOR", "")], true),
            (ColorChoice::Auto, true, &[("TERM", "dumb")], false),
            (ColorChoice::Always, false, &[("NO_COLOR", "1")], true),
            (ColorChoice::Never, true, &[], false),
        ] {
            assert_eq!(use_color(choice, is_terminal, environment(pairs)), expected, "{choice:?} {pairs:?}");
        }
    }
}
