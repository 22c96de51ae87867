//! Mistakes in a configuration: each with its place, what was found and what was expected.
//!
//! Reading never stops at the first one. Everything that reads reports into [`Findings`] and goes on; only a
//! configuration without errors becomes a [`super::Config`]. Warnings do not stand in the way of one.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::document::place::Place;
use crate::document::suggest;
use crate::limits::{CONFIG_COMPARISONS_MAX, CONFIG_MESSAGE_MAX_CHARS, CONFIG_MISTAKES_MAX};
use crate::text::is_unsafe;

/// How bad a mistake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The configuration can be used, but something in it is probably not what was meant.
    Warning,
    /// The configuration cannot be used.
    Error,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// What was found, and what was expected instead.
    pub message: String,
    /// Another place that has to do with it, and how: `first defined`.
    pub related: Option<(&'static str, Place)>,
}

impl Mistake {
    /// The mistake followed by its lines of source with carets, for a terminal.
    pub fn with_snippet(&self) -> String {
        let mut text = self.to_string();
        let related = self.related.iter().map(|(_, place)| place);
        for snippet in std::iter::once(&self.place).chain(related).filter_map(Place::snippet) {
            text.push('\n');
            text.push_str(&snippet);
        }
        text
    }
}

impl fmt::Display for Mistake {
    /// One line: `file:line:column: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&self.message)?;
        match &self.related {
            Some((relation, place)) => write!(f, " ({relation} at {place})"),
            None => Ok(()),
        }
    }
}

/// All that is wrong with a configuration, file by file and from top to bottom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes {
    /// The mistakes, at most [`CONFIG_MISTAKES_MAX`].
    pub list: Vec<Mistake>,
    /// How many more there were.
    pub dropped: usize,
}

impl Mistakes {
    /// `true` if nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.dropped == 0
    }

    /// `true` if one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|mistake| mistake.severity == Severity::Error)
    }
}

impl fmt::Display for Mistakes {
    /// One line a mistake, without a newline at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.list.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{mistake}")?;
        }
        if self.dropped > 0 {
            write!(f, "\nand {} more", self.dropped)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Collects mistakes while everything is read to its end.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    found: Mistakes,
    /// What is in the list, by file, line, column and message: what many checks take from one anchor is wrong once.
    told: HashSet<(PathBuf, usize, usize, String)>,
    /// Known words that unknown ones were compared with.
    compared: usize,
}

impl Findings {
    /// Notes an error.
    pub(crate) fn error(&mut self, place: &Place, message: impl Into<String>) {
        self.add(Severity::Error, place, message.into(), None);
    }

    /// Notes an error that another place has a part in.
    pub(crate) fn error_beside(
        &mut self,
        place: &Place,
        message: impl Into<String>,
        relation: &'static str,
        other: &Place,
    ) {
        self.add(Severity::Error, place, message.into(), Some((relation, other.clone())));
    }

    /// Notes a warning.
    pub(crate) fn warning(&mut self, place: &Place, message: impl Into<String>) {
        self.add(Severity::Warning, place, message.into(), None);
    }

    /// The known word that was probably meant. None once the list of mistakes is full or enough words were compared:
    /// a file of nothing but mistakes is still refused at once.
    pub(crate) fn nearest<'k>(
        &mut self,
        word: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Option<&'k str> {
        let known = self.comparable(known)?;
        suggest::nearest(word, &known)
    }

    /// The known words, the nearest first; none where [`Findings::nearest`] makes no suggestion.
    pub(crate) fn by_nearness<'k>(
        &mut self,
        word: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Vec<&'k str> {
        self.comparable(known).map(|known| suggest::by_nearness(word, &known)).unwrap_or_default()
    }

    /// The words, if one may still be compared with them.
    fn comparable<'k>(&mut self, known: impl IntoIterator<Item = &'k str>) -> Option<Vec<&'k str>> {
        if self.found.list.len() >= CONFIG_MISTAKES_MAX || self.compared >= CONFIG_COMPARISONS_MAX {
            return None;
        }
        let known: Vec<&str> = known.into_iter().collect();
        self.compared += known.len();
        Some(known)
    }

    /// How many mistakes there are so far.
    pub(crate) fn len(&self) -> usize {
        self.found.list.len() + self.found.dropped
    }

    /// Everything that was noted, ordered by place; `files` gives the order of the files.
    pub(crate) fn into_mistakes(mut self, files: &[&Path]) -> Mistakes {
        let ranks: HashMap<&Path, usize> =
            files.iter().enumerate().map(|(rank, path)| (*path, rank)).collect();
        self.found.list.sort_by_key(|Mistake { place, .. }| {
            (ranks.get(place.file().path()).copied(), place.line(), place.column())
        });
        self.found
    }

    fn add(
        &mut self,
        severity: Severity,
        place: &Place,
        message: String,
        related: Option<(&'static str, Place)>,
    ) {
        // An error always finds room, so that a flood of warnings cannot make a broken configuration pass.
        let room = self.found.list.len() < CONFIG_MISTAKES_MAX;
        let message = one_line(&message);
        let told = (place.file().path().to_owned(), place.line(), place.column(), message.clone());
        if self.told.contains(&told) {
            return;
        }
        if room || (severity == Severity::Error && !self.found.has_errors()) {
            self.told.insert(told);
            self.found.list.push(Mistake { severity, place: place.clone(), message, related });
        } else {
            self.found.dropped += 1;
        }
    }
}

