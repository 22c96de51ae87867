//! Names under which runs are stored that are of a check but none of its own: what it ran beside its schedule because somebody watched
//! it, what an older system kept of it, a value for a span of time, and who was told of it.
//!
//! They are apart so that nothing that goes by a check's runs (rules, backtests, sinks, its state) sees that somebody looked, or takes
//! a mean for a sample.

use custos_store::Consolidation;

/// What stands between the name of the check and the word that says what its runs are.
const APART: char = '@';
const WATCHED: &str = "watched";
const TOLD: &str = "told";

/// The name under which a check's runs are stored that were made because it was watched.
pub fn watched_name(check: &str) -> String {
    format!("{check}{APART}{WATCHED}")
}

/// The check whose runs are stored under a name of [`watched_name`]; `None` for any other name.
pub fn watched_check(name: &str) -> Option<&str> {
    parts(name).filter(|(_, word)| *word == WATCHED).map(|(check, _)| check)
}

/// The name under which is stored whom the agent has told of a check.
pub fn told_name(check: &str) -> String {
    format!("{check}{APART}{TOLD}")
}

/// The name under which what was consolidated of a check by a function is stored.
pub fn consolidated_name(check: &str, function: Consolidation) -> String {
    format!("{check}{APART}{}", function.name())
}

/// The check and the function of a name of [`consolidated_name`]; `None` for any other name.
pub fn consolidated_check(name: &str) -> Option<(&str, Consolidation)> {
    let (check, word) = parts(name)?;
    let function = Consolidation::ALL.into_iter().find(|function| function.name() == word)?;
    Some((check, function))
}

/// The check that the runs of a name are of, though they are none of its own; `None` if the name is that of a check.
pub fn own_check(name: &str) -> Option<&str> {
    let told = || parts(name).filter(|(_, word)| *word == TOLD).map(|(check, _)| check);
    watched_check(name).or_else(|| consolidated_check(name).map(|(check, _)| check)).or_else(told)
}

fn parts(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once(APART).filter(|(check, _)| !check.is_empty())
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
        for function in Consolidation::ALL {
            let name = consolidated_name("db@web", function);
            assert_eq!(consolidated_check(&name), Some(("db@web", function)));
            assert_eq!((watched_check(&name), own_check(&name)), (None, Some("db@web")));
        }
        assert_eq!(own_check(&told_name("load")), Some("load"));
        assert_eq!([own_check("load"), own_check("@average"), own_check("load@mean")], [None; 3]);
    }
}
