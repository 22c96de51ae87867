//! Lengths of time: `5m`, `300`, `step() * 2`, `max_of(range(), 1h)`.

use super::parser::Parser;
use crate::ast::{Length, LengthKind, LengthOperator};
use crate::error::{Error, Result};
use crate::length::SECONDS_MAX;
use crate::limits::LENGTH_OPERATORS_MAX;
use crate::literal;
use crate::span::Span;
use crate::token::{Token, TokenKind};

/// How strongly a sign binds: as multiplication.
const SIGN_PRECEDENCE: u8 = 2;

const EXPECTED: &str = "number, duration, step(), or range()";

impl Parser<'_> {
    /// A length that has to be more than nothing, where that can be seen.
    pub(super) fn positive_length(&mut self, context: &str) -> Result<Length> {
        let length = self.length(0, context)?;
        match length.kind {
            LengthKind::Seconds(seconds, _) if seconds <= 0.0 => {
                Err(Error::parse(length.span, "duration must be greater than 0"))
            }
            _ => Ok(length),
        }
    }

    /// What follows `offset`: a literal, a function or parentheses, with a sign. An operator behind it is that of the
    /// expression.
    pub(super) fn offset_length(&mut self) -> Result<Length> {
        let sign = self.peek();
        let negative = sign.kind == TokenKind::Sub;
        if negative || sign.kind == TokenKind::Add {
            self.take()?;
        }
        let length = self.length_operand("offset")?;
        if negative { self.negated(length, sign.span) } else { Ok(length) }
    }

    fn length(&mut self, least: u8, context: &str) -> Result<Length> {
        self.deeper(|parser| {
            let mut left = parser.signed_length(context)?;
            while let Some((operator, precedence)) = operator(&parser.peek()) {
                if precedence < least {
                    break;
                }
                parser.lengths += 1;
                if parser.lengths > LENGTH_OPERATORS_MAX {
                    let message =
                        format!("lengths of time have more than {LENGTH_OPERATORS_MAX} operators in all");
                    return Err(Error::parse(parser.peek().span, message));
                }
                let token = parser.take()?;
                let right_associative = operator == LengthOperator::Pow;
                let right = parser.length(precedence + u8::from(!right_associative), context)?;
                let by_zero = matches!(right.kind, LengthKind::Seconds(seconds, _) if seconds == 0.0);
                match operator {
                    LengthOperator::Div if by_zero => {
                        return Err(Error::parse(token.span, "division by zero"));
                    }
                    LengthOperator::Mod if by_zero => return Err(Error::parse(token.span, "modulo by zero")),
                    _ => {}
                }
                let span = left.span.to(right.span);
                let kind = LengthKind::Binary(operator, Box::new(left), Box::new(right));
                left = Length { kind, in_parens: false, span };
            }
            Ok(left)
        })
    }

    fn signed_length(&mut self, context: &str) -> Result<Length> {
        let sign = self.peek();
        match sign.kind {
            TokenKind::Add => {
                self.take()?;
                self.length(SIGN_PRECEDENCE + 1, context)
            }
            TokenKind::Sub => {
                self.take()?;
                let length = self.length(SIGN_PRECEDENCE + 1, context)?;
                self.negated(length, sign.span)
            }
            _ => self.length_operand(context),
        }
    }

    fn negated(&self, length: Length, sign: Span) -> Result<Length> {
        let span = sign.to(length.span);
        let kind = match length.kind {
            LengthKind::Seconds(seconds, is_duration) if !length.in_parens => {
                LengthKind::Seconds(-seconds, is_duration)
            }
            _ => LengthKind::Negative(Box::new(length)),
        };
        Ok(Length { kind, in_parens: false, span })
    }

    fn length_operand(&mut self, context: &str) -> Result<Length> {
        let token = self.peek();
        let kind = match token.kind {
            TokenKind::Number | TokenKind::Duration => {
                self.take()?;
                let seconds = literal::number(&token)?;
                if !(-SECONDS_MAX..=SECONDS_MAX).contains(&seconds) {
                    return Err(Error::parse(token.span, "duration out of range"));
                }
                LengthKind::Seconds(seconds, token.kind == TokenKind::Duration)
            }
            TokenKind::LeftParen => {
                self.take()?;
                let inner = self.length(0, context)?;
                self.expect(TokenKind::RightParen, context, "\")\"")?;
                return Ok(Length { in_parens: true, span: self.since(token.span), ..inner });
            }
            TokenKind::Word => self.length_function(token, context)?,
            _ => return Err(self.unexpected(context, EXPECTED)),
        };
        Ok(Length { kind, in_parens: false, span: self.since(token.span) })
    }

    /// `step()`, `range()`, `min_of(a, b)` or `max_of(a, b)`.
    fn length_function(&mut self, token: Token<'_>, context: &str) -> Result<LengthKind> {
        let constant = match () {
            () if token.is_word("step") => Some(LengthKind::Step),
            () if token.is_word("range") => Some(LengthKind::Range),
            () if token.is_word("min_of") || token.is_word("max_of") => None,
            () => return Err(self.unexpected(context, EXPECTED)),
        };
        self.take()?;
        self.expect(TokenKind::LeftParen, context, "\"(\"")?;
        let kind = match constant {
            Some(kind) => kind,
            None => {
                let operator =
                    if token.is_word("min_of") { LengthOperator::MinOf } else { LengthOperator::MaxOf };
                let left = self.length(0, context)?;
                self.expect(TokenKind::Comma, context, "\",\"")?;
                let right = self.length(0, context)?;
                LengthKind::Binary(operator, Box::new(left), Box::new(right))
            }
        };
        self.expect(TokenKind::RightParen, context, "\")\"")?;
        Ok(kind)
    }
}

/// The operator that a token is, and how strongly it binds.
fn operator(token: &Token<'_>) -> Option<(LengthOperator, u8)> {
    Some(match token.kind {
        TokenKind::Add => (LengthOperator::Add, 1),
        TokenKind::Sub => (LengthOperator::Sub, 1),
        TokenKind::Mul => (LengthOperator::Mul, 2),
        TokenKind::Div => (LengthOperator::Div, 2),
        TokenKind::Mod => (LengthOperator::Mod, 2),
        TokenKind::Pow => (LengthOperator::Pow, 3),
        _ => return None,
    })
}
