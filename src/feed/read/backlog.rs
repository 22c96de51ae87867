//! The lane of what is owed: stretches of runs, check by check.

use std::sync::Arc;

use custos_store::{ArrivalRange, Arrivals, Position, Snapshot};

use super::error::FeedError;
use super::live::gaps_between;
use super::owed::{Owed, Why};
use super::piece::{FedRun, Gap, Loss, Piece, Progress, Step};
use super::place::Place;
use super::selection::Wanted;
use crate::limits::FEED_ARRIVALS_BYTES;

/// The stretch that is being read, if one is.
#[derive(Default)]
pub(super) struct Backlog {
    reading: Option<Reading>,
}

struct Reading {
    owed: Owed,
    /// Those that have not been begun, the next one at the end.
    checks: Vec<String>,
    check: Option<OfCheck>,
    gaps: Vec<Gap>,
}

/// The runs of a check.
struct OfCheck {
    check: Arc<str>,
    arrivals: Arrivals,
    last_ms: Option<i64>,
}

impl Backlog {
    /// Begins anew with what is owed.
    pub(super) fn reset(&mut self) {
        self.reading = None;
    }

    /// The next runs of what is owed, which becomes less by them.
    ///
    /// # Errors
    /// If the store cannot be read. The same runs come next time.
    pub(super) fn next(&mut self, place: &mut Place, wanted: Wanted<'_>) -> Result<Option<Piece>, FeedError> {
        let Some(owed) = place.first_owed() else { return Ok(None) };
        let is_same = self.reading.as_ref().is_some_and(|reading| reading.owed.id == owed.id);
        if !is_same {
            self.reading = Some(Reading::begin(owed, wanted));
        }
        let Some(reading) = &mut self.reading else { return Ok(None) };
        let again = reading.owed.why != Why::Behind;
        match reading.fill(wanted) {
            Ok(Filled { runs, gaps, done, finished, failed }) => {
                let step = Step::Owed { id: reading.owed.id, done, finished };
                place.take(&step);
                if finished || failed {
                    self.reading = None;
                }
                Ok(Some(Piece {
                    runs,
                    gaps,
                    progress: Progress { epoch: 0, step },
                    live: false,
                    has_more: true,
                    again,
                }))
            }
            Err(error) => {
                self.reading = None;
                Err(error)
            }
        }
    }
}

#[derive(Default)]
struct Filled {
    runs: Vec<FedRun>,
    gaps: Vec<Gap>,
    done: Option<(Arc<str>, u64)>,
    finished: bool,
    /// The rest could not be read now.
    failed: bool,
}

impl Reading {
    fn begin(owed: &Owed, wanted: Wanted<'_>) -> Reading {
        let Wanted { snapshot, selection, .. } = wanted;
        let owed = owed.clone();
        if owed.why == Why::Lost {
            return Reading { gaps: vec![lost(&owed)], checks: Vec::new(), check: None, owed };
        }
        let mut checks: Vec<String> = match &owed.check {
            Some(check) => vec![check.clone()],
            None => snapshot.checks().into_iter().map(|check| check.name).collect(),
        };
        let begun = owed.done.as_ref().map(|(check, _)| Arc::clone(check));
        checks.retain(|check| {
            selection.has_check(check) && begun.as_deref().is_none_or(|begun| check.as_str() >= begun)
        });
        checks.reverse();
        let gaps = match begun {
            None => gaps_between(snapshot, Position(owed.from), Position(owed.until), None),
            Some(_) => Vec::new(),
        };
        Reading { owed, checks, check: None, gaps }
    }

    fn fill(&mut self, wanted: Wanted<'_>) -> Result<Filled, FeedError> {
        let Wanted { snapshot, selection, budget } = wanted;
        let mut filled = Filled { gaps: std::mem::take(&mut self.gaps), ..Filled::default() };
        let mut bytes = 0;
        while filled.runs.len() < budget.runs && (bytes < budget.bytes || filled.runs.is_empty()) {
            let Some(of_check) = self.begin_check(snapshot) else {
                filled.finished = true;
                break;
            };
            match of_check.arrivals.next_or_unread() {
                Some(Ok(arrived)) => {
                    let next = arrived.position.0;
                    let number = next.saturating_sub(1);
                    let mut fed = FedRun { number, check: Arc::clone(&of_check.check), run: arrived.run };
                    of_check.last_ms = Some(fed.run.time_ms);
                    let open = filled.gaps.iter_mut().filter(|gap| {
                        gap.until_ms.is_none() && gap.check.as_deref() == Some(&of_check.check)
                    });
                    open.for_each(|gap| gap.until_ms = of_check.last_ms);
                    selection.narrow(&fed.check, &mut fed.run);
                    bytes += fed.bytes();
                    filled.done = Some((Arc::clone(&of_check.check), next));
                    filled.runs.push(fed);
                }
                Some(Err(unread)) => match unread.damage {
                    Some(damage) => filled.gaps.push(Gap::of(&damage, of_check.last_ms)),
                    None if filled.runs.is_empty() => return Err(unread.error.into()),
                    // What has been read is handed out, and the rest is read again.
                    None => {
                        filled.failed = true;
                        break;
                    }
                },
                None => {
                    filled.done = Some((Arc::clone(&of_check.check), self.owed.until));
                    self.check = None;
                }
            }
        }
        Ok(filled)
    }

    /// The check that is being read, or the next one.
    fn begin_check(&mut self, snapshot: &Snapshot) -> Option<&mut OfCheck> {
        if self.check.is_none() {
            let check: Arc<str> = Arc::from(self.checks.pop()?);
            let done = self.owed.done.as_ref().filter(|(begun, _)| *begun == check);
            let from = done.map_or(self.owed.from, |(_, next)| self.owed.from.max(*next));
            let range = ArrivalRange {
                from: Position(from),
                until: Position(self.owed.until),
                check: Some(Arc::clone(&check)),
                times: self.owed.times(),
                bytes_max: FEED_ARRIVALS_BYTES,
            };
            self.check = Some(OfCheck { arrivals: snapshot.arrivals(range), check, last_ms: None });
        }
        self.check.as_mut()
    }
}

fn lost(owed: &Owed) -> Gap {
    Gap {
        from: Position(owed.from),
        until: Position(owed.until),
        check: owed.check.clone(),
        since_ms: None,
        until_ms: None,
        runs: None,
        samples: None,
        loss: Loss::Lost,
        what: "what was damaged could not be restored".to_owned(),
    }
}
