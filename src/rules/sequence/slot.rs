//! A match under way, and the place where one is kept.

use super::happened::Happened;

/// A match under way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Partial {
    /// When its first step began (ms since the epoch).
    pub(super) start_ms: i64,
    /// When the last of its steps that are complete happened; without one when it began (ms since the epoch).
    pub(super) since_ms: i64,
    /// The steps that are complete.
    pub(super) happened: Happened,
}

impl Partial {
    /// One that begins.
    pub(super) fn beginning(at_ms: i64) -> Partial {
        Partial { start_ms: at_ms, since_ms: at_ms, happened: Happened::default() }
    }

    /// Whether it is at least as good as another that is as far: whatever that one can become, this one can, too.
    fn outdoes(&self, other: &Partial) -> bool {
        (self.since_ms, self.start_ms) >= (other.since_ms, other.start_ms)
    }
}

/// The best match that is so far, and the best one that came at this very time: what happens at one time is not one after
/// the other, however often that time is judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Slot {
    settled: Option<Partial>,
    fresh: Option<Partial>,
}

impl Slot {
    /// The match that something may follow now.
    pub(super) fn get(&self) -> Option<&Partial> {
        self.settled.as_ref()
    }

    /// Keeps a match that came now, unless a better one did.
    pub(super) fn put(&mut self, partial: Partial) {
        if self.fresh.as_ref().is_none_or(|fresh| partial.outdoes(fresh)) {
            self.fresh = Some(partial);
        }
    }

    /// A later time begins.
    pub(super) fn settle(&mut self) {
        if let Some(fresh) = self.fresh.take()
            && self.settled.as_ref().is_none_or(|settled| fresh.outdoes(settled))
        {
            self.settled = Some(fresh);
        }
    }

    /// Takes the match away that something could follow now.
    pub(super) fn take(&mut self) -> Option<Partial> {
        self.settled.take()
    }

    /// Drops all that does not meet a condition.
    pub(super) fn retain(&mut self, keep: impl Fn(&Partial) -> bool) {
        for place in [&mut self.settled, &mut self.fresh] {
            if place.as_ref().is_some_and(|partial| !keep(partial)) {
                *place = None;
            }
        }
    }

    /// The matches that it keeps.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Partial> {
        self.settled.iter().chain(&self.fresh)
    }
}
