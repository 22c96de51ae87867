//! What a rule came to, kept until it is told.

use super::judge::Judged;
use super::peak::Ended;
use crate::rules::alert::Change;

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
