//! Operators between expressions, with their modifiers.

use super::parser::Parser;
use crate::ast::{Binary, Expr, Group, Matching, Operator};
use crate::error::Result;
use crate::token::{Token, TokenKind};

impl Parser<'_> {
    /// An expression of operators that bind at least as strongly as `least`.
    pub(super) fn expression(&mut self, least: u8) -> Result<Expr> {
        self.deeper(|parser| {
            let mut left = parser.unary()?;
            while let Some(operator) = operator(&parser.peek()) {
                if operator.precedence() < least {
                    break;
                }
                left = parser.operation(left, operator)?;
            }
            Ok(left)
        })
    }

    /// The operator that comes next with its right side.
    fn operation(&mut self, left: Expr, operator: Operator) -> Result<Expr> {
        let token = self.take()?;
        let returns_bool = self.take_word("bool")?.is_some();
        let matching = self.matching()?;
        let operator_span = self.since(token.span);
        let right_associative = operator == Operator::Pow;
        let right = self.expression(operator.precedence() + u8::from(!right_associative))?;
        let span = left.span().to(right.span());
        // A chain of operators makes a tree as deep as it is long.
        let depth = self.above([&left, &right])?;
        let binary = Binary { operator, left, right, returns_bool, matching, operator_span, span, depth };
        Ok(Expr::Binary(Box::new(binary)))
    }

    fn matching(&mut self) -> Result<Matching> {
        let mut matching = Matching::default();
        let on = self.take_word("on")?.is_some();
        if on || self.take_word("ignoring")?.is_some() {
            matching.on = on;
            matching.labels = self.label_names()?;
            let left = self.take_word("group_left")?.is_some();
            if left || self.take_word("group_right")?.is_some() {
                matching.group = if left { Group::Left } else { Group::Right };
                if self.peek().kind == TokenKind::LeftParen {
                    matching.include = self.label_names()?;
                }
            }
        }
        self.fills(&mut matching)?;
        Ok(matching)
    }

    /// `fill(0)`, `fill_left(0)`, `fill_right(0)`. Without parentheses behind them these are names of metrics.
    fn fills(&mut self, matching: &mut Matching) -> Result<()> {
        loop {
            let token = self.peek();
            let free = (matching.fill_left.is_none(), matching.fill_right.is_none());
            let (left, right) = match () {
                () if token.is_word("fill") && free == (true, true) => (true, true),
                () if token.is_word("fill_left") && free.0 => (true, false),
                () if token.is_word("fill_right") && free.1 => (false, true),
                () => return Ok(()),
            };
            if self.peek_second()?.kind != TokenKind::LeftParen {
                return Ok(());
            }
            self.take()?;
            self.take()?;
            let value = self.signed_number("fill value")?;
            self.expect(TokenKind::RightParen, "fill value", "\")\"")?;
            if left {
                matching.fill_left = Some(value);
            }
            if right {
                matching.fill_right = Some(value);
            }
        }
    }
}

/// The operator that a token is.
fn operator(token: &Token<'_>) -> Option<Operator> {
    Some(match token.kind {
        TokenKind::Add => Operator::Add,
        TokenKind::Sub => Operator::Sub,
        TokenKind::Mul => Operator::Mul,
        TokenKind::Div => Operator::Div,
        TokenKind::Mod => Operator::Mod,
        TokenKind::Pow => Operator::Pow,
        TokenKind::Equal => Operator::Equal,
        TokenKind::NotEqual => Operator::NotEqual,
        TokenKind::Less => Operator::Less,
        TokenKind::LessEqual => Operator::LessEqual,
        TokenKind::Greater => Operator::Greater,
        TokenKind::GreaterEqual => Operator::GreaterEqual,
        TokenKind::Word => match token.text.to_ascii_lowercase().as_str() {
            "and" => Operator::And,
            "or" => Operator::Or,
            "unless" => Operator::Unless,
            "atan2" => Operator::Atan2,
            _ => return None,
        },
        _ => return None,
    })
}
