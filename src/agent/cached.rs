//! `serve: cached`: whether the last run of a check answers a request, or a new one is needed.
//!
//! Invariant: a run older than allowed is never passed off as the state of now.

use std::time::Duration;

use custos_store::State;

use super::answer::Answer;
use crate::clock::micros;
use crate::config::{Serving, Stale};

/// The last run of a check's own job, as an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LastAnswer {
    /// Output with the verdict, ending in a newline.
    pub(super) output: Vec<u8>,
    /// The verdict.
    pub(super) state: State,
    /// When it ended, on the monotonic clock.
    pub(super) ended_us: u64,
    /// Time between two runs of the check.
    pub(super) interval: Duration,
}

/// The answer to a request for a check with this `serve`, from the last run; `None` if a new run is needed.
pub(super) fn cached(serving: Serving, last: Option<&LastAnswer>, now_us: u64) -> Option<Answer> {
    let Serving::Cached { max_age, stale } = serving else { return None };
    let age_us = |last: &LastAnswer| now_us.saturating_sub(last.ended_us);
    let why = match (last, stale) {
        (Some(last), _) if age_us(last) <= micros(max_age) => {
            return Some(Answer::Known { state: last.state, output: with_age(last, age_us(last)) });
        }
        (_, Stale::Run) => return None,
        (Some(last), Stale::Unknown) => format!(
            "UNKNOWN: the last run is {} s old, older than the {} s allowed\n",
            age_us(last) / 1_000_000,
            max_age.as_secs()
        ),
        (None, Stale::Unknown) => {
            "UNKNOWN: there was no run since the start or a change of the check\n".to_owned()
        }
    };
    Some(Answer::Known { state: State::Unknown, output: why.into_bytes() })
}

/// The output; if the schedule should have brought a newer one by now, its age follows the text of the first line.
fn with_age(last: &LastAnswer, age_us: u64) -> Vec<u8> {
    let mut output = last.output.clone();
    if age_us > micros(last.interval) {
        let end = output.iter().position(|byte| matches!(byte, b'|' | b'\n')).unwrap_or(output.len());
        let text_len = output[..end].trim_ascii_end().len();
        let age = format!(" ({} s ago)", age_us / 1_000_000);
        output.splice(text_len..text_len, age.into_bytes());
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn serving(stale: Stale) -> Serving {
        Serving::Cached { max_age: 60 * SECOND, stale }
    }

    /// The answer so long after a run with this output, for a check that runs every ten seconds.
    fn answered(serving: Serving, output: &str, age_s: u64) -> Option<(u8, String)> {
        let output = output.as_bytes().to_vec();
        let last = LastAnswer { output, state: State::Warning, ended_us: 5_000_000, interval: 10 * SECOND };
        shown(cached(serving, Some(&last), 5_000_000 + age_s * 1_000_000))
    }

    fn shown(answer: Option<Answer>) -> Option<(u8, String)> {
        answer.map(|answer| (answer.state().code(), String::from_utf8(answer.output()).unwrap()))
    }

    #[test]
    fn fresh_always_runs() {
        assert_eq!(answered(Serving::Fresh, "OK\n", 0), None);
    }

    #[test]
    fn a_young_run_answers_and_tells_its_age_when_it_is_late() {
        for (output, age_s, expected) in [
            ("OK | a=1\n", 10, "OK | a=1\n"),
            ("OK | a=1\n", 11, "OK (11 s ago) | a=1\n"),
            ("OK\nmore|b=2\n", 60, "OK (60 s ago)\nmore|b=2\n"),
            ("OK\n", 60, "OK (60 s ago)\n"),
        ] {
            assert_eq!(answered(serving(Stale::Run), output, age_s), Some((1, expected.to_owned())));
        }
    }

    #[test]
    fn an_old_run_is_never_an_answer() {
        assert_eq!(answered(serving(Stale::Run), "OK\n", 61), None);
        assert_eq!(cached(serving(Stale::Run), None, 0).map(|answer| answer.state()), None);
        let unknown = |text: &str| Some((3, text.to_owned()));
        assert_eq!(
            answered(serving(Stale::Unknown), "OK\n", 61),
            unknown("UNKNOWN: the last run is 61 s old, older than the 60 s allowed\n")
        );
        assert_eq!(
            shown(cached(serving(Stale::Unknown), None, 0)),
            unknown("UNKNOWN: there was no run since the start or a change of the check\n")
        );
    }
}
