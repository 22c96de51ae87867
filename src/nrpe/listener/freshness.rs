//! Answers from the schedule: whether the last run of a check answers a request, or a new one is needed.
//!
//! Invariant: a run older than allowed is never passed off as the state of now.

use std::time::Duration;

use super::request::Answer;
use crate::config::{Serving, Stale};

/// The last run of a check, as it would be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastRun {
    /// Code and text.
    pub answer: Answer,
    /// How long ago it ended, by the monotonic clock.
    pub age: Duration,
    /// Time between two runs of the check.
    pub interval: Duration,
}

/// What answers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// This, at once.
    Answer(Answer),
    /// A new run.
    Run,
}

/// Chooses what answers a request for a check.
pub fn source(serving: Serving, last: Option<LastRun>) -> Source {
    let Serving::Cached { max_age, stale } = serving else { return Source::Run };
    match (last, stale) {
        (Some(last), _) if last.age <= max_age => Source::Answer(last.told()),
        (_, Stale::Run) => Source::Run,
        (Some(last), Stale::Unknown) => Source::Answer(Answer::unknown(format!(
            "UNKNOWN: the last run is {} s old, older than the {} s allowed",
            last.age.as_secs(),
            max_age.as_secs()
        ))),
        (None, Stale::Unknown) => Source::Answer(Answer::unknown(
            "UNKNOWN: there was no run since the start or a change of the check",
        )),
    }
}

impl LastRun {
    /// The answer, with its age behind the first line's text if the schedule should have brought a newer one by now.
    fn told(mut self) -> Answer {
        if self.age > self.interval {
            let end = self.answer.text.iter().position(|byte| matches!(byte, b'|' | b'\n'));
            let end = end.unwrap_or(self.answer.text.len());
            let text_len = self.answer.text[..end].trim_ascii_end().len();
            let age = format!(" ({} s ago)", self.age.as_secs());
            self.answer.text.splice(text_len..text_len, age.into_bytes());
        }
        self.answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn cached(stale: Stale) -> Serving {
        Serving::Cached { max_age: 60 * SECOND, stale }
    }

    fn last(text: &str, age_s: u32) -> Option<LastRun> {
        let answer = Answer { code: 0, text: text.as_bytes().to_vec() };
        Some(LastRun { answer, age: age_s * SECOND, interval: 10 * SECOND })
    }

    fn told(serving: Serving, last: Option<LastRun>) -> (u8, String) {
        match source(serving, last) {
            Source::Answer(answer) => (answer.code, String::from_utf8(answer.text).unwrap()),
            Source::Run => panic!("a run"),
        }
    }

    #[test]
    fn fresh_always_runs() {
        assert_eq!(source(Serving::Fresh, last("OK", 0)), Source::Run);
    }

    #[test]
    fn a_young_run_answers_and_tells_its_age_when_it_is_late() {
        assert_eq!(told(cached(Stale::Run), last("OK | a=1", 10)), (0, "OK | a=1".into()));
        assert_eq!(told(cached(Stale::Run), last("OK | a=1", 11)), (0, "OK (11 s ago) | a=1".into()));
        assert_eq!(told(cached(Stale::Run), last("OK\nmore|b=2", 60)), (0, "OK (60 s ago)\nmore|b=2".into()));
        assert_eq!(told(cached(Stale::Run), last("OK", 60)), (0, "OK (60 s ago)".into()));
    }

    #[test]
    fn an_old_run_is_never_an_answer() {
        assert_eq!(source(cached(Stale::Run), last("OK", 61)), Source::Run);
        assert_eq!(source(cached(Stale::Run), None), Source::Run);
        assert_eq!(told(cached(Stale::Unknown), last("OK", 61)).0, 3);
        assert_eq!(told(cached(Stale::Unknown), None).0, 3);
    }
}
