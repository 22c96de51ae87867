//! What the parser of perfdata dropped or guessed, for the owner of the plugin.
//!
//! Every problem is counted; the first [`WARNINGS_MAX`] are kept with the beginning of the text concerned.

use std::fmt;

use super::limits::{LABEL_MAX_BYTES, TOKENS_MAX, WARNING_TOKEN_MAX_BYTES, WARNINGS_MAX};

/// A field behind the value of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The warning range.
    Warn,
    /// The critical range.
    Crit,
    /// The least possible value.
    Min,
    /// The greatest possible value.
    Max,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Field::Warn => "warn",
            Field::Crit => "crit",
            Field::Min => "min",
            Field::Max => "max",
        })
    }
}

/// What was wrong with a piece of perfdata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Words that belong to no token; dropped.
    Junk,
    /// A token without a label; dropped.
    NoLabel,
    /// A label beyond [`LABEL_MAX_BYTES`]; the token is dropped.
    LongLabel,
    /// Nothing after the `=`; the token is dropped.
    NoValue,
    /// A value that is not a finite decimal number; the token is dropped.
    BadValue,
    /// A unit that cannot be one, such as the rest of `1.2.3`; the token is dropped.
    BadUnit,
    /// A field that is malformed; only the field is dropped.
    BadField(Field),
    /// A comma was read as the decimal point; nothing is dropped.
    Comma,
    /// A number such as `2,000`, which may be two or two thousand; only that number is dropped.
    AmbiguousComma,
    /// A number such as `1 234`, which may be one or more than a thousand; only that number is dropped.
    AmbiguousBlank,
    /// A comma that separates two tokens; nothing is dropped.
    Separator,
    /// The last token, which may be cut off; dropped.
    CutOff,
    /// A token beyond [`TOKENS_MAX`]; dropped.
    TooMany,
}

impl Problem {
    /// Whether the whole token was dropped.
    pub fn drops_token(self) -> bool {
        !matches!(
            self,
            Problem::BadField(_)
                | Problem::Comma
                | Problem::AmbiguousComma
                | Problem::AmbiguousBlank
                | Problem::Separator
                | Problem::Junk
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Junk => f.write_str("not label=value"),
            Problem::NoLabel => f.write_str("no label"),
            Problem::LongLabel => write!(f, "label longer than {LABEL_MAX_BYTES} bytes"),
            Problem::NoValue => f.write_str("no value"),
            Problem::BadValue => f.write_str("value is not a number"),
            Problem::BadUnit => f.write_str("value is followed by what cannot be a unit"),
            Problem::BadField(field) => write!(f, "bad {field}, ignored"),
            Problem::Comma => f.write_str("decimal comma read as a point"),
            Problem::AmbiguousComma => {
                f.write_str("the comma is a decimal point or groups thousands, so there is no number")
            }
            Problem::AmbiguousBlank => f.write_str("the blank may group thousands, so there is no number"),
            Problem::Separator => f.write_str("comma read as a separator"),
            Problem::CutOff => f.write_str("perhaps cut off"),
            Problem::TooMany => write!(f, "more than {TOKENS_MAX} tokens"),
        }
    }
}

/// One problem and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What was wrong.
    pub problem: Problem,
    /// The beginning of the text concerned, at most [`WARNING_TOKEN_MAX_BYTES`] bytes.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}': {}", self.text.escape_debug(), self.problem)
    }
}

/// All problems of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings {
    kept: Vec<Warning>,
    count: usize,
    tokens_dropped: usize,
}

impl Warnings {
    pub(crate) fn add(&mut self, problem: Problem, text: &str) {
        self.count += 1;
        self.tokens_dropped += usize::from(problem.drops_token());
        if self.kept.len() < WARNINGS_MAX {
            let mut end = text.len().min(WARNING_TOKEN_MAX_BYTES);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            self.kept.push(Warning { problem, text: text[..end].to_owned() });
        }
    }

    /// The first problems, in order, at most [`WARNINGS_MAX`].
    pub fn kept(&self) -> &[Warning] {
        &self.kept
    }

    /// The number of problems, kept or not.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The number of tokens dropped.
    pub fn tokens_dropped(&self) -> usize {
        self.tokens_dropped
    }

    /// `true` if there was no problem.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}
