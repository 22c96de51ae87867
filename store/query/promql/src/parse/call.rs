//! `rate(…)`.

use super::parser::Parser;
use crate::ast::{Call, Expr};
use crate::error::{Error, Result};
use crate::functions::{self, Kind};
use crate::token::TokenKind;

impl Parser<'_> {
    /// A call of a function, whose name comes next.
    pub(super) fn call(&mut self) -> Result<Expr> {
        let name = self.take()?;
        let Some(function) = functions::named(name.text) else {
            return Err(Error::parse(name.span, format!("unknown function with name {:?}", name.text)));
        };
        if let Kind::Unsupported(reason) = function.kind {
            return Err(Error::parse(name.span, format!("function {:?} {reason}", name.text)));
        }
        let args = self.arguments("function call")?;
        let depth = self.above(&args)?;
        Ok(Expr::Call(Call { function, args, span: self.since(name.span), depth }))
    }

    /// `(a, b)`.
    pub(super) fn arguments(&mut self, context: &str) -> Result<Vec<Expr>> {
        let open = self.expect(TokenKind::LeftParen, context, "\"(\"")?;
        let mut args = Vec::new();
        if self.take_if(TokenKind::RightParen)?.is_some() {
            return Ok(args);
        }
        if self.peek().kind == TokenKind::End {
            return Err(Error::parse(open.span, "unclosed left parenthesis"));
        }
        loop {
            args.push(self.expression(0)?);
            if self.take_if(TokenKind::RightParen)?.is_some() {
                return Ok(args);
            }
            if self.peek().kind == TokenKind::End {
                return Err(Error::parse(open.span, "unclosed left parenthesis"));
            }
            let comma = self.expect(TokenKind::Comma, context, "\",\" or \")\"")?;
            if self.peek().kind == TokenKind::RightParen {
                return Err(Error::parse(comma.span, "trailing commas not allowed in function call args"));
            }
        }
    }
}
