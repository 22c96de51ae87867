//! Problems of checks in a stretch of time, from their changes of state.

use std::collections::BTreeMap;
use std::ops::Range;

use custos_query::Event;
use custos_store::State;

/// A time in which a check was not OK.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    pub(super) check: String,
    /// The worst state that it had.
    pub(super) worst: State,
    /// When it began (ms since the epoch); none if that was before the stretch.
    pub(super) since_ms: Option<i64>,
    /// When it was over (ms since the epoch); none if that was not within the stretch.
    pub(super) until_ms: Option<i64>,
    /// What was said when it was worst.
    pub(super) said: String,
}

impl Problem {
    /// The part of a stretch in which it was.
    pub(super) fn within(&self, span: &Range<i64>) -> Range<i64> {
        self.since_ms.unwrap_or(span.start)..self.until_ms.unwrap_or(span.end)
    }
}

/// The problems in a stretch, the earliest first: by changes of state, the earliest first, and by the states of checks when it began, with
/// what was said.
pub(super) fn problems(before: BTreeMap<String, (State, String)>, events: &[Event]) -> Vec<Problem> {
    let mut open: BTreeMap<String, Problem> = BTreeMap::new();
    for (check, (state, said)) in before {
        if state != State::Ok {
            let problem =
                Problem { check: check.clone(), worst: state, since_ms: None, until_ms: None, said };
            open.insert(check, problem);
        }
    }
    let mut over = Vec::new();
    for event in events {
        let is_over = event.to == State::Ok;
        match open.get_mut(&event.check) {
            Some(problem) if is_over => {
                problem.until_ms = Some(event.time_ms);
                over.extend(open.remove(&event.check));
            }
            Some(problem) if event.to.severity() > problem.worst.severity() => {
                (problem.worst, problem.said) = (event.to, event.said());
            }
            None if !is_over => {
                let problem = Problem {
                    check: event.check.clone(),
                    worst: event.to,
                    since_ms: Some(event.time_ms),
                    until_ms: None,
                    said: event.said(),
                };
                open.insert(event.check.clone(), problem);
            }
            _ => {}
        }
    }
    over.extend(open.into_values());
    over.sort_by(|one, other| (one.since_ms, &one.check).cmp(&(other.since_ms, &other.check)));
    over
}

#[cfg(test)]
mod tests {
    use custos_query::EventKind;

    use super::*;

    fn event(check: &str, time_ms: i64, from: State, to: State) -> Event {
        Event {
            id: String::new(),
            check: check.to_owned(),
            time_ms,
            kind: EventKind::Hard,
            from: Some(from),
            to,
            attempt: 1,
            text: format!("{check} {}", to.name()),
            judgement: String::new(),
            lasted_ms: None,
        }
    }

    #[test]
    fn a_problem_lasts_until_its_check_is_ok_again() {
        use State::{Critical, Ok, Unknown, Warning};
        let events = [
            event("load", 10, Ok, Warning),
            event("load", 20, Warning, Critical),
            event("load", 30, Critical, Warning),
            event("disk", 35, Critical, Ok),
            event("load", 40, Warning, Ok),
            event("web", 50, Ok, Unknown),
        ];
        let before = BTreeMap::from([
            ("disk".to_owned(), (Critical, "full".to_owned())),
            ("load".to_owned(), (Ok, String::new())),
            ("raid".to_owned(), (Warning, "degraded".to_owned())),
        ]);
        let found = problems(before, &events);
        let facts: Vec<_> = found
            .iter()
            .map(|one| (one.check.as_str(), one.worst, one.since_ms, one.until_ms, one.said.as_str()))
            .collect();
        assert_eq!(
            facts,
            [
                ("disk", Critical, None, Some(35), "full"),
                ("raid", Warning, None, None, "degraded"),
                ("load", Critical, Some(10), Some(40), "load CRITICAL"),
                ("web", Unknown, Some(50), None, "web UNKNOWN"),
            ]
        );
        assert_eq!(found[1].within(&(5..60)), 5..60);
    }
}
