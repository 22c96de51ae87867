//! Stretches of runs that a consumer is still to get: what it is behind by, what a repair has restored, what was asked for
//! again, and what it is to be told is lost.
//!
//! A stretch is delivered check by check, so how far that has got is a check and a number: it holds over merges and restarts.

use std::ops::Range;
use std::sync::Arc;

use custos_store::Position;
use serde::{Deserialize, Serialize};

use crate::limits::{FEED_OWED_MAX, FEED_OWED_MAX_BYTES};

/// Why a stretch is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// It had not been delivered when newer runs were.
    Behind,
    /// A repair restored it.
    Restored,
    /// Somebody asked for it again.
    Asked,
    /// It is lost, which the consumer is to be told.
    Lost,
}

/// What is delivered again because somebody asks.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Only runs of this check.
    pub check: Option<String>,
    /// Only runs of which the time is in this range, in ms since the epoch; the end is excluded, but for `i64::MAX`.
    pub times: Range<i64>,
}

/// Some runs to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owed {
    /// Tells stretches of one feed apart. It is not kept.
    #[serde(skip)]
    pub(super) id: u64,
    /// The runs numbered from here on ...
    pub(super) from: u64,
    /// ... to before here.
    pub(super) until: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) check: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) times: Option<(i64, i64)>,
    /// All checks before this one are done, and of it all runs numbered before.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "done")]
    pub(super) done: Option<(Arc<str>, u64)>,
    /// All of it is delivered, but runs before it are not: it is kept until they are, so that it is passed over then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) finished: bool,
    pub(super) why: Why,
}

/// How far a stretch is done, as a pair of name and number.
mod done {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        done: &Option<(Arc<str>, u64)>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        done.as_ref().map(|(check, next)| (&**check, next)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<(Arc<str>, u64)>, D::Error> {
        let done = Option::<(String, u64)>::deserialize(deserializer)?;
        Ok(done.map(|(check, next)| (Arc::from(check), next)))
    }
}

impl Owed {
    pub(super) fn new(numbers: Range<Position>, why: Why) -> Owed {
        let (from, until) = (numbers.start.0, numbers.end.0);
        Owed { id: 0, from, until, check: None, times: None, done: None, finished: false, why }
    }

    pub(super) fn times(&self) -> Range<i64> {
        self.times.map_or(i64::MIN..i64::MAX, |(start, end)| start..end)
    }

    /// Whether all runs with these numbers are still to be delivered by it.
    pub(super) fn covers(&self, numbers: &Range<Position>) -> bool {
        let whole = self.check.is_none() && self.times.is_none() && self.done.is_none() && !self.finished;
        whole && self.from <= numbers.start.0 && numbers.end.0 <= self.until
    }

    /// Whether runs of a check and of these times may still be to be delivered by it.
    pub(super) fn may_have(&self, check: &str, times: &Range<i64>) -> bool {
        let own = self.times();
        let is_done = self.done.as_ref().is_some_and(|(done, _)| check < &**done);
        let is_other = self.check.as_ref().is_some_and(|of| of != check);
        self.why != Why::Lost && !is_done && !is_other && own.start < times.end && times.start < own.end
    }

    /// Both in one.
    fn joined(&self, other: &Owed) -> Owed {
        let check = self.check.clone().filter(|check| other.check.as_ref() == Some(check));
        let times = self.times.zip(other.times);
        let times = times.map(|((from, until), (start, end))| (from.min(start), until.max(end)));
        let why = if self.why == other.why { self.why } else { Why::Restored };
        let (from, until) = (self.from.min(other.from), self.until.max(other.until));
        Owed { id: 0, from, until, check, times, done: None, finished: false, why }
    }

    fn bytes(&self) -> usize {
        // JSON writes a character with up to six bytes.
        let name = |name: &str| 6 * name.len();
        let done = self.done.as_ref().map_or(0, |(check, _)| name(check) + 32);
        128 + self.check.as_deref().map_or(0, name) + done
    }
}

/// Joins the two that are closest to each other until they are within the bounds; `true` if there was something to join.
pub(super) fn bound(all: &mut Vec<Owed>, next_id: &mut u64) -> bool {
    let mut joined = false;
    while all.len() > 1
        && (all.len() > FEED_OWED_MAX || all.iter().map(Owed::bytes).sum::<usize>() > FEED_OWED_MAX_BYTES)
    {
        // The last ones are those that were added last; what is under way stays as it is as long as it can.
        let (last, before) = (all.pop(), all.pop());
        let (Some(last), Some(before)) = (last, before) else { break };
        *next_id += 1;
        all.push(Owed { id: *next_id, ..before.joined(&last) });
        joined = true;
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_bound_become_wider_ones_that_have_them_all() {
        let (mut all, mut id) = (Vec::new(), 0);
        for n in 0..1000_u64 {
            let numbers = Position(n * 10)..Position(n * 10 + 5);
            let check = Some("x".repeat(n as usize % 300));
            all.push(Owed { check, ..Owed::new(numbers, Why::Restored) });
            bound(&mut all, &mut id);
            assert!(all.len() <= FEED_OWED_MAX);
            assert!(all.iter().map(Owed::bytes).sum::<usize>() <= FEED_OWED_MAX_BYTES);
            assert!((0..=n).all(|n| all.iter().any(|owed| owed.from <= n * 10 && n * 10 + 5 <= owed.until)));
        }
    }
}
