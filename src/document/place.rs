//! Where something stands in a configuration file, so that every mistake can point at it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::text::{is_unsafe, printable};

/// One configuration file as it was read.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    path: PathBuf,
    text: String,
    /// Where each line begins, in bytes, so that a line is found without reading those before it.
    starts: Vec<usize>,
}

impl SourceFile {
    /// A file with its text; empty where it could not be read.
    pub fn new(path: PathBuf, text: String) -> Arc<SourceFile> {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(end, _)| end + 1)).collect();
        Arc::new(SourceFile { path, text, starts })
    }

    /// The path by which the file was found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text of a line, counted from 1, without its end.
    fn line(&self, line: usize) -> Option<&str> {
        let start = *self.starts.get(line.checked_sub(1)?)?;
        self.text[start..].lines().next()
    }
}

/// A stretch of characters on one line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    file: Arc<SourceFile>,
    /// From 1; 0 means the file as a whole.
    line: usize,
    /// In characters, from 1.
    column: usize,
    /// In characters.
    width: usize,
}

impl Place {
    /// A stretch of `width` characters; line and column count from 1.
    pub(crate) fn new(file: &Arc<SourceFile>, line: usize, column: usize, width: usize) -> Place {
        Place { file: Arc::clone(file), line, column, width }
    }

    /// The file as a whole, for mistakes that no line can be blamed for.
    pub(crate) fn whole(file: &Arc<SourceFile>) -> Place {
        Place::new(file, 0, 0, 0)
    }

    /// The place of the byte at `offset` of the file's text, which must lie on a character boundary.
    pub(crate) fn at_byte(file: &Arc<SourceFile>, offset: usize) -> Place {
        let before = file.text.get(..offset).unwrap_or(&file.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        Place::new(file, line, before[start..].chars().count() + 1, 1)
    }

    /// The file.
    pub fn file(&self) -> &Arc<SourceFile> {
        &self.file
    }

    /// The line from 1, or 0 for the file as a whole.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters from 1, or 0 for the file as a whole.
    pub fn column(&self) -> usize {
        self.column
    }

    /// `true` if nothing stands here.
    pub(crate) fn is_empty(&self) -> bool {
        self.width == 0
    }

    /// The character after this stretch on its line, blanks apart.
    pub(crate) fn following(&self) -> Option<char> {
        let line = self.file.line(self.line)?;
        let end = self.column.saturating_sub(1).saturating_add(self.width);
        line.chars().skip(end).find(|c| !c.is_whitespace())
    }

    /// The character at `offset` of the scalar `text` that begins here.
    ///
    /// Only where the scalar stands in the file as it reads, on one line and without escapes; otherwise the
    /// place of the whole scalar.
    pub(crate) fn within(&self, text: &str, offset: usize) -> Place {
        let Some(line) = self.file.line(self.line) else { return self.clone() };
        let rest: String = line.chars().skip(self.column.saturating_sub(1)).collect();
        let quotes = usize::from(rest.starts_with(['"', '\'']) && !rest.starts_with(text));
        let verbatim = rest.chars().skip(quotes).collect::<String>().starts_with(text);
        if !verbatim {
            return self.clone();
        }
        Place { column: self.column + quotes + offset, width: 1, ..self.clone() }
    }

    /// Whether a blank stands before it on its line.
    pub(crate) fn follows_blank(&self) -> bool {
        let before = self.column.checked_sub(2).and_then(|at| self.file.line(self.line)?.chars().nth(at));
        before.is_some_and(char::is_whitespace)
    }

    /// The line of source with a caret under the place, indented for a terminal; none for a whole file.
    pub fn snippet(&self) -> Option<String> {
        let line = self.file.line(self.line)?;
        let line: String = line.chars().map(|c| if is_unsafe(c) && c != '\t' { '·' } else { c }).collect();
        let number = self.line.to_string();
        let before: String = line
            .chars()
            .take(self.column.saturating_sub(1))
            .map(|c| if c == '\t' { c } else { ' ' })
            .collect();
        let room = line.chars().count().saturating_sub(self.column.saturating_sub(1));
        let carets = "^".repeat(self.width.clamp(1, room.max(1)));
        Some(format!("  {number} | {line}\n  {:width$} | {before}{carets}", "", width = number.len()))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", printable(&self.file.path.to_string_lossy()))?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Arc<SourceFile> {
        SourceFile::new(PathBuf::from("a.yaml"), text.to_owned())
    }

    #[test]
    fn bytes_are_counted_in_characters_of_their_line() {
        let source = file("a: 1\nb: äöx\n");
        let place = Place::at_byte(&source, source.text().find('x').unwrap());
        assert_eq!(place.to_string(), "a.yaml:2:6");
    }

    #[test]
    fn the_caret_stands_under_the_place_whatever_precedes_it() {
        let source = file("\tä: wrong # note\n");
        let place = Place::new(&source, 1, 5, 5);
        assert_eq!(place.snippet().unwrap(), "  1 | \tä: wrong # note\n    | \t   ^^^^^");
    }

    #[test]
    fn a_position_inside_a_scalar_is_given_only_where_it_is_written_out() {
        let source = file("c: run 'x\nd: \"run 'x\"\ne: \"run \\x27x\"\n");
        assert_eq!(Place::new(&source, 1, 4, 6).within("run 'x", 4).column(), 8);
        assert_eq!(Place::new(&source, 2, 4, 8).within("run 'x", 4).column(), 9);
        assert_eq!(Place::new(&source, 3, 4, 11).within("run 'x", 4).column(), 4);
    }

    #[test]
    fn a_snippet_has_nothing_that_a_terminal_obeys() {
        let place = Place::new(&file("a: \u{1b}[31m"), 1, 4, 1);
        assert_eq!(place.snippet().unwrap(), "  1 | a: ·[31m\n    |    ^");
    }

    #[test]
    fn a_whole_file_has_no_line_and_no_snippet() {
        let place = Place::whole(&file("x"));
        assert_eq!((place.to_string().as_str(), place.snippet()), ("a.yaml", None));
    }
}
