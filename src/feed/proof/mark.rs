//! Up to when it is proven that a receiver has everything.

use custos_store::Notes;
use serde::{Deserialize, Serialize};

use super::dispute::Proof;
use super::hours::{HOUR_MS, Hours};
use crate::limits::PROOF_OPEN_HOURS_MAX;

/// Up to when it is proven that a receiver has everything. A note of the store, which the process that delivers writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofMark {
    /// When the sink began to deliver (ms since the epoch); none if with the first run that is stored.
    pub since_ms: Option<i64>,
    /// All hours before this time were looked at (ms since the epoch).
    pub looked_until_ms: Option<i64>,
    /// Those of them that were not right.
    pub open_hours_ms: Vec<i64>,
    /// What was not right with the last of them.
    pub why: Option<String>,
}

/// The name of the note.
fn note_name(sink: &str) -> String {
    format!("sink-{sink}.proven")
}

impl ProofMark {
    /// That of a sink; none if it has none yet.
    ///
    /// # Errors
    /// The note cannot be read.
    pub fn read(notes: &Notes, sink: &str) -> Result<Option<ProofMark>, String> {
        let note = notes.read(&note_name(sink)).map_err(|error| format!("failed to {error}"))?;
        let mark = note.map(|note| serde_json::from_slice(&note));
        mark.transpose().map_err(|error| format!("failed to read up to when it is proven: {error}"))
    }

    pub(super) fn write(&self, notes: &Notes, sink: &str) -> Result<(), String> {
        let text = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        notes.write(&note_name(sink), &text).map_err(|error| format!("failed to {error}"))
    }

    /// Everything before this time is proven (ms since the epoch).
    pub fn proven_until_ms(&self) -> Option<i64> {
        self.open_hours_ms.first().copied().or(self.looked_until_ms)
    }

    /// What is not right, in a sentence.
    pub fn not_proven(&self) -> Option<String> {
        let hours = match self.open_hours_ms.len() {
            0 => return None,
            1 => "1 hour is".to_owned(),
            count => format!("{count} hours are"),
        };
        let why = self.why.as_deref().map_or(String::new(), |why| format!(": {why}"));
        Some(format!("{hours} not in the receiver as stored (`custos sink verify`){why}"))
    }

    /// From when on everything was to be delivered, in a store whose first run is of that time (ms since the epoch). The hour in
    /// which a sink began that does not deliver what was before is not whole.
    pub(super) fn begun_ms(&self, first_ms: i64) -> i64 {
        self.since_ms.map_or(first_ms, |since_ms| since_ms.saturating_add(HOUR_MS - 1).max(first_ms))
    }

    /// Takes in what was found of some hours, which follow those before.
    pub(super) fn take(&mut self, hours: Hours, proof: &Proof) {
        let range = hours.range();
        self.open_hours_ms.retain(|hour_ms| !range.contains(hour_ms));
        self.open_hours_ms.extend(proof.open_hours_ms.iter().filter(|hour_ms| range.contains(hour_ms)));
        self.open_hours_ms.sort_unstable();
        self.looked_until_ms = self.looked_until_ms.max(Some(range.end));
        if self.open_hours_ms.len() > PROOF_OPEN_HOURS_MAX {
            // What is not remembered is looked at again.
            self.looked_until_ms = self.open_hours_ms.get(PROOF_OPEN_HOURS_MAX).copied();
            self.open_hours_ms.truncate(PROOF_OPEN_HOURS_MAX);
        }
        let last = proof.disputes.iter().rfind(|dispute| !dispute.is_known);
        self.why = match last {
            Some(last) => Some(last.why.clone()),
            None if self.open_hours_ms.is_empty() => None,
            None => self.why.take(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(open: &[i64]) -> Proof {
        Proof { open_hours_ms: open.iter().map(|hour| hour * HOUR_MS).collect(), ..Proof::default() }
    }

    #[test]
    fn the_first_hour_that_is_not_right_ends_what_is_proven() {
        let mut mark = ProofMark::default();
        let hours = |first: i64, count| Hours { first_ms: first * HOUR_MS, count };
        assert_eq!(mark.proven_until_ms(), None);
        mark.take(hours(0, 24), &found(&[5, 7]));
        assert_eq!(mark.proven_until_ms(), Some(5 * HOUR_MS));
        mark.take(hours(5, 1), &found(&[]));
        assert_eq!(mark.proven_until_ms(), Some(7 * HOUR_MS));
        mark.take(hours(7, 1), &found(&[]));
        assert_eq!(mark.proven_until_ms(), Some(24 * HOUR_MS));
    }

    #[test]
    fn hours_that_are_not_remembered_are_looked_at_again() {
        let mut mark = ProofMark::default();
        let most = PROOF_OPEN_HOURS_MAX as i64;
        let all: Vec<i64> = (0..most + 5).collect();
        mark.take(Hours { first_ms: 0, count: all.len() }, &found(&all));
        assert_eq!(mark.looked_until_ms, Some(most * HOUR_MS));
        assert_eq!(mark.open_hours_ms.len(), PROOF_OPEN_HOURS_MAX);
    }
}