/// The text on one line of bounded length, without anything that a terminal would obey: a message repeats what
/// stands in the file.
fn one_line(text: &str) -> String {
    let mut line: String =
        text.chars().take(CONFIG_MESSAGE_MAX_CHARS).map(|c| if is_unsafe(c) { '·' } else { c }).collect();
    if text.chars().nth(CONFIG_MESSAGE_MAX_CHARS).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::place::SourceFile;

    fn place(line: usize) -> Place {
        let file = SourceFile::new("a.yaml".into(), "x: 1\nx: 2\n".to_owned());
        Place::new(&file, line, 1, 1)
    }

    #[test]
    fn a_mistake_is_one_line_and_names_both_places() {
        let mut findings = Findings::default();
        findings.error_beside(&place(2), "the key `x` is given twice", "first", &place(1));
        findings.warning(&place(1), "odd");
        assert_eq!(
            findings.into_mistakes(&[]).to_string(),
            "a.yaml:1:1: warning: odd\na.yaml:2:1: the key `x` is given twice (first at a.yaml:1:1)"
        );
    }

    #[test]
    fn a_flood_is_cut_and_counted_and_never_hides_that_there_is_an_error() {
        let mut findings = Findings::default();
        for n in 0..CONFIG_MISTAKES_MAX + 5 {
            findings.warning(&place(1), format!("odd {n}"));
        }
        findings.error(&place(1), "wrong");
        findings.error(&place(2), "wrong again");
        let mistakes = findings.into_mistakes(&[]);
        assert!(mistakes.has_errors());
        assert_eq!((mistakes.list.len(), mistakes.dropped), (CONFIG_MISTAKES_MAX + 1, 6));
        assert!(mistakes.to_string().ends_with("and 6 more"));
    }

    #[test]
    fn suggestions_end_with_the_list_and_after_enough_words() {
        let mut findings = Findings::default();
        for n in 0..3 * CONFIG_MISTAKES_MAX {
            let meant = findings.nearest("chek", ["check", "command"]);
            assert_eq!(meant, (n < CONFIG_MISTAKES_MAX).then_some("check"), "{n}");
            assert_eq!(findings.by_nearness("chek", ["command"]).is_empty(), n >= CONFIG_MISTAKES_MAX);
            findings.error(&place(1), format!("wrong {n}"));
        }
        assert_eq!(findings.compared, 3 * CONFIG_MISTAKES_MAX);

        let known: Vec<String> =
            (0..CONFIG_COMPARISONS_MAX / 4).map(|n| format!("{n}-and-some-more")).collect();
        let mut findings = Findings::default();
        for _ in 0..10 {
            findings.nearest("x", known.iter().map(String::as_str));
        }
        assert_eq!(findings.compared, CONFIG_COMPARISONS_MAX);
    }

    #[test]
    fn snippets_show_both_lines() {
        let mut findings = Findings::default();
        findings.error_beside(&place(2), "twice", "first", &place(1));
        let text = findings.into_mistakes(&[]).list[0].with_snippet();
        assert_eq!(text, "a.yaml:2:1: twice (first at a.yaml:1:1)\n  2 | x: 2\n    | ^\n  1 | x: 1\n    | ^");
    }

    #[test]
    fn a_message_stays_on_one_line_and_moves_no_cursor() {
        let mut findings = Findings::default();
        findings.error(&place(1), format!("\u{1b}[31m\n{}", "x".repeat(2 * CONFIG_MESSAGE_MAX_CHARS)));
        let text = findings.into_mistakes(&[]).to_string();
        assert!(text.starts_with("a.yaml:1:1: ·[31m·xxx") && text.ends_with('…'), "{text}");
        assert!(text.chars().count() < CONFIG_MESSAGE_MAX_CHARS + 20);
    }
}
