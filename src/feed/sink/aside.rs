//! What was set aside: refused by the receiver, or ahead of its clock. The samples stay in the store; here is which they are,
//! and why.

use custos_store::Notes;
use serde::{Deserialize, Serialize};

use super::parcel::Parcel;
use crate::limits::{SINK_ASIDE_JOIN, SINK_ASIDE_MAX};

/// Runs of a check of which something was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// The check.
    pub check: String,
    /// The time of the first sample (ms since the epoch).
    pub first_ms: i64,
    /// The time of the last one.
    pub last_ms: i64,
    /// How many samples, or runs.
    pub samples: u64,
    /// One of the series, or empty where whole runs were set aside.
    pub series: String,
    /// Why.
    pub why: String,
    /// When it is sent again by itself (ms since the epoch); never if none.
    pub until_ms: Option<i64>,
}

/// All that is set aside of a sink, as its note in the store says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asides {
    /// By check and time.
    pub all: Vec<Aside>,
    /// The order to send all again that was followed last: when it was given (ms since the epoch).
    #[serde(default)]
    pub retried_ms: i64,
}

/// What the names of notes and cursors of sinks begin with.
const NOTE_PREFIX: &str = "sink-";

/// The name of the note of a sink, in which it has what was set aside ([`Asides`](super::Asides) as JSON), and of its cursor.
pub fn note_name(sink: &str) -> String {
    format!("{NOTE_PREFIX}{sink}")
}

/// Whether a note, or a cursor, of this name is one of a sink.
pub fn is_of_sink(name: &str) -> bool {
    name.starts_with(NOTE_PREFIX)
}

impl Asides {
    /// What is set aside of a sink, as its note says; nothing if it has none.
    ///
    /// # Errors
    /// The note cannot be read. The text continues "failed to …".
    pub fn read(notes: &Notes, sink: &str) -> Result<Asides, String> {
        let note = notes.read(&note_name(sink)).map_err(|error| error.to_string())?;
        let asides = note.map_or(Ok(Asides::default()), |note| serde_json::from_slice(&note));
        asides.map_err(|error| format!("read what was set aside: {error}"))
    }

    /// Notes a parcel that is set aside. What is close to something that is set aside for the same reason joins it.
    pub(super) fn add(&mut self, parcel: &Parcel, why: &str, until_ms: Option<i64>) {
        let of_series = parcel.series().filter_map(|part| {
            let (first_ms, last_ms) = (*part.times_ms.first()?, *part.times_ms.last()?);
            let series = part.of.series.labels.to_string();
            Some((part.of.series.check.to_string(), first_ms, last_ms, part.times_ms.len() as u64, series))
        });
        let of_runs = parcel
            .runs()
            .iter()
            .map(|one| (one.check.to_string(), one.run.time_ms, one.run.time_ms, 1, String::new()));
        for (check, first_ms, last_ms, samples, series) in of_series.chain(of_runs) {
            let why = why.to_owned();
            self.join(Aside { check, first_ms, last_ms, samples, series, why, until_ms });
        }
        self.bound();
    }

    fn join(&mut self, new: Aside) {
        let joins = SINK_ASIDE_JOIN.as_millis() as i64;
        let near = |old: &&mut Aside| {
            old.check == new.check
                && old.until_ms.is_some() == new.until_ms.is_some()
                && old.first_ms.saturating_sub(joins) <= new.last_ms
                && new.first_ms <= old.last_ms.saturating_add(joins)
        };
        match self.all.iter_mut().rev().find(near) {
            Some(old) => old.take(new),
            None => self.all.push(new),
        }
    }

    /// Where there are too many, those of one check become one, which names more than was set aside, and never less.
    fn bound(&mut self) {
        if self.all.len() <= SINK_ASIDE_MAX {
            return;
        }
        let mut joined: Vec<Aside> = Vec::new();
        for one in std::mem::take(&mut self.all) {
            let same =
                |old: &&mut Aside| old.check == one.check && old.until_ms.is_some() == one.until_ms.is_some();
            match joined.iter_mut().find(same) {
                Some(old) => old.take(one),
                None => joined.push(one),
            }
        }
        self.all = joined;
    }

    /// Takes out what is to be sent again: what was held back and is no later than the receiver takes now (ms since the epoch), or
    /// everything. When it was held back for is not asked: a clock may have been wrong then.
    pub(super) fn take_due(&mut self, limit_ms: i64, everything: bool) -> Vec<Aside> {
        let is_due = |one: &Aside| everything || one.until_ms.is_some() && one.last_ms <= limit_ms;
        let (due, kept) = std::mem::take(&mut self.all).into_iter().partition(is_due);
        self.all = kept;
        due
    }

    /// How many samples or runs that is.
    pub fn samples(&self) -> u64 {
        self.all.iter().map(|one| one.samples).sum()
    }
}

impl Aside {
    fn take(&mut self, other: Aside) {
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
        self.samples = self.samples.saturating_add(other.samples);
        self.until_ms = self.until_ms.max(other.until_ms);
        // The newest reason is the one that somebody looks for.
        (self.why, self.series) = (other.why, other.series);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aside(check: &str, at_ms: i64, until_ms: Option<i64>) -> Aside {
        let (check, series, why) = (check.to_owned(), "x".to_owned(), "bad".to_owned());
        Aside { check, first_ms: at_ms, last_ms: at_ms, samples: 1, series, why, until_ms }
    }

    #[test]
    fn what_is_close_in_time_is_one() {
        let mut all = Asides::default();
        let far = SINK_ASIDE_JOIN.as_millis() as i64 * 2;
        for (check, at_ms, until_ms) in [
            ("a", 0, None),
            ("a", 5, None),
            ("b", 5, None),
            ("a", far, None),
            ("a", 6, Some(9)),
            ("a", 7, Some(8)),
        ] {
            all.join(aside(check, at_ms, until_ms));
        }
        let shown: Vec<_> =
            all.all.iter().map(|one| (&*one.check, one.first_ms, one.last_ms, one.samples)).collect();
        assert_eq!(shown, [("a", 0, 5, 2), ("b", 5, 5, 1), ("a", far, far, 1), ("a", 6, 7, 2)]);
        assert_eq!(all.samples(), 6);
        assert_eq!(all.take_due(6, false), []);
        assert_eq!(all.take_due(7, false).len(), 1);
        assert_eq!((all.take_due(0, true).len(), all.samples()), (3, 0));
    }

    #[test]
    fn too_many_become_wider_and_none_is_forgotten() {
        let mut all = Asides::default();
        let far = SINK_ASIDE_JOIN.as_millis() as i64 * 2;
        for index in 0..=SINK_ASIDE_MAX as i64 {
            all.join(aside("a", index * far, None));
        }
        all.bound();
        let [one] = &all.all[..] else { panic!("{}", all.all.len()) };
        assert_eq!((one.first_ms, one.last_ms), (0, SINK_ASIDE_MAX as i64 * far));
        assert_eq!(one.samples, SINK_ASIDE_MAX as u64 + 1);
    }
}
