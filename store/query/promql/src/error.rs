//! Why a query cannot be answered.

use std::fmt::Write;

use crate::span::Span;

/// Result of this package.
pub type Result<T> = std::result::Result<T, Error>;

/// What is wrong with a query, or what went wrong in answering it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind of failure it is: the HTTP interface has a status for each.
    pub kind: ErrorKind,
    /// Where in the query it is, if it is anywhere.
    pub span: Option<Span>,
    /// What it is, and what was expected.
    pub message: String,
}

/// Kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The query is no PromQL.
    Parse,
    /// The query cannot be evaluated over these series: duplicates, a parameter out of range.
    Execution,
    /// It would take more than its limits.
    Limit,
    /// Whoever asked has gone, or took it back.
    Canceled,
    /// It took longer than it may.
    Timeout,
    /// The series cannot be read.
    Source,
}

impl Error {
    pub(crate) fn parse(span: Span, message: impl Into<String>) -> Error {
        Error { kind: ErrorKind::Parse, span: Some(span), message: message.into() }
    }

    pub(crate) fn execution(span: Span, message: impl Into<String>) -> Error {
        Error { kind: ErrorKind::Execution, span: Some(span), message: message.into() }
    }

    /// A failure to read series, for sources.
    pub fn source(message: impl Into<String>) -> Error {
        Error { kind: ErrorKind::Source, span: None, message: message.into() }
    }

    /// One line, as Prometheus words it: `1:7: parse error: unexpected end of input`.
    pub fn one_line(&self, query: &str) -> String {
        match (self.kind, self.span) {
            (ErrorKind::Parse, Some(span)) => {
                let (line, column) = span.line_column(query);
                format!("{line}:{column}: parse error: {}", self.message)
            }
            _ => self.message.clone(),
        }
    }

    /// For a terminal: the message, the line of the query it is in, and marks below the place.
    pub fn with_caret(&self, query: &str) -> String {
        let Some(span) = self.span else { return self.message.clone() };
        let (line, column) = span.line_column(query);
        let text = query.lines().nth(line - 1).unwrap_or("");
        let marked = query.get(span.start as usize..span.end as usize).unwrap_or("");
        let width = marked.lines().next().map_or(0, |first| first.chars().count()).max(1);
        let indent: String =
            text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let mut out = format!("{line}:{column}: {}\n", self.message);
        // Writing into a String cannot fail.
        let _ = write!(out, "    {text}\n    {indent}{}", "^".repeat(width));
        out
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_its_place() {
        let query = "sum(rate(x))\n  + vector(y)";
        let error = Error::parse(Span::new(9, 10), "expected type range vector");
        assert_eq!(error.one_line(query), "1:10: parse error: expected type range vector");
        assert_eq!(
            error.with_caret(query),
            "1:10: expected type range vector\n    sum(rate(x))\n             ^"
        );
        let error = Error::execution(Span::new(17, 26), "no");
        assert_eq!(error.one_line(query), "no");
        assert_eq!(error.with_caret(query), "2:5: no\n      + vector(y)\n        ^^^^^^^^^");
        // At the end of the query there is no text to mark.
        assert!(Error::parse(Span::new(26, 26), "end").with_caret(query).ends_with("             ^"));
    }
}
