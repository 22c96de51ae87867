//! `metric{label="value", …}`.

use super::parser::Parser;
use crate::ast::{Expr, Selector, TimeShift};
use crate::error::{Error, Result};
use crate::limits::{MATCHERS_MAX, REGEXES_MAX};
use crate::literal::{self, is_plain_name};
use crate::matcher::{METRIC_NAME, MatchOperator, Matcher};
use crate::token::{Token, TokenKind};

impl Parser<'_> {
    /// A selector, whose metric has been taken if it has one before the braces.
    pub(super) fn selector(&mut self, name: Option<Token<'_>>) -> Result<Expr> {
        let start = name.map_or(self.peek().span, |name| name.span);
        let mut matchers = Vec::new();
        if self.take_if(TokenKind::LeftBrace)?.is_some() {
            self.matchers(&mut matchers)?;
        }
        if let Some(name) = name {
            // An equality with a text cannot fail.
            matchers.extend(Matcher::new(METRIC_NAME, MatchOperator::Equal, name.text).ok());
        }
        Ok(Expr::Selector(Selector {
            name: name.map(|name| name.text.to_owned()),
            matchers,
            time: TimeShift::default(),
            span: self.since(start),
        }))
    }

    fn matchers(&mut self, matchers: &mut Vec<Matcher>) -> Result<()> {
        loop {
            if self.take_if(TokenKind::RightBrace)?.is_some() {
                return Ok(());
            }
            self.matchers += 1;
            if self.matchers > MATCHERS_MAX {
                let message = format!("the query has more than {MATCHERS_MAX} conditions on labels");
                return Err(Error::parse(self.peek().span, message));
            }
            matchers.push(self.matcher()?);
            if self.take_if(TokenKind::Comma)?.is_none() && self.peek().kind != TokenKind::RightBrace {
                return Err(self.unexpected("label matching", "\",\" or \"}\""));
            }
        }
    }

    /// `name="value"`, or the name of the metric in quotes.
    fn matcher(&mut self) -> Result<Matcher> {
        let token = self.peek();
        let is_quoted = token.kind == TokenKind::String;
        let name = match token.kind {
            TokenKind::String => literal::string(&token)?,
            TokenKind::Word | TokenKind::Number if is_plain_name(token.text, false) => token.text.to_owned(),
            _ => return Err(self.unexpected("label matching", "identifier or \"}\"")),
        };
        self.take()?;
        let operator = match self.peek().kind {
            TokenKind::Assign => MatchOperator::Equal,
            TokenKind::NotEqual => MatchOperator::NotEqual,
            TokenKind::MatchRegex => MatchOperator::Regex,
            TokenKind::MatchNotRegex => MatchOperator::NotRegex,
            TokenKind::Comma | TokenKind::RightBrace if is_quoted => {
                return Matcher::new(METRIC_NAME, MatchOperator::Equal, &name)
                    .map_err(|what| Error::parse(token.span, what));
            }
            _ => return Err(self.unexpected("label matching", "label matching operator")),
        };
        self.take()?;
        if self.peek().kind != TokenKind::String {
            return Err(self.unexpected("label matching", "string"));
        }
        let value = self.take()?;
        self.regexes += usize::from(operator.is_regex());
        if self.regexes > REGEXES_MAX {
            let message = format!("the query has more than {REGEXES_MAX} regular expressions");
            return Err(Error::parse(self.since(token.span), message));
        }
        Matcher::new(&name, operator, &literal::string(&value)?)
            .map_err(|what| Error::parse(self.since(token.span), what))
    }

    /// `(a, b, "c.d")`, as behind `by`, `on` and their like.
    pub(super) fn label_names(&mut self) -> Result<Vec<String>> {
        self.expect(TokenKind::LeftParen, "grouping opts", "\"(\"")?;
        let mut names = Vec::new();
        loop {
            if self.take_if(TokenKind::RightParen)?.is_some() {
                return Ok(names);
            }
            let token = self.peek();
            let name = match token.kind {
                TokenKind::String => literal::string(&token)?,
                TokenKind::Word | TokenKind::Number if is_plain_name(token.text, true) => {
                    token.text.to_owned()
                }
                _ => return Err(self.unexpected("grouping opts", "label")),
            };
            if name.is_empty() {
                return Err(Error::parse(token.span, "invalid label name for grouping: \"\""));
            }
            self.take()?;
            names.push(name);
            if self.take_if(TokenKind::Comma)?.is_none() && self.peek().kind != TokenKind::RightParen {
                return Err(self.unexpected("grouping opts", "\",\" or \")\""));
            }
        }
    }
}
