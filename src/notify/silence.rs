//! What keeps alerts from being told: silences for a time, and acknowledgements until they are over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::alert::AlertId;
use crate::config::Matchers;
use crate::limits::{NOTIFY_AUTHOR_MAX_BYTES, NOTIFY_COMMENT_MAX_BYTES, NOTIFY_SILENCES_MAX};

/// Who silences something or acknowledges it, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// Who.
    pub author: String,
    /// Why.
    pub comment: String,
}

impl Remark {
    /// Whether it may be kept.
    ///
    /// # Errors
    /// What is too long.
    pub(super) fn check(&self) -> Result<(), String> {
        for (what, text, most) in [
            ("author", &self.author, NOTIFY_AUTHOR_MAX_BYTES),
            ("comment", &self.comment, NOTIFY_COMMENT_MAX_BYTES),
        ] {
            if text.len() > most {
                return Err(format!("the {what} has more than {most} bytes"));
            }
        }
        Ok(())
    }
}

/// Alerts that are not told for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its number.
    pub id: u64,
    /// Conditions on their labels, as they are written.
    pub matchers: Vec<String>,
    /// From when (ms since the epoch).
    pub from_ms: i64,
    /// Until when (ms since the epoch).
    pub until_ms: i64,
    /// Who and why.
    #[serde(flatten)]
    pub remark: Remark,
}

/// An alert that is not told until it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The check of the alert.
    pub check: String,
    /// The labels of its instance, as one text.
    pub of: String,
    /// Since when (ms since the epoch).
    pub at_ms: i64,
    /// Who and why.
    #[serde(flatten)]
    pub remark: Remark,
}

/// All silences.
#[derive(Clone, Debug, Default)]
pub(super) struct Silences {
    all: BTreeMap<u64, (Silence, Matchers)>,
    /// The number of the last one that there was: none is given twice.
    last_id: u64,
}

/// Silences as they are kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct NotedSilences {
    last_id: u64,
    silences: Vec<Silence>,
}

impl NotedSilences {
    /// Whether the conditions of all can be read.
    ///
    /// # Errors
    /// The first that cannot, and why.
    pub(super) fn all_are_read(&self) -> Result<(), String> {
        self.silences.iter().try_for_each(|silence| {
            let read = Matchers::parse(silence.matchers.iter().map(String::as_str));
            read.map(drop).map_err(|why| format!("{}: {why}", silence.id))
        })
    }
}

impl Silences {
    /// Those that were kept; ones that cannot be read are left out.
    pub(super) fn restore(noted: NotedSilences) -> Silences {
        let read = |silence: Silence| {
            let matchers = Matchers::parse(silence.matchers.iter().map(String::as_str)).ok()?;
            Some((silence.id, (silence, matchers)))
        };
        let all: BTreeMap<_, _> = noted.silences.into_iter().filter_map(read).collect();
        let last_id = all.last_key_value().map_or(0, |(last, _)| *last).max(noted.last_id);
        Silences { all, last_id }
    }

    /// What is to be kept.
    pub(super) fn noted(&self) -> NotedSilences {
        NotedSilences { last_id: self.last_id, silences: self.list() }
    }

    /// Adds one and returns its number.
    pub(super) fn add(
        &mut self,
        matchers: Matchers,
        from_ms: i64,
        until_ms: i64,
        remark: Remark,
    ) -> Result<u64, String> {
        remark.check()?;
        if matchers.is_empty() {
            return Err("a silence needs a condition".to_owned());
        }
        if until_ms <= from_ms {
            return Err("the silence would end before it begins".to_owned());
        }
        if self.all.len() >= NOTIFY_SILENCES_MAX {
            return Err(format!("there are {NOTIFY_SILENCES_MAX} silences already"));
        }
        let id = self.last_id.saturating_add(1);
        self.last_id = id;
        let silence = Silence { id, matchers: matchers.written(), from_ms, until_ms, remark };
        self.all.insert(id, (silence, matchers));
        Ok(id)
    }

    /// Ends one.
    pub(super) fn expire(&mut self, id: u64) -> Result<(), String> {
        self.all.remove(&id).map(|_| ()).ok_or_else(|| format!("there is no silence {id}"))
    }

    /// Takes out those that are over, and returns whether there were any.
    pub(super) fn tidy(&mut self, now_ms: i64) -> bool {
        let before = self.all.len();
        self.all.retain(|_, (silence, _)| silence.until_ms > now_ms);
        self.all.len() != before
    }

