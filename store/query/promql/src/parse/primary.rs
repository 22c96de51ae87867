//! Signs, parentheses, literals, and what may follow an expression: `[5m]`, `offset`, `@`.

use super::parser::Parser;
use crate::ast::{At, Expr, Number, Paren, RangeSelector, Subquery, Text, TimeShift, Unary};
use crate::error::{Error, Result};
use crate::literal;
use crate::span::Span;
use crate::token::{Token, TokenKind, is_keyword};

/// How strongly a sign binds: as multiplication, so that `-1^2` is `-(1^2)`.
const SIGN_PRECEDENCE: u8 = 5;

impl Parser<'_> {
    /// An expression with its sign, if it has one.
    pub(super) fn unary(&mut self) -> Result<Expr> {
        let negative = match self.peek().kind {
            TokenKind::Sub => true,
            TokenKind::Add => false,
            _ => return self.postfix(),
        };
        let sign = self.take()?;
        // What follows binds at least as strongly, so a power is taken whole, a product is not.
        let expr = self.expression(SIGN_PRECEDENCE + 1)?;
        let span = sign.span.to(expr.span());
        Ok(match expr {
            Expr::Number(number) => {
                let value = if negative { -number.value } else { number.value };
                Expr::Number(Number { value, span, ..number })
            }
            expr => {
                let depth = self.above([&expr])?;
                Expr::Unary(Box::new(Unary { negative, expr, span, depth }))
            }
        })
    }

    fn postfix(&mut self) -> Result<Expr> {
        let mut expr = self.primary()?;
        loop {
            let token = self.peek();
            expr = match token.kind {
                TokenKind::LeftBracket => self.brackets(expr)?,
                TokenKind::At => self.at(expr)?,
                TokenKind::Word if token.is_word("offset") => self.offset(expr)?,
                TokenKind::Word if token.is_word("anchored") || token.is_word("smoothed") => {
                    let word = token.text.to_ascii_lowercase();
                    let message = format!("{word} modifier is experimental and not supported");
                    return Err(Error::parse(expr.span().to(token.span), message));
                }
                TokenKind::TrimUpper | TokenKind::TrimLower => {
                    return Err(Error::parse(
                        token.span,
                        format!("operator \"{}\" needs native histograms, which are not stored", token.text),
                    ));
                }
                _ => return Ok(expr),
            };
        }
    }

    fn primary(&mut self) -> Result<Expr> {
        let token = self.peek();
        match token.kind {
            TokenKind::Number | TokenKind::Duration => {
                self.take()?;
                let value = literal::number(&token)?;
                let is_duration = token.kind == TokenKind::Duration;
                Ok(Expr::Number(Number { value, is_duration, span: token.span }))
            }
            TokenKind::String => {
                self.take()?;
                Ok(Expr::Text(Text { value: literal::string(&token)?, span: token.span }))
            }
            TokenKind::LeftParen => {
                self.take()?;
                let expr = self.expression(0)?;
                self.close(token.span, "", "")?;
                let depth = self.above([&expr])?;
                Ok(Expr::Paren(Box::new(Paren { expr, span: self.since(token.span), depth })))
            }
            TokenKind::LeftBrace => self.selector(None),
            TokenKind::Word => self.word(token),
            _ => Err(self.unexpected("", "")),
        }
    }

    /// An aggregation, a function or a metric.
    fn word(&mut self, token: Token<'_>) -> Result<Expr> {
        if let Some(aggregator) = super::aggregation::named(token.text) {
            let second = self.peek_second()?;
            if second.kind == TokenKind::LeftParen || second.is_word("by") || second.is_word("without") {
                return self.aggregation(aggregator);
            }
        }
        if is_keyword(token.text) && !may_name_a_metric(token.text) {
            return Err(self.unexpected("", ""));
        }
        if self.peek_second()?.kind == TokenKind::LeftParen {
            return self.call();
        }
        self.take()?;
        self.selector(Some(token))
    }

    /// `[5m]` or `[1h:5m]` behind an expression.
    fn brackets(&mut self, expr: Expr) -> Result<Expr> {
        let open = self.take()?;
        let range = self.positive_length("subquery or range selector")?;
        if self.take_if(TokenKind::Colon)?.is_none() {
            self.expect(TokenKind::RightBracket, "subquery or range", "\":\" or \"]\"")?;
            let brackets = self.since(open.span);
            let refuse = |what| Err(Error::parse(brackets, what));
            return match expr {
                Expr::Selector(selector) if selector.time.offset.is_some() => {
                    refuse("no offset modifiers allowed before range")
                }
                Expr::Selector(selector) if selector.time.at.is_some() => {
                    refuse("no @ modifiers allowed before range")
                }
                Expr::Selector(selector) => {
                    let span = self.since(selector.span);
                    Ok(Expr::Range(RangeSelector { selector, range, span }))
                }
                _ => refuse("ranges only allowed for vector selectors"),
            };
        }
        let step = match self.peek().kind {
            TokenKind::RightBracket => None,
            _ => Some(self.positive_length("subquery selector")?),
        };
        self.expect(TokenKind::RightBracket, "subquery selector", "\"]\"")?;
        let span = self.since(expr.span());
        let depth = self.above([&expr])?;
        Ok(Expr::Subquery(Box::new(Subquery { expr, range, step, time: TimeShift::default(), span, depth })))
    }

    fn offset(&mut self, mut expr: Expr) -> Result<Expr> {
        self.take()?;
        let length = self.offset_length()?;
        let start = expr.span();
        let Some((time, span)) = shifted(&mut expr) else {
            return Err(Error::parse(
                start,
                "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
            ));
        };
        if time.offset.is_some() {
            return Err(Error::parse(start, "offset may not be set multiple times"));
        }
        // An offset of nothing is none.
        time.offset = Some(length).filter(|length| !length.is_zero());
        span.end = self.taken_to;
        Ok(expr)
    }

    fn at(&mut self, mut expr: Expr) -> Result<Expr> {
        self.take()?;
        let at = self.at_time(expr.span())?;
        let start = expr.span();
        let Some((time, span)) = shifted(&mut expr) else {
            return Err(Error::parse(
                start,
                "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery",
            ));
        };
        if time.at.is_some() {
            return Err(Error::parse(start, "@ <timestamp> may not be set multiple times"));
        }
        time.at = Some(at);
        span.end = self.taken_to;
        Ok(expr)
    }

    /// What follows `@`.
    fn at_time(&mut self, before: Span) -> Result<At> {
        let start = self.peek().is_word("start");
        if start || self.peek().is_word("end") {
            self.take()?;
            self.expect(TokenKind::LeftParen, "@", "\"(\"")?;
            self.expect(TokenKind::RightParen, "@", "\")\"")?;
            return Ok(if start { At::Start } else { At::End });
        }
        let seconds = self.signed_number("@")?;
        let ms = seconds * 1e3;
        if !ms.is_finite() || seconds.abs() >= i64::MAX as f64 {
            return Err(Error::parse(
                before,
                format!("timestamp out of bounds for @ modifier: {}", go_float(seconds)),
            ));
        }
        Ok(At::Time(ms.round() as i64))
    }

    /// A number or duration with its sign.
    pub(super) fn signed_number(&mut self, context: &str) -> Result<f64> {
        let negative = self.peek().kind == TokenKind::Sub;
        if negative || self.peek().kind == TokenKind::Add {
            self.take()?;
        }
        let token = self.peek();
        if !matches!(token.kind, TokenKind::Number | TokenKind::Duration) {
            return Err(self.unexpected(context, if context == "@" { "timestamp" } else { "number" }));
        }
        self.take()?;
        let value = literal::number(&token)?;
        Ok(if negative { -value } else { value })
    }
}

/// A number as Go's `%f` writes it.
fn go_float(value: f64) -> String {
    match value {
        _ if value.is_nan() => "NaN".to_owned(),
        _ if value.is_infinite() => if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
        _ => format!("{value:.6}"),
    }
}

/// Keywords that are metrics where an operand is expected.
fn may_name_a_metric(word: &str) -> bool {
    !["bool", "on", "ignoring", "group_left", "group_right", "atan2"]
        .iter()
        .any(|keyword| keyword.eq_ignore_ascii_case(word))
}

/// What `offset` and `@` set in an expression, and its extent.
fn shifted(expr: &mut Expr) -> Option<(&mut TimeShift, &mut Span)> {
    match expr {
        Expr::Selector(selector) => Some((&mut selector.time, &mut selector.span)),
        Expr::Range(range) => Some((&mut range.selector.time, &mut range.span)),
        Expr::Subquery(subquery) => Some((&mut subquery.time, &mut subquery.span)),
        _ => None,
    }
}
