//! What a rule came to, told at once or kept until it is told.

use super::peak::Ended;
use crate::rules::alert::Change;

/// What a rule of a group came to.
pub enum Judged<'a> {
    /// Alerts changed; how bad those became that ended.
    Changed(&'a [Change], &'a [Ended]),
    /// The expression failed, or what it returned cannot be used. Nothing has changed.
    Failed(&'a str),
    /// There were more alerts than the limit, and all are gone.
    Exceeded(&'a str),
}

/// See [`Judged`].
pub(super) enum Told {
    Changed(Vec<Change>, Vec<Ended>),
    Failed(String),
    Exceeded(String),
}

impl Told {
    pub(super) fn of(judged: &Judged<'_>) -> Told {
        match judged {
            Judged::Changed(changes, ended) => Told::Changed(changes.to_vec(), ended.to_vec()),
            Judged::Failed(why) => Told::Failed((*why).to_owned()),
            Judged::Exceeded(why) => Told::Exceeded((*why).to_owned()),
        }
    }

    pub(super) fn judged(&self) -> Judged<'_> {
        match self {
            Told::Changed(changes, ended) => Judged::Changed(changes, ended),
            Told::Failed(why) => Judged::Failed(why),
            Told::Exceeded(why) => Judged::Exceeded(why),
        }
    }
}
