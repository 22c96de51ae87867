//! Tokens of a query.

use crate::span::Span;

/// A token and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'q> {
    pub(crate) kind: TokenKind,
    pub(crate) text: &'q str,
    pub(crate) span: Span,
}

/// Kinds of tokens. Keywords are words: what they mean depends on where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A name, which may be a keyword, and may contain colons outside of braces and brackets.
    Word,
    /// In quotes, escapes as they were written.
    String,
    Number,
    Duration,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    At,
    Assign,
    MatchRegex,
    MatchNotRegex,
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// `</` and `>/`, which are of native histograms.
    TrimUpper,
    TrimLower,
    End,
}

impl Token<'_> {
    /// For messages: `"}"`, `identifier "foo"`, `end of input`.
    pub(crate) fn describe(&self) -> String {
        match self.kind {
            TokenKind::End => "end of input".to_owned(),
            TokenKind::Word if is_keyword(self.text) => {
                let word = self.text.to_lowercase();
                match KEYWORDS.iter().position(|keyword| *keyword == word) {
                    Some(index) if index < OPERATORS => format!("<op:{word}>"),
                    Some(index) if index < AGGREGATORS => format!("<aggr:{word}>"),
                    _ => format!("<{word}>"),
                }
            }
            TokenKind::Word if self.text.contains(':') => format!("metric identifier \"{}\"", self.text),
            TokenKind::Word => format!("identifier \"{}\"", self.text),
            TokenKind::String => format!("string {}", self.text),
            TokenKind::Number => format!("number \"{}\"", self.text),
            TokenKind::Duration => format!("duration \"{}\"", self.text),
            kind if kind.is_operator() => format!("<op:{}>", self.text),
            _ => format!("\"{}\"", self.text),
        }
    }

    /// Whether this is the keyword, in any case of letters.
    pub(crate) fn is_word(&self, keyword: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(keyword)
    }
}

impl TokenKind {
    fn is_operator(self) -> bool {
        use TokenKind::{
            Add, At, Div, Equal, Greater, GreaterEqual, Less, LessEqual, MatchNotRegex, MatchRegex, Mod, Mul,
            NotEqual, Pow, Sub,
        };
        matches!(
            self,
            Add | At
                | Div
                | Equal
                | Greater
                | GreaterEqual
                | Less
                | LessEqual
                | MatchNotRegex
                | MatchRegex
                | Mod
                | Mul
                | NotEqual
                | Pow
                | Sub
        )
    }
}

/// How many of the first keywords are operators, and how many are these or aggregations.
const OPERATORS: usize = 4;
const AGGREGATORS: usize = 18;

/// Words that mean something by themselves. None of them is the name of a metric where an operator is expected.
const KEYWORDS: [&str; 37] = [
    "and",
    "or",
    "unless",
    "atan2",
    "sum",
    "avg",
    "count",
    "min",
    "max",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "count_values",
    "quantile",
    "limitk",
    "limit_ratio",
    "offset",
    "smoothed",
    "anchored",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "fill",
    "fill_left",
    "fill_right",
    "bool",
    "start",
    "end",
    "step",
    "range",
    "max_of",
    "min_of",
];

pub(crate) fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}
