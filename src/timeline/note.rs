//! Notes: what people and their scripts wrote of a moment.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::marks::{Mark, Marks};
use crate::limits::TIMELINE_NOTES_MAX;

/// What somebody wrote of a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineNote {
    /// Its number, which is never given again.
    pub number: u64,
    /// Of when it is (ms since the epoch).
    pub time_ms: i64,
    /// The check that it is about; none for the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Who wrote it.
    pub author: String,
    /// What was written.
    pub text: String,
}

impl Mark for TimelineNote {
    const WHAT: &'static str = "note";
    const NOTE: &'static str = "timeline-notes";
    const MOST: usize = TIMELINE_NOTES_MAX;

    fn number(&self) -> u64 {
        self.number
    }
}

impl TimelineNote {
    /// Whether it is about one of these checks, or about the machine; all are if none is named.
    pub fn is_about(&self, checks: &[String]) -> bool {
        checks.is_empty() || self.check.as_ref().is_none_or(|check| checks.contains(check))
    }

    /// What was written, with the check that it is about, and by whom.
    pub fn said(&self) -> String {
        let check = self.check.as_ref().map(|check| format!("{check}: ")).unwrap_or_default();
        format!("{check}{} ({})", self.text, self.author)
    }
}

impl Marks<TimelineNote> {
    /// Those about checks and within a time, the earliest first; see [`TimelineNote::is_about`].
    pub fn within(&self, checks: &[String], span: &Range<i64>) -> Vec<&TimelineNote> {
        let is_wanted = |note: &&TimelineNote| span.contains(&note.time_ms) && note.is_about(checks);
        let mut wanted: Vec<&TimelineNote> = self.all.iter().filter(is_wanted).collect();
        wanted.sort_by_key(|note| note.time_ms);
        wanted
    }
}

/// Notes that take their places between things that come in the order of time.
pub struct Between<'a> {
    notes: std::iter::Peekable<std::vec::IntoIter<&'a TimelineNote>>,
}

impl<'a> Between<'a> {
    /// Of notes, the earliest first.
    pub fn new(notes: Vec<&'a TimelineNote>) -> Between<'a> {
        Between { notes: notes.into_iter().peekable() }
    }

    /// Those of up to a time that have not had their turn.
    pub fn until(&mut self, time_ms: i64) -> Vec<&'a TimelineNote> {
        std::iter::from_fn(|| self.notes.next_if(|note| note.time_ms <= time_ms)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::MarkError;

    fn note(number: u64, time_ms: i64, check: Option<&str>) -> TimelineNote {
        let check = check.map(str::to_owned);
        TimelineNote { number, time_ms, check, author: "anna".to_owned(), text: "deploy".to_owned() }
    }

    #[test]
    fn notes_of_the_machine_are_about_every_check() {
        let all = vec![note(1, 30, None), note(2, 20, Some("load")), note(3, 10, Some("disk"))];
        let notes = Marks { next: 4, all };
        let numbers = |checks: &[&str], span| {
            let checks: Vec<String> = checks.iter().map(|check| (*check).to_owned()).collect();
            notes.within(&checks, &span).iter().map(|note| note.number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&[], 0..100), [3, 2, 1]);
        assert_eq!(numbers(&["load"], 0..100), [2, 1]);
        assert_eq!(numbers(&["web"], 0..30), [0; 0]);
        let mut between = Between::new(notes.within(&[], &(0..100)));
        assert_eq!(between.until(20).iter().map(|note| note.number).collect::<Vec<_>>(), [3, 2]);
        assert_eq!((between.until(20).len(), between.until(i64::MAX).len()), (0, 1));
    }

    #[test]
    fn no_number_comes_again_and_many_may_write_at_once() {
        let store = tempfile::tempdir().unwrap();
        let path = store.path();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let add = move || Marks::add(path, |number| note(number, writer, None)).unwrap();
                scope.spawn(move || (0..5).for_each(|_| assert!(add() > 0)));
            }
        });
        let mut numbers: Vec<u64> =
            Marks::<TimelineNote>::read(path).unwrap().all.iter().map(|n| n.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
        Marks::<TimelineNote>::remove(path, &[20, 3]).unwrap();
        assert_eq!(Marks::add(path, |number| note(number, 0, None)).unwrap(), 21);
        // None of them is taken away.
        let refused = Marks::<TimelineNote>::remove(path, &[1, 3]).unwrap_err();
        assert!(matches!(refused, MarkError::Unknown("note", 3)), "{refused}");
        assert_eq!(Marks::<TimelineNote>::read(path).unwrap().all.len(), 19);
    }

    #[test]
    fn no_more_are_kept_than_may_be() {
        let store = tempfile::tempdir().unwrap();
        let all = (1..=TIMELINE_NOTES_MAX as u64).map(|number| note(number, 0, None)).collect();
        let full = Marks { next: TIMELINE_NOTES_MAX as u64 + 1, all };
        let text = serde_json::to_vec(&full).unwrap();
        custos_store::Notes::new(store.path()).write(TimelineNote::NOTE, &text).unwrap();
        let refused = Marks::add(store.path(), |number| note(number, 0, None)).unwrap_err();
        assert!(refused.to_string().contains("as many as may be"), "{refused}");
    }
}
