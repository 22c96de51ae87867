//! The state of the parser, and what all its parts share.

use super::check;
use crate::ast::{Expr, Selector};
use crate::error::{Error, Result};
use crate::lexer::Lexer;
use crate::limits::{EXPRESSION_DEPTH_MAX, QUERY_BYTES_MAX};
use crate::span::Span;
use crate::token::{Token, TokenKind};

/// Reads a query.
///
/// # Errors
/// The first mistake, with where it is.
pub fn parse(query: &str) -> Result<Expr> {
    let expr = tree(query)?;
    check::types(&expr)?;
    Ok(expr)
}

/// Reads a series selector, as the `match[]` of an HTTP request is one. It may select everything.
///
/// # Errors
/// The first mistake; whatever is no plain selector is one.
pub fn parse_selector(text: &str) -> Result<Selector> {
    match tree(text)? {
        Expr::Selector(selector) if selector.time.offset.is_none() && selector.time.at.is_none() => {
            check::has_one_name(&selector)?;
            Ok(selector)
        }
        other => Err(Error::parse(other.span(), "expected a series selector, such as up{job=\"x\"}")),
    }
}

/// The tree of a query, whose types may not fit.
fn tree(query: &str) -> Result<Expr> {
    let mut parser = Parser::new(query)?;
    if parser.peek().kind == TokenKind::End {
        return Err(Error::parse(Span::default(), "no expression found in input"));
    }
    let expr = parser.expression(0)?;
    match parser.peek().kind {
        TokenKind::End => Ok(expr),
        _ => Err(parser.unexpected("", "")),
    }
}

/// Where in a query the parser is.
pub(super) struct Parser<'q> {
    lexer: Lexer<'q>,
    /// The next token, read but not taken.
    next: Token<'q>,
    /// Where the last token that was taken ended.
    pub(super) taken_to: u32,
    depth: u32,
    /// Operators between lengths of time so far.
    pub(super) lengths: u32,
    /// Conditions on labels so far.
    pub(super) matchers: usize,
    /// Regular expressions so far.
    pub(super) regexes: usize,
}

impl<'q> Parser<'q> {
    fn new(query: &'q str) -> Result<Parser<'q>> {
        if query.len() > QUERY_BYTES_MAX {
            let message = format!("the query has {} bytes, of at most {QUERY_BYTES_MAX}", query.len());
            return Err(Error::parse(Span::default(), message));
        }
        let mut lexer = Lexer::new(query);
        let next = lexer.next()?;
        Ok(Parser { lexer, next, taken_to: 0, depth: 0, lengths: 0, matchers: 0, regexes: 0 })
    }

    /// The next token.
    pub(super) fn peek(&self) -> Token<'q> {
        self.next
    }

    /// The token after the next.
    pub(super) fn peek_second(&self) -> Result<Token<'q>> {
        self.lexer.clone().next()
    }

    /// Takes the next token.
    pub(super) fn take(&mut self) -> Result<Token<'q>> {
        let token = self.next;
        self.lexer.in_brackets = match token.kind {
            TokenKind::LeftBracket => true,
            TokenKind::RightBracket => false,
            _ => self.lexer.in_brackets,
        };
        self.next = self.lexer.next()?;
        self.taken_to = token.span.end;
        Ok(token)
    }

    /// Takes the next token if it is of that kind.
    pub(super) fn take_if(&mut self, kind: TokenKind) -> Result<Option<Token<'q>>> {
        if self.next.kind == kind { self.take().map(Some) } else { Ok(None) }
    }

    /// Takes the next token if it is that keyword.
    pub(super) fn take_word(&mut self, keyword: &str) -> Result<Option<Token<'q>>> {
        if self.next.is_word(keyword) { self.take().map(Some) } else { Ok(None) }
    }

    /// Takes the next token, which has to be of that kind.
    pub(super) fn expect(&mut self, kind: TokenKind, context: &str, expected: &str) -> Result<Token<'q>> {
        match self.take_if(kind)? {
            Some(token) => Ok(token),
            None => Err(self.unexpected(context, expected)),
        }
    }

    /// Takes the parenthesis that closes one that was opened at `open`.
    pub(super) fn close(&mut self, open: Span, context: &str, expected: &str) -> Result<()> {
        if self.next.kind == TokenKind::End {
            return Err(Error::parse(open, "unclosed left parenthesis"));
        }
        self.expect(TokenKind::RightParen, context, expected).map(|_| ())
    }

    /// That the next token should not be there. What was looked for may be empty.
    pub(super) fn unexpected(&self, context: &str, expected: &str) -> Error {
        let mut message = format!("unexpected {}", self.next.describe());
        if !context.is_empty() {
            message.push_str(&format!(" in {context}"));
        }
        if !expected.is_empty() {
            message.push_str(&format!(", expected {expected}"));
        }
        Error::parse(self.next.span, message)
    }

    /// Goes one level deeper, if that is allowed, does `part`, and comes back.
    pub(super) fn deeper<T>(&mut self, part: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= EXPRESSION_DEPTH_MAX {
            return Err(self.too_deep());
        }
        self.depth += 1;
        let done = part(self);
        self.depth -= 1;
        done
    }

    /// The depth of a node above these, if that is allowed.
    pub(super) fn above<'e>(&self, children: impl IntoIterator<Item = &'e Expr>) -> Result<u32> {
        let depth = children.into_iter().map(Expr::depth).max().unwrap_or(0) + 1;
        if depth > EXPRESSION_DEPTH_MAX { Err(self.too_deep()) } else { Ok(depth) }
    }

    fn too_deep(&self) -> Error {
        let message = format!("the expression is nested more than {EXPRESSION_DEPTH_MAX} levels deep");
        Error::parse(self.next.span, message)
    }

    /// From `start` to the last token taken.
    pub(super) fn since(&self, start: Span) -> Span {
        Span { start: start.start, end: self.taken_to }
    }
}