    /// The silence that holds for an alert of this check with these labels now.
    pub(super) fn of(&self, check: &str, labels: &BTreeMap<String, String>, now_ms: i64) -> Option<u64> {
        let holds = |silence: &Silence| silence.from_ms <= now_ms && now_ms < silence.until_ms;
        self.all
            .values()
            .find(|(silence, matchers)| holds(silence) && matchers.matches(check, labels))
            .map(|(silence, _)| silence.id)
    }

    /// When the next one begins or ends (ms since the epoch).
    pub(super) fn next_ms(&self, now_ms: i64) -> Option<i64> {
        let times = self.all.values().flat_map(|(silence, _)| [silence.from_ms, silence.until_ms]);
        times.filter(|time| *time > now_ms).min()
    }

    /// All, by number.
    pub(super) fn list(&self) -> Vec<Silence> {
        self.all.values().map(|(silence, _)| silence.clone()).collect()
    }
}

/// All acknowledgements.
#[derive(Clone, Debug, Default)]
pub(super) struct Acks {
    all: BTreeMap<AlertId, (i64, Remark)>,
}

impl Acks {
    pub(super) fn restore(list: Vec<Ack>) -> Acks {
        let read = |ack: Ack| (AlertId { check: ack.check, of: ack.of }, (ack.at_ms, ack.remark));
        Acks { all: list.into_iter().map(read).collect() }
    }

    /// Adds one. Without a comment it keeps the one that there was.
    pub(super) fn add(&mut self, id: AlertId, at_ms: i64, mut remark: Remark) {
        if let Some((_, before)) = self.all.get(&id).filter(|_| remark.comment.is_empty()) {
            remark.comment.clone_from(&before.comment);
        }
        self.all.insert(id, (at_ms, remark));
    }

    pub(super) fn remove(&mut self, id: &AlertId) -> bool {
        self.all.remove(id).is_some()
    }

    pub(super) fn has(&self, id: &AlertId) -> bool {
        self.all.contains_key(id)
    }

    pub(super) fn list(&self) -> Vec<Ack> {
        let ack = |(id, (at_ms, remark)): (&AlertId, &(i64, Remark))| Ack {
            check: id.check.clone(),
            of: id.of.clone(),
            at_ms: *at_ms,
            remark: remark.clone(),
        };
        self.all.iter().map(ack).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_holds_from_when_to_when_it_says() {
        let mut silences = Silences::default();
        let of = |check: &str| Matchers::of_check(check);
        let id = silences.add(of("a"), 10, 20, Remark::default()).unwrap();
        let labels = BTreeMap::from([("check".to_owned(), "a".to_owned())]);
        let held: Vec<bool> =
            [9, 10, 19, 20].iter().map(|now| silences.of("a", &labels, *now).is_some()).collect();
        assert_eq!(held, [false, true, true, false]);
        assert_eq!(
            (silences.next_ms(5), silences.next_ms(10), silences.next_ms(20)),
            (Some(10), Some(20), None)
        );
        assert!(silences.add(of("a"), 10, 10, Remark::default()).is_err());
        assert!(silences.add(Matchers::default(), 10, 20, Remark::default()).is_err());
        let long = Remark { comment: "x".repeat(NOTIFY_COMMENT_MAX_BYTES + 1), ..Remark::default() };
        assert!(silences.add(of("a"), 10, 20, long).is_err());
        let again = Silences::restore(silences.noted());
        assert_eq!(again.of("a", &labels, 15), Some(id));
        assert_eq!(again.of("b", &labels, 15), None);
        assert!(!silences.tidy(19) && silences.tidy(20));
        assert!(silences.expire(id).is_err());
        let mut again = Silences::restore(silences.noted());
        assert_eq!(again.add(of("a"), 10, 20, Remark::default()), Ok(id + 1));
    }

    #[test]
    fn an_acknowledgement_without_a_comment_keeps_the_one_that_there_was() {
        let id = AlertId { check: "a".into(), of: String::new() };
        let remark = |author: &str, comment: &str| Remark { author: author.into(), comment: comment.into() };
        let mut acks = Acks::default();
        for (author, comment) in [("me", "known"), ("you", "")] {
            acks.add(id.clone(), 1, remark(author, comment));
        }
        assert_eq!(acks.list()[0].remark, remark("you", "known"));
    }
}
