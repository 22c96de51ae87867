//! A check that is not known: one message for it in every command, with the name that was probably meant.

use custos_query::{Error, Offer, Selector, own_check};

use super::failure::Failure;
use crate::document::suggest::nearest;

/// Where checks are looked up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Among {
    /// The runs of the store.
    Stored,
    /// The configuration.
    Defined,
    /// Both.
    Either,
}

/// Looks whether each of these checks is among the known ones.
///
/// # Errors
/// The first that is not, with what may have been meant.
pub(super) fn all_known<'n>(
    wanted: impl IntoIterator<Item = &'n String>,
    known: &[String],
    among: Among,
) -> Result<(), Failure> {
    match wanted.into_iter().find(|name| !known.contains(name)) {
        Some(unknown) => Err(unknown_check(unknown, known, among)),
        None => Ok(()),
    }
}

/// Looks whether each of these selectors, `CHECK` or `CHECK:METRIC` with globs, names a check that is known. One with a glob in it may
/// be for checks to come.
///
/// # Errors
/// The first that does not, with what may have been meant.
pub(super) fn all_selected(selectors: &[String], known: &[String]) -> Result<(), Failure> {
    for selector in selectors.iter().filter(|selector| !selector.contains(['*', '?', '[', '{', '\\'])) {
        // What is written beside a check, as `load@watched` is, may be there later.
        let base = own_check(selector).unwrap_or(selector);
        let is_metric = |rest: &str| rest.starts_with(':');
        let names =
            |name: &String| base == name || selector.strip_prefix(name.as_str()).is_some_and(is_metric);
        if !known.iter().any(names) {
            let name = selector.split(':').next().unwrap_or(selector);
            return Err(unknown_check(name, known, Among::Either));
        }
    }
    Ok(())
}

/// A remark on a check that neither the configuration nor the store knows, for commands that do what they are told nevertheless.
pub(super) fn remark(name: &str, known: &[String]) -> Option<String> {
    let unknown = || {
        let offer = offer(name, known);
        format!("warning: no check is called {name:?}, in the configuration or the store{offer}")
    };
    (!known.iter().any(|known| known == name)).then(unknown)
}

/// What a target such as `load:load1` selects of the checks of the store.
///
/// # Errors
/// See [`all_known`].
pub(super) fn selector(target: &str, known: &[String]) -> Result<Selector, Failure> {
    Selector::parse(target, known).map_err(|error| match error {
        Error::UnknownCheck { check, .. } => unknown_check(&check, known, Among::Stored),
        error => error.into(),
    })
}

fn unknown_check(name: &str, known: &[String], among: Among) -> Failure {
    let offer = offer(name, known);
    let place = match among {
        Among::Stored => "store",
        Among::Defined => "configuration",
        Among::Either => "configuration or the store",
    };
    Failure::usage(format!("failed to find the check {name:?} in the {place}{offer}"))
}

/// The names that were probably meant, else those that there are.
pub(super) fn offer(name: &str, known: &[String]) -> Offer {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let offer = Offer::of(name, known.iter().copied());
    match nearest(name, &known) {
        Some(near) if !offer.alike => Offer { alike: true, names: vec![near.to_owned()], more: 0 },
        _ => offer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_without_a_glob_names_a_check() {
        let known = ["disk", "disk:root", "load"].map(str::to_owned);
        let failure = |selector: &str| {
            all_selected(&[selector.to_owned()], &known).err().map(|failure| failure.message)
        };
        for selector in
            ["disk", "disk:/", "disk:root", "disk:root:x", "load@watched", "net*", "n?t:if*", "{a,b}"]
        {
            assert_eq!(failure(selector), None, "{selector}");
        }
        let expected =
            "failed to find the check \"dist\" in the configuration or the store; did you mean disk?";
        assert_eq!(failure("dist:/var").as_deref(), Some(expected));
    }

    #[test]
    fn the_near_name_is_offered() {
        let known = ["disk", "disk:root", "load"].map(str::to_owned);
        for (typed, offered) in [
            ("dis", "; did you mean disk or disk:root?"),
            ("lod", "; did you mean load?"),
            ("laod", "; did you mean load?"),
            ("banana", "; there are: disk, disk:root, load"),
        ] {
            let failure = all_known(&[typed.to_owned()], &known, Among::Defined).unwrap_err();
            let expected = format!("failed to find the check \"{typed}\" in the configuration{offered}");
            assert_eq!(failure.message, expected);
            let stored = selector(typed, &known).unwrap_err().message;
            assert_eq!(stored, expected.replace("configuration", "store"));
        }
        assert!(all_known(&["load".to_owned()], &known, Among::Stored).is_ok());
        let none = all_known(&["x".to_owned()], &[], Among::Defined).unwrap_err().message;
        assert_eq!(none, "failed to find the check \"x\" in the configuration");
    }
}
