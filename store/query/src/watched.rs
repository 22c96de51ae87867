//! The name under which runs are stored that a check had beside its own, because somebody watched it.
//!
//! They are apart so that nothing that goes by a check's runs (rules, backtests, sinks, its state) sees that somebody looked.

/// What follows the name of the check.
const SUFFIX: &str = "@watched";

/// The name under which a check's runs are stored that were made because it was watched.
pub fn watched_name(check: &str) -> String {
    format!("{check}{SUFFIX}")
}

/// The check whose runs are stored under a name of [`watched_name`]; `None` for any other name.
pub fn watched_check(name: &str) -> Option<&str> {
    name.strip_suffix(SUFFIX).filter(|check| !check.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_check() {
        assert_eq!(watched_check(&watched_name("load")), Some("load"));
        assert_eq!(
            [watched_check("load"), watched_check("@watched"), watched_check("load@watched ")],
            [None; 3]
        );
    }
}
