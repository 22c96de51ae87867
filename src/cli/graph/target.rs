//! What is to be drawn: metrics of a check, or a query.

use custos_promql::{Expr, parse};
use custos_query::{BuiltIn, Selector};

use crate::cli::read::Failure;
use crate::cli::unknown::selector;

/// One thing that is to be drawn.
pub(in crate::cli) enum Target {
    /// `CHECK` or `CHECK:METRIC`.
    Metrics(Selector),
    /// A PromQL query, as it was written.
    Query(String, Expr),
}

/// What a word of the command line means: the name of a check comes first, as in every command.
///
/// # Errors
/// It is neither.
pub(in crate::cli) fn target(text: &str, checks: &[String]) -> Result<Target, Failure> {
    let unknown = match selector(text, checks) {
        Ok(selector) => return Ok(Target::Metrics(selector)),
        Err(unknown) => unknown,
    };
    match parse(text) {
        // A name by itself was to be that of a check, or of a series that all of them have.
        Ok(Expr::Selector(selector))
            if selector.name.as_deref() == Some(text) && BuiltIn::named(text).is_none() =>
        {
            Err(unknown)
        }
        Ok(expr) => Ok(Target::Query(text.to_owned(), expr)),
        Err(error) if text.contains(['(', '{', '[']) => Err(Failure::usage(error.with_caret(text))),
        Err(_) => Err(unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_checks_come_first() {
        let checks = ["load", "disk (root)", "a + b"].map(str::to_owned);
        for (text, is_query) in [
            ("load", false),
            ("load:load*", false),
            ("disk (root)", false),
            ("a + b", false),
            ("load{metric=\"load1\"}", true),
            ("rate(load:x[5m])", true),
            ("load * 2", true),
            ("{check=\"disk (root)\"}", true),
            ("check_state", true),
        ] {
            assert_eq!(matches!(target(text, &checks).unwrap(), Target::Query(..)), is_query, "{text}");
        }
        let failure = |text| target(text, &checks).err().unwrap().message;
        assert!(failure("lod").contains("failed to find the check \"lod\""));
        assert!(failure("lod:load1").contains("failed to find the check \"lod\""));
        assert!(failure("sum(load").contains('^'));
    }
}
