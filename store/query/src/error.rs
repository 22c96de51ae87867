//! Everything that can go wrong with a question. A message continues "failed to …".

use std::fmt;

use crate::limits::OFFERED_MAX;

/// The result of a question.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a question has no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// No check of that name has a run in the store.
    UnknownCheck {
        /// The name that was asked for.
        check: String,
        /// Checks that may have been meant.
        offer: Offer,
    },
    /// The check has no such metric.
    UnknownMetric {
        /// The check.
        check: String,
        /// The metric that was asked for, a glob perhaps.
        metric: String,
        /// Metrics that the check has.
        offer: Offer,
    },
    /// A request is larger than this package takes.
    TooLarge {
        /// What there is too much of, such as `columns`.
        what: &'static str,
        /// How many were asked for.
        asked: usize,
        /// The limit.
        limit: usize,
    },
    /// A line of JSON is no run.
    Line {
        /// What is wrong with it.
        what: String,
    },
    /// The stretch that others are to be like has no shape, or none that can be told.
    Unfit(custos_memory::Unfit),
    /// The store could not be read.
    Store(custos_store::Error),
    /// Whoever asked no longer wants the answer.
    Cancelled,
}

impl Error {
    /// `true` if another question would have an answer: the fault is with the caller, not with the store.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Error::Store(_) | Error::Cancelled)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::UnknownCheck { check, offer } => {
                write!(f, "find the check {check:?} in the store{offer}")
            }
            Error::UnknownMetric { check, metric, offer } => {
                write!(f, "find the metric {metric:?} of the check {check:?}{offer}")
            }
            Error::TooLarge { what, asked, limit } => write!(f, "read {asked} {what}: the limit is {limit}"),
            Error::Line { what } => write!(f, "read a run: {what}"),
            Error::Unfit(unfit) => write!(f, "search for the stretch: {unfit}"),
            Error::Store(_) => write!(f, "read the store"),
            Error::Cancelled => write!(f, "finish: asked to stop"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Store(source) => Some(source),
            _ => None,
        }
    }
}

impl From<custos_store::Error> for Error {
    fn from(error: custos_store::Error) -> Error {
        match error {
            custos_store::Error::Cancelled => Error::Cancelled,
            error => Error::Store(error),
        }
    }
}

impl From<custos_memory::Unfit> for Error {
    fn from(unfit: custos_memory::Unfit) -> Error {
        Error::Unfit(unfit)
    }
}

/// Names that are known where the one that was asked for is not: those that are like it, else all; a few of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Whether the names are like the one that was asked for.
    pub alike: bool,
    /// The names.
    pub names: Vec<String>,
    /// How many more there are.
    pub more: usize,
}

impl Offer {
    /// What to offer to somebody who typed this.
    pub fn of<'n>(typed: &str, known: impl IntoIterator<Item = &'n str>) -> Offer {
        let known: Vec<&str> = known.into_iter().collect();
        let alike: Vec<&str> = known.iter().copied().filter(|name| similar(name, typed)).collect();
        let (is_alike, offered) = if alike.is_empty() { (false, known) } else { (true, alike) };
        let more = offered.len().saturating_sub(OFFERED_MAX);
        let names = offered.into_iter().take(OFFERED_MAX).map(str::to_owned).collect();
        Offer { alike: is_alike, names, more }
    }
}

impl fmt::Display for Offer {
    /// Continues a message: `; there are: disk, load`. Empty if nothing is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.names.is_empty() {
            return Ok(());
        }
        let more = if self.more > 0 { format!(", and {} more", self.more) } else { String::new() };
        match (self.alike, self.names.split_last()) {
            (true, Some((last, others))) if more.is_empty() && !others.is_empty() => {
                write!(f, "; did you mean {} or {last}?", others.join(", "))
            }
            (true, _) => write!(f, "; did you mean {}{more}?", self.names.join(", ")),
            (false, _) => write!(f, "; there are: {}{more}", self.names.join(", ")),
        }
    }
}

fn similar(name: &str, typed: &str) -> bool {
    let (name, typed) = (name.to_lowercase(), typed.to_lowercase());
    // A name of a letter or two is in many words.
    !typed.is_empty() && (name.contains(&typed) || name.len() > 2 && typed.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_alike_come_alone() {
        let known = ["load", "disk", "disk:root"];
        assert_eq!(Offer::of("dis", known).to_string(), "; did you mean disk or disk:root?");
        assert_eq!(Offer::of("zzz", known).to_string(), "; there are: load, disk, disk:root");
        assert_eq!(Offer::of("", known).to_string(), "; there are: load, disk, disk:root");
        assert_eq!(Offer::of("x", []).to_string(), "");
        let many: Vec<String> = (0..13).map(|n| format!("check{n}")).collect();
        let offer = Offer::of("zzz", many.iter().map(String::as_str));
        assert_eq!((offer.names.len(), offer.more), (OFFERED_MAX, 3));
        assert!(offer.to_string().ends_with("check9, and 3 more"), "{offer}");
    }

    #[test]
    fn a_message_continues_failed_to_and_keeps_its_source() {
        let error = Error::from(custos_store::Error::Upkeep { why: "x".to_owned() });
        assert_eq!(error.to_string(), "read the store");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "seal or merge: x");
        assert!(matches!(Error::from(custos_store::Error::Cancelled), Error::Cancelled));
    }
}
